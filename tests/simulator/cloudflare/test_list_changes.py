"""What a PATCH of a list does, both ways where Cloudflare leaves it open (cloudflare.md 3.4 and 14)."""

from typing import Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulator.cloudflare import Ineffective, ListWrite
from simulator.messages import JSON
from tests.simulator.cloudflare.client import Client, contoso, high

ADA, BOB, CY = "ada@contoso.com", "bob@contoso.com", "cy@contoso.com"


def holding(*values: str) -> Client:
    client = contoso()
    client.account.set_values(high(client), values)
    return client


def test_values_are_appended_and_removed_and_the_answer_counts_what_is_left() -> None:
    client = holding(ADA)
    client.clock.time += 60
    answer = client.patch(high(client), append=(BOB, CY), remove=(ADA,)).result
    assert high(client).values == [BOB, CY]
    assert answer["count"] == 2
    assert "items" not in answer
    assert answer["updated_at"] == "2026-09-21T14:15:20Z"
    assert "count" not in client.patch(high(client), remove=(BOB, CY)).result


def test_each_single_change_is_told_right_after_it() -> None:
    client = holding(ADA)
    target = high(client)
    told: list[tuple[ListWrite, list[str]]] = []
    client.account.on_write = lambda write: told.append((write, target.values))
    client.patch(target, append=(BOB,), remove=(ADA,))
    assert told == [(ListWrite(target.id, "remove", ADA), []), (ListWrite(target.id, "append", BOB), [BOB])]


def test_nothing_to_do_is_done() -> None:
    client = holding(ADA)
    client.clock.time += 60
    assert client.send("PATCH", f"/gateway/lists/{high(client).id}", {}).result["updated_at"] == "2026-09-21T14:14:20Z"


def test_removing_an_absent_value_is_refused_by_a_message_that_quotes_it_and_nothing_is_done() -> None:
    client = holding(ADA)
    answer = client.patch(high(client), append=(BOB,), remove=(ADA, CY))
    assert (answer.status, answer.message) == (400, f"item to be removed, {CY}, not found in list")
    assert high(client).values == [ADA]


def test_removing_an_absent_value_is_refused_and_the_rest_is_done() -> None:
    client = holding(ADA)
    client.account.behaviour.rest_applied = True
    answer = client.patch(high(client), append=(BOB,), remove=(ADA, CY))
    assert (answer.status, answer.message) == (400, f"item to be removed, {CY}, not found in list")
    assert high(client).values == [BOB]


@pytest.mark.parametrize(("does", "status", "left"), [("accepted", 200, [ADA, BOB]), (409, 409, [ADA]), (400, 400, [ADA])])
def test_appending_a_present_value_is_accepted_a_conflict_or_a_mistake(
    does: Literal["accepted", 409, 400], status: int, left: list[str]
) -> None:
    client = holding(ADA)
    client.account.behaviour.append_of_present = does
    answer = client.patch(high(client), append=(ADA, BOB))
    assert answer.status == status
    assert high(client).values == left
    assert ADA not in answer.text


@pytest.mark.parametrize("status", [409, 400])
def test_appending_a_present_value_is_refused_and_the_rest_is_done(status: Literal[409, 400]) -> None:
    client = holding(ADA)
    client.account.behaviour.append_of_present, client.account.behaviour.rest_applied = status, True
    assert client.patch(high(client), append=(ADA, BOB)).status == status
    assert high(client).values == [ADA, BOB]


def test_the_same_value_twice_is_a_present_value() -> None:
    client = holding()
    client.account.behaviour.append_of_present = 409
    assert client.patch(high(client), append=(ADA, ADA)).status == 409
    client.account.behaviour.append_of_present = "accepted"
    assert client.patch(high(client), append=(ADA, ADA)).result["count"] == 1


def test_values_that_differ_in_case_are_two() -> None:
    client = holding("Ada@contoso.com")
    assert client.patch(high(client), append=(ADA,)).result["count"] == 2
    assert client.patch(high(client), remove=("ADA@contoso.com",)).status == 400
    assert client.patch(high(client), remove=("Ada@contoso.com",)).status == 200
    assert high(client).values == [ADA]


def test_values_that_differ_in_case_are_one() -> None:
    client = contoso()
    client.account.behaviour.unique_by = "letters"
    client.account.behaviour.append_of_present = 409
    client.account.set_values(high(client), ["Ada@contoso.com"])
    assert client.patch(high(client), append=(ADA,)).status == 409
    assert high(client).values == ["Ada@contoso.com"]
    assert client.patch(high(client), remove=(ADA,)).status == 200
    assert high(client).values == []


@pytest.mark.parametrize(("lowers", "stored"), [(False, "Ada@contoso.com"), (True, ADA)])
def test_values_are_stored_as_they_come_or_in_lower_case(*, lowers: bool, stored: str) -> None:
    client = contoso()
    client.account.behaviour.lower_cases = lowers
    client.patch(high(client), append=("Ada@contoso.com",))
    assert high(client).values == [stored]
    assert client.patch(high(client), remove=(stored,)).status == 200


@pytest.mark.parametrize(("enterprise", "size"), [(False, 1000), (True, 5000)])
def test_a_full_list_takes_no_more(*, enterprise: bool, size: int) -> None:
    client = contoso()
    client.account.state.enterprise = enterprise
    client.account.set_values(high(client), [f"user{number}@contoso.com" for number in range(size)])
    answer = client.patch(high(client), append=(ADA,))
    assert answer.status == 400
    assert str(size) in answer.message
    assert len(high(client).values) == size


@pytest.mark.parametrize(("removes_first", "status"), [(True, 200), (False, 400)])
def test_the_room_of_a_removed_value_is_usable_in_the_same_call_or_not(*, removes_first: bool, status: int) -> None:
    client = contoso()
    client.account.behaviour.removes_first = removes_first
    client.account.set_values(high(client), [f"user{number}@contoso.com" for number in range(1000)])
    assert client.patch(high(client), append=(ADA,), remove=("user0@contoso.com",)).status == status
    assert (ADA in high(client).values) == removes_first


@pytest.mark.parametrize(("removes_first", "left"), [(True, [ADA]), (False, [])])
def test_a_value_appended_and_removed_at_once_stays_or_goes_and_is_held_against_the_client(*, removes_first: bool, left: list[str]) -> None:
    client = holding(ADA)
    client.account.behaviour.removes_first = removes_first
    assert client.patch(high(client), append=(ADA,), remove=(ADA,)).status == 200
    assert high(client).values == left
    assert client.account.violations == ["a PATCH of a list that appends and removes the same value"]


@pytest.mark.parametrize(("most", "status"), [(None, 200), (1001, 200), (1000, 400)])
def test_how_many_values_a_patch_takes(most: int | None, status: int) -> None:
    client = contoso()
    client.account.state.enterprise = True
    client.account.behaviour.values_per_patch = most
    client.account.set_values(high(client), [ADA])
    many = tuple(f"user{number}@contoso.com" for number in range(1000))
    assert client.patch(high(client), append=many, remove=(ADA,)).status == status
    assert len(high(client).values) == (1000 if status == 200 else 1)
    assert client.account.violations == ["a PATCH of a list with more than 1,000 values"] * (status == 200)


def test_how_large_a_body_may_be() -> None:
    client = contoso()
    client.account.behaviour.body_at_most = 60
    assert client.patch(high(client), append=(ADA,)).status == 200
    assert client.patch(high(client), append=(BOB, CY)).status == 413
    assert high(client).values == [ADA]


@pytest.mark.parametrize(
    "value",
    ["ada", "a@b@c", "ada @contoso.com", " ada@contoso.com", "ada@contoso.com\n", "a\x00@b", "@contoso.com", "a" * 243 + "@contoso.com"],
)
def test_what_is_no_address_spoils_the_whole_request_and_is_not_quoted(value: str) -> None:
    client = holding(ADA)
    answer = client.patch(high(client), append=(BOB, value))
    assert answer.status == 400
    assert high(client).values == [ADA]
    assert "contoso" not in answer.message


def test_what_is_no_address_may_be_in_a_list_of_another_type() -> None:
    client = contoso()
    target = client.account.add_list("sites", kind="DOMAIN")
    assert client.patch(target, append=("example.com",)).status == 200


@pytest.mark.any_request
@pytest.mark.parametrize(
    "body",
    [
        {"append": ["ada@contoso.com"]},
        {"append": {"value": "ada@contoso.com"}},
        {"append": [{"description": "ada"}]},
        {"append": [{"value": "ada@contoso.com", "description": 7}]},
        {"remove": [{"value": "ada@contoso.com"}]},
        {"remove": "ada@contoso.com"},
        ["ada@contoso.com"],
    ],
)
def test_items_are_appended_as_objects_and_removed_as_bare_values(body: JSON) -> None:
    client = holding(ADA)
    assert client.send("PATCH", f"/gateway/lists/{high(client).id}", body).status == 400
    assert high(client).values == [ADA]


@pytest.mark.parametrize("shows", ["expected", "actual"])
def test_a_patch_may_be_answered_and_have_done_nothing(shows: Literal["expected", "actual"]) -> None:
    client = holding(ADA)
    told: list[ListWrite] = []
    client.account.on_write = told.append
    client.account.faults = [Ineffective(shows=shows, times=1)]
    assert client.patch(high(client), append=(BOB, CY)).result["count"] == (3 if shows == "expected" else 1)
    assert (high(client).values, told) == ([ADA], [])
    assert client.patch(high(client), append=(BOB,)).result["count"] == 2
    assert high(client).values == [ADA, BOB]


LETTERS = st.lists(st.sampled_from("abcABC"), max_size=4)


@given(
    before=st.sets(st.sampled_from("abc")),
    append=LETTERS,
    remove=LETTERS,
    first=st.booleans(),
    rest=st.booleans(),
    unique_by=st.sampled_from(["spelling", "letters"]),
    present=st.sampled_from(["accepted", 409, 400]),
)
def test_whatever_is_refused_and_not_partly_applied_changes_nothing_and_what_is_told_is_what_happened(
    before: set[str],
    append: list[str],
    remove: list[str],
    unique_by: Literal["spelling", "letters"],
    present: Literal["accepted", 409, 400],
    *,
    first: bool,
    rest: bool,
) -> None:
    client = contoso()
    behaviour = client.account.behaviour
    behaviour.removes_first, behaviour.rest_applied, behaviour.unique_by, behaviour.append_of_present = first, rest, unique_by, present
    client.account.set_values(high(client), sorted(f"{letter}@contoso.com" for letter in before))
    replayed = list(high(client).values)

    def replay(write: ListWrite) -> None:
        if write.kind == "append":
            replayed.append(write.value)
        else:
            replayed.remove(write.value)

    client.account.on_write = replay
    started = list(replayed)
    answer = client.patch(high(client), tuple(f"{each}@contoso.com" for each in append), tuple(f"{each}@contoso.com" for each in remove))
    assert high(client).values == replayed
    assert len({value if unique_by == "spelling" else value.lower() for value in replayed}) == len(replayed)
    if answer.status == 200:
        assert answer.result.get("count", 0) == len(replayed)
    elif not rest:
        assert replayed == started
