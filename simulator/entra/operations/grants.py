"""App roles that principals have been granted: consent to permissions, and assignments of users and groups.

https://learn.microsoft.com/graph/api/resources/approleassignment, written from the resource's side or the principal's.
"""

from simulator.entra import access
from simulator.entra.answers import Answer
from simulator.entra.app import grant
from simulator.entra.bodies import text
from simulator.entra.call import Call
from simulator.entra.microsoft_graph import APP_ID
from simulator.entra.odata import Grammar
from simulator.entra.operations.lists import done, entity, listed
from simulator.entra.registration_entities import GRANT_FILTERS, grant_entity
from simulator.entra.registrations import AppRole, Grant, ServicePrincipal
from simulator.entra.routes import route
from simulator.entra.service import Service, missing
from simulator.messages import Refusal

DEFAULT_ACCESS = "00000000-0000-0000-0000-000000000000"
"""What is assigned of a resource that declares no roles."""
_RESOURCE = "AppRoleAssignment"
_GRAMMAR = Grammar(bare_values=True)
_KINDS = {"#microsoft.graph.user": "User", "#microsoft.graph.group": "User", "#microsoft.graph.servicePrincipal": "Application"}
_TOO_EARLY = "Not a valid reference update."


def list_granted_to(service: Service, call: Call) -> Answer:
    """What an app has been granted."""
    itself = call.named["principal"].lower() == call.caller.object_id and not call.caller.is_person
    if not (itself and service.behaviour.own_registration_readable):
        service.admit(call, access.READ_GRANTS)
    principal = service.principal(call.named["principal"], call)
    lag = service.lag(service.behaviour.admin_lag)
    return _list(service, call, service.directory.granted_to(principal.id, call.now, lag), "servicePrincipals")


def list_granted_by(service: Service, call: Call) -> Answer:
    """Who has been granted what of a resource."""
    service.admit(call, access.READ_GRANTS)
    resource = service.principal(call.named["principal"], call)
    lag = service.lag(service.behaviour.admin_lag)
    return _list(service, call, service.directory.granted_by(resource.id, call.now, lag), "servicePrincipals")


def list_granted_to_group(service: Service, call: Call) -> Answer:
    """What a group has been assigned to."""
    service.admit(call, access.READ_GROUP_GRANTS)
    group = service.group(call.named["group"], call)
    lag = service.lag(service.behaviour.admin_lag)
    return _list(service, call, service.directory.granted_to(group.id, call.now, lag), "groups")


def grant_role(service: Service, call: Call) -> Answer:
    """Let a principal have a role of a resource: the body names all three, the path one of them."""
    body = call.object()
    resource_id, principal_id, role_id = (text(body, name, _RESOURCE).lower() for name in ("resourceId", "principalId", "appRoleId"))
    directory = service.directory
    resource = directory.principals.get(resource_id)
    of_graph = resource is not None and resource.client_id == APP_ID
    service.admit(call, access.GRANT_OF_GRAPH if of_graph else access.GRANT_OF_OTHERS, resource.owners if resource else ())
    if call.named.get("principal", resource_id).lower() not in (resource_id, principal_id):
        raise Refusal(400, "Request_BadRequest", _TOO_EARLY)
    service.write(call)
    kind = directory.type_of(principal_id)
    if resource is None or resource.deleted is not None:
        raise missing(resource_id)
    if kind is None:
        raise missing(principal_id)
    if service.unknown_yet(max(resource.created, _made(service, principal_id)), call):
        raise missing(principal_id) if service.behaviour.young_grant == 404 else Refusal(400, "Request_BadRequest", _TOO_EARLY)
    _check_role(resource, role_id, _KINDS.get(kind, ""))
    if any(each.role_id == role_id and each.resource_id == resource_id for each in directory.granted_to(principal_id, call.now)):
        raise _duplicate(service)
    made = grant(directory, role_id, principal_id, resource_id, call.now)
    return entity(call, "appRoleAssignments/$entity", grant_entity(made, directory), 201)


def withdraw_role(service: Service, call: Call) -> Answer:
    """DELETE of one grant."""
    granted = service.directory.grants.get(call.named["grant"])
    resource = service.directory.principals.get(granted.resource_id) if granted else None
    of_graph = resource is not None and resource.client_id == APP_ID
    service.admit(call, access.WITHDRAW_OF_GRAPH if of_graph else access.WITHDRAW_OF_OTHERS, resource.owners if resource else ())
    owner = call.named.get("principal", call.named.get("group", "")).lower()
    service.write(call)
    if granted is None or not granted.stands(call.now) or owner not in (granted.resource_id, granted.principal_id):
        if service.behaviour.withdrawn_grant == 404:
            raise missing(call.named["grant"])
        raise Refusal(400, "Request_BadRequest", "EntitlementGrant being updated or deleted is not found.")
    granted.withdrawn = call.now
    return done()


def _list(service: Service, call: Call, grants: list[Grant], side: str) -> Answer:
    context = f"{side}('{call.path.split('/')[2]}')/{call.path.rpartition('/')[2]}"
    return listed(
        service, call, context, grants, lambda each: grant_entity(each, service.directory), filters=GRANT_FILTERS, grammar=_GRAMMAR
    )


def _made(service: Service, object_id: str) -> float:
    """When a principal or group was made; users were there always."""
    directory = service.directory
    found = directory.principals.get(object_id) or directory.groups.get(object_id)
    return found.created if found else 0.0


def _check_role(resource: ServicePrincipal, role_id: str, kind: str) -> None:
    """Raises Refusal where the resource has no such role for a principal of this kind."""
    roles: tuple[AppRole, ...] = resource.app_roles or (AppRole(DEFAULT_ACCESS, "", None, ("User", "Application")),)
    if not any(role.id == role_id and kind in role.members for role in roles):
        raise Refusal(400, "Request_BadRequest", f"Permission being assigned was not found on application '{resource.client_id}'.")


def _duplicate(service: Service) -> Refusal:
    match service.behaviour.duplicate_grant:
        case "permission":
            return Refusal(400, "Request_BadRequest", "Permission being assigned already exists on the object")
        case "entitlement":
            status = 400
        case _:
            status = 409
    return Refusal(status, "Request_MultipleObjectsWithSameKeyValue", "EntitlementGrant entry already exists.")


ROUTES = [
    route("GET", "/servicePrincipals/{principal}/appRoleAssignments", list_granted_to),
    route("POST", "/servicePrincipals/{principal}/appRoleAssignments", grant_role),
    route("DELETE", "/servicePrincipals/{principal}/appRoleAssignments/{grant}", withdraw_role),
    route("GET", "/servicePrincipals/{principal}/appRoleAssignedTo", list_granted_by),
    route("POST", "/servicePrincipals/{principal}/appRoleAssignedTo", grant_role),
    route("DELETE", "/servicePrincipals/{principal}/appRoleAssignedTo/{grant}", withdraw_role),
    route("GET", "/groups/{group}/appRoleAssignments", list_granted_to_group),
    route("POST", "/groups/{group}/appRoleAssignments", grant_role),
    route("DELETE", "/groups/{group}/appRoleAssignments/{grant}", withdraw_role),
]
