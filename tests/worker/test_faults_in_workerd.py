"""Faults met by the real fetch, timers and abort signals: one Worker and one tenant, in which every test leaves things right."""

from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from budget import REQUEST_SECONDS
from demo.__main__ import Minutes
from plan import RISK_LEVELS
from runtime import Tick, Worker
from runtime.serving import serving
from simulator import Fault, Tenant
from simulator.asgi import create_app
from simulator.faults import Kind
from tests.ticks import SOURCE, variables
from tests.unit.test_sync import is_in_sync
from tests.worker.work import somebody_joins_moves_and_leaves

BATCH = ("POST", "/$batch")
RISK = ("GET", "/identityProtection/riskyUsers")
ADD = ("PATCH", "/groups/*")
ADD_ONE = ("POST", "/groups/*/members/$ref")
REMOVE = ("DELETE", "/groups/*/members/*/$ref")


@dataclass
class Deployed:
    """A Worker that has synchronised its tenant, and the minutes that pass between its ticks."""

    worker: Worker
    tenant: Tenant
    minutes: Minutes

    def tick(self, *faults: Fault, work: bool = True) -> Tick:
        """The next minute, with these faults, and with somebody to join, to move and to leave."""
        self.minutes.minute += 1
        if work:
            somebody_joins_moves_and_leaves(self.tenant)
        self.tenant.faults = list(faults)
        tick = self.worker.tick()
        self.tenant.faults = []
        return tick

    @property
    def in_sync(self) -> bool:
        return is_in_sync(self.tenant)


@pytest.fixture(scope="module")
def everything() -> Iterator[Deployed]:
    minutes = Minutes()
    tenant = Tenant.contoso(clock=minutes.now)
    with serving(create_app(tenant)) as address, Worker(SOURCE, variables(tenant), address) as worker:
        yield Deployed(worker, tenant, minutes)


@pytest.fixture
def deployed(everything: Deployed) -> Iterator[Deployed]:
    everything.tick(work=False)
    assert everything.in_sync
    yield everything
    everything.tenant.faults = []


@pytest.mark.parametrize("kind", ["drop", "drop after", "truncated", "garbage", "html"])
@pytest.mark.parametrize("skip", [0, 1])
def test_an_answer_that_is_lost_or_broken_on_its_way_is_asked_for_again(deployed: Deployed, kind: Kind, skip: int) -> None:
    tick = deployed.tick(Fault(kind, *BATCH, skip=skip, times=1))
    assert tick.outcome == "ok", tick.text
    assert tick.wall_ms >= 1000
    assert deployed.in_sync


def test_an_answer_that_takes_more_than_ten_seconds_is_given_up_and_asked_for_again(deployed: Deployed) -> None:
    tick = deployed.tick(Fault("slow", *BATCH, delay=REQUEST_SECONDS + 3, times=1))
    assert tick.outcome == "ok", tick.text
    assert tick.wall_ms < (REQUEST_SECONDS + 3) * 1000
    assert deployed.in_sync


@pytest.mark.parametrize("request_", [RISK, ADD, REMOVE], ids=" ".join)
def test_retry_after_is_waited_for(deployed: Deployed, request_: tuple[str, str]) -> None:
    tick = deployed.tick(Fault("status", *request_, status=429, code="TooManyRequests", headers={"Retry-After": "2.128"}, times=1))
    assert tick.outcome == "ok", tick.text
    assert 2100 <= tick.wall_ms < 5000
    assert deployed.in_sync


def test_a_retry_after_beyond_the_deadline_ends_the_tick_at_once(deployed: Deployed) -> None:
    tick = deployed.tick(Fault("status", *BATCH, status=503, headers={"Retry-After": "3600"}))
    assert tick.outcome == "exception"
    assert tick.wall_ms < 5000
    assert any("Graph answers 503" in line for line in tick.lines("error"))


@pytest.mark.parametrize(("method", "path"), [BATCH, ("POST", "*/oauth2/v2.0/token")], ids=["graph", "login"])
def test_a_redirect_is_not_followed(deployed: Deployed, method: str, path: str) -> None:
    if "oauth2" in path:
        deployed.tenant.tokens.issued.clear()
    tick = deployed.tick(Fault("redirect", method, path))
    assert tick.outcome == "exception"
    assert all("redirect" in line for line in tick.lines("error"))
    assert not deployed.tenant.violations


def test_a_tick_that_failed_leaves_the_isolate_ready_for_the_next(deployed: Deployed) -> None:
    assert deployed.tick(Fault("status", *BATCH, status=403)).outcome == "exception"
    assert deployed.tick(work=False).outcome == "ok"
    assert deployed.in_sync


def test_a_token_that_is_revoked_is_replaced_within_the_tick(deployed: Deployed) -> None:
    deployed.tenant.tokens.issued.clear()
    assert deployed.tick().outcome == "ok"
    assert deployed.in_sync


def test_of_three_ticks_at_once_in_an_isolate_one_works_and_two_leave(deployed: Deployed) -> None:
    deployed.minutes.minute += 1
    deployed.tenant.set_risk(deployed.tenant.add_user(), "low")
    deployed.tenant.behaviour.answer_seconds = 0.2
    ticks = deployed.worker.ticks_at_once(3)
    deployed.tenant.behaviour.answer_seconds = 0.0
    assert [tick.outcome for tick in ticks] == ["ok"] * 3
    assert sum("still running in this isolate" in line for tick in ticks for line in tick.lines("warn")) == 2
    assert deployed.in_sync


def test_nothing_private_shows_when_graph_quotes_it(deployed: Deployed) -> None:
    user = deployed.tenant.risky_at(RISK_LEVELS[0])[0]
    quoted = f"{user.principal_name} {deployed.tenant.app.secret}"
    tick = deployed.tick(*(Fault("status", *add, status=403, code=user.principal_name, message=quoted) for add in (ADD, ADD_ONE)))
    assert tick.outcome == "exception"
    for private in (user.principal_name, deployed.tenant.app.secret, *deployed.tenant.tokens.issued):
        assert private not in tick.text
        assert private not in tick.exception
