"""The token endpoint, with the errors that administrators meet (https://learn.microsoft.com/entra/identity-platform/reference-error-codes)."""

import base64
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from random import Random
from urllib.parse import parse_qs
from uuid import UUID

from simulator.directory import App
from simulator.messages import JSON, Refusal, Request, Response, as_json

CLOUDS = {
    "login.microsoftonline.com": ("graph.microsoft.com",),
    "login.microsoftonline.us": ("graph.microsoft.us", "dod-graph.microsoft.us"),
}
"""Which Graph each login host issues tokens for."""
GRAPH_HOSTS = frozenset(host for hosts in CLOUDS.values() for host in hosts)


@dataclass(frozen=True, slots=True)
class IssuedToken:
    """A token, the app it stands for, what it may do, where, and until when (epoch seconds)."""

    client_id: str
    roles: frozenset[str]
    host: str
    expires: float


class TokenEndpoint:
    """Issues tokens to the tenant's apps."""

    def __init__(self, tenant_id: str, domain: str, apps: Mapping[str, App], random: Random) -> None:
        self.issued: dict[str, IssuedToken] = {}
        self.cloud = "login.microsoftonline.com"
        self._tenant, self._domain, self._apps, self._random = tenant_id, domain, apps, random

    def handle(self, request: Request, host: str, path: str, now: float, lifetime: int) -> Response:
        """A token or an error, as JSON."""
        tenant, _, rest = path.strip("/").partition("/")
        if rest == "v2.0/.well-known/openid-configuration" or path.startswith("/common/discovery/instance"):
            return self._metadata(host, tenant, rest, now)
        if rest != "oauth2/v2.0/token" or request.method != "POST":
            return _json(404, {"error": "invalid_request", "error_description": "not found"})
        headers = {name.lower(): value for name, value in request.headers.items()}
        if not headers.get("content-type", "").startswith("application/x-www-form-urlencoded"):
            return self._error(400, "invalid_request", 900144, "The request body must be a form.", now)
        form = {name: values[0] for name, values in parse_qs(request.body.decode(errors="replace")).items()}
        return self._grant(form, host, tenant, now, lifetime)

    def unavailable(self, refusal: Refusal, now: float) -> Response:
        """What stands for any trouble on the login host's side: AADSTS90033 is a transient error."""
        answer = self._error(refusal.status, "temporarily_unavailable", 90033, refusal.message, now)
        return Response(answer.status, {**answer.headers, **refusal.headers}, answer.body)

    def _grant(self, form: Mapping[str, str], host: str, tenant: str, now: float, lifetime: int) -> Response:
        for name in ("grant_type", "client_id", "scope"):
            if name not in form:
                return self._error(400, "invalid_request", 900144, f"The request body must contain the following parameter: '{name}'.", now)
        if unknown := self._unknown(tenant, host, now):
            return unknown
        app = self._apps.get(form["client_id"].lower())
        if app is None:
            return self._error(400, "unauthorized_client", 700016, f"Application '{form['client_id']}' was not found.", now)
        if app.disabled:
            return self._error(401, "invalid_client", 7000112, f"Application '{app.client_id}'({app.name}) is disabled.", now)
        audience = next((graph for graph in CLOUDS[host] if form["scope"] == f"https://{graph}/.default"), None)
        if form["grant_type"] != "client_credentials" or audience is None:
            return self._error(400, "invalid_scope", 70011, "The provided value for the input parameter 'scope' is not valid.", now)
        if "client_assertion" in form:
            return self._error(401, "invalid_client", 700027, "The certificate with this identifier is not registered on the app.", now)
        if "client_secret" not in form:
            message = "The request body must contain the following parameter: 'client_assertion' or 'client_secret'."
            return self._error(401, "invalid_client", 7000218, message, now)
        secret = next((secret for secret in app.secrets if secret.value == form.get("client_secret")), None)
        if secret is None:
            hint = "Ensure the secret being sent in the request is the client secret value, not the client secret ID."
            return self._error(401, "invalid_client", 7000215, f"Invalid client secret provided. {hint}", now)
        if secret.expires <= now:
            return self._error(401, "invalid_client", 7000222, f"The client secret keys for app '{app.client_id}' are expired.", now)
        token = self._issue(app, audience, now, lifetime)
        return _json(200, {"token_type": "Bearer", "expires_in": lifetime, "ext_expires_in": lifetime, "access_token": token})

    def _unknown(self, tenant: str, host: str, now: float) -> Response | None:
        """The error of whoever asks for another tenant, or in another cloud."""
        if tenant in (self._tenant, self._domain) and host == self.cloud:
            return None
        if "." not in tenant and tenant.count("-") != 4:
            return self._error(400, "invalid_request", 900023, f"Specified tenant identifier '{tenant}' is not valid.", now)
        return self._error(400, "invalid_tenant", 90002, f"Tenant '{tenant}' not found.", now)

    def _issue(self, app: App, audience: str, now: float, lifetime: int) -> str:
        claims: dict[str, JSON] = {
            "aud": f"https://{audience}",
            "iss": f"https://sts.windows.net/{self._tenant}/",
            "iat": int(now),
            "exp": int(now + lifetime),
            "appid": app.client_id,
            "oid": app.object_id,
            "tid": self._tenant,
            "roles": [*sorted(app.permissions)],
            "jti": f"{self._random.getrandbits(128):032x}",
        }
        if not app.permissions:
            del claims["roles"]
        parts: list[Mapping[str, JSON]] = [{"alg": "none", "typ": "JWT"}, claims]
        token = ".".join(base64.urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=") for part in parts) + ".unsigned"
        self.issued[token] = IssuedToken(app.client_id, frozenset(app.permissions), audience, now + lifetime)
        return token

    def _error(self, status: int, error: str, code: int, message: str, now: float) -> Response:
        trace, correlation = (str(UUID(int=self._random.getrandbits(128), version=4)) for _ in range(2))
        stamp = datetime.fromtimestamp(now, UTC).strftime("%Y-%m-%d %H:%M:%SZ")
        description = f"AADSTS{code}: {message}\r\nTrace ID: {trace}\r\nCorrelation ID: {correlation}\r\nTimestamp: {stamp}"
        body: JSON = {
            "error": error,
            "error_description": description,
            "error_codes": [code],
            "timestamp": stamp,
            "trace_id": trace,
            "correlation_id": correlation,
            "error_uri": f"https://{self.cloud}/error?code={code}",
        }
        return _json(status, body)

    def _metadata(self, host: str, tenant: str, rest: str, now: float) -> Response:
        """What authentication libraries ask for before they ask for a token."""
        if not rest.endswith("openid-configuration"):
            aliases: list[JSON] = [host]
            return _json(
                200,
                {
                    "tenant_discovery_endpoint": f"https://{host}/{tenant}/v2.0/.well-known/openid-configuration",
                    "api-version": "1.1",
                    "metadata": [{"preferred_network": host, "preferred_cache": host, "aliases": aliases}],
                },
            )
        if unknown := self._unknown(tenant, host, now):
            return unknown
        base = f"https://{host}/{tenant}"
        return _json(
            200,
            {
                "token_endpoint": f"{base}/oauth2/v2.0/token",
                "authorization_endpoint": f"{base}/oauth2/v2.0/authorize",
                "device_authorization_endpoint": f"{base}/oauth2/v2.0/devicecode",
                "issuer": f"{base}/v2.0",
                "tenant_region_scope": "EU",
            },
        )


def _json(status: int, body: JSON) -> Response:
    return Response(status, {"Content-Type": "application/json; charset=utf-8", "Cache-Control": "no-store, no-cache"}, as_json(body))
