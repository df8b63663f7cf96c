"""What the token endpoint refuses with, by AADSTS number, and the fault that makes it do so.

Numbers: https://learn.microsoft.com/entra/identity-platform/reference-error-codes. Status and `error` are those of recorded
answers, such as https://github.com/webprofusion/certify/issues/553 for 900382,
https://github.com/Azure/Commercial-Marketplace-SaaS-Accelerator/issues/830 for 7000229 and, for 53003,
https://github.com/Azure/azure-sdk-for-cpp/blob/main/sdk/identity/azure-identity/TROUBLESHOOTING.md. 900432 and 900439 are taken
to look as 900382 does; a number that is not here is answered as most are, 400 `invalid_request`.
"""

from collections.abc import Mapping
from typing import NamedTuple

from simulator.faults import Fault


class SignInError(NamedTuple):
    """How a refusal looks; `$tenant` and the like are filled in (string.Template)."""

    status: int
    error: str
    message: str


_CLIENT, _REQUEST, _GRANT = "invalid_client", "invalid_request", "invalid_grant"
_CROSS_CLOUD = "Confidential Client is not supported in Cross Cloud request."

SIGN_IN_ERRORS: Mapping[int, SignInError] = {
    50011: SignInError(400, _REQUEST, "The redirect URI '$redirect' specified in the request does not match those of the application."),
    50012: SignInError(401, _CLIENT, "Authentication failed."),
    50013: SignInError(401, _CLIENT, "Assertion failed signature validation."),
    50027: SignInError(401, _CLIENT, "JWT token is invalid or malformed."),
    50048: SignInError(401, _CLIENT, "Subject must match Issuer claim in the client assertion."),
    50076: SignInError(400, _GRANT, "You must use multi-factor authentication to access '$resource'."),
    50079: SignInError(400, _GRANT, "You must enroll in multi-factor authentication to access '$resource'."),
    50097: SignInError(400, _GRANT, "Device authentication is required."),
    50105: SignInError(400, _GRANT, "The signed in user is not assigned to a role for the application '$client'($name)."),
    50148: SignInError(400, _GRANT, "The code_verifier does not match the code_challenge supplied in the authorization request."),
    50158: SignInError(400, _GRANT, "External security challenge was not satisfied."),
    53000: SignInError(400, _GRANT, "Device is not in required device state: compliant."),
    53001: SignInError(400, _GRANT, "Device is not in required device state: domain joined."),
    53002: SignInError(400, _GRANT, "Application used is not an approved application for Conditional Access."),
    53003: SignInError(
        400, _GRANT, "Access has been blocked by Conditional Access policies. The access policy does not allow token issuance."
    ),
    54005: SignInError(400, _GRANT, "OAuth2 Authorization code was already redeemed, please retry with a new valid code."),
    65001: SignInError(400, _GRANT, "The user or administrator has not consented to use the application with ID '$client' named '$name'."),
    65002: SignInError(
        400,
        _GRANT,
        "Consent between first party application '$client' and first party resource '$resource' must be configured via preauthorization.",
    ),
    65004: SignInError(400, "access_denied", "User declined to consent to access the app."),
    70008: SignInError(400, _GRANT, "The provided authorization code or refresh token has expired due to inactivity."),
    70011: SignInError(400, "invalid_scope", "The provided value for the input parameter 'scope' is not valid."),
    70016: SignInError(400, "authorization_pending", "OAuth 2.0 device flow error. Authorization is pending. Continue polling."),
    70018: SignInError(400, "bad_verification_code", "Invalid verification code."),
    70020: SignInError(400, "expired_token", "The provided value for the input parameter 'device_code' is not valid. It has expired."),
    70021: SignInError(400, _REQUEST, "No matching federated identity record found for presented assertion."),
    90002: SignInError(400, "invalid_tenant", "Tenant '$tenant' not found."),
    90033: SignInError(503, "temporarily_unavailable", "A transient error has occurred. Please try again."),
    90094: SignInError(400, _GRANT, "An administrator must grant consent to the application '$client'($name)."),
    530084: SignInError(400, _GRANT, "Access has been blocked by Conditional Access token protection policy."),
    700016: SignInError(400, "unauthorized_client", "Application '$client' was not found."),
    700021: SignInError(401, _CLIENT, "Client assertion application identifier doesn't match 'client_id' parameter."),
    700023: SignInError(401, _CLIENT, "Client assertion audience claim does not match Realm issuer."),
    700024: SignInError(401, _CLIENT, "Client assertion is not within its valid time range."),
    700027: SignInError(401, _CLIENT, "The certificate with this identifier is not registered on the app."),
    900023: SignInError(400, _REQUEST, "Specified tenant identifier '$tenant' is not valid."),
    900144: SignInError(400, _REQUEST, "The request body must contain the following parameter: '$parameter'."),
    900382: SignInError(400, _REQUEST, _CROSS_CLOUD),
    900432: SignInError(400, _REQUEST, _CROSS_CLOUD),
    900439: SignInError(400, _REQUEST, "USGClientNotSupportedOnPublicEndpoint"),
    5002723: SignInError(401, _CLIENT, "Invalid JWT token. No certificate thumbprint, key identifier or X5C claim in the header."),
    5002738: SignInError(401, _CLIENT, "Invalid JWT token. Its signature algorithm is not supported."),
    7000112: SignInError(401, _CLIENT, "Application '$client'($name) is disabled."),
    7000215: SignInError(
        401,
        _CLIENT,
        "Invalid client secret provided. Ensure the secret being sent in the request is the client secret value, not the client secret ID.",
    ),
    7000218: SignInError(401, _CLIENT, "The request body must contain the following parameter: 'client_assertion' or 'client_secret'."),
    7000222: SignInError(401, _CLIENT, "The client secret keys for app '$client' are expired."),
    7000229: SignInError(401, _CLIENT, "The client application $client is missing service principal in the tenant $tenant."),
}
_UNKNOWN = SignInError(400, _REQUEST, "The request was refused.")


def sign_in_error(code: int) -> SignInError:
    """How this refusal looks, or most of them where it is not known."""
    return SIGN_IN_ERRORS.get(code, _UNKNOWN)


def sign_in_fault(code: int, *, skip: int = 0, times: int | None = None) -> Fault:
    """Lets the token endpoint refuse whoever signs in, with this AADSTS number."""
    known = sign_in_error(code)
    return Fault("status", "POST", "*/oauth2/v2.0/token", known.status, f"AADSTS{code}", known.message, skip=skip, times=times)
