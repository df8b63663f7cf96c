"""Findings and forecasts, for people and for machines."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, replace
from datetime import UTC, datetime
from itertools import groupby

from rich.console import Console
from rich.table import Table
from rich.text import Text

from errors import ServiceError
from groups import GroupState
from plan import RISK_LEVELS
from risky_users.check import CHECKS, Finding, State, Walk
from risky_users.check.trial import PAUSE_SECONDS, STATIONS, Step, Trial
from risky_users.forecast import Forecast, LevelForecast
from risky_users.wording import for_once

_MARKS = {
    State.OK: ("✓", "+", "green"),
    State.WARNING: ("!", "!", "yellow"),
    State.FAILED: ("✗", "x", "red"),
    State.SKIPPED: ("·", "-", "dim"),
}
"""Mark, mark for terminals without Unicode, and colour."""


# --- check ---


def show_walk(console: Console, walk: Walk) -> None:
    """A line for each link, and the outcome."""
    for finding in _together(walk.findings):
        mark, plain, colour = _MARKS[finding.state]
        line = Text.assemble((plain if console.options.ascii_only else mark, colour), f" {CHECKS[finding.check]:<14} ")
        _hang(console, line, Text(for_once(finding.message), style="dim" if finding.state is State.SKIPPED else ""))
    failed = sum(finding.state is State.FAILED for finding in walk.findings)
    if failed:
        console.print(Text(f"\n{_counted(failed, 'thing')} to mend."))
    else:
        console.print(Text("\nNothing that was seen keeps users at risk from being isolated."))


def _together(findings: Sequence[Finding]) -> Iterator[Finding]:
    """In the place of those that follow one another and were not looked at for one reason, one that names them all."""
    for (state, message), alike in groupby(findings, key=lambda finding: (finding.state, finding.message)):
        first, *others = alike
        if state is State.SKIPPED and others:
            yield replace(first, message=f"{message} The same holds for {', '.join(CHECKS[other.check] for other in others)}.")
        else:
            yield from (first, *others)


def walk_as_json(walk: Walk) -> dict[str, object]:
    """`ok`, `checks`, and what was found out on the way: null where it was not."""
    facts = walk.facts
    complete = facts is not None and not facts.risk_error
    groups = None if facts is None or isinstance(facts.groups, ServiceError) else facts.groups
    return {
        "ok": walk.passed,
        "checks": [asdict(finding) | {"message": for_once(finding.message)} for finding in walk.findings],
        "permissions": asdict(walk.permissions) if walk.permissions else None,
        "riskyUsers": {level: len(facts.risky_users.by_level[level]) for level in RISK_LEVELS} if facts and complete else None,
        "groups": {level: _group_as_json(groups[level]) for level in RISK_LEVELS} if groups else None,
    }


def _group_as_json(state: GroupState) -> dict[str, object]:
    return {"id": state.group.id if state.group else None, "members": len(state.members.users) if state.members else None}


# --- check --watch ---


def show_trial_begins(console: Console, trial: Trial) -> None:
    """What is waited for, and what cannot be seen."""
    whose = "this user's" if trial.user else "somebody's"
    console.print(Text(f"Waiting for {whose} risk to rise: Entra admin center > ID Protection > Risky users > the user > Confirm user"))
    console.print(Text("compromised. Ctrl-C ends this.\n"))
    for station, why in trial.unseen.items():
        _hang(console, Text(f"· {STATIONS[station]:<14} "), Text(why, style="dim"))


def show_step(console: Console, step: Step) -> None:
    """A station and when it was reached; a word on the way stands for itself."""
    mark = ("+" if console.options.ascii_only else "✓", "green") if step.station else ("!", "yellow")
    title = STATIONS.get(step.station, "")
    since = f", {step.after:.0f} s after the risk" if step.station not in ("", "risk") else ""
    time = datetime.fromtimestamp(step.time, UTC).strftime("%H:%M:%S UTC")
    _hang(console, Text.assemble(mark, f" {title:<14} "), Text(f"{time}  {step.message}{since}"))


def show_trial_ends(console: Console, trial: Trial) -> None:
    """Whether the risk has come to the browser."""
    if trial.ahead:
        console.print(Text(f"\nEnded without {', '.join(STATIONS[each] for each in trial.ahead)}."))
    else:
        console.print(Text(f"\nThe risk has reached all that can be seen, to within {PAUSE_SECONDS:.0f} s of these times."))


# --- plan ---


def show_forecast(console: Console, forecast: Forecast) -> None:
    """A row for each user who would join, leave or be held back; then one for each group and list; then what else is to be known."""
    levels = {**forecast.groups, **{each.name: each for each in forecast.lists.values()}}
    if any(each.joins or each.leaves or each.held for each in levels.values()):
        console.print(_users(forecast))
        console.print()
    console.print(_summary(levels))
    remarks = [Text(note) for note in forecast.notes] + [Text(problem, style="red") for problem in forecast.problems]
    if not forecast.changes and not forecast.problems:
        remarks.append(Text("The next tick would change nothing."))
    if remarks:
        console.print()
    for remark in remarks:
        console.print(remark, soft_wrap=not console.is_terminal)


def forecast_as_json(forecast: Forecast, *, dry_run: bool) -> dict[str, object]:
    """`ok`, the changes of each group by user id, and what else is to be known."""
    return {
        "ok": not forecast.problems,
        "dryRun": dry_run,
        "groups": {level: _level_as_json(each) for level, each in forecast.groups.items()},
        "lists": {level: _level_as_json(each) for level, each in forecast.lists.items()},
        "names": forecast.names,
        "notes": forecast.notes,
        "problems": forecast.problems,
    }


def _level_as_json(level: LevelForecast) -> dict[str, object]:
    return {
        "name": level.name,
        "id": level.id or None,
        "members": level.members,
        "joins": list(level.joins),
        "leaves": list(level.leaves),
        "held": level.held,
    }


def _users(forecast: Forecast) -> Table:
    table = _table("Group", "Change", "User")
    if forecast.names:
        table.add_column("Name", overflow="fold")
    for levels in (forecast.groups, forecast.lists):
        for level, each in levels.items():
            title = each.name if levels is forecast.lists else level
            for user, change, colour in _changes(levels, forecast.moves, level):
                name = [Text(forecast.names.get(user, ""))] if forecast.names else []
                table.add_row(title, Text(change, style=colour), Text(user), *name)
    return table


def _changes(levels: Mapping[str, LevelForecast], moves: Mapping[str, str], level: str) -> list[tuple[str, str, str]]:
    """User id, what happens to the user, and its colour."""
    this = levels[level]
    comes_from = {user: other for other, each in levels.items() if other != level for user in each.leaves}
    joins = [(user, f"joins from {comes_from[user]}" if user in comes_from else "joins", "green") for user in this.joins]
    leaves = [(user, f"leaves for {moves[user]}" if user in moves else "leaves", "yellow") for user in this.leaves]
    held = [(user, f"stays: the leave {why}", "red") for user, why in this.held.items()]
    return joins + leaves + held


def _summary(levels: Mapping[str, LevelForecast]) -> Table:
    table = _table("Group", "Members", "Join", "Leave", "Held back", "Id")
    for title, level in levels.items():
        numbers = (len(level.joins), len(level.leaves), len(level.held))
        members, missing = ("unknown", "unknown") if level.members is None else (str(level.members), "none yet")
        table.add_row(title, members, *(str(number) if number else "·" for number in numbers), level.id or missing)
    for column in table.columns[1:5]:
        column.justify = "right"
    return table


def _table(*headings: str) -> Table:
    table = Table(*headings, box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
    for column in table.columns:
        column.no_wrap = column.header != "Change"
    return table


# --- both ---


def _hang(console: Console, head: Text, message: Text) -> None:
    """The message after its head: wrapped below itself on a terminal, on one line elsewhere."""
    if console.is_terminal:
        grid = Table.grid()
        grid.add_column(no_wrap=True)
        grid.add_column()
        grid.add_row(head, message)
        console.print(grid)
    else:
        console.print(Text.assemble(head, message), soft_wrap=True)


def _counted(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
