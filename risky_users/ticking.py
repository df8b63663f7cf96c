"""Ticks from this machine instead of Cloudflare's: the Worker's own core, and between ticks what an isolate keeps."""

from collections.abc import Callable
from dataclasses import dataclass, field
from math import inf

from alerts import Memory
from errors import RiskyUsersError, SyncFailed
from graph import IsolateCache
from report import Log, Report
from risky_users.connection import Connection
from settings import Settings, Watch
from sync import sync

TELLING_SECONDS = 8.0
"""How long all of it may take that is done after a tick."""


@dataclass(slots=True)
class Ticking:
    """What one tick after the other needs. `watch` says who is told of a tick's outcome besides the log, and `after_success` is
    called after each that did not fail."""

    connection: Connection
    settings: Settings
    watch: Watch
    log: Log
    after_success: Callable[[], None] = lambda: None
    cache: IsolateCache = field(default_factory=IsolateCache)
    memory: Memory = field(default_factory=Memory)

    def __post_init__(self) -> None:
        if self.connection.identity:
            self.cache.end_asked = inf  # it has no secret whose end could be asked for

    async def tick(self) -> bool:
        """One tick; whether it did not fail. What there is to say of it is in the log."""
        due = self.connection.clock.now()
        outcome = await self._sync()
        if self.watch.on:
            await self._tell(outcome, due)
        if isinstance(outcome, Report):
            self.after_success()
        return isinstance(outcome, Report)

    async def every(self, seconds: int) -> None:
        """Ticks that begin so many seconds apart, until it is cancelled; what was missed meanwhile is not made up for."""
        clock = self.connection.clock
        due = clock.now()
        while True:
            await self.tick()
            due = max(due + seconds, clock.now())
            await clock.sleep(due - clock.now())

    async def _sync(self) -> Report | Exception:
        try:
            async with self.connection.graph(self.settings, self.cache, spare=self.watch.subrequests) as graph:
                return await sync(graph, self.settings, self.log)
        except SyncFailed as failed:
            if self.connection.trouble:
                self.log("error", f"On this machine: {self.connection.trouble}.")
            return failed
        except RiskyUsersError as error:
            self.log("error", str(error))
            return error
        except Exception as error:  # the next tick may fare better
            self.log("error", f"{type(error).__name__}: {error}")
            return error

    async def _tell(self, outcome: Report | Exception, due: float) -> None:
        from notify import Ways, notify  # whoever is not told does without

        try:
            ways = Ways(memory=self.memory)
            async with self.connection.client() as client:
                budget = self.connection.budget(client, self.watch.subrequests, TELLING_SECONDS)
                await notify(self.watch, ways, outcome, due, budget, self.log)
            self.memory = ways.memory
        except Exception as broken:  # whatever it is
            self.log("warn", f"Nobody could be told: {type(broken).__name__}.")
