"""What the page shows and touches: a tenant, the Worker beside it, their clock, and what goes wrong between them."""

import asyncio
import contextlib
from collections import deque
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from urllib.parse import unquote, urlsplit

from groups import GROUP_NAMES
from page.clock import Clock
from plan import RISK_LEVELS
from runtime import Tick, Worker
from runtime.tail import render
from simulator import PRESETS, Exchange, Switchboard, Tenant, User
from simulator.entra.token import CLOUDS
from simulator.messages import JSON

ANSWER_SECONDS = 0.12  # a request to Graph takes about as long, and a bar of the waterfall can be seen
REMEMBERED_TICKS = 20
SETTLING_SECONDS = 0.05  # changes that come together are shown together

_HIGHER = {"low": "medium", "medium": "high", "high": "high"}


class Unknown(LookupError):
    """There is no such user, action or fault."""


@dataclass(slots=True)
class Minute:
    """One tick as the page shows it: from its start (epoch seconds of the tenant) on, `end` None while it runs."""

    number: int
    start: float
    requests: list[Exchange] = field(default_factory=list)
    end: Tick | None = None
    failure: str = ""
    """Why workerd could not run it."""

    @property
    def tail(self) -> str:
        """Its part of `wrangler tail`."""
        return render(self.end) if self.end else self.failure


class Simulation:
    """One tenant and one Worker that serves it. Everything but the Worker's own run happens in the event loop's thread."""

    def __init__(self, tenant: Tenant, clock: Clock, worker: Worker) -> None:
        self.tenant, self.clock, self.worker = tenant, clock, worker
        self.every_minute = False
        self._minutes: deque[Minute] = deque(maxlen=REMEMBERED_TICKS)
        self._ticks = 0
        self._fired_minute = 0
        self._running: asyncio.Task[None] | None = None
        self._news = asyncio.Event()
        self._switchboard = Switchboard(tenant, PRESETS)
        tenant.behaviour.answer_seconds = ANSWER_SECONDS
        tenant.on_change = self._changed

    # --- what somebody at the page does ---

    def add_user(self) -> None:
        """One more user, at no risk."""
        self.tenant.add_user()

    def act(self, user_id: str, action: str) -> None:
        """Raise a user's risk a level, confirm or dismiss it, or delete the user. Raises Unknown."""
        user = self.tenant.directory.users.get(user_id)
        if user is None or user.deleted:
            raise Unknown(user_id)
        match action:
            case "raise":
                self.tenant.set_risk(user, _HIGHER.get(user.risk_level or "", "low"))
            case "confirm":
                self.tenant.confirm_compromised(user)
            case "dismiss":
                self.tenant.dismiss(user)
            case "delete":
                self.tenant.delete_user(user)
            case _:
                raise Unknown(action)

    def switch(self, fault: str, on: bool) -> None:
        """Begin or end one of the simulator's presets. Raises Unknown."""
        if fault not in PRESETS:
            raise Unknown(fault)
        self._switchboard.switch(fault, on=on)

    def run_every_minute(self, on: bool) -> None:
        """Fire the cron trigger whenever a minute begins, or only by hand."""
        self.every_minute = on
        self._changed()

    def tick(self) -> bool:
        """Let the next minute begin, and its tick; False if the tick before still runs."""
        if self._running:
            return False
        self.clock.skip(self.clock.rest_of_minute)
        self._fire()
        return True

    # --- the course of time ---

    async def keep_time(self) -> None:
        """Fire the cron trigger as its minutes begin, until cancelled."""
        minute = self.clock.minute
        while True:
            await asyncio.sleep(min(1.0, self.clock.rest_of_minute))
            if self.clock.minute != minute:
                minute = self.clock.minute
                if self.every_minute and not self._running and minute != self._fired_minute:
                    self._fire()

    async def stop(self) -> None:
        """End a tick that runs, and workerd with it."""
        if self._running:
            self.worker.kill()
            await self._running

    def _fire(self) -> None:
        self._fired_minute = self.clock.minute
        self._ticks += 1
        minute = Minute(self._ticks, self.clock.now())
        self._minutes.append(minute)
        self._running = asyncio.create_task(self._run(minute))

    async def _run(self, minute: Minute) -> None:
        self.tenant.requests.clear()
        self.tenant.reset_counters()
        self._changed()
        try:
            minute.end = await asyncio.to_thread(self.worker.tick, scheduled_time=int(minute.start * 1000))
        except RuntimeError as error:
            minute.failure = str(error)
        finally:
            minute.requests = list(self.tenant.requests)
            self._running = None
            self._changed()

    # --- what the page shows ---

    async def states(self) -> AsyncIterator[dict[str, JSON]]:
        """The state now, and again after every change."""
        while True:
            news = self._news
            yield self.state()
            await news.wait()
            await asyncio.sleep(SETTLING_SECONDS)

    def _changed(self) -> None:
        self._news.set()
        self._news = asyncio.Event()

    def state(self) -> dict[str, JSON]:
        """Everything the page shows. Times are epoch seconds of the tenant's clock, durations seconds."""
        return {
            "domain": self.tenant.domain,
            "now": self.clock.now(),
            "everyMinute": self.every_minute,
            "running": self._running is not None,
            "users": [_user(user) for user in self.tenant.users if not user.deleted],
            "groups": [self._group(level, name) for level, name in GROUP_NAMES.items()],
            "faults": [
                {"name": name, "title": preset.title, "explanation": preset.explanation, "on": name in self._switchboard.on}
                for name, preset in PRESETS.items()
            ],
            "tick": self._tick(self._minutes[-1]) if self._minutes else None,
            "console": [{"tick": minute.number, "text": minute.tail} for minute in self._minutes if minute.tail],
            "violations": [*self.tenant.violations],
        }

    def _group(self, level: str, name: str) -> dict[str, JSON]:
        named = self.tenant.groups_named(name)
        return {"level": level, "name": name, "exists": bool(named), "members": [*named[0].members] if named else []}

    def _tick(self, minute: Minute) -> dict[str, JSON]:
        requests = list(self.tenant.requests) if minute is self._minutes[-1] and self._running else minute.requests
        return {
            "number": minute.number,
            "start": minute.start,
            "outcome": _outcome(minute),
            "seconds": minute.end.wall_ms / 1000 if minute.end else None,
            "requests": [self._request(exchange, minute.start) for exchange in requests],
        }

    def _request(self, exchange: Exchange, start: float) -> dict[str, JSON]:
        return {
            "at": exchange.time - start,
            "seconds": exchange.delay,
            "what": f"{exchange.method} {self._path(exchange.url)}",
            "status": exchange.status,
            "items": [{"what": f"{item.method} {self._path(item.url)}", "status": item.status} for item in exchange.items],
        }

    def _path(self, url: str) -> str:
        """The path as people read it: levels for the groups, names for the users."""
        parts = urlsplit(url)
        if parts.hostname in CLOUDS:
            return parts.path.replace(f"/{self.tenant.id}", "")
        path = unquote(parts.path).removeprefix("/v1.0").removesuffix("/$ref")
        for level in RISK_LEVELS:
            path = path.replace(GROUP_NAMES[level], level)
            with contextlib.suppress(LookupError):
                path = path.replace(self.tenant.group_named(GROUP_NAMES[level]).id, level)
        head, _, last = path.rpartition("/")
        user = self.tenant.directory.users.get(last)
        return f"{head}/{user.name}" if user else path


def _user(user: User) -> dict[str, JSON]:
    level = user.risk_level if user.risk_level in RISK_LEVELS else "none"
    return {"id": user.id, "name": user.name, "level": level, "state": user.risk_state}


def _outcome(minute: Minute) -> str:
    """The outcome in the Worker's own record, or the runtime's where the Worker did not come so far."""
    if minute.end is None:
        return "workerd ended" if minute.failure else "running"
    for line in reversed(minute.end.console):
        for value in line.values:
            if isinstance(value, dict) and isinstance(outcome := value.get("outcome"), str):
                return outcome
    return minute.end.outcome
