"""A value and what it was before, for those who read it late."""

from collections import deque
from collections.abc import Callable
from typing import Generic, TypeVar

KEPT = 3600.0
"""Seconds; nobody lags further behind."""

T = TypeVar("T")


class Timeline(Generic[T]):
    """`value` is now. `copy` makes what is kept of it before it changes."""

    def __init__(self, value: T, copy: Callable[[T], T]) -> None:
        self.value = value
        self._copy = copy
        self._past: deque[tuple[float, T]] = deque()

    def keep(self, now: float) -> None:
        """Remember what it is, before it changes at this time."""
        while self._past and self._past[0][0] < now - KEPT:
            self._past.popleft()
        self._past.append((now, self._copy(self.value)))

    def at(self, time: float) -> T:
        """What it was then."""
        return next((value for until, value in self._past if until > time), self.value)
