"""How long a change of risk takes to be felt, with the direct lane and without."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simulator import Comparison, Delays, compare, measure
from simulator.chain.delays import PATIENCE
from tests.simulator.chain.worker import MINUTE, world

CYCLE = 40 * MINUTE


def minute_after(time: float) -> float:
    return time + MINUTE - time % MINUTE


@settings(deadline=None, max_examples=30)
@given(st.integers(0, 2399), st.integers(0, 59), st.sampled_from(["high", "medium", "low"]))
def test_the_lane_takes_until_the_next_tick_and_provisioning_until_the_next_cycle_after_it(risk: int, cycle: int, level: str) -> None:
    it = world(second=cycle)
    it.clock.time += risk
    began = it.clock.time
    due = it.chain.next_cycle or 0
    due = due if due >= minute_after(began) else due + CYCLE
    assert compare(it.chain, it.ada, it.minute, level) == Comparison(
        with_lane=Delays(MINUTE, MINUTE),  # the risk, and its end, come right after a tick
        without=Delays(due - began, due + CYCLE - minute_after(due - 1)),
    )


def test_provisioning_takes_whatever_is_left_until_its_next_cycle() -> None:
    it = world(lane=False, second=20)
    it.later(7)
    left = (it.chain.next_cycle or 0) - it.clock.time
    assert left == CYCLE - 7 * MINUTE
    assert measure(it.chain, it.ada, it.minute) == Delays(left, CYCLE - 40)


def test_who_is_measured_is_at_no_risk_afterwards() -> None:
    it = world()
    measure(it.chain, it.ada, it.minute)
    assert it.ada.risk_level == "none"
    assert not it.chain.isolated(it.ada)


def test_what_never_comes_is_not_waited_for_for_ever() -> None:
    it = world(lane=False)
    it.chain.job.paused = True
    assert measure(it.chain, it.ada, it.minute) == Delays(None, 0.0)
    assert it.ticks == PATIENCE / MINUTE + 1


def test_whoever_is_isolated_already_cannot_be_measured_nor_can_a_clock_that_stands_still() -> None:
    it = world()
    with pytest.raises(ValueError, match="stands still"):
        measure(it.chain, it.ada, lambda: None)
    it.chain.tenant.set_risk(it.ada, "low")
    it.tick()
    with pytest.raises(ValueError, match="isolated already"):
        measure(it.chain, it.ada, it.minute)
