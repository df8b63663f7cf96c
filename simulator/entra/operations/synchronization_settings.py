"""Address and token of a provisioned application, whether they serve, and the schema of its job.

https://learn.microsoft.com/graph/api/synchronization-serviceprincipal-put-synchronization,
synchronization-synchronizationjob-validatecredentials, synchronization-synchronizationschema-update.
"""

from simulator.entra import access
from simulator.entra.answers import Answer
from simulator.entra.call import Call
from simulator.entra.operations.lists import done, entity
from simulator.entra.operations.synchronization import JOB, SYNCHRONIZATION, admitted, found, pairs
from simulator.entra.provisioning.scheduler import refusal
from simulator.entra.provisioning.schema import default_schema, replaced
from simulator.entra.provisioning.settings import HIDDEN, KEYS, STAR, Settings, shown
from simulator.entra.routes import route
from simulator.entra.service import Service
from simulator.messages import Refusal
from simulator.scim import Unauthorized, Unreachable

_DOUBT = "SystemForCrossDomainIdentityManagementCredentialValidationFailure"


def get_secrets(service: Service, call: Call) -> Answer:
    """The keys that are set; of secrets no more."""
    principal = admitted(service, call)
    value = shown(service.provisioning.settings[principal.id])
    return Answer(200, {"@odata.context": f"{call.root}/$metadata#secrets", "value": value})


def put_secrets(service: Service, call: Call) -> Answer:
    """These and no others. A star stands for what it hid, or for itself."""
    principal = admitted(service, call)
    given, held = _known(pairs(call.object(), "value")), service.provisioning.settings[principal.id]
    service.write(call)
    kept = service.behaviour.starred_secret == "kept"
    values = {key: held.get(key, value) if value == STAR and key in HIDDEN and kept else value for key, value in given.items()}
    service.provisioning.settings[principal.id] = Settings(values)
    return done()


def validate(service: Service, call: Call) -> Answer:
    """Whether the endpoint answers to these credentials, or to those that are kept."""
    job, body = found(service, call), call.object()
    saved = body.get("useSavedCredentials") is True
    settings = service.provisioning.settings[job.principal_id] if saved else Settings(_known(pairs(body, "credentials")))
    try:
        service.provisioning.door(settings.address, settings.token)
    except (Unauthorized, Unreachable) as refused:
        failure = refusal(refused)
        raise Refusal(service.behaviour.validation_refusal, failure.code, failure.message) from None
    if service.behaviour.validation_doubts:
        raise Refusal(service.behaviour.validation_refusal, _DOUBT, "The credentials could not be validated.")
    return done()


def get_schema(service: Service, call: Call) -> Answer:
    """The whole schema."""
    return entity(call, "schema/$entity", found(service, call, access.READ_PROVISIONING).schema)


def put_schema(service: Service, call: Call) -> Answer:
    """Another schema in its place."""
    job, body = found(service, call), call.object()
    if not isinstance(body.get("synchronizationRules"), list) or not body["synchronizationRules"]:
        raise Refusal(400, "BadRequest", "A schema needs its synchronization rules.")
    service.write(call)
    job.schema = replaced(job.schema, {name: value for name, value in body.items() if not name.startswith("@odata")})
    return done()


def reset_schema(service: Service, call: Call) -> Answer:
    """The default schema again."""
    job = found(service, call)
    service.write(call)
    job.schema = default_schema(job.id, service.behaviour.rule_ids)
    return done()


def _known(given: dict[str, str]) -> dict[str, str]:
    """The pairs, if every key is one; raises Refusal for a wrong one, in wrong case too."""
    for key in given:
        if key not in KEYS:
            raise Refusal(500, "InternalError", f"Requested value '{key}' was not found.")
    return given


ROUTES = [
    route("GET", f"{SYNCHRONIZATION}/secrets", get_secrets),
    route("PUT", f"{SYNCHRONIZATION}/secrets", put_secrets),
    route("POST", f"{JOB}/validateCredentials", validate),
    route("GET", f"{JOB}/schema", get_schema),
    route("PUT", f"{JOB}/schema", put_schema),
    route("DELETE", f"{JOB}/schema", reset_schema),
]
