"""What a client may have of somebody's rights (https://learn.microsoft.com/entra/identity-platform/permissions-consent-overview)."""

from uuid import UUID, uuid5

from simulator.entra.behaviour import Behaviour
from simulator.entra.directory import Directory, User
from simulator.entra.directory_roles import APPLICATION_ADMINISTRATORS, CONSENT_ADMINISTRATORS
from simulator.entra.login.refused import Refused
from simulator.entra.microsoft_graph import SCOPES
from simulator.entra.public_clients import OPENID_SCOPES, PUBLIC_CLIENTS, PublicClient
from simulator.entra.registrations import Consent, ServicePrincipal
from simulator.entra.token import CLOUDS

_DEFAULT = ".default"
_WITHOUT_ADMINISTRATOR = frozenset({"User.Read"})
"""What anybody may consent to for themselves; the rest is an administrator's to give, be it for themselves."""


class Consents:
    """The scopes that clients ask for, and what of them they get."""

    def __init__(self, directory: Directory, behaviour: Behaviour) -> None:
        self._directory, self._behaviour = directory, behaviour

    def read(self, client_id: str, scope: str, host: str) -> tuple[frozenset[str], str]:
        """The scopes of Microsoft Graph that a request names, and which Graph. `host` is the login host or that Graph. Raises Refused."""
        self._client(client_id)
        graphs = CLOUDS.get(host, (host,))
        wanted, audience = set(), graphs[0]
        for each in scope.split():
            resource, slash, name = each.rpartition("/")
            if slash:
                audience = resource.removeprefix("https://").rstrip("/")
            if audience not in graphs or not (name in SCOPES or name in OPENID_SCOPES or (name == _DEFAULT and slash)):
                raise Refused(70011)
            wanted.add(name)
        return frozenset(wanted - OPENID_SCOPES), audience

    def ask(self, user: User, client_id: str, wanted: frozenset[str], now: float, *, agrees: bool) -> frozenset[str]:
        """What the client gets after somebody was asked, which the tenant remembers. Raises Refused."""
        client = self._client(client_id)
        self._check_assignment(user, client, now)
        missing = wanted - self._held(user, client) - {_DEFAULT}
        if missing and client.preauthorized is not None:
            raise Refused(65002, client=client_id)
        if missing:
            if not self._may_consent(user, missing):
                raise Refused(90094, client=client_id, name=client.name)
            if not agrees:
                raise Refused(65004)
            self.record(user, client, missing, now)
        return self.granted(user, client_id, wanted)

    def granted(self, user: User, client_id: str, wanted: frozenset[str]) -> frozenset[str]:
        """What the client gets without anybody being asked: everything it holds. Raises Refused where it wants more."""
        client = self._client(client_id)
        held = self._held(user, client)
        if wanted - held - {_DEFAULT} or not held:
            raise Refused(65002 if client.preauthorized is not None else 65001, client=client_id, name=client.name)
        return held

    def record(self, user: User, client: PublicClient, scopes: frozenset[str], now: float) -> None:
        """Keep somebody's consent; it adds up."""
        if self._directory.principal_of(client.id) is None:
            principal = ServicePrincipal(str(uuid5(UUID(client.id), "principal")), client.id, client.name, now)
            self._directory.principals[principal.id] = principal
        for consent in self._directory.consents:
            if (consent.client_id, consent.user_id) == (client.id, user.id):
                consent.scopes |= scopes
                return
        self._directory.consents.append(Consent(client.id, user.id, set(scopes)))

    def _client(self, client_id: str) -> PublicClient:
        client = PUBLIC_CLIENTS.get(client_id)
        if client is None:
            raise Refused(700016, client=client_id)
        principal = self._directory.principal_of(client_id)
        if principal and not principal.enabled:
            raise Refused(7000112, client=client_id, name=client.name)
        return client

    def _held(self, user: User, client: PublicClient) -> frozenset[str]:
        if client.preauthorized is not None:
            return client.preauthorized
        own = [each.scopes for each in self._directory.consents if each.client_id == client.id and each.user_id in (None, user.id)]
        return frozenset[str]().union(*own)

    def _check_assignment(self, user: User, client: PublicClient, now: float) -> None:
        principal = self._directory.principal_of(client.id)
        if principal and principal.assignment_required:
            assigned = {each.principal_id for each in self._directory.granted_by(principal.id, now)}
            groups = {group.id for group in self._directory.standing_groups() if user.id in group.members}
            if not assigned & ({user.id} | groups):
                raise Refused(50105, client=client.id, name=client.name)

    def _may_consent(self, user: User, scopes: frozenset[str]) -> bool:
        if user.roles & (APPLICATION_ADMINISTRATORS | CONSENT_ADMINISTRATORS):
            return True
        return self._behaviour.users_may_consent and scopes <= _WITHOUT_ADMINISTRATOR
