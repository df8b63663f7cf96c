"""When the credential that the Worker signs in with ends, and when that is said. Times in epoch seconds."""

from datetime import UTC, datetime

from text import JSON

DAY_SECONDS = 86400
SOON_DAYS = 30
"""From so many days on a warning a day."""
URGENT_DAYS = 7
"""From so many days on a warning a minute."""
TOLD_AT_SECONDS = 9 * 3600
"""The time of day, in UTC, of what is said once a day: no memory is needed for it."""


def timestamp(text: str) -> float:
    """The time that an ISO 8601 date means, which is the beginning of that day, or date and time; without a zone in UTC.

    Raises ValueError where it is neither.
    """
    time = datetime.fromisoformat(text)
    return (time if time.tzinfo else time.replace(tzinfo=UTC)).timestamp()


def end_of_secret(registration: "JSON", secret: str, now: float) -> float | None:
    """When this secret ends, by its app registration; None where that does not tell.

    Graph shows the first three characters of each secret as its `hint`. Of those alike that have not ended the first to
    end is meant (https://learn.microsoft.com/graph/api/resources/passwordcredential).
    """
    listed = registration.get("passwordCredentials") if isinstance(registration, dict) else None
    ends = []
    for entry in listed if isinstance(listed, list) else []:
        if isinstance(entry, dict) and entry.get("hint") == secret[:3]:
            try:
                ends.append(timestamp(str(entry.get("endDateTime"))))
            except ValueError:
                continue
    return min((end for end in ends if end > now), default=None)


def days_left(end: float, now: float) -> int:
    """How many whole days until then; negative where it has passed."""
    return int((end - now) // DAY_SECONDS)


def told_today(before: float, now: float) -> bool:
    """Whether the time of day at which things are said once a day came after `before`, and not after `now`."""
    return (before - TOLD_AT_SECONDS) // DAY_SECONDS < (now - TOLD_AT_SECONDS) // DAY_SECONDS


def warning(end: float, now: float) -> str:
    """What is to be known of a credential that ends soon."""
    left, date = days_left(end, now), datetime.fromtimestamp(end, UTC).date()
    if left < 0:
        return (
            f"The Worker's credential ended on {date}, as far as is known: renew it with `risky-users rotate`, or correct "
            "CREDENTIAL_EXPIRES in wrangler.toml."
        )
    when = {0: "in less than a day", 1: "in one day"}.get(left, f"in {left} days")
    return (
        f"The Worker's credential ends on {date}, {when}; from then on nobody is isolated or released. Renew it with `risky-users rotate`."
    )
