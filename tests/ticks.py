"""Ticks of the real `sync` in this process, against a simulated tenant: no sockets, and time that passes only when someone waits."""

from collections.abc import Coroutine, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import TypeVar

import simulator
from access_token import Sign
from budget import Budget, HttpRequest, HttpResponse
from graph import GraphClient, IsolateCache
from report import Report
from risky_users import signing
from settings import Settings, read_settings
from sync import TICK_SECONDS, sync
from tests.simulator.client import Clock

SOURCE = Path(__file__).resolve().parent.parent / "src"
T = TypeVar("T")


@dataclass
class StoppedClock(Clock):
    """Epoch seconds that stand still until somebody sleeps or an answer takes its time."""

    async def sleep(self, seconds: float) -> None:
        self.time += seconds


def finish(coroutine: Coroutine[object, None, T]) -> T:
    """The result of a coroutine that never really waits."""
    try:
        coroutine.send(None)
    except StopIteration as end:
        result: T = end.value
        return result
    raise AssertionError("the coroutine waits for something other than the clock and the tenant")


def variables(tenant: simulator.Tenant, **overrides: str) -> Mapping[str, str]:
    """The vars and the secret of a Worker deployed for the tenant."""
    return {**tenant.worker_variables, **overrides}


@dataclass
class Ticks:
    """A Worker's isolate beside a tenant: `tick()` is what a minute's cron event does."""

    tenant: simulator.Tenant
    clock: StoppedClock
    cache: IsolateCache = field(default_factory=IsolateCache)
    random: Random = field(default_factory=lambda: Random(1))
    log: list[tuple[str, str | Mapping[str, object]]] = field(default_factory=list)
    """What the latest tick has logged: levels, and lines or records."""
    sign: Sign = signing.sign

    def settings(self, **overrides: str) -> Settings:
        return read_settings(variables(self.tenant, **overrides).get)

    async def fetch(self, request: HttpRequest) -> HttpResponse:
        """The tenant's answer, after the time it takes; raises OSError as a lost connection or a timeout does."""
        answer = self.tenant.handle(simulator.Request(request.method, request.url, request.headers, request.body.encode()))
        await self.clock.sleep(min(answer.delay, request.timeout))
        if answer.delay > request.timeout:
            raise TimeoutError
        return HttpResponse(
            answer.status, {name.lower(): value for name, value in answer.headers.items()}, answer.body.decode(errors="replace")
        )

    def graph(self, **overrides: str) -> GraphClient:
        settings = self.settings(**overrides)
        budget = Budget(
            fetch=self.fetch,
            clock=self.clock,
            random=self.random,
            max_subrequests=settings.max_subrequests,
            deadline=self.clock.now() + TICK_SECONDS,
        )
        return GraphClient(settings, self.cache, budget, self.sign)

    def tick(self, **overrides: str) -> Report:
        """One tick; raises SyncFailed as `sync` does. The clock then stands at the next minute."""
        started = self.clock.time
        self.tenant.reset_counters()
        self.log.clear()
        try:
            return finish(sync(self.graph(**overrides), self.settings(**overrides), lambda level, entry: self.log.append((level, entry))))
        finally:
            self.clock.time = max(started + 60, self.clock.time)

    @property
    def record(self) -> Mapping[str, object]:
        """The record of the latest tick."""
        return next(entry for _, entry in reversed(self.log) if not isinstance(entry, str))

    def restart(self) -> None:
        """The runtime takes the isolate away."""
        self.cache = IsolateCache()


def contoso(risky: int = 12, seed: int = 1) -> Ticks:
    """A tenant with so many risky users, nothing synchronised yet."""
    clock = StoppedClock()
    return Ticks(simulator.Tenant.contoso(risky, seed, clock=clock.now), clock)
