"""What provisioning did, event by event (https://learn.microsoft.com/graph/api/resources/provisioningobjectsummary)."""

from dataclasses import dataclass
from typing import Literal, TypeAlias

from simulator.entra.provisioning.job import Failure, Kind
from simulator.entra.stamps import stamp
from simulator.messages import JSON

Action: TypeAlias = Literal["create", "update", "disable", "delete", "other"]
Status: TypeAlias = Literal["success", "failure", "skipped"]


@dataclass(frozen=True, slots=True)
class Event:
    """One object, in one cycle or on demand. `source` and `target` are its ids on either side."""

    id: str
    time: float
    job_id: str
    principal_id: str
    cycle: str
    action: Action
    status: Status
    kind: Kind
    source: str
    name: str
    target: str
    failure: Failure | None = None


def event_entity(event: Event, tenant: str, principal_name: str) -> dict[str, JSON]:
    """The event as Graph shows it."""
    step: dict[str, JSON] = {
        "name": f"EntryExport{event.action.capitalize()}",
        "provisioningStepType": "export",
        "status": event.status,
        "description": f"{event.kind} '{event.source}' {'was' if event.status == 'success' else 'was not'} written",
        "details": None,
    }
    return {
        "id": event.id,
        "activityDateTime": stamp(event.time),
        "tenantId": tenant,
        "jobId": event.job_id,
        "cycleId": event.cycle,
        "changeId": event.id,
        "provisioningAction": event.action,
        "durationInMilliseconds": 100,
        "provisioningStatusInfo": {"status": event.status, "errorInformation": _error(event)},
        "provisioningSteps": [step],
        "modifiedProperties": [],
        "initiatedBy": {"id": "", "displayName": "Microsoft Entra provisioning service", "initiatorType": "system"},
        "servicePrincipal": {"id": event.principal_id, "displayName": principal_name},
        "sourceIdentity": {"id": event.source, "displayName": event.name, "identityType": event.kind, "details": None},
        "targetIdentity": {"id": event.target, "displayName": event.name, "identityType": event.kind, "details": None},
        "sourceSystem": {"id": "AzureActiveDirectory", "displayName": "Microsoft Entra ID", "details": None},
        "targetSystem": {"id": "customappsso", "displayName": "customappsso", "details": None},
    }


def _error(event: Event) -> JSON:
    if event.failure is None:
        return None
    return {
        "errorCode": event.failure.code,
        "reason": event.failure.message,
        "errorCategory": "failure" if event.status == "failure" else "nonServiceFailure",
        "recommendedAction": None,
        "additionalDetails": None,
    }
