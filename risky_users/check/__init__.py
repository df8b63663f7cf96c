"""The chain from the configuration to the isolated browser, link by link. Only reads.

What can be read is read by three: the Worker, as it will be; an administrator of Entra; and an administrator of Cloudflare. Whoever
is not there, or may not, leaves links unseen, which say so.
"""

from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace

from errors import AuthError, ConfigError, ServiceError
from risky_users.admin.cloudflare import Cloudflare
from risky_users.admin.entra import Graph
from risky_users.admin.errors import AdminError
from risky_users.admin.machine import Machine
from risky_users.admin.sign_in import How, sign_in
from risky_users.check import deployment, gateway, lane, people, provisioning, worker
from risky_users.check.account import Eyes, Lane, read_gateway, read_lane, read_worker
from risky_users.check.credential import expiry
from risky_users.check.deployment import Wrangler
from risky_users.check.directory import read_provisioning, read_registration
from risky_users.check.findings import Finding, State, failed, skipped
from risky_users.check.seen import Seen, Unseen, text_at
from risky_users.check.trial import Trial, find
from risky_users.connection import Connection
from risky_users.facts import TenantFacts, read_tenant
from risky_users.variables import Variables
from settings import Settings

CHECKS = {**worker.LINKS, **deployment.LINKS, **lane.LINKS, **provisioning.LINKS, **gateway.LINKS, **people.LINKS}
"""The links in their order, and their titles."""

NO_TOKEN = (
    "not seen: put an API token that may read Workers, Gateway and Access into the environment as CLOUDFLARE_API_TOKEN (docs/setup.md)."
)
NO_ACCOUNT = "not seen: tell the account's id, as CLOUDFLARE_ACCOUNT_ID in the environment or as account_id in wrangler.toml."


@dataclass(frozen=True, slots=True)
class Ways:
    """How the three come to what they read."""

    connection: Connection
    machine: Machine
    """The administrator's."""
    how: How = How.AZURE_CLI


@dataclass(frozen=True, slots=True)
class Walk:
    """What was found, and what of it is told in numbers."""

    findings: list[Finding]
    facts: TenantFacts | None = None
    permissions: worker.Permissions | None = None

    @property
    def passed(self) -> bool:
        """Whether nothing that was seen keeps users at risk from being isolated."""
        return all(finding.state is not State.FAILED for finding in self.findings)


def misconfigured(problems: Iterable[str]) -> Walk:
    """The chain where the configuration is not well-formed."""
    after = skipped([*CHECKS][1:], "not checked: the configuration must be right first.")
    return Walk([*(failed("configuration", problem) for problem in problems), *after])


SCOPES = ("Directory.Read.All", "Synchronization.Read.All", "AuditLog.Read.All")
"""What a browser's sign-in consents to; the Azure CLI's token has scopes of its own."""
PATIENCE_SECONDS = 20.0
"""How long a check waits in all for services that give no usable answer."""


class OutOfPatience(AdminError):
    """A service has had time enough to answer."""


def hurried(machine: Machine, patience: float = PATIENCE_SECONDS) -> Machine:
    """The same machine for whoever only looks: it waits for so many seconds in all."""
    left = patience

    def sleep(seconds: float) -> None:
        nonlocal left
        if seconds > left:
            raise OutOfPatience("There is no usable answer: try again in a few minutes.")
        left -= seconds
        machine.sleep(seconds)

    return replace(machine, sleep=sleep)


async def walk(ways: Ways, settings: Settings, variables: Variables, wrangler: Wrangler, address: str = "") -> Walk:
    """All links; `address` is a person's who is asked about, empty for nobody."""
    now, ways = ways.connection.clock.now(), replace(ways, machine=hurried(ways.machine))
    entering = await _enter(ways.connection, settings)
    facts = None if isinstance(entering, AuthError) else entering
    refusal = ways.connection.told(variables.here(str(entering))) if isinstance(entering, AuthError) else ""
    groups = _ids(facts)
    with ExitStack() as stack:
        graph, eyes = _graph(ways, settings, stack), _eyes(ways, settings, wrangler, stack)
        registration = read_registration(graph, settings.client_id)
        deployed = read_worker(eyes.administrator, wrangler.name, now)
        kept = read_lane(eyes, settings.gateway) if settings.gateway else Lane()
        account = read_gateway(eyes, settings.tenant_id, groups, now)
        provider = account.provider
        endpoint = "" if isinstance(provider, Unseen) else text_at(provider, "scim_config", "scim_base_url")
        provisioned = read_provisioning(graph, groups, endpoint)
        person = people.read_person(eyes.administrator, graph, address) if address else None
    lists = settings.gateway is not None
    findings = [
        worker.configured(settings, variables),
        *worker.signed_in(settings, entering, refusal),
        *expiry(settings, entering, registration, now),
        *worker.in_the_tenant(settings, entering),
        *deployment.deployment(deployed, wrangler, settings, now),
        *lane.lane(kept, settings.gateway, facts, None if isinstance(provider, Unseen) else provider, now),
        *provisioning.provisioning(provisioned, provider, now, lists=lists),
        gateway.scim(provider, lists=lists),
        gateway.arrival(account, groups, expected=provisioning.has_run(provisioned)),
        *gateway.rules(account, settings.gateway, groups),
        gateway.tls_decryption(account),
        *people.people(person, settings.gateway, facts, kept.lists),
    ]
    return Walk(findings, facts, worker.permissions_of(settings, facts))


@contextmanager
def trial(ways: Ways, settings: Settings, wrangler: Wrangler, address: str) -> Iterator[Seen[Trial]]:
    """The trial of a user, or why it cannot begin. Nothing is asked again within a look, for the next one comes soon."""
    with ExitStack() as stack:
        graph = _graph(replace(ways, machine=hurried(ways.machine)), settings, stack)
        eyes = _eyes(replace(ways, machine=hurried(ways.machine, 0.0)), settings, wrangler, stack)
        user = find(eyes, graph, address)
        yield user if isinstance(user, Unseen) else Trial(ways.connection, settings, eyes, user)


async def _enter(connection: Connection, settings: Settings) -> TenantFacts | AuthError:
    """The tenant as the Worker finds it, or why it is not let in."""
    async with connection.graph(settings) as graph:
        try:
            return await read_tenant(graph)
        except AuthError as error:
            return error


def _graph(ways: Ways, settings: Settings, stack: ExitStack) -> Seen[Graph]:
    """Graph for the administrator at the keyboard."""
    try:
        person = sign_in(ways.machine, settings.cloud, settings.tenant_id, ways.how, SCOPES)
    except AdminError as error:
        return Unseen(f"not seen, for it takes an administrator of Entra. {error} `--sign-in browser` signs you in without it.")
    return stack.enter_context(Graph(ways.machine, person))


def _eyes(ways: Ways, settings: Settings, wrangler: Wrangler, stack: ExitStack) -> Eyes:
    lane, environment = settings.gateway, ways.machine.environment
    account_id = (lane.account_id if lane else "") or wrangler.account_id or environment.get("CLOUDFLARE_ACCOUNT_ID", "")
    token = environment.get("CLOUDFLARE_API_TOKEN", "")

    def eye(token: str) -> Seen[Cloudflare]:
        try:
            return stack.enter_context(Cloudflare(ways.machine, account_id, token))
        except ConfigError as error:
            return Unseen(f"not seen. {error}")

    missing = NO_TOKEN if not token else NO_ACCOUNT if not account_id else ""
    return Eyes(Unseen(missing) if missing else eye(token), eye(lane.token) if lane else Unseen(missing))


def _ids(facts: TenantFacts | None) -> dict[str, str]:
    """The ids of the groups that there are, by level."""
    if facts is None or isinstance(facts.groups, ServiceError):
        return {}
    return {level: state.group.id for level, state in facts.groups.items() if state.group}


__all__ = ["CHECKS", "Finding", "State", "Walk", "Ways", "Wrangler", "misconfigured", "trial", "walk"]
