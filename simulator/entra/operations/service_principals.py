"""Service principals (https://learn.microsoft.com/graph/api/resources/serviceprincipal), by id or `appId`."""

from simulator.entra import access
from simulator.entra.answers import Answer
from simulator.entra.bodies import flag, optional_text, text, texts
from simulator.entra.call import Call
from simulator.entra.directory import in_bin
from simulator.entra.operations.lists import done, entity, listed
from simulator.entra.registration_entities import PRINCIPAL_FILTERS, PRINCIPAL_PROPERTIES, principal_entity, principal_filterable
from simulator.entra.registrations import ServicePrincipal
from simulator.entra.routes import route
from simulator.entra.service import Service, missing
from simulator.messages import JSON, Refusal

_RESOURCE = "ServicePrincipal"
_BY_CLIENT = "/servicePrincipals(appId='{client}')"
_WRITABLE = {"accountEnabled", "appRoleAssignmentRequired", "tags", "notes", "appId", "displayName"}


def list_principals(service: Service, call: Call) -> Answer:
    """Those that this replica knows."""
    service.admit(call, access.READ_APPLICATIONS)
    lag = service.lag(service.behaviour.admin_lag)
    known = (each for each in service.directory.principals.values() if each.deleted is None and each.created <= call.now - lag)
    return listed(service, call, "servicePrincipals", known, principal_entity, principal_filterable, PRINCIPAL_FILTERS)


def get_principal(service: Service, call: Call) -> Answer:
    """By id."""
    return _read(service, call, service.directory.principals.get(call.named["principal"].lower()), call.named["principal"])


def get_by_client(service: Service, call: Call) -> Answer:
    """By `appId`."""
    return _read(service, call, service.directory.principal_of(call.named["client"]), call.named["client"])


def create_principal(service: Service, call: Call) -> Answer:
    """POST (https://learn.microsoft.com/graph/api/serviceprincipal-post-serviceprincipals)."""
    return _create(service, call, text(call.object(), "appId", _RESOURCE).lower())


def upsert_principal(service: Service, call: Call) -> Answer:
    """PATCH by key: make the principal if there is none (https://learn.microsoft.com/graph/api/serviceprincipal-upsert)."""
    client = call.named["client"].lower()
    principal = service.directory.principal_of(client)
    if principal is None:
        create = "create-if-missing" in call.headers.get("prefer", "")
        if create and not service.behaviour.upsert_by_key:
            raise Refusal(400, "BadRequest", "Resource not found for the segment 'servicePrincipals'.")
        if not create:
            raise missing(client)
        return _create(service, call, client)
    return _update(service, call, principal)


def update_principal(service: Service, call: Call) -> Answer:
    """PATCH by id (https://learn.microsoft.com/graph/api/serviceprincipal-update)."""
    return _update(service, call, service.principal(call.named["principal"], call))


def delete_principal(service: Service, call: Call) -> Answer:
    """Into the bin, for 30 days, with what it was granted (https://learn.microsoft.com/graph/api/serviceprincipal-delete)."""
    principal = service.principal(call.named["principal"], call)
    service.admit(call, access.WRITE_PRINCIPALS, principal.owners)
    service.write(call)
    principal.deleted = call.now
    return done()


def _read(service: Service, call: Call, principal: ServicePrincipal | None, key: str) -> Answer:
    """The principal, also to itself without any permission, where the tenant lets it."""
    itself = principal is not None and principal.id == call.caller.object_id
    if not (itself and service.behaviour.own_registration_readable):
        service.admit(call, access.READ_APPLICATIONS)
    if principal is None or principal.deleted is not None or service.unknown_yet(principal.created, call):
        raise missing(key)
    service.use(call, 1.0)
    return entity(call, "servicePrincipals/$entity", principal_entity(principal))


def _create(service: Service, call: Call, client: str) -> Answer:
    service.admit(call, access.CREATE_PRINCIPALS)
    directory = service.directory
    application = directory.application_of(client)
    service.write(call)
    if application is None or service.unknown_yet(application.created, call):
        raise _without_application(service, client, missing_for_good=application is None)
    held = [*directory.principals.values()]
    if directory.principal_of(client) or any(each.client_id == client for each in in_bin(held, call.now)):
        message = (
            f"The service principal cannot be created, updated, or restored because the service principal name {client} is already in use."
        )
        raise Refusal(409, "Request_MultipleObjectsWithSameKeyValue", message)
    principal = ServicePrincipal(service.new_id(), client, application.name, call.now, owner_tenant=service.tenant_id)
    principal.created_by = call.caller.client_id
    principal.owners = [call.caller.object_id]
    _write(principal, call.object())
    directory.principals[principal.id] = principal
    return entity(call, "servicePrincipals/$entity", principal_entity(principal), 201)


def _update(service: Service, call: Call, principal: ServicePrincipal) -> Answer:
    service.admit(call, access.WRITE_PRINCIPALS, principal.owners)
    service.write(call)
    _write(principal, call.object())
    return done()


def _without_application(service: Service, client: str, *, missing_for_good: bool) -> Refusal:
    """How a principal is refused whose application there is not, or not yet (terraform-provider-azuread waits for all of these)."""
    status = 400 if missing_for_good else service.behaviour.young_application
    if status == 404:
        return missing(client)
    if status == 403:
        message = "When using this permission, the backing application of the service principal being created must in the local tenant"
        return Refusal(403, "Authorization_RequestDenied", message)
    return Refusal(
        400, "Request_BadRequest", f"The appId '{client}' of the service principal does not reference a valid application object."
    )


def _write(principal: ServicePrincipal, body: dict[str, JSON]) -> None:
    """Take over what the body holds, all or nothing."""
    for name in body:
        if not name.startswith("@odata") and (name not in _WRITABLE or name not in PRINCIPAL_PROPERTIES):
            raise Refusal(400, "Request_BadRequest", f"Property '{name}' is read-only or does not exist and cannot be set.")
    enabled = flag(body, "accountEnabled", _RESOURCE) if "accountEnabled" in body else principal.enabled
    required = flag(body, "appRoleAssignmentRequired", _RESOURCE) if "appRoleAssignmentRequired" in body else principal.assignment_required
    tags = texts(body, "tags", _RESOURCE) if "tags" in body else principal.tags
    notes = optional_text(body, "notes", _RESOURCE) if "notes" in body else principal.notes
    name = text(body, "displayName", _RESOURCE) if "displayName" in body else principal.name
    principal.enabled, principal.assignment_required, principal.tags, principal.notes, principal.name = enabled, required, tags, notes, name


ROUTES = [
    route("GET", "/servicePrincipals", list_principals),
    route("POST", "/servicePrincipals", create_principal),
    route("GET", _BY_CLIENT, get_by_client),
    route("PATCH", _BY_CLIENT, upsert_principal),
    route("GET", "/servicePrincipals/{principal}", get_principal),
    route("PATCH", "/servicePrincipals/{principal}", update_principal),
    route("DELETE", "/servicePrincipals/{principal}", delete_principal),
]
