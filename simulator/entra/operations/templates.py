"""Enterprise applications made from a template (https://learn.microsoft.com/graph/api/applicationtemplate-instantiate)."""

from simulator.entra import access
from simulator.entra.answers import Answer
from simulator.entra.bodies import text
from simulator.entra.call import Call
from simulator.entra.directory_roles import APPLICATION_DEVELOPERS
from simulator.entra.registration_entities import application_entity, principal_entity
from simulator.entra.registrations import Application, AppRole, ServicePrincipal
from simulator.entra.routes import route
from simulator.entra.service import Service, denied, missing
from simulator.messages import JSON

NON_GALLERY = "8adf8e6e-67b2-4cf2-a259-e3dc5476c621"
"""The template of an application that is in no gallery."""
ROLES = (
    AppRole("18d14569-c3bd-439b-9a66-3a2aee01d14f", "User", None),
    AppRole("b9632174-c057-4f7e-951b-be3adc52bfe6", "msiam_access", None),
)
"""Ids as in https://learn.microsoft.com/graph/application-saml-sso-configure-api."""
TAGS = ["WindowsAzureActiveDirectoryCustomSingleSignOnApplication", "WindowsAzureActiveDirectoryIntegratedApp"]


def instantiate(service: Service, call: Call) -> Answer:
    """An application and its principal: every time two more, whatever others are called."""
    service.admit(call, access.CREATE_PRINCIPALS)
    if call.caller.is_person and not service.directory.users_register_apps and not call.caller.directory_roles & APPLICATION_DEVELOPERS:
        raise denied()
    if call.named["template"].lower() != NON_GALLERY:
        raise missing(call.named["template"])
    name = text(call.object(), "displayName", "ApplicationTemplate")
    service.write(call)
    application, principal = make_enterprise_application(service, name, call.now, call.caller.client_id)
    application.owners, principal.owners = [call.caller.object_id], [call.caller.object_id]
    if service.behaviour.instantiation == "not found but made":
        raise missing(principal.id)
    body: JSON = {
        "@odata.context": f"{call.root}/$metadata#microsoft.graph.applicationServicePrincipal",
        "application": application_entity(application, service.behaviour.thumbprint_shown_as, service.domain),
        "servicePrincipal": principal_entity(principal),
    }
    return Answer(201, body, write_units=2.0)


def make_enterprise_application(service: Service, name: str, now: float, created_by: str | None) -> tuple[Application, ServicePrincipal]:
    """What instantiating leaves in the directory."""
    client_id = service.new_id()
    application = Application(service.new_id(), client_id, name, now, template=NON_GALLERY, created_by=created_by)
    principal = ServicePrincipal(service.new_id(), client_id, name, now, ROLES, [*TAGS], template=NON_GALLERY, created_by=created_by)
    principal.owner_tenant, principal.assignment_required = service.tenant_id, True
    service.directory.applications[application.id] = application
    service.directory.principals[principal.id] = principal
    return application, principal


ROUTES = [route("POST", "/applicationTemplates/{template}/instantiate", instantiate)]
