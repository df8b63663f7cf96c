"""Secrets and certificates of an application (entra-admin.md 3)."""

import base64
import hashlib
from typing import Literal

import jwt
import pytest
from cryptography.hazmat.primitives.serialization import Encoding

from simulator.entra.registrations import CredentialPolicy
from simulator.entra.stamps import stamp
from simulator.messages import JSON
from tests.simulator.administrators import DAY, Administrator, administrator, certificate, error, key_entry, private_key
from tests.simulator.client import Client, sign_in


def application(admin: Administrator) -> str:
    return f"/applications/{admin.tenant.app.application.id}"


def listed(admin: Administrator, kind: str = "keyCredentials") -> list[dict[str, JSON]]:
    value = admin.get(f"{application(admin)}?$select={kind}").body[kind]
    assert isinstance(value, list)
    return [each for each in value if isinstance(each, dict)]


def add_password(admin: Administrator, **wanted: JSON) -> dict[str, JSON]:
    added = admin.post(f"{application(admin)}/addPassword", {"passwordCredential": wanted})
    assert added.status == 200, added
    return added.body


def test_a_secret_is_shown_once_and_works() -> None:
    admin = administrator()
    end = stamp(admin.clock.time + 365 * DAY)
    made = add_password(admin, displayName="worker 2026-11-25", endDateTime=end)
    text = str(made["secretText"])
    assert 16 <= len(text) <= 64
    assert (made["hint"], made["displayName"], made["endDateTime"]) == (text[:3], "worker 2026-11-25", end)
    assert made["startDateTime"] == stamp(admin.clock.time)
    read = next(each for each in listed(admin, "passwordCredentials") if each["keyId"] == made["keyId"])
    assert read == {**{name: made[name] for name in read}, "secretText": None}
    assert sign_in(admin.tenant, admin.tenant.app, client_secret=text).status == 200


def test_a_secret_lives_two_years_if_nobody_says() -> None:
    admin = administrator()
    assert add_password(admin)["endDateTime"] == stamp(admin.clock.time + 730 * DAY)


def test_a_secret_is_withdrawn_by_its_key_id() -> None:
    admin = administrator()
    made = add_password(admin)
    remove = f"{application(admin)}/removePassword"
    assert admin.post(remove, {"keyId": made["keyId"]}).status == 204
    assert sign_in(admin.tenant, admin.tenant.app, client_secret=str(made["secretText"])).body["error_codes"] == [7000215]
    assert admin.post(remove, {"keyId": made["keyId"]}).status == 400


def test_adding_a_secret_twice_makes_two() -> None:
    admin = administrator()
    assert add_password(admin, displayName="a")["keyId"] != add_password(admin, displayName="a")["keyId"]
    assert len(listed(admin, "passwordCredentials")) == 3


def test_a_new_secret_may_take_a_while_to_be_known() -> None:
    admin = administrator()
    admin.tenant.behaviour.credential_lag = 60.0
    text = str(add_password(admin)["secretText"])
    assert sign_in(admin.tenant, admin.tenant.app, client_secret=text).body["error_codes"] == [7000215]
    admin.clock.time += 60
    assert sign_in(admin.tenant, admin.tenant.app, client_secret=text).status == 200


@pytest.mark.parametrize("status", [409, 400])
def test_two_writes_of_credentials_close_together_may_be_refused(status: Literal[400, 409]) -> None:
    admin = administrator()
    admin.tenant.behaviour.credential_pause, admin.tenant.behaviour.concurrency_error = 5.0, status
    add_password(admin)
    assert error(admin.post(f"{application(admin)}/addPassword", {})) == (status, "Directory_ConcurrencyViolation")
    assert len(listed(admin, "passwordCredentials")) == 2
    admin.clock.time += 5
    add_password(admin)


def test_an_application_holds_so_many_secrets_and_certificates() -> None:
    admin = administrator()
    admin.tenant.behaviour.most_credentials = 1
    assert error(admin.post(f"{application(admin)}/addPassword", {})) == (400, "Request_BadRequest")
    entries: list[JSON] = [key_entry(certificate(admin.clock, number)) for number in (0, 1)]
    assert admin.patch(application(admin), {"keyCredentials": entries[:1]}).status == 204
    assert error(admin.patch(application(admin), {"keyCredentials": entries})) == (400, "Request_BadRequest")


@pytest.mark.any_request
@pytest.mark.parametrize("wanted", [{"endDateTime": "2001-01-01T00:00:00Z"}, {"endDateTime": "tomorrow"}, {"displayName": 7}])
def test_a_secret_that_cannot_be_is_refused(wanted: dict[str, JSON]) -> None:
    admin = administrator()
    assert error(admin.post(f"{application(admin)}/addPassword", {"passwordCredential": wanted})) == (400, "Request_BadRequest")


# --- certificates ---


def test_a_certificate_is_added_shown_without_its_bytes_and_known_by_its_thumbprint() -> None:
    admin = administrator()
    made = certificate(admin.clock)
    der = made.public_bytes(Encoding.DER)
    assert admin.patch(application(admin), {"keyCredentials": [key_entry(made)]}).status == 204
    whole = admin.get(application(admin)).body["keyCredentials"]
    assert isinstance(whole, list)
    entry = whole[0]
    assert isinstance(entry, dict)
    assert entry["key"] is None
    assert entry["customKeyIdentifier"] == hashlib.sha1(der, usedforsecurity=False).hexdigest().upper()
    assert (entry["type"], entry["usage"], entry["displayName"]) == ("AsymmetricX509Cert", "Verify", "worker")
    assert (entry["startDateTime"], entry["endDateTime"]) == (stamp(admin.clock.time), stamp(admin.clock.time + 365 * DAY))
    assert listed(admin)[0]["key"] == base64.b64encode(der).decode()


def test_a_thumbprint_may_be_shown_in_base64() -> None:
    admin = administrator()
    admin.tenant.behaviour.thumbprint_shown_as = "base64"
    made = certificate(admin.clock)
    admin.patch(application(admin), {"keyCredentials": [key_entry(made)]})
    sha1 = hashlib.sha1(made.public_bytes(Encoding.DER), usedforsecurity=False).digest()
    assert listed(admin)[0]["customKeyIdentifier"] == base64.b64encode(sha1).decode()


def test_certificates_are_replaced_and_those_sent_back_as_they_were_read_stay() -> None:
    admin = administrator()
    admin.patch(application(admin), {"keyCredentials": [key_entry(certificate(admin.clock))]})
    first = listed(admin)[0]
    kept: dict[str, JSON] = {**first, "key": None}
    assert admin.patch(application(admin), {"keyCredentials": [kept, key_entry(certificate(admin.clock, 1))]}).status == 204
    assert [each["keyId"] == first["keyId"] for each in listed(admin)] == [True, False]
    assert admin.patch(application(admin), {"keyCredentials": [kept]}).status == 204
    assert listed(admin) == [first]
    assert admin.patch(application(admin), {"keyCredentials": []}).status == 204
    assert listed(admin) == []


@pytest.mark.parametrize("change", [{"displayName": "other"}, {"endDateTime": "2026-10-01T00:00:00Z"}, {"key": "AAAA"}])
def test_a_certificate_that_is_there_cannot_be_changed(change: dict[str, JSON]) -> None:
    admin = administrator()
    admin.patch(application(admin), {"keyCredentials": [key_entry(certificate(admin.clock))]})
    held = listed(admin)[0]
    refused = admin.patch(application(admin), {"keyCredentials": [{**held, "key": None, **change}]})
    assert refused.message == f"Update to existing credential with KeyId '{held['keyId']}' is not allowed."
    assert refused.status == 400
    assert listed(admin) == [held]


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"endDateTime": "2126-01-01T00:00:00Z"}, "KeyCredentialsInvalidEndDate"),
        ({"startDateTime": "2020-01-01T00:00:00Z"}, "KeyCredentialsInvalidStartDate"),
        ({"key": None}, "Request_BadRequest"),
        ({"key": "bm8gY2VydGlmaWNhdGU="}, "Request_BadRequest"),
        ({"type": "Symmetric"}, "Request_BadRequest"),
    ],
)
def test_a_certificate_must_be_one_and_lie_within_its_own_dates(changes: dict[str, JSON], code: str) -> None:
    admin = administrator()
    entry = key_entry(certificate(admin.clock)) | changes
    assert error(admin.patch(application(admin), {"keyCredentials": [entry]})) == (400, code)
    assert listed(admin) == []


# --- the tenant's policy ---


def test_a_tenant_may_forbid_secrets_and_still_take_certificates() -> None:
    admin = administrator()
    admin.tenant.directory.credential_policy = CredentialPolicy(secrets_forbidden=True)
    assert error(admin.post(f"{application(admin)}/addPassword", {})) == (400, "CredentialTypeNotAllowedAsPerAppPolicy")
    assert admin.patch(application(admin), {"keyCredentials": [key_entry(certificate(admin.clock))]}).status == 204


@pytest.mark.parametrize("code", ["CredentialInvalidLifetimeAsPerAppPolicy", "InvalidKeyEndDate"])
def test_a_tenant_may_limit_how_long_credentials_live(
    code: Literal["CredentialInvalidLifetimeAsPerAppPolicy", "InvalidKeyEndDate"],
) -> None:
    admin = administrator()
    admin.tenant.behaviour.lifetime_refusal = code
    admin.tenant.directory.credential_policy = CredentialPolicy(secret_days=90, certificate_days=30)
    refused = admin.post(f"{application(admin)}/addPassword", {"passwordCredential": {"endDateTime": stamp(admin.clock.time + 91 * DAY)}})
    assert error(refused) == (400, code)
    assert (stamp(admin.clock.time + 90 * DAY) in str(refused.message)) == (code == "InvalidKeyEndDate")
    add_password(admin, endDateTime=stamp(admin.clock.time + 90 * DAY))
    assert error(admin.patch(application(admin), {"keyCredentials": [key_entry(certificate(admin.clock, days=31))]})) == (400, code)
    assert admin.patch(application(admin), {"keyCredentials": [key_entry(certificate(admin.clock, days=30))]}).status == 204


def test_a_policy_may_spare_applications_that_are_older() -> None:
    admin = administrator()
    admin.tenant.directory.credential_policy = CredentialPolicy(secrets_forbidden=True, applies_from=admin.clock.time + 1)
    add_password(admin)
    admin.clock.time += 1
    younger = admin.new_application()
    refused = admin.post(f"/applications/{younger['id']}/addPassword", {})
    assert error(refused) == (400, "CredentialTypeNotAllowedAsPerAppPolicy")


# --- an app that rolls its own keys ---


def proof(client: Client, **changes: JSON) -> str:
    """As https://learn.microsoft.com/graph/application-rollkey-prooftoken has it."""
    now = int(client.clock.time)
    claims = {"aud": "00000002-0000-0000-c000-000000000000", "iss": client.app.application.id, "nbf": now, "exp": now + 600, **changes}
    der = certificate(client.clock).public_bytes(Encoding.DER)
    thumbprint = base64.urlsafe_b64encode(hashlib.sha1(der, usedforsecurity=False).digest()).decode().rstrip("=")
    return jwt.encode(claims, private_key(0), "RS256", {"x5t": thumbprint})


def rolling() -> tuple[Administrator, Client]:
    """An app with one certificate and no permission, beside its administrator."""
    admin = administrator()
    app = admin.tenant.app
    app.permissions.clear()
    client = Client(admin.tenant, admin.clock, app)
    client.token = client.sign_in()
    admin.tenant.add_certificate(certificate(admin.clock).public_bytes(Encoding.PEM).decode())
    return admin, client


@pytest.mark.any_request
def test_an_app_rolls_its_keys_without_any_permission_if_it_proves_to_have_one() -> None:
    admin, client = rolling()
    key = key_entry(certificate(admin.clock, 1))
    added = client.send("POST", f"{application(admin)}/addKey", {"keyCredential": key, "passwordCredential": None, "proof": proof(client)})
    assert added.status == 200
    old = next(each for each in listed(admin) if each["keyId"] != added.body["keyId"])
    assert client.send("POST", f"{application(admin)}/removeKey", {"keyId": old["keyId"], "proof": proof(client)}).status == 204
    assert [each["keyId"] for each in listed(admin)] == [added.body["keyId"]]


@pytest.mark.any_request
@pytest.mark.parametrize("changes", [{"aud": "https://graph.microsoft.com"}, {"iss": "me"}, {"exp": 1_790_000_601}, {"exp": 1_789_000_000}])
def test_a_proof_that_proves_nothing_is_refused(changes: dict[str, JSON]) -> None:
    admin, client = rolling()
    body: JSON = {"keyCredential": key_entry(certificate(admin.clock, 1)), "proof": proof(client, **changes)}
    assert error(client.send("POST", f"{application(admin)}/addKey", body)) == (401, "Authentication_MissingOrMalformed")
    assert len(listed(admin)) == 1
