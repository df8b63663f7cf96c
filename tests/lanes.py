"""Ticks with the direct lane on: a Worker beside a tenant and an account, in this process."""

from collections.abc import Coroutine, Mapping
from dataclasses import dataclass, field

import simulator
from addresses import Mailbox, forms
from budget import HttpRequest, HttpResponse
from plan import RISK_LEVELS
from report import Report
from settings import Settings, read_settings
from simulator.cloudflare import Account, ListWrite
from tests.ticks import StoppedClock, Ticks, variables

CLOUDFLARE = "api.cloudflare.com"
MAY_READ_MAIL = "User.ReadBasic.All"


@dataclass
class Lane(Ticks):
    """A Worker that keeps an account's three lists beside a tenant's three groups."""

    account: Account = field(default_factory=Account.contoso)
    given: Mapping[str, str] = field(default_factory=dict)
    """Variables beyond those of tenant and account."""

    def settings(self, **overrides: str) -> Settings:
        given = {**variables(self.tenant), **self.account.worker_variables, **self.given, **overrides}
        return read_settings({name: value for name, value in given.items() if value}.get)

    def fetch(self, request: HttpRequest) -> Coroutine[object, None, HttpResponse]:
        """The tenant's answer, or the account's, to which a request goes at once, whenever its answer is awaited."""
        if request.url.split("/")[2] != CLOUDFLARE:
            return super().fetch(request)
        answer: simulator.Response | simulator.Dropped
        try:
            answer = self.account.handle(simulator.Request(request.method, request.url, request.headers, request.body.encode()))
        except simulator.Dropped as dropped:
            answer = dropped
        return self._arriving(request, self.clock.time, answer)

    async def _arriving(self, request: HttpRequest, sent: float, answer: simulator.Response | simulator.Dropped) -> HttpResponse:
        if isinstance(answer, simulator.Dropped):
            raise answer
        await self.clock.sleep(max(0.0, sent + min(answer.delay, request.timeout) - self.clock.time))
        if answer.delay > request.timeout:
            raise TimeoutError
        return HttpResponse(
            answer.status, {name.lower(): value for name, value in answer.headers.items()}, answer.body.decode(errors="replace")
        )

    def held(self) -> dict[str, set[str]]:
        """What each list holds, in lower case."""
        return {level: {value.lower() for value in self.values(level)} for level in RISK_LEVELS}

    def values(self, level: str) -> list[str]:
        """What a level's list holds, as it is spelled."""
        return [*self.account.list_named(f"risky-users-{level}").values]

    def wanted(self, which: str = "both") -> dict[str, set[str]]:
        """What each list should hold."""
        return {
            level: {each for user in self.tenant.risky_at(level) for each in forms(Mailbox(user.mail, user.principal_name), which)}
            for level in RISK_LEVELS
        }

    def asked(self) -> list[str]:
        """The requests to Cloudflare in the latest tick: method, and path below the lists."""
        return [f"{each.method} {each.url.partition('/gateway/lists')[2]}" for each in self.account.requests]

    def tick(self, **overrides: str) -> Report:
        self.account.reset_counters()
        self.account.requests.clear()
        return super().tick(**overrides)


def lane(risky: int = 12, seed: int = 1, *, mail: bool = True, **given: str) -> Lane:
    """A tenant with so many risky users beside an account, nothing synchronised yet; `mail`: the Worker may read it."""
    clock = StoppedClock()
    tenant = simulator.Tenant.contoso(risky, seed, clock=clock.now)
    if mail:
        tenant.app.permissions.add(MAY_READ_MAIL)
    return Lane(tenant, clock, account=Account.contoso(seed, clock=clock.now), given=given)


def kept(risky: int = 12, **given: str) -> Lane:
    """The same after its first minutes, the groups no longer new."""
    ticks = lane(risky, **given)  # type: ignore[arg-type]  # all given here are texts
    ticks.tick()
    ticks.clock.time += 1000
    ticks.tick()
    return ticks


def writes_of(account: Account) -> list[ListWrite]:
    """Everything that changes in the account's lists from now on, as it happens."""
    seen: list[ListWrite] = []
    account.on_write = seen.append
    return seen
