"""When to try again, and after how long."""

import math

ATTEMPTS = 5
SHORTEST_BACKOFF_SECONDS = 1.0
LONGEST_BACKOFF_SECONDS = 16.0

TRANSIENT = frozenset({0, 408, 409, 424, 429, 500, 502, 503, 504, 509})
"""Statuses worth another attempt; 0 stands for no answer, or one that cannot be read."""


def backoff(attempt: int, retry_after: str | None, *, now: float, chance: float) -> float:
    """Seconds to wait after the `attempt`th (from 1) failure: what Retry-After asks for, else 1, 2, 4 … and up to half more.

    Never less than a second, even where Retry-After says 0: Identity Protection's 429 comes without one, and its budget is
    shared with other apps (https://learn.microsoft.com/graph/throttling-limits). `chance` is drawn from 0 to 1.
    """
    asked = _seconds(retry_after, now)
    if asked is not None:
        return max(asked, SHORTEST_BACKOFF_SECONDS)
    return float(min(SHORTEST_BACKOFF_SECONDS * 2 ** (attempt - 1), LONGEST_BACKOFF_SECONDS) * (1 + chance / 2))


def _seconds(retry_after: str | None, now: float) -> float | None:
    """What a Retry-After header asks for; None where there is none or it makes no sense.

    Graph sends whole numbers, fractions ("2.128" in its documentation) and, as HTTP allows, dates.
    """
    if not retry_after:
        return None
    try:
        seconds = float(retry_after)
    except ValueError:
        from email.utils import parsedate_to_datetime  # costs 26 ms of a cold start, and a date is rare

        try:
            seconds = parsedate_to_datetime(retry_after).timestamp() - now
        except (ValueError, OverflowError, OSError):
            return None
    return seconds if math.isfinite(seconds) else None
