"""Provisioning jobs (https://learn.microsoft.com/graph/api/resources/synchronization-overview), and who may deal with them."""

from collections.abc import Mapping

from simulator.entra import access
from simulator.entra.access import Access
from simulator.entra.answers import Answer
from simulator.entra.bodies import text
from simulator.entra.call import Call
from simulator.entra.operations.lists import done, entity, listed
from simulator.entra.provisioning.entities import job_entity, template_entity
from simulator.entra.provisioning.job import Job
from simulator.entra.registrations import ServicePrincipal
from simulator.entra.routes import route
from simulator.entra.service import Service, denied, missing
from simulator.messages import JSON, Refusal

SYNCHRONIZATION = "/servicePrincipals/{principal}/synchronization"
JOB = f"{SYNCHRONIZATION}/jobs/{{job}}"
_SCOPES = {"None", "ConnectorDataStore", "Escrows", "Watermark", "QuarantineState", "Full", "ForceDeletes"}


def admitted(service: Service, call: Call, wanted: Access = access.WRITE_PROVISIONING) -> ServicePrincipal:
    """The principal whose provisioning it is. Raises Refusal.

    Of people a lesser role is answered 401 without a word; what an administrator's role is worth without a scope is undecided
    (https://github.com/microsoft/zerotrustassessment/issues/1382).
    """
    principal = service.directory.principals.get(call.named["principal"].lower())
    owners = principal.owners if principal else []
    if call.caller.is_person:
        if not wanted._replace(scopes=()).admits(call.caller, owners):
            raise Refusal(401, "UnknownError", "")
        without = service.behaviour.synchronization_without_scope
        if without != "accepted" and not wanted.admits(call.caller, owners):
            raise Refusal(401, "UnknownError", "") if without == 401 else denied()
    else:
        service.admit(call, wanted, owners)
    if principal is None or principal.deleted is not None:
        raise missing(call.named["principal"])
    if service.unknown_yet(principal.created, call):
        raise _young(service, principal)
    service.use(call, 1.0)
    return principal


def found(service: Service, call: Call, wanted: Access = access.WRITE_PROVISIONING) -> Job:
    """The job. Raises Refusal."""
    principal = admitted(service, call, wanted)
    job = service.provisioning.jobs.get(call.named["job"])
    if job is None or job.principal_id != principal.id or service.unknown_yet(job.created, call):
        raise missing(call.named["job"])
    return job


def list_templates(service: Service, call: Call) -> Answer:
    """What a job can be made from."""
    principal = admitted(service, call, access.READ_PROVISIONING)
    templates = [principal] if principal.template else []
    return listed(service, call, "templates", templates, lambda each: template_entity(each.client_id))


def list_jobs(service: Service, call: Call) -> Answer:
    """The principal's jobs."""
    principal = admitted(service, call, access.READ_PROVISIONING)
    jobs = service.provisioning.jobs_of(principal.id)
    if not jobs and service.behaviour.no_jobs == 404:
        raise missing(principal.id)
    return listed(service, call, "jobs", jobs, job_entity)


def get_job(service: Service, call: Call) -> Answer:
    """By id."""
    return entity(call, "jobs/$entity", job_entity(found(service, call, access.READ_PROVISIONING)))


def create_job(service: Service, call: Call) -> Answer:
    """POST: every time one more, as far as anybody knows."""
    principal = admitted(service, call)
    template = text(call.object(), "templateId", "SynchronizationJob")
    if template != "scim" or not principal.template:
        raise Refusal(400, "BadRequest", f"The template '{template}' does not exist.")
    if service.provisioning.jobs_of(principal.id) and service.behaviour.second_job == 409:
        raise Refusal(409, "Conflict", "A job of this template exists already.")
    service.write(call)
    job = service.provisioning.create(principal, template, service.tenant_id, call.now)
    return entity(call, "jobs/$entity", job_entity(job), 201)


def delete_job(service: Service, call: Call) -> Answer:
    """Stop a job and forget it; what it provisioned stays as it is."""
    job = found(service, call)
    service.write(call)
    del service.provisioning.jobs[job.id]
    return done()


def start_job(service: Service, call: Call) -> Answer:
    """Let it run; of one that runs already Microsoft asks not to."""
    job = found(service, call)
    if job.state == "Active" and not job.quarantine:
        service.violate("start of a provisioning job that runs already")
    service.write(call)
    if job.quarantine:
        service.provisioning.pause(job)
    service.provisioning.start(job, call.now)
    return done()


def pause_job(service: Service, call: Call) -> Answer:
    """Let it run no more."""
    job = found(service, call)
    service.write(call)
    service.provisioning.pause(job)
    return done()


def restart_job(service: Service, call: Call) -> Answer:
    """Let it run anew, having forgotten what `resetScope` names."""
    job = found(service, call)
    criteria = call.object().get("criteria")
    scopes = {each.strip() for each in text(criteria if isinstance(criteria, dict) else {}, "resetScope", "RestartCriteria").split(",")}
    if not scopes <= _SCOPES:
        raise Refusal(400, "BadRequest", "The reset scope is not known.")
    if "ForceDeletes" in scopes:
        service.violate("restart of a provisioning job with ForceDeletes: it deprovisions however many there are")
    service.write(call)
    service.provisioning.restart(job, scopes, call.now)
    return done()


def _young(service: Service, principal: ServicePrincipal) -> Refusal:
    match service.behaviour.young_synchronization:
        case 403:
            return denied()
        case 409:
            return Refusal(409, "Conflict", "")
        case _:
            return missing(principal.id)


def pairs(body: Mapping[str, JSON], name: str) -> dict[str, str]:
    """A list of keys and values, as the body has it. Raises Refusal."""
    entries = body.get(name)
    if not isinstance(entries, list):
        raise Refusal(400, "BadRequest", f"'{name}' is not a list.")
    return {str(each.get("key")): str(each.get("value") or "") for each in entries if isinstance(each, dict)}


ROUTES = [
    route("GET", f"{SYNCHRONIZATION}/templates", list_templates),
    route("GET", f"{SYNCHRONIZATION}/jobs", list_jobs),
    route("POST", f"{SYNCHRONIZATION}/jobs", create_job),
    route("GET", JOB, get_job),
    route("DELETE", JOB, delete_job),
    route("POST", f"{JOB}/start", start_job),
    route("POST", f"{JOB}/pause", pause_job),
    route("POST", f"{JOB}/restart", restart_job),
]
