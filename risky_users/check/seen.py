"""What was read of a service with somebody's rights, or why it was not seen; and ways through the JSON that came."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from http import HTTPStatus
from typing import TypeAlias, TypeVar

from expiry import timestamp
from risky_users.admin.cloudflare import CloudflareError
from risky_users.admin.errors import AdminError, ServiceRefused
from text import JSON

T = TypeVar("T")
Entry: TypeAlias = dict[str, JSON]

MINUTE, HOUR, DAY = 60.0, 3600.0, 86400.0


@dataclass(frozen=True, slots=True)
class Unseen:
    """Why something was not seen, in a sentence, and what it takes to see it. `gone`: there is no such thing."""

    why: str
    gone: bool = False
    denied: bool = False


Seen: TypeAlias = T | Unseen


UNASKED = Unseen("not asked for.")


async def attempt(reading: Awaitable[T]) -> Seen[T]:
    """What is read, or why not."""
    try:
        return await reading
    except CloudflareError as error:
        return Unseen(f"not seen. {error}", error.gone, error.denied)


def look(reading: Callable[[], T]) -> Seen[T]:
    """The same for what is read at once."""
    try:
        return reading()
    except AdminError as error:
        status = error.answer.status if isinstance(error, ServiceRefused) else 0
        return Unseen(f"not seen. {error}", gone=status == HTTPStatus.NOT_FOUND, denied=status in (401, 403))


# --- through JSON ---


def at(value: JSON, *names: str) -> JSON:
    """What lies within objects under these names; None where one of them is not there."""
    for name in names:
        value = value.get(name) if isinstance(value, dict) else None
    return value


def text_at(value: JSON, *names: str) -> str:
    """The text there; empty where there is none."""
    found = at(value, *names)
    return found if isinstance(found, str) else ""


def number_at(value: JSON, *names: str) -> int:
    """The number there; 0 where there is none, as Cloudflare leaves a count of 0 out."""
    found = at(value, *names)
    return found if isinstance(found, int) else 0


def entries_at(value: JSON, *names: str) -> list[Entry]:
    """The objects in the list there."""
    found = at(value, *names)
    return [each for each in found if isinstance(each, dict)] if isinstance(found, list) else []


def time_at(value: JSON, *names: str) -> float | None:
    """The time there, in epoch seconds; None where there is none, or the one that Microsoft writes for "never"."""
    try:
        time = timestamp(text_at(value, *names))
    except (ValueError, OverflowError):
        return None
    return time if time > 0 else None


# --- in words ---


def clock_time(time: float) -> str:
    """A time of today's, or nearly: `05:12 UTC`."""
    return f"{datetime.fromtimestamp(time, UTC):%H:%M} UTC"


def date(time: float) -> str:
    """`2027-11-25`."""
    return f"{datetime.fromtimestamp(time, UTC):%Y-%m-%d}"


def lasting(seconds: float) -> str:
    """`40 s`, `12 min`, `3 h`, `2 days`: as exact as one wants it."""
    for unit, size, from_size in (("days", DAY, 2 * DAY), ("h", HOUR, 2 * HOUR), ("min", MINUTE, 2 * MINUTE)):
        if seconds >= from_size:
            return f"{seconds // size:.0f} {unit}"
    return f"{seconds:.0f} s"


def listed(names: Sequence[str]) -> str:
    """`a, b and c`."""
    return " and ".join(filter(None, (", ".join(names[:-1]), *names[-1:])))
