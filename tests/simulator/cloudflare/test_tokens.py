"""API tokens: rights, verify, expiry, and tokens that make tokens (cloudflare.md 7)."""

import json

import pytest

from simulator.cloudflare.permissions import GROUP_IDS
from simulator.cloudflare.routes import ROUTES
from simulator.messages import JSON
from tests.simulator.cloudflare.client import ROOT, Client, contoso, high

UNKNOWN = "00000000-0000-4000-8000-000000000000"
USER_VERIFY = f"{ROOT}/user/tokens/verify"
READS = {
    "Zero Trust Read": [
        "/gateway/lists",
        "/gateway/lists/{list}",
        "/gateway/lists/{list}/items",
        "/gateway/rules",
        "/gateway/configuration",
    ],
    "Access: Organizations, Identity Providers, and Groups Read": [
        "/access/identity_providers",
        "/access/identity_providers/{provider}",
        "/access/identity_providers/{provider}/scim/groups",
        "/access/identity_providers/{provider}/scim/users",
    ],
    "Access: SCIM Logs Read": ["/access/logs/scim/updates?idp_id={provider}"],
    "Access: Audit Logs Read": ["/access/users", "/access/users/{person}/last_seen_identity"],
    "Account Settings Read": [""],
    "Account API Tokens Read": ["/tokens", "/tokens/permission_groups"],
    "Workers Scripts Read": ["/workers/scripts", "/workers/scripts/{worker}/schedules", "/workers/scripts/{worker}/settings"],
}


def with_everything(*permissions: str) -> tuple[Client, dict[str, str]]:
    client = contoso(*permissions)
    account = client.account
    account.deploy_worker("risky-users")
    person = account.enroll("ada@contoso.com")
    return client, {"list": high(client).id, "provider": account.provider.id, "person": person.id, "worker": "risky-users"}


@pytest.mark.parametrize(("permission", "path"), [(permission, path) for permission, paths in READS.items() for path in paths])
def test_each_read_takes_the_right_that_is_published_for_it(permission: str, path: str) -> None:
    client, ids = with_everything(permission)
    assert client.get(path.format(**ids)).status == 200
    for other in READS.keys() - {permission}:
        client, ids = with_everything(other)
        may_too = (path, other) == ("", "Workers Scripts Read")
        assert client.get(path.format(**ids)).status == (200 if may_too else 403)


@pytest.mark.any_request
def test_no_write_is_for_who_may_only_read() -> None:
    client, _ = with_everything(*[name for name in GROUP_IDS if name.endswith("Read")])
    for method, pattern, allowed, _operation in ROUTES:
        if method != "GET" and allowed is not None:
            path = pattern.pattern.replace("(?P<account>[^/]*)", client.account.id).replace("(?P<token>[0-9a-f]{32})", "0" * 32)
            for name in ("list", "rule", "provider", "script"):
                path = path.replace(f"(?P<{name}>[^/]+)", UNKNOWN)
            assert client.send(method, ROOT + path, {}).status == 403, (method, path)


@pytest.mark.any_request
def test_zero_trust_write_is_enough_for_lists_rules_and_configuration_and_for_nothing_else() -> None:
    client, ids = with_everything("Zero Trust Write")
    assert client.send("POST", "/gateway/lists", {"name": "a", "type": "EMAIL"}).status == 200
    assert client.send("POST", "/gateway/rules", {"name": "a", "action": "block"}).status == 200
    assert client.send("PATCH", "/gateway/configuration", {"settings": {}}).status == 200
    for path in ("", "/access/users", "/tokens", "/workers/scripts", "/access/identity_providers"):
        assert client.get(path.format(**ids)).status == 403


@pytest.mark.parametrize("enough", [True, False])
def test_population_read_is_enough_for_scim_resources_or_not(*, enough: bool) -> None:
    client, ids = with_everything("Access: Population Read")
    client.account.behaviour.population_reads_scim = enough
    for kind in ("groups", "users"):
        assert client.get(f"/access/identity_providers/{ids['provider']}/scim/{kind}").status == (200 if enough else 403)
    assert client.get("/access/identity_providers").status == 403


def test_the_scim_log_may_be_closed_to_tokens() -> None:
    client, ids = with_everything("Access: SCIM Logs Read")
    client.account.behaviour.scim_log_by_token = False
    assert client.get(f"/access/logs/scim/updates?idp_id={ids['provider']}").status == 403


@pytest.mark.parametrize("kind", ["user", "account"])
def test_a_token_is_verified_at_the_path_of_its_kind(kind: str) -> None:
    client = contoso()
    token = client.account.create_token("mine", kind="user" if kind == "user" else "account", expires=1_800_000_000.0)
    assert token.value.startswith("cfut_" if kind == "user" else "cfat_")
    client.token = token.value
    right, wrong = (USER_VERIFY, "/tokens/verify") if kind == "user" else ("/tokens/verify", USER_VERIFY)
    verified = client.get(right)
    assert verified.result == {"id": token.id, "status": "active", "expires_on": "2027-01-15T08:00:00Z"}
    messages = verified.body["messages"]
    assert isinstance(messages, list)
    assert messages[0] == {"code": 10000, "message": "This API Token is valid and active", "type": None}
    refused = client.get(wrong)
    assert (refused.status, refused.code, refused.message) == (401, 1000, "Invalid API Token")


@pytest.mark.parametrize("dead", ["expired", "disabled"])
def test_a_dead_token_opens_nothing_and_verifies_with_its_status_or_not_at_all(dead: str) -> None:
    client = contoso()
    token = client.account.token
    if dead == "expired":
        token.expires = client.clock.time
    else:
        token.disabled = True
    assert (client.get("/gateway/lists").status, client.get("/gateway/lists").code) == (401, 9109)
    assert client.get("/tokens/verify").code == 1000
    client.account.behaviour.dead_token_verifies = True
    verified = client.get("/tokens/verify")
    assert (verified.result["status"], verified.body["messages"]) == (dead, [])


def test_a_token_may_not_be_good_yet() -> None:
    client = contoso()
    client.account.token.not_before = client.clock.time + 1
    assert client.get("/gateway/lists").status == 401
    client.clock.time += 1
    assert client.get("/gateway/lists").status == 200


def body(client: Client, *permissions: str, **members: JSON) -> dict[str, JSON]:
    policy: JSON = {
        "effect": "allow",
        "permission_groups": [{"id": GROUP_IDS[permission]} for permission in permissions],
        "resources": {f"com.cloudflare.api.account.{client.account.id}": "*"},
    }
    return {"name": "risky-users worker", "policies": [policy], **members}


def test_a_token_is_made_with_a_value_that_is_shown_once_used_and_deleted() -> None:
    client = contoso("Account API Tokens Write")
    made = client.send("POST", "/tokens", body(client, "Zero Trust Write", expires_on="2027-11-25T00:00:00Z")).result
    assert str(made["value"]).startswith("cfat_")
    assert (made["status"], made["expires_on"]) == ("active", "2027-11-25T00:00:00Z")
    listed = {each["id"]: each for each in client.get("/tokens").results}
    assert "value" not in listed[made["id"]]
    assert listed[made["id"]]["policies"] == made["policies"]
    worker = Client(client.account, client.clock, str(made["value"]))
    assert worker.get("/gateway/lists").status == 200
    assert worker.get("/tokens").status == 403
    assert client.send("DELETE", f"/tokens/{made['id']}").result == {"id": made["id"]}
    assert worker.get("/gateway/lists").code == 9109
    assert client.send("DELETE", f"/tokens/{made['id']}").status == 404


def test_expired_tokens_are_listed_if_asked_for_and_users_tokens_never() -> None:
    client = contoso("Account API Tokens Read")
    client.account.create_token("old", expires=client.clock.time)
    client.account.create_token("mine", kind="user")
    assert {each["name"] for each in client.get("/tokens").results} == {"risky-users worker", "another"}
    assert {each["name"] for each in client.get("/tokens?include_expired=true").results} == {"risky-users worker", "another", "old"}


@pytest.mark.any_request
@pytest.mark.parametrize(
    "changes",
    [
        {"name": ""},
        {"policies": []},
        {"policies": [{"effect": "allow", "permission_groups": [{"id": "0" * 32}], "resources": {"ACCOUNT": "*"}}]},
        {"policies": [{"effect": "allow", "permission_groups": [], "resources": {"ACCOUNT": "*"}}]},
        {
            "policies": [
                {"effect": "allow", "permission_groups": [{"id": GROUP_IDS["Zero Trust Write"]}], "resources": {"com.example": "*"}}
            ]
        },
        {"policies": ["everything"]},
        {"policies": [{"effect": "deny", "permission_groups": [{"id": GROUP_IDS["Zero Trust Write"]}], "resources": {"ACCOUNT": "*"}}]},
        {"expires_on": "some day"},
    ],
)
def test_a_token_that_cannot_be_made(changes: dict[str, JSON]) -> None:
    client = contoso("Account API Tokens Write")
    here = json.dumps(changes).replace("ACCOUNT", f"com.cloudflare.api.account.{client.account.id}")
    assert client.send("POST", "/tokens", body(client, "Zero Trust Write") | json.loads(here)).status == 400
    assert len(client.account.state.tokens) == 2


@pytest.mark.parametrize(("only_own", "status"), [(False, 200), (True, 403)])
def test_a_token_gives_what_it_has_not_or_only_what_it_has(*, only_own: bool, status: int) -> None:
    client = contoso("Account API Tokens Write")
    client.account.behaviour.grants_only_own = only_own
    assert client.send("POST", "/tokens", body(client, "Zero Trust Write")).status == status
    assert client.send("POST", "/tokens", body(client, "Account API Tokens Write")).status == 200


def test_permission_groups_are_found_by_name() -> None:
    client = contoso("Account API Tokens Read")
    assert len(client.get("/tokens/permission_groups").results) == len(GROUP_IDS)
    found = client.get("/tokens/permission_groups?name=Zero%20Trust%20Write&scope=com.cloudflare.api.account").results
    assert [each["id"] for each in found] == ["b33f02c6f7284e05a6f20741c0bb0567"]
    assert client.get("/tokens/permission_groups?name=Zero").results == []


def test_a_permission_that_is_none_is_an_error() -> None:
    with pytest.raises(KeyError):
        contoso().account.create_token("mine", "Zero Trust Everything")


@pytest.mark.parametrize(("enterprise", "kind"), [(False, "standard"), (True, "enterprise")])
def test_the_account_tells_its_type(*, enterprise: bool, kind: str) -> None:
    client = contoso("Account Settings Read")
    client.account.state.enterprise = enterprise
    assert client.get("").result == {"id": client.account.id, "name": "Contoso", "type": kind, "settings": {}}
