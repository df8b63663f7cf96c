"""Runs `risky-users` in this process, before a simulated tenant instead of Microsoft; time passes only when someone waits."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TypeAlias
from urllib.parse import urlsplit

import httpx
from typer.testing import CliRunner

import simulator
from risky_users.admin.machine import Machine
from risky_users.app import app
from risky_users.connection import Connection
from risky_users.surroundings import Surroundings
from simulator.cloudflare import Account
from simulator.entra.azure_cli import AzureCli
from simulator.standin import StandIn
from tests.setup.desk import Programs, azure_cli
from tests.ticks import Ticks, contoso, variables

Json: TypeAlias = "dict[str, Json] | list[Json] | str | int | bool | None"


@dataclass(frozen=True)
class Outcome:
    """What a command left behind; `output` and `complaints` are standard output and standard error."""

    status: int
    output: str
    complaints: str

    @property
    def text(self) -> str:
        return self.output + self.complaints

    def line(self, title: str) -> str:
        """The line of the check of this title, mark and all."""
        [line] = [line for line in self.output.splitlines() if line[2:].startswith(f"{title} ")]
        return line

    @property
    def json(self) -> "dict[str, Json]":
        parsed: dict[str, Json] = json.loads(self.output)
        return parsed


READING_POSTS = ("/oauth2/v2.0/token", "/$batch", "/client/v4/graphql")
"""Requests that read although they are a POST; of a batch each part is looked at."""


@dataclass
class Terminal:
    """An administrator's terminal, and the tenant and the Worker that it is about."""

    ticks: Ticks = field(default_factory=contoso)
    environment: dict[str, str] = field(default_factory=dict)
    unplugged: bool = False
    """Whether the network is down."""
    encoding: str = "utf-8"
    """Of standard output and standard error."""
    account: Account | None = None
    """At Cloudflare."""
    az: AzureCli | None = None
    """The Azure CLI on this computer, None where it is not installed."""
    told: list[str] = field(default_factory=list)
    """What the command said on its way."""
    elsewhere: list[httpx.Request] = field(default_factory=list)
    """What was sent to hosts that are neither Microsoft's nor Cloudflare's."""

    def __post_init__(self) -> None:
        self.environment = {**variables(self.tenant), **self.environment}

    @property
    def tenant(self) -> simulator.Tenant:
        return self.ticks.tenant

    def run(self, *arguments: str, typed: str = "", environment: Mapping[str, str] | None = None) -> Outcome:
        """One command, `typed` on its standard input, `environment` instead of the one that has every variable. Only `sync` may write."""
        for service in self.services():
            service.requests.clear()
        given = self.environment if environment is None else environment
        connection = Connection(httpx.MockTransport(self._answer_by_and_by), self.ticks.clock)
        machine = Machine(
            environment=given,
            transport=httpx.MockTransport(self._answer),
            now=self.ticks.clock.now,
            sleep=self._sleep,
            run=Programs({"az": azure_cli(self.az)} if self.az else {}),
            interactive=lambda: False,
            tell=self.told.append,
        )
        result = CliRunner(self.encoding).invoke(app, arguments, obj=Surroundings(connection, given, machine), input=typed)
        if result.exception and not isinstance(result.exception, SystemExit):
            raise result.exception
        if arguments[0] != "sync":
            self.has_only_read()
        assert not any(service.violations for service in self.services())
        outcome = Outcome(result.exit_code, result.stdout, result.stderr)
        secrets = [self.environment.get(name) for name in ("AZURE_AD_CLIENT_SECRET", "GATEWAY_API_TOKEN", "CLOUDFLARE_API_TOKEN")]
        assert not any(secret and secret in outcome.text for secret in secrets)
        return outcome

    def has_only_read(self) -> None:
        """No request has changed anything, as far as they are remembered."""
        for service in self.services():
            for request in service.requests:
                path = urlsplit(request.url).path
                assert request.method == "GET" or (request.method == "POST" and path.endswith(READING_POSTS)), f"{request.method} {path}"
                assert {item.method for item in request.items} <= {"GET"}

    def services(self) -> list[StandIn]:
        """All that there is to speak to."""
        return [self.tenant, *([self.account] if self.account else [])]

    async def _answer_by_and_by(self, request: httpx.Request) -> httpx.Response:
        return self._answer(request)

    def _answer(self, request: httpx.Request) -> httpx.Response:
        if self.unplugged:
            raise httpx.ConnectError("[Errno -2] Name or service not known")
        sent = simulator.Request(request.method, str(request.url), dict(request.headers), request.content)
        service = next((each for each in self.services() if request.url.host in each.hosts), None)
        if service is None:
            self.elsewhere.append(request)
            return httpx.Response(204)
        try:
            answer = service.handle(sent)
        except simulator.Dropped as error:
            raise httpx.ReadError("the connection was lost") from error
        self._sleep(answer.delay)
        return httpx.Response(answer.status, headers=dict(answer.headers), content=answer.body)

    def _sleep(self, seconds: float) -> None:
        self.ticks.clock.time += seconds
