"""Ticks in which much changes at once, or much cannot be done: everybody gets there, nobody waits for somebody else."""

from collections import Counter
from contextlib import suppress

import pytest

from errors import SyncFailed
from groups import RETRIED
from plan import RISK_LEVELS
from simulator import Fault, User
from sync import LEAVING_SECONDS, TICK_SECONDS
from tests.ticks import Ticks
from tests.unit.test_faults import REMOVE, RISK, TOKEN, Meddled, sent, synchronised
from tests.unit.test_sync import in_sync, members

FEW = "20"
"""The fewest subrequests that a tick may be given."""


def many(ticks: Ticks, count: int, level: str) -> list[User]:
    """So many newcomers at a level."""
    users = [ticks.tenant.add_user() for _ in range(count)]
    for user in users:
        ticks.tenant.set_risk(user, level)
    return users


def settled(**at: int) -> Meddled:
    """A Worker whose groups are no longer new and hold so many users each."""
    ticks = synchronised(0)
    ticks.clock.time += 1000
    for level, count in at.items():
        many(ticks, count, level)
    while not in_sync(ticks):
        ticks.tick()
    ticks.tick()
    return ticks


def tick(ticks: Ticks, **overrides: str) -> Ticks:
    """One tick, whatever comes of it."""
    with suppress(SyncFailed):
        ticks.tick(**overrides)
    return ticks


def lines(ticks: Ticks) -> list[str]:
    return [entry for _, entry in ticks.log if isinstance(entry, str)]


# --- who moves ---


@pytest.mark.parametrize("movers", [300, 1000])
def test_a_thousand_users_who_move_at_once_get_there_and_a_newcomer_elsewhere_does_not_wait_for_them(movers: int) -> None:
    ticks = settled(medium=movers)
    for user in ticks.tenant.risky_at("medium"):
        ticks.tenant.set_risk(user, "high")
    ticks.tick()
    [newcomer] = many(ticks, 1, "low")
    ticks.tick()
    assert newcomer.id in members(ticks.tenant)["low"]
    for _ in range(6):
        ticks.tick()
    assert in_sync(ticks)


def test_moves_that_a_cap_holds_back_cost_no_request_a_minute() -> None:
    ticks = settled(medium=300)
    for user in ticks.tenant.risky_at("medium"):
        ticks.tenant.set_risk(user, "high")
    ticks.tick(MAX_REMOVALS="0")
    for cap, most in (("0", 0), ("5", 10)):
        ticks.tenant.requests.clear()
        ticks.tick(MAX_REMOVALS=cap)
        assert sum(item.write_units > 0 for exchange in ticks.tenant.requests for item in exchange.items) <= most
        assert len(members(ticks.tenant)["high"]) == 300
    assert len(members(ticks.tenant)["medium"]) == 295


# --- leaves that cannot be made ---


@pytest.mark.parametrize("cap", ["1", "5", ""])
def test_a_group_that_lets_nobody_go_is_asked_once_and_told_of_once(cap: str) -> None:
    ticks = settled(low=400)
    for user in ticks.tenant.risky_at("low")[:150]:
        ticks.tenant.dismiss(user)
    ticks.tenant.requests.clear()
    ticks.tenant.faults = [Fault("status", *REMOVE, status=403, code="Authorization_RequestDenied")]
    tick(ticks, MAX_REMOVALS=cap)
    assert len(sent(ticks, "DELETE", "/groups/.*")) <= RETRIED
    assert len(lines(ticks)) <= 2
    assert ticks.record.get("leftOver", 0) == (150 - int(cap) if cap else 0)


def test_where_joins_have_used_the_write_quota_a_cap_makes_one_line_a_level_and_the_leaves_have_their_share() -> None:
    ticks = settled(low=400)
    for user in ticks.tenant.risky_at("low")[:150]:
        ticks.tenant.dismiss(user)
    many(ticks, 2250, "high")
    tick(ticks, MAX_REMOVALS="0")
    many(ticks, 2250, "high")
    tick(ticks, MAX_REMOVALS="5")
    assert max(Counter(lines(ticks)).values()) == 1
    assert len(lines(ticks)) <= 4
    assert len(members(ticks.tenant)["low"]) == 395


def test_leaves_that_the_end_of_the_token_cuts_short_are_all_accounted_for() -> None:
    ticks = settled(low=400)
    for user in ticks.tenant.risky_at("low")[:150]:
        ticks.tenant.dismiss(user)
    ticks.tenant.faults = [Fault("expired token", path="/$batch", skip=1), Fault("status", *TOKEN, status=401)]
    ticks.cache.token.expires = ticks.clock.time + 1
    tick(ticks, MAX_REMOVALS="5")
    assert ticks.record["outcome"] == "failed"
    assert ticks.record["problems"] == 1
    assert ticks.record["leftOver"] == 145


def test_who_was_gone_already_takes_nobody_elses_place_among_the_leaves() -> None:
    ticks = settled(low=12)

    tenant, group = ticks.tenant, ticks.tenant.group_named("IdentityProtection-RiskyUser-RiskLevel-low")
    ghost, *gone = sorted(tenant.risky_at("low"), key=lambda user: user.id)[:3]
    for user in (ghost, *gone):
        tenant.dismiss(user)
    tenant.remove_member(group, ghost)
    member = f'"id":"{tenant.risky_at("low")[0].id}"}}'
    ticks.forge = lambda body: body.replace(member, f'{member},{{"@odata.type":"#microsoft.graph.user","id":"{ghost.id}"}}')
    for _ in range(5):
        tick(ticks, MAX_REMOVALS="1")
    assert not {user.id for user in gone} & members(tenant)["low"]


# --- joins that cannot be made ---


@pytest.mark.parametrize("overrides", [{"MAX_SUBREQUESTS": FEW}, {}])
def test_users_who_can_never_be_added_keep_out_nobody_and_keep_nobody_in(overrides: dict[str, str]) -> None:
    ticks = settled(high=12, medium=12, low=12)
    tenant = ticks.tenant
    for level in RISK_LEVELS:
        for user in many(ticks, 150, level):
            tenant.delete_user(user, listed=False)
    [new] = many(ticks, 1, "low")
    gone = tenant.risky_at("high")[0]
    tenant.dismiss(gone)
    for _ in range(3):
        tick(ticks, **overrides)
    assert new.id in members(tenant)["low"]
    assert gone.id not in members(tenant)["high"]


def test_who_could_not_be_added_is_tried_again_in_turn_a_batch_a_minute() -> None:
    ticks = settled(high=12)
    tenant = ticks.tenant
    lost = many(ticks, 60, "high")
    for user in lost:
        tenant.delete_user(user, listed=False)
    for _ in range(3):
        tick(ticks)
    for user in lost:
        user.deleted = False
    for _ in range(3):
        ticks.tenant.requests.clear()
        tick(ticks)
        assert len(sent(ticks, "POST", "/groups/.*")) == RETRIED
        assert not sent(ticks, "PATCH", "/groups/.*")
    assert in_sync(ticks)


@pytest.mark.parametrize("turn", range(3))
def test_those_who_can_never_be_added_keep_nobody_waiting_who_can_be_added_now(turn: int) -> None:
    ticks = settled()
    lost = sorted(many(ticks, 3 * RETRIED, "high"), key=lambda user: user.id)
    for user in lost:
        ticks.tenant.delete_user(user, listed=False)
    tick(ticks)
    curable = lost[turn * RETRIED :][:RETRIED]
    for user in curable:
        user.deleted = False
    for _ in range(3):
        tick(ticks)
    assert members(ticks.tenant)["high"] == {user.id for user in curable}


def test_what_graph_did_not_do_is_not_counted_against_the_write_quota() -> None:
    ticks = settled()
    for place, user in enumerate(sorted(many(ticks, 400, "high"), key=lambda user: user.id)):
        if place % 20 == 0:
            ticks.tenant.delete_user(user, listed=False)
    tick(ticks)
    assert "leftOver" not in ticks.record
    assert len(members(ticks.tenant)["high"]) == 380


@pytest.mark.parametrize(("status", "minutes"), [(403, 1), (500, 2)])
def test_one_user_whose_add_fails_keeps_nobody_else_out(status: int, minutes: int) -> None:
    ticks = settled(high=12)
    users = many(ticks, 20, "high")
    users[3].joining_answers = status
    for _ in range(minutes):
        tick(ticks)
    assert {user.id for user in users} - members(ticks.tenant)["high"] == {users[3].id}


def test_a_long_list_of_joins_at_one_level_holds_up_no_single_ones_at_another() -> None:
    ticks = settled()
    many(ticks, 9000, "high")
    mediums = many(ticks, 20, "medium")
    ticks.tenant.delete_user(mediums[7], listed=False)
    tick(ticks)
    assert len(members(ticks.tenant)["medium"]) == 19


# --- reads that take long ---


@pytest.mark.parametrize("users", [2600, 9000])
def test_reads_leave_subrequests_for_writes(users: int) -> None:
    ticks = settled()
    many(ticks, users, "high")
    for minute in range(3):
        tick(ticks, MAX_SUBREQUESTS=FEW)
        assert len(members(ticks.tenant)["high"]) >= min(users, 500 * (minute + 1))


def test_a_full_last_page_of_a_large_list_is_asked_for_in_another_size_in_the_next_minute_if_this_one_is_too_short() -> None:
    ticks = settled(medium=7000)
    tenant = ticks.tenant
    tenant.behaviour.full_last_page_links = True
    tenant.behaviour.answer_seconds = 0.1
    tenant.dismiss(tenant.risky_at("medium")[0])
    many(ticks, 1, "medium")
    for _ in range(4):
        tick(ticks)
    assert in_sync(ticks)


def test_a_page_size_that_was_refused_is_not_tried_again_at_once_but_after_an_hour() -> None:
    ticks = settled(high=3)
    ticks.tenant.behaviour.risky_users_top = 120
    ticks.tick()
    asked = []
    for minute in range(63):
        ticks.tenant.requests.clear()
        ticks.tick()
        asked.append(len(sent(ticks, "GET", "/identityProtection/riskyUsers")))
        assert in_sync(ticks), minute
    assert sorted(asked) == [1] * 62 + [3]


def test_a_second_look_that_there_is_no_room_for_is_left_to_the_next_minute_and_told_as_that() -> None:
    ticks = settled(low=30)
    for user in ticks.tenant.risky_at("low")[:20]:
        ticks.tenant.dismiss(user)
    many(ticks, 1800, "high")
    ticks.tick(MAX_SUBREQUESTS=FEW)
    assert not any("Could not read" in line or "did not confirm" in line for line in lines(ticks))
    assert any("20 users must stay for now, whose leave the next minute has to confirm" in line for line in lines(ticks))


def doubtful_loss(ticks: Ticks) -> None:
    """More than half of one level gone, which takes a second look, and somebody who moves between two others, which takes none."""
    at_low = ticks.tenant.risky_at("low")
    for user in at_low[: len(at_low) // 2 + 1]:
        ticks.tenant.dismiss(user)
    ticks.tenant.set_risk(ticks.tenant.risky_at("medium")[0], "high")


def test_a_second_look_that_would_take_the_time_of_the_leaves_is_not_begun() -> None:
    ticks = settled(low=1200, medium=1)
    doubtful_loss(ticks)
    ticks.restart()  # a warm isolate leaves slow reads to the next minute anyway
    ticks.tenant.behaviour.answer_seconds = 4.3
    ticks.tenant.faults = [Fault("slow", *RISK, delay=5.5)]
    ticks.tenant.requests.clear()
    tick(ticks)
    assert len(sent(ticks, "GET", "/identityProtection/.*")) == 2
    assert len(members(ticks.tenant)["low"]) == 1200
    assert not members(ticks.tenant)["medium"]


def test_a_second_look_is_waited_for_no_longer_than_leaves_time_to_leave() -> None:
    ticks = settled(low=30, medium=1)
    doubtful_loss(ticks)
    latest = TICK_SECONDS - LEAVING_SECONDS
    ticks.tenant.faults = [Fault("status", *RISK, status=429, headers={"Retry-After": f"{latest}"}, skip=1, times=1)]
    tick(ticks)
    assert ticks.record["milliseconds"] < 10_000  # type: ignore[operator]  # it is a number
    assert not members(ticks.tenant)["medium"]


def test_nothing_is_told_twice_where_the_budget_ends_in_the_reads() -> None:
    ticks = settled()
    many(ticks, 9000, "high")
    tick(ticks, MAX_SUBREQUESTS=FEW)
    assert max(Counter(lines(ticks)).values()) == 1
    assert ticks.record["milliseconds"] <= TICK_SECONDS * 1000  # type: ignore[operator]  # it is a number
