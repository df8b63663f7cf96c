"""Apps on their own behalf, with a secret or with a certificate.

https://learn.microsoft.com/entra/identity-platform/v2-oauth2-client-creds-grant-flow
"""

from collections.abc import Mapping

from simulator.entra.assertions import BadAssertion, check_claims, check_signature, parse
from simulator.entra.behaviour import Behaviour
from simulator.entra.directory import Directory
from simulator.entra.login.refused import Refused
from simulator.entra.microsoft_graph import APP_ID, BY_ID
from simulator.entra.registrations import Application
from simulator.entra.token import CLOUDS, Tokens
from simulator.messages import JSON

ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
_REGISTERED = "The certificate with identifier used to sign the client assertion {}]"
_USED = "Assertion failed signature validation. [Reason - The assertion was used before.]"


class Apps:
    """The client credentials grant."""

    def __init__(self, directory: Directory, behaviour: Behaviour, tokens: Tokens, tenant_id: str, domain: str) -> None:
        self._directory, self._behaviour, self._tokens = directory, behaviour, tokens
        self._names = (tenant_id, domain)
        self._used: dict[str, float] = {}
        """Each assertion's `jti`, and when it ends."""

    def grant(self, form: Mapping[str, str], host: str, now: float) -> dict[str, JSON]:
        """A token. Raises Refused."""
        client = form["client_id"]
        application, principal = self._directory.application_of(client), self._directory.principal_of(client)
        if application is None or principal is None:
            raise Refused(700016, client=client)
        if application.disabled or not principal.enabled:
            raise Refused(7000112, client=client, name=application.name)
        audience = next((graph for graph in CLOUDS[host] if form["scope"] == f"https://{graph}/.default"), None)
        if audience is None:
            raise Refused(70011)
        if "client_assertion" in form:
            self._check_assertion(application, form, host, now)
        elif "client_secret" in form:
            self._check_secret(application, form["client_secret"], now)
        else:
            raise Refused(7000218)
        lifetime = self._behaviour.token_seconds
        token = self._tokens.for_app(principal, self._roles(principal.id, now), audience, now, lifetime)
        return {"token_type": "Bearer", "expires_in": lifetime, "ext_expires_in": lifetime, "access_token": token}

    def _roles(self, principal_id: str, now: float) -> set[str]:
        """The permissions of Microsoft Graph that a token says."""
        graph = self._directory.principal_of(APP_ID)
        granted = self._directory.granted_to(principal_id, now, self._behaviour.grant_lag)
        return {BY_ID[each.role_id] for each in granted if graph and each.resource_id == graph.id}

    def _check_secret(self, application: Application, value: str, now: float) -> None:
        known = (each for each in application.secrets if now - each.added >= self._behaviour.credential_lag)
        secret = next((each for each in known if each.value == value), None)
        if secret is None or secret.begins > now:
            raise Refused(7000215)
        if secret.expires <= now:
            raise Refused(7000222, client=application.client_id)

    def _check_assertion(self, application: Application, form: Mapping[str, str], host: str, now: float) -> None:
        if form.get("client_assertion_type") != ASSERTION_TYPE:
            raise Refused(900144, parameter="client_assertion_type")
        try:
            assertion = parse(form["client_assertion"])
            known = [each for each in application.certificates if now - each.added >= self._behaviour.credential_lag]
            check_signature(assertion, known, now, by_sha256=self._behaviour.takes_x5t_s256)
            check_claims(assertion, form["client_id"], [f"https://{host}/{name}/oauth2/v2.0/token" for name in self._names], now)
        except BadAssertion as bad:
            message = _REGISTERED.format(bad.reason) if bad.code == 700027 else None
            raise Refused(bad.code, message, reason=bad.reason) from None
        self._check_unused(str(assertion.claims.get("jti", "")), assertion.claims["exp"], now)

    def _check_unused(self, identifier: str, ends: JSON, now: float) -> None:
        self._used = {each: until for each, until in self._used.items() if until > now}
        if not self._behaviour.assertions_repeat and (not identifier or identifier in self._used):
            raise Refused(50013, _USED)
        self._used[identifier] = float(ends) + 600.0 if isinstance(ends, (int, float)) else now
