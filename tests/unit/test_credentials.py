"""Signing in with a certificate, with a secret, and with both while one takes the other's place (entra-admin.md 3.4 and 3.5)."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from hashlib import sha1, sha256
from urllib.parse import parse_qs

import jwt
import pytest
from cryptography.hazmat.primitives.serialization import Encoding

from budget import HttpRequest, HttpResponse
from errors import SyncFailed
from report import Report
from simulator import Fault, sign_in_fault
from tests.certificates import VARIABLE, key_pem, pem, register
from tests.simulator.administrators import certificate
from tests.simulator.client import Clock
from tests.ticks import Ticks, contoso
from tests.unit.test_sync import is_in_sync

DER = certificate(Clock()).public_bytes(Encoding.DER)
THUMBPRINTS = {"PS256": ("x5t#S256", sha256(DER)), "RS256": ("x5t", sha1(DER, usedforsecurity=False))}
SERVED = "Signed in with the certificate ({}); AZURE_AD_CLIENT_SECRET is not needed any more."


@dataclass
class Observed(Ticks):
    """Remembers the forms that the latest tick has sent to the token endpoint."""

    forms: list[Mapping[str, str]] = field(default_factory=list)

    async def fetch(self, request: HttpRequest) -> HttpResponse:
        if "/oauth2/" in request.url:
            self.forms.append({name: values[0] for name, values in parse_qs(request.body).items()})
        return await super().fetch(request)

    def tick(self, **overrides: str) -> Report:
        self.forms.clear()
        return super().tick(**overrides)

    @property
    def with_what(self) -> list[str]:
        """What each of them was signed with, or "secret"."""
        assertions = [form.get("client_assertion", "") for form in self.forms]
        return [str(jwt.get_unverified_header(each)["alg"]) if each else "secret" for each in assertions]


def failure(ticks: Observed, **overrides: str) -> str:
    with pytest.raises(SyncFailed) as failed:
        ticks.tick(**overrides)
    return " ".join(failed.value.problems)


def lines(ticks: Ticks, level: str = "") -> list[str]:
    return [entry for each, entry in ticks.log if isinstance(entry, str) and level in ("", each)]


@pytest.fixture
def ticks() -> Observed:
    made = contoso()
    return Observed(made.tenant, made.clock)


@pytest.mark.parametrize("sha256_taken", [True, False])
def test_a_certificate_alone_is_enough_and_the_other_algorithm_serves_where_a_tenant_does_not_take_the_first(
    ticks: Observed, sha256_taken: bool
) -> None:
    ticks.tenant.behaviour.takes_x5t_s256 = sha256_taken
    given = {VARIABLE: register(ticks.tenant), "AZURE_AD_CLIENT_SECRET": ""}
    ticks.tick(**given)
    assert is_in_sync(ticks.tenant)
    assert ticks.with_what == (["PS256"] if sha256_taken else ["PS256", "RS256"])
    for form in ticks.forms:
        header = jwt.get_unverified_header(form["client_assertion"])
        name, digest = THUMBPRINTS[header["alg"]]
        assert header == {"alg": header["alg"], "typ": "JWT", name: jwt.utils.base64url_encode(digest.digest()).decode()}
        assert "client_secret" not in form
    assert lines(ticks, "warn") == []
    ticks.clock.time += 3600
    ticks.tick(**given)
    assert ticks.with_what == (["PS256"] if sha256_taken else ["RS256"]), "what served is tried first"


def test_a_minute_with_a_token_in_hand_costs_no_more_with_a_certificate_than_with_a_secret(ticks: Observed) -> None:
    given = {VARIABLE: register(ticks.tenant)}
    ticks.tick(**given)
    signed: list[bytes] = []

    async def sign(algorithm: str, private_key: bytes, data: bytes) -> bytes:
        signed.append(data)
        return b""

    ticks.sign = sign
    ticks.tick(**given)
    assert ticks.record["subrequests"] == 1
    assert not signed


def test_of_two_credentials_the_certificate_comes_first_and_the_log_says_so_whenever_a_token_is_new(ticks: Observed) -> None:
    given = {VARIABLE: register(ticks.tenant)}
    ticks.tick(**given)
    assert ticks.with_what == ["PS256"]
    assert SERVED.format("PS256") in lines(ticks, "info")
    ticks.tick(**given)
    assert not any("Signed in" in line for line in lines(ticks))
    ticks.clock.time += 3600
    ticks.tick(**given)
    assert SERVED.format("PS256") in lines(ticks, "info")


def test_one_credential_alone_is_not_spoken_of(ticks: Observed) -> None:
    ticks.tick(**{VARIABLE: register(ticks.tenant), "AZURE_AD_CLIENT_SECRET": ""})
    assert not any("igned in" in line for line in lines(ticks))
    alone = contoso()
    alone.tick()
    assert not any("igned in" in line for line in lines(alone))


def test_during_a_change_over_the_secret_serves_while_the_certificate_is_not_yet_known(ticks: Observed) -> None:
    given = {VARIABLE: pem()}
    ticks.tick(**given)
    assert is_in_sync(ticks.tenant)
    assert ticks.with_what == ["PS256", "RS256", "secret"]
    [warning] = lines(ticks, "warn")
    assert warning.startswith(
        "The certificate is not accepted, the client secret is: No access token from login.microsoftonline.com: AADSTS700027"
    )
    assert "put a pair with `npx wrangler secret put AZURE_AD_CLIENT_CERTIFICATE`" in warning
    ticks.tick(**given)
    assert (ticks.forms, lines(ticks, "warn")) == ([], [])
    register(ticks.tenant)
    ticks.clock.time += 3600
    ticks.tick(**given)
    assert ticks.with_what == ["PS256"]
    assert SERVED.format("PS256") in lines(ticks, "info")


def test_the_secret_that_goes_may_have_expired(ticks: Observed) -> None:
    ticks.tenant.expire_secrets()
    ticks.tick(**{VARIABLE: register(ticks.tenant)})
    assert is_in_sync(ticks.tenant)


def test_where_neither_is_accepted_both_reasons_are_told_with_all_request_ids(ticks: Observed) -> None:
    ticks.tenant.expire_secrets()
    problem = failure(ticks, **{VARIABLE: pem()})
    assert problem.count("AADSTS700027") == 1
    assert "AADSTS7000222" in problem
    assert ticks.with_what == ["PS256", "RS256", "secret"]
    failed = ticks.record["failedRequests"]
    assert isinstance(failed, list)
    assert len(failed) == 3


@pytest.mark.parametrize(
    ("code", "tried", "remedy"),
    [
        (700027, ["PS256", "RS256"], "the certificate is not on the app registration, has ended there, or is not the private key's"),
        (700024, ["PS256"], "check the clock of the machine that this runs on"),
        (700023, ["PS256"], "check AZURE_AD_TENANT_ID and AZURE_CLOUD"),
        (700021, ["PS256"], "check AZURE_AD_CLIENT_ID"),
        (50048, ["PS256"], "check AZURE_AD_CLIENT_ID"),
        (5002723, ["PS256", "RS256"], "the certificate's assertion is not accepted: put a pair"),
        (50027, ["PS256", "RS256"], "the certificate's assertion is not accepted: put a pair"),
        (50012, ["PS256", "RS256"], "the certificate's assertion is not accepted: put a pair"),
        (50013, ["PS256", "RS256"], "the certificate's assertion is not accepted: put a pair"),
        (5002738, ["PS256", "RS256"], "the certificate's assertion is not accepted: put a pair"),
    ],
)
@pytest.mark.parametrize("both", [True, False])
def test_every_refusal_of_an_assertion_is_told_with_its_remedy_and_a_secret_serves_if_there_is_one(
    ticks: Observed, code: int, tried: list[str], remedy: str, both: bool
) -> None:
    given = {VARIABLE: register(ticks.tenant)} | ({} if both else {"AZURE_AD_CLIENT_SECRET": ""})
    ticks.tenant.faults = [sign_in_fault(code, times=len(tried))]
    if both:
        ticks.tick(**given)
        assert ticks.with_what == [*tried, "secret"]
        [told] = lines(ticks, "warn")
        assert is_in_sync(ticks.tenant)
    else:
        told = failure(ticks, **given)
        assert ticks.with_what == tried
    assert f"AADSTS{code}, " in told
    assert remedy in told


@pytest.mark.parametrize("code", [90002, 900382, 700016, 7000112, 53003])
def test_what_is_not_the_certificates_fault_is_not_tried_again_with_the_secret(ticks: Observed, code: int) -> None:
    ticks.tenant.faults = [sign_in_fault(code)]
    assert f"AADSTS{code}" in failure(ticks, **{VARIABLE: register(ticks.tenant)})
    assert ticks.with_what == ["PS256"]


def test_an_outage_is_not_taken_for_a_refusal(ticks: Observed) -> None:
    ticks.tenant.faults = [Fault("status", path="*/oauth2/v2.0/token", status=503)]
    assert "it answers 503" in failure(ticks, **{VARIABLE: register(ticks.tenant)})
    assert set(ticks.with_what) == {"PS256"}


def test_a_certificate_added_a_moment_ago_heals_by_itself(ticks: Observed) -> None:
    ticks.tenant.behaviour.credential_lag = 90.0
    given = {VARIABLE: register(ticks.tenant), "AZURE_AD_CLIENT_SECRET": ""}
    assert "one that was added a moment ago is known everywhere after some minutes" in failure(ticks, **given)
    failure(ticks, **given)
    ticks.tick(**given)
    assert is_in_sync(ticks.tenant)


def test_a_key_that_cannot_be_used_gives_way_to_the_secret_without_a_request(ticks: Observed) -> None:
    async def sign(algorithm: str, private_key: bytes, data: bytes) -> bytes:
        raise ValueError

    ticks.sign = sign
    given = {VARIABLE: register(ticks.tenant)}
    ticks.tick(**given)
    assert ticks.with_what == ["secret"]
    assert "The private key in AZURE_AD_CLIENT_CERTIFICATE cannot be used" in lines(ticks, "warn")[0]
    ticks.restart()
    assert "cannot be used" in failure(ticks, **given, AZURE_AD_CLIENT_SECRET="")
    assert ticks.forms == []


def test_each_assertion_is_used_once(ticks: Observed) -> None:
    given = {VARIABLE: register(ticks.tenant), "AZURE_AD_CLIENT_SECRET": ""}
    ids = set()
    for _ in range(4):
        ticks.restart()
        ticks.tick(**given)
        [form] = ticks.forms
        ids.add(jwt.decode(form["client_assertion"], options={"verify_signature": False})["jti"])
    assert len(ids) == 4


def test_neither_key_nor_assertion_is_ever_shown(ticks: Observed) -> None:
    shown = []
    given = {VARIABLE: pem(), "LOG_LEVEL": "debug", "AZURE_AD_CLIENT_SECRET": ""}
    shown.append(failure(ticks, **given))
    shown += [str(entry) for _, entry in ticks.log]
    register(ticks.tenant)
    ticks.tick(**given)
    shown += [str(entry) for _, entry in ticks.log] + [repr(ticks.settings(**given)), repr(ticks.cache)]
    secrets = [line for line in key_pem().splitlines() if len(line) == 64] + [form["client_assertion"] for form in ticks.forms]
    assert len(secrets) > 20
    for text in shown:
        assert not any(secret in text for secret in secrets)
        assert not re.search(r"eyJ[A-Za-z0-9_-]{20}", text)
