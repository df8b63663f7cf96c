"""The tenant's administrators: apps, who is an administrator, and what of a tenant an administrator can see."""

from collections.abc import Iterable

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from simulator.entra.app import App, grant
from simulator.entra.directory import Group, User
from simulator.entra.directory_roles import ROLE_TEMPLATES
from simulator.entra.hosts import Hosts
from simulator.entra.login import People
from simulator.entra.operations.templates import ROLES, make_enterprise_application
from simulator.entra.provisioning import Job, Scheduled
from simulator.entra.public_clients import AZURE_CLI, PublicClient
from simulator.entra.registrations import Application, Certificate, Secret, ServicePrincipal
from simulator.entra.snapshot import snapshot
from simulator.messages import JSON
from simulator.scim import Door

NEEDED = ("IdentityRiskyUser.Read.All", "Group.Create", "GroupMember.ReadWrite.All")
YEARS = 2 * 365 * 86400.0


class Administration(Hosts):
    """A tenant in its administrators' hands."""

    # --- apps ---

    @property
    def apps(self) -> dict[str, App]:
        """The apps of this tenant that have a principal, by client id, the oldest first."""
        standing = (each for each in self.directory.applications.values() if each.deleted is None)
        return {each.client_id: self._app(each) for each in standing if self.directory.principal_of(each.client_id)}

    @property
    def app(self) -> App:
        """The app registered first."""
        return next(iter(self.apps.values()))

    def register_app(self, name: str, permissions: Iterable[str] = NEEDED, secret: str | None = None) -> App:
        """An app registration with admin consent for these application permissions, and one secret."""
        value = secret or f"{self.random.getrandbits(160):040x}"
        now, client_id, principal_id = self.clock(), self.service.new_id(), self.service.new_id()
        application = Application(self.service.new_id(), client_id, name, now)
        self.directory.applications[application.id] = application
        self.directory.principals[principal_id] = ServicePrincipal(principal_id, client_id, name, now, owner_tenant=self.id)
        app = self._app(application)
        app.permissions = set(permissions)
        self.add_secret(value, app)
        return app

    def expire_secrets(self, app: App | None = None) -> None:
        """Let the app's secrets expire, and the tokens issued for them."""
        for secret in (app or self.app).secrets:
            secret.expires = self.clock()
        self.tokens.issued.clear()
        self.changed()

    def renew_secrets(self, app: App | None = None) -> None:
        """Let the app's secrets be good again, each with the value it has."""
        for secret in (app or self.app).secrets:
            secret.expires = self.clock() + YEARS
        self.changed()

    def add_secret(self, value: str | None = None, app: App | None = None) -> str:
        """Another secret for the app; its value."""
        app, now = app or self.app, self.clock()
        value = value or f"{self.random.getrandbits(160):040x}"
        app.secrets.append(Secret(value, now + YEARS, self.service.new_id(), None, now, now))
        self.changed()
        return value

    def add_certificate(self, pem: str, app: App | None = None) -> Certificate:
        """Let the app sign in with the key of this certificate, in PEM, for as long as that is good."""
        parsed = x509.load_pem_x509_certificate(pem.encode())
        begins, ends = parsed.not_valid_before_utc.timestamp(), parsed.not_valid_after_utc.timestamp()
        certificate = Certificate(parsed.public_bytes(Encoding.DER), ends, self.service.new_id(), None, begins, self.clock())
        (app or self.app).application.certificates.append(certificate)
        self.changed()
        return certificate

    @property
    def worker_variables(self) -> dict[str, str]:
        """The vars and the secret of a Worker that signs in as the first app, by name."""
        return {"AZURE_AD_TENANT_ID": self.id, "AZURE_AD_CLIENT_ID": self.app.client_id, "AZURE_AD_CLIENT_SECRET": self.app.secret}

    # --- people ---

    @property
    def people(self) -> People:
        """Who is at the keyboard, and what they agree to, when somebody signs in at the login host."""
        return self.login.people

    def assign_role(self, user: User, role: str, *, eligible: bool = False) -> None:
        """Give somebody a directory role, by name, or let them activate it. Raises KeyError for one that is not known here."""
        ROLE_TEMPLATES[role]
        (user.eligible_roles if eligible else user.roles).add(role)
        self.changed()

    def activate_role(self, user: User, role: str) -> None:
        """Activate a role that somebody is eligible for, which tokens issued from now on say. Raises KeyError."""
        user.eligible_roles.remove(role)
        user.roles.add(role)
        self.changed()

    def sign_in_as(
        self, *roles: str, user: User | None = None, client: PublicClient = AZURE_CLI, scopes: Iterable[str] = (), graph: str = ""
    ) -> str:
        """An access token of somebody with these directory roles, by a client with these scopes, to which they consent.

        The Azure CLI's scopes are its own. `user` gets the roles, or somebody new; `graph` is the Graph that the token is for.
        """
        person = user or self._new_administrator(roles)
        for role in roles:
            self.assign_role(person, role)
        if client.preauthorized is None and scopes:
            self.people.consents.record(person, client, frozenset(scopes), self.clock())
        held = self.people.consents.granted(person, client.id, frozenset(scopes))
        audience = graph or {"login.microsoftonline.us": "graph.microsoft.us"}.get(self.tokens.cloud, "graph.microsoft.com")
        return self.tokens.for_person(person, client.id, held, audience, self.clock(), self.behaviour.token_seconds)

    # --- provisioning ---

    @property
    def door(self) -> Door:
        """Opens the SCIM endpoint that provisioning writes to."""
        return self.service.provisioning.door

    @door.setter
    def door(self, door: Door) -> None:
        self.service.provisioning.door = door

    @property
    def jobs(self) -> list[Job]:
        """All provisioning jobs."""
        return [*self.service.provisioning.jobs.values()]

    def add_enterprise_application(self, name: str = "Cloudflare One SCIM") -> ServicePrincipal:
        """An enterprise application as the portal makes one that is in no gallery."""
        _, principal = make_enterprise_application(self.service, name, self.clock(), None)
        self.changed()
        return principal

    def assign(self, principal: ServicePrincipal, *assigned: Group | User) -> None:
        """Assign users or groups to an enterprise application, with its role `User`."""
        for each in assigned:
            grant(self.directory, ROLES[0].id, each.id, principal.id, self.clock())
        self.changed()

    def unassign(self, principal: ServicePrincipal, *assigned: Group | User) -> None:
        """Take assignments back."""
        for granted in self.directory.granted_by(principal.id, self.clock()):
            if granted.principal_id in {each.id for each in assigned}:
                granted.withdrawn = self.clock()
        self.changed()

    def provision(self, principal: ServicePrincipal, address: str, token: str, *, started: bool = True, **settings: str) -> Job:
        """Set an enterprise application's provisioning up as the portal does, for assigned users and groups only."""
        provisioning = self.service.provisioning
        provisioning.settings[principal.id].update({"BaseAddress": address, "SecretToken": token, "SyncAll": "false", **settings})
        job = provisioning.create(principal, "scim", self.id, self.clock())
        if started:
            provisioning.start(job, self.clock())
        self.changed()
        return job

    def scheduled(self, job: Job) -> Scheduled:
        """A job as an account wants it (simulator.scim.ProvisioningJob), whose clock wakes it as well as the tenant's."""
        return Scheduled(self.service.provisioning, job, self.clock)

    # --- all of it ---

    def snapshot(self) -> dict[str, JSON]:
        """Everything that an administrator could see, as JSON: equal if and only if nobody could tell the difference."""
        self.catch_up()
        return snapshot(self.service, self.clock())

    def _app(self, application: Application) -> App:
        return App(self.directory, application, self.clock)

    def _new_administrator(self, roles: Iterable[str]) -> User:
        name = f"Administrator {len(self.directory.users) + 1}"
        user = User(self.service.new_id(), name, f"{name.lower().replace(' ', '')}@{self.domain}")
        user.mail = user.principal_name
        user.roles = set(roles)
        self.directory.users[user.id] = user
        return user
