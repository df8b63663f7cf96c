"""What all parts of `setup`, `rotate` and `remove` are made of: steps that look before they write.

    Step("principal", "Service principal", look=self.look_at_principal, write=self.make_principal, after=("registration",))

`look` reads, keeps what it found for the steps that come after, and tells how it is; `write` makes it so, and tells what it did. Every
step is looked at twice: for the plan, when what it depends on may not be there yet, and right before it is written. So a command can
be stopped anywhere and run again, and what is as it should be is never written.
"""

from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass, replace
from enum import StrEnum

from risky_users.admin.errors import AdminError, NotAllowed
from risky_users.admin.roles import holds


class State(StrEnum):
    """How it is with a step, in the plan or after it."""

    THERE = "there"
    TO_DO = "to do"
    DONE = "done"
    LEFT = "left alone"
    """It differs, or is nothing that a command does unasked; the message says how to do it."""
    BLOCKED = "somebody else's"
    """It takes a right that this person lacks."""
    WAITING = "waiting"
    """For a step before it that was not done."""
    FAILED = "failed"
    STOPPED = "stopped"
    """By Ctrl-C, perhaps half-way."""


GOOD = frozenset({State.THERE, State.DONE, State.LEFT})
"""Whoever comes after may build on it."""


@dataclass(frozen=True, slots=True)
class Finding:
    """How it is with a step. `who` is the right that it takes, where this person does not seem to have it."""

    state: State
    message: str
    who: str = ""


def there(message: str) -> Finding:
    """It is as it should be."""
    return Finding(State.THERE, message)


def to_do(message: str) -> Finding:
    """It will be written."""
    return Finding(State.TO_DO, message)


def left_alone(message: str) -> Finding:
    """It stays as it is; the message says why, and how to change it by hand."""
    return Finding(State.LEFT, message)


def blocked(message: str, who: str) -> Finding:
    """Somebody else has to."""
    return Finding(State.BLOCKED, message, who)


def failed(message: str) -> Finding:
    """It cannot be done as things are."""
    return Finding(State.FAILED, message)


def _nothing() -> str:
    return ""


@dataclass(frozen=True, slots=True)
class Step:
    """One thing to be there. `after` names the steps that it builds on; `role` the least right that writing it takes, by name.

    `write` says what it did, or finds what is still to be done by hand.
    """

    key: str
    title: str
    look: Callable[[], Finding]
    write: Callable[[], str | Finding] = _nothing
    after: tuple[str, ...] = ()
    role: str = ""


@dataclass(frozen=True, slots=True)
class Part:
    """Steps in their order, under the name by which they are asked for and a title."""

    name: str
    title: str
    steps: tuple[Step, ...]


@dataclass(frozen=True, slots=True)
class Entry:
    """A step and how it is with it."""

    step: Step
    finding: Finding


def plan(steps: Iterable[Step], roles: Collection[str]) -> list[Entry]:
    """How it is with every step, for somebody with these directory roles; nothing is written.

    Roles that do not show (custom ones, those for a single object) are no reason to stop: what seems to be lacking is said, and tried.
    Raises AdminError where not even looking goes on.
    """
    entries = [Entry(step, _look(step)) for step in steps]
    return [
        replace(each, finding=replace(each.finding, who=each.step.role))
        if each.finding.state is State.TO_DO and not holds(each.step.role, roles)
        else each
        for each in entries
    ]


def carry_out(steps: Iterable[Step], tell: Callable[[Entry], None], halted: str = "") -> Iterator[Entry]:
    """Look, compare, write, step by step; `tell` hears before anything is written. What one step meets stops only what builds on it.

    `halted` says why none is begun, if so.
    """
    undone: dict[str, str] = {}  # titles by key
    for step in steps:
        missing = [undone[key] for key in step.after if key in undone]
        if halted:
            finding = Finding(State.WAITING, halted)
        elif missing:
            finding = Finding(State.WAITING, f"waits for {', '.join(missing)}.")
        else:
            try:
                finding = _do(step, tell)
            except KeyboardInterrupt:
                finding, halted = Finding(State.STOPPED, "stopped; the next run looks how far it went."), "not begun."
        if finding.state not in GOOD:
            undone[step.key] = step.title
        yield Entry(step, finding)


def _do(step: Step, tell: Callable[[Entry], None]) -> Finding:
    finding = _look(step)
    if finding.state is not State.TO_DO:
        return finding
    tell(Entry(step, finding))
    try:
        written = step.write()
        return written if isinstance(written, Finding) else Finding(State.DONE, written)
    except NotAllowed as refused:
        return blocked(str(refused), step.role)
    except (AdminError, OSError) as error:
        return failed(_told(error))


def _look(step: Step) -> Finding:
    try:
        return step.look()
    except NotAllowed as refused:
        return blocked(str(refused), step.role)
    except (AdminError, OSError) as error:
        return failed(_told(error))


def _told(error: Exception) -> str:
    """What happened; to a file or a program, on this machine, where it is no service's."""
    return str(error) if isinstance(error, AdminError) else f"{error}. Mend that on this machine, and run this again."
