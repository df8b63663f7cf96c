"""Where a command works and how it goes about it: the parts, made of what was said on the command line and of what was found."""

import asyncio
import os
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import typer
from rich.console import Console

from errors import ConfigError
from risky_users import check as checking
from risky_users.admin.cloudflare import Cloudflare
from risky_users.admin.isolation import Choices as Isolation
from risky_users.admin.machine import Machine
from risky_users.connection import Connection
from risky_users.output import show_walk
from risky_users.setup.gateway import Gateway
from risky_users.setup.gateway_session import TOKEN, asked_for
from risky_users.setup.ledger import Ledger
from risky_users.setup.provisioning import ScimChoices
from risky_users.setup.rotation import Rotation
from risky_users.setup.run import Manner, Terminal, run
from risky_users.setup.scim import ScimPart
from risky_users.setup.session import Choices, Session, session
from risky_users.setup.steps import Part, Step, blocked
from risky_users.setup.worker import WorkerChoices, WorkerPart
from risky_users.variables import CERTIFICATE, SECRET, complete, find_variables, read_wrangler

SCIM_SECRET = "CLOUDFLARE_SCIM_SECRET"
"""Where it is found, for options end in the shell's history."""
ZERO_TRUST = "an API token with Zero Trust Write"


@dataclass(frozen=True, slots=True)
class Desk:
    """Somebody signed in, in a project's folder; `cloudflare` where they have a token."""

    here: Session
    manner: Manner
    cloudflare: Cloudflare | None
    connection: Connection

    def worker(self, choices: WorkerChoices | None = None) -> WorkerPart:
        """The Worker and its identity."""
        return WorkerPart(self.here.work, self.connection, choices or WorkerChoices())

    @property
    def has_lane(self) -> bool:
        """Whether the Worker keeps lists already."""
        return "CLOUDFLARE_ACCOUNT_ID" in self.here.work.file.variables

    def scim(self, base_group: str = "", endpoint: str = "", provider: str = "", application: str = "", notify: str = "") -> ScimPart:
        """Provisioning to Cloudflare."""
        machine = self.here.work.machine

        def secret() -> str:
            given = machine.environment.get(SCIM_SECRET, "")
            return given or (unseen("Cloudflare's SCIM secret") if machine.interactive() and not self.manner.as_json else "")

        return ScimPart(self.here.work, self.cloudflare, ScimChoices(secret, notify), base_group, endpoint, provider, application)

    def base_group(self, given: str) -> str:
        """The base group, asked for where nobody said and somebody can answer."""
        if given or not _asks(self.here.work.machine, self.manner):
            return given
        return _answered("Base group, of all users of Cloudflare One, by name or object id (empty: none)", "").strip()

    def gateway(self, choices: Isolation, *, rewrite: bool = False, planned: bool = False) -> Part:
        """The lists and rules, or one step that says what they take. `planned`: the same run deploys the Worker before."""
        if self.cloudflare:
            return self._gateway(self.cloudflare, choices, rewrite=rewrite, planned=planned).part()
        return self._without_token("its lists and rules take")

    def gateway_removal(self) -> Part:
        """Rules that isolate, and the lists that they go by."""
        if self.cloudflare:
            return self._gateway(self.cloudflare, Isolation(levels=())).removal()
        entries = self.here.work.ledger.entries
        if entries and not any(each.startswith(("list-", "rule-", "gateway-")) for each in entries):
            return Part("gateway", "Cloudflare Gateway", ())
        return self._without_token("what was made there, if anything was, takes" if not entries else "what was made there takes")

    def rotation(self, choices: WorkerChoices) -> Part:
        """A new credential."""
        return Rotation(self.worker(choices)).part()

    def choose(self, levels: Sequence[str], domains: tuple[str, ...] | None) -> Isolation:
        """How risky users are isolated, asked where that is open and somebody can answer. Raises ConfigError."""
        if not self.cloudflare:
            return Isolation()
        return choose(self.here.work.machine, self.manner, self.here.work.ledger, levels, domains)

    def run(self, *parts: Part, one_by_one: bool = False) -> None:
        """Show, ask, write; then look, as the Worker does, where this run knows what it signs in with. Raises typer.Exit."""
        status = carried(self.here.work.machine, self.here.who, self.here.roles, self.manner, *parts, one_by_one=one_by_one)
        if {SECRET, CERTIFICATE} & self.here.work.wrangler.put.keys() and not self.manner.as_json:
            self._check()
        raise typer.Exit(status)

    def _check(self) -> None:
        """What `risky-users check` sees, which says itself what is to mend."""
        work = self.here.work
        variables = find_variables(work.machine.environment, work.file.path)
        variables.places = {"this run": work.wrangler.put, **variables.places}
        try:
            settings = complete(variables, str)
        except ConfigError:
            return  # a secret that this run did not put: whoever has it can check
        ways = checking.Ways(self.connection, work.machine)
        wrangler = checking.Wrangler.of(read_wrangler(work.file.path))
        console = Console(highlight=False)
        console.print("\nrisky-users check:")
        show_walk(console, asyncio.run(checking.walk(ways, settings, variables, wrangler)))

    def _gateway(self, cloudflare: Cloudflare, choices: Isolation, *, rewrite: bool = False, planned: bool = False) -> Gateway:
        work = self.here.work
        return Gateway(cloudflare, work.wrangler, work.file, work.ledger, choices, rewrite, planned)

    def _without_token(self, what: str) -> Part:
        whose = "" if self.here.account else ", and wrangler logged in to the account, or --account"
        finding = blocked(f"{what} {ZERO_TRUST}, in {TOKEN}{whose}.", ZERO_TRUST)
        return Part("gateway", "Cloudflare Gateway", (Step("gateway", "Lists and rules", lambda: finding),))


@contextmanager
def open_desk(machine: Machine, connection: Connection, choices: Choices, manner: Manner, *, cloudflare: bool) -> Iterator[Desk]:
    """A desk for as long as a command takes; with Cloudflare's API where that is wanted and there is a token. Raises AdminError."""
    with ExitStack() as open_:
        here = open_.enter_context(session(machine, choices))
        token = machine.environment.get(TOKEN, "") if cloudflare else ""
        if cloudflare and not token and here.account and _asks(machine, manner):
            token = unseen(f"{TOKEN}, or nothing to leave Cloudflare's lists and rules out")
        account = open_.enter_context(Cloudflare(machine, here.account, token)) if token and here.account else None
        yield Desk(here, manner, account, connection)


def carried(
    machine: Machine, who: Mapping[str, str], roles: Collection[str], manner: Manner, *parts: Part, one_by_one: bool = False
) -> int:
    """Show, ask, write; the exit status."""

    def confirm(question: str) -> bool:
        return typer.confirm(question)

    terminal = Terminal(Console(highlight=False), confirm, machine.interactive)
    return run(parts, who, roles, manner, terminal, one_by_one=one_by_one)


def choose(
    machine: Machine,
    manner: Manner,
    ledger: Ledger,
    levels: Sequence[str],
    domains: tuple[str, ...] | None,
    clipboard: str | None = None,
    download: str | None = None,
    group_too: bool | None = None,
) -> Isolation:
    """How risky users are isolated; what is open is asked, the first time. Raises ConfigError where it makes no sense."""
    chosen = Isolation(tuple(levels), domains, clipboard, download, group_too)
    if _asks(machine, manner) and not any(each.startswith("rule-") for each in ledger.entries):
        chosen = asked_for(chosen, _answered)
    if problems := chosen.problems():
        raise ConfigError(problems)
    return chosen


def unseen(what: str) -> str:
    """What is typed without being shown; it may be nothing."""
    secret: str = typer.prompt(f"{what} (not shown)", hide_input=True, default="", show_default=False, err=True)
    return secret


def _answered(question: str, default: str) -> str:
    answer: str = typer.prompt(question, default=default, err=True)
    return answer


def _asks(machine: Machine, manner: Manner) -> bool:
    """Whether somebody can answer, and wants to."""
    return machine.interactive() and not (manner.yes or manner.as_json or manner.dry_run)


def keeper(path: Path | None, *, certificate: bool) -> Callable[[str], None]:
    """Writes a key where somebody asked for it, for its owner alone. Raises ConfigError where that cannot be."""
    if path and not certificate:
        raise ConfigError(["--keep-key is for a certificate's key: add --certificate, or leave it out. Nothing was written."])
    if path and not (path.parent.is_dir() and os.access(path.parent, os.W_OK)):
        raise ConfigError([f"--keep-key: {path.parent} is no folder that can be written to. Nothing was written."])

    def keep(pem: str) -> None:
        if path:
            beside = path.with_name(f"{path.name}.new")
            beside.unlink(missing_ok=True)
            try:
                with os.fdopen(os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
                    file.write(pem)
                beside.replace(path)
            finally:
                beside.unlink(missing_ok=True)  # half of a key is of use to nobody it is meant for

    return keep
