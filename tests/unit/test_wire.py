"""The wire: what Retry-After means, how text is encoded, when a tick's budget ends."""

from random import Random
from urllib.parse import quote, unquote

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tests.ticks import StoppedClock, finish
from wire import REQUEST_SECONDS, OutOfBudget, Reply, Request, Wire, percent_encode, retry_after

NOW = 1_790_000_000.0


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("7", 7.0),
        ("2.128", 2.128),
        ("0", 0.0),
        ("-3", 0.0),
        ("Mon, 21 Sep 2026 14:14:05 GMT", 5.0),
        ("Mon, 21 Sep 2026 14:10:00 GMT", 0.0),
    ],
)
def test_retry_after_is_read_as_a_whole_number_a_fraction_or_a_date(value: str, seconds: float) -> None:
    assert retry_after(value, 1_790_000_040.0) == pytest.approx(seconds)


@given(st.text() | st.sampled_from(["nan", "inf", "-inf", "1e400", "Thu, 99 Foo 2026 25:61:61 GMT", "Fri, 31 Dec 9999 23:59:59 -9999"]))
def test_any_other_retry_after_is_no_number_or_a_finite_one(value: str) -> None:
    seconds = retry_after(value, NOW)
    assert seconds is None or 0 <= seconds < float("inf")


@given(st.text(st.characters(exclude_categories=["Cs"])))
@example("".join(map(chr, range(256))))
def test_percent_encoding_agrees_with_the_standard_library(text: str) -> None:
    assert percent_encode(text) == quote(text, safe="")
    assert unquote(percent_encode(text)) == text


def wire(clock: StoppedClock, fetch_seconds: float = 0.0, **budget: float) -> tuple[Wire, list[Request]]:
    sent: list[Request] = []

    async def fetch(request: Request) -> Reply:
        sent.append(request)
        await clock.sleep(fetch_seconds)
        raise ConnectionResetError

    limits = {"max_subrequests": 3, "deadline": NOW + 50, **budget}
    return Wire(
        fetch=fetch, clock=clock, random=Random(0), max_subrequests=int(limits["max_subrequests"]), deadline=limits["deadline"]
    ), sent


def test_a_lost_connection_is_an_empty_reply_of_status_0() -> None:
    under_test, _ = wire(StoppedClock(NOW))
    assert finish(under_test.send("GET", "https://graph.microsoft.com/", {}, "")) == Reply(0, {}, "")


def test_no_request_is_sent_beyond_the_subrequests_of_a_tick() -> None:
    under_test, sent = wire(StoppedClock(NOW))
    for _ in range(3):
        finish(under_test.send("GET", "https://graph.microsoft.com/", {}, ""))
    with pytest.raises(OutOfBudget):
        finish(under_test.send("GET", "https://graph.microsoft.com/", {}, ""))
    assert len(sent) == under_test.subrequests == 3


def test_requests_are_sent_until_the_deadline_and_none_may_outlast_it() -> None:
    under_test, sent = wire(StoppedClock(NOW), fetch_seconds=49.5)
    finish(under_test.send("GET", "https://graph.microsoft.com/", {}, ""))
    finish(under_test.send("GET", "https://graph.microsoft.com/", {}, ""))
    with pytest.raises(OutOfBudget):
        finish(under_test.send("GET", "https://graph.microsoft.com/", {}, ""))
    assert [request.timeout for request in sent] == [REQUEST_SECONDS, 0.5]


async def unused(_: Request) -> Reply:
    raise AssertionError


@given(st.integers(1, 10), st.integers())
def test_without_retry_after_the_wait_doubles_from_a_second_and_has_an_end(attempt: int, seed: int) -> None:
    clock = StoppedClock(NOW)

    waiting = Wire(fetch=unused, clock=clock, random=Random(seed), max_subrequests=1, deadline=NOW).backoff(attempt, None)
    assert min(2.0 ** (attempt - 1), 16.0) <= waiting <= 24.0


def test_the_longest_wait_is_half_as_long_again_as_the_shortest() -> None:
    class Highest(Random):
        def random(self) -> float:
            return 1.0

    waiting = Wire(fetch=unused, clock=StoppedClock(NOW), random=Highest(), max_subrequests=1, deadline=NOW)
    assert [waiting.backoff(attempt, None) for attempt in (1, 2, 3)] == [1.5, 3.0, 6.0]
