"""What goes wrong, as data: which requests, what happens to them, how often."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Literal, TypeAlias, get_args

Kind: TypeAlias = Literal[
    "status",  # the answer is an error with this status, code and message; nothing was done
    "status after",  # it was done, and the answer is an error all the same
    "drop",  # the connection is lost before anything was done
    "drop after",  # it was done, and the connection is lost
    "slow",  # the answer takes `delay` seconds longer
    "redirect",
    "html",  # an error page in HTML
    "truncated",  # half of the body is missing
    "garbage",  # a body that is no JSON
    "not an object",  # a body of another JSON type
    "unanswered",  # a batch's item is missing from the answer, or the whole body is
    "no value",  # a list without its entries
    "foreign link",  # a list whose next page lies on another host
    "looping link",  # a list whose next page is itself
    "expired token",  # the token is not accepted
]
KINDS: tuple[Kind, ...] = get_args(Kind)
UNDONE: frozenset[Kind] = frozenset({"status", "drop", "redirect", "html", "expired token"})
"""Those that come before the request takes effect."""


@dataclass(slots=True)
class Fault:
    """Befalls requests whose method and path match (`*` is any): after `skip` of them every `every`th, `times` times (None: always).

    The path is the whole one, but for Graph that below `/v1.0` (`/$batch`, `/groups/*/members`). A fault strikes whatever it
    matches, a batch as a whole or one of its items; a lost connection loses the whole batch, in which earlier items have
    taken effect.
    """

    kind: Kind
    method: str = "*"
    path: str = "*"
    status: int = 503
    code: str = "serviceNotAvailable"
    message: str = "The service is temporarily unavailable."
    headers: Mapping[str, str] = field(default_factory=dict)
    delay: float = 0.0
    skip: int = 0
    every: int = 1
    times: int | None = None
    struck: int = 0
    seen: int = 0

    def strikes(self, method: str, path: str) -> bool:
        """Whether this request is hit; counts it."""
        if not (fnmatchcase(method, self.method) and fnmatchcase(path, self.path)):
            return False
        self.seen += 1
        beyond = self.seen - self.skip - 1
        if beyond < 0 or beyond % max(1, self.every) or (self.times is not None and self.struck >= self.times):
            return False
        self.struck += 1
        return True


def striking(faults: Iterable[Fault], method: str, path: str) -> list[Fault]:
    """Those that strike this request, each of which counts it."""
    return [fault for fault in faults if fault.strikes(method, path)]


def undone(struck: Iterable[Fault]) -> bool:
    """Whether one of them comes before the request takes effect."""
    return any(fault.kind in UNDONE for fault in struck)
