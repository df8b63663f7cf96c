"""Microsoft's own libraries sign people in, and apps by certificate, at the simulated login host."""

import base64
import hashlib
import json
import os
from pathlib import Path
from urllib.parse import parse_qsl, urlsplit

import msal
import pytest
from azure.core.pipeline.transport import RequestsTransport
from azure.identity import AzureCliCredential, CertificateCredential, CredentialUnavailableError
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from simulator import Request, Tenant, User
from simulator.entra.azure_cli import AzureCli
from simulator.entra.public_clients import GRAPH_COMMAND_LINE_TOOLS
from tests.conformance.microsoft import session
from tests.simulator.administrators import certificate, private_key
from tests.simulator.client import Clock

pytestmark = [
    pytest.mark.any_request,  # MSAL asks for metadata first, and says who it is in fields of its own
    pytest.mark.filterwarnings("ignore:response_mode='form_post' is recommended"),
]

SCOPES = ["https://graph.microsoft.com/Application.ReadWrite.All", "https://graph.microsoft.com/Synchronization.ReadWrite.All"]
GRAPH = "https://graph.microsoft.com/.default"


@pytest.fixture
def tenant() -> Tenant:
    return Tenant.contoso(3)


@pytest.fixture
def ada(tenant: Tenant) -> User:
    user = tenant.add_user("Ada Admin")
    tenant.assign_role(user, "Cloud Application Administrator")
    tenant.people.at_keyboard = user
    return user


def public(tenant: Tenant) -> msal.PublicClientApplication:
    """MSAL's client at a command line."""
    return msal.PublicClientApplication(
        GRAPH_COMMAND_LINE_TOOLS.id,
        authority=f"https://login.microsoftonline.com/{tenant.id}",
        http_client=session(tenant),
        instance_discovery=False,
    )


def said(token: str) -> dict[str, object]:
    claims: dict[str, object] = json.loads(base64.urlsafe_b64decode(token.split(".")[1] + "==="))
    return claims


# --- people ---


@pytest.mark.parametrize("mode", ["query", "form_post"])
def test_msal_signs_somebody_in_by_browser_and_again_without_one(tenant: Tenant, ada: User, mode: str) -> None:
    app = public(tenant)
    flow = app.initiate_auth_code_flow(SCOPES, redirect_uri="http://localhost:8400", response_mode=mode)
    answer = tenant.handle(Request("GET", flow["auth_uri"], {}))
    if mode == "query":
        sent = dict(parse_qsl(urlsplit(answer.headers["Location"]).query))
    else:
        inputs = [part.split('"') for part in answer.body.decode().split("<input")[1:]]
        sent = {part[3]: part[5] for part in inputs}
    result = app.acquire_token_by_auth_code_flow(flow, sent)
    assert said(result["access_token"])["oid"] == ada.id
    assert result["id_token_claims"]["preferred_username"] == ada.principal_name
    account = app.get_accounts()[0]
    assert account["username"] == ada.principal_name
    silent = app.acquire_token_silent_with_error(SCOPES, account, force_refresh=True)
    assert silent["access_token"] != result["access_token"]


def test_msal_signs_somebody_in_by_device_code(tenant: Tenant, ada: User) -> None:
    app = public(tenant)
    flow = app.initiate_device_flow(SCOPES)
    tenant.people.enter_code(flow["user_code"], ada, tenant.clock())
    assert said(app.acquire_token_by_device_flow(flow)["access_token"])["oid"] == ada.id


def test_msal_hands_on_what_the_device_code_came_to(tenant: Tenant, ada: User) -> None:
    app = public(tenant)
    flow = app.initiate_device_flow(SCOPES)
    tenant.people.enter_code(flow["user_code"], ada, tenant.clock())
    tenant.behaviour.device_code_blocked = True
    answer = app.acquire_token_by_device_flow(flow)
    assert (answer["error"], answer["error_codes"]) == ("invalid_grant", [53003])


def test_msal_hands_on_the_pages_error(tenant: Tenant, ada: User) -> None:
    app = public(tenant)
    tenant.people.agrees = False
    flow = app.initiate_auth_code_flow(SCOPES, redirect_uri="http://localhost:8400")
    answer = tenant.handle(Request("GET", flow["auth_uri"], {}))
    result = app.acquire_token_by_auth_code_flow(flow, dict(parse_qsl(urlsplit(answer.headers["Location"]).query)))
    assert result["error"] == "access_denied"
    assert "AADSTS65004" in result["error_description"]


# --- the Azure CLI ---


@pytest.mark.parametrize("has_epoch", [True, False])
def test_azure_identity_understands_the_stand_in_for_the_azure_cli(
    tenant: Tenant, ada: User, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, has_epoch: bool
) -> None:
    folder = AzureCli(tenant, ada, has_epoch=has_epoch).install(tmp_path / "bin")
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")
    token = AzureCliCredential(tenant_id=tenant.id).get_token(GRAPH)
    assert said(token.token)["oid"] == ada.id
    assert token.expires_on == int(tenant.tokens.issued[token.token].expires)


def test_azure_identity_is_told_that_nobody_is_signed_in(tenant: Tenant, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(AzureCli(tenant, None).install(tmp_path / "bin")))
    with pytest.raises(CredentialUnavailableError, match="az login"):
        AzureCliCredential().get_token(GRAPH)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(CredentialUnavailableError, match="not found"):
        AzureCliCredential().get_token(GRAPH)


# --- certificates ---


def registered(tenant: Tenant) -> tuple[str, str, str]:
    """A certificate on the tenant's app: key and certificate in PEM, and the thumbprint in SHA-1."""
    made = certificate(Clock(tenant.clock()))
    pem = made.public_bytes(Encoding.PEM).decode()
    tenant.add_certificate(pem)
    key = private_key(0).private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    return key, pem, hashlib.sha1(made.public_bytes(Encoding.DER), usedforsecurity=False).hexdigest()


def confidential(tenant: Tenant, credential: dict[str, str]) -> msal.ConfidentialClientApplication:
    """MSAL's client that is an app."""
    return msal.ConfidentialClientApplication(
        tenant.app.client_id,
        client_credential=credential,
        authority=f"https://login.microsoftonline.com/{tenant.id}",
        http_client=session(tenant),
        instance_discovery=False,
    )


def test_msal_signs_an_app_in_by_certificate_with_either_thumbprint(tenant: Tenant) -> None:
    key, pem, thumbprint = registered(tenant)
    by_sha1 = confidential(tenant, {"private_key": key, "thumbprint": thumbprint})
    by_sha256 = confidential(tenant, {"private_key": key, "public_certificate": pem})
    for app in (by_sha1, by_sha256):
        answer = app.acquire_token_for_client([GRAPH])
        assert answer.get("access_token") in tenant.tokens.issued, answer


def test_msal_is_told_that_the_certificate_is_not_registered(tenant: Tenant) -> None:
    key, _, thumbprint = registered(tenant)
    tenant.app.application.certificates.clear()
    answer = confidential(tenant, {"private_key": key, "thumbprint": thumbprint}).acquire_token_for_client([GRAPH])
    assert (answer["error"], answer["error_codes"]) == ("invalid_client", [700027])
    assert thumbprint.upper() in answer["error_description"]


def test_azure_identity_signs_an_app_in_by_certificate(tenant: Tenant) -> None:
    key, pem, _ = registered(tenant)
    credential = CertificateCredential(
        tenant.id,
        tenant.app.client_id,
        certificate_data=f"{key}{pem}".encode(),
        transport=RequestsTransport(session=session(tenant), session_owner=False),
    )
    assert credential.get_token(GRAPH).token in tenant.tokens.issued
