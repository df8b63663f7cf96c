"""Whatever a run is stopped by, and wherever: the next ends in the same state, nothing is there twice, no credential is left over."""

from collections.abc import Iterator
from contextlib import suppress
from itertools import count
from pathlib import Path

import pytest

from tests.setup.office import Killed, Office
from tests.setup.test_worker import assert_works

WORKER = ("setup", "worker", "--yes")


def offices(folder: Path) -> Iterator[tuple[int, Office]]:
    """New ones, numbered from 1."""
    return ((number, Office(folder / str(number))) for number in count(1))


def stop(office: Office, number: int, how: str, *command: str) -> bool:
    """Run a command that is stopped at this request; whether it came so far."""
    (office.kill_after if how == "killed" else office.lose_answer)(number)
    with suppress(Killed):
        office.run(*command)
    reached = office.requests >= number
    office.live_on()
    return reached


def shape(office: Office) -> tuple[object, ...]:
    """What there is, without ids and values."""
    directory = office.tenant.directory
    return (
        sorted((each.name, each.unique_name, len(each.secrets), len(each.certificates)) for each in directory.applications.values()),
        sorted(each.name for each in directory.principals.values()),
        sorted(office.tenant.app.permissions) if office.tenant.apps else [],
        sorted((each.name, *sorted(each.variables), *sorted(each.secrets)) for each in office.account.state.workers.values()),
        sorted(office.ledger),
    )


@pytest.mark.parametrize("how", ["killed", "answer lost"])
def test_setting_up_the_worker_can_be_stopped_after_any_request(tmp_path: Path, how: str) -> None:
    whole = Office(tmp_path / "whole")
    assert whole.run(*WORKER).status == 0
    for number, office in offices(tmp_path):
        reached = stop(office, number, how, *WORKER)
        assert office.run(*WORKER).status == 0
        assert_works(office)
        assert shape(office) == shape(whole), number
        assert office.run(*WORKER, "--dry-run").text.endswith("Nothing is to be written.\n")
        if not reached:
            break
    assert number > 20
