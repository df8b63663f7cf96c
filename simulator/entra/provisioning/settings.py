"""What an administrator enters for an application's provisioning: address, token and choices, kept as pairs under fixed keys.

https://learn.microsoft.com/graph/api/synchronization-serviceprincipal-put-synchronization. Keys are told apart by case.
"""

import json
from collections.abc import Mapping

from simulator.messages import JSON

KEYS = frozenset(
    """None UserName Password SecretToken AppKey BaseAddress ClientIdentifier ClientSecret SingleSignOnType Sandbox Url Domain ConsumerKey
    ConsumerSecret TokenKey TokenExpiration Oauth2AccessToken Oauth2AccessTokenCreationTime Oauth2RefreshToken SyncAll InstanceName
    Oauth2ClientId Oauth2ClientSecret CompanyId UpdateKeyOnSoftDelete SynchronizationSchedule SystemOfRecord SandboxName EnforceDomain
    SyncNotificationSettings SkipOutOfScopeDeletions Oauth2AuthorizationCode Oauth2RedirectUri ApplicationTemplateIdentifier
    Oauth2TokenExchangeUri Oauth2AuthorizationUri AuthenticationType Server PerformInboundEntitlementGrants HardDeletesEnabled
    SyncAgentCompatibilityKey SyncAgentADContainer ValidateDomain TestReferences ConnectionString""".split()  # noqa: SIM905 - one a line they would be fifty
)
HIDDEN = frozenset({"SecretToken", "Password", "AppKey", "ClientSecret", "ConsumerSecret", "TokenKey", "ConnectionString"})
"""Shown as STAR."""
STAR = "*"


class Settings(dict[str, str]):
    """The pairs of one application."""

    @property
    def address(self) -> str:
        """Where the SCIM endpoint is; empty where nobody said."""
        return self.get("BaseAddress", "")

    @property
    def token(self) -> str:
        """What it is opened with."""
        return self.get("SecretToken", "")

    def everybody(self, default: bool) -> bool:
        """Whether all users and groups are in scope."""
        return self.get("SyncAll", str(default)).lower() == "true"

    @property
    def keeps_those_out_of_scope(self) -> bool:
        """Whether users who leave the scope stay as they are
        (https://learn.microsoft.com/entra/identity/app-provisioning/skip-out-of-scope-deletions)."""
        return self.get("SkipOutOfScopeDeletions", "").lower() == "true"

    @property
    def most_deletes(self) -> int | None:
        """How many deletions a cycle may make; None: any number
        (https://learn.microsoft.com/entra/identity/app-provisioning/accidental-deletions)."""
        try:
            chosen: JSON = json.loads(self.get("SyncNotificationSettings", "{}"))
        except ValueError:
            return None
        if not isinstance(chosen, dict) or chosen.get("DeleteThresholdEnabled") is not True:
            return None
        most = chosen.get("DeleteThresholdValue")
        return most if isinstance(most, int) else None


def shown(settings: Mapping[str, str]) -> list[JSON]:
    """The pairs as they are read: secrets as a star."""
    return [{"key": key, "value": STAR if key in HIDDEN and value else value} for key, value in settings.items()]
