"""What provisioning needs of whoever it provisions to, and nothing more."""

from collections.abc import Callable
from typing import NamedTuple, Protocol, TypeAlias


class ScimUser(NamedTuple):
    """A user as the mapping makes it; without a mailbox `email` is None."""

    external_id: str | None
    user_name: str
    name: str
    email: str | None


class ScimGroup(NamedTuple):
    """A group; `members` are the endpoint's ids of users."""

    external_id: str
    name: str
    members: frozenset[str]


class Unreachable(Exception):
    """Nobody answers at this address, or not as a SCIM endpoint does."""


class Unauthorized(Exception):
    """The token is not accepted."""


class Rejected(Exception):
    """One entry is not accepted, for this reason; others may be."""


class ScimEndpoint(Protocol):
    """A SCIM service behind its address and token. Any method raises Rejected. Times are epoch seconds."""

    def put_user(self, user: ScimUser, known: str | None, now: float) -> str:
        """Create a user, or bring the one with the id `known`, or else of this name, up to date and back to life; the endpoint's id."""

    def deactivate_user(self, target: str, now: float) -> None:
        """Disable the user with this id."""

    def put_group(self, group: ScimGroup, known: str | None, now: float) -> str:
        """Create a group, or bring the one with the id `known`, or else of this external id, up to date; the endpoint's id."""

    def delete_group(self, target: str, now: float) -> None:
        """Delete the group with this id."""


Door: TypeAlias = Callable[[str, str], ScimEndpoint]
"""The endpoint at a base address, for a bearer token. Raises Unreachable or Unauthorized."""


def closed(address: str, _: str) -> ScimEndpoint:
    """A door with nobody behind it."""
    raise Unreachable(address)
