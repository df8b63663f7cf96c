"""MSAL, Microsoft's own library for tokens, understands every answer of the simulated token endpoint."""

from hashlib import sha1

import pytest
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import load_pem_x509_certificate

from simulator import Tenant, sign_in_fault
from tests.certificates import certificate_pem, key_pem, register
from tests.conformance.microsoft import SignIn

pytestmark = pytest.mark.any_request  # MSAL asks for the login host's metadata first, which the Worker does without

UNKNOWN = "00000000-0000-4000-8000-00000000dead"


@pytest.fixture
def tenant() -> Tenant:
    return Tenant.contoso()


def test_msal_gets_a_token_and_keeps_it(tenant: Tenant) -> None:
    sign_in = SignIn(tenant)
    app = sign_in.app()
    first, second = (app.acquire_token_for_client([sign_in.scope]) for _ in range(2))
    assert first["token_type"] == "Bearer"
    assert first["expires_in"] == 3599
    assert (first["token_source"], second["token_source"]) == ("identity_provider", "cache")
    assert second["access_token"] == first["access_token"] in tenant.tokens.issued


def test_msal_signs_in_to_a_tenant_by_its_domain(tenant: Tenant) -> None:
    assert "access_token" in SignIn(tenant, tenant_id=tenant.domain).acquire()


@pytest.mark.parametrize(
    ("wrong", "error", "code"),
    [
        ({"secret": "wrong"}, "invalid_client", 7000215),
        ({"client_id": UNKNOWN}, "unauthorized_client", 700016),
        ({"scope": "https://graph.microsoft.us/.default"}, "invalid_scope", 70011),
    ],
)
def test_msal_hands_on_the_error_and_its_code(tenant: Tenant, wrong: dict[str, str], error: str, code: int) -> None:
    answer = SignIn(tenant, **wrong).acquire()
    assert answer["error_codes"] == [code]
    assert answer["error"] == error
    assert str(answer["error_description"]).startswith(f"AADSTS{code}: ")
    assert {"timestamp", "trace_id", "correlation_id"} <= set(answer)


def test_msal_is_told_that_the_secret_has_expired(tenant: Tenant) -> None:
    tenant.expire_secrets()
    assert SignIn(tenant).acquire()["error_codes"] == [7000222]


@pytest.mark.parametrize("code", [900382, 900432, 900439, 7000229, 53003])
def test_msal_hands_on_whatever_number_the_login_host_refuses_with(tenant: Tenant, code: int) -> None:
    tenant.faults = [sign_in_fault(code)]
    answer = SignIn(tenant).acquire()
    assert answer["error_codes"] == [code]
    assert str(answer["error_description"]).startswith(f"AADSTS{code}: ")


def test_msal_is_told_that_the_app_is_disabled(tenant: Tenant) -> None:
    tenant.app.disabled = True
    assert SignIn(tenant).acquire()["error_codes"] == [7000112]


@pytest.mark.parametrize("wrong", [{"tenant_id": UNKNOWN}, {"tenant_id": "nobody.example"}, {"login": "login.microsoftonline.us"}])
def test_msal_cannot_even_begin_in_a_tenant_that_does_not_exist(tenant: Tenant, wrong: dict[str, str]) -> None:
    with pytest.raises(ValueError, match="Unable to get authority configuration"):
        SignIn(tenant, **wrong).acquire()


@pytest.mark.parametrize("algorithm", ["PS256", "RS256"])
def test_msal_signs_in_with_the_certificate_that_the_worker_signs_in_with(tenant: Tenant, algorithm: str) -> None:
    register(tenant)
    der = load_pem_x509_certificate(certificate_pem().encode()).public_bytes(Encoding.DER)
    by_sha1 = {"thumbprint": sha1(der, usedforsecurity=False).hexdigest()}
    named = {"public_certificate": certificate_pem()} if algorithm == "PS256" else by_sha1
    tenant.behaviour.takes_x5t_s256 = algorithm == "PS256"
    sign_in = SignIn(tenant)
    sign_in.certificate = {"private_key": key_pem(), **named}
    assert "access_token" in sign_in.acquire()


def test_msal_is_told_that_the_certificate_is_not_registered(tenant: Tenant) -> None:
    sign_in = SignIn(tenant)
    sign_in.certificate = {"private_key": key_pem(), "public_certificate": certificate_pem()}
    assert sign_in.acquire()["error_codes"] == [700027]
