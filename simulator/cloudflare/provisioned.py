"""An identity provider with what Entra has provisioned through it, as it is kept. Times in epoch seconds."""

from dataclasses import dataclass, field
from typing import Literal, TypeAlias

from simulator.messages import JSON
from simulator.scim import ScimGroup, ScimUser

UpdateBehaviour: TypeAlias = Literal["automatic", "reauth", "no_action"]


@dataclass(slots=True)
class ProvisionedUser:
    """A user as the directory provisioned them."""

    id: str
    content: ScimUser
    active: bool
    created: float
    modified: float

    @property
    def address(self) -> str:
        """What finds the person."""
        return self.content.email or self.content.user_name


@dataclass(slots=True)
class ProvisionedGroup:
    """A group as the directory provisioned it; its members are ids of ProvisionedUsers."""

    id: str
    content: ScimGroup
    created: float
    modified: float


@dataclass(frozen=True, slots=True)
class ScimEvent:
    """One line of the SCIM log."""

    logged: float
    method: Literal["POST", "PATCH", "DELETE"]
    resource_type: Literal["USER", "GROUP"]
    cf_resource_id: str
    idp_resource_id: str
    body: str
    group_name: str = ""
    user_email: str = ""
    status: Literal["SUCCESS", "FAILURE"] = "SUCCESS"
    error: str = ""


@dataclass(slots=True)
class IdentityProvider:
    """An Access identity provider of type azureAD, with what Entra has provisioned through it."""

    id: str
    name: str
    config: dict[str, JSON]
    client_secret: str | None
    read_only: bool = False
    scim_enabled: bool = False
    scim_secret: str | None = None
    identity_update_behavior: UpdateBehaviour = "automatic"
    user_deprovision: bool = False
    seat_deprovision: bool = False
    users: dict[str, ProvisionedUser] = field(default_factory=dict)
    groups: dict[str, ProvisionedGroup] = field(default_factory=dict)
    log: list[ScimEvent] = field(default_factory=list)

    @property
    def scim_base_url(self) -> str:
        """Where its SCIM endpoint is."""
        return f"https://contoso.cloudflareaccess.com/cdn-cgi/access/identity_providers/{self.id}/scim/v2"
