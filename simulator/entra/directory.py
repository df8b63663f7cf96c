"""Users, groups, applications, and who is in or has what: the truth, and what a lagging replica still believes."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Literal, Protocol, TypeVar
from uuid import UUID, uuid5

from simulator.entra.microsoft_graph import APP_ID, APP_ROLES, MICROSOFT, NAME
from simulator.entra.registrations import Application, AppRole, Consent, CredentialPolicy, Grant, ServicePrincipal

LEVELS = ("low", "medium", "high", "hidden", "none", "unknownFutureValue")
KEPT_SECONDS = 30 * 86400.0
"""How long what was deleted can be restored (https://learn.microsoft.com/graph/api/directory-deleteditems-restore)."""


@dataclass(slots=True)
class User:
    """A user. `risk_level` None: Identity Protection never saw a risk."""

    id: str
    name: str
    principal_name: str
    mail: str | None = None
    """The address of the mailbox, in whatever spelling; it need not be the principal name."""
    deleted: bool = False
    risk_level: str | None = None
    risk_state: str = "none"
    risk_detail: str = "none"
    risk_updated: float = 0.0
    risk_processing: bool = False
    listed_as_deleted: bool = True
    """Whether Identity Protection knows already that the user was deleted."""
    joining_answers: int | None = None
    """The status with which whatever adds the user to a group is refused, whoever else it adds: 403, or one of 5xx."""
    place: float = 0.0
    """Where Identity Protection lists the user: lower ones first, equals in the order they were created."""
    roles: set[str] = field(default_factory=set)
    """Directory roles, by name."""
    eligible_roles: set[str] = field(default_factory=set)
    """Those that the user may activate."""


@dataclass(slots=True)
class Group:
    """A group; times in epoch seconds."""

    id: str
    name: str
    mail_nickname: str
    created: float
    unique_name: str | None = None
    security_enabled: bool = True
    mail_enabled: bool = False
    types: list[str] = field(default_factory=list)
    on_premises: bool = False
    role_assignable: bool = False
    management_restricted: bool = False
    description: str | None = None
    deleted: float | None = None
    members: dict[str, float] = field(default_factory=dict)
    """When each member joined."""
    left: dict[str, float] = field(default_factory=dict)
    """When each former member left."""
    owners: list[str] = field(default_factory=list)
    """Ids of users and service principals."""

    @property
    def fixed(self) -> bool:
        """Whether its members cannot be written."""
        return self.on_premises or "DynamicMembership" in self.types

    def members_at(self, time: float) -> list[str]:
        """Who was a member then, as far as the latest joining or leaving tells."""
        current = [member for member, joined in self.members.items() if joined <= time or self.left.get(member, 0.0) > time]
        return current + [member for member, left in self.left.items() if left > time and member not in self.members]


@dataclass(frozen=True, slots=True)
class Write:
    """A change of the directory through Graph: a group created, or one user added or removed."""

    kind: Literal["create", "add", "remove"]
    group: str
    user: str = ""


@dataclass(slots=True)
class Directory:
    """Everything by its id."""

    users: dict[str, User] = field(default_factory=dict)
    groups: dict[str, Group] = field(default_factory=dict)
    premium: bool = True
    """Whether the tenant has Entra ID P2."""
    others: dict[str, str] = field(default_factory=dict)
    """Devices and contacts: id to `@odata.type`."""
    applications: dict[str, Application] = field(default_factory=dict)
    principals: dict[str, ServicePrincipal] = field(default_factory=dict)
    grants: dict[str, Grant] = field(default_factory=dict)
    consents: list[Consent] = field(default_factory=list)
    credential_policy: CredentialPolicy | None = None
    """None is what a tenant has that never set one."""
    users_register_apps: bool = True
    users_create_groups: bool = True

    def standing_groups(self) -> Iterator[Group]:
        """Those that are not deleted."""
        return (group for group in self.groups.values() if group.deleted is None)

    def by_unique_name(self, name: str) -> Group | None:
        """The group with this key, if it stands."""
        return next((group for group in self.standing_groups() if group.unique_name == name), None)

    def restorable(self, now: float) -> Iterator[Group]:
        """The groups that are deleted, but not for good."""
        return in_bin(self.groups.values(), now)

    # --- applications ---

    def add_microsoft_graph(self, tenant_id: str) -> None:
        """The principal that every tenant has, with an app role a permission."""
        roles = tuple(AppRole(role, value, value, ("Application",)) for value, role in APP_ROLES.items())
        principal = ServicePrincipal(str(uuid5(UUID(tenant_id), NAME)), APP_ID, NAME, 0.0, roles, owner_tenant=MICROSOFT)
        self.principals[principal.id] = principal

    def application_of(self, client_id: str) -> Application | None:
        """The standing application of a client id."""
        client = client_id.lower()
        return next((each for each in self.applications.values() if each.client_id == client and each.deleted is None), None)

    def principal_of(self, client_id: str) -> ServicePrincipal | None:
        """The standing principal of a client id."""
        client = client_id.lower()
        return next((each for each in self.principals.values() if each.client_id == client and each.deleted is None), None)

    def application_named(self, unique_name: str) -> Application | None:
        """The standing application with this alternate key."""
        return next((each for each in self.applications.values() if each.unique_name == unique_name and each.deleted is None), None)

    def name_is_taken(self, unique_name: str, now: float) -> bool:
        """Whether an application, standing or in the bin, has this alternate key
        (https://github.com/microsoftgraph/msgraph-bicep-types/issues/137)."""
        kept = in_bin(self.applications.values(), now)
        return self.application_named(unique_name) is not None or any(each.unique_name == unique_name for each in kept)

    def delete_application(self, application: Application, now: float) -> None:
        """Delete an application, and with it its principal."""
        application.deleted = now
        if principal := self.principal_of(application.client_id):
            principal.deleted = now

    # --- grants ---

    def granted_to(self, principal_id: str, now: float, lag: float = 0.0) -> list[Grant]:
        """What a principal has been granted, of resources that stand."""
        return [grant for grant in self._standing_grants(now, lag) if grant.principal_id == principal_id]

    def granted_by(self, resource_id: str, now: float, lag: float = 0.0) -> list[Grant]:
        """Who has been granted what of a resource."""
        return [grant for grant in self._standing_grants(now, lag) if grant.resource_id == resource_id]

    def _standing_grants(self, now: float, lag: float) -> Iterator[Grant]:
        for grant in self.grants.values():
            resource = self.principals.get(grant.resource_id)
            if grant.stands(now, lag) and resource and resource.deleted is None and self.type_of(grant.principal_id):
                yield grant

    # --- all objects ---

    def delete_user(self, user: User, now: float) -> None:
        """Delete a user, who thereby leaves every group."""
        user.deleted = True
        for group in self.groups.values():
            if group.members.pop(user.id, None) is not None:
                group.left[user.id] = now

    def type_of(self, object_id: str) -> str | None:
        """The `@odata.type` of a directory object that exists."""
        user, group, principal = self.users.get(object_id), self.groups.get(object_id), self.principals.get(object_id)
        if user and not user.deleted:
            return "#microsoft.graph.user"
        if group and group.deleted is None:
            return "#microsoft.graph.group"
        if principal and principal.deleted is None:
            return "#microsoft.graph.servicePrincipal"
        return self.others.get(object_id)

    def name_of(self, object_id: str) -> str:
        """The display name of a directory object that exists, if it has one here."""
        for kind in (self.users, self.groups, self.principals):
            if object_id in kind:
                return kind[object_id].name
        return ""


class _Deletable(Protocol):
    deleted: float | None


D = TypeVar("D", bound=_Deletable)


def in_bin(objects: Iterable[D], now: float) -> Iterator[D]:
    """Those that are deleted, but not for good."""
    return (each for each in objects if each.deleted is not None and now - each.deleted < KEPT_SECONDS)


def is_guid(text: str) -> bool:
    """Whether it is a GUID in the usual form."""
    try:
        return str(UUID(text)) == text.lower()
    except ValueError:
        return False
