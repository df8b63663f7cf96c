"""What comes in, what goes out, and the log of both."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

JSON: TypeAlias = "dict[str, JSON] | list[JSON] | str | int | float | bool | None"

CONTENT_TYPE = "application/json;odata.metadata=minimal;odata.streaming=true;IEEE754Compatible=false;charset=utf-8"


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
class Answer:
    """What an operation answers: to become a Response, or one of a batch's."""

    status: int
    body: JSON = None
    headers: dict[str, str] = field(default_factory=dict)
    resource_units: float = 1.0
    write_units: float = 0.0
    delay: float = 0.0
    """Seconds it takes longer than others."""


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
    """An operation ends in an error answer."""

    def __init__(self, status: int, code: str, message: str, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(message)
        self.status, self.code, self.message = status, code, message
        self.headers = dict(headers or {})


def as_json(body: JSON) -> bytes:
    """JSON as Graph writes it."""
    return json.dumps(body, separators=(",", ":")).encode()
