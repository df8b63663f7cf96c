"""Somebody is told of what lasts, once and once more when it is over, however isolates come and go, and of nothing else."""

import re
from itertools import groupby

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alerts import Memory
from expiry import DAY_SECONDS, TOLD_AT_SECONDS
from tests.watching import Kept, Watching

AFTER = 5
TROUBLE = "medium: Graph answers 503."
NINE = 1_790_035_200.0 + TOLD_AT_SECONDS
HALF_PAST = 1_790_035_200.0 + 1800


def a_watching(*, store: bool = False, at: float = HALF_PAST) -> Watching:
    it = Watching()
    it.clock.time = at
    it.store = Kept(it.clock) if store else None
    return it


# --- a failure that lasts ---


@pytest.mark.parametrize("store", [False, True])
def test_a_failure_is_told_once_it_has_lasted_and_once_more_when_it_is_over(store: bool) -> None:
    it = a_watching(store=store)
    it.minute()
    told = [it.minute(TROUBLE) for _ in range(300)] + [it.minute() for _ in range(100)]
    assert [index for index, states in enumerate(told) if states] == [AFTER - 1, 300]
    assert it.receiver.states == ["failing", "over"]


def test_a_failure_that_heals_before_that_is_not_told() -> None:
    it = a_watching()
    for _ in range(50):
        for _ in range(AFTER - 1):
            it.minute(TROUBLE)
        it.minute()
    assert it.receiver.attempts == []


def test_how_long_it_has_to_last_can_be_chosen() -> None:
    it = a_watching()
    it.watch = it.watch.__class__(webhook=it.watch.webhook, after=1)
    it.minute()
    assert it.minute(TROUBLE) == ["failing"]
    assert it.minute() == ["over"]


@pytest.mark.parametrize("store", [False, True])
def test_a_refused_credential_is_told_as_what_it_is_even_where_the_failure_began_as_another(store: bool) -> None:
    it = a_watching(store=store)
    it.minute()
    for _ in range(20):
        it.minute(TROUBLE)
    for _ in range(20):
        it.minute(refused=True)
    for _ in range(20):
        it.minute(TROUBLE)
    it.minute(refused=True)
    it.minute()
    assert it.receiver.states == ["failing", "refused", "over"]
    assert "Entra refuses the credential" in str(it.receiver.messages[1]["title"])
    assert "AADSTS7000222" in str(it.receiver.messages[1]["text"])


def test_one_that_begins_with_a_refused_credential_is_told_once() -> None:
    it = a_watching()
    it.minute()
    for _ in range(50):
        it.minute(refused=True)
    it.minute()
    assert it.receiver.states == ["refused", "over"]


def test_a_worker_that_fails_from_its_first_minute_on_tells_when_the_hour_strikes_or_at_once_where_a_store_shows_that_it_is_the_first() -> (
    None
):
    without, with_store = a_watching(), a_watching(store=True)
    without_told = [bool(without.minute(TROUBLE)) for _ in range(120)]
    with_told = [bool(with_store.minute(TROUBLE)) for _ in range(120)]
    assert [index for index, told in enumerate(without_told) if told] == [30]
    assert [index for index, told in enumerate(with_told) if told] == [AFTER - 1]


# --- the credential ---


@pytest.mark.parametrize("store", [False, True])
def test_the_end_of_the_credential_is_told_at_thirty_seven_and_one_days_and_when_there_is_another(store: bool) -> None:
    it = a_watching(store=store)
    end, told = it.clock.time + 33 * DAY_SECONDS, []
    while it.clock.time < end:
        left = int((end - it.clock.time) // DAY_SECONDS)
        told += [left] * len(it.minute(ends=end))
        it.clock.time += 7200 - 60
    assert told == [30, 7, 1]
    assert it.minute(ends=end + 365 * DAY_SECONDS) == ["over"]
    assert it.receiver.states == ["expiring"] * 3 + ["over"]


@pytest.mark.parametrize("store", [False, True])
def test_not_knowing_the_end_for_a_while_is_not_taken_for_another_credential(store: bool) -> None:
    it = a_watching(store=store)
    end = it.clock.time + 20 * DAY_SECONDS
    it.minute()
    for minute in range(200):
        it.minute(*([TROUBLE] if minute % 7 == 0 else []), ends=end if minute % 3 else None)
    assert it.receiver.states == ["expiring"]


def test_an_alert_that_waits_is_not_told_while_nobody_knows_the_end() -> None:
    it = a_watching()
    it.minute()
    it.receiver.mood = "refusing"
    end = it.clock.time + 20 * DAY_SECONDS
    it.minute(ends=end)
    it.receiver.mood = "taking"
    it.clock.time += 600
    assert it.minute() == []
    assert it.minute(ends=end) == ["expiring"]
    assert "1970" not in str(it.receiver.messages)


def test_a_new_credential_that_ends_soon_too_is_told_anew() -> None:
    it = a_watching()
    it.minute()
    it.minute(ends=it.clock.time + DAY_SECONDS / 2)
    assert it.minute(ends=it.clock.time + 20 * DAY_SECONDS) == ["expiring"]
    assert "in 20 days" in str(it.receiver.messages[-1]["text"])


def test_without_any_memory_the_end_is_told_on_three_days_at_a_time_of_day() -> None:
    it = a_watching(at=NINE - 30 * 60)
    end = NINE + 33.5 * DAY_SECONDS
    told = []
    for day in range(34):
        it.clock.time = NINE - 30 * 60 + day * DAY_SECONDS
        for _ in range(60):
            it.restart()
            told += [33 - day] * len(it.minute(ends=end))
    assert told == [30, 7, 1]


@settings(max_examples=60, deadline=None)
@given(steps=st.lists(st.tuples(st.integers(1, 60), st.booleans(), st.integers(0, 3), st.booleans()), min_size=1, max_size=40))
def test_with_a_store_each_of_the_three_days_is_told_once_whatever_isolates_do_and_whenever_the_end_is_not_known(
    steps: list[tuple[int, bool, int, bool]],
) -> None:
    it = a_watching(store=True)
    end, stages = it.clock.time + 33 * DAY_SECONDS, set()
    for hours, known, choice, failing in steps:
        if choice > 1:
            it.restart(choice % 2)
        left = (end - it.clock.time) // DAY_SECONDS
        it.minute(*([TROUBLE] if failing else []), ends=end if known else None, isolate=choice % 2)
        stages |= {sum(left <= days for days in (30, 7, 1))} if known else set()
        it.clock.time += hours * 3600 - 60
    assert it.receiver.states.count("expiring") == len(stages - {0})


# --- the bounds, whatever happens ---

minutes = st.lists(st.sampled_from(["good", "bad", "bad", "refused"]), min_size=1, max_size=12).flatmap(
    lambda kinds: st.tuples(*(st.tuples(st.just(kind), st.integers(1, 9)) for kind in kinds))
)


def runs(history: list[str]) -> list[list[str]]:
    """Each stretch of minutes that failed, whole or in its beginning where it lasts."""
    return [list(run) for bad, run in groupby(history, key=lambda kind: kind != "good") if bad]


def expected(history: list[str]) -> list[str]:
    """What is to be told in all of a history that ends well."""
    told: list[str] = []
    for run in runs(history):
        begun, at_stage, worst = False, 0, ""
        for number, kind in enumerate(run, 1):
            at_stage = at_stage + 1 if number > 1 and kind == run[number - 2] else 1
            if not begun and number >= AFTER:
                begun, worst = True, kind
                told.append("refused" if kind == "refused" else "failing")
            elif begun and worst == "bad" and kind == "refused" and at_stage >= AFTER:
                worst = kind
                told.append("refused")
        told += ["over"] * begun
    return told


def live(it: Watching, kind: str, isolate: int = 0) -> list[str]:
    return it.minute(*([TROUBLE] if kind == "bad" else []), refused=kind == "refused", isolate=isolate)


@settings(max_examples=80, deadline=None)
@given(spans=minutes, data=st.data())
def test_with_a_store_every_lasting_failure_is_told_exactly_once_and_once_when_over_whatever_isolates_do(
    spans: tuple[tuple[str, int], ...], data: st.DataObject
) -> None:
    it = a_watching(store=True)
    history = [kind for kind, length in spans for _ in range(length)] + ["good"]
    choices = data.draw(st.lists(st.integers(0, 3), min_size=len(history), max_size=len(history)))
    for kind, choice in zip(history, choices, strict=True):
        if choice > 1:
            it.restart(choice % 2)
        live(it, kind, choice % 2)
    assert it.receiver.states == expected(history)


@settings(max_examples=60, deadline=None)
@given(spans=minutes)
def test_without_a_store_the_same_holds_as_long_as_the_isolate_lives(spans: tuple[tuple[str, int], ...]) -> None:
    it = a_watching()
    it.minute()
    history = [kind for kind, length in spans for _ in range(length)] + ["good"]
    for kind in history:
        live(it, kind)
    assert it.receiver.states == expected(history)


@settings(max_examples=80, deadline=None)
@given(
    spans=st.lists(st.tuples(st.sampled_from(["good", "bad", "bad", "refused"]), st.integers(1, 150)), min_size=1, max_size=5),
    restarts=st.sets(st.integers(0, 400)) | st.just(set(range(1000))),
    start=st.integers(0, 3599),
)
def test_without_a_store_a_failure_is_told_no_more_than_once_and_once_more_a_full_hour(
    spans: list[tuple[str, int]], restarts: set[int], start: int
) -> None:
    it = a_watching(at=HALF_PAST + start)
    it.minute()
    history = [kind for kind, length in spans for _ in range(length)] + ["good"]
    index = 0
    for failing, group in groupby(history, key=lambda kind: kind != "good"):
        run = list(group)
        began, told = it.clock.time, []
        for kind in run:
            if index in restarts:
                it.restart()
            told += live(it, kind)
            index += 1
        hours = int(it.clock.time // 3600 - began // 3600)
        if failing:
            most = (2 if "refused" in run and "bad" in run else 1) + hours
            assert sum(state != "over" for state in told) <= most
            assert "over" not in told
            if hours and it.clock.time - 60 >= (began // 3600 + 1) * 3600 and len(run) >= AFTER and restarts == set(range(1000)):
                assert told, "where a full hour strikes, none is missing"
        else:
            assert told in ([], ["over"])


@settings(max_examples=80, deadline=None)
@given(spans=minutes, data=st.data())
def test_with_a_store_that_is_a_minute_behind_nothing_is_told_more_than_twice(
    spans: tuple[tuple[str, int], ...], data: st.DataObject
) -> None:
    it = a_watching(store=True)
    assert it.store
    it.store.stale = 61.0
    history = [kind for kind, length in spans for _ in range(length)] + ["good"] * 3
    choices = data.draw(st.lists(st.integers(0, 3), min_size=len(history), max_size=len(history)))
    for kind, choice in zip(history, choices, strict=True):
        if choice > 1:
            it.restart(choice % 2)
        live(it, kind, choice % 2)
    assert len(it.receiver.states) <= 2 * sum(3 for run in runs(history) if len(run) >= 3)


@settings(max_examples=80, deadline=None)
@given(spans=minutes, data=st.data())
def test_what_the_receiver_does_not_take_is_told_later_never_twice_and_the_tries_are_few(
    spans: tuple[tuple[str, int], ...], data: st.DataObject
) -> None:
    it = a_watching(store=True)
    history = [kind for kind, length in spans for _ in range(length)] + ["good"]
    moods = data.draw(
        st.lists(st.sampled_from(["taking", "slow", "refusing", "redirecting", "lost"]), min_size=len(history), max_size=len(history))
    )
    for kind, mood in zip(history, moods, strict=True):
        it.receiver.mood = mood  # type: ignore[assignment]  # one of the moods sampled
        told = live(it, kind)
        assert set(told) <= ({"over"} if kind == "good" else {"failing", "refused"})
    it.receiver.mood = "taking"
    for _ in range(61):
        it.minute()
    lasting = [run for run in runs(history) if len(run) >= AFTER]
    assert it.receiver.states.count("over") <= len(lasting)
    assert (it.receiver.states[-1:] == ["over"]) == bool(lasting)
    assert sum(state != "over" for state in it.receiver.states) <= len([state for state in expected(history) if state != "over"])
    hours = len(history) / 60 + 1
    assert len(it.receiver.attempts) <= len(expected(history)) + 6 * hours + len(it.receiver.messages)


# --- what is told ---


def test_neither_users_nor_addresses_are_named() -> None:
    it = a_watching()
    it.minute()
    user = "64b2d2bc-815a-47c5-b0df-b4a5d8a064df"
    for _ in range(AFTER):
        it.minute(*(f"high: Could not add the user {user} ({number})." for number in range(6)))
    [message] = it.receiver.messages
    assert user not in str(message)
    assert "(id in the log)" in str(message)
    assert "And 3 more, in the Worker's log." in str(message["text"])
    assert "@" not in str(message["text"])


def test_the_beginning_and_the_length_of_a_failure_are_told() -> None:
    it = a_watching()
    it.minute()
    for _ in range(12):
        it.minute(TROUBLE)
    it.minute()
    began, over = (str(message["text"]) for message in it.receiver.messages)
    assert re.search(r"The Worker has been failing since \d\d September 00:31 UTC\. medium: Graph answers 503\.", began)
    assert "Isolation follows risk again, after 12 minutes since" in over


# --- the memory ---


def test_a_memory_survives_a_store() -> None:
    it = a_watching(store=True)
    for _ in range(7):
        it.minute(TROUBLE, ends=it.clock.time + 5 * DAY_SECONDS)
    [memory, _] = it.isolates
    assert memory.conditions
    assert Memory.from_json(memory.to_json()) == memory


@pytest.mark.parametrize(
    "text",
    [
        "",
        "null",
        "[]",
        "{}",
        '{"conditions": {}, "last": "x"}',
        '{"conditions": {"failing": {"since": "x", "seen_to_begin": true}}}',
        '{"conditions": {"other": {"since": 0, "seen_to_begin": true}}}',
        '{"conditions": {"failing": {"since": 0, "seen_to_begin": true, "unheard": 1}}}',
        '{"conditions": {}, "tries": null}',
        "[" * 100_000,
    ],
)
def test_what_is_no_memory_is_told_apart(text: str) -> None:
    with pytest.raises(ValueError, match="no memory of alerts"):
        Memory.from_json(text)


@pytest.mark.parametrize("garbage", ["not JSON", '{"conditions": {}, "last": "x"}'])
def test_a_store_that_holds_something_else_is_written_anew_and_nothing_is_missed(garbage: str) -> None:
    it = a_watching(store=True)
    assert it.store
    it.store.versions.append((0.0, garbage))
    it.minute()
    for _ in range(30):
        it.minute(TROUBLE)
    assert it.receiver.states == ["failing"]
    assert any("ALERT_STATE does not give back what it was given" in line for line in it.log)
    it.restart()
    it.minute(TROUBLE)
    assert it.receiver.states == ["failing"]


def test_while_the_store_is_broken_the_isolate_remembers() -> None:
    it = a_watching(store=True)
    assert it.store
    it.store.broken = True
    it.minute()
    for _ in range(30):
        it.minute(TROUBLE)
    it.minute()
    assert it.receiver.states == ["failing", "over"]
    assert any("until it does, an alert may come twice" in line for line in it.log)


def test_the_store_is_written_when_something_is_to_be_remembered_and_not_each_minute() -> None:
    it = a_watching(store=True)
    assert it.store
    for _ in range(30):
        it.minute()
    assert it.store.versions == []
    for _ in range(600):
        it.minute(TROUBLE)
    assert len(it.store.versions) == AFTER + 1, "each of the first minutes, and that it was told"
    it.minute()
    assert len(it.store.versions) == AFTER + 3, "that it is over, and that this was told"


def test_an_isolate_that_ends_while_it_tells_leaves_a_trace_so_that_the_end_is_told() -> None:
    it = a_watching(store=True)
    it.minute()
    for _ in range(AFTER - 1):
        it.minute(TROUBLE)
    assert it.store
    before = len(it.store.versions)
    it.minute(TROUBLE)
    del it.store.versions[before + 1 :]  # it ended before it could keep that this was told
    it.restart()
    assert it.minute() == ["over"]


def test_a_failure_whose_end_nobody_could_be_told_goes_on_and_is_not_told_anew() -> None:
    it = a_watching()
    it.minute()
    for _ in range(AFTER):
        it.minute(TROUBLE)
    it.receiver.mood = "refusing"
    it.minute()
    it.receiver.mood = "taking"
    for _ in range(10 * AFTER):
        it.minute(TROUBLE)
    it.minute()
    assert it.receiver.states == ["failing", "over"]
