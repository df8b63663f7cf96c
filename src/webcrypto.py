"""Signing with the runtime's own cryptography (https://developers.cloudflare.com/workers/runtime-apis/web-crypto/)."""

import js
from pyodide.ffi import JsException, to_js

_NAMES = {"PS256": "RSA-PSS", "RS256": "RSASSA-PKCS1-v1_5"}
_SALT_BYTES = 32

_imported: dict[tuple[str, bytes], object] = {}
"""Keys, once an isolate: by algorithm and bytes."""


async def sign(algorithm: str, private_key: bytes, data: bytes) -> bytes:
    """What access_token.Sign promises."""
    try:
        key = _imported.get((algorithm, private_key)) or await _import(algorithm, private_key)
        scheme = _object({"name": _NAMES[algorithm], "saltLength": _SALT_BYTES})
        signature = await js.crypto.subtle.sign(scheme, key, to_js(data))
    except JsException:
        raise ValueError from None
    return signature.to_bytes()  # type: ignore[no-any-return]  # an ArrayBuffer's


async def _import(algorithm: str, private_key: bytes) -> object:
    scheme = _object({"name": _NAMES[algorithm], "hash": "SHA-256"})
    key = await js.crypto.subtle.importKey("pkcs8", to_js(private_key), scheme, False, to_js(["sign"]))  # not extractable
    _imported[algorithm, private_key] = key
    return key


def _object(fields: dict[str, object]) -> object:
    return to_js(fields, dict_converter=js.Object.fromEntries)
