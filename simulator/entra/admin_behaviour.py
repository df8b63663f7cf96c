"""What Microsoft leaves open on the administrators' side: a field a choice."""

from dataclasses import dataclass
from typing import Literal


@dataclass(slots=True)
class AdminBehaviour:
    """Seconds are seconds. The defaults are what documentation and observation make likeliest; nothing lags unless told to."""

    # --- replicas that lag ---

    admin_lag: float = 0.0
    """How long some replicas do not know an application, a principal, a grant or a job that was just made."""
    young_application: Literal[400, 403, 404] = 400
    """What a principal for a young application is refused with: the appId "does not reference a valid application object", a
    "backing application" that is not in the tenant, or not found (terraform-provider-azuread retries all three)."""
    young_grant: Literal[400, 404] = 404
    """What a grant to or of a young principal is refused with: "Not a valid reference update", or not found."""
    young_synchronization: Literal[403, 404, 409] = 404
    """What provisioning of a young principal is refused with (terraform-provider-azuread retries all three)."""
    grant_lag: float = 0.0
    """How long tokens are issued as though nothing had been granted or withdrawn."""
    credential_lag: float = 0.0
    """How long nobody can sign in with a new secret or certificate."""

    # --- applications and principals ---

    upsert_by_key: bool = True
    """Whether the cloud takes PATCH with `Prefer: create-if-missing` of applications and principals."""
    template_takes_unique_name: bool = True
    """Whether an application made from a template takes a `uniqueName` by PATCH, as others do, once."""
    group_takes_unique_name: bool = False
    """Whether a group takes one by PATCH, once: the group's reference says only at creation, the guide for Bicep that it does."""
    is_disabled_writable: bool = True
    """Whether v1.0 takes `isDisabled` of an application."""
    restore_brings_principal: bool = False
    """Whether restoring an application restores its principal, as the portal does."""
    own_registration_readable: bool = True
    """Whether an app reads its own application and principal without any permission, as was seen
    (https://github.com/microsoftgraph/microsoft-graph-docs/issues/15879)."""
    thumbprint_shown_as: Literal["hex", "base64"] = "hex"
    """The form of `customKeyIdentifier` where nobody gave one."""
    most_credentials: int = 100
    """How many secrets, or certificates, an application holds."""
    credential_pause: float = 0.0
    """How soon after one write of an application's credentials another is refused with Directory_ConcurrencyViolation
    (https://github.com/nais/azurerator/issues/448)."""
    lifetime_refusal: Literal["CredentialInvalidLifetimeAsPerAppPolicy", "InvalidKeyEndDate"] = "CredentialInvalidLifetimeAsPerAppPolicy"
    """The code for a credential that lives longer than the tenant's policy allows; the latter names the latest date."""
    instantiation: Literal["answered", "not found but made"] = "answered"
    """Whether instantiating a template is answered 404 although it was done (terraform-provider-azuread polls for it)."""

    # --- grants and groups ---

    duplicate_grant: Literal["permission", "entitlement", "entitlement 409"] = "permission"
    """How a grant that exists is refused: Request_BadRequest "Permission being assigned already exists on the object", or
    Request_MultipleObjectsWithSameKeyValue "EntitlementGrant entry already exists." with 400 or 409."""
    withdrawn_grant: Literal[400, 404] = 404
    """How deleting a grant that is gone is refused."""
    creator_owns_group: bool = True
    """Whether a person who creates a group becomes its owner."""

    # --- provisioning ---

    synchronization_without_scope: Literal["accepted", 401, 403] = "accepted"
    """What an application administrator gets whose token has no Synchronization scope
    (https://github.com/microsoft/zerotrustassessment/issues/1382)."""
    second_job: Literal["made", 409] = "made"
    """What a second POST of a job from the same template does."""
    no_jobs: Literal["empty", 404] = "empty"
    """How jobs are listed where there is none."""
    starred_secret: Literal["kept", "taken literally"] = "kept"
    """What a secret is after a PUT whose value for it is "*", as it was read."""
    template_syncs_all: bool = False
    """Whether a job whose secrets do not say `SyncAll` provisions everybody."""
    rule_ids: Literal["guid", "versioned"] = "guid"
    """The form of a synchronization rule's id: a GUID, or one with `#V2` behind it."""
    validation_refusal: int = 400
    """The status of credentials that do not validate."""
    validation_doubts: bool = False
    """Whether credentials that are good do not validate all the same, as with one vendor."""
    on_demand_trace: bool = False
    """Whether provisioning on demand answers a user with a trace; a group gets `{}` always."""
    on_demand_details: Literal["text", "object"] = "object"
    """The form of the details of what was not provisioned."""
    on_demand_removes: bool = False
    """Whether a member named on demand who is none any more is removed at the target."""
    assignment_lag: float = 0.0
    """How long a new assignment does not count on demand."""
    log_lag: float = 0.0
    """How long the provisioning log does not show an event."""
    cycle_seconds: float = 60.0
    first_cycle_seconds: float = 1200.0
    """How long a cycle takes; the first 20 minutes to hours."""
    failures_until_quarantine: int = 3
    """Failed cycles in a row."""
    escrow_minimum: int = 5000
    escrow_proportion: float = 0.4
    """How many entries, and of how many of all, must fail for a quarantine."""

    # --- signing in ---

    device_code_blocked: bool = False
    """Whether a Conditional Access policy blocks device code flow."""
    users_may_consent: bool = True
    authorize_errors: Literal["redirect", "page"] = "redirect"
    """Whether the sign-in page hands an error on to the client, or keeps it."""
    people_refused: int | None = None
    """The AADSTS number with which whoever signs in as a person is refused."""
    takes_x5t_s256: bool = True
    """Whether client assertions may name the certificate by SHA-256 (https://github.com/MicrosoftDocs/entra-docs/issues/1301)."""
    assertions_repeat: bool = False
    """Whether one client assertion (`jti`) serves more than once."""
