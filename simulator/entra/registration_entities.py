"""Applications, service principals and grants in the words of Microsoft Graph."""

import base64

from simulator.entra.directory import Directory
from simulator.entra.registrations import Application, AppRole, Certificate, Grant, Secret, ServicePrincipal
from simulator.entra.stamps import stamp
from simulator.messages import JSON


def application_entity(application: Application, shown_as: str, domain: str, *, with_keys: bool = False) -> dict[str, JSON]:
    """The application (https://learn.microsoft.com/graph/api/resources/application).

    A certificate comes with its bytes only where `keyCredentials` is selected; `shown_as` is the form of its thumbprint.
    """
    return {
        "id": application.id,
        "deletedDateTime": None if application.deleted is None else stamp(application.deleted),
        "addIns": [],
        "appId": application.client_id,
        "applicationTemplateId": application.template,
        "appRoles": [],
        "createdByAppId": application.created_by,
        "createdDateTime": stamp(application.created),
        "description": application.description,
        "disabledByMicrosoftStatus": None,
        "displayName": application.name,
        "identifierUris": [],
        "isDisabled": application.disabled or None,
        "isFallbackPublicClient": None,
        "keyCredentials": [key_entity(each, shown_as, with_key=with_keys) for each in application.certificates],
        "notes": application.notes,
        "passwordCredentials": [password_entity(each) for each in application.secrets],
        "publisherDomain": domain,
        "requiredResourceAccess": list(application.required),
        "serviceManagementReference": application.management_reference,
        "signInAudience": application.audience,
        "tags": list(application.tags),
        "uniqueName": application.unique_name,
    }


def application_filterable(application: Application) -> dict[str, JSON]:
    """The properties that applications are filtered by."""
    return {
        "id": application.id,
        "appId": application.client_id,
        "displayName": application.name,
        "uniqueName": application.unique_name,
        "applicationTemplateId": application.template,
        "signInAudience": application.audience,
        "createdByAppId": application.created_by,
    }


def principal_entity(principal: ServicePrincipal) -> dict[str, JSON]:
    """The service principal (https://learn.microsoft.com/graph/api/resources/serviceprincipal)."""
    return {
        "id": principal.id,
        "deletedDateTime": None if principal.deleted is None else stamp(principal.deleted),
        "accountEnabled": principal.enabled,
        "appDisplayName": principal.name,
        "appId": principal.client_id,
        "applicationTemplateId": principal.template,
        "appOwnerOrganizationId": principal.owner_tenant,
        "appRoleAssignmentRequired": principal.assignment_required,
        "appRoles": [role_entity(role) for role in principal.app_roles],
        "createdByAppId": principal.created_by,
        "description": None,
        "disabledByMicrosoftStatus": None,
        "displayName": principal.name,
        "isDisabled": None,
        "keyCredentials": [],
        "notes": principal.notes,
        "notificationEmailAddresses": [],
        "passwordCredentials": [],
        "servicePrincipalNames": [principal.client_id],
        "servicePrincipalType": "Application",
        "signInAudience": "AzureADMyOrg",
        "tags": list(principal.tags),
    }


def principal_filterable(principal: ServicePrincipal) -> dict[str, JSON]:
    """The properties that service principals are filtered by."""
    return {
        "id": principal.id,
        "appId": principal.client_id,
        "displayName": principal.name,
        "applicationTemplateId": principal.template,
        "accountEnabled": principal.enabled,
        "createdByAppId": principal.created_by,
    }


def grant_entity(grant: Grant, directory: Directory) -> dict[str, JSON]:
    """The appRoleAssignment (https://learn.microsoft.com/graph/api/resources/approleassignment)."""
    kind = (directory.type_of(grant.principal_id) or "").rpartition(".")[2]
    return {
        "id": grant.id,
        "deletedDateTime": None,
        "appRoleId": grant.role_id,
        "createdDateTime": stamp(grant.created),
        "principalDisplayName": directory.name_of(grant.principal_id),
        "principalId": grant.principal_id,
        "principalType": kind[:1].upper() + kind[1:],
        "resourceDisplayName": directory.name_of(grant.resource_id),
        "resourceId": grant.resource_id,
    }


def role_entity(role: AppRole) -> dict[str, JSON]:
    """An app role."""
    return {
        "allowedMemberTypes": [*role.members],
        "description": role.name,
        "displayName": role.name,
        "id": role.id,
        "isEnabled": True,
        "origin": "Application",
        "value": role.value,
    }


def password_entity(secret: Secret, *, once: bool = False) -> dict[str, JSON]:
    """A client secret; its text is shown `once`."""
    return {
        "customKeyIdentifier": None,
        "displayName": secret.name,
        "endDateTime": stamp(secret.expires),
        "hint": secret.value[:3],
        "keyId": secret.key_id,
        "secretText": secret.value if once else None,
        "startDateTime": stamp(secret.begins),
    }


def key_entity(certificate: Certificate, shown_as: str, *, with_key: bool = False) -> dict[str, JSON]:
    """A certificate."""
    thumbprint = certificate.thumbprint
    own = thumbprint.hex().upper() if shown_as == "hex" else base64.b64encode(thumbprint).decode()
    return {
        "customKeyIdentifier": certificate.custom_identifier or own,
        "displayName": certificate.name,
        "endDateTime": stamp(certificate.expires),
        "key": base64.b64encode(certificate.der).decode() if with_key else None,
        "keyId": certificate.key_id,
        "startDateTime": stamp(certificate.begins),
        "type": "AsymmetricX509Cert",
        "usage": "Verify",
    }


_NOBODY = Application("", "", "", 0.0)
APPLICATION_PROPERTIES = frozenset(application_entity(_NOBODY, "hex", ""))
APPLICATION_FILTERS = frozenset(application_filterable(_NOBODY))
PRINCIPAL_PROPERTIES = frozenset(principal_entity(ServicePrincipal("", "", "", 0.0)))
PRINCIPAL_FILTERS = frozenset(principal_filterable(ServicePrincipal("", "", "", 0.0)))
GRANT_FILTERS = frozenset({"principalId", "resourceId", "appRoleId", "principalDisplayName", "resourceDisplayName", "principalType"})
