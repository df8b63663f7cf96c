"""The way from Entra's groups to Cloudflare: Entra's provisioning job, and what it reads.

Every 40 minutes (https://learn.microsoft.com/entra/identity/app-provisioning/known-issues), or once a day in quarantine, it reads the
groups assigned to its application and writes what differs. Whoever is in none of them any more is out of scope and deprovisioned.
"""

from collections.abc import Callable, Collection, Iterable
from typing import Literal, Protocol

from simulator.cloudflare.registry import Registry

INTERVAL = 2400.0
IN_QUARANTINE = 86_400.0
MOST_ON_DEMAND = 5
"""Members (https://learn.microsoft.com/graph/api/synchronization-synchronizationjob-provisionondemand)."""


class DirectoryUser(Protocol):
    """A user as provisioning reads them; without a mailbox `mail` is None."""

    @property
    def user_principal_name(self) -> str: ...
    @property
    def mail(self) -> str | None: ...
    @property
    def name(self) -> str: ...


class DirectoryGroup(Protocol):
    """A group assigned to the application; `members` are user ids, of direct members only."""

    @property
    def id(self) -> str: ...
    @property
    def name(self) -> str: ...
    @property
    def members(self) -> Collection[str]: ...


class Directory(Protocol):
    """All that provisioning reads of a tenant."""

    def assigned_groups(self) -> Iterable[DirectoryGroup]:
        """The groups assigned to the enterprise application that provisions to Cloudflare."""

    def user(self, user_id: str) -> DirectoryUser | None:
        """The user; None where it is deleted, disabled or no user."""


class ScimCycle:
    """The job that carries a directory's groups over, on the clock it is given.

    `next` is when the next cycle is due, in epoch seconds. `paused` and `quarantined` may be set; a cycle that Cloudflare
    refuses, for a SCIM secret that is not its own or SCIM that is off, quarantines it, a good one ends that. What a cycle takes
    to run (Microsoft: 0.01 to 0.08 minutes an object) is left out.
    """

    def __init__(
        self, directory: Directory, registry: Registry, clock: Callable[[], float], interval: float = INTERVAL, first: float | None = None
    ) -> None:
        self._directory, self._registry, self._clock = directory, registry, clock
        self.interval = interval
        self.next = clock() if first is None else first
        self.secret = registry.provider.scim_secret
        """The bearer token that Entra holds."""
        self.paused = self.quarantined = False
        self.skip_out_of_scope_deletions = False
        self.external_id: Literal["mailNickname", "objectId"] = "mailNickname"
        """What the mapping sends as a user's externalId; by default that is not the object id."""
        self.last: float | None = None
        """When the last good cycle ran."""

    def run_due(self) -> bool:
        """Run the cycle that is due, if one is; whether one ran. Several that were missed are one: it reads what is there now."""
        now = self._clock()
        if self.paused or now < self.next:
            return False
        self.run()
        step = IN_QUARANTINE if self.quarantined else self.interval
        self.next += step * (1 + (now - self.next) // step)
        return True

    def run(self) -> bool:
        """One cycle now, whatever is due; whether Cloudflare took it."""
        self.quarantined = not self._accepted()
        if self.quarantined:
            return False
        now, groups = self._clock(), list(self._directory.assigned_groups())
        scim_ids = self._put_users({member for group in groups for member in group.members}, now)
        if not self.skip_out_of_scope_deletions:
            for user in self._registry.provider.users.values():
                if user.id not in scim_ids.values():
                    self._registry.deactivate(user, now)
        for group in groups:
            self._registry.put_group(group.id, group.name, {scim_ids[each] for each in group.members if each in scim_ids}, now)
        assigned = {group.id for group in groups}
        for gone in [each for each in self._registry.provider.groups.values() if each.external_id not in assigned]:
            self._registry.drop_group(gone, now)
        self._registry.update_identities(now)
        self.last = now
        return True

    def provision_on_demand(self, group_id: str, user_ids: Collection[str]) -> bool:
        """Carry up to five memberships of one assigned group over, paused or not; whether Cloudflare took it. Raises ValueError."""
        if not 1 <= len(user_ids) <= MOST_ON_DEMAND:
            raise ValueError(f"on demand takes 1 to {MOST_ON_DEMAND} members")
        group = next((each for each in self._directory.assigned_groups() if each.id == group_id), None)
        if group is None or not self._accepted():
            return False
        now = self._clock()
        scim_ids = self._put_users({each for each in user_ids if each in group.members}, now)
        known = next((each.members for each in self._registry.provider.groups.values() if each.external_id == group_id), set())
        self._registry.put_group(group.id, group.name, known | set(scim_ids.values()), now)
        self._registry.update_identities(now)
        return True

    def _accepted(self) -> bool:
        provider = self._registry.provider
        return provider.scim_enabled and self.secret is not None and self.secret == provider.scim_secret

    def _put_users(self, user_ids: set[str], now: float) -> dict[str, str]:
        """The ScimUser's id of each of them whom the directory has."""
        made = {}
        for user_id in sorted(user_ids):
            if user := self._directory.user(user_id):
                nickname = (user.mail or user.user_principal_name).partition("@")[0]
                external_id = user_id if self.external_id == "objectId" else nickname
                made[user_id] = self._registry.put_user(external_id, user.user_principal_name, user.name, user.mail, now).id
        return made
