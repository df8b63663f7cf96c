"""The commands `setup`, `rotate` and `remove`: options in, parts out. What they do is imported when it is done."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from risky_users.admin.sign_in import How
from risky_users.surroundings import AsJson, Configuration, Debug, plainly, surroundings_of

if TYPE_CHECKING:
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


@contextmanager
def _session(context: typer.Context, config: Path | None, tenant: str, cloud: str, account: str, how: How) -> "Iterator[Session]":
    from risky_users.setup.session import Choices, session

    with session(surroundings_of(context).machine, Choices(config, tenant, cloud, account, how)) as here:
        yield here


def _run(here: "Session", parts: "Sequence[Part]", manner: "Manner") -> None:
    from risky_users.setup.run import Terminal, run

    def confirm(question: str) -> bool:
        return typer.confirm(question)

    terminal = Terminal(Console(highlight=False), confirm, here.work.machine.interactive)
    raise typer.Exit(run(parts, here.who, here.roles, manner, terminal))


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
