"""What stands in for any service: it answers requests, keeps a log of them, and lets others know that something has changed."""

from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Callable, Collection
from random import Random

from simulator.faults import Fault
from simulator.messages import Exchange, Request, Response

REMEMBERED = 5000


class StandIn(ABC):
    """A service that answers in place of `hosts`. `clock` gives epoch seconds."""

    hosts: Collection[str]

    def __init__(self, clock: Callable[[], float], random: Random) -> None:
        self.clock, self.random = clock, random
        self.faults: list[Fault] = []
        self.violations: list[str] = []
        """What no client should ever do."""
        self.requests: deque[Exchange] = deque(maxlen=REMEMBERED)
        self.on_change: Callable[[], None] | None = None
        """Hears of every request, once it is answered, and of whatever else may have changed something."""
        self.reset_counters()

    def reset_counters(self) -> None:
        """Start counting anew."""
        self.subrequests = 0

    def handle(self, request: Request) -> Response:
        """The answer. Raises Dropped."""
        self.catch_up()
        self.subrequests += 1
        exchange = Exchange(self.clock(), request.method, request.url, 0)
        self.requests.append(exchange)
        try:
            response = self._respond(request, exchange)
            exchange.status, exchange.delay = response.status, response.delay
            return response
        finally:
            self.changed()

    def catch_up(self) -> None:  # noqa: B027  # nothing is ever due at most services
        """Let happen what is due by now."""

    def changed(self) -> None:
        """Let `on_change` know."""
        if self.on_change:
            self.on_change()

    @abstractmethod
    def _respond(self, request: Request, exchange: Exchange) -> Response:
        """The answer; `exchange` is its entry in the log. Raises Dropped."""
