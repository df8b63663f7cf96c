"""What a tick did, for people a line each, for machines one record. Object ids are the only names in it."""

import logging
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from directory import GROUP_NAMES, Directory
from graph import AuthError, GraphError, Writes
from plan import LEVELS, Plan, Risk

NAMED = 20
"""How many ids a line of the log names before it only counts."""

log = logging.getLogger("risky-users")


class SyncFailed(Exception):
    """The groups do not match the risky users, and not for want of budget; every problem was logged before."""

    def __init__(self, problems: list[str]) -> None:
        self.problems = problems
        more = f" ({len(problems) - 1} more in the log)" if len(problems) > 1 else ""
        super().__init__(problems[0] + more)


@dataclass(slots=True)
class Tally:
    """One level: members now, as far as it is known, and how many joined and left in this tick."""

    members: int | None = None
    joined: int = 0
    left: int = 0


@dataclass(slots=True)
class Report:
    """Gathers what happens in a tick; `log` writes it down. Times in epoch seconds."""

    started: float
    dry_run: bool
    levels: dict[str, Tally] = field(default_factory=lambda: {level: Tally() for level in LEVELS})
    risky: dict[str, int] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    news: list[str] = field(default_factory=list)
    request_ids: list[str] = field(default_factory=list)
    left_over: int = 0
    subrequests: int = 0

    # --- while the tick runs ---

    def problem(self, message: str, request_ids: Iterable[str] = ()) -> None:
        """Something that makes the tick a failure."""
        self.problems.append(message)
        self.request_ids += request_ids

    def failure(self, error: GraphError | AuthError) -> None:
        """A read, a write or a sign-in that failed."""
        self.problem(str(error), error.request_ids)

    def found(self, directory: Directory, risk: Risk) -> None:
        """The groups and the risky users as they were read."""
        self.risky = {level: len(risk.users[level]) for level in LEVELS}
        for level, listed in directory.members.items():
            self.levels[level].members = len(listed.users)
            if listed.others:
                self.notes.append(f"{level}: {listed.others} members of {GROUP_NAMES[level]} are no users; the Worker leaves them there.")
        for level in filter(directory.created.__contains__, LEVELS):
            self.news.append(f"{level}: created the group {GROUP_NAMES[level]} ({directory.groups[level].id}).")
        for level, count in directory.namesakes.items():
            self.notes.append(
                f"{level}: {count} groups are named {GROUP_NAMES[level]}; the oldest is used ({directory.groups[level].id}). "
                "Rename or delete the others."
            )
        for level in filter(directory.not_there_yet.__contains__, LEVELS):
            self.left_over += len(risk.users[level])
            self.notes.append(f"{level}: the new group {GROUP_NAMES[level]} is not known everywhere yet; the next minute goes on.")
        for error in directory.errors.values():
            self.failure(error)

    def would(self, planned: Plan, missing: Mapping[str, frozenset[str]]) -> None:
        """What a dry run leaves undone."""
        for level in LEVELS:
            change = planned.changes.get(level)
            if level in missing:
                self._would(f"{level}: would create the group {GROUP_NAMES[level]}, and {len(missing[level])} users would join.")
                self._ids(level, "would join", sorted(missing[level]))
            elif change and (change.joins or change.leaves):
                self._would(f"{level}: {len(change.joins)} would join, {len(change.leaves)} would leave.")
                self._ids(level, "would join", change.joins)
                self._ids(level, "would leave", change.leaves)

    def joined(self, level: str, writes: Writes) -> None:
        """Who was let in."""
        self.levels[level].joined += len(writes.done)
        self._ids(level, "joined", writes.done)
        self._unfinished(level, writes, "join", "could not be added")

    def left(self, level: str, writes: Writes) -> None:
        """Who was let out."""
        self.levels[level].left += len(writes.done)
        self._ids(level, "left", writes.done)
        self._unfinished(level, writes, "leave", "could not be removed")

    def held_back(self, level: str, count: int, why: str) -> None:
        """Leaves that were planned and are not done in this tick."""
        if count:
            self.left_over += count
            self.notes.append(f"{level}: {count} users stay for now, whose leave {why}.")

    def _unfinished(self, level: str, writes: Writes, verb: str, outcome: str) -> None:
        for reason, users in _by_reason(writes.refused).items():
            error = writes.refused[users[0]]
            others = f"; {outcome}, all alike: {_named(users)}" if len(users) > 1 else ""
            self.problem(f"{level}: {reason}{others}", error.request_ids)
        if writes.stopped:
            self.problem(f"{level}: {len(writes.left_over)} users are still to {verb}. {writes.stopped}", writes.stopped.request_ids)
        elif writes.left_over:
            self.left_over += len(writes.left_over)
            self.notes.append(f"{level}: {len(writes.left_over)} users are still to {verb}; the next minute goes on.")

    def _would(self, line: str) -> None:
        self.left_over += 1
        self.news.append(line)

    def _ids(self, level: str, what: str, users: Iterable[str]) -> None:
        if log.isEnabledFor(logging.DEBUG):
            for user in users:
                log.debug("%s: %s %s", level, user, what)

    # --- at its end ---

    @property
    def outcome(self) -> str:
        """failed, dry run, left over, changed or in sync: the first that applies."""
        if self.problems:
            return "failed"
        if self.dry_run:
            return "dry run"
        if self.left_over or any(tally.members is None for tally in self.levels.values()):
            return "left over"
        return "changed" if any(tally.joined or tally.left for tally in self.levels.values()) else "in sync"

    def log(self, now: float) -> None:
        """Write it all to the log: a quiet minute is one line for people, and the record."""
        for problem in self.problems:
            log.error("%s", problem)
        for note in self.notes:
            log.warning("%s", note)
        for piece in self.news:
            log.info("%s", piece)
        for level, tally in self.levels.items():
            if tally.joined or tally.left:
                log.info("%s: %d joined, %d left, %s members now.", level, tally.joined, tally.left, _members(tally))
        log.info("%s", self._conclusion(), extra={"record": self.record(now)})

    def _conclusion(self) -> str:
        """What the lines before do not say; nothing where they say it all."""
        begins = {"in sync": "In sync: ", "dry run": "Dry run, nothing was written: "}.get(self.outcome)
        return begins + ", ".join(f"{level} {_members(tally)}" for level, tally in self.levels.items()) + "." if begins else ""

    def record(self, now: float) -> dict[str, object]:
        """The tick for machines, whose fields Workers Logs indexes. What is zero or empty is left out."""
        fields: dict[str, object] = {
            "outcome": self.outcome,
            "members": {level: count for level, tally in self.levels.items() if (count := _now(tally)) is not None},
            "risky": self.risky if self.outcome != "in sync" else {},
            "joined": {level: tally.joined for level, tally in self.levels.items() if tally.joined},
            "left": {level: tally.left for level, tally in self.levels.items() if tally.left},
            "leftOver": self.left_over,
            "problems": len(self.problems),
            "failedRequests": self.request_ids[: 2 * NAMED],
            "subrequests": self.subrequests,
            "milliseconds": round((now - self.started) * 1000),
        }
        return {name: value for name, value in fields.items() if value or name == "milliseconds"}


def _now(tally: Tally) -> int | None:
    return None if tally.members is None else tally.members + tally.joined - tally.left


def _members(tally: Tally) -> str:
    members = _now(tally)
    return "unknown" if members is None else str(members)


def _by_reason(refused: Mapping[str, GraphError]) -> dict[str, list[str]]:
    """Users refused for the same reason, under the message about the first of them."""
    first: dict[str, str] = {}
    users: dict[str, list[str]] = {}
    for user, error in refused.items():
        message = str(error)
        key = first.setdefault(message.replace(user, ""), message)
        users.setdefault(key, []).append(user)
    return users


def _named(users: list[str]) -> str:
    more = len(users) - NAMED
    return ", ".join(users[:NAMED]) + (f" and {more} more" if more > 0 else "")
