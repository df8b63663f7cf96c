"""One tick: read the risky users and the groups, plan, let users join, then leave, and report.

Every failure is kept in the report and what it does not touch goes on. Users join whatever else is wrong; they leave only
after complete reads, and after the group they move to has them.
"""

from collections.abc import Mapping, Sequence

from directory import Directory, read_directory
from graph import AuthError, Graph, GraphError, Operation, RiskyUsers, Writes
from plan import LEVELS, Change, Plan, Risk, agreed, doubtful, plan
from report import Report, SyncFailed
from settings import Settings

TICK_SECONDS = 50.0
WRITING_SECONDS = 20.0
"""What the reads of a tick leave for its writes, however long Graph wants them to wait."""


async def sync(graph: Graph, settings: Settings) -> Report:
    """Make the groups hold the risky users, as far as this tick's budget reaches; what happened is logged and returned.

    Raises SyncFailed, after everything possible was done, where the groups do not match what was read for any other
    reason than the budget.
    """
    report = Report(started=graph.clock.now(), dry_run=settings.dry_run)
    try:
        await _run(graph, settings, report)
    except AuthError as error:
        report.failure(error)
    report.subrequests = graph.subrequests
    report.log(graph.clock.now())
    if report.problems:
        raise SyncFailed(report.problems)
    return report


async def _run(graph: Graph, settings: Settings, report: Report) -> None:
    reading_risk = Operation(graph.risky_users(LEVELS))
    reading_directory = Operation(read_directory(graph, create=not settings.dry_run))
    await graph.run(reading_risk, reading_directory, until=graph.deadline - WRITING_SECONDS)
    risk = _risk(reading_risk.result(), report)
    try:
        directory = reading_directory.result()
    except GraphError as error:
        report.failure(error)
        return
    members = {level: listed.users for level, listed in directory.members.items()}
    report.found(directory, risk)
    planned = plan(risk, members)
    if settings.dry_run:
        report.would(planned, {level: risk.users[level] for level in directory.missing})
        return
    joined = await _join(graph, directory, planned, report)
    planned = await _second_look(graph, planned, members, report)
    await _leave(graph, directory, _capped(_safe(planned, joined), settings.max_removals, report), report)


def _risk(read: RiskyUsers, report: Report) -> Risk:
    if read.error:
        report.failure(read.error)
    return Risk.of(read.by_level, complete=read.error is None)


async def _join(graph: Graph, directory: Directory, planned: Plan, report: Report) -> Mapping[str, frozenset[str]]:
    """Who is in each level's group for certain, because Graph said so just now. Users refused before come last."""
    refused = graph.memory.refused_users
    joins = {
        level: Operation(graph.add_members(directory.groups[level], sorted(change.joins, key=refused.__contains__)))
        for level in LEVELS
        if (change := planned.changes.get(level)) and change.joins
    }
    await graph.run(*joins.values())
    refused.clear()
    inside = {}
    for level, join in joins.items():
        writes = join.result()
        report.joined(level, writes)
        refused.update(writes.refused)
        inside[level] = frozenset(writes.done + writes.already)
    return inside


async def _second_look(graph: Graph, planned: Plan, members: Mapping[str, frozenset[str]], report: Report) -> Plan:
    """The plan, without leaves too many to be true unless a second read of the risky users holds them as well."""
    levels = doubtful(planned, members)
    if not levels:
        return planned
    reading = Operation(graph.risky_users(LEVELS))
    await graph.run(reading)
    risk = _risk(reading.result(), report)
    certain = agreed(planned, plan(risk, members))
    for level in levels:
        report.held_back(level, len(planned.changes[level].leaves) - len(certain.changes[level].leaves), "a second look did not confirm")
    return certain


def _safe(planned: Plan, joined: Mapping[str, frozenset[str]]) -> Plan:
    """The plan, without the leaves of users who move and whose join did not succeed."""
    return _with_leaves(
        planned,
        {
            level: [user for user in change.leaves if user not in planned.moves or user in joined.get(planned.moves[user], ())]
            for level, change in planned.changes.items()
        },
    )


def _capped(planned: Plan, max_removals: int | None, report: Report) -> Plan:
    """The plan with at most `max_removals` leaves."""
    if max_removals is None:
        return planned
    left, leaves = max_removals, {}
    for level, change in planned.changes.items():
        leaves[level] = change.leaves[:left]
        left -= len(leaves[level])
        report.held_back(level, len(change.leaves) - len(leaves[level]), f"MAX_REMOVALS = {max_removals} leaves for later minutes")
    return _with_leaves(planned, leaves)


def _with_leaves(planned: Plan, leaves: Mapping[str, Sequence[str]]) -> Plan:
    return planned._replace(changes={level: Change(change.joins, tuple(leaves[level])) for level, change in planned.changes.items()})


async def _leave(graph: Graph, directory: Directory, planned: Plan, report: Report) -> None:
    leaves: dict[str, Operation[Writes]] = {
        level: Operation(graph.remove_members(directory.groups[level], change.leaves))
        for level, change in planned.changes.items()
        if change.leaves
    }
    await graph.run(*leaves.values())
    for level, leave in leaves.items():
        report.left(level, leave.result())
