"""An identity provider with what Entra has provisioned through it, as it is kept. Times in epoch seconds."""

from dataclasses import dataclass, field
from typing import Literal, TypeAlias

from simulator.messages import JSON

UpdateBehaviour: TypeAlias = Literal["automatic", "reauth", "no_action"]


@dataclass(slots=True)
class ScimUser:
    """A user as the directory provisioned them."""

    id: str
    external_id: str
    user_name: str
    name: str
    email: str | None
    active: bool
    created: float
    modified: float


@dataclass(slots=True)
class ScimGroup:
    """A group as the directory provisioned it; `members` are ids of ScimUsers."""

    id: str
    external_id: str
    name: str
    members: set[str]
    created: float
    modified: float


@dataclass(frozen=True, slots=True)
class ScimEvent:
    """One line of the SCIM log."""

    logged: float
    method: Literal["POST", "PATCH", "DELETE"]
    resource_type: Literal["USER", "GROUP"]
    status: Literal["SUCCESS", "FAILURE"]
    cf_resource_id: str
    idp_resource_id: str
    group_name: str = ""
    user_email: str = ""
    error: str = ""
    body: str = ""


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
    users: dict[str, ScimUser] = field(default_factory=dict)
    groups: dict[str, ScimGroup] = field(default_factory=dict)
    log: list[ScimEvent] = field(default_factory=list)
