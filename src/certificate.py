"""A certificate and its private key as they come in PEM, and the assertion that is signed with them in place of a secret.

https://learn.microsoft.com/entra/identity-platform/certificate-credentials
"""

import hashlib
import json
import re
from binascii import Error, a2b_base64, b2a_base64
from collections.abc import Mapping
from datetime import UTC, datetime

from settings import Certificate

LIFETIME_SECONDS = 600
SKEW_SECONDS = 60
"""An assertion is valid from a minute ago, for clocks differ."""

_BLOCK = re.compile(r"-----BEGIN ([A-Z0-9 ]+)-----(.*?)-----END \1-----", re.DOTALL)
_RSA = bytes.fromhex("2a864886f70d010101")
_OID, _UTC_TIME, _VERSION = 0x06, 0x17, 0xA0
_OTHER_KEYS = {
    "ENCRYPTED PRIVATE KEY": "holds a private key that a passphrase protects",
    "RSA PRIVATE KEY": "holds a private key in the older form PKCS#1",
    "EC PRIVATE KEY": "holds a key that is not RSA",
}


def read_certificate(pem: str) -> Certificate:
    """The private key (PKCS#8) and the certificate in this text, in any order; of a chain the certificate that comes first.

    Line breaks may be missing or written as `\\n`, as they are where a value was passed on in one line. Raises ValueError
    with the end of the sentence "The variable …".
    """
    blocks: dict[str, bytes] = {}
    for found in _BLOCK.finditer(pem.replace("\\n", "\n").replace("\\r", "")):
        blocks.setdefault(found[1], _base64(found[2]))
    if wrong := next((_OTHER_KEYS[name] for name in blocks if name in _OTHER_KEYS), ""):
        raise ValueError(wrong)
    for name in ("PRIVATE KEY", "CERTIFICATE"):
        if not blocks.get(name):
            raise ValueError(f"holds no -----BEGIN {name}----- that can be read")
    try:
        key, certificate = _private_key(blocks["PRIVATE KEY"]), _Parsed(blocks["CERTIFICATE"])
    except (IndexError, ValueError):
        raise ValueError("holds a key or a certificate that cannot be read, or that is not RSA") from None
    if key != certificate.modulus:
        raise ValueError("holds a private key and a certificate that do not belong together")
    return Certificate(blocks["PRIVATE KEY"], blocks["CERTIFICATE"], certificate.ends)


def unsigned_assertion(certificate: Certificate, algorithm: str, client_id: str, audience: str, now: float, nonce: str) -> str:
    """What is to be signed: header and claims of a JSON Web Token. `now` in epoch seconds, `nonce` one that never comes again."""
    if algorithm == "PS256":
        thumbprint = {"x5t#S256": _base64url(hashlib.sha256(certificate.der).digest())}
    else:
        thumbprint = {"x5t": _base64url(hashlib.sha1(certificate.der, usedforsecurity=False).digest())}
    begins = int(now) - SKEW_SECONDS
    times = {"nbf": begins, "iat": begins, "exp": int(now) + LIFETIME_SECONDS}  # some who check refuse an `iat` to come
    claims = {"aud": audience, "iss": client_id, "sub": client_id, "jti": nonce, **times}
    return f"{_part({'alg': algorithm, 'typ': 'JWT', **thumbprint})}.{_part(claims)}"


def signed_assertion(unsigned: str, signature: bytes) -> str:
    """The whole token."""
    return f"{unsigned}.{_base64url(signature)}"


def _part(fields: Mapping[str, object]) -> str:
    return _base64url(json.dumps(fields, separators=(",", ":")).encode())


def _base64url(data: bytes) -> str:
    return b2a_base64(data, newline=False).decode().translate({43: "-", 47: "_", 61: None})


def _base64(text: str) -> bytes:
    try:
        return a2b_base64("".join(text.split()), strict_mode=True)
    except Error:
        return b""


# --- DER, as far as it is needed (ITU-T X.690; RFC 5280 for certificates, RFC 5208 for keys) ---


class _Parsed:
    """What a certificate tells: its key's modulus, and when it ends, in epoch seconds."""

    def __init__(self, der: bytes) -> None:
        fields = [each for each in _elements(_elements(_elements(der)[0][1])[0][1]) if each[0] != _VERSION]
        _serial, _signature, _issuer, validity, _subject, public_key = (content for _, content in fields[:6])
        (_, (kind, ends)) = _elements(validity)
        text = ends.decode("ascii")
        century = "" if kind != _UTC_TIME else "20" if text < "50" else "19"
        self.ends = datetime.strptime(century + text, "%Y%m%d%H%M%SZ").replace(tzinfo=UTC).timestamp()
        algorithm, (_, bits) = _elements(public_key)
        _check_rsa(algorithm[1])
        self.modulus = _elements(_elements(bits[1:])[0][1])[0][1]


def _private_key(der: bytes) -> bytes:
    """The modulus of a private key."""
    _version, algorithm, key = (content for _, content in _elements(_elements(der)[0][1])[:3])
    _check_rsa(algorithm)
    return _elements(_elements(key)[0][1])[1][1]


def _check_rsa(algorithm: bytes) -> None:
    if _elements(algorithm)[0] != (_OID, _RSA):
        raise ValueError


def _elements(der: bytes) -> list[tuple[int, bytes]]:
    """Tags and contents, one after the other. Raises ValueError where they do not fill the bytes."""
    found, place = [], 0
    while place < len(der):
        tag, length, place = der[place], der[place + 1], place + 2
        if length & 0x80:
            digits = length & 0x7F
            length, place = int.from_bytes(der[place : place + digits]), place + digits
        if place + length > len(der):
            raise ValueError
        found.append((tag, der[place : place + length]))
        place += length
    return found
