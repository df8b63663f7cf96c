"""The Worker's access token: asked for with certificate or client secret, kept until shortly before it expires, errors told apart."""

import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import TypeAlias

from budget import Budget, HttpResponse
from errors import AuthError
from retry import ATTEMPTS, TRANSIENT, backoff
from settings import Certificate, Settings
from text import parse, percent_encode

MARGIN_SECONDS = 300.0
"""So long before it expires a token is renewed."""
RENEWAL_PAUSE_SECONDS = 45.0
"""So long a token that still works is used on when its renewal met an outage."""

_NEW_SECRET = "put a new one with `npx wrangler secret put AZURE_AD_CLIENT_SECRET`"
_NEW_CERTIFICATE = "put a pair with `npx wrangler secret put AZURE_AD_CLIENT_CERTIFICATE`, and its certificate on the app registration"
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
    700027: (
        "the certificate is not on the app registration, has ended there, or is not the private key's; one that was added a moment "
        f"ago is known everywhere after some minutes: {_NEW_CERTIFICATE}"
    ),
    700024: "the certificate's assertion is outside its time range: check the clock of the machine that this runs on",
    700023: "the certificate's assertion is for another tenant or cloud: check AZURE_AD_TENANT_ID and AZURE_CLOUD in wrangler.toml",
    **dict.fromkeys((700021, 50048), "the certificate's assertion is another app's: check AZURE_AD_CLIENT_ID in wrangler.toml"),
    **dict.fromkeys((50012, 50013, 50027, 5002723, 5002738), f"the certificate's assertion is not accepted: {_NEW_CERTIFICATE}"),
    **dict.fromkeys((70021, *range(700210, 700220)), f"no federated credential of the app matches: {_NEW_SECRET}, or a certificate"),
}
"""What to do about the `error_codes` of the token endpoint
(https://learn.microsoft.com/entra/identity-platform/reference-error-codes)."""

WRONG_TENANT = frozenset({90002, 900023, 900382, 900432, 900439})
"""Those that say nothing of the app, for the tenant is not where it was looked for."""

_OF_THE_SIGNATURE = frozenset({50012, 50013, 50027, 700027, 5002723, 5002738})
"""What an assertion may meet that is signed in one way, and not in the other."""
REFUSED = _OF_THE_SIGNATURE | {50048, 700021, 700023, 700024, 7000215, 7000222}
"""What a credential meets that is not accepted."""

_EXPLAINED_AT = "https://login.microsoftonline.com/error?code="


ALGORITHMS = ("PS256", "RS256")
"""For the certificate's signature: the one Microsoft recommends, with a SHA-256 thumbprint, and the one it has always taken, with SHA-1."""

Sign: TypeAlias = Callable[[str, bytes, bytes], Awaitable[bytes]]
"""Signs by one of ALGORITHMS, with a private key (PKCS#8), these bytes. Raises ValueError where the key cannot be used."""


@dataclass(slots=True)
class AccessToken:
    """An access token, when it was issued, when a new one is to be asked for and when it expires, in epoch seconds; or none yet.

    `served` is what it was asked for with, one of ALGORITHMS or "secret"; `refused` why the certificate was not accepted, if
    so; `not_renewed` why no new one came in its last minutes.
    """

    value: str = field(default="", repr=False)
    issued: float = 0.0
    use_until: float = 0.0
    expires: float = 0.0
    served: str = ""
    refused: AuthError | None = None
    not_renewed: AuthError | None = None

    def renew(self, when: float) -> None:
        """Ask for another from then on (epoch seconds); this one serves until that is there."""
        self.use_until = min(self.use_until, when)

    @property
    def roles(self) -> frozenset[str] | None:
        """The application permissions in the token, for diagnosis only; None where it cannot be read, being opaque by contract."""
        from binascii import a2b_base64  # rarely needed

        try:
            payload = self.value.split(".")[1].translate({45: "+", 95: "/"})
            roles = json.loads(a2b_base64(f"{payload}==")).get("roles", [])
            return frozenset(str(role) for role in roles) if isinstance(roles, list) else None
        except (ValueError, IndexError, AttributeError, RecursionError):
            return None


async def unable_to_sign(algorithm: str, private_key: bytes, data: bytes) -> bytes:
    """Stands where nothing can sign."""
    raise ValueError


async def sign_in(budget: Budget, settings: Settings, token: AccessToken, sign: Sign = unable_to_sign) -> None:
    """Fill `token`, unless it is still good. Raises AuthError, or OutOfBudget.

    With the certificate first, by the algorithm that served the last time, and by the other where that may help; then with
    the secret. While the old token works, trouble costs a request a pause and nothing else.
    """
    if token.value and budget.clock.now() < token.use_until:
        return
    algorithms = sorted(ALGORITHMS, key=lambda algorithm: algorithm != token.served) if settings.certificate else []
    errors: list[AuthError] = []
    for credential in [*algorithms, *["secret"] * bool(settings.client_secret)]:
        if not errors or (errors[-1].cause == "refused" and (credential == "secret" or errors[-1].code in _OF_THE_SIGNATURE)):
            try:
                await _ask(budget, settings, token, credential, sign)
                token.served, token.refused = credential, _joined(errors) if credential == "secret" and errors else None
                token.not_renewed = None
                return
            except AuthError as error:
                errors.append(error)
    if not token.value or budget.clock.now() >= token.expires:
        raise _joined(errors)
    token.use_until, token.not_renewed = budget.clock.now() + RENEWAL_PAUSE_SECONDS, _joined(errors)


def _joined(errors: list[AuthError]) -> AuthError:
    request_ids = tuple(each for error in errors for each in error.request_ids)
    return AuthError(" ".join(dict.fromkeys(map(str, errors))), request_ids, code=errors[-1].code, cause=errors[-1].cause)


async def _ask(budget: Budget, settings: Settings, token: AccessToken, credential: str, sign: Sign) -> None:
    """Ask for a token with this credential, more than once if there is no old one to go on with. Raises AuthError, or OutOfBudget.

    The client-credentials form, every value percent-encoded: secrets contain `~`, older ones `+`, `/` and `=`
    (https://learn.microsoft.com/entra/identity-platform/v2-oauth2-client-creds-grant-flow).
    """
    clock, host = budget.clock, settings.cloud.login
    url = f"https://{host}/{settings.tenant_id}/oauth2/v2.0/token"
    headers = {"content-type": "application/x-www-form-urlencoded", "accept": "application/json"}
    form = {"client_id": settings.client_id, "grant_type": "client_credentials", "scope": f"https://{settings.cloud.graph}/.default"}
    for attempt in range(1, ATTEMPTS + 1):
        request_id = budget.new_id()
        if credential == "secret" or not settings.certificate:
            form["client_secret"] = settings.client_secret
        else:
            unsigned = (credential, settings.client_id, url, clock.now(), budget.new_id())
            form |= await _assertion(settings.certificate, sign, *unsigned)
        body = "&".join(f"{name}={percent_encode(value)}" for name, value in form.items())
        response = await budget.send("POST", url, {**headers, "client-request-id": request_id}, body)
        now = clock.now()
        if _accept(response, token, now):
            return
        transient = response.status in TRANSIENT or response.status == 200
        wait = backoff(attempt, response.headers.get("retry-after"), now=now, chance=budget.random.random())
        if not transient or attempt == ATTEMPTS or (token.value and now < token.expires) or not budget.allows(host, now + wait):
            break
        await clock.sleep(wait)
    code = _error_code(response)
    message = f"No access token from {host}: {_reason(response, code, wait)}."
    raise AuthError(message, (request_id,), code=code, cause="refused" if code in REFUSED else "")


async def _assertion(
    certificate: Certificate, sign: Sign, algorithm: str, client_id: str, audience: str, now: float, nonce: str
) -> dict[str, str]:
    """The form's fields in place of the secret. Raises AuthError."""
    from certificate import signed_assertion, unsigned_assertion  # whoever has a secret does without

    unsigned = unsigned_assertion(certificate, algorithm, client_id, audience, now, nonce)
    try:
        signature = await sign(algorithm, certificate.private_key, unsigned.encode())
    except ValueError:
        raise AuthError(f"The private key in AZURE_AD_CLIENT_CERTIFICATE cannot be used: {_NEW_CERTIFICATE}.", cause="refused") from None
    form = {"client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"}
    return form | {"client_assertion": signed_assertion(unsigned, signature)}


def _accept(response: HttpResponse, token: AccessToken, now: float) -> bool:
    answer = parse(response.body) if response.status == 200 else None
    try:
        value, lifetime = answer["access_token"], float(answer["expires_in"])  # type: ignore[index,arg-type,call-overload]  # told by the exception
    except (ValueError, TypeError, LookupError, OverflowError):
        return False
    if not isinstance(value, str) or not value or not value.isascii() or not value.isprintable() or not 0 < lifetime < 1e9:
        return False
    token.value, token.issued = value, now
    token.expires = now + lifetime
    token.use_until = token.expires - min(MARGIN_SECONDS, lifetime / 2)
    return True


def _reason(response: HttpResponse, code: int, wait: float) -> str:
    if response.status in TRANSIENT or response.status == 200:
        pause = f" and asks for a pause of {wait:.0f} s" if "retry-after" in response.headers else ""
        known = {0: "no answer", 200: "the answer is not a token"}
        return f"{known.get(response.status, f'it answers {response.status}{pause}')}; the next minute tries again"
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
