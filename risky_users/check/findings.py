"""What a check finds: a line for each link of the chain."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum


class State(StrEnum):
    """How a link of the chain fares. Only a failed one keeps risky users from being isolated."""

    OK = "ok"
    WARNING = "warning"
    FAILED = "failed"
    SKIPPED = "skipped"


@dataclass(frozen=True, slots=True)
class Finding:
    """One link of the chain: what holds, or what is wrong with it and what to do."""

    check: str
    state: State
    message: str


def ok(check: str, message: str) -> Finding:
    """It holds."""
    return Finding(check, State.OK, message)


def warning(check: str, message: str) -> Finding:
    """It holds, and something about it is to be known."""
    return Finding(check, State.WARNING, message)


def failed(check: str, message: str) -> Finding:
    """It is broken."""
    return Finding(check, State.FAILED, message)


def skipped(checks: Iterable[str], why: str) -> list[Finding]:
    """None of these was looked at, for one reason."""
    return [Finding(check, State.SKIPPED, why) for check in checks]
