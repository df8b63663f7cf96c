"""What goes from a directory to whoever it provisions to: users and groups, through a door (https://www.rfc-editor.org/rfc/rfc7644).

It is all that a tenant and an account know of one another. Times are epoch seconds.
"""

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
    """A SCIM service behind its address and token. Any method raises Rejected."""

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


class ProvisioningJob(Protocol):
    """Whoever carries a directory's groups to a door, by a clock of its own."""

    paused: bool

    @property
    def next(self) -> float | None:
        """When the next cycle is due; None while none is."""

    @property
    def last(self) -> float | None:
        """When the last good cycle ran."""

    @property
    def quarantined(self) -> bool:
        """Whether the last one failed, so that the next is long in coming."""

    def run_due(self) -> object:
        """Let happen what is due by now, as of the time at which it was."""
