"""What a value was before, and for how long that is remembered."""

from hypothesis import given
from hypothesis import strategies as st

from simulator.cloudflare.timeline import KEPT, Timeline


@given(st.lists(st.tuples(st.integers(0, 100), st.integers()), max_size=20), st.integers(-10, 3000))
def test_it_is_then_what_it_was_made_last_before(changes: list[tuple[int, int]], when: int) -> None:
    timeline, now, made = Timeline(-1, int), 0, [(-(10**9), -1)]
    for pause, value in changes:
        now += pause
        timeline.keep(now)
        timeline.value = value
        made.append((now, value))
    assert timeline.at(when) == [value for time, value in made if time <= when][-1]


def test_after_an_hour_it_is_forgotten() -> None:
    timeline = Timeline("old", str)
    timeline.keep(0.0)
    timeline.value = "new"
    timeline.keep(KEPT)
    timeline.value = "newer"
    assert (timeline.at(-1.0), timeline.at(KEPT - 1)) == ("old", "new")
    timeline.keep(KEPT + 1)
    assert timeline.at(-1.0) == "new"
