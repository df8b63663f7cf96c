"""Signing in the Worker: what is asked of WebCrypto, which is stood in for by a few names (in workerd: tests/worker)."""

import asyncio
import importlib
import sys
from collections.abc import Iterator
from types import ModuleType, SimpleNamespace

import pytest


class Subtle:
    """Counts what it is asked."""

    def __init__(self) -> None:
        self.imported: list[object] = []
        self.signed: list[object] = []

    async def importKey(self, *asked: object) -> object:  # noqa: N802  # JavaScript's name
        self.imported.append(asked)
        return object()

    async def sign(self, *asked: object) -> object:
        self.signed.append(asked)
        return SimpleNamespace(to_bytes=lambda: b"signature")


@pytest.fixture
def subtle(monkeypatch: pytest.MonkeyPatch) -> Iterator[Subtle]:
    subtle = Subtle()
    js, pyodide, ffi = ModuleType("js"), ModuleType("pyodide"), ModuleType("pyodide.ffi")
    js.__dict__.update(crypto=SimpleNamespace(subtle=subtle), Object=SimpleNamespace(fromEntries=dict))
    ffi.__dict__.update(JsException=OSError, to_js=lambda value, **_: value)
    for module in (js, pyodide, ffi):
        monkeypatch.setitem(sys.modules, module.__name__, module)
    monkeypatch.delitem(sys.modules, "webcrypto", raising=False)
    yield subtle
    sys.modules.pop("webcrypto", None)


def test_a_key_is_imported_once_an_isolate_for_each_algorithm_and_can_not_be_exported_again(subtle: Subtle) -> None:
    sign = importlib.import_module("webcrypto").sign
    for algorithm in ("PS256", "PS256", "RS256", "PS256", "RS256"):
        assert asyncio.run(sign(algorithm, b"key", b"data")) == b"signature"
    assert subtle.imported == [
        ("pkcs8", b"key", {"name": name, "hash": "SHA-256"}, False, ["sign"]) for name in ("RSA-PSS", "RSASSA-PKCS1-v1_5")
    ]
    assert len(subtle.signed) == 5
    asyncio.run(sign("PS256", b"another key", b"data"))
    assert len(subtle.imported) == 3
