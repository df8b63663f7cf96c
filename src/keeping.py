"""One target on its way into step: joins, then leaves, as far as plan.py allows by the evidence that comes in."""

from collections.abc import Collection, Mapping, Sequence
from typing import Protocol

from graph import Writes
from plan import Evidence, Membership, Owners, Plan, Risk, plan

PROVEN_AT_ONCE = 100
"""Of how many who move to a level it is proven that they are in it before they leave the old one: then come others, lest
proofs use up what leaves need."""


class Target(Protocol):
    """What keeps its members by risk level."""

    name: str

    @property
    def members(self) -> Membership:
        """Who was in each level when it was read."""

    @property
    def known(self) -> Membership:
        """Who is known to be in levels that could not be read, but can be written."""

    @property
    def unknown(self) -> Mapping[str, Collection[str]]:
        """Who, in each level, may be somebody else."""

    @property
    def owners(self) -> Owners:
        """Whose, in each level, those are who are no users."""

    @property
    def missing(self) -> Collection[str]:
        """Levels that are yet to be made."""

    def keep_back(self, share: float, /) -> None:
        """Leave this share of what is left for writes to what comes later."""

    async def let_in(self, users: Mapping[str, Sequence[str]]) -> Mapping[str, Writes]:
        """Add these users to these levels."""

    async def prove(self, users: Mapping[str, Sequence[str]]) -> Mapping[str, Writes]:
        """Add these users, who seem to be in there already: `done` and `already` are in there for certain."""

    async def let_out(self, users: Mapping[str, Sequence[str]]) -> Mapping[str, Writes]:
        """Remove these users from these levels."""


class Keeping:
    """One target in one tick: the evidence so far, and what has become of its writes, by level."""

    def __init__(self, target: Target, risk: Risk, minute_before: Evidence, max_removals: int | None) -> None:
        self.target, self._risk, self._max_removals = target, risk, max_removals
        self.evidence = minute_before._replace(unknown=target.unknown, owners=target.owners)
        self.joined: dict[str, Writes] = {}
        self.departed: dict[str, Writes] = {}

    def plan(self) -> Plan:
        """What is to be done, by the evidence so far."""
        target = self.target
        return plan(self._risk, target.members, self.evidence, known=target.known, max_removals=self._max_removals)

    async def join(self, planned: Plan, *, dry_run: bool) -> None:
        """Let in who joins; in a dry run suppose that they have joined, and that who moves is where the read shows them."""
        if dry_run:
            members = self.target.members
            inside = {level: [*change.joins, *(members[level] or ())] for level, change in planned.changes.items()}
            self.evidence = self.evidence._replace(inside=inside)
        elif users := planned.joins:
            self.joined = {**await self.target.let_in(users)}
            for level, writes in self.joined.items():
                self._inside(level, writes)
            failed = [level for level, writes in self.joined.items() if writes.refused or writes.stopped]
            self.evidence = self.evidence._replace(failed=failed)

    async def leave(self) -> Plan:
        """Let out who leaves, once it is proven of those who move that they are in their new level; then what remains to be done."""
        while (planned := self.plan()).proofs or planned.leaves:
            if planned.proofs:
                await self._prove({level: users[:PROVEN_AT_ONCE] for level, users in planned.proofs.items()})
                planned = self.plan()
            if planned.leaves:
                await self._let_out(planned.leaves)
        return planned

    async def _prove(self, users: Mapping[str, Sequence[str]]) -> None:
        unproven = {level: {*known} for level, known in self.evidence.unproven.items()}
        for level, writes in (await self.target.prove(users)).items():
            self._inside(level, writes)
            unproven.setdefault(level, set()).update({*users[level]}.difference(writes.done, writes.already))
            self.joined.setdefault(level, Writes()).add(Writes(done=writes.done, already=writes.already, unsure=writes.unsure))
        self.evidence = self.evidence._replace(unproven=unproven)

    async def _let_out(self, users: Mapping[str, Sequence[str]]) -> None:
        evidence = self.evidence
        tried, closed, removed = {**evidence.tried}, {*evidence.closed}, evidence.removed
        for level, writes in (await self.target.let_out(users)).items():
            self.departed.setdefault(level, Writes()).add(writes)
            tried[level] = {*tried.get(level, ()), *users[level]}
            removed += len(writes.done) + len(writes.unsure)
            if writes.unfinished:
                closed.add(level)
        self.evidence = evidence._replace(tried=tried, closed=closed, removed=removed)

    def _inside(self, level: str, writes: Writes) -> None:
        inside = {**self.evidence.inside}
        inside[level] = {*inside.get(level, ()), *writes.done, *writes.already}
        self.evidence = self.evidence._replace(inside=inside)
