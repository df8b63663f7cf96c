"""Who joins which group and who leaves it: pure, and ignorant of how anything was read or will be written.

A user's level is the one Graph reports; its group is the level's group. For one user and one level's group:

    | reported level  | in the group | in another level's group | what the plan holds             |
    |-----------------|--------------|--------------------------|---------------------------------|
    | this one        | no           | no                       | join                            |
    | this one        | no           | yes                      | join here, then leave the other |
    | this one        | yes          | no                       | nothing                         |
    | this one        | yes          | yes                      | join again, then leave the other|
    | another, none   | yes          | whatever                 | leave, once the join is sure    |
    | another, none   | no           | whatever                 | nothing                         |

Joining again looks idle and is not: reads of a directory lag behind its writes, so "in the group" may be history.
A leave that follows a move waits for a join that the directory itself has confirmed in this tick; only so is the user
never in no group at all.

Leaves need to know everybody who is risky, so there are none when the risky users were read in part. A group that was
not read in full is not part of the plan: nobody joins it or leaves it, nor leaves another group for it.
"""

from collections.abc import Mapping
from typing import NamedTuple

LEVELS = ("high", "medium", "low")
"""The risk levels that have a group, the most urgent first."""

GUARDED_SIZE = 10
"""Groups smaller than this may lose any share of their members without a second look."""


class Risk(NamedTuple):
    """The risky users as they were read: the ids at each of LEVELS, a user at one level only.

    `complete` is False when part of the list could not be read.
    """

    users: Mapping[str, frozenset[str]]
    complete: bool

    @classmethod
    def of(cls, listed: Mapping[str, set[str]], *, complete: bool) -> "Risk":
        """Sort ids listed by level; whoever is listed twice, because the list changed while it was read, is at the higher."""
        users: dict[str, frozenset[str]] = {}
        placed: set[str] = set()
        for level in LEVELS:
            users[level] = frozenset(listed.get(level, set()) - placed)
            placed |= users[level]
        return cls(users, complete)


class Change(NamedTuple):
    """What is to happen to one group: user ids, sorted."""

    joins: tuple[str, ...] = ()
    leaves: tuple[str, ...] = ()


class Plan(NamedTuple):
    """A change for each level whose group was read, and for users who move, the level they must have joined before they leave."""

    changes: Mapping[str, Change]
    moves: Mapping[str, str]


def plan(risk: Risk, members: Mapping[str, frozenset[str]]) -> Plan:
    """The changes that make each group of `members` hold exactly the users at its level."""
    leaves: dict[str, list[str]] = {}
    moves: dict[str, str] = {}
    again: dict[str, set[str]] = {level: set() for level in members}
    for level, present in members.items():
        leaves[level] = []
        for user in sorted(present - risk.users[level]) if risk.complete else ():
            target = next((other for other in LEVELS if user in risk.users[other]), None)
            if target is None:
                leaves[level].append(user)
            elif target in members:
                leaves[level].append(user)
                moves[user] = target
                if user in members[target]:
                    again[target].add(user)
    return Plan(
        {
            level: Change(tuple(sorted((risk.users[level] - present) | again[level])), tuple(leaves[level]))
            for level, present in members.items()
        },
        moves,
    )


def doubtful(planned: Plan, members: Mapping[str, frozenset[str]]) -> list[str]:
    """The levels whose group would lose more than half of its members, where it has at least GUARDED_SIZE."""
    return [
        level
        for level, change in planned.changes.items()
        if len(members[level]) >= GUARDED_SIZE and 2 * len(change.leaves) > len(members[level])
    ]


def agreed(first: Plan, second: Plan) -> Plan:
    """`first`, without the leaves that `second` does not hold as well, for the same reason."""
    changes = {}
    for level, change in first.changes.items():
        confirmed = frozenset(second.changes[level].leaves)
        leaves = tuple(user for user in change.leaves if user in confirmed and first.moves.get(user) == second.moves.get(user))
        changes[level] = Change(change.joins, leaves)
    return Plan(changes, first.moves)
