"""Runs `risky-users` in this process, before a simulated tenant instead of Microsoft; time passes only when someone waits."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

import httpx
from typer.testing import CliRunner

import simulator
from risky_users.app import Surroundings, app
from risky_users.connection import Connection
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


@dataclass
class Terminal:
    """An administrator's terminal, and the tenant and the Worker that it is about."""

    ticks: Ticks = field(default_factory=contoso)
    environment: dict[str, str] = field(default_factory=dict)
    unplugged: bool = False
    """Whether the network is down."""
    encoding: str = "utf-8"
    """Of standard output and standard error."""
    elsewhere: list[httpx.Request] = field(default_factory=list)
    """What was sent to hosts that are not Microsoft's."""

    def __post_init__(self) -> None:
        self.environment = {**variables(self.tenant), **self.environment}

    @property
    def tenant(self) -> simulator.Tenant:
        return self.ticks.tenant

    def run(self, *arguments: str, typed: str = "", environment: Mapping[str, str] | None = None) -> Outcome:
        """One command, `typed` on its standard input, `environment` instead of the one that has every variable. Only `sync` may write."""
        self.tenant.requests.clear()
        connection = Connection(httpx.MockTransport(self._answer), self.ticks.clock)
        surroundings = Surroundings(connection, self.environment if environment is None else environment)
        result = CliRunner(self.encoding).invoke(app, arguments, obj=surroundings, input=typed)
        if result.exception and not isinstance(result.exception, SystemExit):
            raise result.exception
        asked = [item.method for request in self.tenant.requests for item in request.items]
        assert arguments[0] == "sync" or set(asked) <= {"GET"}
        assert not self.tenant.violations
        return Outcome(result.exit_code, result.stdout, result.stderr)

    async def _answer(self, request: httpx.Request) -> httpx.Response:
        if self.unplugged:
            raise httpx.ConnectError("[Errno -2] Name or service not known")
        if request.url.host not in self.tenant.hosts:
            self.elsewhere.append(request)
            return httpx.Response(204)
        sent = simulator.Request(request.method, str(request.url), dict(request.headers), request.content)
        try:
            answer = self.tenant.handle(sent)
        except simulator.Dropped as error:
            raise httpx.ReadError("the connection was lost") from error
        await self.ticks.clock.sleep(answer.delay)
        return httpx.Response(answer.status, headers=dict(answer.headers), content=answer.body)
