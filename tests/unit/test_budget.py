"""The budget: when a tick ends, what its last request may take; how long to wait before another try, how text is encoded."""

from random import Random
from urllib.parse import quote, unquote

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from budget import REQUEST_SECONDS, SHORTEST_SECONDS, Budget, HttpRequest, HttpResponse
from errors import CutOff, OutOfBudget
from retry import backoff
from tests.ticks import StoppedClock, finish
from text import percent_encode

NOW = 1_790_000_000.0
GRAPH, LOGIN = "https://graph.microsoft.com/", "https://login.microsoftonline.com/"


def waited(retry_after: str | None, *, attempt: int = 1, now: float = NOW, chance: float = 0.5) -> float:
    return backoff(attempt, retry_after, now=now, chance=chance)


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("7", 7.0),
        ("2.128", 2.128),
        ("0", 1.0),
        ("0.3", 1.0),
        ("-3", 1.0),
        ("Mon, 21 Sep 2026 14:14:05 GMT", 5.0),
        ("Mon, 21 Sep 2026 14:10:00 GMT", 1.0),
    ],
)
def test_retry_after_is_read_as_a_whole_number_a_fraction_or_a_date_and_is_never_below_a_second(value: str, seconds: float) -> None:
    assert waited(value, now=1_790_000_040.0) == pytest.approx(seconds)


@given(
    st.none()
    | st.text()
    | st.sampled_from(["nan", "inf", "-inf", "1e400", "Thu, 99 Foo 2026 25:61:61 GMT", "Fri, 31 Dec 9999 23:59:59 -9999"])
)
def test_whatever_retry_after_says_the_wait_is_at_least_a_second_and_finite(value: str | None) -> None:
    assert 1 <= waited(value) < float("inf")


@given(st.integers(1, 10), st.floats(0, 1))
def test_without_retry_after_the_wait_doubles_from_a_second_is_up_to_half_longer_and_has_an_end(attempt: int, chance: float) -> None:
    least = min(2.0 ** (attempt - 1), 16.0)
    assert least <= waited(None, attempt=attempt, chance=chance) == least * (1 + chance / 2) <= 24.0


@given(st.text(st.characters(exclude_categories=["Cs"])))
@example("".join(map(chr, range(256))))
def test_percent_encoding_agrees_with_the_standard_library(text: str) -> None:
    assert percent_encode(text) == quote(text, safe="")
    assert unquote(percent_encode(text)) == text


class Line:
    """A line to both hosts: each answer takes so many seconds, or the request's time-out if that is shorter."""

    def __init__(self, *, seconds: float = 0.0, max_subrequests: int = 9, deadline: float = NOW + 50) -> None:
        self.clock, self.seconds, self.sent = StoppedClock(NOW), seconds, list[HttpRequest]()
        self.budget = Budget(fetch=self.fetch, clock=self.clock, random=Random(0), max_subrequests=max_subrequests, deadline=deadline)

    async def fetch(self, request: HttpRequest) -> HttpResponse:
        self.sent.append(request)
        await self.clock.sleep(min(self.seconds, request.timeout))
        if self.seconds > request.timeout:
            raise TimeoutError
        return HttpResponse(200, {}, "")

    def send(self, url: str = GRAPH) -> HttpResponse:
        return finish(self.budget.send("GET", url, {}, ""))


def test_a_lost_connection_is_an_empty_answer_of_status_0() -> None:
    assert Line(seconds=11).send() == HttpResponse(0, {}, "")


def test_no_request_is_sent_beyond_the_subrequests_of_a_tick() -> None:
    line = Line(max_subrequests=3)
    for _ in range(3):
        line.send()
    with pytest.raises(OutOfBudget):
        line.send()
    assert len(line.sent) == line.budget.subrequests == 3


@given(st.floats(0, 9), st.floats(0.1, 50))
def test_a_request_is_begun_only_while_an_answer_as_slow_as_the_slowest_so_far_still_comes_in_time(seconds: float, before: float) -> None:
    line = Line(seconds=seconds)
    line.send()
    line.clock.time = NOW + 50 - before
    if before < max(seconds, SHORTEST_SECONDS) - 1e-6:
        with pytest.raises(OutOfBudget):
            line.send()
        assert len(line.sent) == 1
    elif before > max(seconds, SHORTEST_SECONDS) + 1e-6:
        assert line.send().status == 200
        assert line.clock.time <= NOW + 50
        assert line.sent[1].timeout == pytest.approx(min(REQUEST_SECONDS, before), abs=1e-6)


def test_one_slow_answer_counts_for_all_of_its_host_and_no_quick_one_makes_it_forgotten() -> None:
    line = Line(seconds=9)
    line.send(f"{GRAPH}v1.0/$batch")
    line.seconds = 0.1
    line.send(f"{GRAPH}v1.0/$batch")
    line.clock.time = NOW + 48
    for path in ("v1.0/$batch", "beta/groups/all/of/them", ""):
        with pytest.raises(OutOfBudget):
            line.send(f"{GRAPH}{path}")


def test_a_slow_host_says_nothing_of_another() -> None:
    line = Line(seconds=9)
    line.send(LOGIN)
    line.clock.time, line.seconds = NOW + 48, 0.1
    assert line.send(GRAPH).status == 200
    with pytest.raises(OutOfBudget):
        line.send(LOGIN)


def test_an_answer_slower_than_all_before_is_cut_off_at_the_deadline_and_that_is_told_apart() -> None:
    line = Line()
    line.send()
    line.clock.time, line.seconds = NOW + 47, 5.0
    with pytest.raises(CutOff):
        line.send()
    assert line.clock.time == NOW + 50


def test_the_time_before_an_answer_is_asked_for_is_not_its_hosts() -> None:
    line = Line()
    begun = line.budget.begin("GET", LOGIN, {}, "", later=True)
    line.clock.time = NOW + 40
    assert finish(line.budget.answer(begun)).status == 200
    line.clock.time = NOW + 48
    assert line.send(LOGIN).status == 200
