"""The Worker's own ticks at the head of the chain: what the direct lane is worth."""

from simulator import Chain, compare
from tests.lanes import lane

CYCLE, MINUTE = 2400.0, 60.0


def test_the_lane_isolates_with_the_next_tick_and_scim_with_the_next_cycle() -> None:
    ticks = lane()
    chain = Chain(ticks.tenant, ticks.account)
    ada = chain.tenant.add_user("Ada Lovelace", mail="Ada.L@contoso.com")
    with_lane, without = compare(chain, ada, ticks.tick)
    assert without.isolated == CYCLE  # the first cycle has just been
    assert without.released
    assert CYCLE - 3 * MINUTE < without.released <= CYCLE
    assert with_lane.isolated is not None
    assert with_lane.isolated < MINUTE
    assert with_lane.released is not None
    assert with_lane.released < 2 * MINUTE  # if it takes a second look
    assert not chain.tenant.violations
    assert not chain.account.violations


def test_whoever_is_risky_from_the_start_is_isolated_after_one_tick_and_nobody_else() -> None:
    ticks = lane()
    chain = Chain(ticks.tenant, ticks.account)
    ticks.tick()
    isolated = {user.id for user in chain.tenant.users if chain.isolated(user)}
    assert isolated == {user.id for level in ("high", "medium", "low") for user in chain.tenant.risky_at(level)}
    assert len(isolated) == 12
