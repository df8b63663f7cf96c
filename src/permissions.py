"""The application permissions of Microsoft Graph that the Worker needs, and what includes each of them
(https://learn.microsoft.com/graph/permissions-reference)."""

from collections.abc import Collection, Mapping

READ_RISK = "IdentityRiskyUser.Read.All"
WRITE_MEMBERS = "GroupMember.ReadWrite.All"
CREATE_GROUPS = "Group.Create"
READ_GROUPS = "GroupMember.Read.All"
"""Needed only where a tenant refuses the look-up of groups by name without it."""
READ_USERS = "User.ReadBasic.All"
"""Needed only by the lists, to read the users' mail addresses."""

_EVERYTHING = frozenset({"Group.ReadWrite.All", "Directory.ReadWrite.All"})

INCLUDED_IN: Mapping[str, frozenset[str]] = {
    READ_RISK: frozenset({READ_RISK, "IdentityRiskyUser.ReadWrite.All"}),
    WRITE_MEMBERS: _EVERYTHING | {WRITE_MEMBERS},
    CREATE_GROUPS: _EVERYTHING | {CREATE_GROUPS},
    READ_USERS: frozenset({READ_USERS, "User.Read.All", "User.ReadWrite.All", "Directory.Read.All", "Directory.ReadWrite.All"}),
    READ_GROUPS: _EVERYTHING | {READ_GROUPS, "Group.ReadBasic.All", "Group.Read.All", "Directory.Read.All"},
}


def granted(needed: str, roles: Collection[str]) -> bool:
    """Whether one of these permissions is the needed one or includes it."""
    return not INCLUDED_IN[needed].isdisjoint(roles)
