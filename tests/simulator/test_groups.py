"""Groups: look-up, creation, what no client may do to them, and replicas that lag."""

from collections.abc import Callable
from urllib.parse import quote

import pytest

from simulator import Group
from simulator.entra.entities import group_entity
from simulator.entra.operations import groups
from simulator.messages import JSON
from tests.simulator.client import ROOT, Client, Reply, contoso, item, joining

pytestmark = pytest.mark.any_request

NAME = "IdentityProtection-RiskyUser-RiskLevel-high"
GROUP: dict[str, JSON] = {
    "displayName": NAME,
    "mailNickname": NAME,
    "mailEnabled": False,
    "securityEnabled": True,
    "groupTypes": [],
}
KEY = f"/groups(uniqueName='{NAME}')"


def named(client: Client, name: str) -> list[JSON]:
    return client.get(f"/groups?$filter={quote(f'displayName eq {chr(39)}{name.replace(chr(39), chr(39) * 2)}{chr(39)}')}").ids


def upsert(client: Client, **changes: JSON) -> int:
    return client.send("PATCH", KEY, {**GROUP, **changes}, Prefer="create-if-missing").status


@pytest.mark.parametrize("name", ["a", "O'Hara & Söhne", "100% + #?", "x" * 256])
def test_a_group_is_found_by_its_name_whatever_its_case(name: str) -> None:
    client = contoso()
    group = client.tenant.create_group(name)
    client.tenant.create_group("another")
    assert named(client, name) == [group.id]
    assert named(client, name.upper()) == [group.id]


def test_several_groups_may_share_a_name() -> None:
    client = contoso()
    assert set(named(client, "a")) == set()
    groups = [client.tenant.create_group("a") for _ in range(3)]
    assert set(named(client, "a")) == {group.id for group in groups}


def test_near_namesakes_come_back_each_in_its_own_spelling() -> None:
    client = contoso()
    spellings = [NAME, NAME.upper(), NAME.replace("high", "High")]
    for name in (*spellings, f"{NAME} 2"):
        client.tenant.create_group(name)
    for name in spellings:
        found = client.get(f"/groups?$filter=displayName in ('{name}','other')&$select=id,displayName")
        assert {entry["displayName"] for entry in found.values} == set(spellings)


def test_the_order_of_a_list_tells_nothing_of_a_groups_age() -> None:
    client = contoso()
    made = []
    for _ in range(50):
        made.append(client.tenant.create_group(NAME).id)
        client.clock.time += 60
    listed = named(client, NAME)
    assert sorted(map(str, listed)) == sorted(made)
    assert listed not in (made, made[::-1])


def test_thousands_of_one_name_are_found_page_by_page_and_each_is_written_out_once(monkeypatch: pytest.MonkeyPatch) -> None:
    client = contoso()
    made = {client.tenant.create_group(NAME).id for _ in range(4400)}
    written: list[str] = []

    def counted(group: Group) -> dict[str, JSON]:
        written.append(group.id)
        return group_entity(group)

    monkeypatch.setattr(groups, "group_entity", counted)
    pages = client.pages(f"/groups?$filter=displayName eq '{NAME}'&$select=id,createdDateTime&$top=999")
    assert [len(page.values) for page in pages] == [999, 999, 999, 999, 404]
    assert {str(group) for page in pages for group in page.ids} == made
    assert sorted(written) == sorted(made)


def test_a_page_of_groups_holds_100_and_at_most_999() -> None:
    client = contoso()
    for number in range(101):
        client.tenant.create_group(f"group {number}")
    assert [len(page.values) for page in client.pages("/groups")] == [100, 1]
    assert client.get("/groups?$top=999").status == 200
    assert client.get("/groups?$top=1000").status == 400


@pytest.mark.parametrize("target", ["groups", "users"])
def test_a_filter_holds_15_alternatives_and_no_more(target: str) -> None:
    client = contoso(1, "Directory.Read.All")

    def ask(*comparisons: str) -> Reply:
        return client.get(f"/{target}?$filter={' or '.join(comparisons)}")

    names = [f"'{number}'" for number in range(16)]
    for fitting in ([f"displayName in ({','.join(names[:15])})"], [f"displayName eq {name}" for name in names[:15]]):
        assert ask(*fitting).status == 200
    for answer in (
        ask(f"displayName in ({','.join(names)})"),
        ask(*(f"displayName eq {name}" for name in names)),
        ask(f"displayName in ({','.join(names[:15])})", "id eq 'x'"),
        ask(*(f"(displayName eq {name} and id eq 'x')" for name in names[:8])),
    ):
        assert (answer.status, answer.code) == (400, "Request_UnsupportedQuery")
        limit = "Too many child clauses specified in search filter expression containing 'OR' operators: 16. Max allowed: 15."
        assert answer.message == limit
    client.tenant.behaviour.or_clauses = 16
    assert ask(f"displayName in ({','.join(names)})").status == 200
    client.tenant.behaviour.or_clauses = 2
    assert ask(f"displayName in ({','.join(names[:3])})").status == 400


def test_filters_that_take_an_index_are_refused() -> None:
    for chosen in ("displayName ne 'a'", "not (displayName eq 'a')"):
        assert contoso().get(f"/groups?$filter={chosen}").code == "Request_UnsupportedQuery"


def test_an_upsert_makes_the_group_once() -> None:
    client = contoso()
    assert [upsert(client), upsert(client), upsert(client)] == [201, 204, 204]
    assert len(client.tenant.groups_named(NAME)) == 1
    found = client.get(KEY).body
    assert (found["uniqueName"], found["securityEnabled"], found["groupTypes"]) == (NAME, True, [])
    assert not client.tenant.violations


@pytest.mark.parametrize("name", [NAME, "it's", "O''Hara & Söhne", "a/b (c)"])
@pytest.mark.parametrize("written", [lambda key: key, lambda key: quote(key, safe="()='"), lambda key: quote(key, safe="")])
def test_a_key_may_be_written_plainly_or_percent_encoded_alone_and_in_a_batch(name: str, written: Callable[[str], str]) -> None:
    client = contoso()
    escaped = name.replace("'", "''")
    url = "/" + written(f"groups(uniqueName='{escaped}')").replace("?", "%3F")
    make: dict[str, JSON] = {**item(1, "PATCH", url, GROUP), "headers": {"Content-Type": "application/json", "Prefer": "create-if-missing"}}
    made = client.answers(make)["1"]
    assert made["status"] == 201
    assert client.send("PATCH", url, GROUP, Prefer="create-if-missing").status == 204
    [group] = client.tenant.groups_named(NAME)
    assert group.unique_name == name
    assert client.get(url).body["id"] == group.id
    assert client.answers(item(1, "GET", url))["1"]["status"] == 200
    assert not client.tenant.violations


@pytest.mark.parametrize("kept", [True, False])
def test_a_deleted_group_may_keep_its_unique_name_for_30_days(kept: bool) -> None:
    client = contoso()
    client.tenant.behaviour.unique_names_kept = kept
    upsert(client)
    group = client.tenant.group_named(NAME)
    client.tenant.delete_group(group)
    assert client.get(KEY).status == 404
    assert client.send("PATCH", KEY, GROUP).status == 404
    client.clock.time += 30 * 86400 - 1
    client.token = client.sign_in()
    answer = client.send("PATCH", KEY, GROUP, Prefer="create-if-missing")
    if kept:
        taken = "Another object with the same value for property uniqueName already exists."
        assert (answer.status, answer.code, answer.message) == (400, "Request_BadRequest", taken)
        assert client.send("POST", "/groups", {**GROUP, "uniqueName": NAME}).message == taken
        assert client.send("POST", "/groups", GROUP).status == 201
        client.clock.time += 1
        answer = client.send("PATCH", KEY, GROUP, Prefer="create-if-missing")
    assert answer.status == 201


def test_without_prefer_an_upsert_makes_nothing() -> None:
    client = contoso()
    assert client.send("PATCH", KEY, GROUP).status == 404
    assert client.get(KEY).status == 404


def test_a_cloud_may_not_know_unique_names() -> None:
    client = contoso()
    client.tenant.behaviour.unique_names = False
    assert (upsert(client), client.get(KEY).status) == (400, 400)


def test_an_upsert_of_a_group_that_exists_may_take_more_than_the_right_to_create() -> None:
    client = contoso()
    upsert(client)
    client.tenant.behaviour.upsert_of_existing = 403
    assert upsert(client) == 403


@pytest.mark.parametrize(
    "changes",
    [
        {"displayName": None},
        {"displayName": ""},
        {"displayName": "x" * 257},
        {"mailNickname": None},
        {"mailNickname": "with space"},
        {"mailNickname": "with@sign"},
        {"mailNickname": "x" * 65},
        {"securityEnabled": None},
        {"mailEnabled": "no"},
        {"mailEnabled": True},
        {"members@odata.bind": [f"{ROOT}/directoryObjects/{number:08d}-0000-4000-8000-000000000000" for number in range(21)]},
    ],
)
def test_a_group_that_cannot_be_is_not_made(changes: dict[str, JSON]) -> None:
    client = contoso()
    assert upsert(client, **changes) == 400
    assert client.send("POST", "/groups", {**GROUP, **changes}).status == 400
    assert not client.tenant.directory.groups


def test_posting_a_group_twice_makes_two_and_is_noticed() -> None:
    client = contoso()
    user = client.tenant.users[0].id
    bodies = [client.send("POST", "/groups", {**GROUP, "members@odata.bind": [f"{ROOT}/users/{user}"]}).body for _ in range(2)]
    assert {group.id for group in client.tenant.groups_named(NAME)} == {body["id"] for body in bodies}
    assert client.tenant.members_of(NAME) == {user}
    assert len(client.tenant.violations) == 2


def test_a_deleted_group_is_gone_and_that_somebody_deleted_it_is_noticed() -> None:
    client = contoso(1, "Group.ReadWrite.All")
    group = client.tenant.create_group(NAME)
    assert client.send("DELETE", f"/groups/{group.id}", {"members@odata.bind": []}).status == 204
    assert client.get(f"/groups/{group.id}").status == 404
    assert named(client, NAME) == []
    assert client.tenant.violations == [f"DELETE /groups/{group.id}: it deletes the group"]


def test_the_three_permissions_do_not_suffice_to_delete_or_to_change_a_group() -> None:
    client = contoso()
    group = client.tenant.create_group(NAME)
    assert client.send("DELETE", f"/groups/{group.id}").status == 403
    assert client.send("PATCH", f"/groups/{group.id}", {"displayName": "other"}).status == 403
    assert client.tenant.group_named(NAME) is group
    assert len(client.tenant.violations) == 2


def test_a_change_of_a_groups_name_is_noticed_even_by_upsert() -> None:
    client = contoso()
    upsert(client)
    assert upsert(client, displayName="other") == 204
    assert client.tenant.group_named("other")
    assert client.tenant.violations == [f"the group {NAME} is changed in displayName"]


def test_a_look_up_may_miss_a_new_group_and_still_show_a_deleted_one() -> None:
    client = contoso()
    client.tenant.behaviour.lookup_lag = 60.0
    group = client.tenant.create_group(NAME)
    assert named(client, NAME) == []
    client.clock.time += 61
    assert named(client, NAME) == [group.id]
    client.tenant.delete_group(group)
    assert named(client, NAME) == [group.id]
    client.clock.time += 61
    assert named(client, NAME) == []


@pytest.mark.parametrize("status", [400, 404])
def test_some_replicas_do_not_know_a_young_group(status: int) -> None:
    client = contoso()
    client.tenant.behaviour.young_seconds = 60.0
    client.tenant.behaviour.young_error = 400 if status == 400 else 404
    group = client.tenant.create_group(NAME)
    user = client.tenant.users[0].id
    statuses = {client.get(f"/groups/{group.id}/members").status for _ in range(30)}
    assert statuses == {200, status}
    client.clock.time += 60
    assert client.send("PATCH", f"/groups/{group.id}", joining(user)).status == 204


def test_a_group_has_the_documented_properties() -> None:
    client = contoso()
    group = client.tenant.create_group(NAME)
    entity = client.get(f"/groups/{group.id}").body
    assert {"id", "displayName", "createdDateTime", "securityIdentifier", "proxyAddresses", "visibility", "@odata.context"} <= entity.keys()
    assert entity["createdDateTime"] == "2026-09-21T14:13:20Z"
    assert str(entity["securityIdentifier"]).startswith("S-1-12-1-")


def test_looking_groups_up_may_take_a_permission_to_read_them() -> None:
    client = contoso()
    client.tenant.behaviour.lookup_needs_read_permission = True
    answer = client.get("/groups")
    assert (answer.status, answer.code) == (403, "Authorization_RequestDenied")
    client = contoso(1, "GroupMember.Read.All")
    client.tenant.behaviour.lookup_needs_read_permission = True
    assert client.get("/groups").status == 200


@pytest.mark.parametrize(
    ("method", "target", "status"),
    [("GET", "/devices", 404), ("POST", "/groups/x/members", 405), ("PUT", "/groups", 405), ("GET", f"{ROOT[:-4]}beta/groups", 400)],
)
def test_what_is_not_served_is_noticed(method: str, target: str, status: int) -> None:
    client = contoso()
    assert client.send(method, target).status == status
    assert len(client.tenant.violations) == 1
