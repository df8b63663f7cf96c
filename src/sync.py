"""One tick: read the risky users and the groups, plan, let users join, then leave, and report.

Every failure is kept in the report and what it does not touch goes on. Users join whatever else is wrong; who may leave,
and when, is for plan.py to say.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING

from errors import ServiceError, SyncFailed
from graph import GraphClient, RiskyUsers
from groups import GroupState, GroupTarget, read_groups
from keeping import Keeping, Target
from plan import RISK_LEVELS, Evidence, Risk
from report import Log, Report, Tally
from scheduler import Running
from settings import GatewaySettings, Settings

if TYPE_CHECKING:
    from lists import Opening

TICK_SECONDS = 50.0
WRITING_SECONDS = 20.0
"""What the reads of a tick leave for its writes, however long Graph wants them to wait."""
WRITES_SHARE = 1 / 3
"""What the reads leave of the subrequests for the writes."""
LEAVES_SHARE = 1 / 4
"""What the joins leave of what is left for the leaves, lest users whom Graph will not add keep others in."""
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
"""From so long before the credential ends on, there are words to be said: expiry.SOON_DAYS."""
GROUPS_FIRST_SECONDS = 3.0
"""How long the lists wait for what the groups' members tell of mail, if it is not there with the risky users."""


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
        self._second_look: Risk | None = None
        """The risky users read again, once anybody has asked for that."""

    async def run(self) -> None:
        graph, report, cache = self._graph, self._report, self._graph.cache
        until = graph.budget.deadline - WRITING_SECONDS
        opening = self._begin_lists(self._settings.gateway) if self._settings.gateway else None
        graph.keep_back(WRITES_SHARE)
        reading_risk = graph.begin(graph.risky_users(RISK_LEVELS), until)
        reading_groups = graph.begin(read_groups(graph, create=not self._settings.dry_run), until)
        reading_end = self._begin_reading_end()
        read, risk = await self._finish(reading_risk)
        for error in read.unread.values():
            report.failure(error)
        report.risky = {level: len(users) for level, users in risk.users.items() if level not in risk.unread}
        self._reading_seconds = graph.clock.now() - report.started
        if opening:
            await self._keep_lists(opening, read, risk, reading_groups)
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
        if token.not_renewed:
            report.not_renewed(token.not_renewed)
        if certificate and settings.client_secret and token.issued >= report.started:
            report.served(token.served, token.refused)
        end = certificate.ends if certificate and token.served != "secret" else cache.secret_ends or settings.credential_expires
        report.credential_ends = end
        if end is not None and end - report.started < TOLD_SECONDS:
            recent = report.started - cache.last_tick <= AGREEMENT_SECONDS
            report.credential_ends_soon(end, before=cache.last_tick if recent else report.started - 60)

    def _begin_lists(self, gateway: GatewaySettings) -> "Opening":
        from lists import begin  # the direct lane costs nobody anything who does not use it

        return begin(self._graph, gateway)

    async def _keep_lists(self, opening: "Opening", read: RiskyUsers, risk: Risk, reading_groups: "Running[dict[str, GroupState]]") -> None:
        """Bring the lists in step before the groups: Gateway acts on them at the next page load."""
        graph = self._graph
        await graph.go_on(reading_groups, graph.clock.now() + GROUPS_FIRST_SECONDS)
        states = next((states for states in reading_groups if not isinstance(states, ServiceError)), {})
        target = await opening(read, risk, [state.members for state in states.values() if state.members])
        self._report.opened(target.members, target.left_out, target.problems, target.warnings)
        await self._keep(target, self._report.lists, risk)
        self._report.closed(target.totals)

    async def _keep(self, target: Target, tallies: Mapping[str, Tally], risk: Risk) -> None:
        """Bring the target in step, as far as the plan allows."""
        report, departures = self._report, self._graph.cache.departures
        minute_before = Evidence(minute_before=departures.get(target.name, {}) if self._warm else {})
        keeping = Keeping(target, risk, minute_before, self._settings.max_removals)
        first = keeping.plan()
        if not risk.unread:
            departures[target.name] = first.certain
        if not first.joins and not any(first.departures.values()):  # as in nearly every minute
            report.planned(tallies, first, first, target.missing)
            return
        target.keep_back(LEAVES_SHARE if any(first.departures.values()) else 0.0)
        await keeping.join(first, dry_run=self._settings.dry_run)
        target.keep_back(0.0)
        if keeping.plan().wants_second_look and (again := await self._look_again(risk)):
            keeping.evidence = keeping.evidence._replace(second_look=again)
        last = keeping.plan() if self._settings.dry_run else await keeping.leave()
        report.wrote(tallies, keeping.joined, keeping.departed)
        report.planned(tallies, first, last, target.missing)

    async def _look_again(self, risk: Risk) -> Risk | None:
        """All risky users once more; None where that is left to the next minute, or came to nothing."""
        graph, budget = self._graph, self._graph.budget
        if self._second_look is None and not graph.shut_out:
            until, enough = budget.deadline - LEAVING_SECONDS, budget.subrequests + risk.answers < budget.max_subrequests
            slow = self._warm and self._reading_seconds > SECOND_LOOK_SECONDS
            if enough and not slow and graph.clock.now() + self._reading_seconds <= until:
                _, self._second_look = await self._finish(graph.begin(graph.risky_users(RISK_LEVELS), until))
        return None if self._second_look is None or self._second_look.unread else self._second_look

    async def _finish(self, reading_risk: "Running[RiskyUsers]") -> tuple[RiskyUsers, Risk]:
        """The risky users as they were read, and at which level they are."""
        read = await self._graph.finish(reading_risk)
        if isinstance(read, ServiceError):
            read = RiskyUsers({}, dict.fromkeys(RISK_LEVELS, read), 0)
        return read, Risk.of(read.by_level, read.unread, read.answers)
