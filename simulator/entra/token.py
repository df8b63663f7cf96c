"""Access tokens: what they say, and which of them are good (https://learn.microsoft.com/entra/identity-platform/access-token-claims-reference)."""

import base64
import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from random import Random

from simulator.entra.caller import Caller
from simulator.entra.directory import User
from simulator.entra.directory_roles import EVERYBODY, ROLE_TEMPLATES
from simulator.entra.registrations import ServicePrincipal
from simulator.messages import JSON

CLOUDS = {
    "login.microsoftonline.com": ("graph.microsoft.com",),
    "login.microsoftonline.us": ("graph.microsoft.us", "dod-graph.microsoft.us"),
}
"""Which Graph each login host issues tokens for."""
GRAPH_HOSTS = frozenset(host for hosts in CLOUDS.values() for host in hosts)


@dataclass(frozen=True, slots=True)
class IssuedToken:
    """A token, whom it stands for, where, and until when (epoch seconds)."""

    caller: Caller
    host: str
    expires: float


class Tokens:
    """The tokens of one tenant, by their text. `cloud` is the login host that the tenant is at."""

    def __init__(self, tenant_id: str, random: Random) -> None:
        self.issued: dict[str, IssuedToken] = {}
        self.cloud = "login.microsoftonline.com"
        self._tenant, self._random = tenant_id, random

    def for_app(self, principal: ServicePrincipal, roles: Collection[str], audience: str, now: float, lifetime: float) -> str:
        """A token for an app on its own behalf."""
        claims = self._claims(principal.client_id, principal.id, audience, now, lifetime)
        claims |= {"idtyp": "app", "app_displayname": principal.name}
        if roles:
            claims["roles"] = [*sorted(roles)]
        return self._issue(claims, Caller(principal.client_id, principal.id, frozenset(roles)), audience, now + lifetime)

    def for_person(self, user: User, client_id: str, scopes: Collection[str], audience: str, now: float, lifetime: float) -> str:
        """A token for somebody by a client; directory roles are those that are active now."""
        roles = frozenset(user.roles)
        claims = self._claims(client_id, user.id, audience, now, lifetime)
        claims |= {
            "idtyp": "user",
            "name": user.name,
            "scp": " ".join([*sorted(scopes), "email", "openid", "profile"]),
            "unique_name": user.principal_name,
            "upn": user.principal_name,
            "wids": [*sorted(ROLE_TEMPLATES[role] for role in roles), EVERYBODY],
        }
        caller = Caller(client_id, user.id, frozenset(scopes), is_person=True, directory_roles=roles)
        return self._issue(claims, caller, audience, now + lifetime)

    def id_token(self, user: User, client_id: str, nonce: str | None, now: float, lifetime: float) -> str:
        """Who signed in, for the client itself."""
        claims: dict[str, JSON] = {
            "aud": client_id,
            "iss": f"https://{self.cloud}/{self._tenant}/v2.0",
            "iat": int(now),
            "nbf": int(now),
            "exp": int(now + lifetime),
            "name": user.name,
            "oid": user.id,
            "preferred_username": user.principal_name,
            "sub": user.id,
            "tid": self._tenant,
            "ver": "2.0",
        }
        return _unsigned(claims if nonce is None else claims | {"nonce": nonce})

    def _claims(self, client_id: str, object_id: str, audience: str, now: float, lifetime: float) -> dict[str, JSON]:
        return {
            "aud": f"https://{audience}",
            "iss": f"https://sts.windows.net/{self._tenant}/",
            "iat": int(now),
            "nbf": int(now),
            "exp": int(now + lifetime),
            "appid": client_id,
            "oid": object_id,
            "sub": object_id,
            "tid": self._tenant,
            "ver": "1.0",
            "jti": f"{self._random.getrandbits(128):032x}",
        }

    def _issue(self, claims: Mapping[str, JSON], caller: Caller, audience: str, expires: float) -> str:
        token = _unsigned(claims)
        self.issued[token] = IssuedToken(caller, audience, expires)
        return token


def _unsigned(claims: Mapping[str, JSON]) -> str:
    """A token that only its issuer can tell from a forged one: he keeps it."""
    parts: list[Mapping[str, JSON]] = [{"alg": "none", "typ": "JWT"}, claims]
    return ".".join(base64.urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=") for part in parts) + ".unsigned"
