"""What is read of a Cloudflare account, and by which token: an administrator's, or the Worker's own, which sees lists and rules."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TypeVar

from risky_users.admin.cloudflare import Cloudflare, TokenFacts
from risky_users.check.seen import DAY, HOUR, UNASKED, Entry, Seen, Unseen, at, entries_at, look, number_at, text_at
from settings import GatewaySettings
from text import GUID, percent_encode

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
_BEYOND = {
    "Workers Scripts": "/workers/scripts",
    "Access: Organizations, Identity Providers, and Groups": "/access/identity_providers",
    "Account API Tokens": "/tokens",
}
"""Permissions that the Worker does not need, each with something that it opens."""


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
    """What it can read beside Gateway, where nobody sees its permissions."""
    lists: dict[str, Seen[Entry]] = field(default_factory=dict)
    """By level."""


@dataclass(slots=True)
class Worker:
    """The Worker as it is deployed."""

    settings: Seen[Entry] = UNASKED
    schedules: Seen[Entry] = UNASKED
    runs: Seen[Sequence[Entry]] = UNASKED
    """Of the last hour, the latest first."""
    names: Sequence[str] = ()
    """Which Workers there are, where there is not this one."""


@dataclass(slots=True)
class Gateway:
    """What decides about browsing, and what SCIM has brought."""

    rules: Seen[Sequence[Entry]] = UNASKED
    configuration: Seen[Entry] = UNASKED
    provider: Seen[Entry | None] = UNASKED
    """The identity provider that stands for the tenant, None where there is none."""
    arrived: Seen[Sequence[Entry]] = UNASKED
    """Its SCIM groups that have the ids of the Worker's groups."""
    refused: Seen[Sequence[Entry]] = UNASKED
    """What its SCIM log has of failures in the last day."""


def read_lane(eyes: Eyes, gateway: GatewaySettings) -> Lane:
    """The lists, by the token that keeps them."""
    worker = eyes.worker
    if isinstance(worker, Unseen):
        return Lane(worker)
    lane = Lane(look(worker.verify))
    if not isinstance(lane.token, Unseen):
        lane.lists = {level: read_list(worker, list_id) for level, list_id in gateway.lists.items()}
        lane.policies = _policies(eyes.administrator, lane.token)
    if isinstance(lane.policies, Unseen) and not isinstance(lane.token, Unseen):
        opened = {name: look(worker.all, path, "try what the token opens") for name, path in _BEYOND.items()}
        lane.excess = [name for name, outcome in opened.items() if not isinstance(outcome, Unseen)]
    return lane


def read_list(eye: Cloudflare, list_id: str) -> Seen[Entry]:
    """A list with its items; beyond some number a list may come without them."""
    path = f"/gateway/lists/{list_id}"
    found = look(eye.one, path, "read a list")
    if isinstance(found, Unseen) or len(entries_at(found, "items")) >= number_at(found, "count"):
        return found
    items = look(eye.all, f"{path}/items?per_page=1000", "read a list's items")
    return items if isinstance(items, Unseen) else {**found, "items": [dict(each) for each in items]}


def _policies(administrator: Seen[Cloudflare], token: TokenFacts) -> Seen[Entry]:
    if isinstance(administrator, Unseen):
        return administrator
    tokens = look(administrator.all, "/tokens?per_page=50", "read the account's tokens")
    if isinstance(tokens, Unseen):
        return tokens
    return next((each for each in tokens if each.get("id") == token.id), UNASKED)


def read_worker(administrator: Seen[Cloudflare], name: str, now: float) -> Worker:
    """The Worker of this name."""
    if isinstance(administrator, Unseen):
        return Worker(administrator)
    script = f"/workers/scripts/{percent_encode(name)}"
    worker = Worker(look(administrator.one, f"{script}/settings", "read the Worker's settings"))
    if not isinstance(worker.settings, Unseen):
        worker.schedules = look(administrator.one, f"{script}/schedules", "read the Worker's cron triggers")
        worker.runs = look(_runs, administrator, name, _stamp(now - RUNS_SECONDS))
    elif worker.settings.gone:
        scripts = look(administrator.all, "/workers/scripts", "list the Workers")
        worker.names = () if isinstance(scripts, Unseen) else [text_at(each, "id") for each in scripts]
    return worker


def _runs(administrator: Cloudflare, name: str, since: str) -> Sequence[Entry]:
    asked = administrator.account_id
    data = administrator.analytics(_RUNS, "read the Worker's last runs", account=asked, worker=name, since=since, most=MOST_RUNS)
    return [run for account in entries_at(data, "viewer", "accounts") for run in entries_at(account, "workersInvocationsScheduled")]


def read_gateway(eyes: Eyes, tenant_id: str, groups: Mapping[str, str], now: float) -> Gateway:
    """Rules and configuration by whichever token may read them; what concerns SCIM as an administrator. `groups`: ids by level."""
    administrator = eyes.administrator
    seen = Gateway(
        by_either(eyes, Cloudflare.all, "/gateway/rules", "read the Gateway rules"),
        by_either(eyes, Cloudflare.one, "/gateway/configuration", "read the Gateway configuration"),
    )
    if isinstance(administrator, Unseen):
        seen.provider = seen.arrived = administrator
        return seen
    providers = look(administrator.all, "/access/identity_providers", "read the identity providers")
    seen.provider = seen.arrived = providers if isinstance(providers, Unseen) else UNASKED
    if isinstance(providers, Unseen):
        return seen
    seen.provider = _of_the_tenant(providers, tenant_id)
    provider_id = text_at(seen.provider, "id")
    if not GUID.fullmatch(provider_id) or not groups:
        seen.arrived = Unseen("not checked: the identity provider and the groups must be known first.")
        return seen
    ids = "&".join(f"idp_resource_id={each}" for each in groups.values())
    path = f"/access/identity_providers/{provider_id}/scim/groups?{ids}"
    seen.arrived = look(administrator.all, path, "read the SCIM groups")
    log = f"/access/logs/scim/updates?idp_id={provider_id}&status=FAILURE&since={_stamp(now - DAY)}&per_page=1000"
    seen.refused = look(administrator.all, log, "read the SCIM log")
    return seen


def _of_the_tenant(providers: Sequence[Entry], tenant_id: str) -> Entry | None:
    """By its directory, else one with SCIM, else any of Entra."""

    def fits(each: Entry) -> tuple[bool, bool]:
        return text_at(each, "config", "directory_id").lower() == tenant_id.lower(), at(each, "scim_config", "enabled") is True

    return max((each for each in providers if each.get("type") == "azureAD"), key=fits, default=None)


def by_either(eyes: Eyes, reading: Callable[[Cloudflare, str, str], T], path: str, what: str) -> Seen[T]:
    """What one of the tokens may read, the administrator's first; else why not."""
    refusals: list[Unseen] = []
    for eye in (eyes.administrator, eyes.worker):
        seen = eye if isinstance(eye, Unseen) else look(reading, eye, path, what)
        if not isinstance(seen, Unseen):
            return seen
        refusals.append(seen)
    return refusals[0]


def _stamp(time: float) -> str:
    return datetime.fromtimestamp(time, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
