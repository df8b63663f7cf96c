"""Gateway rules through the API (cloudflare.md 4)."""

from dataclasses import replace
from typing import Literal

import pytest

from simulator.messages import JSON
from tests.simulator.cloudflare.client import Client, contoso, high

CONTROLS: JSON = {"version": "v2", "copy": "disabled", "download": "disabled"}


def rule(client: Client, **members: JSON) -> dict[str, JSON]:
    return {
        "name": "mine",
        "action": "isolate",
        "enabled": True,
        "filters": ["http"],
        "precedence": 5100,
        "traffic": 'http.request.uri matches ".*"',
        "identity": f"identity.email in ${high(client).id}",
        "rule_settings": {"biso_admin_controls": CONTROLS},
        **members,
    }


def test_a_rule_is_made_read_and_deleted() -> None:
    client = contoso()
    made = client.send("POST", "/gateway/rules", rule(client)).result
    settings = made["rule_settings"]
    assert isinstance(settings, dict)
    assert {name: value for name, value in settings.items() if value is not None} == {"biso_admin_controls": CONTROLS}
    assert len(settings) > 1
    assert (made["version"], made["deleted_at"], made["warning_status"], made["read_only"]) == (1, None, None, False)
    assert (made["sharable"], made["source_account"], made["schedule"], made["expiration"]) == (False, "", None, None)
    address = f"/gateway/rules/{made['id']}"
    assert client.get(address).result == made
    assert made in client.get("/gateway/rules").results
    deleted = client.send("DELETE", address)
    assert (deleted.status, deleted.result) == (200, {})
    for gone in (client.get(address), client.send("DELETE", address), client.send("PUT", address, rule(client))):
        assert (gone.status, gone.message) == (404, "invalid rule id")


@pytest.mark.any_request
@pytest.mark.parametrize(
    "members",
    [
        {"name": ""},
        {"action": "burn"},
        {"filters": ["http", "dns"]},
        {"filters": ["dns"]},
        {"filters": ["cars"]},
        {"action": "block", "filters": ["cars"]},
        {"action": "block", "filters": ["http", "dns"]},
        {"filters": "http"},
        {"precedence": "first"},
        {"precedence": -1},
        {"enabled": "yes"},
        {"rule_settings": []},
        {"identity": "identity.colour == 1"},
    ],
)
def test_a_rule_that_is_none_is_refused(members: dict[str, JSON]) -> None:
    client = contoso()
    assert client.send("POST", "/gateway/rules", rule(client, **members)).status == 400
    assert len(client.account.state.rules.value) == 3


def test_a_rule_is_off_unless_it_is_made_on() -> None:
    client = contoso()
    body = rule(client)
    del body["enabled"]
    assert client.send("POST", "/gateway/rules", body).result["enabled"] is False


@pytest.mark.parametrize("status", [400, 409])
def test_a_precedence_that_is_taken_is_refused(status: Literal[400, 409]) -> None:
    client = contoso()
    client.account.behaviour.precedence_taken = status
    made = client.send("POST", "/gateway/rules", rule(client)).result
    assert client.send("POST", "/gateway/rules", rule(client)).status == status
    assert client.send("PUT", f"/gateway/rules/{made['id']}", rule(client)).status == 200
    other = client.account.rule_named("risky-users: isolate high")
    assert client.send("PATCH", f"/gateway/rules/{other.id}", {"precedence": 5100}).status == status


def test_without_a_precedence_one_above_all_others_is_chosen() -> None:
    client = contoso()
    highest = max(each.precedence for each in client.account.state.rules.value.values())
    body = rule(client)
    del body["precedence"]
    chosen = client.send("POST", "/gateway/rules", body).result["precedence"]
    assert isinstance(chosen, int)
    assert 1 <= chosen - max(highest, 1000) <= 100


def test_a_put_replaces_everything_and_switches_off_what_it_does_not_switch_on() -> None:
    client = contoso()
    made = client.send("POST", "/gateway/rules", rule(client, description="old")).result
    put = client.send("PUT", f"/gateway/rules/{made['id']}", {"name": "new", "action": "isolate"}).result
    assert (put["name"], put["description"], put["enabled"], put["identity"]) == ("new", "", False, "")
    assert (put["precedence"], put["version"], put["created_at"]) == (5100, 2, made["created_at"])


def test_a_patch_changes_what_it_names() -> None:
    client = contoso()
    made = client.send("POST", "/gateway/rules", rule(client)).result
    patched = client.send("PATCH", f"/gateway/rules/{made['id']}", {"enabled": False, "precedence": 7}).result
    assert (patched["enabled"], patched["precedence"], patched["version"]) == (False, 7, 2)
    assert (patched["name"], patched["identity"]) == (made["name"], made["identity"])


@pytest.mark.any_request
def test_a_patch_does_not_change_expressions() -> None:
    client = contoso()
    known = client.account.rule_named("risky-users: isolate high")
    assert client.send("PATCH", f"/gateway/rules/{known.id}", {"identity": ""}).status == 400


@pytest.mark.parametrize("status", [404, 405])
def test_rules_may_not_be_patched_at_all(status: Literal[404, 405]) -> None:
    client = contoso()
    client.account.behaviour.rule_patch = status
    known = client.account.rule_named("risky-users: isolate high")
    assert client.send("PATCH", f"/gateway/rules/{known.id}", {"enabled": False}).status == status
    assert client.send("PATCH", "/gateway/rules", [{"id": known.id, "enabled": False}]).status == status
    assert client.account.rule_named(known.name).enabled


def test_several_rules_are_patched_together_and_may_change_places() -> None:
    client = contoso()
    first, second = (client.account.rule_named(f"risky-users: isolate {level}") for level in ("high", "low"))
    swap: JSON = [{"id": first.id, "precedence": second.precedence}, {"id": second.id, "precedence": first.precedence}]
    assert len(client.send("PATCH", "/gateway/rules", swap).results) == 2
    assert client.account.rule_named(first.name).precedence == second.precedence
    both: JSON = [{"id": first.id, "precedence": 1}, {"id": second.id, "precedence": 1}]
    assert client.send("PATCH", "/gateway/rules", both).status == 400
    unknown: JSON = [{"id": first.id, "enabled": False}, {"id": client.account.id, "enabled": False}]
    assert client.send("PATCH", "/gateway/rules", unknown).status == 404
    assert client.account.rule_named(first.name).enabled


@pytest.mark.parametrize(
    ("drops", "adds", "stored"),
    [
        (False, False, "identity.email in ${id}"),
        (True, False, "identity.email in ${plain}"),
        (False, True, "(identity.email in ${id})"),
        (True, True, "(identity.email in ${plain})"),
    ],
)
def test_expressions_are_kept_or_formatted(*, drops: bool, adds: bool, stored: str) -> None:
    client = contoso()
    client.account.behaviour.drops_dashes, client.account.behaviour.adds_parentheses = drops, adds
    made = client.send("POST", "/gateway/rules", rule(client)).result
    assert made["identity"] == stored.replace("{id}", high(client).id).replace("{plain}", high(client).id.replace("-", ""))
    assert made["device_posture"] == ""
    person = client.account.enroll("ada@contoso.com")
    client.account.set_values(high(client), ["ada@contoso.com"])
    assert client.account.page_load(person).isolated


@pytest.mark.parametrize(("wrong_list", "status"), [("refused", 400), ("warned", 200)])
@pytest.mark.parametrize("kind", ["DOMAIN", None])
def test_a_list_that_does_not_fit_is_refused_or_warned_of(wrong_list: Literal["refused", "warned"], status: int, kind: str | None) -> None:
    client = contoso()
    client.account.behaviour.wrong_list = wrong_list
    named = client.account.add_list("sites", kind=kind).id if kind else "00000000-0000-4000-8000-000000000000"
    answer = client.send("POST", "/gateway/rules", rule(client, identity=f"identity.email in ${named}"))
    assert answer.status == status
    if status == 200:
        assert (kind or "does not exist") in str(answer.result["warning_status"])


@pytest.mark.parametrize("action", ["isolate", "noisolate"])
def test_isolation_has_to_be_bought(action: str) -> None:
    client = contoso()
    client.account.state.browser_isolation = False
    answer = client.send("POST", "/gateway/rules", rule(client, action=action))
    assert answer.status == 403
    assert "browser isolation" in answer.message
    assert client.send("POST", "/gateway/rules", rule(client, action="block")).status == 200


def test_a_rule_shared_by_another_account_cannot_be_changed() -> None:
    client = contoso()
    shared = replace(client.account.rule_named("risky-users: isolate high"), read_only=True)
    client.account.put_rule(shared)
    address = f"/gateway/rules/{shared.id}"
    assert client.get(address).result["read_only"] is True
    bodies: dict[str, JSON] = {"PUT": rule(client), "PATCH": {"enabled": False}, "DELETE": None}
    for method, body in bodies.items():
        assert client.send(method, address, body).status == 403
    assert client.account.rule_named(shared.name).enabled


@pytest.mark.any_request
def test_several_rules_are_patched_as_an_array_of_objects() -> None:
    client = contoso()
    bodies: list[JSON] = [{}, ["all"], [{"enabled": False}]]
    for body in bodies:
        assert client.send("PATCH", "/gateway/rules", body).status == 400


@pytest.mark.any_request
def test_a_field_belongs_into_its_own_expression() -> None:
    client = contoso()
    identity = f"identity.email in ${high(client).id}"
    for part in ("traffic", "device_posture"):
        assert client.send("POST", "/gateway/rules", rule(client, **{part: identity})).status == 400
    assert client.send("POST", "/gateway/rules", rule(client, identity='http.request.host == "a"')).status == 400


def test_an_account_holds_five_hundred_rules() -> None:
    client = contoso()
    for number in range(497):
        client.account.add_rule(str(number))
    body = rule(client)
    assert client.send("POST", "/gateway/rules", body).status == 400
    assert len(client.get("/gateway/rules").results) == 500
