"""Somebody who sets up and takes down Cloudflare Gateway's side, for a Worker that is deployed, and what both look like."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

import httpx

from risky_users.admin.cloudflare import Cloudflare
from risky_users.admin.isolation import Choices
from risky_users.admin.wrangler import Wrangler
from risky_users.setup.configuration import WranglerFile
from risky_users.setup.gateway import Gateway
from risky_users.setup.ledger import FILE, Ledger
from risky_users.setup.steps import Entry, Part, State, carry_out, plan
from simulator.cloudflare import Account
from simulator.messages import JSON
from tests.setup.desk import Desk
from tests.setup.npx import Npx

WRANGLER = """\
# The Worker.
name = "risky-users"
main = "src/entry.py"

[triggers]
crons = ["* * * * *"]

[vars]
AZURE_AD_TENANT_ID = "contoso.onmicrosoft.com" # ours
"""
GATEWAY = ("Zero Trust Write",)
ALL = (*GATEWAY, "Account API Tokens Write")


class Killed(BaseException):
    """The process is gone: nothing of it goes on."""


@dataclass
class GatewayDesk:
    """An account without lists and rules, a Worker, and an administrator's token with these permissions."""

    folder: Path
    permissions: tuple[str, ...] = ALL
    choices: Choices = field(default_factory=Choices)
    rewrite: bool = False
    worker_stays: bool = True
    messages: list[str] = field(default_factory=list)
    """Whatever a person was shown."""

    def __post_init__(self) -> None:
        self.desk = Desk()
        self.account = Account(self.desk.clock.now)
        self.account.decrypt_tls(on=True)
        self.desk.network.services = [self.account]
        (self.folder / "wrangler.toml").write_text(WRANGLER, "utf-8")
        self.npx = Npx(self.account, self.folder)
        self.desk.programs.installed["npx"] = self.npx
        self.npx(["wrangler", "deploy"], "")
        self.administrator = self.account.create_token("administrator", *self.permissions)
        self.account.requests.clear()

    # --- what the administrator does ---

    def plan(self) -> list[Entry]:
        """What would be done."""
        with self._gateway() as gateway:
            return self._shown(plan(gateway.part().steps, ()))

    def set_up(self) -> list[Entry]:
        """All of it, without questions."""
        with self._gateway() as gateway:
            return self._carried_out(gateway.part())

    def remove(self) -> list[Entry]:
        """All of that away."""
        with self._gateway() as gateway:
            return self._carried_out(gateway.removal(worker_stays=self.worker_stays))

    def _gateway(self) -> "_Opened":
        file = WranglerFile.find(self.folder)
        cloudflare = Cloudflare(self.desk.machine, self.account.id, self.administrator.value)
        wrangler = Wrangler(self.desk.machine, file.name, file.path)
        return _Opened(cloudflare, Gateway(cloudflare, wrangler, file, Ledger.open(self.folder), self.choices, self.rewrite))

    def _carried_out(self, part: Part) -> list[Entry]:
        return self._shown(carry_out(part.steps, lambda entry: self.messages.append(entry.finding.message)))

    def _shown(self, entries: Iterable[Entry]) -> list[Entry]:
        found = []
        for entry in entries:  # one by one, so that what was shown before somebody is stopped is known
            self.messages.append(f"{entry.finding.message} {entry.finding.who}")
            found.append(entry)
        return found

    # --- what befalls ---

    def kill_after(self, request: int) -> None:
        """The process dies once this request, from 0, or this change by wrangler is done."""
        left = [request]

        def count(_: object) -> None:
            left[0] -= 1
            if left[0] < 0:
                raise Killed

        self.desk.network.after = self.npx.after = count

    def lose_answer(self, request: int) -> None:
        """The answer to this request, from 0, does not arrive, and wrangler's change that is this one ends in an error."""
        left = [request]

        def count(what: httpx.Request | str) -> None:
            left[0] -= 1
            if left[0] == -1 and isinstance(what, httpx.Request):
                raise httpx.ReadError("the connection was lost")

        self.desk.network.after = self.npx.after = count

    def live_on(self) -> None:
        """Nothing befalls any more."""
        self.desk.network.after = lambda _: None
        self.npx.after = lambda _: None

    # --- what it looks like ---

    @property
    def wrangler_toml(self) -> str:
        """The file."""
        return (self.folder / "wrangler.toml").read_text("utf-8")

    @property
    def remembered(self) -> str:
        """The ledger's file, empty where there is none."""
        path = self.folder / FILE
        return path.read_text("utf-8") if path.exists() else ""

    def snapshot(self) -> dict[str, JSON]:
        """The account but for counters and dates, and the folder."""
        whole = self.account.snapshot()
        workers: list[JSON] = [
            {"name": each.name, "variables": {**each.variables}, "secrets": [*each.secrets]} for each in self.account.state.workers.values()
        ]
        kept: dict[str, JSON] = {name: whole[name] for name in ("lists", "rules", "settings", "providers", "tokens")}
        return kept | {"workers": workers, "wrangler.toml": self.wrangler_toml, "ledger": self.remembered}

    @property
    def shape(self) -> dict[str, object]:
        """What the account holds by name, without ids: to be compared between accounts."""
        state = self.account.state
        worker = self.npx.worker
        return {
            "lists": [(each.name, each.type, each.description) for each in state.standing_lists()],
            "rules": sorted((each.name, each.action, each.enabled, each.traffic, each.precedence) for each in state.rules.value.values()),
            "tokens": sorted(each.name for each in state.tokens.values()),
            "worker": sorted([*worker.variables, *worker.secrets]) if worker else None,
        }

    def works(self) -> bool:
        """Whether the Worker holds a token that lives, each list is looked into by its rule, and it knows the lists."""
        worker = self.npx.worker
        assert worker
        alive = [each.value for each in self.account.state.tokens.values()]
        named = [value for name, value in worker.variables.items() if name.startswith("GATEWAY_LIST_")]
        lists = [each.id for each in self.account.state.standing_lists()]
        identities = " ".join(rule.identity for rule in self.account.state.rules.value.values()).replace("-", "")
        isolated = [list_id for list_id in lists if list_id.replace("-", "") in identities]
        return worker.secrets.get("GATEWAY_API_TOKEN") in alive and sorted(named) == sorted(lists) == sorted(isolated)

    def assert_no_secret_shown(self) -> None:
        """Tokens are nowhere but in the Worker."""
        seen = " ".join([*self.messages, *self.desk.told, self.wrangler_toml, self.remembered, *map(" ".join, self.desk.programs.calls)])
        for value in {
            self.administrator.value,
            *(token.value for token in self.account.state.tokens.values()),
            *dict(self.npx.given).values(),
        }:
            assert value not in seen


class _Opened:
    """A Gateway whose connection closes with it."""

    def __init__(self, cloudflare: Cloudflare, gateway: Gateway) -> None:
        self._cloudflare, self._gateway = cloudflare, gateway

    def __enter__(self) -> Gateway:
        return self._gateway

    def __exit__(self, *error: object) -> None:
        self._cloudflare.__exit__(*error)


def state_of(entries: Iterable[Entry], key: str) -> State:
    """How it is with a step."""
    return next(entry.finding.state for entry in entries if entry.step.key == key)


def message_of(entries: Iterable[Entry], key: str) -> str:
    """What is said of a step."""
    return next(entry.finding.message for entry in entries if entry.step.key == key)
