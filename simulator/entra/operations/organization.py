"""Who is signed in, and where: /me with its directory roles, /organization, and the tenant's policy on credentials."""

from uuid import NAMESPACE_URL, uuid5

from simulator.entra import access
from simulator.entra.answers import Answer
from simulator.entra.call import Call
from simulator.entra.directory import User
from simulator.entra.directory_roles import ROLE_TEMPLATES
from simulator.entra.entities import user_entity
from simulator.entra.operations.lists import entity, listed
from simulator.entra.policies import policy_entity
from simulator.entra.routes import NAMESPACES, route
from simulator.entra.service import Service, missing
from simulator.entra.stamps import stamp
from simulator.messages import JSON, Refusal

P1, P2 = "41781fb2-bc02-4b7c-bd55-b576c07bb09d", "eec0eb4f-6444-4f95-aba0-50c24d67f998"
"""Service plans AAD_PREMIUM and AAD_PREMIUM_P2
(https://learn.microsoft.com/entra/identity/users/licensing-service-plan-reference)."""


def get_me(service: Service, call: Call) -> Answer:
    """The person signed in."""
    user = _myself(service, call)
    return entity(call, "users/$entity", user_entity(user.id, user))


def list_my_roles(service: Service, call: Call) -> Answer:
    """The directory roles that are active now; ones that came by a group or a narrower scope show as well, custom ones do not."""
    user = _myself(service, call)
    return listed(service, call, "directoryObjects", sorted(user.roles), lambda name: _role(service, name))


def list_organization(service: Service, call: Call) -> Answer:
    """The tenant, which is a list of one."""
    service.admit(call, access.READ_ORGANIZATION)
    return listed(service, call, "organization", [service.tenant_id], lambda tenant: _organization(service, tenant))


def get_credential_policy(service: Service, call: Call) -> Answer:
    """The policy (https://learn.microsoft.com/graph/api/tenantappmanagementpolicy-get)."""
    service.admit(call, access.READ_POLICY)
    return entity(call, "policies/defaultAppManagementPolicy/$entity", policy_entity(service.directory.credential_policy))


def _myself(service: Service, call: Call) -> User:
    if not call.caller.is_person:
        raise Refusal(400, "BadRequest", "/me request is only valid with delegated authentication flow.")
    service.admit(call, access.READ_MYSELF)
    user = service.directory.users.get(call.caller.object_id)
    if user is None or user.deleted:
        raise missing(call.caller.object_id)
    return user


def _role(service: Service, name: str) -> dict[str, JSON]:
    return {
        "@odata.type": "#microsoft.graph.directoryRole",
        "id": str(uuid5(NAMESPACE_URL, f"{service.tenant_id}/{name}")),
        "displayName": name,
        "description": None,
        "roleTemplateId": ROLE_TEMPLATES[name],
    }


def _organization(service: Service, tenant: str) -> dict[str, JSON]:
    plans: list[JSON] = [
        {"assignedDateTime": stamp(0.0), "servicePlanId": plan, "capabilityStatus": "Enabled", "service": "AADPremiumService"}
        for plan in ((P1, P2) if service.directory.premium else ())
    ]
    domain: JSON = {"name": service.domain, "isDefault": True, "isInitial": True, "type": "Managed", "capabilities": "Email"}
    return {"id": tenant, "displayName": "Contoso", "assignedPlans": plans, "verifiedDomains": [domain]}


ROUTES = [
    route("GET", "/me", get_me),
    *(route("GET", f"/me/transitiveMemberOf/{namespace}.directoryRole", list_my_roles) for namespace in NAMESPACES),
    route("GET", "/organization", list_organization),
    route("GET", "/policies/defaultAppManagementPolicy", get_credential_policy),
]
