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
    """One HTTP request. It is to follow no redirect and to be given up after `timeout` seconds.

    `later`: something else is waited for first, and the answer is to be read meanwhile.
    """

    method: str
    url: str
    headers: Mapping[str, str]
    body: str
    timeout: float
    later: bool = False


class HttpResponse(NamedTuple):
    """One HTTP answer, header names in lower case, of a success maybe without any; status 0 where none arrived."""

    status: int
    headers: Mapping[str, str]
    body: str


Fetch: TypeAlias = Callable[[HttpRequest], Awaitable[HttpResponse]]
"""Sends a request, at the latest when its answer is awaited, which has whatever status. To await it raises OSError (TimeoutError
is one) where none arrives."""


class Begun(NamedTuple):
    """A request that was sent to a host; `ends_tick`: it is given up because the tick ends."""

    host: str
    answering: Awaitable[HttpResponse]
    ends_tick: bool


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

    def allows(self, host: str, when: float, *, leaving: int = 0) -> bool:
        """Whether a request may be sent then (epoch seconds) and leave so many: time must remain for an answer as slow as the
        host's slowest so far."""
        return when + self._slowest.get(host, SHORTEST_SECONDS) <= self.deadline and self.subrequests + leaving < self.max_subrequests

    async def send(self, method: str, url: str, headers: Mapping[str, str], body: str, *, longest: float = REQUEST_SECONDS) -> HttpResponse:
        """The answer, of status 0 where the connection fails or `longest` seconds pass. Raises OutOfBudget, or CutOff."""
        return await self.answer(self.begin(method, url, headers, body, longest=longest))

    def begin(
        self, method: str, url: str, headers: Mapping[str, str], body: str, *, longest: float = REQUEST_SECONDS, later: bool = False
    ) -> Begun:
        """Send a request; `later`: its answer is awaited after something else. Raises OutOfBudget."""
        host, now = url.split("/", 3)[2], self.clock.now()
        if not self.allows(host, now):
            raise OutOfBudget
        self.subrequests += 1
        left = self.deadline - now
        return Begun(host, self._fetch(HttpRequest(method, url, headers, body, min(longest, left), later)), left < longest)

    async def answer(self, begun: Begun) -> HttpResponse:
        """What comes of a request, as `send` tells; the time until this is asked for is not the host's. Raises CutOff."""
        waits_since = self.clock.now()
        try:
            return await begun.answering
        except OSError as error:
            if (begun.ends_tick and isinstance(error, TimeoutError)) or self.clock.now() >= self.deadline:
                raise CutOff from None
            return HttpResponse(0, {}, "")
        finally:
            took = self.clock.now() - waits_since
            self._slowest[begun.host] = max(SHORTEST_SECONDS, self._slowest.get(begun.host, 0.0), took)

    def new_id(self) -> str:
        """A fresh GUID for `client-request-id`."""
        digits = f"{self.random.getrandbits(128):032x}"
        return f"{digits[:8]}-{digits[8:12]}-4{digits[13:16]}-a{digits[17:20]}-{digits[20:]}"
