"""The user registry (cloudflare.md 6.4)."""

import pytest

from tests.simulator.cloudflare.client import contoso


def test_a_user_is_found_by_address_name_or_a_part_of_either() -> None:
    client = contoso("Access: Audit Logs Read")
    client.account.enroll("Ada@contoso.com", "Ada Example")
    client.account.enroll("bob@contoso.com", "Bob")
    assert client.get("/access/users?email=").results == []
    for query in ("email=ada@contoso.com", "name=Ada%20Example", "search=exam", "per_page=1"):
        assert [each["email"] for each in client.get(f"/access/users?{query}").results] == ["Ada@contoso.com"]
    assert len(client.get("/access/users").results) == 2


def test_an_identity_shows_the_address_and_the_groups_that_gateway_compares() -> None:
    client = contoso("Access: Audit Logs Read")
    ada = client.account.enroll("Ada@contoso.com", group_ids=["g1"])
    ada.groups = ("risky",)
    identity = client.get(f"/access/users/{ada.id}/last_seen_identity").result
    assert (identity["email"], identity["is_gateway"], identity["user_uuid"]) == ("Ada@contoso.com", True, ada.id)
    assert identity["groups"] == [{"id": "", "name": "risky"}, {"id": "g1", "name": ""}]
    assert identity["idp"] == {"id": client.account.provider.id, "type": "azureAD"}


def test_who_was_never_seen_has_no_identity() -> None:
    client = contoso("Zero Trust Write", "Access: Audit Logs Read")
    made = client.send("POST", "/access/users", {"email": "ada@contoso.com", "name": "Ada"})
    assert (made.status, made.result["gateway_seat"], "last_successful_login" in made.result) == (201, False, False)
    assert client.get(f"/access/users/{made.result['id']}/last_seen_identity").status == 404
    assert client.get("/access/users/00000000-0000-4000-8000-000000000000/last_seen_identity").status == 404
    assert client.send("POST", "/access/users", {"email": "ADA@contoso.com"}).status == 409
    ada = client.account.enroll("ada@contoso.com")
    assert client.get(f"/access/users/{ada.id}/last_seen_identity").result["email"] == "ada@contoso.com"
    assert client.get("/access/users").results[0]["gateway_seat"] is True


@pytest.mark.any_request
def test_a_user_needs_an_address() -> None:
    client = contoso("Zero Trust Write")
    assert client.send("POST", "/access/users", {"email": "ada"}).status == 400
    assert client.send("POST", "/access/users", {}).status == 400


def test_groups_come_with_a_login_only_where_the_provider_asks_for_them() -> None:
    client = contoso()
    ada = client.account.enroll("ada@contoso.com", group_ids=["g1"])
    client.account.provider.config["support_groups"] = False
    bob = client.account.enroll("bob@contoso.com", group_ids=["g1"])
    assert (ada.group_ids, bob.group_ids) == (("g1",), ())
