"""The way from Entra's groups to Cloudflare: Entra's provisioning job, and what it reads.

Every 40 minutes (https://learn.microsoft.com/entra/identity/app-provisioning/known-issues), or once a day in quarantine, it reads the
groups assigned to its application and writes what differs. Whoever is in none of them any more is out of scope and deprovisioned.
"""

from collections.abc import Callable, Collection, Iterable
from typing import Literal, Protocol

from simulator.scim import Door, ScimEndpoint, ScimGroup, ScimUser, Unauthorized, Unreachable

INTERVAL = 2400.0
IN_QUARANTINE = 86_400.0
MOST_ON_DEMAND = 5
"""Members (https://learn.microsoft.com/graph/api/synchronization-synchronizationjob-provisionondemand)."""


class DirectoryUser(Protocol):
    """A user as provisioning reads them; without a mailbox `mail` is None."""

    @property
    def principal_name(self) -> str: ...
    @property
    def mail(self) -> str | None: ...
    @property
    def name(self) -> str: ...


class DirectoryGroup(Protocol):
    """A group assigned to the application; `members` are the ids of direct members, of which only users go over."""

    @property
    def id(self) -> str: ...
    @property
    def name(self) -> str: ...
    @property
    def members(self) -> Collection[str]: ...


class Directory(Protocol):
    """All that provisioning reads of a tenant."""

    def assigned_groups(self, time: float) -> Iterable[DirectoryGroup]:
        """The groups assigned to the enterprise application that provisions to Cloudflare, as they were then (epoch seconds)."""

    def user(self, user_id: str) -> DirectoryUser | None:
        """The user; None where it is deleted, disabled or no user."""


class ScimCycle:
    """The job that carries a directory's groups over, on the clock it is given; `first` is when it first runs, else at once.

    A cycle that Cloudflare refuses, for a SCIM secret that is not its own or SCIM that is off, quarantines it, a good one ends
    that. What a cycle takes to run (Microsoft: 0.01 to 0.08 minutes an object) is left out.
    """

    def __init__(
        self,
        directory: Directory,
        door: Door,
        address: str,
        secret: str,
        clock: Callable[[], float],
        *,
        interval: float = INTERVAL,
        first: float | None = None,
    ) -> None:
        self._directory, self._door, self._clock, self.interval = directory, door, clock, interval
        self.address, self.secret = address, secret
        """Where Entra is told that Cloudflare's SCIM endpoint is, and the bearer token that it holds."""
        self.quarantined = False
        self.skip_out_of_scope_deletions = False
        self.external_id: Literal["mailNickname", "objectId"] = "mailNickname"
        """What the mapping sends as a user's externalId; by default that is not the object id."""
        self.last: float | None = None
        self._next = clock() if first is None else first
        self._paused = False
        self._users: dict[str, str] = {}
        self._groups: dict[str, tuple[str, frozenset[str]]] = {}
        """What Cloudflare calls what has gone over, by the directory's ids; of a group, its members there."""

    @property
    def next(self) -> float | None:
        """When the next cycle is due, in epoch seconds; None while it is paused."""
        return None if self._paused else self._next

    @property
    def paused(self) -> bool:
        """Whether it rests. What became due meanwhile is due when it no longer does."""
        return self._paused

    @paused.setter
    def paused(self, paused: bool) -> None:
        if self._paused and not paused:
            self._next = max(self._next, self._clock())
        self._paused = paused

    def run_due(self) -> bool:
        """Run the cycle that is due, if one is, as of the time at which it was; whether one ran. Of several, the last is enough."""
        now = self._clock()
        if self._paused or now < self._next:
            return False
        due = now - (now - self._next) % self._step
        self.run(due)
        self._next = due + self._step
        return True

    def run(self, time: float | None = None) -> bool:
        """One cycle as of a time, else now, whatever is due; whether Cloudflare took it."""
        endpoint = self._open()
        self.quarantined = endpoint is None
        if endpoint is None:
            return False
        time = self._clock() if time is None else time
        groups = list(self._directory.assigned_groups(time))
        users = self._put_users(endpoint, {member for group in groups for member in group.members}, time)
        if not self.skip_out_of_scope_deletions:
            for gone in sorted(set(self._users.values()) - set(users.values())):
                endpoint.deactivate_user(gone, time)
        for group in groups:
            self._put_group(endpoint, group, frozenset(users[each] for each in group.members if each in users), time)
        for group_id in self._groups.keys() - {group.id for group in groups}:
            endpoint.delete_group(self._groups.pop(group_id)[0], time)
        self.last = time
        return True

    def provision_on_demand(self, group_id: str, user_ids: Collection[str]) -> bool:
        """Carry up to five memberships of one assigned group over, paused or not; whether Cloudflare took it. Raises ValueError."""
        if not 1 <= len(user_ids) <= MOST_ON_DEMAND:
            raise ValueError(f"on demand takes 1 to {MOST_ON_DEMAND} members")
        now, endpoint = self._clock(), self._open()
        group = next((each for each in self._directory.assigned_groups(now) if each.id == group_id), None)
        if group is None or endpoint is None:
            return False
        users = self._put_users(endpoint, {each for each in user_ids if each in group.members}, now)
        _, held = self._groups.get(group_id, ("", frozenset[str]()))
        self._put_group(endpoint, group, held | set(users.values()), now)
        return True

    @property
    def _step(self) -> float:
        return IN_QUARANTINE if self.quarantined else self.interval

    def _open(self) -> ScimEndpoint | None:
        try:
            return self._door(self.address, self.secret)
        except (Unauthorized, Unreachable):
            return None

    def _put_users(self, endpoint: ScimEndpoint, user_ids: set[str], now: float) -> dict[str, str]:
        """What Cloudflare calls each of them whom the directory has."""
        made = {}
        for user_id in sorted(user_ids):
            if user := self._directory.user(user_id):
                nickname = (user.mail or user.principal_name).partition("@")[0]
                external_id = user_id if self.external_id == "objectId" else nickname
                content = ScimUser(external_id, user.principal_name, user.name, user.mail)
                made[user_id] = endpoint.put_user(content, self._users.get(user_id), now)
        self._users.update(made)
        return made

    def _put_group(self, endpoint: ScimEndpoint, group: DirectoryGroup, members: frozenset[str], now: float) -> None:
        known, _ = self._groups.get(group.id, (None, members))
        self._groups[group.id] = endpoint.put_group(ScimGroup(group.id, group.name, members), known, now), members
