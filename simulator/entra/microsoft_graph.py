"""Microsoft Graph as every tenant has it: a service principal whose app roles are the application permissions.

Ids from https://learn.microsoft.com/graph/permissions-reference, of the permissions that concern these operations.
"""

from collections.abc import Mapping

from simulator.entra.permissions import ROLE_IDS

APP_ID = "00000003-0000-0000-c000-000000000000"
NAME = "Microsoft Graph"
MICROSOFT = "f8cdef31-a31e-4b4a-93e4-5f571e91255a"
"""The tenant of Microsoft's own applications."""

APP_ROLES: Mapping[str, str] = {
    **ROLE_IDS,
    "AppRoleAssignment.ReadWrite.All": "06b708a9-e830-4db3-a914-8e69da51d44f",
    "Application.Read.All": "9a5d68dd-52b0-4cc2-bd40-abcf44ac3a30",
    "Application.ReadWrite.All": "1bfefb4e-e0b5-418b-a88f-73c46d2cc8e9",
    "Application.ReadWrite.OwnedBy": "18a4783c-866b-4cc7-a460-3d5e5662c884",
    "AuditLog.Read.All": "b0afded3-3588-46d8-8b3d-9842eff778da",
    "DelegatedPermissionGrant.ReadWrite.All": "8e8e4742-1d95-4f68-9d56-6ee75648c72a",
    "Organization.Read.All": "498476ce-e0fe-48b0-b801-37ba7e2685c6",
    "Organization.ReadWrite.All": "292d869f-3427-49a8-9dab-8c70152b74e9",
    "Policy.Read.All": "246dd0d5-5bd0-4def-940b-0421030a5b68",
    "Policy.ReadWrite.ApplicationConfiguration": "be74164b-cff1-491c-8741-e671cb536e13",
    "ProvisioningLog.Read.All": "091937d3-3e38-47a1-8649-b2f99d3035f1",
    "Synchronization.Read.All": "5ba43d2f-fa88-4db2-bd1c-a67c5f0fb1ce",
    "Synchronization.ReadWrite.All": "9b50c33d-700f-43b1-b2eb-87e89b703581",
    "User.ReadWrite.All": "741f803b-c850-494e-b5df-cde7c675a1ca",
}
"""The value and the id of each app role."""

SCOPES = frozenset(
    {
        *(APP_ROLES.keys() - {"Application.ReadWrite.OwnedBy", "Group.Create"}),
        "Directory.AccessAsUser.All",
        "User.Read",
    }
)
"""The delegated permissions, by value: these are what a user's client can be given."""

BY_ID: Mapping[str, str] = {role: value for value, role in APP_ROLES.items()}
