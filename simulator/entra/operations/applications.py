"""App registrations (https://learn.microsoft.com/graph/api/resources/application), by id, `appId` or `uniqueName`."""

from simulator.entra import access
from simulator.entra.answers import Answer
from simulator.entra.bodies import flag, invalid, objects, optional_text, text, texts
from simulator.entra.call import Call
from simulator.entra.directory_roles import APPLICATION_DEVELOPERS
from simulator.entra.operations.key_credentials import replace_certificates
from simulator.entra.operations.lists import done, entity, listed
from simulator.entra.references import referenced
from simulator.entra.registration_entities import APPLICATION_FILTERS, APPLICATION_PROPERTIES, application_entity, application_filterable
from simulator.entra.registrations import Application
from simulator.entra.routes import route
from simulator.entra.service import Service, denied, missing
from simulator.messages import JSON, Refusal

NAME_TAKEN = "Another object with the same value for property uniqueName already exists."
_RESOURCE = "Application"
_AUDIENCES = {"AzureADMyOrg", "AzureADMultipleOrgs", "AzureADandPersonalMicrosoftAccount", "PersonalMicrosoftAccount"}
_BY_CLIENT = "/applications(appId='{client}')"
_BY_NAME = "/applications(uniqueName='{name}')"
_READ_ONLY = APPLICATION_PROPERTIES - {
    "displayName",
    "signInAudience",
    "notes",
    "description",
    "serviceManagementReference",
    "tags",
    "requiredResourceAccess",
    "isDisabled",
    "uniqueName",
    "keyCredentials",
}


def list_applications(service: Service, call: Call) -> Answer:
    """Those that this replica knows."""
    service.admit(call, access.READ_APPLICATIONS)
    lag = service.lag(service.behaviour.admin_lag)
    known = (each for each in service.directory.applications.values() if each.deleted is None and each.created <= call.now - lag)
    return listed(service, call, "applications", known, lambda each: _entity(service, each), application_filterable, APPLICATION_FILTERS)


def get_application(service: Service, call: Call) -> Answer:
    """By id."""
    return _read(service, call, service.directory.applications.get(call.named["application"].lower()), call.named["application"])


def get_by_client(service: Service, call: Call) -> Answer:
    """By `appId`."""
    return _read(service, call, service.directory.application_of(call.named["client"]), call.named["client"])


def get_by_name(service: Service, call: Call) -> Answer:
    """By `uniqueName`."""
    name = call.named["name"].replace("''", "'")
    return _read(service, call, service.directory.application_named(name), name)


def create_application(service: Service, call: Call) -> Answer:
    """POST (https://learn.microsoft.com/graph/api/application-post-applications)."""
    name = optional_text(call.object(), "uniqueName", _RESOURCE)
    return _create(service, call, name)


def upsert_application(service: Service, call: Call) -> Answer:
    """PATCH by key: make the application if there is none (https://learn.microsoft.com/graph/api/application-upsert)."""
    name = call.named["name"].replace("''", "'")
    application = service.directory.application_named(name)
    if application is None:
        create = "create-if-missing" in call.headers.get("prefer", "")
        if create and not service.behaviour.upsert_by_key:
            raise Refusal(400, "BadRequest", "Resource not found for the segment 'applications'.")
        if not create:
            raise missing(name)
        return _create(service, call, name)
    text(call.object(), "displayName", _RESOURCE)
    return _update(service, call, application)


def update_application(service: Service, call: Call) -> Answer:
    """PATCH by id (https://learn.microsoft.com/graph/api/application-update)."""
    return _update(service, call, service.application(call.named["application"], call))


def delete_application(service: Service, call: Call) -> Answer:
    """Into the bin, for 30 days, with its principal (https://learn.microsoft.com/graph/api/application-delete)."""
    application = service.application(call.named["application"], call)
    service.admit(call, access.WRITE_APPLICATIONS, application.owners)
    service.write(call)
    service.directory.delete_application(application, call.now)
    return done()


def list_owners(service: Service, call: Call) -> Answer:
    """The owners, as directory objects."""
    service.admit(call, access.READ_APPLICATIONS)
    application = service.application(call.named["application"], call)
    directory = service.directory
    known = [(each, kind) for each in application.owners if (kind := directory.type_of(each))]
    return listed(
        service,
        call,
        "directoryObjects",
        known,
        lambda each: {"@odata.type": each[1], "id": each[0], "displayName": directory.name_of(each[0])},
    )


def _entity(service: Service, application: Application, *, with_keys: bool = False) -> dict[str, JSON]:
    return application_entity(application, service.behaviour.thumbprint_shown_as, service.domain, with_keys=with_keys)


def _read(service: Service, call: Call, application: Application | None, key: str) -> Answer:
    """The application, also to itself without any permission, where the tenant lets it."""
    itself = application is not None and not call.caller.is_person and application.client_id == call.caller.client_id
    if not (itself and service.behaviour.own_registration_readable):
        service.admit(call, access.READ_APPLICATIONS)
    if application is None or application.deleted is not None or service.unknown_yet(application.created, call):
        raise missing(key)
    service.use(call, 1.0)
    with_keys = "keyCredentials" in call.query.get("$select", "").split(",")
    return entity(call, "applications/$entity", _entity(service, application, with_keys=with_keys))


def _create(service: Service, call: Call, unique_name: str | None) -> Answer:
    service.admit(call, access.CREATE_APPLICATIONS)
    developer = bool(call.caller.directory_roles & APPLICATION_DEVELOPERS)
    if call.caller.is_person and not service.directory.users_register_apps and not developer:
        raise denied()
    body = dict(call.object())
    body.pop("uniqueName", None)
    owners = [referenced(each, call.root) for each in texts(body, "owners@odata.bind", _RESOURCE)] if "owners@odata.bind" in body else []
    service.write(call)
    if unique_name is not None and service.directory.name_is_taken(unique_name, call.now):
        raise Refusal(400, "Request_BadRequest", NAME_TAKEN)
    application = Application(service.new_id(), service.new_id(), text(body, "displayName", _RESOURCE), call.now, unique_name)
    application.created_by = call.caller.client_id
    application.owners = list(dict.fromkeys([*owners, call.caller.object_id]))
    if "keyCredentials" in body and unique_name is not None and call.method == "PATCH":
        raise invalid("keyCredentials", _RESOURCE)
    _write(service, call, application, body)
    service.directory.applications[application.id] = application
    return entity(call, "applications/$entity", _entity(service, application), 201)


def _update(service: Service, call: Call, application: Application) -> Answer:
    service.admit(call, access.WRITE_APPLICATIONS, application.owners)
    service.write(call)
    _write(service, call, application, call.object())
    return done()


def _write(service: Service, call: Call, application: Application, body: dict[str, JSON]) -> None:
    """Take over what the body holds, all or nothing; lists are replaced."""
    for name in body:
        if not name.startswith("@odata") and name != "owners@odata.bind" and (name in _READ_ONLY or name not in APPLICATION_PROPERTIES):
            raise Refusal(400, "Request_BadRequest", f"Property '{name}' is read-only or does not exist and cannot be set.")
    if "isDisabled" in body and not service.behaviour.is_disabled_writable:
        raise Refusal(400, "Request_BadRequest", "Property 'isDisabled' is read-only or does not exist and cannot be set.")
    name = text(body, "displayName", _RESOURCE) if "displayName" in body else application.name
    audience = text(body, "signInAudience", _RESOURCE) if "signInAudience" in body else application.audience
    if audience not in _AUDIENCES:
        raise invalid("signInAudience", _RESOURCE)
    unique_name = _unique_name(service, call, application, body)
    tags = texts(body, "tags", _RESOURCE) if "tags" in body else application.tags
    required = _required(body) if "requiredResourceAccess" in body else application.required
    disabled = (
        flag(body, "isDisabled", _RESOURCE) if body.get("isDisabled") is not None else application.disabled and "isDisabled" not in body
    )
    kept = {each: optional_text(body, each, _RESOURCE) for each in ("notes", "description", "serviceManagementReference") if each in body}
    if "keyCredentials" in body:
        replace_certificates(service, call, application, objects(body, "keyCredentials", _RESOURCE))
    application.name, application.audience, application.unique_name = name, audience, unique_name
    application.tags, application.required, application.disabled = tags, required, disabled
    application.notes = kept.get("notes", application.notes)
    application.description = kept.get("description", application.description)
    application.management_reference = kept.get("serviceManagementReference", application.management_reference)


def _unique_name(service: Service, call: Call, application: Application, body: dict[str, JSON]) -> str | None:
    """The key: it can be given once to an application that has none."""
    wanted = optional_text(body, "uniqueName", _RESOURCE)
    if wanted is None or wanted == application.unique_name:
        return application.unique_name
    if application.unique_name is not None or (application.template and not service.behaviour.template_takes_unique_name):
        raise Refusal(400, "Request_BadRequest", "Property 'uniqueName' is immutable.")
    if service.directory.name_is_taken(wanted, call.now):
        raise Refusal(400, "Request_BadRequest", NAME_TAKEN)
    return wanted


def _required(body: dict[str, JSON]) -> list[JSON]:
    for each in objects(body, "requiredResourceAccess", _RESOURCE):
        text(each, "resourceAppId", _RESOURCE)
        for one in objects(each, "resourceAccess", _RESOURCE):
            text(one, "id", _RESOURCE)
            if one.get("type") not in ("Role", "Scope"):
                raise invalid("requiredResourceAccess", _RESOURCE)
    return [*objects(body, "requiredResourceAccess", _RESOURCE)]


ROUTES = [
    route("GET", "/applications", list_applications),
    route("POST", "/applications", create_application),
    route("GET", _BY_CLIENT, get_by_client),
    route("GET", _BY_NAME, get_by_name),
    route("PATCH", _BY_NAME, upsert_application),
    route("GET", "/applications/{application}", get_application),
    route("PATCH", "/applications/{application}", update_application),
    route("DELETE", "/applications/{application}", delete_application),
    route("GET", "/applications/{application}/owners", list_owners),
]
