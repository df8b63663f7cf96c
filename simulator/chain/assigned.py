"""What Entra's provisioning reads of a tenant: the groups assigned to the application that provisions to Cloudflare, and their members."""

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from simulator.entra import Group, Tenant, User


class AssignedGroup(NamedTuple):
    """A group as it was at some time; its members by their ids, whatever they are."""

    id: str
    name: str
    members: frozenset[str]


class AssignedGroups:
    """Of each of these names the oldest group, as soon as there is one, and whatever other `groups` are assigned
    (a simulator.cloudflare.Directory)."""

    def __init__(self, tenant: Tenant, names: Iterable[str], groups: Iterable[Group] = ()) -> None:
        self._tenant, self._names, self._groups = tenant, tuple(names), tuple(groups)

    def assigned_groups(self, time: float) -> Iterator[AssignedGroup]:
        """The groups there are now, with the members they had then, in epoch seconds."""
        named = [group for name in self._names for group in self._tenant.groups_named(name)[:1]]
        for group in [*self._groups, *named]:
            if group.created <= time and group.deleted is None:
                yield AssignedGroup(group.id, group.name, frozenset(group.members_at(time)))

    def user(self, user_id: str) -> User | None:
        """The user, unless they are deleted."""
        user = self._tenant.directory.users.get(user_id)
        return user if user and not user.deleted else None
