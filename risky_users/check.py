"""What stands between this configuration and groups that are kept: the chain, link by link, from what was read of it."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum

from directory import GROUP_NAMES, Directory
from graph import AuthError, GraphError, Group
from plan import LEVELS
from risky_users.reading import Reading, told
from risky_users.variables import Variables
from settings import CLOUDS, Settings
from trouble import CREATE_GROUPS, READ_GROUPS, READ_RISK, WRITE_MEMBERS, lacks_permission, unlicensed

SUFFICIENT: Mapping[str, frozenset[str]] = {
    READ_RISK: frozenset({READ_RISK, "IdentityRiskyUser.ReadWrite.All"}),
    WRITE_MEMBERS: frozenset({WRITE_MEMBERS, "Group.ReadWrite.All", "Directory.ReadWrite.All"}),
    CREATE_GROUPS: frozenset({CREATE_GROUPS, "Group.ReadWrite.All", "Directory.ReadWrite.All"}),
}
"""The three permissions needed, and what includes each of them (https://learn.microsoft.com/graph/permissions-reference)."""

WHERE_PERMISSIONS_ARE = "app registration > API permissions > Microsoft Graph > Application permissions"
_NO_SUCH_TENANT = (90002, 900023)


class State(StrEnum):
    """How a link of the chain fares. Only a failed one keeps the Worker from its work."""

    OK = "ok"
    WARNING = "warning"
    FAILED = "failed"
    SKIPPED = "skipped"


@dataclass(frozen=True, slots=True)
class Finding:
    """One link of the chain: what holds, or what is wrong with it and what to do."""

    check: str
    state: State
    message: str


@dataclass(frozen=True, slots=True)
class Permissions:
    """The application permissions granted, sorted; of those needed, the missing; and those that nothing here needs."""

    granted: list[str]
    missing: list[str]
    excessive: list[str]

    @classmethod
    def of(cls, roles: frozenset[str]) -> "Permissions":
        """Hold the permissions of a token against those needed; GroupMember.Read.All is needed in some tenants."""
        missing = [needed for needed, sufficient in SUFFICIENT.items() if not roles & sufficient]
        return cls(sorted(roles), missing, sorted(roles - SUFFICIENT.keys() - {READ_GROUPS}))


CHECKS = {
    "configuration": "Configuration",
    "tenant": "Tenant",
    "credentials": "Credentials",
    "permissions": "Permissions",
    "licence": "Licence",
    "riskyUsers": "Risky users",
    "nameLookup": "Name look-up",
    **{f"{level}Group": f"Group {level}" for level in LEVELS},
}
"""The links in their order, and their titles."""


def misconfigured(problems: list[str]) -> list[Finding]:
    """The chain where the configuration is not well-formed."""
    return [*(Finding("configuration", State.FAILED, problem) for problem in problems), *_skipped("configuration", "the configuration")]


def configured(settings: Settings, variables: Variables) -> Finding:
    """The configuration, well-formed, and where it was found: for what is deployed may lie elsewhere."""
    places: dict[str, list[str]] = {}
    for name, place in variables.found.items():
        places.setdefault(place, []).append(name)
    found = "; ".join(f"{', '.join(names)} from {place}" for place, names in places.items())
    if settings.dry_run:
        return Finding("configuration", State.WARNING, f"DRY_RUN is true, so the Worker writes nothing: remove it to go live. {found}.")
    return Finding("configuration", State.OK, f"well-formed: {found}.")


def shut_out(settings: Settings, error: AuthError) -> list[Finding]:
    """The chain from the tenant on where no token is issued."""
    if error.code and error.code not in _NO_SUCH_TENANT:
        return [_tenant(settings), Finding("credentials", State.FAILED, str(error)), *_skipped("credentials", "the credentials")]
    return [Finding("tenant", State.FAILED, str(error)), *_skipped("tenant", "the tenant")]


def let_in(settings: Settings, reading: Reading) -> list[Finding]:
    """The chain from the tenant on where a token is issued."""
    permissions = Permissions.of(reading.roles) if reading.roles is not None else None
    return [
        _tenant(settings),
        Finding("credentials", State.OK, f"accepted for the app {settings.client_id}."),
        _permissions(permissions, reading),
        *_risky_users(permissions, reading),
        _name_lookup(permissions, reading),
        *_groups(permissions, reading, settings),
    ]


def _skipped(after: str, first: str) -> Iterator[Finding]:
    checks = list(CHECKS)
    for check in checks[checks.index(after) + 1 :]:
        yield Finding(check, State.SKIPPED, f"not checked: {first} must be right first.")


def _tenant(settings: Settings) -> Finding:
    cloud = next(name for name, cloud in CLOUDS.items() if cloud == settings.cloud)
    return Finding("tenant", State.OK, f"{settings.tenant_id}, found in the {cloud} cloud ({settings.cloud.login}).")


def _permissions(permissions: Permissions | None, reading: Reading) -> Finding:
    check = "permissions"
    if not permissions:
        return Finding(check, State.SKIPPED, "the access token does not tell; the lines below show what it opens.")
    everything_there = isinstance(reading.directory, Directory) and len(reading.directory.groups) == len(LEVELS)
    spared = [CREATE_GROUPS] if everything_there else []
    missing = [needed for needed in permissions.missing if needed not in spared]
    if missing:
        remedy = f"Add under {WHERE_PERMISSIONS_ARE}, then grant admin consent"
        return Finding(check, State.FAILED, f"missing: {_listed(missing)}. {remedy}. Granted: {_listed(permissions.granted)}.")
    if permissions.excessive:
        remedy = f"Have {_listed([*SUFFICIENT])}, and remove the others under {WHERE_PERMISSIONS_ARE}"
        return Finding(check, State.WARNING, f"more than needed: {_listed(permissions.excessive)}. {remedy}.")
    if permissions.missing:
        return Finding(check, State.OK, f"{_listed(permissions.granted)}; {CREATE_GROUPS} is not needed, the groups being there.")
    return Finding(check, State.OK, f"{_listed(permissions.granted)}.")


def _listed(permissions: list[str]) -> str:
    return ", ".join(permissions) or "none"


def _risky_users(permissions: Permissions | None, reading: Reading) -> Iterator[Finding]:
    error, by_level = reading.risky_users.error, reading.risky_users.by_level
    if not error:
        yield Finding("licence", State.OK, "Microsoft Entra ID P2 is there, for Graph tells who is risky.")
        yield Finding("riskyUsers", State.OK, ", ".join(f"{level} {len(by_level[level])}" for level in LEVELS) + ".")
    elif any(unlicensed(answer) for answer in reading.about_risk):
        yield Finding("licence", State.FAILED, told(error))
        yield Finding("riskyUsers", State.SKIPPED, "not checked: the licence must be there first.")
    elif permissions and READ_RISK in permissions.missing:
        yield Finding("licence", State.SKIPPED, f"not known until {READ_RISK} is granted.")
        yield Finding("riskyUsers", State.SKIPPED, f"not known until {READ_RISK} is granted.")
    else:
        yield Finding("licence", State.SKIPPED, "not known until the risky users can be read.")
        yield Finding("riskyUsers", State.FAILED, told(error))


def _name_lookup(permissions: Permissions | None, reading: Reading) -> Finding:
    check, error = "nameLookup", reading.directory
    if isinstance(error, Directory):
        return Finding(check, State.OK, "groups are found by name with the permissions granted.")
    if permissions and WRITE_MEMBERS in permissions.missing:
        return Finding(check, State.SKIPPED, f"not known until {WRITE_MEMBERS} is granted.")
    look_ups = [answer for answer in reading.about_groups if answer.item.needs == READ_GROUPS]
    if any(lacks_permission(answer, reading.roles) for answer in look_ups):
        return Finding(check, State.FAILED, f"in this tenant it takes one more permission. {told(error)}")
    return Finding(check, State.FAILED, told(error))


def _groups(permissions: Permissions | None, reading: Reading, settings: Settings) -> Iterator[Finding]:
    directory = reading.directory
    for level, name in GROUP_NAMES.items():
        check = f"{level}Group"
        if isinstance(directory, GraphError):
            yield Finding(check, State.SKIPPED, "not checked: the look-up by name must work first.")
        elif level in directory.errors:
            yield Finding(check, State.FAILED, told(directory.errors[level]))
        elif level in directory.groups:
            yield _group(check, level, directory, directory.groups[level])
        elif permissions and CREATE_GROUPS in permissions.missing:
            remedy = f"grant {CREATE_GROUPS}, or create a security group of this name by hand"
            yield Finding(check, State.WARNING, f"{name} is not there, and the app may not create it: {remedy}.")
        elif settings.dry_run:
            yield Finding(check, State.WARNING, f"{name} is not there, and a dry run does not create it.")
        else:
            yield Finding(check, State.WARNING, f"{name} is not there yet; the Worker creates it in its first minute. Then check again.")


def _group(check: str, level: str, directory: Directory, group: Group) -> Finding:
    known_as = f"{group.name}, id {group.id}"
    if level in directory.namesakes:
        return Finding(
            check,
            State.WARNING,
            f"{directory.namesakes[level]} groups have this name; the oldest is used: {known_as}. Rename or delete the others.",
        )
    if level in directory.not_there_yet:
        return Finding(check, State.WARNING, f"too new to be known everywhere: {known_as}. Check again in a few minutes.")
    members = directory.members[level]
    others = f" and {members.others} that are no users" if members.others else ""
    return Finding(check, State.OK, f"{known_as}, {len(members.users)} members{others}. Assign it to the SCIM application.")
