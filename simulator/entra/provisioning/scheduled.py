"""A job of a tenant's as whoever it provisions to sees it (simulator.scim.ProvisioningJob)."""

from collections.abc import Callable

from simulator.entra.provisioning.job import Job
from simulator.entra.provisioning.scheduler import Provisioning


class Scheduled:
    """One job, which an account can wake by its own clock."""

    def __init__(self, provisioning: Provisioning, job: Job, clock: Callable[[], float]) -> None:
        self._provisioning, self.job, self._clock = provisioning, job, clock

    @property
    def next(self) -> float | None:
        """When the cycle ends that runs, or that is due next: that is when it has written; None while none is."""
        return self._provisioning.arrival(self.job)

    @property
    def last(self) -> float | None:
        """When the last good cycle ended."""
        return self.job.last_good.ended if self.job.last_good else None

    @property
    def quarantined(self) -> bool:
        """Whether it is in quarantine."""
        return self.job.quarantine is not None

    @property
    def paused(self) -> bool:
        """Whether it rests, because nobody has started it too."""
        return self.job.state != "Active"

    @paused.setter
    def paused(self, paused: bool) -> None:
        if paused:
            self._provisioning.pause(self.job)
        else:
            self._provisioning.start(self.job, self._clock())

    def run_due(self) -> None:
        """Let happen what is due by now."""
        self._provisioning.run_due(self._clock())
