"""Administrators' roles, by name, with the ids of their templates (https://learn.microsoft.com/entra/identity/role-based-access-control/permissions-reference)."""

from collections.abc import Mapping

ROLE_TEMPLATES: Mapping[str, str] = {
    "Global Administrator": "62e90394-69f5-4237-9190-012177145e10",
    "Privileged Role Administrator": "e8611ab8-c189-46e8-94e1-60213ab1f814",
    "Application Administrator": "9b895d92-2cd3-44c7-9d02-a6ac2d5ea5c3",
    "Cloud Application Administrator": "158c047a-c907-4556-b7ef-446551a6b5f7",
    "Application Developer": "cf1c38e5-3621-4004-a7cb-879624dced7c",
    "Hybrid Identity Administrator": "8ac3fc64-6eca-42ea-9e69-59f4c7b60eb2",
    "Groups Administrator": "fdd7a751-b60b-444a-984c-02652fe8fa1c",
    "User Administrator": "fe930be7-5e62-47db-91af-98c3a49a38b1",
    "Directory Writers": "9360feb5-f418-4baa-8175-e2a00bac4301",
    "Identity Governance Administrator": "45d8d3c5-c802-45c6-b32a-1d70b5e1e86e",
    "Global Reader": "f2ef992c-3afb-46b9-b7cf-a126ee74c451",
    "Reports Reader": "4a5d8f65-41da-4de4-8968-e035b65339cf",
    "Security Administrator": "194ae4cb-b126-40b2-bd5b-6091b380977d",
    "Security Operator": "5f2222b1-57c3-48ba-8ad5-d4759f1fde6f",
    "Security Reader": "5d6b6bb7-de71-4623-b4af-96380a352509",
}
EVERYBODY = "b79fbf4d-3ef9-4689-8143-76b194e85509"
"""What `wids` holds for everybody."""

APPLICATION_ADMINISTRATORS = frozenset({"Global Administrator", "Application Administrator", "Cloud Application Administrator"})
APPLICATION_DEVELOPERS = APPLICATION_ADMINISTRATORS | {"Application Developer", "Hybrid Identity Administrator"}
"""May register applications where users in general may not."""
CONSENT_ADMINISTRATORS = frozenset({"Global Administrator", "Privileged Role Administrator"})
"""May grant Microsoft Graph's app roles (https://learn.microsoft.com/entra/identity/enterprise-apps/grant-admin-consent)."""
ASSIGNERS = APPLICATION_ADMINISTRATORS | {
    "Privileged Role Administrator",
    "User Administrator",
    "Directory Writers",
    "Identity Governance Administrator",
    "Hybrid Identity Administrator",
}
"""May assign users and groups to an application (https://learn.microsoft.com/graph/api/serviceprincipal-post-approleassignedto)."""
RESTORERS = APPLICATION_ADMINISTRATORS | {"Hybrid Identity Administrator"}
GROUP_ADMINISTRATORS = frozenset({"Global Administrator", "Groups Administrator", "User Administrator", "Directory Writers"})
LOG_READERS = APPLICATION_ADMINISTRATORS | {
    "Reports Reader",
    "Security Reader",
    "Security Administrator",
    "Security Operator",
    "Global Reader",
}
"""May read the provisioning log (https://learn.microsoft.com/graph/api/provisioningobjectsummary-list)."""
