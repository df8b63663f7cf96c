"""What the tenant's app management policy lets credentials be.

https://learn.microsoft.com/graph/api/resources/tenantappmanagementpolicy; the codes are those that tools of Microsoft's look for
(https://github.com/OfficeDev/teams-toolkit).
"""

from simulator.entra.registrations import Application, CredentialPolicy
from simulator.entra.service import Service
from simulator.entra.stamps import stamp
from simulator.messages import JSON, Refusal

DAY = 86_400.0


def check_secret(service: Service, application: Application, begins: float, ends: float) -> None:
    """Raises Refusal where an application may not have such a secret."""
    policy = _applicable(service, application)
    if policy and policy.secrets_forbidden:
        message = "Credential type is not allowed as per assigned policy."
        raise Refusal(400, "CredentialTypeNotAllowedAsPerAppPolicy", message)
    _check_lifetime(service, policy.secret_days if policy else None, begins, ends)


def check_certificate(service: Service, application: Application, begins: float, ends: float) -> None:
    """Raises Refusal where an application may not have a certificate for so long."""
    policy = _applicable(service, application)
    _check_lifetime(service, policy.certificate_days if policy else None, begins, ends)


def policy_entity(policy: CredentialPolicy | None) -> dict[str, JSON]:
    """The policy as it is read."""
    since = stamp((policy or CredentialPolicy()).applies_from)
    passwords: list[JSON] = []
    keys: list[JSON] = []
    if policy and policy.secrets_forbidden:
        passwords.append(_restriction("passwordAddition", None, since))
    if policy and policy.secret_days is not None:
        passwords.append(_restriction("passwordLifetime", policy.secret_days, since))
    if policy and policy.certificate_days is not None:
        keys.append(_restriction("asymmetricKeyLifetime", policy.certificate_days, since))
    restrictions: JSON = {"passwordCredentials": passwords, "keyCredentials": keys}
    return {
        "id": "00000000-0000-0000-0000-000000000000",
        "displayName": "Default app management tenant policy",
        "description": "Default tenant policy that enforces app management restrictions on applications and service principals.",
        "isEnabled": policy is not None,
        "applicationRestrictions": restrictions,
        "servicePrincipalRestrictions": {"passwordCredentials": [], "keyCredentials": []},
    }


def _applicable(service: Service, application: Application) -> CredentialPolicy | None:
    policy = service.directory.credential_policy
    return policy if policy and application.created >= policy.applies_from else None


def _check_lifetime(service: Service, days: int | None, begins: float, ends: float) -> None:
    if days is None or ends <= begins + days * DAY:
        return
    if service.behaviour.lifetime_refusal == "InvalidKeyEndDate":
        latest = stamp(begins + days * DAY)
        raise Refusal(400, "InvalidKeyEndDate", f"The end date is invalid. The latest permitted date is {latest}.")
    message = f"Credential lifetime exceeds the max value allowed as per assigned policy {service.tenant_id}."
    raise Refusal(400, "CredentialInvalidLifetimeAsPerAppPolicy", message)


def _restriction(kind: str, days: int | None, since: str) -> JSON:
    return {
        "restrictionType": kind,
        "maxLifetime": None if days is None else f"P{days}D",
        "state": "enabled",
        "restrictForAppsCreatedAfterDateTime": since,
    }
