"""The token endpoint, with the errors that administrators meet (https://learn.microsoft.com/entra/identity-platform/reference-error-codes)."""

import base64
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from random import Random
from string import Template
from urllib.parse import parse_qs
from uuid import UUID

from simulator.entra.directory import App
from simulator.entra.sign_in_errors import SignInError, sign_in_error
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
        if not _is_form(request):
            return self._error(900144, now, parameter="grant_type")
        return self._grant(_form(request), host, tenant, now, lifetime)

    def refuse(self, refusal: Refusal, request: Request, now: float) -> Response:
        """An error that is no fault of the request: one of AADSTS' if `code` names it, else 90033, which is a transient one."""
        number = refusal.code.removeprefix("AADSTS")
        code = int(number) if number.isdecimal() and number != refusal.code else 90033
        looks = SignInError(refusal.status, sign_in_error(code).error, refusal.message)
        answer = self._answer(looks, code, now, tenant=self._tenant, client=_form(request).get("client_id", ""))
        return Response(answer.status, {**answer.headers, **refusal.headers}, answer.body)

    def _grant(self, form: Mapping[str, str], host: str, tenant: str, now: float, lifetime: int) -> Response:
        for name in ("grant_type", "client_id", "scope"):
            if name not in form:
                return self._error(900144, now, parameter=name)
        if unknown := self._unknown(tenant, host, now):
            return unknown
        client = form["client_id"]
        app = self._apps.get(client.lower())
        if app is None:
            return self._error(700016, now, client=client)
        if app.disabled:
            return self._error(7000112, now, client=client, name=app.name)
        audience = next((graph for graph in CLOUDS[host] if form["scope"] == f"https://{graph}/.default"), None)
        if form["grant_type"] != "client_credentials" or audience is None:
            return self._error(70011, now)
        if "client_assertion" in form:
            return self._error(700027, now)
        if "client_secret" not in form:
            return self._error(7000218, now)
        secret = next((secret for secret in app.secrets if secret.value == form["client_secret"]), None)
        if secret is None:
            return self._error(7000215, now)
        if secret.expires <= now:
            return self._error(7000222, now, client=client)
        token = self._issue(app, audience, now, lifetime)
        return _json(200, {"token_type": "Bearer", "expires_in": lifetime, "ext_expires_in": lifetime, "access_token": token})

    def _unknown(self, tenant: str, host: str, now: float) -> Response | None:
        """The error of whoever asks for another tenant, or in another cloud."""
        if tenant in (self._tenant, self._domain) and host == self.cloud:
            return None
        malformed = "." not in tenant and tenant.count("-") != 4
        return self._error(900023 if malformed else 90002, now, tenant=tenant)

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

    def _error(self, code: int, now: float, **facts: str) -> Response:
        return self._answer(sign_in_error(code), code, now, **facts)

    def _answer(self, looks: SignInError, code: int, now: float, **facts: str) -> Response:
        message = Template(looks.message).safe_substitute(facts)
        trace, correlation = (str(UUID(int=self._random.getrandbits(128), version=4)) for _ in range(2))
        stamp = datetime.fromtimestamp(now, UTC).strftime("%Y-%m-%d %H:%M:%SZ")
        description = f"AADSTS{code}: {message}\r\nTrace ID: {trace}\r\nCorrelation ID: {correlation}\r\nTimestamp: {stamp}"
        body: JSON = {
            "error": looks.error,
            "error_description": description,
            "error_codes": [code],
            "timestamp": stamp,
            "trace_id": trace,
            "correlation_id": correlation,
            "error_uri": f"https://{self.cloud}/error?code={code}",
        }
        return _json(looks.status, body)

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


def _is_form(request: Request) -> bool:
    headers = {name.lower(): value for name, value in request.headers.items()}
    return headers.get("content-type", "").startswith("application/x-www-form-urlencoded")


def _form(request: Request) -> dict[str, str]:
    return {name: values[0] for name, values in parse_qs(request.body.decode(errors="replace")).items()}


def _json(status: int, body: JSON) -> Response:
    return Response(status, {"Content-Type": "application/json; charset=utf-8", "Cache-Control": "no-store, no-cache"}, as_json(body))
