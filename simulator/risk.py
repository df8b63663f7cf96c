"""Risky users (https://learn.microsoft.com/graph/api/resources/riskyuser)."""

import re

from simulator import permissions
from simulator.directory import User
from simulator.entities import RISKY_USER_PROPERTIES, risky_user
from simulator.messages import Answer, Refusal
from simulator.odata import Predicate, everything, parse_filter, select
from simulator.service import Call, Service


def list_risky_users(service: Service, call: Call, _: "re.Match[str]") -> Answer:
    """Once a second for all apps of a tenant together, and whoever comes sooner is not told how long to wait.

    https://learn.microsoft.com/graph/throttling-limits#identity-protection-and-conditional-access-service-limits
    """
    behaviour = service.behaviour
    _may(service, call, permissions.READ_RISKY_USERS)
    _wait_your_turn(service, call)
    top = service.top(call, behaviour.risky_users_page, 500)
    chosen, selected = call.query.get("$filter"), call.query.get("$select")
    keep: Predicate = everything
    if chosen is not None:
        keep = parse_filter(chosen, RISKY_USER_PROPERTIES, allow_or=behaviour.or_filter, allow_in=behaviour.in_filter).matches
    users = [entity for user in service.directory.users.values() if user.risk_level is not None and keep(entity := risky_user(user))]
    start = service.start(call, len(users))
    end = start + top
    repeated = 1 if start and behaviour.listed_twice else 0
    page = [select(entity, selected) for entity in users[start - repeated : end]]
    return service.page(call, "identityProtection/riskyUsers", page, end if end < len(users) else None, units=0.0)


def get_risky_user(service: Service, call: Call, match: "re.Match[str]") -> Answer:
    """One risky user."""
    _may(service, call, permissions.READ_RISKY_USERS)
    _wait_your_turn(service, call)
    entity = select(risky_user(_risky(service, match["user"])), call.query.get("$select"))
    return Answer(200, {"@odata.context": f"{call.root}/$metadata#identityProtection/riskyUsers/$entity", **entity}, resource_units=0.0)


def change_risky_users(service: Service, call: Call, match: "re.Match[str]") -> Answer:
    """dismiss, confirmCompromised or confirmSafe, for up to 60 users (https://learn.microsoft.com/graph/api/riskyuser-dismiss)."""
    _may(service, call, permissions.CHANGE_RISKY_USERS)
    _wait_your_turn(service, call)
    ids = call.object().get("userIds")
    if not isinstance(ids, list) or not 1 <= len(ids) <= 60:
        raise Refusal(400, "BadRequest", "The userIds are missing, or more than 60.")
    users = [_risky(service, str(user)) for user in ids]
    for user in users:
        user.risk_level, user.risk_state, user.risk_detail = OUTCOMES[match["action"]]
        user.risk_updated = call.now
    return Answer(204, None, resource_units=0.0)


OUTCOMES = {
    "dismiss": ("none", "dismissed", "adminDismissedAllRiskForUser"),
    "confirmCompromised": ("high", "confirmedCompromised", "adminConfirmedUserCompromised"),
    "confirmSafe": ("none", "confirmedSafe", "adminConfirmedAccountSafe"),
}
"""Level, state and detail that each action leaves behind."""


def _risky(service: Service, user_id: str) -> User:
    user = service.directory.users.get(user_id.lower())
    if not user or user.risk_level is None:
        raise Refusal(404, "Request_ResourceNotFound", f"Resource '{user_id}' does not exist.")
    return user


def _may(service: Service, call: Call, allowed: frozenset[str]) -> None:
    if not call.roles & allowed:
        raise Refusal(403, "Forbidden", "You cannot perform the requested operation, required scopes are missing in the token.")
    if not service.directory.premium:
        raise Refusal(403, "Forbidden", "Your tenant is not licensed for this feature.")


def _wait_your_turn(service: Service, call: Call) -> None:
    if service.behaviour.one_risky_read_a_second and call.now - service.last_risky_read < 1.0:
        raise Refusal(429, "TooManyRequests", "Too many requests.")
    service.last_risky_read = call.now
