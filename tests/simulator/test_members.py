"""Members: lists that lag, additions all or none, single removals, and every way these are refused."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simulator import Group, Write
from simulator.messages import JSON
from tests.simulator.client import ROOT, Client, contoso, joining

pytestmark = pytest.mark.any_request

NOBODY = "00000000-0000-4000-8000-000000000000"
GERMAN = "https://graph.microsoft.de/v1.0"


def with_group(risky: int = 30) -> tuple[Client, Group, list[str]]:
    client = contoso(risky)
    return client, client.tenant.create_group("a"), [user.id for user in client.tenant.users]


def add(client: Client, group: Group, *members: str) -> int:
    return client.send("PATCH", f"/groups/{group.id}", joining(*members)).status


def message(body: dict[str, JSON]) -> str:
    error = body["error"]
    assert isinstance(error, dict)
    return str(error["message"])


def test_members_of_every_kind_are_listed_with_their_kind() -> None:
    client, group, users = with_group()
    device, nested = client.tenant.add_other(), client.tenant.create_group("b").id
    assert add(client, group, users[0], device, nested) == 204
    kinds = {entry["id"]: entry["@odata.type"] for entry in client.get(f"/groups/{group.id}/members?$select=id").values}
    assert kinds == {
        users[0]: "#microsoft.graph.user",
        device: "#microsoft.graph.device",
        nested: "#microsoft.graph.group",
    }


@settings(deadline=None, max_examples=30)
@given(st.integers(0, 250), st.sampled_from([None, 1, 7, 999]))
def test_pages_hold_every_member_once(count: int, top: int | None) -> None:
    client, group, _ = with_group(0)
    everybody = {client.tenant.add_user().id for _ in range(count)}
    for user in everybody:
        client.tenant.add_member(group, user)
    pages = client.pages(f"/groups/{group.id}/members" + (f"?$top={top}" if top else ""))
    listed = [member for page in pages for member in page.ids]
    assert len(listed) == len(everybody)
    assert set(listed) == everybody
    assert max(len(page.values) for page in pages) <= (top or 100)


def test_who_a_member_is_takes_a_permission_to_read_users() -> None:
    client, group, users = with_group()
    add(client, group, users[0])
    [entry] = client.get(f"/groups/{group.id}/members").values
    assert (entry["id"], entry["displayName"], entry["userPrincipalName"]) == (users[0], None, None)


def test_up_to_20_are_added_at_once_each_told_of() -> None:
    client, group, users = with_group()
    writes: list[Write] = []
    client.tenant.on_write = writes.append
    assert add(client, group, *users[:20]) == 204
    assert client.tenant.members_of(group) == set(users[:20])
    assert writes == [Write("add", group.id, user) for user in users[:20]]
    assert add(client, group, *users[:21]) == 400
    assert client.tenant.violations == ["more than 20 members in a PATCH"]


@pytest.mark.parametrize("spoiler", ["unknown", "deleted", "member", "twice"])
def test_one_member_that_cannot_be_added_keeps_all_out(spoiler: str) -> None:
    client, group, users = with_group()
    bad = {"unknown": NOBODY, "deleted": users[1], "member": users[2], "twice": users[0]}[spoiler]
    client.tenant.delete_user(client.tenant.users[1])
    client.tenant.add_member(group, users[2])
    assert add(client, group, users[0], bad, users[3]) == (404 if spoiler in ("unknown", "deleted") else 400)
    assert client.tenant.members_of(group) == {users[2]}


def test_what_is_missing_is_named_if_not_always_rightly() -> None:
    client, group, _ = with_group()
    target, body = f"/groups/{group.id}", joining(NOBODY)
    assert NOBODY in message(client.send("PATCH", target, body).body)
    client.tenant.behaviour.patch_404_names = "group"
    assert group.id in message(client.send("PATCH", target, body).body)


@pytest.mark.parametrize(
    "address", [f"{GERMAN}/directoryObjects/{NOBODY}", f"{ROOT}/directoryObjects/ada@contoso.com", f"{ROOT}/me", "", 7, None]
)
def test_an_address_that_is_no_directory_object_here_is_refused(address: JSON) -> None:
    client, group, _ = with_group()
    assert client.send("PATCH", f"/groups/{group.id}", {"members@odata.bind": [address]}).status == 400
    assert client.send("POST", f"/groups/{group.id}/members/$ref", {"@odata.id": address}).status == 400


def test_one_is_added_and_removed_by_reference() -> None:
    client, group, users = with_group()
    reference = f"/groups/{group.id}/members/{users[0]}/$ref"
    assert client.send("POST", f"/groups/{group.id}/members/$ref", {"@odata.id": f"{ROOT}/users/{users[0]}"}).status == 204
    assert client.tenant.members_of(group) == {users[0]}
    again = client.send("POST", f"/groups/{group.id}/members/$ref", {"@odata.id": f"{ROOT}/users/{users[0]}"})
    assert again.status == 400
    assert "added object references already exist" in message(again.body)
    assert client.send("DELETE", reference).status == 204
    assert client.tenant.members_of(group) == frozenset()
    assert not client.tenant.violations


def test_removing_whoever_is_no_member_is_refused_in_one_of_two_ways() -> None:
    client, group, users = with_group()
    reference = f"/groups/{group.id}/members/{users[0]}/$ref"
    answer = client.send("DELETE", reference)
    assert answer.status == 404
    assert group.id in message(answer.body)
    client.tenant.behaviour.not_a_member = 400
    answer = client.send("DELETE", reference)
    assert answer.status == 400
    assert "removed object references do not exist" in message(answer.body)


def test_without_ref_the_user_would_be_deleted_and_is_if_the_app_may() -> None:
    client, group, users = with_group()
    client.tenant.add_member(group, users[0])
    assert client.send("DELETE", f"/groups/{group.id}/members/{users[0]}").status == 403
    assert not client.tenant.users[0].deleted
    client = contoso(1, "User.ReadWrite.All")
    user = client.tenant.users[0]
    assert client.send("DELETE", f"/groups/{NOBODY}/members/{user.id}").status == 204
    assert user.deleted
    assert len(client.tenant.violations) == 1


@pytest.mark.parametrize(
    ("property_", "status"), [("on_premises", 400), ("role_assignable", 403), ("management_restricted", 403), ("mail_enabled", 403)]
)
def test_a_group_kept_by_others_takes_no_members(property_: str, status: int) -> None:
    client, _, users = with_group()
    group = client.tenant.create_group("b", **{property_: True})
    assert add(client, group, users[0]) == status
    assert add(client, client.tenant.create_group("c", types=["DynamicMembership"]), users[0]) == 400


def test_a_list_may_be_as_old_as_the_lag_allows_and_no_older() -> None:
    client, group, users = with_group()
    client.tenant.add_member(group, users[0])
    client.clock.time += 100
    client.tenant.behaviour.member_lag = 60.0
    client.send("DELETE", f"/groups/{group.id}/members/{users[0]}/$ref")
    add(client, group, users[1])
    assert client.get(f"/groups/{group.id}/members").ids == [users[0]]
    assert client.tenant.members_of(group) == {users[1]}
    client.clock.time += 61
    assert client.get(f"/groups/{group.id}/members").ids == [users[1]]


def test_adding_users_may_take_a_permission_to_read_them() -> None:
    client, group, users = with_group()
    client.tenant.behaviour.adding_needs_user_permission = True
    assert add(client, group, users[0]) == 403
    assert add(client, group, client.tenant.add_other()) == 204


@pytest.mark.parametrize("permission", ["Group.Create", "GroupMember.Read.All", "IdentityRiskyUser.Read.All", "Group.Read.All"])
def test_writing_members_takes_the_permission_to(permission: str) -> None:
    client = contoso(3, permission)
    group = client.tenant.create_group("a")
    user = client.tenant.users[0].id
    assert add(client, group, user) == 403
    assert client.send("DELETE", f"/groups/{group.id}/members/{user}/$ref").status == 403


def test_writes_cost_what_microsoft_says_and_no_more_than_the_quota_are_taken() -> None:
    client, group, users = with_group()
    client.tenant.reset_counters()
    add(client, group, *users[:12])
    client.send("DELETE", f"/groups/{group.id}/members/{users[0]}/$ref")
    client.get(f"/groups/{group.id}/members?$select=id")
    assert (client.tenant.write_units, client.tenant.resource_units) == (5.0, 4.0)
    client.tenant.behaviour.resource_quota = False
    for _ in range(2995):
        client.send("DELETE", f"/groups/{group.id}/members/{NOBODY}/$ref")
    answer = client.send("DELETE", f"/groups/{group.id}/members/{NOBODY}/$ref")
    assert (answer.status, answer.headers["Retry-After"]) == (429, "151")
    client.tenant.behaviour.retry_after = "fraction"
    assert client.send("DELETE", f"/groups/{group.id}/members/{NOBODY}/$ref").headers["Retry-After"] == "150.000"
    client.clock.time += 151
    assert client.send("DELETE", f"/groups/{group.id}/members/{NOBODY}/$ref").status == 404


def test_reads_are_counted_too() -> None:
    client, group, _ = with_group()
    statuses = [client.get(f"/groups/{group.id}/members").status for _ in range(1200)]
    assert statuses.count(429) == 1200 - 3500 // 3
    client.clock.time += 10
    assert client.get(f"/groups/{group.id}/members").status == 200
