"""`$batch`: sizes, ids, dependence, and what a group bears at once."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simulator import Fault, Group, Request
from simulator.messages import JSON
from tests.simulator.client import ROOT, Client, contoso, item, joining

pytestmark = pytest.mark.any_request


def with_groups(count: int = 2) -> tuple[Client, list[Group], list[str]]:
    client = contoso(30)
    return client, [client.tenant.create_group(f"group {number}") for number in range(count)], [user.id for user in client.tenant.users]


def patch(number: int, group: Group, user: str, *depends_on: str) -> JSON:
    return item(number, "PATCH", f"/groups/{group.id}", joining(user), *depends_on)


def statuses(answers: dict[str, dict[str, JSON]]) -> dict[str, JSON]:
    return {number: answer["status"] for number, answer in sorted(answers.items())}


def test_items_are_answered_each_under_its_id_in_any_order() -> None:
    client, _, _ = with_groups()
    orders = {tuple(client.answers(*(item(number, "GET", f"/groups/{number}") for number in range(20)))) for _ in range(5)}
    assert len(orders) > 1
    assert all(set(order) == {str(number) for number in range(20)} for order in orders)
    client.tenant.behaviour.shuffled_batches = False
    assert list(client.answers(*(item(number, "GET", "/groups") for number in range(20)))) == [str(number) for number in range(20)]


def test_an_item_may_leave_out_the_leading_slash() -> None:
    client, _, _ = with_groups()
    assert client.answers(item(1, "GET", "groups?$select=id"))["1"]["status"] == 200


@pytest.mark.parametrize(
    "requests",
    [
        [],
        [7],
        [{"id": "1", "method": "GET"}],
        [{"id": 1, "method": "GET", "url": "/groups"}],
        [item(1, "GET", "https://graph.microsoft.us/v1.0/groups")],
        [{"id": "a", "method": "GET", "url": "/groups"}, {"id": "A", "method": "GET", "url": "/groups"}],
        [item(1, "GET", "/groups", None, "2"), item(2, "GET", "/groups")],
        [{"id": "1", "method": "PATCH", "url": "/groups/x", "body": {}}],
        [item(number, "GET", "/groups") for number in range(21)],
    ],
)
def test_a_batch_that_is_none_is_refused_whole(requests: list[JSON]) -> None:
    client, _, _ = with_groups()
    assert client.batch(*requests).status == 400
    assert bool(client.tenant.violations) == (len(requests) > 20)


def test_an_item_is_refused_without_harm_to_the_others() -> None:
    client, [group, _], users = with_groups()
    answers = client.answers(
        patch(1, group, "nonsense"), item(2, "GET", "/groups"), item(3, "DELETE", f"/groups/{group.id}/members/x/$ref")
    )
    assert statuses(answers) == {"1": 400, "2": 200, "3": 404}
    assert "body" not in client.answers(patch(1, group, users[0]))["1"]


def test_what_depends_on_a_failure_is_not_tried() -> None:
    client, [group, _], users = with_groups()
    answers = client.answers(patch(1, group, "nonsense"), patch(2, group, users[0], "1"), patch(3, group, users[1], "2"))
    assert statuses(answers) == {"1": 400, "2": 424, "3": 424}
    assert not client.tenant.members_of(group)
    assert statuses(client.answers(patch(1, group, users[0]), patch(2, group, users[1], "1"))) == {"1": 204, "2": 204}


def test_ids_are_the_same_whatever_their_case() -> None:
    client, _, _ = with_groups()
    first: JSON = {"id": "a", "method": "GET", "url": "/groups"}
    second: JSON = {"id": "b", "method": "GET", "url": "/groups", "dependsOn": ["A"]}
    assert statuses(client.answers(first, second)) == {"a": 200, "b": 200}


@pytest.mark.parametrize("status", [400, 409])
def test_two_writers_of_a_group_at_once_get_in_each_others_way(status: int) -> None:
    client, [group, other], users = with_groups()
    client.tenant.behaviour.concurrency_error = 400 if status == 400 else 409
    answers = client.answers(patch(1, group, users[0]), patch(2, group, users[1]), patch(3, other, users[1]))
    assert statuses(answers) == {"1": 204, "2": status, "3": 204}
    assert client.tenant.members_of(group) == {users[0]}


def test_more_than_five_patches_are_more_than_a_batch_bears() -> None:
    client, groups, users = with_groups(7)
    answers = client.answers(*(patch(number, group, users[0]) for number, group in enumerate(groups)))
    assert list(statuses(answers).values()) == [204] * 5 + [503] * 2


def test_single_removals_do_not_mind_each_other() -> None:
    client, [group, _], users = with_groups()
    for user in users[:20]:
        client.tenant.add_member(group, user)
    removals = [item(number, "DELETE", f"/groups/{group.id}/members/{user}/$ref") for number, user in enumerate(users[:20])]
    assert set(statuses(client.answers(*removals)).values()) == {204}
    assert not client.tenant.members_of(group)


def test_a_throttled_item_may_make_the_whole_batch_424() -> None:
    client, _, _ = with_groups()
    client.tenant.faults = [Fault("status", path="/groups", status=429, code="TooManyRequests", headers={"Retry-After": "3"})]
    batch = client.batch(item(1, "GET", "/groups"), item(2, "GET", "/groups/x"))
    assert batch.status == 200
    client.tenant.behaviour.throttled_batch = 424
    batch = client.batch(item(1, "GET", "/groups"), item(2, "GET", "/groups/x"))
    assert batch.status == 424
    assert json.dumps(batch.body).count('"Retry-After": "3"') == 1


def test_two_reads_of_risky_users_in_one_batch_are_one_too_many() -> None:
    client, _, _ = with_groups()
    answers = client.answers(*(item(number, "GET", "/identityProtection/riskyUsers") for number in range(2)))
    assert statuses(answers) == {"0": 200, "1": 429}


def test_a_batch_needs_a_token_as_a_whole() -> None:
    client, _, _ = with_groups()
    client.token = "another"
    assert client.batch(item(1, "GET", "/groups")).code == "InvalidAuthenticationToken"


def test_every_item_is_counted_and_remembered() -> None:
    client, [group, _], users = with_groups()
    client.tenant.reset_counters()
    client.batch(patch(1, group, users[0]), item(2, "GET", f"/groups/{group.id}/members?$select=id"))
    assert (client.tenant.subrequests, client.tenant.graph_requests) == (1, 2)
    [first, second] = client.tenant.requests[-1].items
    assert (first.method, first.status, first.write_units) == ("PATCH", 204, 1.0)
    assert (second.url, second.status, second.resource_units) == (f"/groups/{group.id}/members?$select=id", 200, 2.0)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["requests", "id", "method", "url", "body"]), inner, max_size=4)
    ),
    max_leaves=8,
)


@settings(deadline=None)
@given(st.binary(max_size=60) | st.builds(lambda value: json.dumps(value).encode(), json_values) | st.just(b"[" * 100_000))
def test_whatever_is_sent_there_is_an_answer(body: bytes) -> None:
    client, _, _ = with_groups(0)
    headers = {"Authorization": f"Bearer {client.token}", "Content-Type": "application/json"}
    for path in ("$batch", "groups", "groups/x", "groups/x/members/$ref"):
        response = client.tenant.handle(Request("POST" if path != "groups/x" else "PATCH", f"{ROOT}/{path}", headers, body))
        assert 400 <= response.status < 500
        assert json.loads(response.body)["error"]["code"]
    assert not client.tenant.directory.groups


@settings(deadline=None)
@given(st.sampled_from(["GET", "POST", "PATCH", "DELETE"]), st.text(max_size=40))
def test_whatever_is_asked_for_there_is_an_answer(method: str, target: str) -> None:
    client, _, _ = with_groups(1)
    answer = client.answers({"id": "1", "method": method, "url": f"/groups{target}"})["1"]
    assert isinstance(answer["status"], int)
    assert answer["status"] < 500
