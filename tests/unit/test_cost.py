"""How many requests and write units each minute takes: the Worker shares Microsoft's and Cloudflare's limits with others."""

from math import ceil

import pytest

from bench.scenarios import LARGEST, SIZES, Counts, change_one_percent, clear, settle
from graph_requests import DIRECTORY_PAGE, RISKY_USERS_PAGE
from tests.ticks import Ticks, contoso

FREE_PLAN_SUBREQUESTS = 50
"""https://developers.cloudflare.com/workers/platform/limits/#subrequests"""
WRITE_UNITS_IN_150_SECONDS = 3000
"""https://learn.microsoft.com/graph/throttling-limits#identity-and-access-service-limits"""

FIRST_SYNC = {
    0: [(4, 9, 3.0)],
    12: [(5, 12, 7.0)],
    100: [(6, 15, 36.33)],
    500: [(11, 36, 169.67)],
    1000: [(16, 61, 336.33)],
    3000: [(30, 126, 749.67), (15, 49, 253.33)],
}
ONE_PERCENT = {
    0: [(1, 5, 0.0)],
    12: [(3, 7, 2.0)],
    100: [(3, 7, 2.0)],
    500: [(3, 11, 6.67)],
    1000: [(6, 19, 13.33)],
    3000: [(8, 15, 10.0), (8, 43, 30.0)],
}
ALL_CLEARED = {
    0: [(1, 5, 0.0)],
    12: [(2, 17, 12.0)],
    100: [(8, 106, 100.0)],
    500: [(29, 506, 500.0)],
    1000: [(40, 756, 750.0), (14, 255, 250.0)],
    3000: [(41, 759, 750.0), (39, 755, 750.0), (39, 755, 750.0), (40, 755, 750.0)],
}
"""For each number of risky users and each minute until all is done: subrequests, Graph requests, write units."""


def minutes(ticks: Ticks) -> list[Counts]:
    """What each minute takes until nothing is left over."""
    counts = []
    while True:
        left_over = ticks.tick().unfinished
        counts.append(Counts.of(ticks.tenant))
        if not left_over:
            return counts


def three(counts: list[Counts]) -> list[tuple[int, int, float]]:
    return [(one.subrequests, one.graph_requests, one.write_units) for one in counts]


def in_sync(risky: int) -> Ticks:
    ticks = contoso(0)
    ticks.tick()
    settle(ticks.tenant, risky)
    return ticks


@pytest.mark.parametrize("risky", [*SIZES, LARGEST])
def test_a_quiet_minute_takes_one_subrequest_for_each_page_of_risky_users_and_writes_nothing(risky: int) -> None:
    ticks = in_sync(risky)
    risk_pages = max(1, ceil(risky / RISKY_USERS_PAGE))
    member_pages = 3 * max(1, ceil(risky / 3 / DIRECTORY_PAGE))
    assert three(minutes(ticks)) == [(risk_pages, risk_pages + member_pages + 1, 0.0)]


@pytest.mark.parametrize("risky", [*SIZES, LARGEST])
def test_a_cold_isolate_takes_two_subrequests_more_at_most(risky: int) -> None:
    ticks = in_sync(risky)
    [warm] = minutes(ticks)
    ticks.restart()
    [cold] = minutes(ticks)
    assert cold.subrequests <= warm.subrequests + 2
    end_of_the_secret = 1
    assert (cold.graph_requests, cold.write_units) == (warm.graph_requests + end_of_the_secret, 0.0)


@pytest.mark.parametrize("risky", SIZES)
def test_a_first_sync_takes_a_request_for_every_20_users(risky: int) -> None:
    assert three(minutes(contoso(risky))) == FIRST_SYNC[risky]


@pytest.mark.parametrize("risky", SIZES)
def test_a_change_of_one_percent_takes_requests_for_what_changed_only(risky: int) -> None:
    ticks = in_sync(risky)
    change_one_percent(ticks.tenant)
    assert three(minutes(ticks)) == ONE_PERCENT[risky]


@pytest.mark.parametrize("risky", SIZES)
def test_clearing_everybody_takes_a_request_for_each_user_and_as_many_minutes_as_the_write_quota_wants(risky: int) -> None:
    ticks = in_sync(risky)
    clear(ticks.tenant)
    assert three(minutes(ticks)) == ALL_CLEARED[risky]


def test_the_requests_of_a_quiet_minute_grow_by_one_with_each_page() -> None:
    taken = [three(minutes(in_sync(pages * RISKY_USERS_PAGE)))[0][0] for pages in range(1, 6)]
    assert taken == [1, 2, 3, 4, 5]


def test_the_requests_of_a_change_grow_with_the_change_and_not_with_the_tenant() -> None:
    extra = []
    for risky in (400, 2800):
        ticks = in_sync(risky)
        [quiet] = minutes(ticks)
        for number in range(40):
            ticks.tenant.set_risk(ticks.tenant.add_user(), ("high", "low")[number % 2])
        [changed] = minutes(ticks)
        extra.append((changed.subrequests - quiet.subrequests, changed.graph_requests - quiet.graph_requests, changed.write_units))
    assert extra[0] == extra[1] == (1, 2, 13.33)


def test_no_150_seconds_hold_more_write_units_than_graph_allows_nor_a_minute_more_subrequests_than_the_free_plan() -> None:
    ticks = contoso(3000)
    taken = minutes(ticks)
    clear(ticks.tenant)
    taken += minutes(ticks)
    assert max(one.subrequests for one in taken) < FREE_PLAN_SUBREQUESTS
    assert max(sum(one.write_units for one in taken[minute : minute + 4]) for minute in range(len(taken))) <= WRITE_UNITS_IN_150_SECONDS
    assert not ticks.tenant.violations
