"""Signing in with a certificate in workerd, where WebCrypto signs what the simulated tenant verifies with another library."""

import base64
import time

from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from demo.__main__ import Minutes
from runtime import Tick, Worker
from runtime.serving import serving
from runtime.tail import render
from simulator import Tenant
from simulator.asgi import create_app
from tests.certificates import VARIABLE, certificate_pem, key_pem, pem, register
from tests.simulator.administrators import private_key
from tests.ticks import SOURCE, variables
from tests.unit.test_sync import is_in_sync

DAY = 86400.0
SERVED = "Signed in with the certificate ({}); AZURE_AD_CLIENT_SECRET is not needed any more."


def spoilt_pem() -> str:
    """A private key of the right modulus, the rest of which is wrong."""
    der = private_key(0).private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())
    key = base64.b64encode(der[:-64] + bytes(64)).decode()
    return f"-----BEGIN PRIVATE KEY-----\n{key}\n-----END PRIVATE KEY-----\n{certificate_pem(begins=time.time() - DAY)}"


def test_webcrypto_signs_in_either_way_and_the_secret_serves_where_neither_is_accepted() -> None:
    minutes = Minutes()
    tenant = Tenant.contoso(clock=minutes.now)
    yesterday = time.time() - DAY
    with (
        serving(create_app(tenant)) as address,
        Worker(SOURCE, {**variables(tenant), VARIABLE: pem(begins=yesterday)}, address) as worker,
    ):

        def tick() -> Tick:
            minutes.minute += 1
            tenant.reset_counters()
            tick = worker.tick()
            assert tick.outcome == "ok", tick.text
            assert is_in_sync(tenant)
            for line in key_pem().splitlines()[1:-1]:
                assert line not in render(tick)
            return tick

        assert "AADSTS700027" in tick().lines("warn")[0]
        register(tenant, begins=yesterday)
        for takes_sha256, algorithm in ((True, "PS256"), (False, "RS256")):
            tenant.behaviour.takes_x5t_s256 = takes_sha256
            tenant.tokens.issued.clear()  # they are revoked
            assert SERVED.format(algorithm) in tick().lines("log")
        tick()
        assert tenant.subrequests == 1, "a token in hand is not signed for again"

        worker.update({**variables(tenant), VARIABLE: spoilt_pem(), "AZURE_AD_CLIENT_SECRET": ""})
        unable = worker.tick()
        assert unable.outcome == "exception"
        assert "The private key in AZURE_AD_CLIENT_CERTIFICATE cannot be used" in unable.lines("error")[0]
