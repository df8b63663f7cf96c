"""Risky users (https://learn.microsoft.com/graph/api/resources/riskyuser)."""

from bisect import bisect_left
from collections.abc import Sequence
from functools import partial
from operator import attrgetter

from simulator.entra import permissions
from simulator.entra.answers import Answer
from simulator.entra.behaviour import Behaviour
from simulator.entra.call import Call
from simulator.entra.directory import User
from simulator.entra.entities import RISKY_USER_PROPERTIES, risky_user
from simulator.entra.odata import Filter, invalid_filter, parse_filter, select
from simulator.entra.paging import page, page_size, position
from simulator.entra.routes import route
from simulator.entra.service import Service
from simulator.messages import JSON, Refusal

OUTCOMES = {
    "dismiss": ("none", "dismissed", "adminDismissedAllRiskForUser"),
    "confirmCompromised": ("high", "confirmedCompromised", "adminConfirmedUserCompromised"),
    "confirmSafe": ("none", "confirmedSafe", "adminConfirmedAccountSafe"),
}
"""Level, state and detail that each action leaves behind."""

_RISKY_USERS = "/identityProtection/riskyUsers"


def list_risky_users(service: Service, call: Call) -> Answer:
    """Once a second for all apps of a tenant together, and whoever comes sooner is not told how long to wait.

    https://learn.microsoft.com/graph/throttling-limits#identity-protection-and-conditional-access-service-limits
    """
    behaviour = service.behaviour
    _may(service, call, permissions.READ_RISKY_USERS)
    _wait_your_turn(service, call)
    top = page_size(call, behaviour, behaviour.risky_users_page, behaviour.risky_users_top)
    chosen, selected = _filter(call, behaviour), call.query.get("$select")
    everybody = sorted(service.directory.users.values(), key=attrgetter("place"))
    users: list[dict[str, JSON]] = []
    places: list[int] = []
    for place, user in enumerate(everybody):
        if user.risk_level is not None:
            entity = risky_user(user)
            if not chosen or chosen.matches(entity):
                users.append(entity)
                places.append(place)
    start, end, following = _cut(call, behaviour, range(len(users)) if behaviour.shifting_pages else places, top)
    shown = [select(user, selected) for user in users[start:end]]
    return page(call, "identityProtection/riskyUsers", shown, following, units=0.0)


def get_risky_user(service: Service, call: Call) -> Answer:
    """One risky user."""
    _may(service, call, permissions.READ_RISKY_USERS)
    _wait_your_turn(service, call)
    entity = select(risky_user(_risky(service, call.named["user"])), call.query.get("$select"))
    return Answer(200, {"@odata.context": f"{call.root}/$metadata#identityProtection/riskyUsers/$entity", **entity}, resource_units=0.0)


def change_risky_users(action: str, service: Service, call: Call) -> Answer:
    """One of OUTCOMES for up to 60 users (https://learn.microsoft.com/graph/api/riskyuser-dismiss)."""
    _may(service, call, permissions.CHANGE_RISKY_USERS)
    _wait_your_turn(service, call)
    ids = call.object().get("userIds")
    if not isinstance(ids, list) or not 1 <= len(ids) <= 60:
        raise Refusal(400, "BadRequest", "The userIds are missing, or more than 60.")
    users = [_risky(service, str(user)) for user in ids]
    for user in users:
        user.risk_level, user.risk_state, user.risk_detail = OUTCOMES[action]
        user.risk_updated = call.now
    return Answer(204, None, resource_units=0.0)


def _filter(call: Call, behaviour: Behaviour) -> Filter | None:
    text = call.query.get("$filter")
    if text is None:
        return None
    parsed = parse_filter(text, RISKY_USER_PROPERTIES)
    if ("or" in parsed.operators and not behaviour.or_filter) or ("in" in parsed.operators and not behaviour.in_filter):
        match behaviour.refused_filter:
            case "invalid clause":
                raise invalid_filter()
            case "unsupported query":
                raise Refusal(400, "Request_UnsupportedQuery", "Unsupported Query.")
            case "no message":
                raise Refusal(400, "BadRequest", "")
    return parsed


def _cut(call: Call, behaviour: Behaviour, places: Sequence[int], top: int) -> tuple[int, int, int | None]:
    """Where in the list this page begins and ends, and the place that its next link leads to."""
    start = bisect_left(places, position(call))
    end = start + top
    if start == len(places) and start and behaviour.full_last_page_links:
        raise Refusal(400, "BadRequest", "")
    following = places[end] if end < len(places) else None
    if end == len(places) and behaviour.full_last_page_links:
        following = places[-1] + 1
    repeated = 1 if start and behaviour.listed_twice else 0
    return start - repeated, end, following


def _risky(service: Service, user_id: str) -> User:
    user = service.directory.users.get(user_id.lower())
    if not user or user.risk_level is None:
        raise Refusal(404, "Request_ResourceNotFound", f"Resource '{user_id}' does not exist.")
    return user


def _may(service: Service, call: Call, allowed: frozenset[str]) -> None:
    if not call.permissions & allowed:
        raise Refusal(403, "Forbidden", "You cannot perform the requested operation, required scopes are missing in the token.")
    if not service.directory.premium:
        raise Refusal(403, "Forbidden", "Your tenant is not licensed for this feature.")


def _wait_your_turn(service: Service, call: Call) -> None:
    if service.behaviour.one_risky_read_a_second and call.now - service.last_risky_read < 1.0:
        raise Refusal(429, "TooManyRequests", "Too many requests.")
    service.last_risky_read = call.now


ROUTES = [
    route("GET", _RISKY_USERS, list_risky_users),
    route("GET", f"{_RISKY_USERS}/{{user}}", get_risky_user),
    *(
        route("POST", f"{_RISKY_USERS}/{prefix}{action}", partial(change_risky_users, action))
        for action in OUTCOMES
        for prefix in ("", "microsoft.graph.")
    ),
]
