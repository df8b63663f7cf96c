"""Operations: what they ask for is gathered, what comes of each is a value, and one that fails stops no other."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from errors import GraphError, ServiceError
from exchange import GraphRequest, GraphResponse
from operations import Operation, Outcome, Then, ask, both, drive, each


def get(url: str) -> GraphRequest:
    return GraphRequest("GET", url, what="read", needs="")


class Driven:
    """An operation whose requests are answered when the test says so."""

    def __init__(self, operation: Operation[object]) -> None:
        self.waiting: dict[str, Then] = {}
        self.outcomes: list[object] = []
        drive(operation, self._asks, self.outcomes.append)

    def _asks(self, request: GraphRequest, then: Then) -> None:
        self.waiting[request.url] = then

    def answer(self, url: str, status: int = 200) -> None:
        self.waiting.pop(url)(GraphResponse(get(url), status, attempts=1))


async def statuses(*urls: str) -> list[int]:
    return [response.status for response in await ask(*map(get, urls))]


async def failing(url: str) -> int:
    await ask(get(url))
    raise GraphError("Could not read it.")


@given(st.permutations(["/a", "/b", "/c"]))
def test_responses_come_in_the_order_of_the_requests_whatever_the_order_of_their_arrival(arrival: list[str]) -> None:
    driven = Driven(statuses("/a", "/b", "/c"))
    for url in arrival:
        assert not driven.outcomes
        driven.answer(url, {"/a": 201, "/b": 202, "/c": 203}[url])
    assert driven.outcomes == [[201, 202, 203]]


def test_an_operation_that_asks_for_nothing_goes_on_at_once() -> None:
    assert Driven(statuses()).outcomes == [[]]
    assert Driven(each({})).outcomes == [{}]


@given(st.permutations(["/a", "/b", "/c", "/d"]))
def test_operations_beside_one_another_each_end_with_their_own_outcome(arrival: list[str]) -> None:
    driven = Driven(each({"one": statuses("/a", "/b"), "two": failing("/c"), "three": statuses("/d"), "four": statuses()}))
    assert set(driven.waiting) == {"/a", "/b", "/c", "/d"}
    for url in arrival:
        driven.answer(url)
    [outcomes] = driven.outcomes
    assert isinstance(outcomes, dict)
    assert isinstance(outcomes.pop("two"), GraphError)
    assert outcomes == {"one": [200, 200], "three": [200], "four": []}


def test_one_that_is_quick_does_not_wait_for_one_that_is_slow() -> None:
    async def in_steps(first: str, second: str) -> list[int]:
        return await statuses(first) + await statuses(second)

    driven = Driven(both(in_steps("/a1", "/a2"), in_steps("/b1", "/b2")))
    driven.answer("/a1")
    assert set(driven.waiting) == {"/a2", "/b1"}
    driven.answer("/a2")
    driven.answer("/b1")
    driven.answer("/b2")
    assert driven.outcomes == [([200, 200], [200, 200])]


def test_an_error_of_ours_is_an_outcome_and_any_other_is_a_mistake_that_shows() -> None:
    driven = Driven(failing("/a"))
    driven.answer("/a")
    assert [type(outcome) for outcome in driven.outcomes] == [GraphError]

    async def mistaken() -> None:
        raise KeyError

    with pytest.raises(KeyError):
        Driven(mistaken())


def test_an_error_that_is_caught_inside_ends_nothing() -> None:
    async def patient() -> str:
        outcome: Outcome[int]
        [outcome] = (await each({"": failing("/a")})).values()
        assert isinstance(outcome, ServiceError)
        await ask(get("/b"))
        return "done"

    driven = Driven(patient())
    driven.answer("/a")
    driven.answer("/b")
    assert driven.outcomes == ["done"]
