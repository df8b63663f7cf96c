"""A tenant's own provisioning, set up as administrators do, in place of a chain's plain one."""

from simulator.entra import Tenant
from simulator.entra.provisioning import Scheduled


class TenantJobs:
    """All jobs of a tenant, those that are yet to be made too, as one (a simulator.scim.ProvisioningJob)."""

    def __init__(self, tenant: Tenant) -> None:
        self._tenant = tenant

    @property
    def next(self) -> float | None:
        """When the first of them has written next; None while none is going to."""
        return min((job.next for job in self._jobs if job.next is not None), default=None)

    @property
    def last(self) -> float | None:
        """When the latest good cycle ended."""
        return max((job.last for job in self._jobs if job.last is not None), default=None)

    @property
    def quarantined(self) -> bool:
        """Whether one of them is in quarantine."""
        return any(job.quarantined for job in self._jobs)

    @property
    def paused(self) -> bool:
        """Whether all of them rest, as those do that nobody has started."""
        return all(job.paused for job in self._jobs)

    @paused.setter
    def paused(self, paused: bool) -> None:
        for job in self._jobs:
            job.paused = paused

    def run_due(self) -> None:
        """Let happen what is due by now."""
        self._tenant.catch_up()

    @property
    def _jobs(self) -> list[Scheduled]:
        return [self._tenant.scheduled(job) for job in self._tenant.jobs]
