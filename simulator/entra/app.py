"""An app as its owner thinks of it: a registration with its principal, secrets, and the permissions of Microsoft Graph it was granted."""

import base64
from collections.abc import Callable, Iterable, Iterator, MutableSet
from hashlib import sha256
from uuid import UUID

from simulator.entra.directory import Directory
from simulator.entra.microsoft_graph import APP_ID, APP_ROLES, BY_ID
from simulator.entra.registrations import Application, Grant, Secret, ServicePrincipal


class App:
    """An application that has a principal; a view of the directory, which keeps nothing of its own."""

    def __init__(self, directory: Directory, application: Application, clock: Callable[[], float]) -> None:
        self._directory, self.application, self._clock = directory, application, clock

    def __eq__(self, other: object) -> bool:
        return isinstance(other, App) and other.application is self.application

    def __hash__(self) -> int:
        return hash(self.client_id)

    @property
    def client_id(self) -> str:
        """Which it signs in with."""
        return self.application.client_id

    @property
    def principal(self) -> ServicePrincipal:
        """Its principal. Raises LookupError."""
        principal = self._directory.principal_of(self.client_id)
        if principal is None:
            raise LookupError(f"{self.name} has no service principal")
        return principal

    @property
    def object_id(self) -> str:
        """Its principal's."""
        return self.principal.id

    @property
    def name(self) -> str:
        """Its display name."""
        return self.application.name

    @property
    def secrets(self) -> list[Secret]:
        """Its client secrets, the oldest first."""
        return self.application.secrets

    @property
    def secret(self) -> str:
        """The newest secret's value."""
        return self.secrets[-1].value

    @property
    def disabled(self) -> bool:
        """Whether it gets no token."""
        return self.application.disabled or not self.principal.enabled

    @disabled.setter
    def disabled(self, value: bool) -> None:
        self.application.disabled = value

    @property
    def permissions(self) -> "Permissions":
        """Its application permissions of Microsoft Graph, by value; to change them is to grant and to withdraw."""
        return Permissions(self._directory, self.principal, self._clock)

    @permissions.setter
    def permissions(self, values: Iterable[str]) -> None:
        wanted, held = set(values), self.permissions
        for value in set(held) - wanted:
            held.discard(value)
        for value in wanted:
            held.add(value)


class Permissions(MutableSet[str]):
    """The grants of Microsoft Graph's app roles to one principal, seen as a set of their values."""

    def __init__(self, directory: Directory, principal: ServicePrincipal, clock: Callable[[], float]) -> None:
        self._directory, self._principal, self._clock = directory, principal, clock

    @classmethod
    def _from_iterable(cls, values: Iterable[str]) -> "set[str]":  # type: ignore[override]  # set operations give plain sets
        return set(values)

    def __eq__(self, other: object) -> bool:
        return set(self) == other

    __hash__ = None  # type: ignore[assignment]  # as of any mutable set

    def __contains__(self, value: object) -> bool:
        return value in set(self)

    def __iter__(self) -> Iterator[str]:
        graph = self._graph.id
        granted = self._directory.granted_to(self._principal.id, self._clock())
        return iter([BY_ID[grant.role_id] for grant in granted if grant.resource_id == graph])

    def __len__(self) -> int:
        return sum(1 for _ in self)

    def add(self, value: str) -> None:
        """Grant a permission. Raises KeyError for one that is not known here."""
        if value not in self:
            grant(self._directory, APP_ROLES[value], self._principal.id, self._graph.id, self._clock())

    def discard(self, value: str) -> None:
        """Withdraw a permission."""
        for each in self._directory.granted_to(self._principal.id, self._clock()):
            if each.resource_id == self._graph.id and BY_ID[each.role_id] == value:
                del self._directory.grants[each.id]

    @property
    def _graph(self) -> ServicePrincipal:
        graph = self._directory.principal_of(APP_ID)
        assert graph, "every tenant has Microsoft Graph"  # noqa: S101 - a mistake of ours, not of a caller's
        return graph


def grant(directory: Directory, role_id: str, principal_id: str, resource_id: str, now: float) -> Grant:
    """Let a principal have a role of a resource. The id is of the form that Graph's have, 32 bytes in base64url."""
    rest = sha256(f"{role_id} {resource_id}".encode()).digest()[:16]
    made = Grant(base64.urlsafe_b64encode(UUID(principal_id).bytes_le + rest).decode().rstrip("="), role_id, principal_id, resource_id, now)
    directory.grants[made.id] = made
    return made
