"""What comes in, what goes out, and the log of both: the same for every service."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

JSON: TypeAlias = "dict[str, JSON] | list[JSON] | str | int | float | bool | None"


class Dropped(ConnectionError):
    """The connection was lost before an answer arrived."""


@dataclass(frozen=True, slots=True)
class Request:
    """One HTTP request, its URL absolute."""

    method: str
    url: str
    headers: Mapping[str, str]
    body: bytes = b""


@dataclass(frozen=True, slots=True)
class Response:
    """One HTTP answer; `delay` is how many seconds it takes."""

    status: int
    headers: Mapping[str, str]
    body: bytes = b""
    delay: float = 0.0


@dataclass(slots=True)
class ItemExchange:
    """One request inside a batch, as it was answered."""

    method: str
    url: str
    status: int
    resource_units: float
    write_units: float


@dataclass(slots=True)
class Exchange:
    """One request as it was answered, at a time in epoch seconds; status 0 if the connection was lost."""

    time: float
    method: str
    url: str
    status: int
    delay: float = 0.0
    items: list[ItemExchange] = field(default_factory=list)


class Refusal(Exception):
    """An operation ends in an error answer, which each service words in its own form."""

    def __init__(self, status: int, code: str, message: str, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(message)
        self.status, self.code, self.message = status, code, message
        self.headers = dict(headers or {})


def as_json(body: JSON) -> bytes:
    """JSON without blanks, as services write it."""
    return json.dumps(body, separators=(",", ":")).encode()
