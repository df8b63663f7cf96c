"""The three groups as they stand: found, or created where missing, with their members.

A group's trouble stays its own: what one level meets is that level's outcome, and the others are read all the same.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from errors import GraphError, ServiceError
from graph import GraphClient, Members, Writes
from graph_requests import group_by_id, group_by_key
from listing import Listing
from operations import Operation, Outcome, both, each
from plan import RISK_LEVELS
from security_group import SecurityGroup

GROUP_NAMES = {level: f"IdentityProtection-RiskyUser-RiskLevel-{level}" for level in RISK_LEVELS}
"""The names Cloudflare's reference Worker gives its groups: they are adopted, whoever made them."""


RETRIED = 20
"""How many of those whom Graph would not add are tried again in a minute: as many as a batch holds."""


@dataclass(frozen=True, slots=True)
class GroupState:
    """One level's group: without `group` there is none, or none that can be used; without `members` it is too new to be read,
    or `error` says why they are not known.

    `namesakes` is how many groups have its name, as far as they were looked at; the names of `lookalikes` differ in case only.
    """

    group: SecurityGroup | None = None
    members: Members | None = None
    created: bool = False
    namesakes: int = 1
    more_namesakes: bool = False
    lookalikes: tuple[SecurityGroup, ...] = ()
    error: ServiceError | None = None


async def read_groups(graph: GraphClient, *, create: bool) -> dict[str, GroupState]:
    """The groups by level; the members of groups known from the last tick are asked for together with the names.

    Raises ServiceError where the look-up by name itself fails, for then nothing is known about any group.
    """
    look_up = graph.groups_named(*GROUP_NAMES.values())
    found, read = await both(look_up, each({group.id: graph.members(group) for group in graph.cache.groups.values()}))
    if isinstance(found, ServiceError):
        raise found
    members = {} if isinstance(read, ServiceError) else read
    outcomes = await each({level: _read_group(graph, name, found, members, create=create) for level, name in GROUP_NAMES.items()})
    states = {level: GroupState(error=state) if isinstance(state, ServiceError) else state for level, state in outcomes.items()}
    for level, state in states.items():
        if state.group:
            graph.cache.groups[GROUP_NAMES[level]] = state.group
        elif not state.error:
            graph.cache.groups.pop(GROUP_NAMES[level], None)
    return states


Found: TypeAlias = tuple[list[SecurityGroup], Listing]
Read: TypeAlias = Mapping[str, Outcome[Members | None]]


async def _read_group(graph: GraphClient, name: str, found: Found, read: Read, *, create: bool) -> GroupState:
    """One group, the oldest of its name; where not all could be looked at, the one used in the last tick if it is among them.

    `read` are the members of groups, by their ids, as far as they were asked for already.
    """
    known, (groups, listing) = graph.cache.groups.get(name), found
    if (listing.pages > 1 or listing.end != "complete") and not any(group.name == name for group in groups):
        groups, listing = await graph.groups_named(name)  # a list can shift between its pages
    all_of_them = listing.end == "complete"
    namesakes = [group for group in groups if group.name == name]
    lookalikes = tuple(group for group in groups if group.name.lower() == name.lower() and group.name != name)
    if not namesakes and not all_of_them:
        raise GraphError(f"Could not look at all groups that are named like {name}; rename or delete the others.")
    used = [group for group in namesakes if not all_of_them and known and group.id == known.id] or namesakes[:1]
    group, created = used[0] if used else await _find(graph, name, known), False
    if not group and known and known.young(graph.clock.now()):
        return GroupState(known)  # known from the last tick, and too new to be found again: another would be one too many
    if not group and not create:
        return GroupState(lookalikes=lookalikes)
    if not group:
        group, created = await graph.create_group(name)
    if group.unwritable:
        raise GraphError(f"Cannot keep the members of {group.name} ({group.id}): {group.unwritable}.")
    if created:
        members: Outcome[Members | None] = Members(frozenset())
    elif group.id in read:
        members = read[group.id]
    else:
        [members] = (await each({name: graph.members(group)})).values()
    error = members if isinstance(members, ServiceError) else None
    known_members = None if isinstance(members, ServiceError) else members
    return GroupState(group, known_members, created, max(1, len(namesakes)), not all_of_them, lookalikes, error)


async def _find(graph: GraphClient, name: str, known: SecurityGroup | None) -> SecurityGroup | None:
    """The group that no look-up by name found: it may have been renamed, be too new for the look-up, or not exist."""
    outcomes = await each({"key": graph.one_group(group_by_key(name)), **({"id": graph.one_group(group_by_id(known))} if known else {})})
    for outcome in outcomes.values():
        if isinstance(outcome, ServiceError):
            raise outcome
        if outcome and outcome.name != name:
            remedy = f"name it {name} again, or delete it and the Worker makes another, to be assigned to the SCIM application anew"
            raise GraphError(f"The group {name} ({outcome.id}) was renamed: {remedy}.")
    return next((group for group in outcomes.values() if isinstance(group, SecurityGroup)), None)


class GroupTarget:
    """The groups as what the plan is for."""

    name = "groups"

    def __init__(self, graph: GraphClient, states: Mapping[str, GroupState]) -> None:
        self._graph, self._states = graph, states
        self.keep_back = graph.keep_back
        self.unknown: dict[str, frozenset[str]] = {}
        self.owners: dict[str, dict[str, frozenset[str]]] = {}
        self.missing = {level for level, state in states.items() if not state.group and not state.error}
        """Levels without a group, which a dry run does not create: so far nobody is in it."""
        self.members = {
            level: frozenset[str]() if level in self.missing else state.members.users if state.members else None
            for level, state in states.items()
        }
        last_read = graph.cache.members
        self.known = {level: last_read.get(state.group.id, frozenset()) for level, state in states.items() if state.group and state.error}

    async def let_in(self, users: Mapping[str, Sequence[str]]) -> dict[str, Writes]:
        """Add users to the groups. Those who could not be added before come last, one by one and RETRIED a minute."""
        refused = self._graph.cache.refused_users
        wanted = {user: level for level, joining in users.items() for user in joining}
        for user in refused.keys() - wanted.keys():
            del refused[user]
        fresh = {level: [user for user in joining if user not in refused] for level, joining in users.items()}
        again = {level: [user for user in refused if wanted[user] == level] for level in users}
        written = await self._write(self._graph.add_members, fresh)
        retried = await self._write(self._graph.add_singly, {level: each[:RETRIED] for level, each in again.items()})
        for level, writes in written.items():
            writes.add(retried[level])
            writes.unfinished += again[level][RETRIED:]
            troubled = [*writes.refused, *(writes.unsure if writes.stopped else ())]
            for user in [*writes.done, *writes.already, *troubled]:
                refused.pop(user, None)
            refused |= dict.fromkeys(troubled)
        return written

    async def prove(self, users: Mapping[str, Sequence[str]]) -> dict[str, Writes]:
        """Add users who seem to be members already."""
        written = {level: Writes() for level in users}
        for start in range(0, max(map(len, users.values())), RETRIED):
            proven = await self._write(self._graph.add_singly, {level: each[start : start + RETRIED] for level, each in users.items()})
            for level, writes in proven.items():
                written[level].add(writes)
        return written

    async def let_out(self, users: Mapping[str, Sequence[str]]) -> dict[str, Writes]:
        """Remove users from the groups."""
        return await self._write(self._graph.remove_members, users)

    async def _write(
        self, operation: Callable[[SecurityGroup, Sequence[str]], Operation[Writes]], users: Mapping[str, Sequence[str]]
    ) -> dict[str, Writes]:
        groups = {level: state.group for level, state in self._states.items() if state.group}
        outcomes = await self._graph.run(*(operation(groups[level], users[level]) for level in users))
        return {
            level: Writes(unfinished=[*users[level]], stopped=outcome) if isinstance(outcome, ServiceError) else outcome
            for level, outcome in zip(users, outcomes, strict=True)
        }
