"""One tick: read the risky users and the groups, plan, let users join, then leave, and report.

Every failure is kept in the report and what it does not touch goes on. Users join whatever else is wrong; who may leave,
and when, is for plan.py to say.
"""

from collections.abc import Collection, Mapping, Sequence
from typing import Protocol

from errors import ServiceError, SyncFailed
from graph import GraphClient, RiskyUsers, Writes
from groups import GroupState, GroupTarget, read_groups
from operations import Outcome
from plan import RISK_LEVELS, Evidence, Membership, Risk, plan
from report import Log, Report, Tally
from scheduler import Running
from settings import GatewaySettings, Settings

TICK_SECONDS = 50.0
WRITING_SECONDS = 20.0
"""What the reads of a tick leave for its writes, however long Graph wants them to wait."""
LEAVING_SECONDS = 5.0
"""What a second look leaves for the leaves that it confirms."""
SECOND_LOOK_SECONDS = 5.0
"""A read of the risky users that takes longer is not repeated in the same minute: Identity Protection's one request a second
is shared by all apps of a tenant, and the next minute reads them anyway. A new isolate, which cannot know that it will
last so long, looks again."""
AGREEMENT_SECONDS = 150.0
"""How long a tick's departures count as those of the minute before."""
END_ASKED_SECONDS = 86400.0
"""How often the app's registration is asked when its secret ends."""
TOLD_SECONDS = 31 * 86400.0
"""So long before the credential ends it may be worth a word: see expiry.py."""
GROUPS_FIRST_SECONDS = 3.0
"""How long the lists wait for what the groups' members tell of mail, if it is not there with the risky users."""


class Target(Protocol):
    """What keeps its members by risk level."""

    name: str

    @property
    def members(self) -> Membership:
        """Who was in each level when it was read."""

    @property
    def unknown(self) -> Mapping[str, Collection[str]]:
        """Who, in each level, may be somebody else."""

    @property
    def missing(self) -> Collection[str]:
        """Levels that are yet to be made."""

    async def let_in(self, users: Mapping[str, Sequence[str]]) -> Mapping[str, Writes]:
        """Add these users to these levels."""

    async def let_out(self, users: Mapping[str, Sequence[str]]) -> Mapping[str, Writes]:
        """Remove these users from these levels."""


async def sync(graph: GraphClient, settings: Settings, log: Log) -> Report:
    """Make the groups hold the risky users, as far as this tick's budget reaches; what happened is logged and returned.

    Raises SyncFailed, after everything possible was done, where the groups do not match what was read for any other
    reason than the budget.
    """
    report = await tick(graph, settings)
    report.write(log, graph.clock.now(), graph.budget.subrequests)
    if report.problems:
        raise SyncFailed(report.problems, report)
    return report


async def tick(graph: GraphClient, settings: Settings) -> Report:
    """What `sync` does, told to nobody yet."""
    report = Report(started=graph.clock.now(), dry_run=settings.dry_run, verbose=settings.log_level == "debug")
    await _Tick(graph, settings, report).run()
    return report


class _Tick:
    """What the steps of a tick have in common."""

    def __init__(self, graph: GraphClient, settings: Settings, report: Report) -> None:
        self._graph, self._settings, self._report = graph, settings, report
        self._warm = report.started < graph.cache.departures_until
        self._reading_seconds = 0.0
        self._second_look: list[Risk | None] = []
        """The risky users read again, once anybody has asked for that."""

    async def run(self) -> None:
        graph, report, cache = self._graph, self._report, self._graph.cache
        until = graph.budget.deadline - WRITING_SECONDS
        reading_risk = graph.begin(graph.risky_users(RISK_LEVELS), until)
        reading_groups = graph.begin(read_groups(graph, create=not self._settings.dry_run), until)
        reading_end = self._begin_reading_end()
        read = await graph.finish(reading_risk)
        risk = self._risk(read)
        report.risky = {level: len(users) for level, users in risk.users.items() if level not in risk.unread}
        self._reading_seconds = graph.clock.now() - report.started
        if self._settings.gateway and not isinstance(read, ServiceError):
            await self._keep_lists(self._settings.gateway, read, risk, reading_groups)
        states = await graph.finish(reading_groups)
        if isinstance(states, ServiceError):
            report.failure(states)
        else:
            report.found(states, risk)
            await self._keep(GroupTarget(graph, states), report.levels, risk)
        if not risk.unread:
            cache.departures_until = report.started + AGREEMENT_SECONDS
        self._tell_of_the_credential(reading_end)
        cache.last_tick = report.started

    def _begin_reading_end(self) -> "Running[float | None]":
        """Once a day ask when the secret ends. The question travels with others, and no answer is waited for."""
        graph, now = self._graph, self._report.started
        if self._settings.certificate or now < graph.cache.end_asked + END_ASKED_SECONDS:
            return []
        graph.cache.end_asked = now
        return graph.begin(graph.secret_end(), now + 1)

    def _tell_of_the_credential(self, reading_end: "Running[float | None]") -> None:
        """When the credential ends that serves, and which one that is where there are two."""
        settings, cache, report = self._settings, self._graph.cache, self._report
        token, certificate = cache.token, settings.certificate
        for end in reading_end:
            cache.secret_ends = end if isinstance(end, float) else cache.secret_ends
        if certificate and settings.client_secret and token.issued >= report.started:
            report.served(token.served, token.refused)
        end = certificate.ends if certificate and token.served != "secret" else cache.secret_ends or settings.credential_expires
        if end is not None and end - report.started < TOLD_SECONDS:
            report.credential_ends_soon(end, before=max(cache.last_tick, report.started - AGREEMENT_SECONDS))

    async def _keep_lists(
        self, gateway: GatewaySettings, read: RiskyUsers, risk: Risk, reading_groups: "Running[dict[str, GroupState]]"
    ) -> None:
        """Bring the lists in step before the groups: Gateway acts on them at the next page load."""
        from lists import open_lists  # the direct lane costs nobody anything who does not use it

        graph = self._graph
        await graph.go_on(reading_groups, graph.clock.now() + GROUPS_FIRST_SECONDS)
        states = next((states for states in reading_groups if not isinstance(states, ServiceError)), {})
        target = await open_lists(graph, gateway, read, risk, [state.members for state in states.values() if state.members])
        self._report.opened(target.members, target.totals, target.problems, target.warnings)
        await self._keep(target, self._report.lists, risk)

    async def _keep(self, target: Target, tallies: Mapping[str, Tally], risk: Risk) -> None:
        """Bring the target in step, as far as the plan allows."""
        members, report, dry_run, most = target.members, self._report, self._settings.dry_run, self._settings.max_removals
        before = self._graph.cache.departures
        minute_before = before.get(target.name, {}) if self._warm else {}
        evidence = Evidence(minute_before=minute_before, unknown=target.unknown, turn=int(report.started // 60))
        planned = first = plan(risk, members, evidence, max_removals=most)
        if not risk.unread:
            before[target.name] = first.departures
        inside = {level: change.joins for level, change in planned.changes.items() if change.joins}
        if not dry_run and inside:
            joined = await target.let_in(inside)
            report.joined(tallies, joined)
            inside = {level: [*writes.done, *writes.already] for level, writes in joined.items()}
        again = await self._look_again() if planned.wants_second_look else None
        evidence = evidence._replace(inside=inside, second_look=again)
        planned = plan(risk, members, evidence, max_removals=most)
        while not dry_run and (leaves := {level: change.leaves for level, change in planned.changes.items() if change.leaves}):
            departed = await target.let_out(leaves)
            report.departed(tallies, departed)
            gone = sum(len(writes.done) + len(writes.already) + len(writes.unsure) for writes in departed.values())
            tried = {level: {*evidence.tried.get(level, ()), *leaves.get(level, ())} for level in members}
            evidence = evidence._replace(tried=tried, removed=evidence.removed + gone)
            planned = plan(risk, members, evidence, max_removals=most)
        report.planned(tallies, first, planned, target.missing)

    async def _look_again(self) -> Risk | None:
        """The risky users once more; None where that is left to the next minute."""
        graph, until = self._graph, self._graph.budget.deadline - LEAVING_SECONDS
        if self._second_look or (self._warm and self._reading_seconds > SECOND_LOOK_SECONDS):
            return self._second_look[0] if self._second_look else None
        if graph.clock.now() + self._reading_seconds > until:
            return None
        self._second_look.append(self._risk(await graph.finish(graph.begin(graph.risky_users(RISK_LEVELS), until))))
        return self._second_look[0]

    def _risk(self, read: Outcome[RiskyUsers]) -> Risk:
        unread = dict.fromkeys(RISK_LEVELS, read) if isinstance(read, ServiceError) else read.unread
        for error in unread.values():
            self._report.failure(error)
        return Risk.of({}, unread) if isinstance(read, ServiceError) else Risk.of(read.by_level, unread, read.answers)
