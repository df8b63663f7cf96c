"""The clients of Microsoft's by which people sign in at a command line; every tenant has them."""

from typing import NamedTuple


class PublicClient(NamedTuple):
    """A client without a secret. `preauthorized` is the fixed set of scopes it gets unasked and never leaves; else None."""

    id: str
    name: str
    preauthorized: frozenset[str] | None


AZURE_CLI = PublicClient(
    "04b07795-8ddb-461a-bbee-02f9e1bf7b46",
    "Microsoft Azure CLI",
    frozenset(
        {
            "Application.ReadWrite.All",
            "AppRoleAssignment.ReadWrite.All",
            "AuditLog.Read.All",
            "DelegatedPermissionGrant.ReadWrite.All",
            "Directory.AccessAsUser.All",
            "Group.ReadWrite.All",
            "User.Read.All",
            "User.ReadWrite.All",
        }
    ),
)
"""Its scopes are those seen in tokens; asking for another is AADSTS65002 (https://github.com/Azure/azure-cli/issues/22775)."""

GRAPH_COMMAND_LINE_TOOLS = PublicClient("14d82eec-204b-4c2f-b7e8-296a70dab67e", "Microsoft Graph Command Line Tools", None)
"""Gets what somebody consents to; the consent stays in the tenant."""

PUBLIC_CLIENTS = {client.id: client for client in (AZURE_CLI, GRAPH_COMMAND_LINE_TOOLS)}
OPENID_SCOPES = frozenset({"openid", "profile", "email", "offline_access"})
