"""The Worker's access token: asked for with the client secret, kept until shortly before it expires, errors told apart."""

import json
from dataclasses import dataclass, field

from settings import Settings
from wire import ATTEMPTS, TRANSIENT, Reply, Wire, percent_encode

TOKEN_MARGIN_SECONDS = 300.0

_NEW_SECRET = "put a new one with `npx wrangler secret put AZURE_AD_CLIENT_SECRET`"
_REMEDIES = {
    7000215: "the client secret is wrong: put the secret's value, not its ID, with `npx wrangler secret put AZURE_AD_CLIENT_SECRET`",
    7000222: f"the client secret has expired: create another in the app registration and {_NEW_SECRET}",
    7000112: "the app is disabled in this tenant: enable sign-in in its enterprise application's properties",
    700016: "the tenant knows no app with this AZURE_AD_CLIENT_ID: check both ids in wrangler.toml, and where the app was registered",
    90002: "there is no such tenant: check AZURE_AD_TENANT_ID, and AZURE_CLOUD if the tenant lives in a government cloud",
    900023: "AZURE_AD_TENANT_ID is neither a tenant ID nor a verified domain: correct it in wrangler.toml",
    900144: "the token request lacks a field: check that the client ID and the secret are not empty",
    700027: "the signature of the app's certificate assertion is not accepted: this Worker signs in with a client secret, " + _NEW_SECRET,
    700024: "the app's certificate assertion is outside its time range: this Worker signs in with a client secret, " + _NEW_SECRET,
    70021: "no federated credential of the app matches: this Worker signs in with a client secret, " + _NEW_SECRET,
}
"""What to do about the `error_codes` of the token endpoint
(https://learn.microsoft.com/entra/identity-platform/reference-error-codes)."""


class AuthError(Exception):
    """Microsoft Entra issues no token, so nothing can be read or written; the message says why and what to do.

    `code` is the number after AADSTS, 0 where there is none; `request_ids` are what Microsoft's support asks for.
    """

    def __init__(self, message: str, *, code: int = 0, request_ids: tuple[str, ...] = ()) -> None:
        self.code = code
        self.request_ids = request_ids
        super().__init__(message)


@dataclass(slots=True)
class Token:
    """An access token, when a new one is to be asked for and when it expires, in epoch seconds; empty when there is none."""

    value: str = field(default="", repr=False)
    use_until: float = 0.0
    expires: float = 0.0

    def drop(self) -> None:
        """Forget it, so that the next request asks for another: one with newly granted permissions, say."""
        self.value = ""

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


async def sign_in(wire: Wire, settings: Settings, token: Token) -> None:
    """Fill `token`, unless it is still good. Raises AuthError, or OutOfBudget.

    The client-credentials form, every value percent-encoded: secrets contain `~`, older ones `+`, `/` and `=`
    (https://learn.microsoft.com/entra/identity-platform/v2-oauth2-client-creds-grant-flow).
    """
    if token.value and wire.clock.now() < token.use_until:
        return
    url = f"https://{settings.cloud.login}/{settings.tenant_id}/oauth2/v2.0/token"
    headers = {"content-type": "application/x-www-form-urlencoded", "accept": "application/json"}
    form = {
        "client_id": settings.client_id,
        "scope": f"https://{settings.cloud.graph}/.default",
        "client_secret": settings.client_secret,
        "grant_type": "client_credentials",
    }
    body = "&".join(f"{name}={percent_encode(value)}" for name, value in form.items())
    for attempt in range(1, ATTEMPTS + 1):
        request_id = wire.new_id()
        reply = await wire.send("POST", url, {**headers, "client-request-id": request_id}, body)
        if _accept(reply, token, wire.clock.now()):
            return
        transient = reply.status in TRANSIENT or reply.status == 200
        if transient and token.value and wire.clock.now() < token.expires:
            return  # the old one still works: an outage of minutes goes unnoticed
        wait = wire.backoff(attempt, reply.headers.get("retry-after"))
        if not transient or attempt == ATTEMPTS or wire.clock.now() + wait >= wire.deadline:
            message = f"No access token from {settings.cloud.login}: {_reason(reply, wait)}."
            raise AuthError(message, code=_error_code(reply), request_ids=(request_id,))
        await wire.clock.sleep(wait)


def _accept(reply: Reply, token: Token, now: float) -> bool:
    if reply.status != 200:
        return False
    try:
        answer = json.loads(reply.body)
        value, lifetime = answer["access_token"], float(answer["expires_in"])
    except (ValueError, TypeError, KeyError, RecursionError):
        return False
    if not isinstance(value, str) or not value.isascii() or not value.isprintable() or not 0 < lifetime < 1e9:
        return False
    token.value = value
    token.expires = now + lifetime
    token.use_until = token.expires - min(TOKEN_MARGIN_SECONDS, lifetime / 2)
    return True


def _reason(reply: Reply, wait: float) -> str:
    if reply.status == 0:
        return "no answer; the next minute tries again"
    if 300 <= reply.status < 400:
        return "the answer is a redirect, which is not followed because the secret would go with it; look for a proxy in between"
    if reply.status == 200:
        return "the answer is not a token; the next minute tries again"
    if reply.status in TRANSIENT:
        return f"it answers {reply.status} and asks for a pause of {wait:.0f} s; the next minute tries again"
    code = _error_code(reply)
    known = _REMEDIES.get(code) or (_REMEDIES[70021] if 700210 <= code <= 700219 else "")
    if known:
        return f"AADSTS{code}, {known}"
    if code:
        return f"AADSTS{code}; see https://login.microsoftonline.com/error?code={code}"
    return f"it answers {reply.status}; check AZURE_AD_TENANT_ID and AZURE_CLOUD"


def _error_code(reply: Reply) -> int:
    """The first of `error_codes`: to be told apart by number, never by text."""
    try:
        code = json.loads(reply.body)["error_codes"][0]
    except (ValueError, TypeError, LookupError, RecursionError):
        return 0
    return code if type(code) is int and 0 < code < 10**9 else 0
