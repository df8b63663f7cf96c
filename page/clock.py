"""The simulated services' clock: it runs as the wall's does, but for the time that is skipped."""

import time

MINUTE = 60


class Clock:
    """Epoch seconds, ahead of the wall's by the time that was skipped."""

    def __init__(self) -> None:
        self.ahead = 0.0

    def now(self) -> float:
        """Epoch seconds."""
        return time.time() + self.ahead

    @property
    def minute(self) -> int:
        """The current minute's number."""
        return int(self.now() // MINUTE)

    @property
    def rest_of_minute(self) -> float:
        """Seconds until the next minute begins."""
        return MINUTE - self.now() % MINUTE

    def skip(self, seconds: float) -> None:
        """Let so much time pass at once."""
        self.ahead += seconds
