"""One HTTP request at a time, within the budget of one tick; what to wait when it should be sent again.

`fetch`, time and randomness are passed in: the same code runs in workerd, in the operator's commands and, without a
socket or a pause, in tests.
"""

import math
import re
from collections.abc import Awaitable, Callable, Mapping
from random import Random
from typing import NamedTuple, Protocol, TypeAlias

REQUEST_SECONDS = 10.0
ATTEMPTS = 5
LONGEST_BACKOFF_SECONDS = 16.0

TRANSIENT = frozenset({0, 408, 409, 424, 429, 500, 502, 503, 504, 509})
"""Statuses worth another attempt; 0 stands for no answer, or one that cannot be read."""

_RESERVED = re.compile(r"[^A-Za-z0-9._~-]", re.ASCII)


class Request(NamedTuple):
    """One HTTP request. It is to follow no redirect and to be given up after `timeout` seconds."""

    method: str
    url: str
    headers: Mapping[str, str]
    body: str
    timeout: float


class Reply(NamedTuple):
    """One HTTP answer, header names in lower case, of a success maybe without any; status 0 where none arrived."""

    status: int
    headers: Mapping[str, str]
    body: str


Fetch: TypeAlias = Callable[[Request], Awaitable[Reply]]
"""Sends a request and returns the reply, whatever its status; raises OSError (TimeoutError is one) where none arrives."""


class Clock(Protocol):
    """Time in seconds since the epoch, and a way to wait."""

    def now(self) -> float:
        """The time."""

    async def sleep(self, seconds: float) -> None:
        """Wait."""


class OutOfBudget(Exception):
    """The tick has used up its subrequests or its time."""


class Wire:
    """Sends requests until the tick's budget ends: `max_subrequests` of them, none after `deadline` (epoch seconds)."""

    def __init__(self, *, fetch: Fetch, clock: Clock, random: Random, max_subrequests: int, deadline: float) -> None:
        self._fetch = fetch
        self._random = random
        self._max_subrequests = max_subrequests
        self.clock = clock
        self.deadline = deadline
        self.subrequests = 0

    async def send(self, method: str, url: str, headers: Mapping[str, str], body: str) -> Reply:
        """The reply, of status 0 where the connection fails or REQUEST_SECONDS pass. Raises OutOfBudget instead of sending."""
        left = self.deadline - self.clock.now()
        if left <= 0 or self.subrequests >= self._max_subrequests:
            raise OutOfBudget
        self.subrequests += 1
        try:
            return await self._fetch(Request(method, url, headers, body, min(REQUEST_SECONDS, left)))
        except OSError:
            return Reply(0, {}, "")

    def new_id(self) -> str:
        """A fresh GUID for `client-request-id`."""
        digits = f"{self._random.getrandbits(128):032x}"
        return f"{digits[:8]}-{digits[8:12]}-4{digits[13:16]}-a{digits[17:20]}-{digits[20:]}"

    def backoff(self, attempt: int, asked_for: str | None) -> float:
        """Seconds to wait after the `attempt`th (from 1) failure: what Retry-After asked for, else 1, 2, 4 … and up to half more.

        Identity Protection's 429 has no Retry-After and its budget is shared with other apps, hence never below a second
        (https://learn.microsoft.com/graph/throttling-limits#identity-protection-and-conditional-access-service-limits).
        """
        asked = retry_after(asked_for, self.clock.now())
        if asked is not None:
            return asked
        return float(min(2.0 ** (attempt - 1), LONGEST_BACKOFF_SECONDS) * (1 + self._random.random() / 2))


def retry_after(value: str | None, now: float) -> float | None:
    """Seconds that a Retry-After header asks for, 0 at least; None where there is none or it makes no sense.

    Graph sends whole numbers, fractions ("2.128" in its documentation) and, as HTTP allows, dates.
    """
    if not value:
        return None
    try:
        seconds = float(value)
    except ValueError:
        from email.utils import parsedate_to_datetime  # costs 26 ms of a cold start, and a date is rare

        try:
            seconds = parsedate_to_datetime(value).timestamp() - now
        except (ValueError, OverflowError, OSError):
            return None
    return max(seconds, 0.0) if math.isfinite(seconds) else None


def percent_encode(text: str) -> str:
    """`text` with all but unreserved characters percent-encoded (`urllib.parse` would cost 94 ms of a cold start)."""
    return _RESERVED.sub(lambda found: "".join(f"%{byte:02X}" for byte in found[0].encode()), text)
