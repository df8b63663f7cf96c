"""What was read of a service with somebody's rights, or why it was not seen; and ways through the JSON that came."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from http import HTTPStatus
from typing import ParamSpec, TypeAlias, TypeVar

from expiry import timestamp
from risky_users.admin.cloudflare import gone
from risky_users.admin.errors import AdminError, NotAllowed, ServiceRefused
from text import JSON

P = ParamSpec("P")
T = TypeVar("T")
Entry: TypeAlias = Mapping[str, JSON]
"""An object in JSON."""

MINUTE, HOUR, DAY = 60.0, 3600.0, 86400.0


@dataclass(frozen=True, slots=True)
class Unseen:
    """Why something was not seen, in a sentence, and what it takes to see it. `gone`: there is no such thing."""

    why: str
    gone: bool = False
    denied: bool = False


Seen: TypeAlias = T | Unseen


UNASKED = Unseen("not asked for.")


def look(reading: Callable[P, T], *what: P.args, **options: P.kwargs) -> Seen[T]:
    """What this reads, or why nothing."""
    try:
        return reading(*what, **options)
    except AdminError as error:
        missing = isinstance(error, ServiceRefused) and (gone(error) or error.answer.status == HTTPStatus.NOT_FOUND)
        return Unseen(f"not seen. {error}", gone=missing, denied=isinstance(error, NotAllowed))


# --- through JSON ---


def at(value: "JSON | Entry", *names: str) -> JSON:
    """What lies within objects under these names; None where one of them is not there."""
    found: JSON | Entry = value
    for name in names:
        found = found.get(name) if isinstance(found, Mapping) else None
    return dict(found) if isinstance(found, Mapping) else found


def text_at(value: "JSON | Entry", *names: str) -> str:
    """The text there; empty where there is none."""
    found = at(value, *names)
    return found if isinstance(found, str) else ""


def number_at(value: "JSON | Entry", *names: str) -> int:
    """The number there; 0 where there is none, as Cloudflare leaves a count of 0 out."""
    found = at(value, *names)
    return found if isinstance(found, int) else 0


def entries_at(value: "JSON | Entry", *names: str) -> Sequence[Entry]:
    """The objects in the list there."""
    found = at(value, *names)
    return [each for each in found if isinstance(each, dict)] if isinstance(found, list) else []


def time_at(value: "JSON | Entry", *names: str) -> float | None:
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
