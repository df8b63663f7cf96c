"""The commands `setup`, `rotate` and `remove`: options in, parts out. What they do is imported when it is done."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from risky_users.admin.sign_in import How
from risky_users.surroundings import AsJson, Configuration, Debug, complain, plainly, surroundings_of

if TYPE_CHECKING:
    from risky_users.admin.machine import Machine
    from risky_users.setup.run import Manner
    from risky_users.setup.session import Session
    from risky_users.setup.steps import Part

setup = typer.Typer(
    name="setup",
    help="""Set the chain up, from risk to isolated browser: all of it, or a part, as far as you may.

    Reads everything first, shows a plan, and asks before it writes. It can be run again at any time: what is there is left as it is, and
    what was begun goes on.""",
    rich_markup_mode="markdown",
)

Tenant = Annotated[str, typer.Option("--tenant", help="The tenant's id or domain, if not the one in wrangler's file, or yours.")]
Cloud = Annotated[str, typer.Option("--cloud", help="global, usgov or usgov-dod, if not as wrangler's file has it.")]
Account = Annotated[str, typer.Option("--account", help="The Cloudflare account's id, where wrangler is logged in to several.")]
SignIn = Annotated[How, typer.Option("--sign-in", help="How to sign in to Microsoft.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Show the plan, and write nothing.")]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Write without asking.")]
WithCertificate = Annotated[bool, typer.Option("--certificate", help="A certificate instead of a client secret; its key is made here.")]
Days = Annotated[
    int, typer.Option("--days", help="How long the credential is good for, unless a policy of the tenant's allows less.", min=1, max=730)
]
KeepKey = Annotated[
    Path | None, typer.Option("--keep-key", help="Also write the certificate with its private key into this file.", dir_okay=False)
]
Lane = Annotated[
    bool | None, typer.Option("--lane/--no-lane", help="Whether the Worker keeps Gateway lists, for which it reads mail addresses.")
]
Levels = Annotated[list[str] | None, typer.Option("--level", help="A risk level to isolate, high by default; may be repeated.")]
Domains = Annotated[
    list[str] | None, typer.Option("--domain", help="Isolate on this domain and below it, not everywhere; may be repeated.")
]
Everywhere = Annotated[bool, typer.Option("--everywhere", help="Isolate everywhere, as without any --domain.")]
Clipboard = Annotated[str | None, typer.Option("--clipboard", help="Copy and paste: remote_only (the default), disabled or enabled.")]
Download = Annotated[str | None, typer.Option("--download", help="Downloads: remote_only (the default), disabled or enabled.")]
GroupToo = Annotated[
    bool | None, typer.Option("--group-too/--list-only", help="Isolate by list or group, which releases later, or by list.")
]
Rewrite = Annotated[bool, typer.Option("--rewrite", help="Write rules of setup's own anew where they differ from what is chosen.")]


@setup.command()
def worker(
    context: typer.Context,
    config: Configuration = None,
    tenant: Tenant = "",
    cloud: Cloud = "",
    account: Account = "",
    sign_in: SignIn = How.AUTOMATIC,
    certificate: WithCertificate = False,
    days: Days = 365,
    keep_key: KeepKey = None,
    lane: Lane = None,
    dry_run: DryRun = False,
    yes: Yes = False,
    as_json: AsJson = False,
    debug: Debug = False,
) -> None:
    """The app registration with its permissions and consent, the credential, and the Worker itself.

    In Entra it takes Cloud Application Administrator, and Privileged Role Administrator for the consent.
    """
    from risky_users.setup.worker import WorkerChoices, WorkerPart

    with plainly(debug), _session(context, config, tenant, cloud, account, sign_in) as here:
        wanted = "CLOUDFLARE_ACCOUNT_ID" in here.work.file.variables if lane is None else lane
        part = WorkerPart(here.work, WorkerChoices(wanted, certificate, days, _keeper(keep_key))).setting_up()
        _run(here, [part], _manner(dry_run, yes, as_json, "risky-users setup worker"))


@setup.command()
def gateway(
    context: typer.Context,
    config: Configuration = None,
    account: Account = "",
    level: Levels = None,
    domain: Domains = None,
    everywhere: Everywhere = False,
    clipboard: Clipboard = None,
    download: Download = None,
    group_too: GroupToo = None,
    rewrite: Rewrite = False,
    dry_run: DryRun = False,
    yes: Yes = False,
    as_json: AsJson = False,
    debug: Debug = False,
) -> None:
    """Isolation within a minute: a list and a rule a level at Cloudflare, a token of the Worker's own, and the Worker told of them.

    It takes an API token with Zero Trust Write, and Account API Tokens Write for the Worker's own, in CLOUDFLARE_API_TOKEN or asked for.
    """
    from risky_users.admin.isolation import Choices
    from risky_users.setup.gateway_session import asked_for, gateway_session

    machine = surroundings_of(context).machine
    with plainly(debug), gateway_session(machine, config, account, _unseen) as here:
        choices = Choices(tuple(level or ()), () if everywhere else tuple(domain) if domain else None, clipboard, download, group_too)
        if machine.interactive() and not (yes or as_json or dry_run) and not any(each.startswith("rule-") for each in here.ledger.entries):
            choices = asked_for(choices, _answered)
        if problems := choices.problems():
            complain(problems)
        part = here.gateway(choices, rewrite=rewrite).part()
        _show(machine, here.who, frozenset(), [part], _manner(dry_run, yes, as_json, "risky-users setup gateway"))


@contextmanager
def _session(context: typer.Context, config: Path | None, tenant: str, cloud: str, account: str, how: How) -> "Iterator[Session]":
    from risky_users.setup.session import Choices, session

    with session(surroundings_of(context).machine, Choices(config, tenant, cloud, account, how)) as here:
        yield here


def _run(here: "Session", parts: "Sequence[Part]", manner: "Manner") -> None:
    _show(here.work.machine, here.who, here.roles, parts, manner)


def _show(machine: "Machine", who: "Mapping[str, str]", roles: frozenset[str], parts: "Sequence[Part]", manner: "Manner") -> None:
    from risky_users.setup.run import Terminal, run

    def confirm(question: str) -> bool:
        return typer.confirm(question)

    terminal = Terminal(Console(highlight=False), confirm, machine.interactive)
    raise typer.Exit(run(parts, who, roles, manner, terminal))


def _unseen(name: str) -> str:
    asked: str = typer.prompt(f"{name} (not shown)", hide_input=True, err=True)
    return asked


def _answered(question: str, default: str) -> str:
    answer: str = typer.prompt(question, default=default, err=True)
    return answer


def _manner(dry_run: bool, yes: bool, as_json: bool, command: str) -> "Manner":
    from risky_users.setup.run import Manner

    return Manner(dry_run, yes, as_json, command)


def _keeper(path: Path | None) -> Callable[[str], None]:
    """Writes a key where somebody asked for it, for its owner alone."""

    def keep(pem: str) -> None:
        if path:
            path.touch(mode=0o600, exist_ok=True)
            path.write_text(pem, "utf-8")

    return keep
