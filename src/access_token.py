"""The Worker's access token: asked for with the client secret, kept until shortly before it expires, errors told apart."""

import json
from dataclasses import dataclass, field

from budget import Budget, HttpResponse
from errors import AuthError
from retry import ATTEMPTS, TRANSIENT, backoff
from settings import Settings
from text import parse, percent_encode

MARGIN_SECONDS = 300.0
"""So long before it expires a token is renewed."""
RENEWAL_PAUSE_SECONDS = 45.0
"""So long a token that still works is used on when its renewal met an outage."""

_NEW_SECRET = "put a new one with `npx wrangler secret put AZURE_AD_CLIENT_SECRET`"
_SIGNS_IN_WITH_A_SECRET = f"this Worker signs in with a client secret, {_NEW_SECRET}"
_REMEDIES = {
    7000215: "the client secret is wrong: put the secret's value, not its ID, with `npx wrangler secret put AZURE_AD_CLIENT_SECRET`",
    7000222: f"the client secret has expired: create another in the app registration and {_NEW_SECRET}",
    7000112: "the app is disabled in this tenant: enable sign-in in its enterprise application's properties",
    7000229: "the app has no service principal in this tenant: create it with `az ad sp create --id <AZURE_AD_CLIENT_ID>`",
    700016: "the tenant knows no app with this AZURE_AD_CLIENT_ID: check both ids in wrangler.toml, and where the app was registered",
    90002: "there is no such tenant: check AZURE_AD_TENANT_ID, and AZURE_CLOUD if the tenant lives in a government cloud",
    900023: "AZURE_AD_TENANT_ID is neither a tenant ID nor a verified domain: correct it in wrangler.toml",
    900144: "the token request lacks a field: check that the client ID and the secret are not empty",
    **dict.fromkeys((900382, 900432, 900439), "the tenant lives in another of Microsoft's clouds: set AZURE_CLOUD in wrangler.toml"),
    53003: "Conditional Access for workload identities blocks the app: exclude the app from the policy, or the locations of its requests",
    700027: f"the signature of the app's certificate assertion is not accepted: {_SIGNS_IN_WITH_A_SECRET}",
    700024: f"the app's certificate assertion is outside its time range: {_SIGNS_IN_WITH_A_SECRET}",
    **dict.fromkeys((70021, *range(700210, 700220)), f"no federated credential of the app matches: {_SIGNS_IN_WITH_A_SECRET}"),
}
"""What to do about the `error_codes` of the token endpoint
(https://learn.microsoft.com/entra/identity-platform/reference-error-codes)."""

WRONG_TENANT = frozenset({90002, 900023, 900382, 900432, 900439})
"""Those that say nothing of the app, for the tenant is not where it was looked for."""

_EXPLAINED_AT = "https://login.microsoftonline.com/error?code="


@dataclass(slots=True)
class AccessToken:
    """An access token, when a new one is to be asked for and when it expires, in epoch seconds; empty when there is none."""

    value: str = field(default="", repr=False)
    use_until: float = 0.0
    expires: float = 0.0

    @property
    def roles(self) -> frozenset[str] | None:
        """The application permissions in the token, for diagnosis only; None where it cannot be read, being opaque by contract."""
        import base64  # rarely needed, and not free at a cold start

        try:
            claims = json.loads(base64.urlsafe_b64decode(self.value.split(".")[1] + "=="))
            roles = claims.get("roles", [])
            return frozenset(str(role) for role in roles) if isinstance(roles, list) else None
        except (ValueError, IndexError, AttributeError, RecursionError):
            return None


async def sign_in(budget: Budget, settings: Settings, token: AccessToken) -> None:
    """Fill `token`, unless it is still good. Raises AuthError, or OutOfBudget.

    The client-credentials form, every value percent-encoded: secrets contain `~`, older ones `+`, `/` and `=`
    (https://learn.microsoft.com/entra/identity-platform/v2-oauth2-client-creds-grant-flow). While the old token works, an
    outage of the login host costs one request a pause and nothing else.
    """
    clock = budget.clock
    if token.value and clock.now() < token.use_until:
        return
    host = settings.cloud.login
    url = f"https://{host}/{settings.tenant_id}/oauth2/v2.0/token"
    headers = {"content-type": "application/x-www-form-urlencoded", "accept": "application/json"}
    form = {"client_id": settings.client_id, "client_secret": settings.client_secret, "grant_type": "client_credentials"}
    form["scope"] = f"https://{settings.cloud.graph}/.default"
    body = "&".join(f"{name}={percent_encode(value)}" for name, value in form.items())
    for attempt in range(1, ATTEMPTS + 1):
        request_id = budget.new_id()
        response = await budget.send("POST", url, {**headers, "client-request-id": request_id}, body)
        now = clock.now()
        if _accept(response, token, now):
            return
        transient = response.status in TRANSIENT or response.status == 200
        if transient and token.value and now < token.expires:
            token.use_until = now + RENEWAL_PAUSE_SECONDS
            return
        wait = backoff(attempt, response.headers.get("retry-after"), now=now, chance=budget.random.random())
        if not transient or attempt == ATTEMPTS or not budget.allows(host, now + wait):
            code = _error_code(response)
            raise AuthError(f"No access token from {host}: {_reason(response, code, wait)}.", code=code, request_ids=(request_id,))
        await clock.sleep(wait)


def _accept(response: HttpResponse, token: AccessToken, now: float) -> bool:
    answer = parse(response.body) if response.status == 200 else None
    try:
        value, lifetime = answer["access_token"], float(answer["expires_in"])  # type: ignore[index,arg-type,call-overload]  # told by the exception
    except (ValueError, TypeError, LookupError):
        return False
    if not isinstance(value, str) or not value.isascii() or not value.isprintable() or not 0 < lifetime < 1e9:
        return False
    token.value = value
    token.expires = now + lifetime
    token.use_until = token.expires - min(MARGIN_SECONDS, lifetime / 2)
    return True


def _reason(response: HttpResponse, code: int, wait: float) -> str:
    if response.status in TRANSIENT or response.status == 200:
        pause = f"it answers {response.status} and asks for a pause of {wait:.0f} s"
        return f"{ {0: 'no answer', 200: 'the answer is not a token'}.get(response.status, pause) }; the next minute tries again"
    if 300 <= response.status < 400:
        return "the answer is a redirect, which is not followed because the secret would go with it; look for a proxy in between"
    if code:
        return f"AADSTS{code}, {_REMEDIES[code]}" if code in _REMEDIES else f"AADSTS{code}; see {_EXPLAINED_AT}{code}"
    return f"it answers {response.status}; check AZURE_AD_TENANT_ID and AZURE_CLOUD"


def _error_code(response: HttpResponse) -> int:
    """The first of `error_codes`: to be told apart by number, never by text."""
    answer = parse(response.body)
    codes = answer.get("error_codes") if isinstance(answer, dict) else None
    code = codes[0] if isinstance(codes, list) and codes else 0
    return code if type(code) is int and 0 < code < 10**9 else 0
