"""A tick as a whole, against the simulated tenant."""

import pytest

from groups import GROUP_NAMES
from plan import RISK_LEVELS
from simulator import Fault, Tenant
from tests.ticks import Ticks, contoso


def risky(tenant: Tenant) -> dict[str, frozenset[str]]:
    return {level: frozenset(user.id for user in tenant.risky_at(level)) for level in RISK_LEVELS}


def members(tenant: Tenant) -> dict[str, frozenset[str]]:
    return {level: tenant.members_of(name) for level, name in GROUP_NAMES.items()}


def is_in_sync(tenant: Tenant) -> bool:
    return members(tenant) == risky(tenant) and not tenant.violations


def in_sync(ticks: Ticks) -> bool:
    return is_in_sync(ticks.tenant)


def test_the_first_minute_creates_the_groups_and_fills_them() -> None:
    ticks = contoso()
    report = ticks.tick()
    assert in_sync(ticks)
    assert report.outcome == "changed"
    assert [ticks.tenant.group_named(name).mail_nickname for name in GROUP_NAMES.values()] == list(GROUP_NAMES.values())


@pytest.mark.parametrize("risky_users", [0, 12, 480])
def test_a_quiet_minute_in_a_warm_isolate_is_one_subrequest(risky_users: int) -> None:
    ticks = contoso(risky_users)
    ticks.tick()
    report = ticks.tick()
    assert report.outcome == "in sync"
    assert ticks.tenant.subrequests == 1
    assert ticks.tenant.write_units == 0


def test_a_quiet_minute_in_a_cold_isolate_is_at_most_three_subrequests() -> None:
    ticks = contoso()
    ticks.tick()
    ticks.restart()
    assert ticks.tick().outcome == "in sync"
    assert ticks.tenant.subrequests <= 3


def test_three_thousand_users_are_synchronised_within_two_minutes_at_the_default_budget() -> None:
    ticks = contoso(3000)
    assert ticks.tick().outcome == "left over"
    ticks.tick()
    assert in_sync(ticks)


def test_a_removal_answered_by_a_directory_that_does_not_know_the_group_yet_is_not_taken_for_done() -> None:
    ticks = contoso()
    ticks.tick()
    cleared = ticks.tenant.risky_at("high")[0]
    ticks.tenant.dismiss(cleared)
    group = ticks.tenant.group_named(GROUP_NAMES["high"])
    unknown = f"Resource '{group.id}' does not exist or one of its queried reference-property objects are not present."
    ticks.tenant.faults = [Fault("status", "DELETE", status=404, code="Request_ResourceNotFound", message=unknown, times=1)]
    assert ticks.tick().outcome == "left over"
    assert ticks.tick().outcome == "changed"
    assert in_sync(ticks)
