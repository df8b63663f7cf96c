"""Who may do what on the administrators' side: an app by its permissions, a person by their client's scopes and their directory roles.

From the permission tables of the Graph reference (https://learn.microsoft.com/graph/permissions-reference) and its notes on roles.
"""

from collections.abc import Collection
from typing import NamedTuple

from simulator.entra import permissions
from simulator.entra.caller import Caller
from simulator.entra.directory_roles import (
    APPLICATION_ADMINISTRATORS,
    ASSIGNERS,
    CONSENT_ADMINISTRATORS,
    GROUP_ADMINISTRATORS,
    LOG_READERS,
    RESTORERS,
)


class Access(NamedTuple):
    """What an operation asks of its caller."""

    permissions: tuple[frozenset[str], ...]
    """Of an app: one out of each."""
    scopes: tuple[frozenset[str], ...]
    """Of a person's client: one out of each."""
    roles: frozenset[str] | None = None
    """One of which a person needs who does not own the object; None: nobody does."""
    owned: frozenset[str] = frozenset()
    """Permissions that let an app do it to what it owns."""

    def admits(self, caller: Caller, owners: Collection[str] = ()) -> bool:
        """Whether this caller may, to an object of these owners."""
        owns = caller.object_id in owners
        if caller.is_person:
            by_role = self.roles is None or owns or bool(caller.directory_roles & self.roles)
            return by_role and all(caller.permissions & each for each in self.scopes)
        return all(caller.permissions & each for each in self.permissions) or (owns and bool(caller.permissions & self.owned))


_OWNED = frozenset({"Application.ReadWrite.OwnedBy"})
_DIRECTORY = frozenset({"Directory.Read.All", "Directory.ReadWrite.All"})
_READ = frozenset({"Application.Read.All", "Application.ReadWrite.All"}) | _DIRECTORY
_WRITE = frozenset({"Application.ReadWrite.All"})
_WRITE_WIDE = _WRITE | {"Directory.ReadWrite.All"}
_ASSIGN = frozenset({"AppRoleAssignment.ReadWrite.All"})
_SYNC = frozenset({"Synchronization.ReadWrite.All"})

READ_APPLICATIONS = Access((_READ | _OWNED,), (_READ,))
CREATE_APPLICATIONS = Access((_WRITE | _OWNED,), (_WRITE,))
"""For people, besides, the tenant decides whether any may."""
WRITE_APPLICATIONS = Access((_WRITE,), (_WRITE,), APPLICATION_ADMINISTRATORS, _OWNED)
WRITE_CREDENTIALS = Access((_WRITE_WIDE,), (_WRITE_WIDE,), APPLICATION_ADMINISTRATORS, _OWNED)
CREATE_PRINCIPALS = Access((_WRITE_WIDE | _OWNED,), (_WRITE_WIDE,))
WRITE_PRINCIPALS = WRITE_CREDENTIALS

READ_GRANTS = READ_APPLICATIONS
GRANT_OF_GRAPH = Access((_ASSIGN, _READ), (_ASSIGN, _READ), CONSENT_ADMINISTRATORS)
GRANT_OF_OTHERS = GRANT_OF_GRAPH._replace(roles=ASSIGNERS)
WITHDRAW_OF_GRAPH = Access((_ASSIGN,), (_ASSIGN,), CONSENT_ADMINISTRATORS)
WITHDRAW_OF_OTHERS = WITHDRAW_OF_GRAPH._replace(roles=ASSIGNERS)
READ_GROUP_GRANTS = Access((_ASSIGN | _DIRECTORY,), (_ASSIGN | _DIRECTORY,))

CREATE_GROUPS = Access((permissions.CREATE_GROUPS,), (permissions.WRITE_GROUPS,))
WRITE_GROUPS = Access((permissions.WRITE_GROUPS,), (permissions.WRITE_GROUPS,), GROUP_ADMINISTRATORS)
DELETE_GROUPS = Access((permissions.DELETE_GROUPS,), (permissions.DELETE_GROUPS,), GROUP_ADMINISTRATORS)
WRITE_MEMBERS = Access((permissions.WRITE_MEMBERS,), (permissions.WRITE_MEMBERS,), GROUP_ADMINISTRATORS)

READ_DELETED = Access((_READ - _DIRECTORY | _OWNED,), (_READ - _DIRECTORY,))
RESTORE = Access((_WRITE,), (_WRITE,), RESTORERS, _OWNED)

READ_PROVISIONING = Access(
    (_SYNC | {"Synchronization.Read.All"},), (_SYNC | {"Synchronization.Read.All"},), APPLICATION_ADMINISTRATORS, _OWNED
)
WRITE_PROVISIONING = Access((_SYNC,), (_SYNC,), APPLICATION_ADMINISTRATORS, _OWNED)
_LOG = frozenset({"ProvisioningLog.Read.All", "AuditLog.Read.All", "Directory.Read.All"})
READ_LOG = Access((_LOG,), (_LOG,), LOG_READERS)

_POLICY = frozenset({"Policy.Read.All", "Policy.ReadWrite.ApplicationConfiguration"})
READ_POLICY = Access((_POLICY,), (_POLICY,))
_ORGANIZATION = frozenset({"Organization.Read.All", "Organization.ReadWrite.All", "User.Read.All"}) | _DIRECTORY
READ_ORGANIZATION = Access((_ORGANIZATION,), (_ORGANIZATION | {"User.Read"},))
_MYSELF = frozenset({"User.Read", "User.Read.All", "User.ReadWrite.All"}) | _DIRECTORY
READ_MYSELF = Access((frozenset(),), (_MYSELF,))
"""No app is anybody."""
