"""Asks a simulated tenant what its administrators want to know, and to do."""

import base64
import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cache

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, generate_private_key
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from simulator import Group, Request, Tenant, User
from simulator.entra.operations.templates import NON_GALLERY
from simulator.entra.public_clients import AZURE_CLI, PublicClient
from simulator.messages import JSON
from simulator.scim import Rejected, ScimEndpoint, ScimGroup, ScimUser, Unauthorized, Unreachable
from tests.simulator.client import ROOT, Clock, Reply, reply

GRAPH = "00000003-0000-0000-c000-000000000000"
RISKY = "dc5007c0-2d7d-4c42-879c-2dab87571379"
ADDRESS, TOKEN = "https://scim.example/v2", "scim-token"
CREATE = {"Prefer": "create-if-missing"}
MINUTE, HOUR, DAY = 60.0, 3600.0, 86_400.0


@dataclass
class Administrator:
    """Somebody with a token."""

    tenant: Tenant
    clock: Clock
    token: str

    def get(self, target: str) -> Reply:
        return self.send("GET", target)

    def post(self, target: str, body: JSON = None) -> Reply:
        return self.send("POST", target, body)

    def patch(self, target: str, body: JSON, **headers: str) -> Reply:
        return self.send("PATCH", target, body, **headers)

    def put(self, target: str, body: JSON) -> Reply:
        return self.send("PUT", target, body)

    def delete(self, target: str) -> Reply:
        return self.send("DELETE", target)

    def send(self, method: str, target: str, body: JSON = None, **headers: str) -> Reply:
        url = target if "://" in target else f"{ROOT}{target}"
        sent = {"Authorization": f"Bearer {self.token}", "client-request-id": self.tenant.id, **headers}
        if body is not None:
            sent["Content-Type"] = "application/json"
        return reply(self.tenant.handle(Request(method, url, sent, b"" if body is None else json.dumps(body).encode())))

    def but_as(self, *roles: str, client: PublicClient = AZURE_CLI, scopes: Iterable[str] = ()) -> "Administrator":
        """Somebody else in the same tenant."""
        return Administrator(self.tenant, self.clock, self.tenant.sign_in_as(*roles, client=client, scopes=scopes))

    # --- what most tests begin with ---

    def new_application(self, name: str = "risky-users", **properties: JSON) -> dict[str, JSON]:
        """An application made by its key; what Graph tells of it."""
        made = self.patch(f"/applications(uniqueName='{name}')", {"displayName": name, **properties}, **CREATE)
        assert made.status == 201, made
        return made.body

    def new_principal(self, application: dict[str, JSON]) -> dict[str, JSON]:
        """The application's principal; what Graph tells of it."""
        made = self.patch(f"/servicePrincipals(appId='{application['appId']}')", {}, **CREATE)
        assert made.status == 201, made
        return made.body

    def graph_principal(self) -> str:
        """Microsoft Graph's object id."""
        return str(self.get(f"/servicePrincipals(appId='{GRAPH}')?$select=id").body["id"])

    def grant(self, principal: JSON, resource: JSON, role: JSON) -> Reply:
        """One app role, given from the resource's side."""
        body: JSON = {"principalId": principal, "resourceId": resource, "appRoleId": role}
        return self.post(f"/servicePrincipals/{resource}/appRoleAssignedTo", body)

    def instantiate(self, name: str = "Cloudflare One SCIM") -> dict[str, dict[str, JSON]]:
        """An enterprise application; what Graph tells of it and its principal."""
        made = self.post(f"/applicationTemplates/{NON_GALLERY}/instantiate", {"displayName": name})
        assert made.status == 201, made
        return {name: each for name, each in made.body.items() if isinstance(each, dict)}


def administrator(*roles: str, client: PublicClient = AZURE_CLI, scopes: Iterable[str] = (), risky: int = 3) -> Administrator:
    """Somebody in a new tenant, a Global Administrator unless other roles are named."""
    clock = Clock()
    tenant = Tenant.contoso(risky, clock=clock.now)
    return Administrator(tenant, clock, tenant.sign_in_as(*(roles or ("Global Administrator",)), client=client, scopes=scopes))


def error(answer: Reply) -> tuple[int, JSON]:
    return answer.status, answer.code


# --- certificates ---


@cache
def private_key(number: int) -> RSAPrivateKey:
    """A key; the same for the same number, since they take a while to make."""
    return generate_private_key(65537, 2048)


def certificate(clock: Clock, number: int = 0, days: float = 365.0) -> x509.Certificate:
    """A certificate of that key, signed by itself, valid from now on."""
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, f"risky-users {number}")])
    begins = datetime.fromtimestamp(clock.time, UTC)
    builder = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(private_key(number).public_key())
    builder = builder.serial_number(number + 1).not_valid_before(begins).not_valid_after(begins + timedelta(days=days))
    return builder.sign(private_key(number), SHA256())


def key_entry(made: x509.Certificate, **changes: JSON) -> dict[str, JSON]:
    """The certificate as a new entry of `keyCredentials`."""
    key = base64.b64encode(made.public_bytes(Encoding.DER)).decode()
    return {"type": "AsymmetricX509Cert", "usage": "Verify", "key": key, "displayName": "worker", **changes}


# --- provisioning ---


@dataclass
class Endpoint:
    """A SCIM endpoint that keeps what it is told, and does not take what is in `refuses`."""

    users: dict[str, ScimUser] = field(default_factory=dict)
    groups: dict[str, ScimGroup] = field(default_factory=dict)
    inactive: set[str] = field(default_factory=set)
    refuses: set[str] = field(default_factory=set)
    writes: list[str] = field(default_factory=list)
    token: str = TOKEN

    def door(self, address: str, token: str) -> ScimEndpoint:
        if address != ADDRESS:
            raise Unreachable(address)
        if token != self.token:
            raise Unauthorized
        return self

    def put_user(self, user: ScimUser, known: str | None, now: float) -> str:
        self._write("put", user.user_name)
        target = known or next((target for target, each in self.users.items() if each.user_name == user.user_name), f"u{len(self.users)}")
        self.users[target] = user
        self.inactive.discard(target)
        return target

    def deactivate_user(self, target: str, now: float) -> None:
        self._write("deactivate", self.users[target].user_name)
        self.inactive.add(target)

    def put_group(self, group: ScimGroup, known: str | None, now: float) -> str:
        self._write("put", group.name)
        target = known or f"g{len(self.groups)}"
        self.groups[target] = group
        return target

    def delete_group(self, target: str, now: float) -> None:
        self._write("delete", self.groups[target].name)
        del self.groups[target]

    def _write(self, what: str, name: str) -> None:
        if name in self.refuses:
            raise Rejected(f"{name} is not taken")
        self.writes.append(f"{what} {name}")

    def members(self, name: str) -> set[str]:
        """The user names in the group of this name."""
        group = next(each for each in self.groups.values() if each.name == name)
        return {self.users[target].user_name for target in group.members}

    def active(self) -> set[str]:
        return {user.user_name for target, user in self.users.items() if target not in self.inactive}


@dataclass
class Provisioned:
    """A tenant whose enterprise application has its job started, with one group of one user assigned."""

    admin: Administrator
    endpoint: Endpoint
    group: Group
    user: User
    principal: str
    job_id: str

    @property
    def tenant(self) -> Tenant:
        return self.admin.tenant

    @property
    def path(self) -> str:
        return f"/servicePrincipals/{self.principal}/synchronization"

    @property
    def job_path(self) -> str:
        return f"{self.path}/jobs/{self.job_id}"

    def later(self, seconds: float) -> None:
        self.admin.clock.time += seconds
        self.tenant.catch_up()

    def job(self) -> dict[str, JSON]:
        return self.admin.get(self.job_path).body

    def status(self) -> dict[str, JSON]:
        status = self.job()["status"]
        assert isinstance(status, dict)
        return status

    def state(self) -> JSON:
        schedule = self.job()["schedule"]
        assert isinstance(schedule, dict)
        return schedule["state"]


def provisioned(*, started: bool = True, **settings: str) -> Provisioned:
    admin, endpoint = administrator(), Endpoint()
    tenant = admin.tenant
    tenant.door = endpoint.door
    tenant.behaviour.token_seconds = 10**8  # for tests of weeks
    admin.token = tenant.sign_in_as("Global Administrator")
    group, user = tenant.create_group("risky-high"), tenant.users[0]
    tenant.add_member(group, user)
    principal = tenant.add_enterprise_application()
    tenant.assign(principal, group)
    job = tenant.provision(principal, ADDRESS, TOKEN, started=started, **settings)
    return Provisioned(admin, endpoint, group, user, principal.id, job.id)
