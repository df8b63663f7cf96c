"""What a tick did, for people a line each, for machines one record. Object ids are the only names in it."""

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

from errors import AuthError, ServiceError
from graph import Writes
from groups import GROUP_NAMES, GroupState
from plan import RISK_LEVELS, Membership, Plan, Risk
from settings import LOG_LEVELS
from text import NAMED, counted, named

_GOES_ON = "the next minute goes on"
_EVEN_IF_ZERO = ("credentialDays", "milliseconds")

Log: TypeAlias = Callable[[str, "str | Mapping[str, object]"], None]
"""Writes one entry at a level of settings.LOG_LEVELS: a line for people, or a record for machines."""


@dataclass(slots=True)
class Tally:
    """One level of a target: who was in it when it was read, and what changed since. `title` is what the log calls it.

    `total` is how many its service says that there are, where it does. `planned`: somebody was to join or leave. Not
    `proven`: an answer is missing, or disagrees with what was read.
    """

    listed: frozenset[str] | None = None
    total: int | None = None
    joined: int = 0
    left: int = 0
    planned: bool = False
    proven: bool = True
    title: str = ""

    @property
    def members(self) -> int | None:
        """How many are in it now; None where that is not certain."""
        if self.listed is None or not self.proven:
            return None
        return len(self.listed) + self.joined - self.left if self.total is None else self.total


@dataclass(slots=True)
class Report:
    """Gathers what happens in a tick; `write` tells it. Times in epoch seconds; `verbose` names everybody who joins or leaves."""

    started: float
    dry_run: bool
    verbose: bool = False
    levels: dict[str, Tally] = field(default_factory=lambda: {level: Tally(title=level) for level in RISK_LEVELS})
    lists: dict[str, Tally] = field(default_factory=dict)
    risky: dict[str, int] = field(default_factory=dict)
    """How many users are at each level that was read in full."""
    lines: defaultdict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    """What the log says, by its level."""
    request_ids: list[str] = field(default_factory=list)
    states: Mapping[str, GroupState] = field(default_factory=dict)
    plans: dict[str, tuple[Plan, Plan]] = field(default_factory=dict)
    """What the tick set out to do with the groups and with the lists, by these names, and what it came to with all the evidence."""
    unfinished: int = 0
    refused: AuthError | None = None
    """What Entra says of the credential, if it accepts none."""
    credential_ends: float | None = None
    """In epoch seconds, where that is known."""
    credential_days: int | None = None
    """How many there are left, where it ends soon."""
    written: Mapping[str, object] = field(default_factory=dict)
    """The record, once it is written."""

    # --- while the tick runs ---

    def failure(self, error: ServiceError, before: str = "", after: str = "") -> None:
        """A read, a write or a sign-in that failed, or that the tick's budget did not suffice for."""
        line = f"{before}{error}{after}"
        if isinstance(error, AuthError) and error.cause == "refused":
            self.refused = error
        if error.cause == "budget":
            self.left_over(1, line)
        elif line not in self.problems:
            self.lines["error"].append(line)
            self.request_ids += [each for each in error.request_ids if each not in self.request_ids]

    def left_over(self, count: int, line: str) -> None:
        """So much that was to be done in this tick, and is not, though nothing failed; what is the same is told once."""
        if line not in self.lines["warn"]:
            self.unfinished += count
            self.lines["warn"].append(line)

    def not_renewed(self, error: AuthError) -> None:
        """The access token still serves, and no other comes."""
        if str(error) not in self.problems:
            self.lines["warn"].append(f"The access token still serves, for some minutes at most: {error}")

    def served(self, credential: str, refused: AuthError | None) -> None:
        """Which of two credentials a new token came for."""
        if refused:
            self.lines["warn"].append(f"The certificate is not accepted, the client secret is: {refused}")
        else:
            self.lines["info"].append(f"Signed in with the certificate ({credential}); AZURE_AD_CLIENT_SECRET is not needed any more.")

    def credential_ends_soon(self, end: float, before: float) -> None:
        """When the credential ends; `before`: when that could have been said last (all in epoch seconds)."""
        from expiry import URGENT_DAYS, days_left, told_today, warning  # brings datetime along

        left = self.credential_days = days_left(end, self.started)
        if left <= URGENT_DAYS or told_today(before, self.started):
            self.lines["warn"].append(warning(end, self.started))

    def found(self, states: Mapping[str, GroupState], risk: Risk) -> None:
        """The groups."""
        self.states = states
        warn = self.lines["warn"].append
        for level, state in states.items():
            name, group = GROUP_NAMES[level], state.group
            if state.error:
                self.failure(state.error)
            if group and state.created:
                self.lines["info"].append(f"{level}: created the group {name} ({group.id}).")
            if group and state.namesakes > 1:
                some = "the oldest of those looked at" if state.more_namesakes else "the oldest"
                many = f"{'more than ' if state.more_namesakes else ''}{state.namesakes}"
                warn(f"{level}: {many} groups are named {name}; {some} is used ({group.id}). Rename or delete the others.")
            for other in state.lookalikes:
                unused = "it is not used, and whoever is in it stays in it. Rename or delete it"
                warn(f"{level}: the name of the group {other.name} ({other.id}) differs from {name} in case only: {unused}.")
            if state.members:
                self.levels[level].listed = state.members.users
                if others := state.members.others:
                    warn(f"{level}: {name} also holds {counted(others, 'member')} other than users, which the Worker leaves there.")
            elif group and not state.error:
                self.left_over(max(1, len(risk.users[level])), f"{level}: the new group {name} is not known everywhere yet; {_GOES_ON}.")

    def opened(self, members: Membership, left_out: Mapping[str, int], problems: Sequence[ServiceError], warnings: Sequence[str]) -> None:
        """The lists: who is in them, how many there is no room for, and what is to be said of them."""
        self.lists = {level: Tally(users, title=f"{level} list") for level, users in members.items()}
        for level, count in left_out.items():
            full = "it is to hold no more addresses (GATEWAY_LIST_SIZE)"
            self.left_over(count, f"{level} list: no room for {counted(count, 'user')}, since {full}; the group has them all.")
        self.lines["warn"] += warnings
        for error in problems:
            self.failure(error)

    def closed(self, totals: Mapping[str, int | None]) -> None:
        """How many addresses the lists that could be read hold in the end; None where that is not certain."""
        for level, total in totals.items():
            self.lists[level].total, self.lists[level].proven = total, total is not None

    def wrote(self, tallies: Mapping[str, Tally], joined: Mapping[str, Writes], departed: Mapping[str, Writes]) -> None:
        """Who was let in, and who was let out."""
        for level, writes in joined.items():
            tally, listed = tallies[level], tallies[level].listed or frozenset()
            tally.joined += len(writes.done)
            tally.proven &= listed.isdisjoint(writes.done) and listed.issuperset(writes.already)
            self._written(tally, writes, "join", "joined")
        for level, writes in departed.items():
            tally = tallies[level]
            tally.left += len(writes.done)
            tally.proven &= not writes.already
            self._written(tally, writes, "leave", "left")

    def _written(self, tally: Tally, writes: Writes, verb: str, done: str) -> None:
        title = tally.title
        tally.proven &= not (writes.unsure or writes.refused)
        self._name(title, done, writes.done)
        for users in _by_reason(writes.refused):
            others = f" So it is with {len(users)} users in all: {named(users)}." if len(users) > 1 else ""
            self.failure(writes.refused[users[0]], f"{title}: ", others)
        still = f"{title}: {counted(len(writes.unfinished), 'user')} yet to {verb}"
        if writes.stopped:
            self.failure(writes.stopped, f"{still}. ")
        elif writes.unfinished:
            self.left_over(len(writes.unfinished), f"{still}; {_GOES_ON}.")

    def planned(self, tallies: Mapping[str, Tally], first: Plan, last: Plan, missing: Collection[str]) -> None:
        """What the tick set out to do, and what is left of it: leaves held back, and in a dry run all."""
        self.plans["lists" if tallies is self.lists else "groups"] = first, last
        for level, change in last.changes.items():
            title, joins, leaves = tallies[level].title, first.changes[level].joins, change.leaves
            tallies[level].planned = bool(joins or first.departures.get(level))
            for why, users in change.held.items():
                self.left_over(len(users), f"{title}: {counted(len(users), 'user')} must stay for now, whose leave {why}.")
            if self.dry_run and level in missing:
                self.lines["info"].append(f"{level}: would create {GROUP_NAMES[level]}, and {counted(len(joins), 'user')} would join.")
            elif self.dry_run and (joins or leaves):
                self.lines["info"].append(f"{title}: {len(joins)} would join, {len(leaves)} would leave.")
            if self.dry_run:
                self.unfinished += (level in missing) + len(joins) + len(leaves)
                self._name(title, "would join", joins)
                self._name(title, "would leave", leaves)

    def _name(self, title: str, what: str, users: Iterable[str]) -> None:
        for user in users if self.verbose else ():
            self.lines["debug"].append(f"{title}: {user} {what}")

    # --- at its end ---

    @property
    def problems(self) -> list[str]:
        """What makes the tick a failure."""
        return self.lines["error"]

    @property
    def outcome(self) -> str:
        """failed, dry run, left over, changed or in sync: the first that applies."""
        if self.problems:
            return "failed"
        if self.dry_run:
            return "dry run"
        tallies = [*self.levels.values(), *self.lists.values()]
        if self.unfinished or any(tally.listed is None for tally in tallies):
            return "left over"
        made = any(state.created for state in self.states.values())
        return "changed" if made or any(tally.planned for tally in tallies) else "in sync"

    def write(self, log: Log, now: float, subrequests: int) -> None:
        """Tell it all: a quiet minute is one line for people, and the record."""
        self.written = record = self.record(now, subrequests)
        for log_level in reversed(LOG_LEVELS):
            for line in self.lines[log_level]:
                log(log_level, line)
        for tallies, noun in ((self.levels, "member"), (self.lists, "address")):
            for tally in tallies.values():
                if tally.joined or tally.left:
                    members = "" if tally.members is None else f", {counted(tally.members, noun)} now"
                    log("info", f"{tally.title}: {tally.joined} joined, {tally.left} left{members}.")
        if begins := {"in sync": "In sync: ", "dry run": "Dry run, nothing was written: "}.get(str(record["outcome"])):
            log("info", f"{begins}{_numbers(self.levels)}{f'; lists: {_numbers(self.lists)}' if self.lists else ''}.")
        log("info", self.written)

    def record(self, now: float, subrequests: int) -> dict[str, object]:
        """The tick for machines, whose fields Workers Logs indexes. What is unknown, zero or empty is left out."""
        outcome, groups, lists = self.outcome, _counts(self.levels), _counts(self.lists)
        fields: dict[str, object] = {
            "outcome": outcome,
            "members": groups["members"],
            "risky": self.risky if outcome != "in sync" else {},
            "joined": groups["joined"],
            "left": groups["left"],
            "lists": {name: counts for name, counts in lists.items() if counts},
            "leftOver": self.unfinished,
            "problems": len(self.problems),
            "failedRequests": self.request_ids[: 2 * NAMED],
            "credentialDays": self.credential_days,
            "subrequests": subrequests,
            "milliseconds": round((now - self.started) * 1000),
        }
        return {name: value for name, value in fields.items() if value or (value is not None and name in _EVEN_IF_ZERO)}


def _counts(tallies: Mapping[str, Tally]) -> dict[str, object]:
    return {
        "members": {level: members for level, tally in tallies.items() if (members := tally.members) is not None},
        "joined": {level: tally.joined for level, tally in tallies.items() if tally.joined},
        "left": {level: tally.left for level, tally in tallies.items() if tally.left},
    }


def _numbers(tallies: Mapping[str, Tally]) -> str:
    return ", ".join(f"{level} {'unknown' if (members := tally.members) is None else members}" for level, tally in tallies.items())


def _by_reason(refused: Mapping[str, ServiceError]) -> list[list[str]]:
    """Users, those together who were refused for the same reason."""
    users: dict[str, list[str]] = {}
    for user, error in refused.items():
        users.setdefault(str(error).replace(user, ""), []).append(user)
    return list(users.values())
