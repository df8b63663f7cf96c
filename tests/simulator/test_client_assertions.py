"""Apps that sign in with a certificate (entra-admin.md 3.4 and 3.5)."""

import base64
from dataclasses import dataclass
from hashlib import sha1, sha256
from typing import Literal

import jwt
import pytest
from cryptography.hazmat.primitives.serialization import Encoding
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from simulator import Tenant
from simulator.entra.login.apps import ASSERTION_TYPE
from simulator.messages import JSON
from tests.simulator.administrators import DAY, certificate, private_key
from tests.simulator.client import Clock, Reply, sign_in
from tests.simulator.test_token import claims

Algorithm = Literal["PS256", "RS256"]


def encoded(digest: bytes) -> str:
    return base64.urlsafe_b64encode(digest).decode().rstrip("=")


@dataclass
class Signer:
    """An app with certificate number 0 registered, which signs with the key of `number`."""

    tenant: Tenant
    clock: Clock
    number: int = 0

    @property
    def der(self) -> bytes:
        return certificate(Clock(), self.number).public_bytes(Encoding.DER)

    def header(self, algorithm: Algorithm = "PS256") -> dict[str, str]:
        """As documented: by SHA-256 with PS256, by SHA-1 with RS256."""
        if algorithm == "PS256":
            return {"x5t#S256": encoded(sha256(self.der).digest())}
        return {"x5t": encoded(sha1(self.der, usedforsecurity=False).digest())}

    def assertion(self, algorithm: Algorithm = "PS256", header: dict[str, str] | None = None, **changes: JSON) -> str:
        now, client = int(self.clock.time), self.tenant.app.client_id
        audience = f"https://login.microsoftonline.com/{self.tenant.id}/oauth2/v2.0/token"
        said = {"aud": audience, "iss": client, "sub": client, "nbf": now - 60, "exp": now + 300, "jti": self.tenant.service.new_id()}
        payload = {name: value for name, value in {**said, **changes}.items() if value is not None}
        return jwt.encode(payload, private_key(self.number), algorithm, header if header is not None else self.header(algorithm))

    def sign_in(self, assertion: str | None = None, **changes: str | None) -> Reply:
        form = {
            "client_secret": None,
            "client_assertion_type": ASSERTION_TYPE,
            "client_assertion": assertion or self.assertion(),
            **changes,
        }
        return sign_in(self.tenant, self.tenant.app, **form)


def signer() -> Signer:
    clock = Clock()
    tenant = Tenant.contoso(3, clock=clock.now)
    tenant.add_certificate(certificate(clock).public_bytes(Encoding.PEM).decode())
    return Signer(tenant, clock)


def code(answer: Reply) -> JSON:
    assert (answer.status, answer.body["error"]) == (401, "invalid_client")
    codes = answer.body["error_codes"]
    assert isinstance(codes, list)
    return codes[0]


@pytest.mark.parametrize("algorithm", ["PS256", "RS256"])
def test_an_app_signs_in_with_its_certificate(algorithm: Algorithm) -> None:
    it = signer()
    answer = it.sign_in(it.assertion(algorithm))
    assert answer.status == 200
    assert "IdentityRiskyUser.Read.All" in str(claims(str(answer.body["access_token"]))["roles"])


def test_the_tenants_domain_will_do_in_the_audience() -> None:
    it = signer()
    audience = f"https://login.microsoftonline.com/{it.tenant.domain}/oauth2/v2.0/token"
    assert it.sign_in(it.assertion(aud=audience)).status == 200


def test_a_certificate_may_be_named_by_its_hexadecimal_thumbprint() -> None:
    it = signer()
    kid = sha1(it.der, usedforsecurity=False).hexdigest().upper()
    assert it.sign_in(it.assertion(header={"kid": kid})).status == 200


def test_a_thumbprint_may_be_padded_as_msal_pads_it() -> None:
    it = signer()
    assert it.sign_in(it.assertion(header={"x5t#S256": f"{it.header()['x5t#S256']}="})).status == 200


def test_a_certificate_that_is_not_registered_is_quoted() -> None:
    it = signer()
    it.number = 1
    answer = it.sign_in()
    assert code(answer) == 700027
    assert "The key was not found" in str(answer.message)
    assert sha256(it.der).hexdigest().upper() in str(answer.message)


def test_a_signature_by_another_key_is_refused() -> None:
    it = signer()
    header = it.header()
    it.number = 1
    assert code(it.sign_in(it.assertion(header=header))) == 700027


@pytest.mark.parametrize("wrong", ["a digest of the wrong kind", "hexadecimal in place of the digest"])
def test_a_thumbprint_in_the_wrong_form_is_not_found(wrong: str) -> None:
    it = signer()
    digest = encoded(sha256(it.der).digest()) if "kind" in wrong else encoded(sha1(it.der, usedforsecurity=False).hexdigest().encode())
    assert code(it.sign_in(it.assertion(header={"x5t": digest}))) == 700027


def test_an_expired_certificate_is_told_apart() -> None:
    it = signer()
    it.clock.time += 365 * DAY
    answer = it.sign_in()
    assert code(answer) == 700027
    assert "The key used is expired" in str(answer.message)


def test_a_certificate_is_withdrawn() -> None:
    it = signer()
    it.tenant.app.application.certificates.clear()
    assert code(it.sign_in()) == 700027


def test_a_new_certificate_may_take_a_while_to_be_known() -> None:
    it = signer()
    it.tenant.behaviour.credential_lag = 60.0
    assert code(it.sign_in()) == 700027
    it.clock.time += 60
    assert it.sign_in().status == 200


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"aud": "https://login.microsoftonline.com/common/oauth2/v2.0/token"}, 700023),
        ({"aud": "https://graph.microsoft.com"}, 700023),
        ({"iss": "somebody"}, 700021),
        ({"iss": None}, 700021),
        ({"sub": "somebody"}, 50048),
        ({"exp": 1_789_999_000}, 700024),
        ({"exp": None}, 700024),
        ({"nbf": 1_790_001_000}, 700024),
    ],
)
def test_each_wrong_claim_has_its_number(changes: dict[str, JSON], expected: int) -> None:
    it = signer()
    assert code(it.sign_in(it.assertion("PS256", None, **changes))) == expected


def test_a_clock_may_be_a_few_minutes_off() -> None:
    it = signer()
    now = int(it.clock.time)
    assert it.sign_in(it.assertion(nbf=now + 240, exp=now + 600)).status == 200
    assert it.sign_in(it.assertion(nbf=now - 600, exp=now - 240)).status == 200


def test_a_header_that_names_no_certificate_is_told_apart() -> None:
    it = signer()
    assert code(it.sign_in(it.assertion(header={}))) == 5002723


def test_another_algorithm_is_refused() -> None:
    it = signer()
    assertion = jwt.encode({"aud": "x"}, "a secret of thirty-two characters", "HS256", it.header())
    assert code(it.sign_in(assertion)) == 5002738


def test_what_is_no_token_is_refused() -> None:
    it = signer()
    assert code(it.sign_in("a.b.c")) == 50027
    assert code(it.sign_in("e30.e30.e30")) == 5002738


@pytest.mark.any_request
def test_an_assertion_without_its_type_is_refused() -> None:
    it = signer()
    answer = it.sign_in(client_assertion_type=None)
    assert (answer.status, answer.body["error_codes"]) == (400, [900144])


@pytest.mark.parametrize("repeats", [False, True])
def test_an_assertion_serves_once_or_as_long_as_it_is_valid(repeats: bool) -> None:
    it = signer()
    it.tenant.behaviour.assertions_repeat = repeats
    assertion = it.assertion()
    assert it.sign_in(assertion).status == 200
    if repeats:
        assert it.sign_in(assertion).status == 200
    else:
        assert code(it.sign_in(assertion)) == 50013
    assert it.sign_in().status == 200


def test_an_assertion_without_an_identifier_is_refused() -> None:
    it = signer()
    assert code(it.sign_in(it.assertion(jti=None))) == 50013


@pytest.mark.parametrize("takes", [True, False])
def test_a_tenant_may_not_take_a_thumbprint_of_sha_256(takes: bool) -> None:
    it = signer()
    it.tenant.behaviour.takes_x5t_s256 = takes
    answer = it.sign_in()
    assert answer.status == 200 if takes else code(answer) == 700027
    assert it.sign_in(it.assertion("RS256")).status == 200
    assert it.sign_in(it.assertion("PS256", it.header("RS256"))).status == 200


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(at=st.integers(0, 10_000), to=st.sampled_from("ABCabc012-_"))
def test_no_letter_of_an_assertion_can_be_changed(at: int, to: str) -> None:
    it = signer()
    assertion = it.assertion()
    at %= len(assertion) - 1  # the last letter holds bits that are not read
    changed = f"{assertion[:at]}{to}{assertion[at + 1 :]}"
    if changed != assertion:
        assert it.sign_in(changed).status == 401


def test_a_secret_and_a_certificate_may_both_serve_while_one_takes_over_from_the_other() -> None:
    it = signer()
    assert sign_in(it.tenant, it.tenant.app).status == 200
    assert it.sign_in().status == 200
