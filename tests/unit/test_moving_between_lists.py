"""Whoever moves from list to list, shares an address or has a new one is in a list all the while, by what Cloudflare itself has said."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import product

import pytest

from simulator import Fault, User
from simulator.cloudflare.state import GatewayList
from tests.lanes import MAY_READ_MAIL, Lane, kept, lane
from tests.unit.test_cloudflare_answers import particular
from tests.unit.test_lists import LISTS, ONE_LIST, failing, right

SHARED = "team@contoso.com"


def sharing(ticks: Lane, *levels: str) -> list[User]:
    """Users at these levels who have one mailbox together, in the lists since a minute."""
    users = [ticks.tenant.add_user(mail=SHARED, principal_name=f"team{number}@contoso.com") for number in range(len(levels))]
    for user, level in zip(users, levels, strict=True):
        ticks.tenant.set_risk(user, level)
    ticks.tick()
    ticks.tick()
    return users


@contextmanager
def closed(ticks: Lane, level: str) -> Iterator[None]:
    """A level's list takes nothing for a while."""
    ticks.account.faults = [Fault("status", "PATCH", f"{LISTS}/{ticks.account.list_named(f'risky-users-{level}').id}", status=500)]
    yield
    ticks.account.faults = []


def in_step(ticks: Lane, minutes: int = 2) -> bool:
    for _ in range(minutes):
        ticks.tick()
    return right(ticks)


def seeming(ticks: Lane, target: GatewayList, *, seems: Sequence[str], holds: Sequence[str]) -> None:
    """A list that is read as it was a while ago."""
    ticks.account.set_values(target, seems)
    ticks.clock.time += 1000
    ticks.account.behaviour.list_lag = 500.0
    ticks.account.set_values(target, holds)


def watched(ticks: Lane, *addresses: str) -> list[bool]:
    """At each write from now on, whether every one of these is in some list."""
    inside: list[bool] = []
    ticks.account.on_write = lambda _: inside.append({a.lower() for a in addresses} <= set().union(*ticks.held().values()))
    return inside


# --- moves ---


@pytest.mark.parametrize(("present", "really_there"), [*product([409, 400], [0, 1])])
def test_what_a_list_only_seems_to_hold_is_no_proof_where_no_value_is_taken_twice(present: int, really_there: int) -> None:
    ticks = kept()
    account = ticks.account
    high, moving = account.list_named("risky-users-high"), ticks.tenant.risky_at("medium")[:2]
    for user in moving:
        ticks.tenant.set_risk(user, "high")
    names = [user.principal_name for user in moving]
    seeming(ticks, high, seems=[*high.values, *names], holds=[*high.values, names[really_there]])
    account.behaviour.append_of_present = present  # type: ignore[assignment]  # one of these
    inside = watched(ticks, *names)
    for _ in range(3):
        failing(ticks)
    assert inside
    assert all(inside)
    account.behaviour.list_lag = 0.0
    assert in_step(ticks)


def test_whoever_is_in_the_new_list_by_a_second_address_alone_stays_in_the_old_one() -> None:
    ticks = kept(0)
    user = ticks.tenant.add_user(mail="odd@contoso.com")
    ticks.tenant.set_risk(user, "medium")
    ticks.tick()
    ticks = particular(ticks, "odd@contoso.com")
    ticks.tenant.set_risk(user, "high")
    for _ in range(3):
        assert failing(ticks)
        assert "odd@contoso.com" in ticks.held()["medium"]
    ticks.odd = frozenset()
    assert in_step(ticks)


def test_whoever_seems_to_be_in_the_new_list_by_the_first_address_is_put_there_by_both() -> None:
    ticks = kept(0)
    user = ticks.tenant.add_user(mail="mail@contoso.com")
    ticks.tenant.set_risk(user, "medium")
    ticks.tick()
    account, high = ticks.account, ticks.account.list_named("risky-users-high")
    seeming(ticks, high, seems=["mail@contoso.com"], holds=["stranger@fabrikam.com"])
    ticks.tenant.set_risk(user, "high")
    inside = watched(ticks, "mail@contoso.com")
    for _ in range(2):
        failing(ticks)
    assert inside
    assert all(inside)
    account.behaviour.list_lag = 0.0
    assert in_step(ticks)


def test_of_many_who_are_proven_one_by_one_those_that_are_refused_hold_up_nobody_else() -> None:
    ticks = kept(0, GATEWAY_ADDRESSES="mail")
    ticks.account.behaviour.append_of_present = 409
    users = [ticks.tenant.add_user(mail=f"user{number:02}@contoso.com") for number in range(40)]
    for level in ("medium", "high"):
        for user in users:
            ticks.tenant.set_risk(user, level)
        ticks.account.faults = [Fault("drop after", "PATCH", ONE_LIST, times=1)]
        failing(ticks)
    odd = {f"user{number:02}@contoso.com" for number in range(20)}
    ticks = particular(ticks, *odd)
    for _ in range(12):
        failing(ticks)
    assert ticks.held() == {"high": ticks.wanted("mail")["high"], "medium": odd, "low": set()}


# --- shared addresses ---


@pytest.mark.parametrize("moving", [0, 1])
def test_a_shared_address_waits_for_whoever_moves_though_another_who_has_it_is_gone(moving: int) -> None:
    ticks = kept(0)
    users = sharing(ticks, "low", "low")
    ticks.tenant.set_risk(users[moving], "high")
    ticks.tenant.dismiss(users[1 - moving])
    with closed(ticks, "high"):
        assert failing(ticks)
        assert SHARED in ticks.held()["low"]
    assert in_step(ticks)


@pytest.mark.parametrize("stuck", ["high", "medium"])
def test_a_shared_address_waits_for_each_of_two_who_move_apart(stuck: str) -> None:
    ticks = kept(0)
    for user, level in zip(sharing(ticks, "low", "low"), ("high", "medium"), strict=True):
        ticks.tenant.set_risk(user, level)
    with closed(ticks, stuck):
        assert failing(ticks)
        assert SHARED in ticks.held()["low"]
    assert in_step(ticks)


def test_an_address_that_users_of_two_levels_share_leaves_the_third_in_one_minute() -> None:
    ticks = kept(0)
    users = sharing(ticks, "low", "low")
    for user, level in zip(users, ("high", "medium"), strict=True):
        ticks.tenant.set_risk(user, level)
    assert in_step(ticks, minutes=1)


def test_while_one_of_two_who_share_an_address_finds_no_room_it_stays_where_it_is() -> None:
    ticks = kept(0, GATEWAY_LIST_SIZE="1", GATEWAY_ADDRESSES="mail")
    users = sharing(ticks, "low", "low")
    ticks.tenant.set_risk(ticks.tenant.add_user(), "high")
    ticks.tick()
    ticks.tenant.set_risk(users[0], "high")
    ticks.tenant.dismiss(users[1])
    for _ in range(2):
        assert ticks.tick().outcome == "left over"
        assert ticks.held()["low"] == {SHARED}


# --- new addresses ---


@pytest.mark.parametrize("cold", [False, True])
def test_an_old_address_stays_while_the_new_one_is_not_taken(cold: bool) -> None:
    ticks = kept(0)
    user = ticks.tenant.add_user(mail="old@contoso.com")
    ticks.tenant.set_risk(user, "high")
    ticks.tick()
    ticks.tick()
    ticks = particular(ticks, "new@contoso.com")
    ticks.tenant.rename_mailbox(user, "new@contoso.com")
    for _ in range(3):
        if cold:
            ticks.restart()
        assert failing(ticks)
        assert "old@contoso.com" in ticks.held()["high"]
    ticks.odd = frozenset()
    assert in_step(ticks)


def test_where_mail_is_never_told_of_a_former_principal_name_stays_as_long_as_its_user_is_at_risk() -> None:
    ticks = lane(0, mail=False)
    user = ticks.tenant.add_user(principal_name="was@contoso.com")
    ticks.tenant.set_risk(user, "high")
    ticks.tick()
    user.principal_name = "is@contoso.com"
    ticks.tenant.changed()
    for level in ("high", "low"):
        ticks.tenant.set_risk(user, level)
        for _ in range(2):
            failing(ticks)
        assert "was@contoso.com" in ticks.held()["high"]
        assert "is@contoso.com" in ticks.held()[level]
    ticks.tenant.dismiss(user)
    for _ in range(2):
        ticks.tick()
    assert not any(ticks.held().values())


@pytest.mark.parametrize(("cold", "mail"), [*product([False, True], [None, "was.mail@contoso.com"])])
def test_a_principal_name_that_became_mail_stays_once_the_permission_for_mail_is_withdrawn(cold: bool, mail: str | None) -> None:
    ticks = lane(0)
    tenant = ticks.tenant
    user = tenant.add_user(principal_name="was@contoso.com", mail=mail)
    other = tenant.add_user(principal_name="other@contoso.com", mail="other.mail@contoso.com")
    for each in (user, other):
        tenant.set_risk(each, "high")
    ticks.tick()
    tenant.rename_mailbox(user, "was@contoso.com")
    user.principal_name = "is@contoso.com"
    tenant.changed()
    ticks.tick()
    ticks.tick()
    assert right(ticks)
    tenant.app.permissions.remove(MAY_READ_MAIL)
    tenant.tokens.issued.clear()
    for _ in range(2):
        if cold:
            ticks.restart()
        assert failing(ticks)
        assert "was@contoso.com" in ticks.held()["high"]
    tenant.app.permissions.add(MAY_READ_MAIL)
    tenant.tokens.issued.clear()
    assert in_step(ticks)
