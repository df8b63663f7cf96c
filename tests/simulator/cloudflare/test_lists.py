"""Zero Trust lists: reading, making, replacing and deleting them (https://developers.cloudflare.com/api/, cloudflare.md 3)."""

from typing import Literal

import pytest

from simulator.cloudflare import ListWrite
from simulator.messages import JSON
from tests.simulator.cloudflare.client import Client, contoso, high

FIVE_THOUSAND = tuple(f"user{number}@contoso.com" for number in range(5000))


def values(items: JSON) -> list[str]:
    assert isinstance(items, list)
    return [str(item["value"]) for item in items if isinstance(item, dict)]


def test_a_list_is_read_with_its_items_in_the_order_of_their_insertion() -> None:
    client = contoso()
    client.account.set_values(high(client), ["b@contoso.com", "a@contoso.com"])
    read = client.get(f"/gateway/lists/{high(client).id}").result
    assert values(read["items"]) == ["b@contoso.com", "a@contoso.com"]
    assert read["count"] == 2
    assert (read["created_at"], read["updated_at"]) == ("2026-09-21T14:13:20Z", "2026-09-21T14:14:20Z")
    assert read["description"] == ""


@pytest.mark.parametrize(("shown", "expected"), [("null", {"items": None}), ("absent", {}), ("[]", {"items": []})])
def test_an_empty_list_shows_no_items_in_one_way_or_another(shown: Literal["null", "absent", "[]"], expected: dict[str, JSON]) -> None:
    client = contoso()
    client.account.behaviour.empty_items = shown
    read = client.get(f"/gateway/lists/{high(client).id}").result
    assert {name: read[name] for name in ("items", "count") if name in read} == expected
    page = client.get(f"/gateway/lists/{high(client).id}/items").body
    assert ("result" in page, page.get("result")) == (shown != "absent", [] if shown == "[]" else None)


@pytest.mark.parametrize(("shown", "count"), [("absent", None), ("zero", 0)])
def test_a_count_of_none_is_left_out_or_zero(shown: Literal["absent", "zero"], count: int | None) -> None:
    client = contoso()
    client.account.behaviour.zero_count = shown
    assert client.get(f"/gateway/lists/{high(client).id}").result.get("count") == count
    assert client.get("/gateway/lists").results[0].get("count") == count


@pytest.mark.parametrize(("shown", "items"), [("all", 1001), ("first 1000", 1000), ("none", None)])
def test_more_than_a_thousand_items_are_embedded_or_not(shown: Literal["all", "first 1000", "none"], items: int | None) -> None:
    client = contoso()
    client.account.state.enterprise = True
    client.account.behaviour.embedded_items = shown
    client.account.set_values(high(client), FIVE_THOUSAND[:1001])
    read = client.get(f"/gateway/lists/{high(client).id}").result
    assert read["count"] == 1001
    assert (len(values(read["items"])) if "items" in read else None) == items
    client.account.set_values(high(client), FIVE_THOUSAND[:1000])
    assert len(values(client.get(f"/gateway/lists/{high(client).id}").result["items"])) == 1000


def test_items_come_in_pages_of_fifty_if_not_asked_otherwise() -> None:
    client = contoso()
    client.account.set_values(high(client), FIVE_THOUSAND[:120])
    pages = [client.get(f"/gateway/lists/{high(client).id}/items?page={page}") for page in (1, 2, 3, 4)]
    assert [len(page.results or []) for page in pages] == [50, 50, 20, 0]
    assert pages[2].info == {"page": 3, "per_page": 50, "count": 20, "total_count": 120, "total_pages": 3}
    assert [value for page in pages[:3] for value in values(page.body["result"])] == list(FIVE_THOUSAND[:120])


@pytest.mark.parametrize(("beyond", "status", "per_page"), [("clamp", 200, 1000), ("refused", 400, None)])
def test_a_page_that_is_too_large_is_smaller_or_refused(beyond: Literal["clamp", "refused"], status: int, per_page: int | None) -> None:
    client = contoso()
    client.account.state.enterprise = True
    client.account.behaviour.per_page_beyond = beyond
    client.account.set_values(high(client), FIVE_THOUSAND[:1200])
    read = client.get(f"/gateway/lists/{high(client).id}/items?per_page=1001")
    assert (read.status, read.body.get("result_info", {}).get("per_page") if status == 200 else None) == (status, per_page)  # type: ignore[union-attr]  # an object
    assert client.get(f"/gateway/lists/{high(client).id}/items?per_page=1000").info["count"] == 1000


@pytest.mark.parametrize("shown", [True, False])
def test_pages_tell_how_much_there_is_or_do_not(*, shown: bool) -> None:
    client = contoso()
    client.account.behaviour.result_info = shown
    for path in ("/gateway/lists", f"/gateway/lists/{high(client).id}/items", "/gateway/rules"):
        assert ("result_info" in client.get(path).body) == shown


@pytest.mark.any_request
def test_an_undocumented_limit_works_and_is_held_against_the_client() -> None:
    client = contoso()
    client.account.set_values(high(client), FIVE_THOUSAND[:120])
    assert len(client.get(f"/gateway/lists/{high(client).id}/items?limit=100000").results) == 120
    assert client.account.violations == ["limit= on a list's items, which is documented nowhere"]


@pytest.mark.any_request
@pytest.mark.parametrize("query", ["page=0", "page=x", "per_page=-1", "page=٣"])
def test_a_page_is_a_positive_number(query: str) -> None:
    client = contoso()
    assert client.get(f"/gateway/lists/{high(client).id}/items?{query}").status == 400


def test_the_listing_shows_counts_and_dates_and_no_items() -> None:
    client = contoso()
    client.account.set_values(high(client), ["a@contoso.com"])
    listed = {str(each["name"]): each for each in client.get("/gateway/lists").results}
    assert set(listed) == {"risky-users-high", "risky-users-medium", "risky-users-low"}
    assert listed["risky-users-high"]["count"] == 1
    assert listed["risky-users-high"]["updated_at"] == "2026-09-21T14:14:20Z"
    assert not any("items" in each for each in listed.values())


def test_the_listing_holds_only_what_the_token_may_see() -> None:
    client = contoso()
    client.account.token.lists = {high(client).id}
    assert [each["id"] for each in client.get("/gateway/lists").results] == [high(client).id]
    hidden = client.account.list_named("risky-users-low")
    assert client.get(f"/gateway/lists/{hidden.id}").status == 403
    assert client.patch(hidden, append=("a@contoso.com",)).status == 403
    assert not hidden.values


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ("filter=name:HIGH", ["risky-users-high"]),
        ("filter=name:risky&filter=item_count:1", ["risky-users-low"]),
        ("filter=item_count:0&filter=type:EMAIL", ["risky-users-high", "risky-users-medium"]),
        ("type=DOMAIN", ["sites"]),
        ("search=site", ["sites"]),
        ("order_by=name&direction=desc", ["sites", "risky-users-medium", "risky-users-low", "risky-users-high"]),
        ("order_by=created_at", ["sites", "risky-users-high", "risky-users-medium", "risky-users-low"]),
        ("order_by=item_count&filter=type:EMAIL", ["risky-users-high", "risky-users-medium", "risky-users-low"]),
    ],
)
def test_the_listing_can_be_asked_for_some(query: str, names: list[str]) -> None:
    client = contoso()
    client.account.add_list("sites", ["example.com"], "DOMAIN")
    client.account.set_values(client.account.list_named("risky-users-low"), ["a@contoso.com"])
    assert [each["name"] for each in client.get(f"/gateway/lists?{query}").results] == names


def test_a_list_is_found_by_its_id_without_dashes() -> None:
    client = contoso()
    found = client.get(f"/gateway/lists?filter=id:{high(client).id.replace('-', '')}").results
    assert [each["name"] for each in found] == ["risky-users-high"]


def test_an_older_deployment_ignores_what_it_does_not_know() -> None:
    client = contoso()
    client.account.behaviour.listing_takes_queries = False
    assert len(client.get("/gateway/lists?filter=name:high&order_by=name").results) == 3


@pytest.mark.parametrize("query", ["filter=colour:red", "filter=item_count:many", "filter=type:CARS"])
def test_a_filter_that_is_not_understood_is_refused(query: str) -> None:
    assert contoso().get(f"/gateway/lists?{query}").status == 400


def test_a_new_list_is_answered_with_its_items_and_without_a_count() -> None:
    client = contoso()
    body: JSON = {"name": "mine", "type": "EMAIL", "items": [{"value": "a@contoso.com", "description": "her"}]}
    made = client.send("POST", "/gateway/lists", body).result
    assert made["items"] == [{"value": "a@contoso.com", "description": "her", "created_at": "2026-09-21T14:14:20Z"}]
    assert "count" not in made
    assert client.account.list_named("mine").values == ["a@contoso.com"]


def test_two_lists_may_have_the_same_name() -> None:
    client = contoso()
    for _ in range(2):
        assert client.send("POST", "/gateway/lists", {"name": "risky-users-high", "type": "EMAIL"}).status == 200
    assert len(client.account.lists_named("risky-users-high")) == 3


@pytest.mark.any_request
@pytest.mark.parametrize("body", [{"type": "EMAIL"}, {"name": "", "type": "EMAIL"}, {"name": "a"}, {"name": "a", "type": "CARS"}, [], "a"])
def test_a_list_needs_a_name_and_a_type(body: JSON) -> None:
    client = contoso()
    assert client.send("POST", "/gateway/lists", body).status == 400
    assert len(client.account.state.lists) == 3


def test_an_account_holds_a_hundred_lists() -> None:
    client = contoso()
    for number in range(97):
        client.account.add_list(str(number))
    assert client.send("POST", "/gateway/lists", {"name": "one more", "type": "EMAIL"}).status == 400


def test_an_unknown_list_is_400_with_a_code_of_its_own() -> None:
    client = contoso()
    address = "/gateway/lists/00000000-0000-4000-8000-000000000000"
    for answer in (client.get(address), client.get(f"{address}/items"), client.send("DELETE", address), client.send("PATCH", address, {})):
        assert (answer.status, answer.code, answer.message) == (400, 2218, "list not found")


def test_a_put_without_items_changes_name_and_description_alone() -> None:
    client = contoso()
    target = high(client)
    client.account.set_values(target, ["a@contoso.com"])
    answer = client.send("PUT", f"/gateway/lists/{target.id}", {"name": "renamed", "description": "new"}).result
    assert (answer["name"], answer["description"], answer["count"]) == ("renamed", "new", 1)
    assert client.send("PUT", f"/gateway/lists/{target.id}", {"name": "again"}).result["description"] == "new"
    assert target.values == ["a@contoso.com"]


def test_a_put_with_items_replaces_them_all() -> None:
    client = contoso()
    target = high(client)
    client.account.set_values(target, ["a@contoso.com", "b@contoso.com"])
    heard: list[ListWrite] = []
    client.account.on_write = heard.append
    body: JSON = {"name": target.name, "items": [{"value": "b@contoso.com"}, {"value": "c@contoso.com"}]}
    assert client.send("PUT", f"/gateway/lists/{target.id}", body).result["count"] == 2
    assert target.values == ["b@contoso.com", "c@contoso.com"]
    assert [(write.kind, write.value) for write in heard] == [("remove", "a@contoso.com"), ("append", "c@contoso.com")]


@pytest.mark.parametrize(("does", "left"), [("ignored", ["a@contoso.com"]), ("empties", [])])
def test_a_put_of_no_items_empties_the_list_or_is_ignored(does: Literal["ignored", "empties"], left: list[str]) -> None:
    client = contoso()
    client.account.behaviour.put_of_no_items = does
    client.account.set_values(high(client), ["a@contoso.com"])
    assert client.send("PUT", f"/gateway/lists/{high(client).id}", {"name": "risky-users-high", "items": []}).status == 200
    assert high(client).values == left


@pytest.mark.any_request
def test_a_put_needs_the_name_and_cannot_change_the_type() -> None:
    client = contoso()
    for body in ({"description": "a"}, {"name": "a", "type": "DOMAIN"}):
        assert client.send("PUT", f"/gateway/lists/{high(client).id}", {**body}).status == 400
    assert high(client).type == "EMAIL"


@pytest.mark.parametrize("enabled", [True, False])
@pytest.mark.parametrize("dashes", [True, False])
def test_a_list_that_a_rule_names_cannot_be_deleted(*, enabled: bool, dashes: bool) -> None:
    client = contoso()
    target = client.account.add_list("mine")
    name = target.id if dashes else target.id.replace("-", "")
    rule = client.account.add_rule("mine", enabled=enabled, identity=f"identity.email in ${name}")
    assert client.send("DELETE", f"/gateway/lists/{target.id}").status == 400
    assert client.send("DELETE", f"/gateway/rules/{rule.id}").status == 200
    deleted = client.send("DELETE", f"/gateway/lists/{target.id}")
    assert (deleted.status, deleted.result) == (200, {})
    assert client.get(f"/gateway/lists/{target.id}").code == 2218
    assert target.name not in [each["name"] for each in client.get("/gateway/lists").results]


def lagging(seconds: float) -> Client:
    client = contoso()
    client.account.set_values(high(client), ["old@contoso.com"])
    client.clock.time += 100
    client.account.behaviour.list_lag = seconds
    client.patch(high(client), append=("new@contoso.com",), remove=("old@contoso.com",))
    return client


def test_a_read_may_show_what_was_in_the_list_some_seconds_ago() -> None:
    client = lagging(30.0)
    client.clock.time += 15
    seen = {tuple(values(client.get(f"/gateway/lists/{high(client).id}").result["items"])) for _ in range(50)}
    assert seen == {("old@contoso.com",), ("new@contoso.com",)}
    paged = {tuple(values(client.get(f"/gateway/lists/{high(client).id}/items").body["result"])) for _ in range(50)}
    assert paged == seen
    dates = {str(client.get("/gateway/lists").results[0]["updated_at"]) for _ in range(50)}
    assert dates == {"2026-09-21T14:14:20Z", "2026-09-21T14:16:00Z"}
    client.clock.time += 16
    assert {tuple(values(client.get(f"/gateway/lists/{high(client).id}").result["items"])) for _ in range(50)} == {("new@contoso.com",)}


def test_a_list_is_not_known_everywhere_at_once() -> None:
    client = lagging(30.0)
    made = client.send("POST", "/gateway/lists", {"name": "mine", "type": "EMAIL"}).result
    client.clock.time += 15
    assert {client.get(f"/gateway/lists/{made['id']}").status for _ in range(50)} == {200, 400}
    assert {len(client.get("/gateway/lists").results) for _ in range(50)} == {3, 4}
