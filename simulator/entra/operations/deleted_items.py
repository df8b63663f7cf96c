"""The bin: applications, service principals and groups of the last 30 days (https://learn.microsoft.com/graph/api/resources/directory)."""

from simulator.entra import access
from simulator.entra.answers import Answer
from simulator.entra.call import Call
from simulator.entra.directory import Group, in_bin
from simulator.entra.entities import group_entity
from simulator.entra.operations.lists import done, entity, listed
from simulator.entra.registration_entities import (
    APPLICATION_FILTERS,
    PRINCIPAL_FILTERS,
    application_entity,
    application_filterable,
    principal_entity,
    principal_filterable,
)
from simulator.entra.registrations import Application, ServicePrincipal
from simulator.entra.routes import NAMESPACES, route
from simulator.entra.service import Service, missing
from simulator.messages import JSON, Refusal

_BIN = "/directory/deletedItems"


def list_applications(service: Service, call: Call) -> Answer:
    """Deleted applications."""
    service.admit(call, access.READ_DELETED)
    deleted = in_bin(service.directory.applications.values(), call.now)
    return listed(service, call, "applications", deleted, lambda each: _shown(service, each), application_filterable, APPLICATION_FILTERS)


def list_principals(service: Service, call: Call) -> Answer:
    """Deleted service principals."""
    service.admit(call, access.READ_DELETED)
    deleted = in_bin(service.directory.principals.values(), call.now)
    return listed(service, call, "servicePrincipals", deleted, principal_entity, principal_filterable, PRINCIPAL_FILTERS)


def restore(service: Service, call: Call) -> Answer:
    """Back to where it was, with its id; an application with its principal or without, as the tenant behaves."""
    found = _found(service, call)
    service.admit(call, access.WRITE_GROUPS if isinstance(found, Group) else access.RESTORE, found.owners)
    service.write(call)
    if isinstance(found, Group) and found.unique_name and service.directory.by_unique_name(found.unique_name):
        raise Refusal(400, "Request_BadRequest", "Another object with the same value for property uniqueName already exists.")
    if isinstance(found, ServicePrincipal) and not service.directory.application_of(found.client_id):
        message = f"The appId '{found.client_id}' of the service principal does not reference a valid application object."
        raise Refusal(400, "Request_BadRequest", message)
    found.deleted = None
    if isinstance(found, Application) and service.behaviour.restore_brings_principal:
        for principal in in_bin([*service.directory.principals.values()], call.now):
            if principal.client_id == found.client_id:
                principal.deleted = None
    kind = {Group: "group", Application: "application", ServicePrincipal: "servicePrincipal"}[type(found)]
    return entity(call, "directoryObjects/$entity", {"@odata.type": f"#microsoft.graph.{kind}", **_shown(service, found)})


def purge(service: Service, call: Call) -> Answer:
    """For good (https://learn.microsoft.com/graph/api/directory-deleteditems-delete)."""
    found = _found(service, call)
    service.admit(call, access.WRITE_GROUPS if isinstance(found, Group) else access.RESTORE, found.owners)
    service.write(call)
    directory = service.directory
    for kind in (directory.applications, directory.principals, directory.groups):
        kind.pop(found.id, None)
    for granted in [each for each in directory.grants.values() if found.id in (each.principal_id, each.resource_id)]:
        del directory.grants[granted.id]
    for job in service.provisioning.jobs_of(found.id):
        del service.provisioning.jobs[job.id]
    service.provisioning.settings.pop(found.id, None)
    return done()


def _found(service: Service, call: Call) -> Application | ServicePrincipal | Group:
    object_id, directory = call.named["object"].lower(), service.directory
    found = directory.applications.get(object_id) or directory.principals.get(object_id) or directory.groups.get(object_id)
    if found is None or not any(True for _ in in_bin([found], call.now)):
        raise missing(object_id)
    return found


def _shown(service: Service, found: Application | ServicePrincipal | Group) -> dict[str, JSON]:
    if isinstance(found, Application):
        return application_entity(found, service.behaviour.thumbprint_shown_as, service.domain)
    return principal_entity(found) if isinstance(found, ServicePrincipal) else group_entity(found)


ROUTES = [
    *(route("GET", f"{_BIN}/{namespace}.application", list_applications) for namespace in NAMESPACES),
    *(route("GET", f"{_BIN}/{namespace}.servicePrincipal", list_principals) for namespace in NAMESPACES),
    route("POST", f"{_BIN}/{{object}}/restore", restore),
    route("DELETE", f"{_BIN}/{{object}}", purge),
]
