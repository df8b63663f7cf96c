"""Whatever a run is stopped by, and wherever: the next ends in the same state, nothing is there twice, no credential is left over."""

from collections.abc import Callable
from contextlib import suppress
from itertools import count
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from simulator import Fault
from tests.setup.office import Killed, Office
from tests.setup.test_worker import assert_works, the_app

BASE = ("--base-group", "Zero Trust users")
WORKER, SCIM, ALL = ("setup", "worker", "--yes"), ("setup", "scim", "--yes", *BASE), ("setup", "--yes", *BASE)
ROTATE, REMOVE = ("rotate", "--yes"), ("remove", "--yes", "--groups")
HOWS = ("before", "after", "lost")


def new_office(folder: Path, *commands: tuple[str, ...]) -> Office:
    """One where these commands have been run."""
    office = Office(folder)
    office.tenant.create_group("Zero Trust users")
    for command in commands:
        outcome = office.run(*command)
        assert outcome.status == 0, outcome.text
    return office


def shape(office: Office) -> tuple[object, ...]:
    """What there is, without ids and values."""
    directory, now = office.tenant.directory, office.desk.clock.now()
    names = {group.id: group.name for group in directory.groups.values()}
    names |= {each.id: each.name for each in directory.principals.values()}
    standing = [each for each in directory.applications.values() if each.deleted is None]
    granted = [each for principal in directory.principals for each in directory.granted_by(principal, now)]
    return (
        sorted((each.name, str(each.unique_name), len(each.secrets), len(each.certificates)) for each in standing),
        sorted(each.name for each in directory.principals.values() if each.deleted is None),
        sorted((names[each.principal_id], each.role_id) for each in granted if each.principal_id in names),
        sorted((job.state, *sorted(office.tenant.service.provisioning.settings[job.principal_id])) for job in office.tenant.jobs),
        sorted(group.name for group in directory.standing_groups()),
        sorted((each.name, *sorted(each.variables), *sorted(each.secrets)) for each in office.account.state.workers.values()),
        sorted(each.name for each in office.account.state.standing_lists()),
        sorted(each.name for each in office.account.state.rules.value.values()),
        sorted(each.name for each in office.account.state.tokens.values()),
        sorted(office.ledger),
    )


def stopped_anywhere(
    folder: Path, before: tuple[tuple[str, ...], ...], command: tuple[str, ...], check: Callable[[Office], object], hows: tuple[str, ...]
) -> int:
    """Stop the command so at every change, run it again, and compare with one that nothing befell; how many changes there are."""
    whole = new_office(folder / "whole", *before, command)
    for number in count(1):
        for how in hows:
            office = new_office(folder / f"{number} {how}", *before)
            office.befall(number, how)
            with suppress(Killed):
                office.run(*command)
            if office.changes < number:
                return number - 1
            office.live_on()
            again = office.run(*command)
            assert again.status == 0, (number, how, again.text)
            assert shape(office) == shape(whole), (number, how)
            check(office)
    raise AssertionError("it never ends")


def test_setting_up_the_worker(tmp_path: Path) -> None:
    assert stopped_anywhere(tmp_path, (), WORKER, assert_works, HOWS) >= 8


def test_setting_up_provisioning(tmp_path: Path) -> None:
    def check(office: Office) -> None:
        assert [job.state for job in office.tenant.jobs] == ["Active"]

    assert stopped_anywhere(tmp_path, (), SCIM, check, HOWS) >= 13


def test_rotating(tmp_path: Path) -> None:
    assert stopped_anywhere(tmp_path, (WORKER,), ROTATE, assert_works, HOWS) >= 4


def test_removing(tmp_path: Path) -> None:
    def check(office: Office) -> None:
        assert office.ledger == {}

    assert stopped_anywhere(tmp_path, (WORKER, SCIM), REMOVE, check, ("after", "lost")) >= 8


times = {"skip": st.integers(0, 30), "every": st.integers(1, 4), "times": st.integers(1, 6)}
methods = st.sampled_from(["*", "GET", "POST", "PATCH", "PUT", "DELETE"])
kinds = st.sampled_from(["status", "status after", "drop", "drop after", "html", "truncated", "garbage", "expired token", "unanswered"])
faults = st.one_of(
    st.builds(Fault, kind=kinds, method=methods, status=st.sampled_from([500, 502, 503, 504]), **times),
    st.builds(Fault, kind=st.just("status"), method=methods, status=st.just(429), **times),  # which says that nothing was done
)


@settings(
    max_examples=10,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow],
    phases=[Phase.generate],  # to find the least that fails takes minutes, and any that does tells enough
)
@given(in_entra=st.lists(faults, max_size=3), at_cloudflare=st.lists(faults, max_size=2), stop=st.none() | st.integers(1, 40))
def test_the_whole_chain_whatever_befalls_it(
    tmp_path_factory: pytest.TempPathFactory, in_entra: list[Fault], at_cloudflare: list[Fault], stop: int | None
) -> None:
    office = new_office(tmp_path_factory.mktemp("office") / "project")
    before = office.snapshot()
    office.tenant.faults, office.account.faults = in_entra, at_cloudflare
    for command in (ALL, REMOVE):
        if stop:
            office.befall(stop, "after")
        with suppress(Killed):
            office.run(*command)
        office.live_on()
        office.run(*command)
        office.tenant.faults, office.account.faults = [], []
        outcome = office.run(*command)
        assert outcome.status == 0, outcome.text
        if command is ALL:
            assert_works(office, "User.ReadBasic.All")
            assert len(the_app(office).secrets) == len([*office.tenant.jobs]) == 1
            assert "Nothing is to be written." in office.run(*command).text
    assert office.snapshot() == before
