"""Provisioning at once (https://learn.microsoft.com/graph/api/synchronization-synchronizationjob-provisionondemand)."""

import json

from simulator.entra.answers import Answer
from simulator.entra.bodies import objects, text
from simulator.entra.call import Call
from simulator.entra.operations.lists import entity
from simulator.entra.operations.synchronization import JOB, found
from simulator.entra.provisioning.job import Kind
from simulator.entra.provisioning.on_demand import MOST_MEMBERS, Subject, Verdict, provision
from simulator.entra.provisioning.schema import rule_id
from simulator.entra.quotas import ON_DEMAND, throttled
from simulator.entra.routes import route
from simulator.entra.service import Service
from simulator.entra.stamps import stamp
from simulator.messages import JSON, Refusal

_RESOURCE = "SynchronizationJobApplicationParameters"


def provision_on_demand(service: Service, call: Call) -> Answer:
    """One user, or one group with up to five members; the verdict is JSON within JSON, and the status 200 whatever it says."""
    job = found(service, call)
    if wait := service.on_demand.take(1.0, call.now, ON_DEMAND):
        raise throttled(service.behaviour.retry_after, call.now, wait, "RequestLimitExceeded")
    parameters = objects(call.object(), "parameters", _RESOURCE)
    if len(parameters) != 1 or parameters[0].get("ruleId") != rule_id(job.schema):
        raise Refusal(400, "BadRequest", "The rule does not exist.")
    subject = _subject(parameters[0])
    lag, removes = service.behaviour.assignment_lag, service.behaviour.on_demand_removes
    verdict = provision(service.provisioning, service.directory, job, subject, call.now, lag=lag, removes=removes)
    trace = _trace(subject, verdict, call.now) if service.behaviour.on_demand_trace and subject.kind == "User" else {}
    shown: dict[str, JSON] = {"key": _key(service, verdict), "value": json.dumps(trace)}
    return entity(call, "microsoft.graph.stringKeyStringValuePair", shown)


def _subject(parameters: dict[str, JSON]) -> Subject:
    """What to provision; raises Refusal beyond the limits."""
    subjects = objects(parameters, "subjects", _RESOURCE)
    if len(subjects) != 1:
        raise Refusal(400, "BadRequest", "One subject is provisioned at a time.")
    links = subjects[0].get("links")
    members = objects(links, "members", _RESOURCE) if isinstance(links, dict) and "members" in links else []
    if len(members) > MOST_MEMBERS or any(_kind(each) != "User" for each in members):
        raise Refusal(400, "BadRequest", f"At most {MOST_MEMBERS} members, all of them users, are provisioned at a time.")
    ids = tuple(text(each, "objectId", _RESOURCE).lower() for each in members)
    return Subject(_kind(subjects[0]), text(subjects[0], "objectId", _RESOURCE).lower(), ids)


def _kind(subject: dict[str, JSON]) -> Kind:
    match subject.get("objectTypeName"):
        case "User":
            return "User"
        case "Group":
            return "Group"
        case _:
            raise Refusal(400, "BadRequest", "The object type is not known.")


def _key(service: Service, verdict: Verdict) -> str:
    if verdict.failure is None:
        details: JSON = ""
    elif service.behaviour.on_demand_details == "text":
        details = f"{verdict.failure.code}: {verdict.failure.message}"
    else:
        details = {"errorCode": verdict.failure.code, "errorMessage": verdict.failure.message}
    return json.dumps({"result": verdict.result, "details": details})


def _trace(subject: Subject, verdict: Verdict, now: float) -> dict[str, JSON]:
    step: JSON = {"name": "EntryExportUpdate", "type": "Export", "status": verdict.result, "description": "", "timestamp": stamp(now)}
    return {
        "action": "Update",
        "startTime": stamp(now),
        "endTime": stamp(now),
        "sourceIdentity": {"id": subject.id, "identityType": subject.kind},
        "statusInfo": {"status": verdict.result, "errorCode": verdict.failure.code if verdict.failure else None},
        "provisioningSteps": [step],
        "modifiedProperties": [],
    }


ROUTES = [route("POST", f"{JOB}/provisionOnDemand", provision_on_demand)]
