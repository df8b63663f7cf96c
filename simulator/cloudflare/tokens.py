"""API tokens: who is asking, verify, and tokens that make tokens.

Documented: the operations, verify at one path for a user's tokens and at another for an account's, statuses, prefixes, that `value`
is in the answer to the creation only (https://developers.cloudflare.com/fundamentals/api/get-started/account-owned-tokens/).
Observed: the codes. Inferred: that a token sent without any header is told 9106.
"""

import re
from collections.abc import Mapping

from simulator.cloudflare.envelope import Answer, Refused
from simulator.cloudflare.permissions import ANYTHING, GROUP_IDS
from simulator.cloudflare.service import Call, Service, invalid, text
from simulator.cloudflare.state import Token, TokenKind
from simulator.messages import JSON
from simulator.stamps import parse_stamp, stamp

PREFIXES: Mapping[TokenKind, str] = {"user": "cfut_", "account": "cfat_"}
"""Of new tokens; older ones have none."""

_AUTHORIZATION = re.compile(r"Bearer ([A-Za-z0-9_-]+)")
_VALID = "This API Token is valid and active"
_NAMES = {group_id: name for name, group_id in GROUP_IDS.items()}
_CATEGORY = "com.cloudflare.api.account"


def authenticate(service: Service, headers: Mapping[str, str], now: float, *, verifying: bool) -> Token:
    """The token of a request, alive or only to be verified; raises Refused where there is none."""
    given = headers.get("authorization")
    if given is None:
        raise Refused(400, 9106, "Missing X-Auth-Key, X-Auth-Email or Authorization headers")
    match = _AUTHORIZATION.fullmatch(given)
    if not match:
        raise Refused(400, 6003, "Invalid request headers", chain=[(6111, "Invalid format for Authorization header")])
    token = next((each for each in service.state.tokens.values() if each.value == match[1]), None)
    if token is None or not (verifying or is_alive(token, now)):
        raise dead(service, verifying=verifying)
    if now - token.created < service.behaviour.young_token_seconds:
        raise Refused(403, 10000, "Authentication error")
    return token


def dead(service: Service, *, verifying: bool = False) -> Refused:
    """What a token is told that does not exist, or does no longer."""
    if verifying:
        return Refused(401, 1000, "Invalid API Token")
    return Refused(service.behaviour.invalid_token_status, 9109, "Invalid access token")


def is_alive(token: Token, now: float) -> bool:
    """Whether it may be used."""
    return token.status(now) == "active" and (token.not_before is None or token.not_before <= now)


def verify_user_token(service: Service, call: Call, _: "re.Match[str]") -> Answer:
    """For tokens of users alone."""
    return _verified(service, call, "user")


def verify_account_token(service: Service, call: Call, _: "re.Match[str]") -> Answer:
    """For tokens of the account alone."""
    return _verified(service, call, "account")


def list_permission_groups(_: Service, call: Call, __: "re.Match[str]") -> Answer:
    """All that there are, or those of a name."""
    name, scope = call.one("name"), call.one("scope")
    groups: list[JSON] = [
        {"id": group_id, "name": each, "scopes": [_CATEGORY]}
        for each, group_id in GROUP_IDS.items()
        if name in (None, each) and scope in (None, _CATEGORY)
    ]
    return Answer(groups)


def list_tokens(service: Service, call: Call, _: "re.Match[str]") -> Answer:
    """The account's own tokens, without their values; the expired if asked for."""
    expired_too = call.one("include_expired") == "true"
    account_owned = [each for each in service.state.tokens.values() if each.kind == "account"]
    owned = [each for each in account_owned if expired_too or each.status(call.now) != "expired"]
    return service.page(call, [_entity(service, each, call.now) for each in owned], 20, 1000)


def create_token(service: Service, call: Call, _: "re.Match[str]") -> Answer:
    """A token of the account's own; the only answer with its value."""
    body = call.object()
    permissions = _permissions(service, body.get("policies"))
    if service.behaviour.grants_only_own and not permissions <= call.token.permissions:
        raise service.right_missing()
    expires, not_before = (_date(body, name) for name in ("expires_on", "not_before"))
    token = new_token(service, text(body, "name"), "account", permissions, call.now)
    token.expires, token.not_before = expires, not_before
    return Answer(_entity(service, token, call.now) | {"value": token.value})


def delete_token(service: Service, call: Call, match: "re.Match[str]") -> Answer:
    """Revoked at once."""
    token = service.state.tokens.get(match["token"])
    if not token or token.kind != "account":
        raise Refused(404, None, "the token does not exist")
    del service.state.tokens[token.id]
    return Answer({"id": token.id})


def new_token(service: Service, name: str, kind: TokenKind, permissions: set[str], now: float) -> Token:
    """A token with a value of the usual form."""
    value = PREFIXES[kind] + f"{service.random.getrandbits(192):048x}"
    token_id = service.new_tag()
    token = Token(token_id, value, name, kind, permissions, now, owner="the user" if kind == "user" else token_id)
    service.state.tokens[token_id] = token
    return token


def _verified(service: Service, call: Call, kind: TokenKind) -> Answer:
    alive = is_alive(call.token, call.now)
    if call.token.kind != kind or not (alive or service.behaviour.dead_token_verifies):
        raise dead(service, verifying=True)
    result: dict[str, JSON] = {"id": call.token.id, "status": call.token.status(call.now), **_dates(call.token)}
    return Answer(result, messages=[{"code": 10000, "message": _VALID, "type": None}] if alive else [])


def _permissions(service: Service, policies: JSON) -> set[str]:
    """The names of what the policies allow in this account; raises Refused."""
    granted: set[str] = set()
    if not isinstance(policies, list) or not policies:
        raise invalid("policies must be a non-empty array")
    for policy in policies:
        groups = policy.get("permission_groups") if isinstance(policy, dict) else None
        resources = policy.get("resources") if isinstance(policy, dict) else None
        if not isinstance(policy, dict) or policy.get("effect") != "allow" or not isinstance(groups, list):
            raise invalid("a policy allows permission groups")
        if not isinstance(resources, dict) or resources != {f"{_CATEGORY}.{service.state.id}": "*"}:
            raise invalid("a policy needs this account as its resource")
        ids = [str(group.get("id")) for group in groups if isinstance(group, dict)]
        if not ids or any(each not in _NAMES for each in ids):
            raise invalid("a permission group does not exist")
        granted |= {_NAMES[each] for each in ids}
    return granted


def _date(body: Mapping[str, JSON], name: str) -> float | None:
    given = body.get(name)
    try:
        return None if given is None else parse_stamp(str(given))
    except ValueError:
        raise invalid(f"{name} must be a date") from None


def _dates(token: Token) -> dict[str, JSON]:
    dates = {"expires_on": token.expires, "not_before": token.not_before}
    return {name: stamp(date) for name, date in dates.items() if date is not None}


def _entity(service: Service, token: Token, now: float) -> dict[str, JSON]:
    groups: list[JSON] = [{"id": GROUP_IDS[name], "name": name} for name in sorted(token.permissions & ANYTHING)]
    policy: JSON = {
        "id": token.id,
        "effect": "allow",
        "permission_groups": groups,
        "resources": {f"{_CATEGORY}.{service.state.id}": "*"},
    }
    return {
        "id": token.id,
        "name": token.name,
        "status": token.status(now),
        "issued_on": stamp(token.created),
        "modified_on": stamp(token.created),
        "policies": [policy],
        **_dates(token),
    }
