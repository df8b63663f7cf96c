"""All jobs of a tenant, and the clock they run by.

A job in force runs a cycle every 40 minutes. After some that failed it is in quarantine and runs 6, 12 and 24 hours after that began,
then daily, and after four weeks no more; a good cycle, a start or a restart ends it
(https://learn.microsoft.com/entra/identity/app-provisioning/application-provisioning-quarantine-status).
"""

from collections import defaultdict, deque
from collections.abc import Callable, Collection

from simulator.entra.behaviour import Behaviour
from simulator.entra.directory import Directory
from simulator.entra.provisioning.cycle import Cycle, TooManyDeletes
from simulator.entra.provisioning.job import (
    INTERVAL,
    UNAUTHORIZED,
    UNREACHABLE,
    Execution,
    Failure,
    Job,
    Quarantine,
    QuarantineReason,
    Running,
)
from simulator.entra.provisioning.log import Event
from simulator.entra.provisioning.schema import UnusableSchema, default_schema
from simulator.entra.provisioning.scope import in_scope
from simulator.entra.provisioning.settings import Settings
from simulator.entra.registrations import ServicePrincipal
from simulator.scim import Door, ScimEndpoint, Unauthorized, Unreachable

HOUR = 3600.0
DAY = 24 * HOUR
FOUR_WEEKS = 28 * DAY
_FIRST_ATTEMPTS = (6 * HOUR, 12 * HOUR, DAY)
_REMEMBERED = 20_000


class Provisioning:
    """The provisioning service of one tenant. Whoever is at `door` is provisioned to."""

    def __init__(self, directory: Directory, behaviour: Behaviour, new_id: Callable[[], str]) -> None:
        self._directory, self._behaviour, self.new_id = directory, behaviour, new_id
        self.door: Door = closed
        self.jobs: dict[str, Job] = {}
        self.settings: defaultdict[str, Settings] = defaultdict(Settings)
        """By the id of the service principal."""
        self.log: deque[Event] = deque(maxlen=_REMEMBERED)

    # --- what administrators do ---

    def jobs_of(self, principal_id: str) -> list[Job]:
        """A principal's jobs, the oldest first."""
        return [job for job in self.jobs.values() if job.principal_id == principal_id]

    def create(self, principal: ServicePrincipal, template: str, tenant_id: str, now: float) -> Job:
        """A job that has not been started."""
        number = len(self.jobs_of(principal.id)) + 1
        job_id = f"{template}.{tenant_id.replace('-', '')}.{principal.client_id}"
        job_id = job_id if number == 1 else f"{job_id}.{number}"
        job = Job(job_id, principal.id, template, now, default_schema(job_id, self._behaviour.rule_ids))
        self.jobs[job_id] = job
        return job

    def start(self, job: Job, now: float) -> None:
        """Let a job run, out of quarantine too."""
        if job.state != "Active":
            job.state, job.quarantine, job.failures, job.next = "Active", None, 0, now

    def pause(self, job: Job) -> None:
        """Let a job run no more; a cycle that has begun ends first."""
        job.state, job.next = "Paused", None

    def restart(self, job: Job, scopes: Collection[str], now: float) -> None:
        """Forget what `scopes` name, and let the job run."""
        everything = "Full" in scopes
        if everything or "Watermark" in scopes:
            job.initial = True
        if everything or "ConnectorDataStore" in scopes:
            job.exported.clear()
        if everything or "Escrows" in scopes:
            job.escrows.clear()
        if everything or "QuarantineState" in scopes:
            job.quarantine, job.failures = None, 0
        job.force_deletes = "ForceDeletes" in scopes
        job.state, job.next = "Active", now

    # --- the clock ---

    def arrival(self, job: Job) -> float | None:
        """When the cycle ends that runs, or that is due next; None while none is."""
        if job.running:
            return job.running.ends
        return None if job.next is None or job.state != "Active" else job.next + self._seconds(job)

    def run_due(self, now: float) -> None:
        """Let happen what is due by now."""
        for job in self.jobs.values():
            principal = self._directory.principals[job.principal_id]
            while principal.deleted is None and self._step(job, now):
                pass

    def _step(self, job: Job, now: float) -> bool:
        """End a cycle that has run long enough, or begin one that is due; whether there was any."""
        if job.running:
            if job.running.ends > now:
                return False
            self._end(job, job.running, now)
            return True
        if job.state != "Active" or job.next is None or job.next > now:
            return False
        job.running, job.next = Running(job.next, job.next + self._seconds(job)), None
        return True

    def _seconds(self, job: Job) -> float:
        return self._behaviour.first_cycle_seconds if job.initial else self._behaviour.cycle_seconds

    def _end(self, job: Job, running: Running, now: float) -> None:
        job.running = None
        failure, reason = self._carry_out(job, running)
        if failure:
            job.failures += 1
            self._perhaps_quarantine(job, running, failure, reason)
        else:
            job.quarantine, job.failures, job.initial, job.force_deletes = None, 0, False, False
            job.steady_first, job.steady_last = job.steady_first or running.ends, running.ends
        if job.state == "Active" and job.next is None:
            job.next = self._next(job, running, now)

    def _carry_out(self, job: Job, running: Running) -> tuple[Failure | None, QuarantineReason | None]:
        """One cycle; why it came to nothing, and whether that alone is a reason for quarantine."""
        settings = self.settings[job.principal_id]
        if job.initial:
            job.everybody = settings.everybody(self._behaviour.template_syncs_all)
        scope = in_scope(self._directory, job, running.began)
        execution = Execution(self.new_id(), running.began, running.ends, "Failed", len(scope.users) + len(scope.groups))
        job.last = execution
        reason: QuarantineReason | None = None
        try:
            endpoint = self.door(settings.address, settings.token)
            cycle = Cycle(self._directory, job, settings, endpoint, scope, running.ends, execution.id, self.new_id)
            cycle.run()
        except (Unauthorized, Unreachable) as refused:
            execution.failure = refusal(refused)
        except UnusableSchema as unusable:
            execution.failure = Failure("SchemaError", str(unusable))
        except TooManyDeletes:
            execution.failure, reason = (
                Failure("TooManyDeletes", "More objects would be deleted than the threshold allows."),
                "TooManyDeletes",
            )
        else:
            self.log.extend(cycle.events)
            execution.exported, execution.escrowed = cycle.exported, len(cycle.failed)
            execution.state = "EntryLevelErrors" if cycle.failed else "Succeeded"
            if self._too_many(execution):
                execution.failure = Failure("EscrowThreshold", "Too many entries fail.")
                reason = "EncounteredEscrowProportionThreshold"
            else:
                job.last_good = execution
                job.last_exporting = execution if cycle.exported else job.last_exporting
        return execution.failure, reason

    def _too_many(self, execution: Execution) -> bool:
        least, most = self._behaviour.escrow_minimum, self._behaviour.escrow_proportion * execution.entitled
        return execution.escrowed >= least and execution.escrowed > most

    def _perhaps_quarantine(self, job: Job, running: Running, failure: Failure, reason: QuarantineReason | None) -> None:
        if job.quarantine:
            job.quarantine.attempts += 1
            job.quarantine.imposed, job.quarantine.failure = running.ends, failure
            if running.ends - job.quarantine.began >= FOUR_WEEKS:
                job.state = "Disabled"
        elif reason or job.failures >= self._behaviour.failures_until_quarantine:
            job.quarantine = Quarantine(running.ends, running.ends, reason or "EncounteredQuarantineException", failure)

    def _next(self, job: Job, running: Running, now: float) -> float:
        """When the next cycle begins. Of several that nobody waited for one is enough, as long as they are good."""
        if job.quarantine:
            made = job.quarantine.attempts
            return job.quarantine.began + (_FIRST_ATTEMPTS[made] if made < len(_FIRST_ATTEMPTS) else DAY * (made - 1))
        following = max(running.began + INTERVAL, running.ends)
        missed = 0 if job.failures else max(0.0, (now - following) // INTERVAL)
        return following + missed * INTERVAL


def closed(address: str, _: str) -> ScimEndpoint:
    """A door with nobody behind it."""
    raise Unreachable(address)


def refusal(refused: Unauthorized | Unreachable) -> Failure:
    """What provisioning says of an endpoint that cannot be opened."""
    if isinstance(refused, Unauthorized):
        return Failure(UNAUTHORIZED, "The credentials are not accepted.")
    return Failure(UNREACHABLE, "Please provide a valid tenant URL for your application.")
