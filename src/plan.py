"""Who joins which group and who leaves it, now or later: all policy, pure, ignorant of how anything was read or will be written.

A target keeps its members by risk level: the security groups do, and so may others. A user's level is the one Graph
reports. For one user and one level of a target:

    | reported level  | in there | in another level | what the plan holds                 |
    |-----------------|----------|------------------|-------------------------------------|
    | this one        | no       | whatever         | join                                |
    | this one        | yes      | no               | nothing                             |
    | this one        | yes      | yes              | nothing here, and a leave there     |
    | another, none   | yes      | whatever         | leave, if it is certain: see below  |
    | another, none   | no       | whatever         | nothing                             |

A user who moves joins here and leaves there by these rows. Joins are never held back. Of a level whose members could not
be read nobody leaves, and whoever is not known to be in it joins. Leaves wait, each of them until all of this is so:

    | it needs                                                     | otherwise                              |
    |--------------------------------------------------------------|----------------------------------------|
    | that all risky users were read                               | there is none                          |
    | that this level of the target was read                       | there is none                          |
    | a second complete read that agrees, a moment or a minute     | held back: UNCONFIRMED, or UNASKED if  |
    | apart, where the first may be wrong: an absence from a list  | no second look was taken               |
    | that came in several answers, which can shift in between; or |                                        |
    | more than half of a level with GUARDED_SIZE members leaving  |                                        |
    | that it is certain who it is                                 | held back: UNKNOWN                     |
    | of a user who moves, to be in the other level for certain,   | held back: MOVING; of whom the read    |
    | by the service's own word in this tick: reads of a directory | showed there, a proof is asked for     |
    | lag behind its writes, so what they show may be history      |                                        |
    | of what is no user but whose: the same of all its owners;    | held back: MOVING                      |
    | of what is nobody's, that no join here has failed: it may be |                                        |
    | what somebody who joins went by before                       |                                        |
    | that no other leave from there failed as a whole             | held back: BEHIND                      |
    | a place among the leaves MAX_REMOVALS allows, one a level in | held back: CAPPED                      |
    | turn; what was refused to one goes to the others             |                                        |
"""

from collections.abc import Collection, Mapping, Sequence
from typing import NamedTuple, Never, TypeAlias

RISK_LEVELS = ("high", "medium", "low")
"""The risk levels that have a group, the most urgent first."""

GUARDED_SIZE = 10
"""Levels with fewer members may lose any share of them without a second look."""

UNCONFIRMED = "a second look did not confirm"
UNASKED = "the next minute has to confirm"
UNKNOWN = "waits until all mail addresses can be read"
MOVING = "waits until they are where they move to"
BEHIND = "waits behind one that could not be made"
CAPPED = "MAX_REMOVALS leaves for later minutes"
"""Why a leave is held back: the end of "who stay for now, whose leave …"."""
_LEAVE, _PROVE, _TRIED = "leave", "prove", "tried"

Membership: TypeAlias = Mapping[str, frozenset[str] | None]
"""Who is in each level that a target keeps; None where that could not be read."""
Owners: TypeAlias = "Mapping[str, Mapping[str, Collection[str]]]"
"""Whose, in each level, those in there are who are no users themselves: some users', or nobody's who is known."""
Targets: TypeAlias = "Mapping[str, str | None]"
"""The level of a target at which each of some users is: None is none."""
Departures: TypeAlias = Mapping[str, Mapping[str, Targets]]
"""Who is in a level without being at it, and where the users are whom that concerns: they themselves, or their owners."""


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
    """What is known beyond the first read, as a tick goes on; by level, but for the first two.

    `second_look`: the risky users read again. `minute_before`: the certain departures that the last tick's complete read
    called for. `unknown`: who may be somebody else. `owners`: whose those are who are no users; of what is nobody's no second
    look tells. `inside`: who is in the level for certain, `unproven`: of whom that was asked in vain. `failed`: levels that
    somebody could not join. `tried`: whose leave was tried. `closed`: levels that nobody leaves any more in this tick.
    `removed`: how many have left, or may have.
    """

    second_look: Risk | None = None
    minute_before: Departures = _NOBODY
    unknown: Mapping[str, Collection[str]] = _NOBODY
    owners: Owners = _NOBODY
    inside: Mapping[str, Collection[str]] = _NOBODY
    unproven: Mapping[str, Collection[str]] = _NOBODY
    failed: Collection[str] = ()
    tried: Mapping[str, Collection[str]] = _NOBODY
    closed: Collection[str] = ()
    removed: int = 0


class Change(NamedTuple):
    """What is to happen to one level now: user ids; `proofs` are users of whom it is to be proven that they are in it, and
    `held` those whose leave is held back, by reason."""

    joins: Sequence[str] = ()
    proofs: Sequence[str] = ()
    leaves: Sequence[str] = ()
    held: Mapping[str, Sequence[str]] = _NOBODY


class Plan(NamedTuple):
    """A change for each level that can be changed, and the departures that all leaves come from.

    `certain` are those of whom it is certain who they are: that the others are at no level may come of what was not read.
    """

    changes: Mapping[str, Change]
    departures: Departures
    certain: Departures

    @property
    def joins(self) -> Mapping[str, Sequence[str]]:
        """Who joins, by level."""
        return {level: change.joins for level, change in self.changes.items() if change.joins}

    @property
    def proofs(self) -> Mapping[str, Sequence[str]]:
        """Of whom a proof is needed, by level."""
        return {level: change.proofs for level, change in self.changes.items() if change.proofs}

    @property
    def leaves(self) -> Mapping[str, Sequence[str]]:
        """Who leaves, by level."""
        return {level: change.leaves for level, change in self.changes.items() if change.leaves}

    @property
    def wants_second_look(self) -> bool:
        """Whether leaves wait for a second look."""
        return any(UNASKED in change.held for change in self.changes.values())


def plan(risk: Risk, members: Membership, evidence: Evidence, *, known: Membership = _NOBODY, max_removals: int | None = None) -> Plan:
    """The changes that make each level of `members` hold exactly the users at it, as far as the evidence allows now.

    `known`: who is known to be in a level whose members could not be read, if it can be written all the same.
    """
    leaving = departures(risk, members, evidence.owners)
    verdicts = {level: _verdicts(level, users, risk, members, evidence) for level, users in leaving.items()}
    _give_places(verdicts, evidence, max_removals)
    changes = {}
    for level, read in members.items():
        present = known.get(level) if read is None else read
        if present is not None:
            proofs = [
                user
                for other, each in leaving.items()
                for who, targets in each.items()
                if verdicts[other][who] == _PROVE
                for user in _awaited(targets, evidence)
                if targets[user] == level
            ]
            held: dict[str, list[str]] = {}
            for user, verdict in verdicts.get(level, {}).items():
                held.setdefault(MOVING if verdict == _PROVE else verdict, []).append(user)
            held.pop(_TRIED, None)
            joins, proofs = sorted(risk.users[level] - present), [*dict.fromkeys(proofs)]
            changes[level] = Change(joins, proofs, held.pop(_LEAVE, []), held)
    certain = {
        level: {who: targets for who, targets in each.items() if who not in evidence.unknown.get(level, ())}
        for level, each in leaving.items()
    }
    return Plan(changes, leaving, certain)


def departures(risk: Risk, members: Membership, owners: Owners = _NOBODY) -> Departures:
    """Who would leave, by these risky users alone; nobody unless they were read to the end."""
    if risk.unread:
        return {}
    return {
        level: {who: _targets(owners.get(level, {}).get(who, (who,)), risk, members) for who in sorted(present - risk.users[level])}
        for level, present in members.items()
        if present is not None
    }


def _targets(users: Collection[str], risk: Risk, members: Membership) -> Targets:
    return {user: next((level for level in members if user in risk.users[level]), None) for user in users}


def _verdicts(level: str, leaving: Mapping[str, Targets], risk: Risk, members: Membership, evidence: Evidence) -> dict[str, str]:
    """What is to become of each who would leave this level: _LEAVE, _PROVE, _TRIED, or why it must wait."""
    present, second_look = members[level] or frozenset(), evidence.second_look
    again = (departures(second_look, members, evidence.owners) if second_look else {}).get(level, {})
    before = evidence.minute_before.get(level, {})
    doubtful = len(present) >= GUARDED_SIZE and 2 * len(leaving) > len(present)
    verdicts = {}
    for who, targets in leaving.items():
        absent = not targets or None in targets.values()
        agreed = before.get(who) == targets or (targets and again.get(who) == targets)
        awaited = _awaited(targets, evidence)
        if (doubtful or (absent and risk.answers > 1)) and not agreed:
            verdicts[who] = UNCONFIRMED if second_look and targets else UNASKED
        elif who in evidence.unknown.get(level, ()):
            verdicts[who] = UNKNOWN
        elif who in evidence.tried.get(level, ()):
            verdicts[who] = _TRIED
        elif awaited:
            in_vain = any(user in evidence.unproven.get(at, ()) or user not in (members[at] or ()) for user, at in awaited.items())
            verdicts[who] = MOVING if in_vain else _PROVE
        else:
            verdicts[who] = MOVING if not targets and level in evidence.failed else _LEAVE
    return verdicts


def _awaited(targets: Targets, evidence: Evidence) -> dict[str, str]:
    """Which of these users are not yet where they are to be for certain, and where that is."""
    return {user: at for user, at in targets.items() if at and user not in evidence.inside.get(at, ())}


def _give_places(verdicts: Mapping[str, dict[str, str]], evidence: Evidence, max_removals: int | None) -> None:
    """Let those wait who find no place among so many leaves, or in a level that nobody leaves any more."""
    wanting = {level: [user for kind in (_LEAVE, _PROVE) for user in users if users[user] == kind] for level, users in verdicts.items()}
    places = {level: len(users) for level, users in wanting.items() if level not in evidence.closed}
    if max_removals is not None:
        places = _in_turn(places, max_removals - evidence.removed, sum(sum(user.encode()) for users in wanting.values() for user in users))
    for level, users in wanting.items():
        for user in users[places.get(level, 0) :]:
            verdicts[level][user] = BEHIND if level in evidence.closed else CAPPED


def _in_turn(wanted: Mapping[str, int], remaining: int, start: int) -> dict[str, int]:
    """So many places, one a level in turn. Who begins comes of who they are: now this level, now that, whatever the time."""
    levels = [*wanted, *wanted]
    given = dict.fromkeys(levels[start % max(1, len(wanted)) :], 0)
    while remaining > 0 and (unserved := [level for level in given if given[level] < wanted[level]]):
        for level in unserved[:remaining]:
            given[level] += 1
        remaining -= len(unserved)
    return given
