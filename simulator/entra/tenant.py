"""The tenant as a whole: what happens to its users and groups, and the truth about it."""

import random as randomness
import time
from collections.abc import Callable

from simulator.entra import people
from simulator.entra.administration import NEEDED, Administration
from simulator.entra.directory import Group, User, Write
from simulator.entra.operations.risky_users import OUTCOMES

__all__ = ["NEEDED", "Tenant"]

_LEVELS = ("high", "medium", "low")


class Tenant(Administration):
    """One tenant with its apps, users and groups. `clock` gives epoch seconds."""

    def __init__(self, clock: Callable[[], float] = time.time, random: randomness.Random | None = None) -> None:
        super().__init__(clock, random or randomness.Random(1))

    @classmethod
    def contoso(cls, risky: int = 12, seed: int = 1, clock: Callable[[], float] = time.time) -> "Tenant":
        """A tenant with Entra ID P2, so many risky users of every level, a few who are not, and one app, consented to.

        Every fifth has a mailbox in another domain and spelling than the principal name.
        """
        tenant = cls(clock, randomness.Random(seed))
        tenant.register_app("risky-users", NEEDED, secret="Sim8Q~a+b/c=d&e%f.g_h-i")
        for number in range(risky):
            user = tenant.add_user()
            if number % 5 == 4:
                tenant.rename_mailbox(user, f"{user.name.replace(' ', '.')}@contoso.com")
            tenant.set_risk(user, ("high", "medium", "low")[number % 3])
        for _ in range(4):
            tenant.dismiss(tenant.add_user())
        return tenant

    # --- what administrators do ---

    @property
    def premium(self) -> bool:
        """Whether the tenant has Entra ID P2."""
        return self.directory.premium

    @premium.setter
    def premium(self, value: bool) -> None:
        self.directory.premium = value

    @property
    def on_write(self) -> Callable[[Write], None] | None:
        """Hears of each change that a request made to the directory, right after it."""
        return self.service.on_write

    @on_write.setter
    def on_write(self, listener: Callable[[Write], None] | None) -> None:
        self.service.on_write = listener

    def add_user(self, name: str | None = None, *, mail: str | None = "", principal_name: str = "") -> User:
        """A user, at no risk. `mail` is the mailbox: None where there is none, empty where it is the principal name."""
        name = name or people.name(len(self.directory.users))
        principal_name = principal_name or f"{name.lower().replace(' ', '.')}@{self.domain}"
        user = User(self.service.new_id(), name, principal_name, principal_name if mail == "" else mail)
        self.directory.users[user.id] = user
        self.changed()
        return user

    def add_guest(self, address: str, name: str | None = None, *, mail: str | None = "") -> User:
        """A guest invited at an address, which is the mailbox too unless `mail` says otherwise, and at no risk.

        https://learn.microsoft.com/entra/external-id/user-properties
        """
        principal_name = f"{address.replace('@', '_')}#EXT#@{self.domain}"
        return self.add_user(name, mail=address if mail == "" else mail, principal_name=principal_name)

    def rename_mailbox(self, user: User, mail: str | None) -> None:
        """Give a user another mailbox, or none."""
        user.mail = mail
        self.changed()

    def add_other(self, kind: str = "#microsoft.graph.device") -> str:
        """A directory object that is no user; its id."""
        object_id = self.service.new_id()
        self.directory.others[object_id] = kind
        return object_id

    def delete_user(self, user: User, *, listed: bool = True) -> None:
        """Delete a user, who leaves every group but stays among the risky users for ever; `listed` as deleted, or not yet."""
        user.listed_as_deleted = listed
        self.directory.delete_user(user, self.clock())
        self.changed()

    def set_risk(self, user: User, level: str, state: str = "atRisk", detail: str = "none") -> None:
        """Put a user at a risk level."""
        user.risk_level, user.risk_state, user.risk_detail, user.risk_updated = level, state, detail, self.clock()
        self.changed()

    def confirm_compromised(self, user: User) -> None:
        """High, and not `atRisk` (https://learn.microsoft.com/graph/api/riskyuser-confirmcompromised)."""
        self.set_risk(user, *OUTCOMES["confirmCompromised"])

    def dismiss(self, user: User) -> None:
        """No risk (https://learn.microsoft.com/graph/api/riskyuser-dismiss)."""
        self.set_risk(user, *OUTCOMES["dismiss"])

    def remediate(self, user: User) -> None:
        """No risk, after a password change."""
        self.set_risk(user, "none", "remediated", "userPerformedSecuredPasswordChange")

    def confirm_safe(self, user: User) -> None:
        """No risk."""
        self.set_risk(user, *OUTCOMES["confirmSafe"])

    def create_group(self, name: str, **properties: object) -> Group:
        """A group made by hand; `properties` are those of Group."""
        group = Group(self.service.new_id(), name, name[:64], self.clock())
        for attribute, value in properties.items():
            setattr(group, attribute, value)
        self.directory.groups[group.id] = group
        self.changed()
        return group

    def delete_group(self, group: Group) -> None:
        """Delete a group, which can be restored for 30 days."""
        group.deleted = self.clock()
        self.changed()

    def restore_group(self, group: Group) -> None:
        """Take a group back with its id, its members and its unique name. Raises ValueError where that cannot be.

        https://learn.microsoft.com/graph/api/directory-deleteditems-restore
        """
        if group not in self.directory.restorable(self.clock()):
            raise ValueError(f"{group.name} is not among the deleted groups")
        if group.unique_name and self.directory.by_unique_name(group.unique_name):
            raise ValueError(f"another group has the unique name {group.unique_name}")
        group.deleted = None
        self.changed()

    def rename_group(self, group: Group, name: str) -> None:
        """Give a group another display name."""
        group.name = name
        self.changed()

    def add_member(self, group: Group, member: User | str) -> None:
        """Add a member by hand."""
        member_id = member if isinstance(member, str) else member.id
        group.left.pop(member_id, None)
        group.members[member_id] = self.clock()
        self.changed()

    def remove_member(self, group: Group, member: User | str) -> None:
        """Remove a member by hand."""
        member_id = member if isinstance(member, str) else member.id
        if group.members.pop(member_id, None) is not None:
            group.left[member_id] = self.clock()
        self.changed()

    # --- the truth, without any lag ---

    @property
    def users(self) -> list[User]:
        """Everybody, the deleted too."""
        return list(self.directory.users.values())

    def groups_named(self, name: str) -> list[Group]:
        """The groups of this name, the oldest first."""
        return sorted(
            (group for group in self.directory.standing_groups() if group.name == name), key=lambda group: (group.created, group.id)
        )

    def group_named(self, name: str) -> Group:
        """The oldest group of this name. Raises LookupError."""
        return self.groups_named(name)[0]

    def members_of(self, group: Group | str) -> frozenset[str]:
        """The ids of a group's members; of none where there is no group of this name."""
        if isinstance(group, str):
            named = self.groups_named(group)
            return frozenset(named[0].members) if named else frozenset()
        return frozenset(group.members)

    def risky_at(self, level: str) -> list[User]:
        """The users Identity Protection puts at this level, without the deleted."""
        return [user for user in self.directory.users.values() if user.risk_level == level and not user.deleted]

    def risky_count(self) -> int:
        """How many users are at a level that has a group."""
        return sum(len(self.risky_at(level)) for level in _LEVELS)
