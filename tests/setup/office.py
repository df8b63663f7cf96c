"""An administrator at work in a project's folder, between a tenant and an account of which nothing is set up yet; through the command line.

Whatever a command shows is searched for every secret that there is.
"""

import json
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from pathlib import Path

import httpx
from typer.testing import CliRunner

from risky_users.app import app
from risky_users.connection import Connection
from risky_users.setup.ledger import FILE
from risky_users.surroundings import Surroundings
from simulator import Fault, Tenant
from simulator.cloudflare import Account
from simulator.messages import JSON
from tests.deployment.checkout import ROOT
from tests.setup.desk import Desk
from tests.setup.npx import Npx
from tests.ticks import StoppedClock

TOKEN_PERMISSIONS = (
    "Zero Trust Write",
    "Account API Tokens Write",
    "Access: Organizations, Identity Providers, and Groups Read",
)


class Killed(BaseException):
    """The process is gone: nothing of it goes on."""


@dataclass(frozen=True)
class Outcome:
    """What a command left behind."""

    status: int
    text: str

    @property
    def json(self) -> dict[str, JSON]:
        parsed: dict[str, JSON] = json.loads(self.text[self.text.index("{") :])
        return parsed

    def states(self) -> dict[str, JSON]:
        """How it is with each step, by key, of a command with --json."""
        steps = self.json["steps"]
        assert isinstance(steps, list)
        return {str(each["step"]): each["state"] for each in steps if isinstance(each, dict)}


@dataclass
class Office:
    """`run` is what is typed; `changes` counts what it changed, or asked the services to."""

    folder: Path
    roles: tuple[str, ...] = ("Global Administrator",)
    changes: int = 0
    befalls: Callable[[int, object, str], None] = lambda *_: None
    """Told of every change before it is done and after, with its number since the command began; raises what befalls the command."""
    secrets: set[str] = field(default_factory=set)
    shown: list[str] = field(default_factory=list)
    clock: StoppedClock = field(default_factory=StoppedClock)

    def __post_init__(self) -> None:
        self.desk = Desk(self.roles, self.clock)
        self.tenant: Tenant = self.desk.tenant
        self.tenant.directory.applications.clear()  # nobody has set anything up
        for principal in [each for each in self.tenant.directory.principals.values() if each.name != "Microsoft Graph"]:
            del self.tenant.directory.principals[principal.id]
        self.tenant.directory.grants.clear()
        self.account = Account(self.desk.clock.now)
        self.account.decrypt_tls(on=True)
        self.provider = self.account.add_provider(scim=True)
        self.tenant.door = self.account.door
        self.token = self.account.create_token("administrator", *TOKEN_PERMISSIONS).value
        self.desk.network.services = [self.tenant, self.account]
        self.folder.mkdir(exist_ok=True)
        shutil.copy(ROOT / "wrangler.toml", self.folder / "wrangler.toml")
        self.npx = Npx(self.account, self.folder)
        self.desk.programs.installed["npx"] = self.npx
        self.desk.machine.folder = self.folder
        self.desk.network.before = self.npx.before = self._before
        self.desk.network.after = self.npx.after = self._after

    def _before(self, what: object) -> None:
        if not isinstance(what, httpx.Request) or what.method != "GET":
            self.changes += 1
            self.befalls(self.changes, what, "before")

    def _after(self, what: object) -> None:
        if not isinstance(what, httpx.Request) or what.method != "GET":
            self.befalls(self.changes, what, "after")

    def run(self, *arguments: str, typed: str = "", environment: Mapping[str, str] | None = None) -> Outcome:
        """One command. Raises Killed where that befell it."""
        self.changes = 0
        around = self.environment if environment is None else environment
        self.desk.machine.environment = around
        self.desk.machine.interactive = lambda: bool(typed)
        begun = len(self.desk.told)
        connection = Connection(self.desk.network.transport, self.clock)
        surroundings = Surroundings(connection, around, self.desk.machine)
        result = CliRunner().invoke(app, arguments, obj=surroundings, input=typed, env={"COLUMNS": "200"})
        self.shown += [result.output, *self.desk.told[begun:]]
        self.check_nothing_shown()
        if result.exception and not isinstance(result.exception, SystemExit):
            raise result.exception
        return Outcome(result.exit_code, result.output)

    @property
    def environment(self) -> dict[str, str]:
        """What the administrator has set."""
        return {"CLOUDFLARE_API_TOKEN": self.token, "CLOUDFLARE_SCIM_SECRET": self.provider.scim_secret or ""}

    # --- what befalls ---

    def befall(self, number: int, how: str) -> None:
        """Let this change, from 1, be the last: the process is killed `before` or `after` it is done; or it goes on, and the change was
        `refused`, or its answer is `lost`.

        Only changes count: being killed at a read leaves the same behind as at the change before it, or the next.
        """

        def at(count: int, what: object, when: str) -> None:
            if count == number and how == when:
                raise Killed
            if count == number and how == "refused" and when == "before":
                self._refuse(what)
            if count == number and how == "lost" and when == "after":
                if isinstance(what, httpx.Request):
                    raise httpx.ReadError("the connection was lost")
                raise OSError("the program was killed")

        self.befalls = at

    def _refuse(self, what: object) -> None:
        if not isinstance(what, httpx.Request):
            raise OSError("the program does not start")
        service = self.account if what.url.host == "api.cloudflare.com" else self.tenant
        service.faults.append(Fault("status", what.method, status=HTTPStatus.CONFLICT, code="Conflict", message="Refused.", times=1))

    def live_on(self) -> None:
        """Nothing befalls any more."""
        self.befalls = lambda *_: None

    # --- what there is ---

    def check_nothing_shown(self) -> None:
        """No secret, key or token is in what was shown, in a program's arguments, or in any file of the folder."""
        for application in self.tenant.directory.applications.values():
            self.secrets |= {secret.value for secret in application.secrets}
        for worker in self.account.state.workers.values():
            self.secrets |= {*worker.secrets.values()}
        self.secrets |= {*self.tenant.tokens.issued, *(token.value for token in self.account.state.tokens.values())}
        self.secrets |= {self.provider.scim_secret or self.token}
        files = [path.read_text("utf-8") for path in self.folder.iterdir() if path.is_file()]
        seen = "\n".join([*self.shown, *files, *(" ".join(call) for call in self.desk.programs.calls)])
        for secret in self.secrets:
            assert secret not in seen
            assert "PRIVATE KEY" not in seen

    @property
    def wrangler_toml(self) -> str:
        return (self.folder / "wrangler.toml").read_text("utf-8")

    def variables(self) -> dict[str, str]:
        """Of the Worker that runs."""
        worker = self.account.state.workers["risky-users"]
        return worker.variables

    def snapshot(self) -> dict[str, JSON]:
        """Both services but for what lies in the bin, the Workers, and the folder."""
        tenant, account = self.tenant.snapshot(), self.account.snapshot()
        workers: list[JSON] = [
            {"name": each.name, "variables": {**each.variables}, "secrets": [*each.secrets]} for each in self.account.state.workers.values()
        ]
        return {
            **{name: value for name, value in tenant.items() if name != "deleted"},
            **{name: account[name] for name in ("lists", "rules", "settings", "providers", "tokens")},
            "workers": workers,
            "files": {each.name: each.read_text("utf-8") for each in sorted(self.folder.iterdir())},
        }

    @property
    def ledger(self) -> dict[str, JSON]:
        """What the state file says was made."""
        path = self.folder / FILE
        read: JSON = json.loads(path.read_text("utf-8"))["made"] if path.exists() else {}
        assert isinstance(read, dict)
        return read
