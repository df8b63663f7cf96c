"""What the page shows of a simulation, as JSON. Times are epoch seconds of the services' clock, durations seconds."""

import contextlib
from urllib.parse import unquote, urlsplit

from page.simulation import ALERT_AFTER, Minute, Simulation
from plan import RISK_LEVELS
from simulator import Exchange, User
from simulator.chain import GROUP_NAMES
from simulator.cloudflare.front import HOST
from simulator.entra.token import CLOUDS
from simulator.messages import JSON
from simulator.receivers import CHAT

_SERVICES = {"entra": "Microsoft Entra", "cloudflare": "Cloudflare", "alerts": "Whoever is told", "worker": "Deployment"}
_SHOWN_ALERTS = 20
_WITHOUT_LANE = {"provisioning stopped"}
"""What of Cloudflare's troubles is felt though no list is kept."""


def shown(simulation: Simulation, command: str) -> dict[str, JSON]:
    """All of it; `command` starts such a simulation again."""
    chain, receivers = simulation.chain, simulation.receivers
    return {
        "command": command,
        "domain": chain.tenant.domain,
        "now": simulation.clock.now(),
        "everyMinute": simulation.every_minute,
        "running": simulation.running,
        "deploying": simulation.deploying,
        "passing": simulation.passing,
        "lane": chain.lane,
        "users": [_user(simulation, user) for user in simulation.users],
        "groups": [_group(simulation, level, name) for level, name in GROUP_NAMES.items()],
        "provisioning": {"next": chain.next_cycle, "last": chain.job.last},
        "policies": [_policy(simulation, level, name) for level, name in GROUP_NAMES.items()],
        "alerts": [
            {"time": alert.time, "title": alert.title, "text": alert.text, "over": alert.states == ("over",)}
            for alert in receivers.alerts[-_SHOWN_ALERTS:]
        ],
        "alertAfter": ALERT_AFTER,
        "heartbeat": receivers.heartbeat,
        "faults": [_switchboard(simulation, service, title) for service, title in _SERVICES.items()],
        "tick": _tick(simulation, simulation.minutes[-1]) if simulation.minutes else None,
        "console": [{"tick": minute.number, "text": minute.tail} for minute in simulation.minutes if minute.tail],
        "violations": [*chain.tenant.violations, *chain.account.violations, *receivers.violations],
    }


def _user(simulation: Simulation, user: User) -> dict[str, JSON]:
    browser = simulation.chain.browsers.get(user.id)
    return {
        "id": user.id,
        "name": user.name,
        "level": user.risk_level if user.risk_level in RISK_LEVELS else "none",
        "state": user.risk_state,
        "changed": user.risk_updated,
        "isolated": browser is not None and browser.isolated,
        "since": browser.since if browser else None,
    }


def _group(simulation: Simulation, level: str, name: str) -> dict[str, JSON]:
    named = simulation.chain.tenant.groups_named(name)
    return {"level": level, "name": name, "exists": bool(named), "members": [*named[0].members] if named else []}


def _policy(simulation: Simulation, level: str, name: str) -> dict[str, JSON]:
    """What Gateway's policy for a level goes by, and how much there is of what it could go by instead."""
    chain = simulation.chain
    values, provider = chain.account.list_named(f"risky-users-{level}").values, chain.account.provider
    group = next((group for group in provider.groups.values() if group.content.name == name), None)
    members = [provider.users[each].content.name for each in group.content.members if each in provider.users] if group else []
    return {
        "level": level,
        "name": f"risky-users-{level}" if chain.lane else name,
        "addresses": len(values),
        "provisioned": len(members) if group else None,
        "entries": [*values] if chain.lane else [*sorted(members)],
    }


def _switchboard(simulation: Simulation, service: str, title: str) -> dict[str, JSON]:
    board = simulation.switchboards[service]
    return {
        "service": service,
        "title": title,
        "faults": [
            {
                "name": name,
                "title": preset.title,
                "explanation": preset.explanation,
                "on": name in board.on,
                "felt": service != "cloudflare" or simulation.chain.lane or name in _WITHOUT_LANE,
            }
            for name, preset in board.presets.items()
        ],
    }


def _tick(simulation: Simulation, minute: Minute) -> dict[str, JSON]:
    requests = simulation.requests if simulation.running else minute.requests
    return {
        "number": minute.number,
        "start": minute.start,
        "outcome": minute.outcome,
        "seconds": minute.end.wall_ms / 1000 if minute.end else None,
        "requests": [_request(simulation, exchange, minute.start) for exchange in requests],
    }


def _request(simulation: Simulation, exchange: Exchange, start: float) -> dict[str, JSON]:
    service, path = _place(simulation, exchange.url)
    return {
        "at": exchange.time - start,
        "seconds": exchange.delay,
        "service": service,
        "what": f"{exchange.method} {path}",
        "status": exchange.status,
        "items": [{"what": f"{item.method} {_place(simulation, item.url)[1]}", "status": item.status} for item in exchange.items],
    }


def _place(simulation: Simulation, url: str) -> tuple[str, str]:
    """Whom a request goes to, and its path as people read it: levels for groups and lists, names for users."""
    tenant, account, parts = simulation.chain.tenant, simulation.chain.account, urlsplit(url)
    if parts.hostname in CLOUDS:
        return "entra", parts.path.replace(f"/{tenant.id}", "")
    if parts.hostname in simulation.receivers.hosts:
        return "alerts", "webhook" if parts.hostname == CHAT else "heartbeat"
    path = unquote(parts.path)
    if parts.hostname == HOST:
        path = path.partition("/gateway")[2] or path
        for level in RISK_LEVELS:
            path = path.replace(account.list_named(f"risky-users-{level}").id, level)
        return "cloudflare", path
    path = path.removeprefix("/v1.0").removeprefix("/identityProtection").removesuffix("/$ref")
    for level in RISK_LEVELS:
        path = path.replace(GROUP_NAMES[level], level)
        with contextlib.suppress(LookupError):
            path = path.replace(tenant.group_named(GROUP_NAMES[level]).id, level)
    head, _, last = path.rpartition("/")
    user = tenant.directory.users.get(last)
    return "entra", f"{head}/{user.name}" if user else path
