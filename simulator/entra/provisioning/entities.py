"""Jobs in the words of Microsoft Graph (https://learn.microsoft.com/graph/api/resources/synchronization-synchronizationjob)."""

from simulator.entra.provisioning.job import Execution, Failure, Job
from simulator.entra.stamps import NEVER, stamp
from simulator.messages import JSON
from simulator.scim import ScimGroup, ScimUser


def job_entity(job: Job) -> dict[str, JSON]:
    """The job with its schedule and status."""
    return {
        "id": job.id,
        "templateId": job.template,
        "schedule": {"expiration": None, "interval": "PT40M", "state": job.state},
        "status": _status(job),
        "synchronizationJobSettings": [
            {"name": "AzureIngestionAttributeOptimization", "value": "False"},
            {"name": "LookaheadQueryEnabled", "value": "False"},
        ],
    }


def template_entity(application_id: str) -> dict[str, JSON]:
    """The one template that an application in no gallery has."""
    fields = '[{"name":"baseaddress","displayName":"Tenant URL"},{"name":"secrettoken","displayName":"Secret Token"}]'
    return {
        "id": "scim",
        "applicationId": application_id,
        "default": True,
        "description": "SCIM",
        "discoverable": False,
        "factoryTag": "customappsso",
        "metadata": [{"key": "ConfigurationFields", "value": fields}, {"key": "IsOAuthEnabled", "value": "False"}],
    }


def _status(job: Job) -> dict[str, JSON]:
    users = sum(1 for each in job.exported.values() if isinstance(each.content, ScimUser) and each.active)
    groups = sum(1 for each in job.exported.values() if isinstance(each.content, ScimGroup))
    counts: list[JSON] = [{"key": "User", "value": users}, {"key": "Group", "value": groups}] if job.last else []
    return {
        "code": _code(job),
        "countSuccessiveCompleteFailures": job.failures,
        "escrowsPruned": False,
        "lastExecution": _execution(job.last),
        "lastSuccessfulExecution": _execution(job.last_good),
        "lastSuccessfulExecutionWithExports": _execution(job.last_exporting),
        "progress": _progress(job),
        "quarantine": _quarantine(job),
        "steadyStateFirstAchievedTime": NEVER if job.steady_first is None else stamp(job.steady_first),
        "steadyStateLastAchievedTime": NEVER if job.steady_last is None else stamp(job.steady_last),
        "synchronizedEntryCountByType": counts,
        "troubleshootingUrl": None,
    }


def _code(job: Job) -> str:
    if job.quarantine:
        return "Quarantine"
    if job.state != "Active":
        return "Paused"  # of a job that was never started, too
    return "Active" if job.last else "NotRun"


def _progress(job: Job) -> list[JSON]:
    if job.running is None:
        return []
    return [{"completedUnits": 0, "totalUnits": 1, "units": "Objects", "progressObservationDateTime": stamp(job.running.began)}]


def _quarantine(job: Job) -> JSON:
    if job.quarantine is None:
        return None
    return {
        "currentBegan": stamp(job.quarantine.imposed),
        "nextAttempt": NEVER if job.next is None else stamp(job.next),
        "reason": job.quarantine.reason,
        "seriesBegan": stamp(job.quarantine.began),
        "seriesCount": job.quarantine.attempts + 1,
        "error": _error(job.quarantine.failure),
    }


def _execution(execution: Execution | None) -> JSON:
    if execution is None:
        return None
    return {
        "activityIdentifier": execution.id,
        "countEntitled": execution.entitled,
        "countEntitledForProvisioning": execution.entitled,
        "countEscrowed": execution.escrowed,
        "countEscrowedRaw": execution.escrowed,
        "countExported": execution.exported,
        "countExports": execution.exported,
        "countImported": execution.entitled,
        "countImportedDeltas": execution.exported,
        "countImportedReferenceDeltas": 0,
        "state": execution.state,
        "timeBegan": stamp(execution.began),
        "timeEnded": stamp(execution.ended),
        "error": _error(execution.failure),
    }


def _error(failure: Failure | None) -> JSON:
    return None if failure is None else {"code": failure.code, "message": failure.message, "tenantActionable": True}
