"""The token endpoint: who gets a token, what is in it, and how each refusal looks."""

import base64
import json

import pytest

from simulator import Fault, Request, Tenant, sign_in_fault
from tests.simulator.client import Clock, contoso, reply, sign_in

pytestmark = pytest.mark.any_request


def claims(token: str) -> dict[str, object]:
    part = token.split(".")[1]
    decoded: dict[str, object] = json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
    return decoded


def test_a_token_names_the_app_the_tenant_and_what_was_consented_to() -> None:
    client = contoso()
    claimed = claims(client.token)
    assert claimed["tid"] == client.tenant.id
    assert claimed["appid"] == client.app.client_id
    assert claimed["oid"] == client.app.object_id
    assert claimed["aud"] == "https://graph.microsoft.com"
    assert claimed["roles"] == ["Group.Create", "GroupMember.ReadWrite.All", "IdentityRiskyUser.Read.All"]
    assert claimed["exp"] == client.clock.time + 3599


def test_the_tenant_may_be_named_by_its_domain() -> None:
    tenant = Tenant.contoso()
    assert sign_in(tenant, tenant.app, tenant=tenant.domain).status == 200


@pytest.mark.parametrize(
    ("changes", "status", "error", "code"),
    [
        ({"client_secret": "wrong"}, 401, "invalid_client", 7000215),
        ({"client_secret": None}, 401, "invalid_client", 7000218),
        ({"client_id": "00000000-0000-4000-8000-000000000000"}, 400, "unauthorized_client", 700016),
        ({"tenant": "00000000-0000-4000-8000-000000000000"}, 400, "invalid_tenant", 90002),
        ({"tenant": "nonsense"}, 400, "invalid_request", 900023),
        ({"scope": None}, 400, "invalid_request", 900144),
        ({"grant_type": None}, 400, "invalid_request", 900144),
        ({"client_id": None}, 400, "invalid_request", 900144),
        ({"scope": "https://graph.microsoft.us/.default"}, 400, "invalid_scope", 70011),
        ({"host": "login.microsoftonline.us"}, 400, "invalid_tenant", 90002),
        ({"client_assertion": "a.b.c"}, 400, "invalid_request", 900144),
    ],
)
def test_each_mistake_has_its_error(changes: dict[str, str | None], status: int, error: str, code: int) -> None:
    tenant = Tenant.contoso()
    answer = sign_in(tenant, tenant.app, **changes)
    assert (answer.status, answer.body["error"], answer.body["error_codes"]) == (status, error, [code])
    assert str(answer.body["error_description"]).startswith(f"AADSTS{code}: ")
    assert {"timestamp", "trace_id", "correlation_id", "error_uri"} <= answer.body.keys()


@pytest.mark.parametrize(
    ("code", "status", "error", "text"),
    [
        (900382, 400, "invalid_request", "Cross Cloud"),
        (900432, 400, "invalid_request", "Cross Cloud"),
        (900439, 400, "invalid_request", "USGClientNotSupportedOnPublicEndpoint"),
        (7000229, 401, "invalid_client", "is missing service principal in the tenant"),
        (53003, 400, "invalid_grant", "blocked by Conditional Access policies"),
        (700027, 401, "invalid_client", "certificate"),
        (700024, 401, "invalid_client", "time range"),
        (700023, 401, "invalid_client", "audience"),
        (700021, 401, "invalid_client", "client_id"),
        (50048, 401, "invalid_client", "Subject"),
        (5002723, 401, "invalid_client", "thumbprint"),
        (50012, 401, "invalid_client", "Authentication failed"),
        (50013, 401, "invalid_client", "signature"),
        (90033, 503, "temporarily_unavailable", "transient"),
        (7654321, 400, "invalid_request", ""),
    ],
)
def test_the_login_host_can_be_made_to_refuse_with_any_number(code: int, status: int, error: str, text: str) -> None:
    tenant = Tenant.contoso()
    tenant.faults = [sign_in_fault(code, skip=1, times=1)]
    assert sign_in(tenant, tenant.app).status == 200
    answer = sign_in(tenant, tenant.app)
    assert (answer.status, answer.body["error"], answer.body["error_codes"]) == (status, error, [code])
    description = str(answer.body["error_description"])
    assert description.startswith(f"AADSTS{code}: ")
    assert text in description
    assert "$" not in description
    assert answer.body["error_uri"] == f"https://login.microsoftonline.com/error?code={code}"
    assert sign_in(tenant, tenant.app).status == 200


def test_a_refusal_by_number_names_the_app_and_the_tenant() -> None:
    tenant = Tenant.contoso()
    tenant.faults = [sign_in_fault(7000229)]
    description = sign_in(tenant, tenant.app).body["error_description"]
    assert f"application {tenant.app.client_id} is missing service principal in the tenant {tenant.id}." in str(description)


def test_a_refusal_by_number_takes_whatever_status_and_text_a_test_wants() -> None:
    tenant = Tenant.contoso()
    tenant.faults = [Fault("status", path="*/token", status=429, code="AADSTS90055", message="$5, {please}", headers={"Retry-After": "7"})]
    answer = sign_in(tenant, tenant.app)
    assert (answer.status, answer.body["error_codes"], answer.headers["Retry-After"]) == (429, [90055], "7")
    assert "AADSTS90055: $5, {please}\r\n" in str(answer.body["error_description"])


def test_a_secret_that_was_not_encoded_is_a_wrong_secret() -> None:
    tenant = Tenant.contoso()
    form = f"client_id={tenant.app.client_id}&scope=https://graph.microsoft.com/.default&client_secret={tenant.app.secret}"
    url = f"https://login.microsoftonline.com/{tenant.id}/oauth2/v2.0/token"
    headers = {"content-type": "application/x-www-form-urlencoded"}
    answer = reply(tenant.handle(Request("POST", url, headers, f"{form}&grant_type=client_credentials".encode())))
    assert answer.body["error_codes"] == [7000215]


def test_an_expired_secret_is_told_apart_and_a_second_one_still_works() -> None:
    tenant = Tenant.contoso(clock=Clock().now)
    old = tenant.app.secret
    tenant.expire_secrets()
    assert sign_in(tenant, tenant.app).body["error_codes"] == [7000222]
    tenant.add_secret()
    assert sign_in(tenant, tenant.app, client_secret=old).body["error_codes"] == [7000222]
    assert sign_in(tenant, tenant.app).status == 200


def test_a_disabled_app_gets_no_token() -> None:
    tenant = Tenant.contoso()
    tenant.app.disabled = True
    assert sign_in(tenant, tenant.app).body["error_codes"] == [7000112]


def test_a_token_works_until_it_expires_and_keeps_the_permissions_it_was_issued_with() -> None:
    client = contoso()
    client.app.permissions.clear()
    assert client.get("/groups").status == 200
    client.clock.time += 3598
    assert client.get("/groups").status == 200
    client.clock.time += 1
    answer = client.get("/groups")
    assert (answer.status, answer.code) == (401, "InvalidAuthenticationToken")
    assert "roles" not in claims(str(sign_in(client.tenant, client.app).body["access_token"]))


@pytest.mark.parametrize("authorization", ["", "Bearer ", "Bearer nonsense", "Basic abc"])
def test_without_a_good_token_graph_answers_nothing_else(authorization: str) -> None:
    answer = contoso().get("/groups", Authorization=authorization)
    assert (answer.status, answer.code) == (401, "InvalidAuthenticationToken")


@pytest.mark.parametrize("graph", ["graph.microsoft.us", "dod-graph.microsoft.us"])
def test_a_token_of_one_cloud_is_worth_nothing_in_another(graph: str) -> None:
    client = contoso()
    assert client.get(f"https://{graph}/v1.0/groups").status == 401
    client.tenant.tokens.cloud = "login.microsoftonline.us"
    there = sign_in(client.tenant, client.app, host="login.microsoftonline.us", scope=f"https://{graph}/.default")
    client.token = str(there.body["access_token"])
    assert client.get(f"https://{graph}/v1.0/groups").status == 200
    assert client.get("/groups").status == 401


def test_authentication_libraries_find_the_token_endpoint() -> None:
    tenant = Tenant.contoso()
    url = f"https://login.microsoftonline.com/{tenant.id}/v2.0/.well-known/openid-configuration"
    found = reply(tenant.handle(Request("GET", url, {}))).body
    assert found["token_endpoint"] == f"https://login.microsoftonline.com/{tenant.id}/oauth2/v2.0/token"
    discovery = "https://login.microsoftonline.com/common/discovery/instance?api-version=1.1"
    assert reply(tenant.handle(Request("GET", discovery, {}))).body["metadata"]


def test_a_token_that_goes_to_the_wrong_host_is_noticed() -> None:
    client = contoso()
    client.get("https://graph.microsoft.com.attacker.example/v1.0/groups")
    client.get("http://graph.microsoft.com/v1.0/groups")
    assert all("with the access token" in violation for violation in client.tenant.violations)
    assert len(client.tenant.violations) == 2
