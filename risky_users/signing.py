"""Signs with the certificate's private key on the administrator's own machine, where the Worker does it with WebCrypto."""

from collections.abc import Mapping

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_der_private_key

_PADDINGS: Mapping[str, padding.AsymmetricPadding] = {
    "PS256": padding.PSS(padding.MGF1(SHA256()), SHA256.digest_size),
    "RS256": padding.PKCS1v15(),
}


async def sign(algorithm: str, private_key: bytes, data: bytes) -> bytes:
    """What access_token.Sign promises."""
    try:
        key = load_der_private_key(private_key, password=None)
    except (TypeError, ValueError, UnsupportedAlgorithm):
        raise ValueError("no private key") from None
    if not isinstance(key, RSAPrivateKey):
        raise ValueError("no RSA key")
    return key.sign(data, _PADDINGS[algorithm], SHA256())
