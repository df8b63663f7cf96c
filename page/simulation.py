"""What the page touches: tenant, account and whoever is told, the Worker between them, their clock, and what goes wrong."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

from page.clock import Clock
from page.deployment import PRESETS as DEPLOYMENT_PRESETS
from page.deployment import Deployment
from runtime import Tick, Worker
from runtime.tail import render
from simulator import PRESETS, Account, Chain, Exchange, Switchboard, Tenant, User
from simulator.cloudflare.presets import PRESETS as CLOUDFLARE_PRESETS
from simulator.cloudflare.scim import INTERVAL
from simulator.receivers import PRESETS as RECEIVERS_PRESETS
from simulator.receivers import Receivers

ANSWER_SECONDS = 0.12  # a request takes about as long, and a bar of the waterfall can be seen
HURRIED_SECONDS = 0.02  # while minute after minute passes
REMEMBERED_TICKS = 20
SETTLING_SECONDS = 0.05  # changes that come together are shown together
ALERT_AFTER = 3  # failed minutes in a row: who watches does not want to wait for five

_HIGHER = {"low": "medium", "medium": "high", "high": "high"}


class Unknown(LookupError):
    """There is no such user, action or fault."""


@dataclass(slots=True)
class Minute:
    """One tick as the page shows it: from its start (epoch seconds of the services' clock) on, `end` None while it runs."""

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

    @property
    def outcome(self) -> str:
        """That in the Worker's own record, or the runtime's where the Worker did not come so far."""
        if self.end is None:
            return "workerd ended" if self.failure else "running"
        for line in reversed(self.end.console):
            for value in line.values:
                if isinstance(value, dict) and isinstance(outcome := value.get("outcome"), str):
                    return outcome
        return self.end.outcome


class Simulation:
    """One chain and one Worker that serves it. Everything but the Worker's own run happens in the event loop's thread."""

    def __init__(self, chain: Chain, receivers: Receivers, clock: Clock, worker: Worker) -> None:
        self.chain, self.receivers, self.clock, self.worker = chain, receivers, clock, worker
        self.every_minute = False
        self.minutes: deque[Minute] = deque(maxlen=REMEMBERED_TICKS)
        self.deployment = Deployment()
        self.switchboards: dict[str, Switchboard[Tenant] | Switchboard[Account] | Switchboard[Receivers] | Switchboard[Deployment]] = {
            "entra": Switchboard(chain.tenant, PRESETS),
            "cloudflare": Switchboard(chain.account, CLOUDFLARE_PRESETS),
            "alerts": Switchboard(receivers, RECEIVERS_PRESETS),
            "worker": Switchboard(self.deployment, DEPLOYMENT_PRESETS),
        }
        self._ticks = 0
        self._fired_minute = 0
        self._running: asyncio.Task[None] | None = None
        self._deploying: asyncio.Task[None] | None = None
        self._passing: asyncio.Task[None] | None = None
        self._news = asyncio.Event()
        self._answer_within(ANSWER_SECONDS)
        chain.on_change = receivers.on_change = self._changed
        self.deployment.on_change = self._deploy_anew

    @property
    def variables(self) -> dict[str, str]:
        """The Worker's vars and secrets."""
        alerts = {**self.receivers.worker_variables, "ALERT_AFTER": str(ALERT_AFTER)}
        chosen = {**self.chain.worker_variables, **alerts, **self.deployment.variables}
        return {name: value for name, value in chosen.items() if value}

    # --- what somebody at the page does ---

    def add_user(self) -> None:
        """One more user, at no risk."""
        self.chain.tenant.add_user()

    def act(self, user_id: str, action: str) -> None:
        """Raise a user's risk a level, confirm or dismiss it, or delete the user. Raises Unknown."""
        tenant = self.chain.tenant
        user = tenant.directory.users.get(user_id)
        if user is None or user.deleted:
            raise Unknown(user_id)
        match action:
            case "raise":
                tenant.set_risk(user, _HIGHER.get(user.risk_level or "", "low"))
            case "confirm":
                tenant.confirm_compromised(user)
            case "dismiss":
                tenant.dismiss(user)
            case "delete":
                tenant.delete_user(user)
            case _:
                raise Unknown(action)

    def act_on_all(self, named: str, action: str) -> None:
        """Raise the risk of everybody in whose name this is, or dismiss it, where that changes anything. Raises Unknown."""
        if action not in ("raise", "dismiss"):
            raise Unknown(action)
        for user in self.users:
            changes = user.risk_level != "high" if action == "raise" else user.risk_level in _HIGHER
            if changes and named.lower() in user.name.lower():
                self.act(user.id, action)

    def switch(self, service: str, fault: str, on: bool) -> None:
        """Begin or end one of the simulator's presets. Raises Unknown."""
        if service not in self.switchboards or fault not in self.switchboards[service].presets:
            raise Unknown(f"{service}/{fault}")
        self.switchboards[service].switch(fault, on=on)
        if fault == "ending secret":
            self._deploy_anew()  # in an isolate of some age the Worker asks once a day when its secret ends

    def use_lane(self, on: bool) -> None:
        """Deploy the Worker with the direct lane, or without, and let Gateway's rules go by the lists or by the groups."""
        self.chain.use_lane(on=on)
        self._deploy_anew()

    def run_every_minute(self, on: bool) -> None:
        """Fire the cron trigger whenever a minute begins, or only by hand."""
        self.every_minute = on
        self._changed()

    def tick(self) -> bool:
        """Let the next minute begin, and its tick; False if the Worker is not ready for it."""
        if self.busy:
            return False
        self.clock.skip(self.clock.rest_of_minute)
        self.chain.look()
        self._fire()
        return True

    def pass_time(self, on: bool) -> None:
        """Let minutes pass, each with its tick, until Entra has provisioned the groups next; or stop that."""
        if on and not self._passing:
            self._passing = asyncio.create_task(self._pass())
        elif not on and self._passing:
            self._passing.cancel()

    # --- the course of time ---

    @property
    def users(self) -> list[User]:
        """Those who are not deleted."""
        return [user for user in self.chain.tenant.users if not user.deleted]

    @property
    def running(self) -> bool:
        """Whether a tick runs."""
        return self._running is not None

    @property
    def deploying(self) -> bool:
        """Whether the Worker is being deployed anew."""
        return self._deploying is not None

    @property
    def passing(self) -> bool:
        """Whether minute after minute passes."""
        return self._passing is not None

    @property
    def busy(self) -> "asyncio.Task[None] | None":
        """What has to end before the next tick can begin."""
        return self._running or self._deploying

    async def keep_time(self) -> None:
        """Fire the cron trigger as its minutes begin and provision as that is due, until cancelled."""
        minute = self.clock.minute
        while True:
            await asyncio.sleep(min(1.0, self.clock.rest_of_minute))
            if (due := self.chain.next_cycle) and due <= self.clock.now():
                self.chain.look()
                self._changed()
            if self.clock.minute != minute:
                minute = self.clock.minute
                if self.every_minute and not self.busy and minute != self._fired_minute:
                    self._fire()

    async def stop(self) -> None:
        """End what is under way, and workerd with it."""
        tasks = [task for task in (self._passing, self._running, self._deploying) if task]
        if self._passing:
            self._passing.cancel()
        if self.busy:
            self.worker.kill()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _fire(self) -> None:
        self._fired_minute = self.clock.minute
        self._ticks += 1
        minute = Minute(self._ticks, self.clock.now())
        self.minutes.append(minute)
        self._running = asyncio.create_task(self._run(minute))

    async def _run(self, minute: Minute) -> None:
        services = (self.chain.tenant, self.chain.account, self.receivers)
        for service in services:
            service.requests.clear()
            service.reset_counters()
        self.worker.ahead = self.clock.ahead
        self._changed()
        try:
            minute.end = await asyncio.to_thread(self.worker.tick, scheduled_time=int(minute.start * 1000))
        except RuntimeError as error:
            minute.failure = str(error)
        finally:
            minute.requests = self.requests
            self._running = None
            self._changed()

    @property
    def requests(self) -> list[Exchange]:
        """Those of the latest tick, to whichever service."""
        services = (self.chain.tenant, self.chain.account, self.receivers)
        return sorted((exchange for service in services for exchange in service.requests), key=lambda exchange: exchange.time)

    def _deploy_anew(self) -> None:
        if not self._deploying:
            self._deploying = asyncio.create_task(self._deploy())
        self._changed()

    async def _deploy(self) -> None:
        variables: dict[str, str] = {}
        try:
            while variables != self.variables:
                if self._running:
                    await asyncio.wait([self._running])
                variables = self.variables
                await asyncio.to_thread(self.worker.update, variables)
        except RuntimeError:
            pass  # workerd has ended, as the next tick will tell
        finally:
            self._deploying = None
            self._changed()

    async def _pass(self) -> None:
        until = self.chain.next_cycle or self.clock.now() + INTERVAL
        self._answer_within(HURRIED_SECONDS)
        try:
            while self.clock.now() < until:
                self.tick()
                if self.busy:
                    await asyncio.wait([self.busy])
        finally:
            self._passing = None
            self._answer_within(ANSWER_SECONDS)
            self._changed()

    def _answer_within(self, seconds: float) -> None:
        self.chain.tenant.behaviour.answer_seconds = self.chain.account.behaviour.answer_seconds = self.receivers.answer_seconds = seconds

    # --- who wants to hear of it ---

    async def changes(self) -> AsyncIterator[None]:
        """Now, and again after every change."""
        while True:
            news = self._news
            yield
            await news.wait()
            await asyncio.sleep(SETTLING_SECONDS)

    def _changed(self) -> None:
        self._news.set()
        self._news = asyncio.Event()
