"""Applications, their service principals and credentials, and what has been granted, as they are kept. Times in epoch seconds."""

from dataclasses import dataclass, field
from hashlib import sha1, sha256

from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.x509 import load_der_x509_certificate

from simulator.messages import JSON


@dataclass(slots=True)
class Secret:
    """A client secret, good until `expires`."""

    value: str
    expires: float
    key_id: str = ""
    name: str | None = None
    begins: float = 0.0
    added: float = 0.0


@dataclass(slots=True)
class Certificate:
    """The public half of a key that an app signs in with."""

    der: bytes
    expires: float
    key_id: str
    name: str | None
    begins: float
    added: float
    custom_identifier: str | None = None
    """Text in place of the thumbprint, where whoever added it gave some."""

    @property
    def thumbprint(self) -> bytes:
        """SHA-1."""
        return sha1(self.der, usedforsecurity=False).digest()

    @property
    def thumbprint_sha256(self) -> bytes:
        """SHA-256."""
        return sha256(self.der).digest()

    @property
    def public_key(self) -> RSAPublicKey:
        """The key; raises ValueError for one of another kind, which Entra does not take."""
        key = load_der_x509_certificate(self.der).public_key()
        if not isinstance(key, RSAPublicKey):
            raise ValueError("not an RSA key")
        return key


@dataclass(slots=True)
class Application:
    """An app registration (https://learn.microsoft.com/graph/api/resources/application)."""

    id: str
    client_id: str
    name: str
    created: float
    unique_name: str | None = None
    audience: str = "AzureADMyOrg"
    notes: str | None = None
    description: str | None = None
    management_reference: str | None = None
    tags: list[str] = field(default_factory=list)
    required: list[JSON] = field(default_factory=list)
    """Which permissions it asks for; nothing is granted by that."""
    template: str | None = None
    created_by: str | None = None
    secrets: list[Secret] = field(default_factory=list)
    certificates: list[Certificate] = field(default_factory=list)
    credentials_written: float = -1e9
    owners: list[str] = field(default_factory=list)
    disabled: bool = False
    deleted: float | None = None


@dataclass(frozen=True, slots=True)
class AppRole:
    """A role that a resource lets others have; `value` is what tokens say."""

    id: str
    name: str
    value: str | None
    members: tuple[str, ...] = ("User",)
    """Of `User`, which stands for groups too, and `Application`."""


@dataclass(slots=True)
class ServicePrincipal:
    """An application in this tenant (https://learn.microsoft.com/graph/api/resources/serviceprincipal)."""

    id: str
    client_id: str
    name: str
    created: float
    app_roles: tuple[AppRole, ...] = ()
    tags: list[str] = field(default_factory=list)
    notes: str | None = None
    template: str | None = None
    created_by: str | None = None
    owner_tenant: str | None = None
    owners: list[str] = field(default_factory=list)
    enabled: bool = True
    assignment_required: bool = False
    deleted: float | None = None


@dataclass(slots=True)
class Grant:
    """An app role of a resource, given to a principal: consent if that is an app, an assignment if it is a user or group."""

    id: str
    role_id: str
    principal_id: str
    resource_id: str
    created: float
    withdrawn: float | None = None

    def stands(self, now: float, lag: float = 0.0) -> bool:
        """Whether it is in force, as seen `lag` seconds late."""
        return self.created <= now - lag and (self.withdrawn is None or self.withdrawn > now - lag)


@dataclass(slots=True)
class Consent:
    """Scopes that a user has let a client have (oauth2PermissionGrant); `user_id` None: for everybody."""

    client_id: str
    user_id: str | None
    scopes: set[str]


@dataclass(slots=True)
class CredentialPolicy:
    """The tenant's app management policy; a None allows. Lifetimes in days.

    https://learn.microsoft.com/graph/api/resources/tenantappmanagementpolicy
    """

    secrets_forbidden: bool = False
    secret_days: int | None = None
    certificate_days: int | None = None
    applies_from: float = 0.0
    """To applications created since."""
