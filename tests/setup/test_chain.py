"""From nothing, by the commands alone: the Worker that they deployed runs, and whoever is at risk is isolated within its minute."""

import time
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from runtime import Worker
from runtime.serving import serving
from simulator.asgi import create_app
from tests.setup.deployed import Deployed, worker_of
from tests.setup.office import Office
from tests.ticks import SOURCE, StoppedClock


@dataclass
class RunningClock(StoppedClock):
    """The machine's time, as workerd has it."""

    begun: float = field(default_factory=time.monotonic)

    def now(self) -> float:
        return self.time + time.monotonic() - self.begun


@pytest.fixture
def office(tmp_path: Path) -> Office:
    return set_up(Office(tmp_path / "project"))


def set_up(office: Office) -> Office:
    """The Worker, and the direct lane for all levels."""
    levels = [word for level in ("high", "medium", "low") for word in ("--level", level)]
    for command in (["setup", "worker", "--lane"], ["setup", "gateway", *levels]):
        done = office.run(*command, "--yes")
        assert done.status == 0, done.text
    return office


@pytest.fixture
def worker(office: Office) -> Deployed:
    return worker_of(office)


def test_risk_rises_and_falls_and_the_browser_is_isolated_and_free_in_the_same_minute(office: Office, worker: Deployed) -> None:
    tenant, account = office.tenant, office.account
    worker.tick()
    ada = tenant.add_user("Ada Lovelace", mail="Ada.L@contoso.com")
    browser = account.enroll("ada.l@contoso.com")
    tenant.confirm_compromised(ada)
    assert not account.page_load(browser).isolated
    worker.tick()
    assert account.page_load(browser).isolated
    tenant.dismiss(ada)
    worker.tick()
    assert not account.page_load(browser).isolated


def test_in_workerd_too_the_first_minute_isolates_whoever_is_at_risk(tmp_path: Path) -> None:
    office = set_up(Office(tmp_path / "project", clock=RunningClock()))
    deployed = office.account.state.workers["risky-users"]
    browsers = [office.account.enroll(user.mail or user.principal_name) for user in office.tenant.risky_at("high")]
    assert browsers
    with (
        serving(create_app(office.tenant, office.account)) as address,
        Worker(SOURCE, {**deployed.variables, **deployed.secrets}, address) as worker,
    ):
        assert worker.tick().outcome == "ok"
    assert all(office.account.page_load(browser).isolated for browser in browsers)


def test_everybody_at_risk_is_isolated_by_the_rule_of_their_level(office: Office, worker: Deployed) -> None:
    worker.tick()
    users = [(level, user) for level in ("high", "medium", "low") for user in office.tenant.risky_at(level)]
    assert users
    for level, user in users:
        decision = office.account.page_load(office.account.enroll(user.mail or user.principal_name))
        assert decision.isolated
        assert decision.rule
        assert decision.rule.name == f"risky-users: isolate {level}"


def test_once_the_lane_is_taken_down_the_worker_goes_on_without_it(office: Office, worker: Deployed) -> None:
    worker.tick()
    done = office.run("remove", "gateway", "--yes")
    assert done.status == 0, done.text
    worker.tick()
    assert worker.record["outcome"] == "in sync"
    assert "GATEWAY_LIST_HIGH" not in office.variables()
    assert not office.account.state.standing_lists()
