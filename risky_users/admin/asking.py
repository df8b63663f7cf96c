"""Asking a service again: what is worth another try, how long to wait for it, and for how long altogether.

The services differ in what they answer; how their clients wait does not.
"""

from collections.abc import Callable
from email.utils import parsedate_to_datetime
from typing import TypeVar

from tenacity import RetryCallState, Retrying, retry_if_exception_type

from risky_users.admin.errors import ServiceRefused
from risky_users.admin.machine import Machine

T = TypeVar("T")

MOST_SECONDS = 240.0
"""How long one request may wait in all; Entra's replicas take minutes at worst (terraform-provider-azuread waits for ten)."""
_STEPS = (2.0, 3.0, 5.0, 8.0, 12.0, 15.0)


class Held(Exception):
    """Worth another try; `why` is told to whoever waits."""

    def __init__(self, refused: ServiceRefused, why: str) -> None:
        super().__init__(str(refused))
        self.refused, self.why = refused, why


def patiently(machine: Machine, attempt: Callable[[], T], most: float = MOST_SECONDS) -> T:
    """What the attempt comes to, which raises Held while it is worth another. Raises what was held once patience is at an end."""
    retrying = Retrying(
        retry=retry_if_exception_type(Held),
        wait=_wait,
        stop=lambda state: state.idle_for + state.upcoming_sleep > most,
        before_sleep=lambda state: machine.tell(f"  … {_held(state).why}; again in {state.upcoming_sleep:.0f} s"),
        sleep=machine.sleep,
        reraise=True,
    )
    try:
        return retrying(attempt)
    except Held as held:
        raise held.refused from None


def seconds_to_wait(header: str | None, now: float) -> float | None:
    """What `Retry-After` asks for, which is seconds or a date (https://www.rfc-editor.org/rfc/rfc9110#field.retry-after)."""
    if not header:
        return None
    try:
        return max(0.0, float(header))
    except ValueError:
        pass
    try:
        return max(0.0, parsedate_to_datetime(header).timestamp() - now)
    except ValueError:
        return None


def _wait(state: RetryCallState) -> float:
    after = _held(state).refused.answer.after
    return _STEPS[min(state.attempt_number, len(_STEPS)) - 1] if after is None else after


def _held(state: RetryCallState) -> Held:
    error = state.outcome.exception() if state.outcome else None
    if not isinstance(error, Held):
        raise TypeError("only what is held is tried again") from error
    return error
