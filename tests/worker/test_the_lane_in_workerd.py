"""The direct lane in workerd, with its own fetch and abort signals: one Worker between a tenant and an account."""

from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from demo.__main__ import Minutes
from gateway import ANSWER_SECONDS, LANE_SECONDS
from plan import RISK_LEVELS
from runtime import Tick, Worker
from runtime.serving import serving
from runtime.tail import render
from simulator import Account, Fault, Tenant
from simulator.asgi import create_app
from simulator.faults import Kind
from tests.lanes import MAY_READ_MAIL
from tests.ticks import SOURCE, variables
from tests.unit.test_sync import is_in_sync
from tests.worker.work import somebody_joins_moves_and_leaves

LISTS = "/accounts/*/gateway/lists*"


@dataclass
class Deployed:
    """A Worker between a tenant and an account, and the minutes that pass between its ticks."""

    worker: Worker
    tenant: Tenant
    account: Account
    minutes: Minutes

    def tick(self, *faults: Fault, work: bool = True) -> Tick:
        """The next minute, with these faults of Cloudflare's, and with somebody to join, to move and to leave."""
        self.minutes.minute += 1
        if work:
            somebody_joins_moves_and_leaves(self.tenant)
        self.account.faults = list(faults)
        self.tenant.reset_counters()
        self.account.reset_counters()
        tick = self.worker.tick()
        self.account.faults = []
        return tick

    @property
    def lists_right(self) -> bool:
        assert not self.account.violations
        held = {level: {value.lower() for value in self.account.list_named(f"risky-users-{level}").values} for level in RISK_LEVELS}
        return held == {
            level: {text.lower() for user in self.tenant.risky_at(level) for text in (user.mail, user.principal_name) if text}
            for level in RISK_LEVELS
        }


@pytest.fixture(scope="module")
def everything() -> Iterator[Deployed]:
    minutes = Minutes()
    tenant, account = Tenant.contoso(clock=minutes.now), Account.contoso(clock=minutes.now)
    tenant.app.permissions.add(MAY_READ_MAIL)
    given = {**variables(tenant), **account.worker_variables}
    with serving(create_app(tenant, account)) as address, Worker(SOURCE, given, address) as worker:
        yield Deployed(worker, tenant, account, minutes)


@pytest.fixture
def deployed(everything: Deployed) -> Deployed:
    everything.tick(work=False)
    everything.tick(work=False)
    assert everything.lists_right
    assert is_in_sync(everything.tenant)
    return everything


def test_whoever_joins_moves_and_leaves_does_so_in_both_and_a_quiet_minute_is_two_subrequests_and_one_line(deployed: Deployed) -> None:
    busy = deployed.tick()
    assert busy.outcome == "ok", busy.text
    assert deployed.lists_right
    assert is_in_sync(deployed.tenant)
    assert "high list: 1 joined, 1 left, " in " ".join(busy.lines("log"))
    deployed.tick(work=False)
    quiet = deployed.tick(work=False)
    assert (deployed.tenant.subrequests, deployed.account.subrequests) == (1, 1)
    line, record = quiet.console
    assert line.text.startswith("In sync: high 4, medium ")
    assert "; lists: high " in line.text
    assert "lists" in str(record.values)


@pytest.mark.parametrize(
    ("kind", "said"),
    [
        ("slow", "gave no answer in time"),
        ("redirect", "a redirect, which is not followed"),
        ("html", "answers 503"),
        ("status", "throttling"),
    ],
)
def test_what_ails_cloudflare_is_told_and_keeps_nothing_from_the_groups(deployed: Deployed, kind: Kind, said: str) -> None:
    status = 429 if kind == "status" else 503
    tick = deployed.tick(Fault(kind, path=LISTS, status=status, message="ada@contoso.com", delay=ANSWER_SECONDS + 2))
    assert tick.outcome == "exception"
    assert any(said in line for line in tick.lines("error")), tick.text
    assert is_in_sync(deployed.tenant)
    assert tick.wall_ms < (LANE_SECONDS + 2) * 1000
    assert "contoso" not in render(tick)
    assert deployed.account.token.value not in render(tick)
    assert deployed.account.subrequests == 1
    assert not deployed.account.violations


def test_a_change_whose_answer_is_lost_is_finished_in_the_next_minute(deployed: Deployed) -> None:
    assert deployed.tick(Fault("drop after", "PATCH", LISTS, times=1)).outcome == "exception"
    assert is_in_sync(deployed.tenant)
    deployed.tick(work=False)
    assert deployed.lists_right


@pytest.fixture
def slow_graph(deployed: Deployed) -> Iterator[Deployed]:
    """Graph answers when the time that Cloudflare has is over."""
    deployed.tenant.behaviour.answer_seconds = ANSWER_SECONDS + 1
    yield deployed
    deployed.tenant.behaviour.answer_seconds = deployed.account.behaviour.answer_seconds = 0.0


def test_cloudflare_answers_while_graph_does_and_what_it_said_holds_though_its_time_is_over(slow_graph: Deployed) -> None:
    slow_graph.account.behaviour.answer_seconds = ANSWER_SECONDS - 1
    tick = slow_graph.tick(work=False)
    assert tick.outcome == "ok", tick.text
    assert "; lists: high " in tick.text
    assert tick.wall_ms < 2 * ANSWER_SECONDS * 1000


@pytest.mark.parametrize(
    ("kind", "said"), [("slow", "gave no answer in time"), ("drop", "gave no answer in time"), ("html", "answers 503")]
)
def test_what_ails_cloudflare_while_graph_answers_is_told_once_and_nothing_else(slow_graph: Deployed, kind: Kind, said: str) -> None:
    tick = slow_graph.tick(Fault(kind, path=LISTS, delay=ANSWER_SECONDS + 2), work=False)
    [line] = tick.lines("error")
    assert said in line
    assert tick.wall_ms < (ANSWER_SECONDS + 3) * 1000
