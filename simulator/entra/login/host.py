"""The login host's addresses: token, authorize, devicecode, and what authentication libraries ask for first."""

import re
from collections.abc import Mapping
from html import escape
from random import Random
from urllib.parse import parse_qs, parse_qsl, urlencode, urlsplit

from simulator.entra.behaviour import Behaviour
from simulator.entra.directory import Directory
from simulator.entra.login.apps import Apps
from simulator.entra.login.people import DEVICE_GRANT, People
from simulator.entra.login.refused import Refused, answer, json_response
from simulator.entra.token import Tokens
from simulator.messages import JSON, Refusal, Request, Response

_LOOPBACK = re.compile(r"http://localhost(:[0-9]{1,5})?/?", re.ASCII)
_ANY_TENANT = ("organizations", "common")
_HTML = {"Content-Type": "text/html; charset=utf-8", "Cache-Control": "no-store, no-cache"}


class LoginHost:
    """Answers for login.microsoftonline.com and its likes, as one tenant."""

    def __init__(self, tenant_id: str, domain: str, directory: Directory, behaviour: Behaviour, tokens: Tokens, random: Random) -> None:
        self._tenant, self._domain, self._tokens, self._random, self._behaviour = tenant_id, domain, tokens, random, behaviour
        self._apps = Apps(directory, behaviour, tokens, tenant_id, domain)
        self.people = People(directory, behaviour, tokens, random, tenant_id)

    def handle(self, request: Request, host: str, path: str, now: float) -> Response:
        """A token, a page, or an error as JSON."""
        tenant, _, rest = path.strip("/").partition("/")
        try:
            match request.method, rest:
                case "GET", "discovery/instance" if tenant == "common":
                    return _discovery(host, tenant)
                case "GET", "v2.0/.well-known/openid-configuration":
                    self._check_tenant(tenant, host, people=True)
                    return _configuration(host, tenant)
                case "GET", "oauth2/v2.0/authorize":
                    return self._authorize(dict(parse_qsl(urlsplit(request.url).query)), host, tenant, now)
                case "POST", "oauth2/v2.0/devicecode":
                    return json_response(200, self._begin_device(_form(request), host, tenant, now))
                case "POST", "oauth2/v2.0/token":
                    return json_response(200, self._grant(_form(request), host, tenant, now))
        except Refused as refused:
            return answer(refused, self._tokens.cloud, now, self._random)
        return json_response(404, {"error": "invalid_request", "error_description": "not found"})

    def refuse(self, refusal: Refusal, request: Request, now: float) -> Response:
        """An error that is no fault of the request: one of AADSTS' if `code` names it, else 90033, which is a transient one."""
        number = refusal.code.removeprefix("AADSTS")
        code = int(number) if number.isdecimal() and number != refusal.code else 90033
        form = {name: values[0] for name, values in parse_qs(request.body.decode(errors="replace")).items()}
        refused = Refused(code, refusal.message, tenant=self._tenant, client=form.get("client_id", ""))
        plain = answer(refused, self._tokens.cloud, now, self._random)
        return Response(refusal.status, {**plain.headers, **refusal.headers}, plain.body)

    def _grant(self, form: Mapping[str, str], host: str, tenant: str, now: float) -> dict[str, JSON]:
        _require(form, "grant_type", "client_id")
        for_people = form["grant_type"] in ("authorization_code", "refresh_token", DEVICE_GRANT)
        if not for_people:
            _require(form, "scope")
        self._check_tenant(tenant, host, people=for_people)
        if for_people:
            return self.people.grant(form, now)
        if form["grant_type"] != "client_credentials":
            raise Refused(70011)
        return self._apps.grant(form, host, now)

    def _begin_device(self, form: Mapping[str, str], host: str, tenant: str, now: float) -> dict[str, JSON]:
        _require(form, "client_id", "scope")
        self._check_tenant(tenant, host, people=True)
        return self.people.begin_device(form, host, now)

    def _authorize(self, query: Mapping[str, str], host: str, tenant: str, now: float) -> Response:
        """To the client's address with a code; or, as errors are shown, with the error, or a page that says it."""
        _require(query, "client_id", "response_type", "redirect_uri", "scope")
        self._check_tenant(tenant, host, people=True)
        if not _LOOPBACK.fullmatch(query["redirect_uri"]):
            raise Refused(50011, redirect=query["redirect_uri"])
        if self.people.at_keyboard is None:
            return Response(200, _HTML, b"<!DOCTYPE html><title>Sign in to your account</title>")
        try:
            found = self.people.authorize(query, host, now)
        except Refused as refused:
            if self._behaviour.authorize_errors == "page":
                return Response(200, _HTML, f"<!DOCTYPE html><title>Sign in</title><p>{escape(refused.message)}</p>".encode())
            found = {"error": refused.looks.error, "error_description": refused.message}
        if "state" in query:
            found["state"] = query["state"]
        if query.get("response_mode") == "form_post":
            fields = "".join(f'<input type="hidden" name="{name}" value="{escape(value)}">' for name, value in found.items())
            return Response(
                200, _HTML, f'<!DOCTYPE html><form method="POST" action="{escape(query["redirect_uri"])}">{fields}</form>'.encode()
            )
        return Response(302, {"Location": f"{query['redirect_uri']}?{urlencode(found)}"})

    def _check_tenant(self, tenant: str, host: str, *, people: bool) -> None:
        """Raises Refused for whoever asks for another tenant, or in another cloud. People need not know theirs."""
        if host == self._tokens.cloud and (tenant in (self._tenant, self._domain) or (people and tenant in _ANY_TENANT)):
            return
        malformed = "." not in tenant and tenant.count("-") != 4
        raise Refused(900023 if malformed else 90002, tenant=tenant)


def _discovery(host: str, tenant: str) -> Response:
    aliases: list[JSON] = [host]
    body: JSON = {
        "tenant_discovery_endpoint": f"https://{host}/{tenant}/v2.0/.well-known/openid-configuration",
        "api-version": "1.1",
        "metadata": [{"preferred_network": host, "preferred_cache": host, "aliases": aliases}],
    }
    return json_response(200, body)


def _configuration(host: str, tenant: str) -> Response:
    base = f"https://{host}/{tenant}"
    body: JSON = {
        "token_endpoint": f"{base}/oauth2/v2.0/token",
        "authorization_endpoint": f"{base}/oauth2/v2.0/authorize",
        "device_authorization_endpoint": f"{base}/oauth2/v2.0/devicecode",
        "issuer": f"{base}/v2.0",
        "tenant_region_scope": "EU",
    }
    return json_response(200, body)


def _require(form: Mapping[str, str], *names: str) -> None:
    for name in names:
        if name not in form:
            raise Refused(900144, parameter=name)


def _form(request: Request) -> dict[str, str]:
    """The request's fields. Raises Refused where it is no form."""
    headers = {name.lower(): value for name, value in request.headers.items()}
    if not headers.get("content-type", "").startswith("application/x-www-form-urlencoded"):
        raise Refused(900144, parameter="grant_type")
    return {name: values[0] for name, values in parse_qs(request.body.decode(errors="replace")).items()}
