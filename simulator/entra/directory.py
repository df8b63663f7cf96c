"""Users, groups, apps, and who is in which group: the truth, and what a lagging replica still believes."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Literal
from uuid import UUID

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
    place: float = 0.0
    """Where Identity Protection lists the user: lower ones first, equals in the order they were created."""


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

    @property
    def fixed(self) -> bool:
        """Whether its members cannot be written."""
        return self.on_premises or "DynamicMembership" in self.types

    def members_at(self, time: float) -> list[str]:
        """Who was a member then, as far as the latest joining or leaving tells."""
        current = [member for member, joined in self.members.items() if joined <= time or self.left.get(member, 0.0) > time]
        return current + [member for member, left in self.left.items() if left > time and member not in self.members]


@dataclass(slots=True)
class Secret:
    """A client secret, good until `expires` (epoch seconds)."""

    value: str
    expires: float


@dataclass(slots=True)
class App:
    """An app registration with its service principal."""

    client_id: str
    object_id: str
    name: str
    permissions: set[str]
    secrets: list[Secret]
    disabled: bool = False

    @property
    def secret(self) -> str:
        """The newest secret."""
        return self.secrets[-1].value


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
    """Devices, contacts and service principals: id to `@odata.type`."""

    def standing_groups(self) -> Iterator[Group]:
        """Those that are not deleted."""
        return (group for group in self.groups.values() if group.deleted is None)

    def by_unique_name(self, name: str) -> Group | None:
        """The group with this key, if it stands."""
        return next((group for group in self.standing_groups() if group.unique_name == name), None)

    def restorable(self, now: float) -> Iterator[Group]:
        """The groups that are deleted, but not for good."""
        return (group for group in self.groups.values() if group.deleted is not None and now - group.deleted < KEPT_SECONDS)

    def delete_user(self, user: User, now: float) -> None:
        """Delete a user, who thereby leaves every group."""
        user.deleted = True
        for group in self.groups.values():
            if group.members.pop(user.id, None) is not None:
                group.left[user.id] = now

    def type_of(self, object_id: str) -> str | None:
        """The `@odata.type` of a directory object that exists."""
        user, group = self.users.get(object_id), self.groups.get(object_id)
        if user and not user.deleted:
            return "#microsoft.graph.user"
        if group and group.deleted is None:
            return "#microsoft.graph.group"
        return self.others.get(object_id)


def is_guid(text: str) -> bool:
    """Whether it is a GUID in the usual form."""
    try:
        return str(UUID(text)) == text.lower()
    except ValueError:
        return False
