"""An administrator's desk: their computer with its programs, between a simulated tenant and a simulated account. No sockets, no waiting."""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import httpx

import simulator
from risky_users.admin.machine import Finished, Machine
from simulator.asgi import Simulated
from simulator.entra.azure_cli import SIGNED_OUT, AzureCli
from tests.simulator.client import Clock


@dataclass
class Programs:
    """The programs on the computer, by name; each is told its arguments and its standard input."""

    installed: dict[str, Callable[[Sequence[str], str], Finished]] = field(default_factory=dict)
    calls: list[tuple[str, ...]] = field(default_factory=list)

    def __call__(self, arguments: Sequence[str], *, given: str = "", **_: object) -> Finished:
        self.calls.append(tuple(arguments))
        program = self.installed.get(arguments[0])
        return program(arguments[1:], given) if program else Finished(127, "", f"{arguments[0]} is not installed")


def azure_cli(az: AzureCli) -> Callable[[Sequence[str], str], Finished]:
    """The stand-in for `az`, in this process."""

    def run(arguments: Sequence[str], _: str) -> Finished:
        assert list(arguments[:4]) == ["account", "get-access-token", "--output", "json"]
        options = dict(zip(arguments[2::2], arguments[3::2], strict=True))
        if az.failure or az.user is None:
            return Finished(1, "", az.failure or SIGNED_OUT)
        if options.get("--tenant", az.tenant.id) not in (az.tenant.id, az.tenant.domain):
            return Finished(
                1, "", f"ERROR: AADSTS90002: Tenant '{options['--tenant']}' not found.\nTo re-authenticate, please run: az login"
            )
        return Finished(0, json.dumps(az.answer(options["--resource"].removeprefix("https://"))), "")

    return run


@dataclass
class Network:
    """The way to simulated services; time passes while they answer."""

    services: Sequence[Simulated]
    clock: Clock
    unplugged: bool = False
    before: Callable[[httpx.Request], None] = lambda _: None
    """Called before each request; raises whatever is to befall it."""
    after: Callable[[httpx.Request], None] = lambda _: None
    """Called once it is done, before the answer arrives."""

    @property
    def transport(self) -> httpx.MockTransport:
        return httpx.MockTransport(self._answer)

    def _answer(self, request: httpx.Request) -> httpx.Response:
        if self.unplugged:
            raise httpx.ConnectError("[Errno -2] Name or service not known")
        self.before(request)
        sent = simulator.Request(request.method, str(request.url), dict(request.headers), request.content)
        service = next((each for each in self.services if request.url.host in each.hosts), self.services[0])
        try:
            answer = service.handle(sent)
        except simulator.Dropped as error:
            raise httpx.ReadError("the connection was lost") from error
        self.clock.time += answer.delay
        self.after(request)
        return httpx.Response(answer.status, headers=dict(answer.headers), content=answer.body)


@dataclass
class Desk:
    """Somebody with these directory roles, signed in with the Azure CLI."""

    roles: tuple[str, ...] = ("Global Administrator",)
    clock: Clock = field(default_factory=Clock)
    told: list[str] = field(default_factory=list)
    """What the commands said about their progress."""
    programs: Programs = field(default_factory=Programs)

    def __post_init__(self) -> None:
        self.tenant = simulator.Tenant.contoso(3, clock=self.clock.now)
        self.ada = self.tenant.add_user("Ada Admin")
        for role in self.roles:
            self.tenant.assign_role(self.ada, role)
        self.az = AzureCli(self.tenant, self.ada)
        self.programs.installed["az"] = azure_cli(self.az)
        self.network = Network([self.tenant], self.clock)
        self.machine = Machine(
            environment={},
            transport=self.network.transport,
            now=self.clock.now,
            sleep=self._sleep,
            run=self.programs,
            interactive=lambda: False,
            tell=self.told.append,
        )

    def _sleep(self, seconds: float) -> None:
        self.clock.time += seconds
