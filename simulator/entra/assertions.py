"""JSON Web Tokens that somebody signs with a certificate: client assertions, and proofs of possession.

https://learn.microsoft.com/entra/identity-platform/certificate-credentials
"""

import base64
import binascii
import json
from collections.abc import Collection, Iterable, Mapping
from typing import NamedTuple

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.hazmat.primitives.hashes import SHA256

from simulator.entra.registrations import Certificate
from simulator.messages import JSON

SKEW = 300.0
"""How many seconds a clock may be off."""
_PADDINGS: Mapping[str, padding.AsymmetricPadding] = {
    "PS256": padding.PSS(padding.MGF1(SHA256()), SHA256.digest_size),
    "RS256": padding.PKCS1v15(),
}


class BadAssertion(Exception):
    """The token is not accepted: an AADSTS number, and the reason in its message's terms."""

    def __init__(self, code: int, reason: str = "") -> None:
        super().__init__(reason)
        self.code, self.reason = code, reason


class Parsed(NamedTuple):
    """A token, taken apart."""

    header: Mapping[str, JSON]
    claims: Mapping[str, JSON]
    signed: bytes
    signature: bytes


def parse(token: str) -> Parsed:
    """The token's parts. Raises BadAssertion."""
    try:
        head, body, signature = token.split(".")
        header, claims = json.loads(_decoded(head)), json.loads(_decoded(body))
        if not isinstance(header, dict) or not isinstance(claims, dict):
            raise BadAssertion(50027, "it holds no JSON objects")
        return Parsed(header, claims, f"{head}.{body}".encode(), _decoded(signature))
    except (ValueError, binascii.Error, RecursionError):
        raise BadAssertion(50027, "it is not three parts of base64url") from None


def check_signature(token: Parsed, certificates: Iterable[Certificate], now: float, *, by_sha256: bool = True) -> Certificate:
    """The certificate that the header names and that signed the token. Raises BadAssertion.

    `by_sha256`: whether it may be named by `x5t#S256`, or by `x5t` alone.
    """
    algorithm = _PADDINGS.get(str(token.header.get("alg")))
    if algorithm is None:
        raise BadAssertion(5002738, f"'{token.header.get('alg')}' is not a supported signature algorithm")
    if not token.header.keys() & {"x5t", "x5t#S256", "kid"}:
        raise BadAssertion(5002723)
    certificate = next((each for each in certificates if _named(token.header, each, by_sha256)), None)
    seen = _thumbprint_seen(token.header)
    if certificate is None:
        raise BadAssertion(
            700027, f"is not registered on application. [Reason - The key was not found., Thumbprint of key used by client: '{seen}'"
        )
    if not certificate.begins - SKEW <= now < certificate.expires:
        raise BadAssertion(
            700027, f"is expired on application. [Reason - The key used is expired., Thumbprint of key used by client: '{seen}'"
        )
    try:
        certificate.public_key.verify(token.signature, token.signed, algorithm, SHA256())
    except (InvalidSignature, ValueError):
        reason = f"signed it otherwise. [Reason - The signature is invalid., Thumbprint of key used by client: '{seen}'"
        raise BadAssertion(700027, reason) from None
    return certificate


def check_claims(token: Parsed, client_id: str, audiences: Collection[str], now: float) -> None:
    """That the token is the client's own, for us, and for now. Raises BadAssertion."""
    claims = token.claims
    if claims.get("aud") not in audiences:
        raise BadAssertion(700023, str(claims.get("aud")))
    if claims.get("iss") != client_id:
        raise BadAssertion(700021)
    if claims.get("sub") != claims.get("iss"):
        raise BadAssertion(50048)
    check_times(token, now)


def check_times(token: Parsed, now: float) -> None:
    """That the token is valid now. Raises BadAssertion."""
    begins, ends = token.claims.get("nbf", token.claims.get("iat", 0)), token.claims.get("exp")
    if not isinstance(begins, (int, float)) or not isinstance(ends, (int, float)) or not begins - SKEW <= now < ends + SKEW:
        raise BadAssertion(700024)


def _named(header: Mapping[str, JSON], certificate: Certificate, by_sha256: bool) -> bool:
    if "x5t#S256" in header and by_sha256:
        return _digest(header["x5t#S256"]) == certificate.thumbprint_sha256
    if "x5t" in header:
        return _digest(header["x5t"]) == certificate.thumbprint
    return str(header.get("kid")).upper() == certificate.thumbprint.hex().upper()


def _thumbprint_seen(header: Mapping[str, JSON]) -> str:
    """The thumbprint in hexadecimal, as error messages quote it."""
    return _digest(header.get("x5t", header.get("x5t#S256"))).hex().upper()


def _digest(value: JSON) -> bytes:
    """A digest in base64url, which MSAL pads; empty where it is none."""
    try:
        return _decoded(str(value).rstrip("="))
    except (ValueError, binascii.Error):
        return b""


def _decoded(text: str) -> bytes:
    return base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
