"""What all operations share: the account's state, its behaviour, the clock's time, and who is told of changes."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from random import Random
from typing import Literal, TypeAlias

from simulator.cloudflare.behaviour import Behaviour
from simulator.cloudflare.envelope import Answer, Refused, cut
from simulator.cloudflare.state import ListWrite, State, Token
from simulator.core import Core
from simulator.messages import JSON

Pretence: TypeAlias = Literal["expected", "actual"]


@dataclass(frozen=True, slots=True)
class Call:
    """One request, below `/client/v4`, made with a good token."""

    method: str
    path: str
    query: Mapping[str, tuple[str, ...]]
    body: JSON
    token: Token
    now: float
    pretended: Pretence | None = None
    """Whether it is only answered, a fault keeping the change from being made; the answer shows what was expected, or what is."""

    def object(self) -> dict[str, JSON]:
        """The body, an object; raises Refused."""
        if not isinstance(self.body, dict):
            raise invalid("the body must be an object")
        return self.body

    def one(self, name: str) -> str | None:
        """A query parameter."""
        values = self.query.get(name)
        return values[-1] if values else None


class Service(Core[ListWrite]):
    """An account's state behind the API."""

    def __init__(self, state: State, behaviour: Behaviour, random: Random, violate: Callable[[str], None]) -> None:
        super().__init__(random, violate)
        self.state, self.behaviour = state, behaviour

    def new_tag(self) -> str:
        """A fresh id of 32 hexadecimal digits."""
        return f"{self.random.getrandbits(128):032x}"

    def right_missing(self) -> Refused:
        """What a token is told that may not do this, or not in this account."""
        status, code = self.behaviour.missing_right.split()
        message = "Authentication error" if code == "10000" else "Unauthorized to access requested resource"
        return Refused(int(status), int(code), message)

    def page(self, call: Call, entries: "list[dict[str, JSON]]", default: int, most: int) -> Answer:
        """A page of entries."""
        page, per_page = whole(call, "page", 1), whole(call, "per_page", default)
        if per_page > most:
            raise invalid(f"per_page must be at most {most}")
        part, info = cut(entries, page, per_page)
        return Answer(list(part), info=info if self.behaviour.result_info else None)


def invalid(message: str) -> Refused:
    """400 with a code that is documented nowhere."""
    return Refused(400, None, message)


def whole(call: Call, name: str, default: int) -> int:
    """A query parameter that is a whole number from 1; raises Refused."""
    text = call.one(name)
    if text is None:
        return default
    if not (text.isascii() and text.isdecimal() and len(text) < 10 and int(text)):
        raise invalid(f"{name} must be a positive integer")
    return int(text)


def text(body: Mapping[str, JSON], name: str, default: str | None = None) -> str:
    """A member that is a string, required where there is no default; raises Refused."""
    value = body.get(name, default)
    if not isinstance(value, str) or (default is None and not value):
        raise invalid(f"{name} must be a string")
    return value


def flag(body: Mapping[str, JSON], name: str, *, default: bool = False) -> bool:
    """A member that is a boolean; raises Refused."""
    value = body.get(name, default)
    if not isinstance(value, bool):
        raise invalid(f"{name} must be a boolean")
    return value


def member(body: Mapping[str, JSON], name: str) -> dict[str, JSON]:
    """A member that is an object, empty where it is absent or null; raises Refused."""
    value = body.get(name)
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise invalid(f"{name} must be an object")
    return value
