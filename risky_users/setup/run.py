"""Runs parts in front of somebody: who they are, the plan, a question, the work as it goes, and what is left for whom."""

import json
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from rich.console import Console
from rich.table import Table
from rich.text import Text

from risky_users.setup.steps import GOOD, Entry, Finding, Part, State, carry_out, plan
from text import JSON, counted

_MARKS = {
    State.THERE: ("✓", "=", "dim"),
    State.TO_DO: ("+", "+", "cyan"),
    State.DONE: ("✓", "*", "green"),
    State.LEFT: ("!", "!", "yellow"),
    State.BLOCKED: ("✗", "x", "red"),
    State.WAITING: ("·", "-", "dim"),
    State.FAILED: ("✗", "x", "red"),
    State.STOPPED: ("✗", "x", "red"),
}
"""Mark, mark for terminals without Unicode, and colour."""
INTERRUPTED = 130


@dataclass(frozen=True, slots=True)
class Manner:
    """How a command goes about it."""

    dry_run: bool = False
    yes: bool = False
    as_json: bool = False
    command: str = "risky-users setup"
    """What is run again to go on."""


@dataclass(slots=True)
class Terminal:
    """What is shown, and asked; in JSON mode nothing is but the outcome, as one object."""

    console: Console
    confirm: Callable[[str], bool]
    """Asks whether to go on."""
    interactive: Callable[[], bool]


def run(
    parts: Sequence[Part],
    who: Mapping[str, str],
    roles: Collection[str],
    manner: Manner,
    terminal: Terminal,
    *,
    one_by_one: bool = False,
) -> int:
    """The exit status: 0 all is as it should be, 1 something is left, 130 stopped.

    `one_by_one`: a part is only begun when the one before is done. Raises AdminError where not even looking goes on.
    """
    out = terminal.console
    _show_who(out, who, quiet=manner.as_json)
    with Console(stderr=True).status("Looking at what is there …"):  # which shows on a terminal alone
        planned = [(part, plan(part.steps, roles)) for part in parts]
    entries = [entry for _, each in planned for entry in each]
    for part, each in planned:
        _show_plan(out, part, each, quiet=manner.as_json)
    writes = sum(entry.finding.state is State.TO_DO for entry in entries)
    if not writes or manner.dry_run:
        if not manner.as_json:
            out.print(Text("\nNothing was written: --dry-run." if writes else f"\nNothing is to be written.{_left_as_it_is(planned)}"))
        return _end(out, who, planned, manner, planned_only=True)
    if not manner.yes and not _agreed(terminal, writes, manner):
        return _end(out, who, planned, manner) if manner.as_json else 1
    done: list[tuple[Part, list[Entry]]] = []
    halted = ""
    for part in parts:
        carried: list[Entry] = []
        done.append((part, carried))
        for entry in carry_out(part.steps, lambda entry: None if manner.as_json else _show(out, entry, "…"), halted):
            carried.append(entry)
            if not manner.as_json and entry.finding.state is not State.THERE:
                _show(out, entry)
        if any(entry.finding.state is State.STOPPED for entry in carried):
            halted = "not begun."
        elif one_by_one and any(entry.finding.state not in GOOD for entry in carried):
            halted = halted or f"waits for all of {part.title}."
    return _end(out, who, done, manner)


def _agreed(terminal: Terminal, writes: int, manner: Manner) -> bool:
    if manner.as_json or not terminal.interactive():
        out = Console(stderr=True) if manner.as_json else terminal.console
        out.print(Text(f"\nNothing was written: `{manner.command} --yes` writes without asking."))
        return False
    if terminal.confirm(f"\nWrite {counted(writes, 'thing')}?"):
        return True
    terminal.console.print(Text("Nothing was written."))
    return False


# --- for people ---


def _show_who(out: Console, who: Mapping[str, str], *, quiet: bool) -> None:
    if quiet:
        return
    table = Table.grid(padding=(0, 2))
    for title, value in who.items():
        table.add_row(Text(title, style="bold"), Text(value))
    out.print(table)


def _show_plan(out: Console, part: Part, entries: Iterable[Entry], *, quiet: bool) -> None:
    if quiet:
        return
    out.print(Text(f"\n{part.title}", style="bold"))
    for entry in entries:
        _show(out, entry)


def _show(out: Console, entry: Entry, mark: str = "") -> None:
    """A line, on a terminal wrapped below itself."""
    finding = entry.finding
    unicode, plain, colour = _MARKS[finding.state]
    sign = (plain if out.options.ascii_only else unicode) if not mark else ("." if out.options.ascii_only else mark)
    message = Text(finding.message)
    if finding.who and finding.state is State.TO_DO:
        message.append(f" It takes {finding.who}, which you do not seem to have; it is tried.", "yellow")
    head = Text.assemble((sign, colour), f" {entry.step.title:<22} ")
    if not out.is_terminal:
        out.print(Text.assemble(head, message), soft_wrap=True)
        return
    grid = Table.grid()
    grid.add_column(no_wrap=True)
    grid.add_column()
    grid.add_row(head, message)
    out.print(grid)


# --- the end ---


def _end(
    out: Console, who: Mapping[str, str], parts: Sequence[tuple[Part, list[Entry]]], manner: Manner, *, planned_only: bool = False
) -> int:
    """What is left, and for whom; the status."""
    good = GOOD | ({State.TO_DO} if planned_only else set())
    findings = [(part, entry) for part, entries in parts for entry in entries]
    left = [(part, entry) for part, entry in findings if entry.finding.state not in good]
    stopped = any(entry.finding.state is State.STOPPED for _, entry in findings)
    if manner.as_json:
        out.print(
            json.dumps(_as_json(who, findings, not left), indent=2, ensure_ascii=False), soft_wrap=True, markup=False, highlight=False
        )
    elif left:
        _show_left(out, left, manner.command)
    elif not planned_only:
        as_it_is = _left_as_it_is(parts)
        out.print(Text(f"\n{'What setup does is done.' if as_it_is else 'All is done.'}{as_it_is}"))
    return INTERRUPTED if stopped else 1 if left else 0


def _left_as_it_is(parts: Sequence[tuple[Part, list[Entry]]]) -> str:
    """What somebody may have to do by hand, which its line explains."""
    titles = [entry.step.title for _, entries in parts for entry in entries if entry.finding.state is State.LEFT]
    return f" See above for what is left as it is, and what that means: {', '.join(titles)}." if titles else ""


def _show_left(out: Console, left: Sequence[tuple[Part, Entry]], command: str) -> None:
    by_right: dict[str, list[str]] = {}
    for _, entry in left:
        if entry.finding.state is State.BLOCKED:
            by_right.setdefault(entry.finding.who or "another right", []).append(entry.step.title)
    out.print(Text(f"\n{counted(len(left), 'step')} not done: {', '.join(entry.step.title for _, entry in left)}."))
    for right, titles in by_right.items():
        out.print(Text(f"For somebody with {right}: {', '.join(titles)}. They run `{command}` too, in this folder."), soft_wrap=True)
    out.print(Text(f"What is done stays. `{command}` goes on from there."), soft_wrap=True)


def _as_json(who: Mapping[str, str], findings: Sequence[tuple[Part, Entry]], ok: bool) -> dict[str, JSON]:
    steps: list[JSON] = [
        {"part": part.name, "step": entry.step.key, "title": entry.step.title, **_finding_as_json(entry.finding)}
        for part, entry in findings
    ]
    return {"ok": ok, "who": dict(who), "steps": steps}


def _finding_as_json(finding: Finding) -> dict[str, JSON]:
    return {"state": finding.state.value, "message": finding.message, "who": finding.who or None}
