"""Who asks: an app on its own behalf, or a person by an app."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Caller:
    """What a token says of its bearer."""

    client_id: str
    object_id: str
    """Of the app's service principal, or of the user."""
    permissions: frozenset[str]
    """Application permissions, or the scopes that the person's client has been given."""
    is_person: bool = False
    directory_roles: frozenset[str] = frozenset()
    """Those that were active when the person signed in, by name."""
