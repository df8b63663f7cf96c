"""Which operation a request is for."""

import re
from collections.abc import Callable, Iterable, Mapping
from typing import NamedTuple, TypeAlias

from simulator.entra.answers import Answer
from simulator.entra.call import Call
from simulator.entra.service import Service

Operation: TypeAlias = Callable[[Service, Call], Answer]
"""What a request does, and its answer; raises Refusal."""

NAMESPACES = ("microsoft.graph", "graph")
"""What may stand before a type in a path; Microsoft's SDKs write the short one."""
_PLACE = re.compile(r"('\{\w+\}'|\{\w+\})")


class Route(NamedTuple):
    """Requests of one method whose path, percent-decoded, matches."""

    method: str
    path: re.Pattern[str]
    operation: Operation


def route(method: str, template: str, operation: Operation) -> Route:
    """`template` is a path as Graph's reference has it, `/groups/{group}/members` or `/groups(uniqueName='{name}')`."""
    parts = (_pattern(part) if _PLACE.fullmatch(part) else re.escape(part) for part in _PLACE.split(template))
    return Route(method, re.compile("".join(parts)), operation)


def find(routes: Iterable[Route], method: str, path: str) -> tuple[Operation, Mapping[str, str]] | None:
    """The operation, and what stands in the path for the template's names; None if there is no such operation."""
    for route in routes:
        if route.method == method and (match := route.path.fullmatch(path)):
            return route.operation, match.groupdict()
    return None


def _pattern(place: str) -> str:
    """A key within quotes is text, in which a quote is doubled; anything else lies between two slashes."""
    name = place.strip("{}'")
    return f"'(?P<{name}>(?:[^']|'')+)'" if place.startswith("'") else f"(?P<{name}>[^/()]+)"
