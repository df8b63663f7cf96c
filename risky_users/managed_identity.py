"""A managed identity of Azure's in the place of an app registration and its secret, where the commands run on Azure.

Functions, App Service, Container Apps and Automation say by two variables of the environment that there is one; a virtual machine
does not, so that one has to be asked for there (https://learn.microsoft.com/entra/identity/managed-identities-azure-resources/).
"""

import json
from collections.abc import Mapping

import httpx

from budget import HttpResponse
from errors import AuthError
from settings import Settings

PLACE = "the managed identity"
SYSTEM_ASSIGNED = "00000000-0000-0000-0000-000000000000"
STAND_INS = {
    "AZURE_AD_TENANT_ID": "managed-identity.invalid",
    "AZURE_AD_CLIENT_ID": SYSTEM_ASSIGNED,
    "AZURE_AD_CLIENT_SECRET": "managed-identity",
}
"""For what is not needed. Who has several identities names one by its own AZURE_AD_CLIENT_ID."""
ANSWER_SECONDS = 8.0


def has_identity(environment: Mapping[str, str], wanted: str = "") -> bool:
    """Whether Azure offers one, or somebody says that it does."""
    return bool(environment.get("IDENTITY_ENDPOINT") and environment.get("IDENTITY_HEADER")) or wanted.lower() == "true"


class _Http:
    """What MSAL asks Azure with: never through a proxy, for the answer comes from this machine or its neighbour."""

    def get(
        self, url: str, params: Mapping[str, str] | None = None, headers: Mapping[str, str] | None = None, **_: object
    ) -> httpx.Response:
        with httpx.Client(timeout=ANSWER_SECONDS, trust_env=False) as client:
            return client.get(url, params=params, headers=headers)

    def close(self) -> None:
        """Nothing is kept open."""


class ManagedIdentity:
    """Gets access tokens for Graph from Azure."""

    def __init__(self, settings: Settings) -> None:
        from msal import ManagedIdentityClient, SystemAssignedManagedIdentity, UserAssignedManagedIdentity  # most do without

        client_id = settings.client_id
        identity = SystemAssignedManagedIdentity() if client_id == SYSTEM_ASSIGNED else UserAssignedManagedIdentity(client_id=client_id)
        self._client = ManagedIdentityClient(identity, http_client=_Http())
        self._resource = f"https://{settings.cloud.graph}"

    def token(self) -> HttpResponse:
        """What Entra's token endpoint would answer. Blocks. Raises AuthError where Azure gives none."""
        try:
            given = self._client.acquire_token_for_client(resource=self._resource)
        except (httpx.HTTPError, ValueError, OSError) as error:
            raise AuthError(f"No access token from the managed identity: Azure's endpoint for it gives no answer ({error}).") from error
        if "access_token" not in given:
            why = f"{given.get('error')}, {given.get('error_description')}"[:300]
            remedy = "switch the identity on (Identity > System assigned), or put a user-assigned one's client ID into AZURE_AD_CLIENT_ID"
            raise AuthError(f"No access token from the managed identity ({why}): {remedy}.")
        return HttpResponse(200, {}, json.dumps({"access_token": given["access_token"], "expires_in": given["expires_in"]}))
