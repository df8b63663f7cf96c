"""What is read of a Cloudflare account, and by which token: an administrator's, or the Worker's own, which sees lists and rules."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TypeVar

from groups import GroupState
from risky_users.admin.cloudflare import Cloudflare, TokenFacts
from risky_users.check.seen import HOUR, UNASKED, Entry, Seen, Unseen, attempt, entries_at, text_at
from settings import GatewaySettings
from text import percent_encode

T = TypeVar("T")

RUNS_SECONDS = HOUR
MOST_RUNS = 100
_RUNS = """query ($account: string!, $worker: string!, $since: Time!, $most: uint64!) {
  viewer { accounts(filter: {accountTag: $account}) {
    workersInvocationsScheduled(filter: {scriptName: $worker, datetime_geq: $since}, limit: $most, orderBy: [datetime_DESC]) {
      status datetime
    }
  } }
}"""
"""https://developers.cloudflare.com/workers/configuration/cron-triggers/#view-past-events names the data set."""


@dataclass(frozen=True, slots=True)
class Eyes:
    """Through which an account is seen: as an administrator, and as the Worker. One that there is not says why."""

    administrator: Seen[Cloudflare]
    worker: Seen[Cloudflare]


@dataclass(slots=True)
class Lane:
    """What the Worker's own token is, and what it opens."""

    token: Seen[TokenFacts] = UNASKED
    policies: Seen[Entry] = UNASKED
    """The token as an administrator sees it, with its permissions."""
    excess: list[str] = field(default_factory=list)
    """What it can read beside Gateway."""
    lists: dict[str, Seen[Entry]] = field(default_factory=dict)
    """By level."""


@dataclass(slots=True)
class Worker:
    """The Worker as it is deployed."""

    settings: Seen[Entry] = UNASKED
    names: Seen[list[str]] = UNASKED
    """What Workers there are."""
    schedules: Seen[Entry] = UNASKED
    runs: Seen[list[Entry]] = UNASKED
    """Of the last hour, the latest first."""


@dataclass(slots=True)
class Gateway:
    """What decides about browsing, and what SCIM has brought."""

    rules: Seen[list[Entry]] = UNASKED
    configuration: Seen[Entry] = UNASKED
    providers: Seen[list[Entry]] = UNASKED
    arrived: Seen[list[Entry]] = UNASKED
    """The SCIM groups of the provider in use that have the ids of the Worker's groups."""
    refused: Seen[list[Entry]] = UNASKED
    """What its SCIM log has of failures in the last day."""


async def read_lane(eyes: Eyes, gateway: GatewaySettings) -> Lane:
    """The lists, by the token that keeps them."""
    lane = Lane()
    if isinstance(eyes.worker, Unseen):
        return lane
    worker = eyes.worker
    lane.token = await attempt(worker.verify())
    if isinstance(lane.token, Unseen):
        return lane
    found = await asyncio.gather(*(attempt(worker.one(f"/gateway/lists/{each}", "read the list")) for each in gateway.lists.values()))
    lane.lists = dict(zip(gateway.lists, found, strict=True))
    lane.policies = await _policies(eyes.administrator, lane.token)
    if isinstance(lane.policies, Unseen):
        lane.excess = await _excess(worker)
    return lane


async def _policies(administrator: Seen[Cloudflare], token: TokenFacts) -> Seen[Entry]:
    if isinstance(administrator, Unseen) or token.kind == "user":
        return UNASKED
    tokens = await attempt(administrator.all("/tokens?per_page=100", "read the account's tokens"))
    if isinstance(tokens, Unseen):
        return tokens
    return next((each for each in tokens if each.get("id") == token.id), UNASKED)


_BEYOND = {
    "Workers Scripts": "/workers/scripts",
    "Access: Organizations, Identity Providers, and Groups": "/access/identity_providers",
    "Account API Tokens": "/tokens?per_page=1",
}
"""Permissions that the Worker does not need, each with something that it opens."""


async def _excess(worker: Cloudflare) -> list[str]:
    tried = await asyncio.gather(*(attempt(worker.all(path, "try what the token opens")) for path in _BEYOND.values()))
    return [name for name, outcome in zip(_BEYOND, tried, strict=True) if not isinstance(outcome, Unseen)]


async def read_worker(administrator: Seen[Cloudflare], name: str, now: float) -> Worker:
    """The Worker of this name."""
    if isinstance(administrator, Unseen):
        return Worker(*[administrator] * 4)
    script = f"/workers/scripts/{percent_encode(name)}"
    since = datetime.fromtimestamp(now - RUNS_SECONDS, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    asked = {"account": administrator.account_id, "worker": name, "since": since, "most": MOST_RUNS}
    settings, schedules, runs = await asyncio.gather(
        attempt(administrator.one(f"{script}/settings", "read the Worker's settings")),
        attempt(administrator.one(f"{script}/schedules", "read the Worker's cron triggers")),
        attempt(administrator.analytics(_RUNS, "read the Worker's last runs", **asked)),
    )
    names: Seen[list[str]] = UNASKED
    if isinstance(settings, Unseen) and settings.gone:
        scripts = await attempt(administrator.all("/workers/scripts", "list the Workers"))
        names = scripts if isinstance(scripts, Unseen) else [text_at(each, "id") for each in scripts]
    return Worker(settings, names, schedules, runs if isinstance(runs, Unseen) else _runs(runs))


def _runs(data: Entry) -> list[Entry]:
    return [run for account in entries_at(data, "viewer", "accounts") for run in entries_at(account, "workersInvocationsScheduled")]


async def read_gateway(eyes: Eyes, tenant_id: str, groups: Mapping[str, GroupState], now: float) -> Gateway:
    """Rules and configuration by whichever token may read them; what concerns SCIM as an administrator."""
    rules, configuration, providers = await asyncio.gather(
        _by_either(eyes, lambda eye: eye.all("/gateway/rules", "read the Gateway rules")),
        _by_either(eyes, lambda eye: eye.one("/gateway/configuration", "read the Gateway configuration")),
        _providers(eyes.administrator),
    )
    seen = Gateway(rules, configuration, providers)
    provider = None if isinstance(providers, Unseen) else entra_provider(providers, tenant_id)
    if isinstance(eyes.administrator, Unseen) or not provider:
        return seen
    ids = "&".join(f"idp_resource_id={state.group.id}" for state in groups.values() if state.group)
    since = datetime.fromtimestamp(now - 24 * HOUR, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    path = f"/access/identity_providers/{text_at(provider, 'id')}"
    log = f"/access/logs/scim/updates?idp_id={text_at(provider, 'id')}&status=FAILURE&since={since}&per_page=1000"
    seen.refused = await attempt(eyes.administrator.all(log, "read the SCIM log"))
    if ids:
        seen.arrived = await attempt(eyes.administrator.all(f"{path}/scim/groups?{ids}", "read the SCIM groups"))
    return seen


def entra_provider(providers: list[Entry], tenant_id: str) -> Entry | None:
    """The identity provider that stands for the tenant: by its directory, else the one with SCIM, else any of Entra."""
    entra = [each for each in providers if each.get("type") == "azureAD"]
    entra.sort(key=lambda each: (text_at(each, "config", "directory_id").lower() != tenant_id.lower(), not _has_scim(each)))
    return entra[0] if entra else None


def _has_scim(provider: Entry) -> bool:
    config = provider.get("scim_config")
    return isinstance(config, dict) and config.get("enabled") is True


async def _providers(administrator: Seen[Cloudflare]) -> Seen[list[Entry]]:
    if isinstance(administrator, Unseen):
        return administrator
    return await attempt(administrator.all("/access/identity_providers", "read the identity providers"))


async def _by_either(eyes: Eyes, reading: Callable[[Cloudflare], Awaitable[T]]) -> Seen[T]:
    """What one of the tokens may read, the administrator's first; else why not."""
    outcome: Seen[T] = UNASKED
    for eye in (eyes.administrator, eyes.worker):
        seen = eye if isinstance(eye, Unseen) else await attempt(reading(eye))
        if not isinstance(seen, Unseen):
            return seen
        outcome = seen if outcome is UNASKED else outcome
    return outcome
