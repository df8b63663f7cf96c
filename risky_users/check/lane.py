"""The direct lane: the Worker's own token at Cloudflare, its lists, and the addresses that it puts into them."""

from collections.abc import Iterator

from expiry import SOON_DAYS, days_left, timestamp
from permissions import READ_USERS, granted
from plan import RISK_LEVELS
from risky_users.check.account import Lane
from risky_users.check.findings import Finding, failed, ok, skipped, warning
from risky_users.check.seen import Entry, Unseen, date, entries_at, listed, number_at, text_at
from risky_users.facts import TenantFacts
from settings import LIST_VARIABLES, GatewaySettings
from text import counted

_LISTS = {f"{level}List": f"List {level}" for level in RISK_LEVELS}
LINKS = {"laneToken": "Lane token", **_LISTS, "addresses": "Addresses"}
NEEDED = "Zero Trust Write"

_OFF = "the direct lane is off, so that isolation waits for Entra's provisioning: `risky-users setup gateway` switches it on."
_ANOTHER = "make an account-owned token with Zero Trust Write, and put it with `npx wrangler secret put GATEWAY_API_TOKEN`"
_CLAIMS = {"upn": "upn", "preferred_username": "upn"}
"""Claims that hold the user principal name; any other one is told as the mail address."""


def lane(seen: Lane, gateway: GatewaySettings | None, facts: TenantFacts | None, provider: Entry | None, now: float) -> Iterator[Finding]:
    """All links of the lane; `provider` is the identity provider, which tells by which address Cloudflare knows people."""
    if not gateway:
        yield from skipped(LINKS, _OFF)
        return
    token = _token(seen, now)
    yield token
    if isinstance(seen.token, Unseen):
        yield from skipped(_LISTS, "not checked: the lane's token must be right first." if seen.token.denied else seen.token.why)
    else:
        yield from (_list(level, seen, gateway, facts) for level in RISK_LEVELS)
    yield _addresses(gateway, facts, provider)


def broken(seen: Lane) -> frozenset[str]:
    """The levels whose lists are not there, or are no lists of addresses."""
    return frozenset(
        level for level, found in seen.lists.items() if (found.gone if isinstance(found, Unseen) else found.get("type") != "EMAIL")
    )


def _token(seen: Lane, now: float) -> Finding:
    check, token = "laneToken", seen.token
    if isinstance(token, Unseen):
        if not token.denied:
            return skipped([check], token.why)[0]
        return failed(check, f"Cloudflare does not accept it: it was revoked, has ended, or is another account's; {_ANOTHER}.")
    end, rights = timestamp(token.expires) if token.expires else None, _rights(seen)
    if token.status != "active" or (end and end <= now):
        return failed(check, f"it is {'expired' if token.status == 'active' else token.status}: {_ANOTHER}.")
    if (rights and NEEDED not in rights) or _opens_no_list(seen):
        return failed(check, f"it lacks {NEEDED}{f' and has {listed(rights)}' if rights else ''}: {_ANOTHER}.")
    if end and days_left(end, now) <= SOON_DAYS:
        return warning(check, f"it ends on {date(end)}, in {counted(days_left(end, now), 'day')}: {_ANOTHER}.")
    if excess := [right for right in rights if right != NEEDED] or seen.excess:
        return warning(check, f"more than needed: {listed(excess)}. {NEEDED} is enough: {_ANOTHER}.")
    until = f"it ends on {date(end)}" if end else "it does not end"
    if token.kind == "user":
        return warning(check, f"accepted, {until}, but it belongs to a person and goes with them: {_ANOTHER}.")
    unknown = "" if rights else "; whether it may write shows only when a list changes"
    return ok(check, f"accepted, the account's own, and {until}{unknown}.")


def _rights(seen: Lane) -> list[str]:
    """The names of the token's permissions, where an administrator could look."""
    policies = [] if isinstance(seen.policies, Unseen) else entries_at(seen.policies, "policies")
    return sorted({text_at(group, "name") for policy in policies for group in entries_at(policy, "permission_groups")})


def _opens_no_list(seen: Lane) -> bool:
    return bool(seen.lists) and all(isinstance(each, Unseen) and each.denied for each in seen.lists.values())


def _list(level: str, seen: Lane, gateway: GatewaySettings, facts: TenantFacts | None) -> Finding:
    check, variable, found = f"{level}List", LIST_VARIABLES[level], seen.lists.get(level)
    if found is None:
        return skipped([check], f"{variable} is not set, so users at {level} risk wait for Entra's provisioning.")[0]
    if isinstance(found, Unseen):
        if found.gone:
            remedy = "make one of type EMAIL (`risky-users setup gateway`) and correct the id in wrangler.toml"
            return failed(check, f"there is no list with the id in {variable}: {remedy}.")
        if found.denied:
            return skipped([check], "not checked: the lane's token must open the lists first.")[0]
        return failed(check, found.why)
    name, kind, count, size = text_at(found, "name"), text_at(found, "type"), number_at(found, "count"), gateway.list_size
    if kind != "EMAIL":
        return failed(check, f"{name} is of type {kind}, which holds no addresses, and a type cannot be changed: make another list.")
    if count >= size:
        remedy = "raise GATEWAY_LIST_SIZE if your plan holds more, or let GATEWAY_ADDRESSES be the one form that Cloudflare compares"
        return warning(check, f"{name} is full with {counted(count, 'address')}: {remedy}. The groups carry whoever has no room.")
    risky = len(facts.risky_users.by_level[level]) if facts and level not in facts.risky_users.unread else None
    if risky and not count:
        return warning(check, f"{name} is empty, for {counted(risky, 'user')} at {level} risk: the Worker has not kept it yet.")
    return ok(check, f"{name}, {counted(count, 'address')}, with room for {size - count} more.")


def _addresses(gateway: GatewaySettings, facts: TenantFacts | None, provider: Entry | None) -> Finding:
    """Whether what the Worker writes is what Gateway compares."""
    check, claim = "addresses", text_at(provider, "config", "email_claim_name") or "email"
    compared = _CLAIMS.get(claim, "mail") if provider else ""
    form = {"mail": "mail addresses", "upn": "user principal names", "both": "mail addresses and user principal names"}[gateway.addresses]
    if compared and gateway.addresses not in ("both", compared):
        why = f"GATEWAY_ADDRESSES is {gateway.addresses}, and Cloudflare compares the claim {claim}"
        return failed(check, f"{why}: set it to {compared}, or leave it out, in wrangler.toml.")
    if gateway.addresses == "upn":
        return ok(check, f"{form} are written.")
    if facts is None or not facts.roles:
        return skipped([check], f"not known until the app's permissions are: {form} are to be written.")[0]
    if not granted(READ_USERS, facts.roles):
        why = f"without the application permission {READ_USERS} no mail address can be read, so only user principal names are written"
        return warning(check, f"{why}: whose mail differs is isolated by the groups alone. Add it and grant admin consent.")
    return ok(check, f"{form} are written{f'; Cloudflare compares the claim {claim}' if compared else ''}.")
