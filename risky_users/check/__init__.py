"""The chain from the configuration to the isolated browser, link by link. Only reads.

What can be read is read by three: the Worker, as it will be; an administrator of Entra; and an administrator of Cloudflare. Whoever
is not there, or may not, leaves links unseen, which say so.
"""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial

from errors import AuthError, ServiceError
from risky_users.check import deployment, gateway, lane, people, provisioning, worker
from risky_users.check.account import Lane, read_gateway, read_lane, read_worker
from risky_users.check.credential import expiry
from risky_users.check.deployment import Wrangler
from risky_users.check.directory import read_provisioning, read_registration
from risky_users.check.findings import Finding, State, failed, skipped
from risky_users.check.seen import Seen, Unseen, text_at
from risky_users.check.trial import Trial, find
from risky_users.check.ways import Ways
from risky_users.connection import Connection
from risky_users.facts import TenantFacts, read_tenant
from risky_users.variables import Variables
from settings import Settings

CHECKS = {**worker.LINKS, **deployment.LINKS, **lane.LINKS, **provisioning.LINKS, **gateway.LINKS, **people.LINKS}
"""The links in their order, and their titles."""


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


async def walk(ways: Ways, settings: Settings, variables: Variables, wrangler: Wrangler, address: str = "") -> Walk:
    """All links; `address` is a person's who is asked about, empty for nobody."""
    now = ways.connection.clock.now()
    entering = await _enter(ways.connection, settings)
    facts = None if isinstance(entering, AuthError) else entering
    refusal = ways.connection.told(str(entering)) if isinstance(entering, AuthError) else ""
    groups = _ids(facts)
    with ways.opened(settings, wrangler) as (graph, eyes):
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
        *gateway.rules(account, settings.gateway, groups, broken=lane.broken(kept)),
        gateway.tls_decryption(account),
        *people.people(person, settings.gateway, facts, kept.lists),
    ]
    told = [replace(each, message=variables.here(each.message)) for each in findings]
    return Walk(told, facts, worker.permissions_of(settings, facts))


@contextmanager
def trial(ways: Ways, settings: Settings, wrangler: Wrangler, address: str) -> Iterator[Seen[Trial]]:
    """The trial of a user, with no `address` of whoever is at risk next, or why it cannot begin."""
    with ways.opened(settings, wrangler) as (graph, eyes):
        user = find(eyes, graph, address) if address else None
        yield user if isinstance(user, Unseen) else Trial(ways.connection, settings, eyes, user, partial(find, eyes, graph))


async def _enter(connection: Connection, settings: Settings) -> TenantFacts | AuthError:
    """The tenant as the Worker finds it, or why it is not let in."""
    async with connection.graph(settings) as graph:
        try:
            return await read_tenant(graph)
        except AuthError as error:
            return error


def _ids(facts: TenantFacts | None) -> dict[str, str]:
    """The ids of the groups that there are, by level."""
    if facts is None or isinstance(facts.groups, ServiceError):
        return {}
    return {level: state.group.id for level, state in facts.groups.items() if state.group}


__all__ = ["CHECKS", "Finding", "State", "Walk", "Ways", "Wrangler", "misconfigured", "trial", "walk"]
