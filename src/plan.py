"""Who joins which group and who leaves it, now or later: all policy, pure, ignorant of how anything was read or will be written.

A target keeps its members by risk level: the security groups do, and so may others. A user's level is the one Graph
reports. For one user and one level of a target:

    | reported level  | in there | in another level | what the plan holds                 |
    |-----------------|----------|------------------|-------------------------------------|
    | this one        | no       | no               | join                                |
    | this one        | no       | yes              | join here, then leave the other     |
    | this one        | yes      | no               | nothing                             |
    | this one        | yes      | yes              | join again, then leave the other    |
    | another, none   | yes      | whatever         | leave, if it is certain: see below  |
    | another, none   | no       | whatever         | nothing                             |

Joining again looks idle and is not: reads of a directory lag behind its writes, so "in there" may be history.

Joins are never held back. Leaves are, each of them until all of this is so:

    | it needs                                                     | otherwise                              |
    |--------------------------------------------------------------|----------------------------------------|
    | that all risky users were read                               | there is none                          |
    | that this level of the target was read                       | there is none                          |
    | a second complete read that agrees, a moment or a minute     | held back: UNCONFIRMED, or UNASKED if  |
    | apart, where the first may be wrong: an absence from a list  | no second look was taken               |
    | that came in several answers, which can shift in between; or |                                        |
    | more than half of a level with GUARDED_SIZE members leaving  |                                        |
    | that it is certain who it is                                 | held back: UNKNOWN                     |
    | of a user who moves, to be in the other level for certain,   | held back: MOVING                      |
    | by the service's own word in this tick                       |                                        |
    | a place among the leaves MAX_REMOVALS allows; levels share   | held back: CAPPED                      |
    | them evenly, and what was refused to one goes to the others  |                                        |
"""

from collections.abc import Collection, Mapping, Sequence
from itertools import cycle
from typing import NamedTuple, Never, TypeAlias

RISK_LEVELS = ("high", "medium", "low")
"""The risk levels that have a group, the most urgent first."""

GUARDED_SIZE = 10
"""Levels with fewer members may lose any share of them without a second look."""

UNCONFIRMED = "a second look did not confirm"
UNASKED = "the next minute has to confirm"
UNKNOWN = "waits until all mail addresses can be read"
MOVING = "waits until they are where they move to"
CAPPED = "MAX_REMOVALS leaves for later minutes"
"""Why a leave is held back: the end of "who stay for now, whose leave …"."""

Membership: TypeAlias = Mapping[str, frozenset[str] | None]
"""Who is in each level that a target keeps; None where that could not be read."""
Departures: TypeAlias = "Mapping[str, Mapping[str, str | None]]"
"""Who is in a level without being at it, and the level for whose sake they would leave: None is none."""


_NOBODY: Mapping[str, Never] = {}


class Risk(NamedTuple):
    """The risky users as they were read: the ids at each of RISK_LEVELS, a user at one level only.

    `unread` are the levels that were not read in full, `answers` is how many the list came in.
    """

    users: Mapping[str, frozenset[str]]
    unread: Collection[str] = ()
    answers: int = 1

    @classmethod
    def of(cls, listed: Mapping[str, set[str]], unread: Collection[str] = (), answers: int = 1) -> "Risk":
        """Sort ids listed by level; whoever is listed twice, because the list changed while it was read, is at the higher."""
        users: dict[str, frozenset[str]] = {}
        for level in RISK_LEVELS:
            users[level] = frozenset(listed.get(level, set()).difference(*users.values()))
        return cls(users, unread, answers)


class Evidence(NamedTuple):
    """What is known beyond the first read, as a tick goes on.

    `second_look`: the risky users read again. `minute_before`: the departures that the last tick's complete read called
    for. `unknown`: who, in each level, may be somebody else. `inside`: who is in each level for certain. `tried`: whose
    leave was tried, by level, and `removed`: how many may have left. `turn` decides which level is served first where not
    each can be.
    """

    second_look: Risk | None = None
    minute_before: Departures = _NOBODY
    unknown: Mapping[str, Collection[str]] = _NOBODY
    inside: Mapping[str, Collection[str]] = _NOBODY
    tried: Mapping[str, Collection[str]] = _NOBODY
    removed: int = 0
    turn: int = 0


class Change(NamedTuple):
    """What is to happen to one level now: user ids, sorted; and whose leave is held back, by reason."""

    joins: Sequence[str] = ()
    leaves: Sequence[str] = ()
    held: Mapping[str, Sequence[str]] = _NOBODY


class Plan(NamedTuple):
    """A change for each level that was read, and the departures that all of it comes from."""

    changes: Mapping[str, Change]
    departures: Departures

    @property
    def wants_second_look(self) -> bool:
        """Whether leaves wait for a second look."""
        return any(UNASKED in change.held for change in self.changes.values())


def plan(risk: Risk, members: Membership, evidence: Evidence, *, max_removals: int | None = None) -> Plan:
    """The changes that make each level of `members` hold exactly the users at it, as far as the evidence allows now."""
    leaving = departures(risk, members)
    reads = [departures(evidence.second_look, members) if evidence.second_look else {}, evidence.minute_before]
    rejoining = {(target, user) for each in leaving.values() for user, target in each.items()}
    changes: dict[str, Change] = {}
    for level, present in members.items():
        if present is not None:
            joins = risk.users[level] - present | {user for target, user in rejoining if target == level and user in present}
            doubtful = len(present) >= GUARDED_SIZE and 2 * len(leaving.get(level, ())) > len(present)
            certain: list[str] = []
            held: dict[str, list[str]] = {}
            for user, target in leaving.get(level, {}).items():
                unproven = doubtful or (target is None and risk.answers > 1)
                if unproven and not any(read.get(level, {}).get(user, level) == target for read in reads):
                    held.setdefault(UNCONFIRMED if evidence.second_look else UNASKED, []).append(user)
                elif user in evidence.unknown.get(level, ()):
                    held.setdefault(UNKNOWN, []).append(user)
                elif target and user not in evidence.inside.get(target, ()):
                    held.setdefault(MOVING, []).append(user)
                elif user not in evidence.tried.get(level, ()):
                    certain.append(user)
            changes[level] = Change(sorted(joins), certain, held)
    if max_removals is not None:
        changes = _capped(changes, max_removals - evidence.removed, evidence.turn)
    return Plan(changes, leaving)


def departures(risk: Risk, members: Membership) -> Departures:
    """Who would leave, by these risky users alone; nobody unless they were read to the end."""
    if risk.unread:
        return {}
    return {
        level: {user: next((other for other in members if user in risk.users[other]), None) for user in sorted(present - risk.users[level])}
        for level, present in members.items()
        if present is not None
    }


def _capped(changes: Mapping[str, Change], remaining: int, turn: int) -> dict[str, Change]:
    """The changes with so many leaves as remain: one a level in turn, until they are used up."""
    levels = [*changes][turn % len(changes) :] + [*changes][: turn % len(changes)] if changes else []
    wanted = {level: len(changes[level].leaves) for level in levels}
    given = dict.fromkeys(changes, 0)
    for level in cycle(levels):
        if remaining <= 0 or given == wanted:
            break
        if given[level] < wanted[level]:
            given[level] += 1
            remaining -= 1
    return {level: _hold_back(change, given[level]) for level, change in changes.items()}


def _hold_back(change: Change, allowed: int) -> Change:
    rest = change.leaves[allowed:]
    return change._replace(leaves=change.leaves[:allowed], held={**change.held, CAPPED: rest}) if rest else change
