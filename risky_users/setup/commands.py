"""The commands `setup`, `rotate` and `remove`: options in, parts out. What they do is imported when it is done."""

from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

from risky_users.admin.sign_in import How
from risky_users.surroundings import AsJson, Configuration, Debug, plainly, surroundings_of

if TYPE_CHECKING:
    from risky_users.setup.desk import Desk

setup = typer.Typer(
    name="setup",
    help="""Set the chain up, from risk to isolated browser: all of it, or a part, as far as you may.

    Reads everything first, shows a plan, and asks before it writes. It can be run again at any time: what is there is left as it is, and
    what was begun goes on. Microsoft is asked with your own rights, Cloudflare through wrangler and the token in CLOUDFLARE_API_TOKEN.""",
    rich_markup_mode="markdown",
    invoke_without_command=True,
)


Tenant = Annotated[str, typer.Option("--tenant", help="The tenant's id or domain, if not the one in wrangler's file, or yours.")]
Cloud = Annotated[str, typer.Option("--cloud", help="global, usgov or usgov-dod, if not as wrangler's file has it.")]
Account = Annotated[str, typer.Option("--account", help="The Cloudflare account's id, where wrangler is logged in to several.")]
SignIn = Annotated[How, typer.Option("--sign-in", help="How to sign in to Microsoft.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Show the plan, and write nothing.")]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Write without asking, which --json wants before it writes.")]
WithCertificate = Annotated[bool, typer.Option("--certificate", help="A certificate instead of a client secret; its key is made here.")]
Days = Annotated[int, typer.Option("--days", help="How long the credential is good for, if the tenant's policy allows.", min=1, max=730)]
KeepKey = Annotated[Path | None, typer.Option("--keep-key", help="Also write certificate and private key into this file.", dir_okay=False)]
Lane = Annotated[bool | None, typer.Option("--lane/--no-lane", help="Whether the Worker keeps Gateway lists, and so reads mail addresses.")]
WithGroups = Annotated[bool, typer.Option("--groups", help="Make the three groups now, instead of in the Worker's first minute.")]
BaseGroup = Annotated[str, typer.Option("--base-group", help="A group of all users of Cloudflare One, by object id or name.")]
Endpoint = Annotated[str, typer.Option("--scim-endpoint", help="Cloudflare's SCIM endpoint, if not looked up with the API token.")]
Provider = Annotated[
    str, typer.Option("--identity-provider", help="Cloudflare's identity provider, by id or name, where Entra is several.")
]
ScimApp = Annotated[str, typer.Option("--scim-app", help="The client id of an enterprise application to use instead of a new one.")]
Notify = Annotated[str, typer.Option("--notify", help="A mailbox that Entra tells when provisioning is in quarantine.")]
Level = Annotated[list[str] | None, typer.Option("--level", help="A risk level to isolate, high by default; may be repeated.")]
Domain = Annotated[list[str] | None, typer.Option("--domain", help="Isolate on this domain and below it, not everywhere; may be repeated.")]
Everywhere = Annotated[bool, typer.Option("--everywhere", help="Isolate everywhere, as without any --domain.")]
Clipboard = Annotated[str | None, typer.Option("--clipboard", help="Copy and paste: remote_only (the default), disabled or enabled.")]
Download = Annotated[str | None, typer.Option("--download", help="Downloads: remote_only (the default), disabled or enabled.")]
GroupToo = Annotated[
    bool | None, typer.Option("--group-too/--list-only", help="Isolate by list or group, which releases later, or by list.")
]
Rewrite = Annotated[bool, typer.Option("--rewrite", help="Write rules of setup's own anew where they differ from what is chosen.")]


class RemovedPart(StrEnum):
    """What is taken down."""

    ALL = "all"
    GATEWAY = "gateway"


Removed = Annotated[RemovedPart, typer.Argument(help="All of it, or Cloudflare's lists and rules alone.")]


@setup.callback()
def everything(
    context: typer.Context,
    config: Configuration = None,
    tenant: Tenant = "",
    cloud: Cloud = "",
    account: Account = "",
    sign_in: SignIn = How.AUTOMATIC,
    certificate: WithCertificate = False,
    base_group: BaseGroup = "",
    scim_endpoint: Endpoint = "",
    level: Level = None,
    domain: Domain = None,
    dry_run: DryRun = False,
    yes: Yes = False,
    as_json: AsJson = False,
    debug: Debug = False,
) -> None:
    """All parts, as far as you may; what is left is said, and for whom. More options are with each part."""
    if part := context.invoked_subcommand:
        sources = [context.get_parameter_source(name) for name in context.params]
        if any(source and source.name == "COMMANDLINE" for source in sources):
            raise typer.BadParameter(f"options come after the part, as in `risky-users setup {part} --dry-run`.")
        return
    with plainly(debug), _desk(context, "setup", config, tenant, cloud, account, sign_in, dry_run, yes, as_json) as desk:
        from risky_users.setup.worker import WorkerChoices

        choices = desk.choose(level or (), tuple(domain) if domain else None)
        worker = desk.worker(WorkerChoices(lane=desk.cloudflare is not None, certificate=certificate))
        desk.run(
            worker.setting_up(), desk.scim(desk.base_group(base_group), scim_endpoint).setting_up(), desk.gateway(choices, planned=True)
        )


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
    groups: WithGroups = False,
    dry_run: DryRun = False,
    yes: Yes = False,
    as_json: AsJson = False,
    debug: Debug = False,
) -> None:
    """The app registration with its permissions and consent, the credential, and the Worker itself.

    In Entra it takes Cloud Application Administrator, and Privileged Role Administrator for the consent.
    """
    with (
        plainly(debug),
        _desk(context, "setup worker", config, tenant, cloud, account, sign_in, dry_run, yes, as_json, cloudflare=False) as desk,
    ):
        from risky_users.setup.desk import keeper
        from risky_users.setup.worker import WorkerChoices

        wanted = desk.has_lane if lane is None else lane
        desk.run(desk.worker(WorkerChoices(wanted, certificate, days, keeper(keep_key, certificate=certificate), groups)).setting_up())


@setup.command()
def scim(
    context: typer.Context,
    config: Configuration = None,
    tenant: Tenant = "",
    cloud: Cloud = "",
    account: Account = "",
    sign_in: SignIn = How.AUTOMATIC,
    base_group: BaseGroup = "",
    scim_endpoint: Endpoint = "",
    identity_provider: Provider = "",
    scim_app: ScimApp = "",
    notify: Notify = "",
    dry_run: DryRun = False,
    yes: Yes = False,
    as_json: AsJson = False,
    debug: Debug = False,
) -> None:
    """The three groups, and the enterprise application that provisions them to Cloudflare, with a base group.

    It takes Cloud Application Administrator; and Cloudflare's SCIM secret, from CLOUDFLARE_SCIM_SECRET or asked for.
    """
    with plainly(debug), _desk(context, "setup scim", config, tenant, cloud, account, sign_in, dry_run, yes, as_json) as desk:
        desk.run(desk.scim(desk.base_group(base_group), scim_endpoint, identity_provider, scim_app, notify).setting_up())


@setup.command()
def gateway(
    context: typer.Context,
    config: Configuration = None,
    account: Account = "",
    level: Level = None,
    domain: Domain = None,
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
    from risky_users.setup.desk import carried, choose, unseen
    from risky_users.setup.gateway_session import gateway_session
    from risky_users.setup.run import Manner

    machine, manner = surroundings_of(context).machine, Manner(dry_run, yes, as_json, "risky-users setup gateway")
    with plainly(debug), gateway_session(machine, config, account, unseen) as here:
        domains = () if everywhere else tuple(domain) if domain else None
        choices = choose(machine, manner, here.ledger, level or (), domains, clipboard, download, group_too)
        raise typer.Exit(carried(machine, here.who, (), manner, here.gateway(choices, rewrite=rewrite).part()))


def rotate(
    context: typer.Context,
    config: Configuration = None,
    tenant: Tenant = "",
    cloud: Cloud = "",
    account: Account = "",
    sign_in: SignIn = How.AUTOMATIC,
    certificate: WithCertificate = False,
    days: Days = 365,
    keep_key: KeepKey = None,
    dry_run: DryRun = False,
    yes: Yes = False,
    as_json: AsJson = False,
    debug: Debug = False,
) -> None:
    """Give the Worker a new credential without a gap; the one before is withdrawn once the new one has signed in."""
    with plainly(debug), _desk(context, "rotate", config, tenant, cloud, account, sign_in, dry_run, yes, as_json, cloudflare=False) as desk:
        from risky_users.setup.desk import keeper
        from risky_users.setup.worker import WorkerChoices

        choices = WorkerChoices(desk.has_lane, certificate, days, keeper(keep_key, certificate=certificate))
        desk.run(desk.rotation(choices))


def remove(
    context: typer.Context,
    part: Removed = RemovedPart.ALL,
    config: Configuration = None,
    tenant: Tenant = "",
    cloud: Cloud = "",
    account: Account = "",
    sign_in: SignIn = How.AUTOMATIC,
    groups: Annotated[bool, typer.Option("--groups", help="Also delete the three groups, where they were made here.")] = False,
    dry_run: DryRun = False,
    yes: Yes = False,
    as_json: AsJson = False,
    debug: Debug = False,
) -> None:
    """Take down what setup made, and nothing else, in the order in which nobody is left isolated or locked out.

    `remove gateway` takes the lists and rules, the Worker's token and its variables, and leaves the Worker with the groups.
    """
    if part is RemovedPart.GATEWAY:
        _remove_gateway(context, config, account, dry_run, yes, as_json, debug)
    with plainly(debug), _desk(context, "remove", config, tenant, cloud, account, sign_in, dry_run, yes, as_json) as desk:
        desk.run(desk.gateway_removal(), desk.scim().removing(with_groups=groups), desk.worker().removing(), one_by_one=True)


def _remove_gateway(
    context: typer.Context, config: Path | None, account: str, dry_run: bool, yes: bool, as_json: bool, debug: bool
) -> NoReturn:
    """Cloudflare's side alone, for which nobody signs in to Entra."""
    from risky_users.admin.isolation import Choices
    from risky_users.setup.desk import carried, unseen
    from risky_users.setup.gateway_session import gateway_session
    from risky_users.setup.run import Manner

    machine, manner = surroundings_of(context).machine, Manner(dry_run, yes, as_json, "risky-users remove gateway")
    with plainly(debug), gateway_session(machine, config, account, unseen) as here:
        raise typer.Exit(carried(machine, here.who, (), manner, here.gateway(Choices()).removal()))


@contextmanager
def _desk(
    context: typer.Context,
    command: str,
    config: Path | None,
    tenant: str,
    cloud: str,
    account: str,
    how: How,
    dry_run: bool,
    yes: bool,
    as_json: bool,
    *,
    cloudflare: bool = True,
) -> "Iterator[Desk]":
    from risky_users.setup.desk import open_desk
    from risky_users.setup.run import Manner
    from risky_users.setup.session import Choices

    manner = Manner(dry_run, yes, as_json, f"risky-users {command}")
    around = surroundings_of(context)
    with open_desk(around.machine, around.connection, Choices(config, tenant, cloud, account, how), manner, cloudflare=cloudflare) as desk:
        yield desk
