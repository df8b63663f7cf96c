"""HTTP within the budget of one tick: so many requests, so many seconds.

`fetch`, time and randomness are passed in: the same code runs in workerd, in the administrator's commands and, without a
socket or a pause, in tests.
"""

from collections.abc import Awaitable, Callable, Mapping
from random import Random
from typing import NamedTuple, Protocol, TypeAlias

from errors import CutOff, OutOfBudget

REQUEST_SECONDS = 10.0
"""How long an answer may take."""
SHORTEST_SECONDS = 1.0
"""With less of the tick to go, no request is begun: it would be cut off in flight, its outcome unknown."""


class HttpRequest(NamedTuple):
    """One HTTP request. It is to follow no redirect and to be given up after `timeout` seconds."""

    method: str
    url: str
    headers: Mapping[str, str]
    body: str
    timeout: float


class HttpResponse(NamedTuple):
    """One HTTP answer, header names in lower case, of a success maybe without any; status 0 where none arrived."""

    status: int
    headers: Mapping[str, str]
    body: str


Fetch: TypeAlias = Callable[[HttpRequest], Awaitable[HttpResponse]]
"""Sends a request and returns the answer, whatever its status; raises OSError (TimeoutError is one) where none arrives."""


class Clock(Protocol):
    """Time in seconds since the epoch, and a way to wait."""

    def now(self) -> float:
        """The time."""

    async def sleep(self, seconds: float) -> None:
        """Wait."""


class Budget:
    """Sends requests until the budget ends: `max_subrequests` of them, none that may go on after `deadline` (epoch seconds)."""

    def __init__(self, *, fetch: Fetch, clock: Clock, random: Random, max_subrequests: int, deadline: float) -> None:
        self.clock = clock
        self.random = random
        self.deadline = deadline
        self.max_subrequests = max_subrequests
        self.subrequests = 0
        self._fetch = fetch
        self._slowest: dict[str, float] = {}
        """The slowest answer so far in seconds, by host."""

    def allows(self, host: str, when: float) -> bool:
        """Whether a request may be sent then (epoch seconds): time must remain for an answer as slow as the host's slowest so far."""
        return when + self._slowest.get(host, SHORTEST_SECONDS) <= self.deadline and self.subrequests < self.max_subrequests

    async def send(self, method: str, url: str, headers: Mapping[str, str], body: str, *, longest: float = REQUEST_SECONDS) -> HttpResponse:
        """The answer, of status 0 where the connection fails or `longest` seconds pass. Raises OutOfBudget, or CutOff."""
        host, began = url.split("/", 3)[2], self.clock.now()
        if not self.allows(host, began):
            raise OutOfBudget
        self.subrequests += 1
        try:
            return await self._fetch(HttpRequest(method, url, headers, body, min(longest, self.deadline - began)))
        except OSError:
            if self.clock.now() >= self.deadline:
                raise CutOff from None
            return HttpResponse(0, {}, "")
        finally:
            self._slowest[host] = max(SHORTEST_SECONDS, self._slowest.get(host, 0.0), self.clock.now() - began)

    def new_id(self) -> str:
        """A fresh GUID for `client-request-id`."""
        digits = f"{self.random.getrandbits(128):032x}"
        return f"{digits[:8]}-{digits[8:12]}-4{digits[13:16]}-a{digits[17:20]}-{digits[20:]}"
