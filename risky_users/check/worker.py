"""The Worker's own links: its configuration, its sign-in, its permissions, whom it reads and the groups that it keeps."""

from collections.abc import Iterator
from dataclasses import dataclass

from access_token import WRONG_TENANT
from errors import AuthError, ServiceError
from groups import GROUP_NAMES, GroupState
from permissions import CREATE_GROUPS, READ_GROUPS, READ_RISK, READ_USERS, WRITE_MEMBERS, granted
from plan import RISK_LEVELS
from risky_users.check.findings import Finding, State, skipped
from risky_users.facts import TenantFacts, told
from risky_users.variables import Variables, to_be_told
from security_group import SecurityGroup
from settings import CLOUDS, Settings
from text import counted

NEEDED = (READ_RISK, WRITE_MEMBERS, CREATE_GROUPS)
"""READ_GROUPS is needed in some tenants only."""

WHERE_PERMISSIONS_ARE = "app registration > API permissions > Microsoft Graph > Application permissions"


@dataclass(frozen=True, slots=True)
class Permissions:
    """The application permissions granted, sorted; of those needed, the missing; and those that nothing here needs."""

    granted: list[str]
    missing: list[str]
    excessive: list[str]

    @classmethod
    def of(cls, roles: frozenset[str], *, lists: bool = False) -> "Permissions":
        """Hold the permissions of a token against those needed; with `lists` to keep, that to read mail is no excess."""
        missing = [needed for needed in NEEDED if not granted(needed, roles)]
        return cls(sorted(roles), missing, sorted(roles - {*NEEDED, READ_GROUPS, *[READ_USERS] * lists}))


LINKS = {
    "configuration": "Configuration",
    "tenant": "Tenant",
    "credentials": "Credentials",
    "expiry": "Expiry",
    "permissions": "Permissions",
    "licence": "Licence",
    "riskyUsers": "Risky users",
    "nameLookup": "Name look-up",
    **{f"{level}Group": f"Group {level}" for level in RISK_LEVELS},
}
"""The links in their order, and their titles."""
AFTER_SIGN_IN = [*LINKS][4:]


def configured(settings: Settings, variables: Variables) -> Finding:
    """The configuration, well-formed, and where it was found: for what is deployed may lie elsewhere."""
    check, unheard = "configuration", to_be_told(variables).problems
    places: dict[str, list[str]] = {}
    for name, place in variables.found.items():
        places.setdefault(place, []).append(name)
    found = "; ".join(f"{', '.join(names)} from {place}" for place, names in places.items())
    if settings.dry_run:
        return Finding(check, State.WARNING, f"DRY_RUN is true, so the Worker writes nothing: remove it to go live. {found}.")
    if unheard:
        return Finding(check, State.WARNING, f"{' '.join(unheard)} Until then nobody is told by it. {found}.")
    return Finding(check, State.OK, f"well-formed: {found}.")


def signed_in(settings: Settings, entering: TenantFacts | AuthError, refusal: str) -> list[Finding]:
    """Tenant and credentials; `refusal` tells why no token was issued."""
    if not isinstance(entering, AuthError):
        return [_tenant(settings), Finding("credentials", State.OK, f"accepted for the app {settings.client_id}.")]
    if entering.code and entering.code not in WRONG_TENANT:
        return [_tenant(settings), Finding("credentials", State.FAILED, refusal)]
    after = skipped(["credentials"], "not checked: the tenant must be right first.")
    return [Finding("tenant", State.FAILED, refusal), *after]


def permissions_of(settings: Settings, facts: TenantFacts | None) -> Permissions | None:
    """What the app may do, None where that is not seen."""
    return None if facts is None or facts.roles is None else Permissions.of(facts.roles, lists=settings.gateway is not None)


def in_the_tenant(settings: Settings, facts: TenantFacts | AuthError) -> list[Finding]:
    """What the Worker may do and finds, once it is signed in."""
    if isinstance(facts, AuthError):
        return skipped(AFTER_SIGN_IN, "not checked: the Worker must be able to sign in first.")
    permissions = permissions_of(settings, facts)
    return [
        _permissions(permissions, facts),
        *_risky_users(permissions, facts),
        _name_lookup(permissions, facts),
        *_groups(permissions, facts, settings),
    ]


def _tenant(settings: Settings) -> Finding:
    cloud = next(name for name, cloud in CLOUDS.items() if cloud == settings.cloud)
    return Finding("tenant", State.OK, f"{settings.tenant_id}, found in the {cloud} cloud ({settings.cloud.login}).")


def _permissions(permissions: Permissions | None, facts: TenantFacts) -> Finding:
    check = "permissions"
    if not permissions:
        return Finding(check, State.SKIPPED, "the access token does not tell; the lines below show what it opens.")
    everything_there = not isinstance(facts.groups, ServiceError) and all(state.group for state in facts.groups.values())
    spared = [CREATE_GROUPS] if everything_there else []
    missing = [needed for needed in permissions.missing if needed not in spared]
    if missing:
        remedy = f"Add under {WHERE_PERMISSIONS_ARE}, then grant admin consent"
        return Finding(check, State.FAILED, f"missing: {_listed(missing)}. {remedy}. Granted: {_listed(permissions.granted)}.")
    if permissions.excessive:
        remedy = f"Have {_listed([*NEEDED])}, and remove the others under {WHERE_PERMISSIONS_ARE}"
        return Finding(check, State.WARNING, f"more than needed: {_listed(permissions.excessive)}. {remedy}.")
    if permissions.missing:
        return Finding(check, State.OK, f"{_listed(permissions.granted)}; {CREATE_GROUPS} is not needed, the groups being there.")
    return Finding(check, State.OK, f"{_listed(permissions.granted)}.")


def _listed(permissions: list[str]) -> str:
    return ", ".join(permissions) or "none"


def _risky_users(permissions: Permissions | None, facts: TenantFacts) -> Iterator[Finding]:
    error, by_level = facts.risk_error, facts.risky_users.by_level
    if not error:
        yield Finding("licence", State.OK, "Microsoft Entra ID P2 is there, for Graph tells who is risky.")
        yield Finding("riskyUsers", State.OK, ", ".join(f"{level} {len(by_level[level])}" for level in RISK_LEVELS) + ".")
    elif error.cause == "licence":
        yield Finding("licence", State.FAILED, told(error))
        yield Finding("riskyUsers", State.SKIPPED, "not checked: the licence must be there first.")
    elif permissions and READ_RISK in permissions.missing:
        yield Finding("licence", State.SKIPPED, f"not known until {READ_RISK} is granted.")
        yield Finding("riskyUsers", State.SKIPPED, f"not known until {READ_RISK} is granted.")
    else:
        yield Finding("licence", State.SKIPPED, "not known until the risky users can be read.")
        yield Finding("riskyUsers", State.FAILED, told(error))


def _name_lookup(permissions: Permissions | None, facts: TenantFacts) -> Finding:
    check, error = "nameLookup", facts.groups
    if not isinstance(error, ServiceError):
        return Finding(check, State.OK, "groups are found by name with the permissions granted.")
    if permissions and WRITE_MEMBERS in permissions.missing:
        return Finding(check, State.SKIPPED, f"not known until {WRITE_MEMBERS} is granted.")
    if error.cause == "permission":
        return Finding(check, State.FAILED, f"in this tenant it takes one more permission. {told(error)}")
    return Finding(check, State.FAILED, told(error))


def _groups(permissions: Permissions | None, facts: TenantFacts, settings: Settings) -> Iterator[Finding]:
    for level, name in GROUP_NAMES.items():
        check = f"{level}Group"
        state = None if isinstance(facts.groups, ServiceError) else facts.groups[level]
        if not state:
            yield Finding(check, State.SKIPPED, "not checked: the look-up by name must work first.")
        elif state.error:
            yield Finding(check, State.FAILED, told(state.error))
        elif state.group:
            yield _group(check, state, state.group)
        elif permissions and CREATE_GROUPS in permissions.missing:
            remedy = f"grant {CREATE_GROUPS}, or create a security group of this name by hand"
            yield Finding(check, State.WARNING, f"{name} is not there, and the app may not create it: {remedy}.")
        elif settings.dry_run:
            yield Finding(check, State.WARNING, f"{name} is not there, and a dry run does not create it.")
        else:
            yield Finding(check, State.WARNING, f"{name} is not there yet; the Worker creates it in its first minute. Then check again.")


def _group(check: str, state: GroupState, group: SecurityGroup) -> Finding:
    known_as = f"{group.name}, id {group.id}"
    if state.namesakes > 1:
        many = f"{'more than ' if state.more_namesakes else ''}{state.namesakes} groups have this name"
        return Finding(check, State.WARNING, f"{many}; the oldest is used: {known_as}. Rename or delete the others.")
    if state.lookalikes:
        others = ", ".join(f"{other.name} ({other.id})" for other in state.lookalikes)
        return Finding(check, State.WARNING, f"{known_as}. Not used, for the name differs in case: {others}. Rename or delete that one.")
    if not state.members:
        return Finding(check, State.WARNING, f"too new to be known everywhere: {known_as}. Check again in a few minutes.")
    others = f" and {state.members.others} that are no users" if state.members.others else ""
    return Finding(check, State.OK, f"{known_as}, {counted(len(state.members.users), 'member')}{others}.")
