"""What the login host remembers of people who are about to sign in, or have. Times in epoch seconds."""

from dataclasses import dataclass

from simulator.entra.directory import User

CODE_SECONDS = 600.0
DEVICE_SECONDS = 900.0
REFRESH_SECONDS = 90 * 86_400.0


@dataclass(frozen=True, slots=True)
class Session:
    """Somebody's sign-in by a client; one begun by device code stays marked as such
    (https://learn.microsoft.com/entra/identity/conditional-access/concept-authentication-flows)."""

    user: User
    client_id: str
    scopes: frozenset[str]
    audience: str
    by_device_code: bool = False
    nonce: str | None = None


@dataclass(slots=True)
class Code:
    """An authorization code, for whoever holds the verifier of its challenge."""

    session: Session
    redirect: str
    challenge: str
    ends: float
    redeemed: bool = False


@dataclass(slots=True)
class Device:
    """A device code, until somebody has entered its user code."""

    user_code: str
    client_id: str
    scopes: frozenset[str]
    audience: str
    ends: float
    session: Session | None = None
    declined: bool = False
