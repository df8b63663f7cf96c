"""How much may be used up within some time, whatever the units are."""

from collections import deque


class Quota:
    """Units used up within a sliding window of seconds."""

    def __init__(self, window: float) -> None:
        self.window = window
        self._used: deque[tuple[float, float]] = deque()
        self._total = 0.0

    def take(self, units: float, now: float, most: float) -> float:
        """Use them up; or, where that would be more than `most`, do not, and tell how many seconds to wait."""
        if self.used(now) + units > most:
            return self.wait(now) if self._used else self.window
        self._used.append((now, units))
        self._total += units
        return 0.0

    def used(self, now: float) -> float:
        """How many are used up."""
        while self._used and now - self._used[0][0] >= self.window:
            self._total -= self._used.popleft()[1]
        return self._total

    def wait(self, now: float) -> float:
        """Seconds until some of them are free again; 0 where none is used up."""
        return self.window - (now - self._used[0][0]) if self._used else 0.0
