"""The real Worker in workerd, beside the simulated tenant: what an administrator would see of it."""

from collections.abc import Callable, Iterator

import pytest

from demo.__main__ import STORY, Minutes, main
from plan import RISK_LEVELS
from runtime import Tick, Worker
from runtime.serving import serving
from runtime.tail import render
from simulator import Fault, Tenant
from simulator.asgi import create_app
from tests.ticks import SOURCE, variables
from tests.unit.test_sync import is_in_sync


@pytest.fixture
def minutes() -> Minutes:
    return Minutes()


@pytest.fixture
def tenant(minutes: Minutes) -> Tenant:
    return Tenant.contoso(clock=minutes.now)


@pytest.fixture
def deploy(tenant: Tenant) -> Iterator[Callable[..., Worker]]:
    """Boots the Worker for the tenant; variables given are set beside, or instead of, the usual ones, None leaves one out."""
    running: list[Worker] = []

    def start(**overrides: str | None) -> Worker:
        chosen = {**variables(tenant), **overrides}
        worker = Worker(SOURCE, {name: value for name, value in chosen.items() if value is not None}, address)
        running.append(worker.__enter__())
        return worker

    with serving(create_app(tenant)) as address:
        yield start
        for worker in running:
            worker.__exit__(None, None, None)


def assert_private(tick: Tick, tenant: Tenant) -> None:
    shown = render(tick)
    for user in tenant.users:
        assert user.principal_name not in shown
        assert user.name not in shown
    assert tenant.app.secret not in shown
    assert not any(token in shown for token in tenant.tokens.issued)


def test_the_story_of_the_demo_ends_as_it_should(capsys: pytest.CaptureFixture[str]) -> None:
    assert main() == 0
    shown = capsys.readouterr().out
    assert [chapter.title in shown for chapter in STORY] == [True] * len(STORY)
    assert "In sync: high 4, medium 3, low 3; lists: high 5, medium 4, low 3." in shown
    assert "2 subrequests, 1 of them to Cloudflare" in shown
    assert [line.split("█")[-1].strip() for line in shown.splitlines() if line.strip().startswith("by lists")] == ["1 min", "1 min"]


def test_a_secret_with_every_awkward_character_signs_in(deploy: Callable[..., Worker], tenant: Tenant) -> None:
    secret = tenant.add_secret("+&=%~/\\?#;:,\"'<>!$*(){}[]|^`@_-.")
    assert deploy(AZURE_AD_CLIENT_SECRET=secret).tick().outcome == "ok"
    assert is_in_sync(tenant)


def test_a_deployment_without_secret_and_ids_says_all_that_is_missing_and_sends_nothing(
    deploy: Callable[..., Worker], tenant: Tenant
) -> None:
    worker = deploy(AZURE_AD_TENANT_ID="<TENANT-ID>", AZURE_AD_CLIENT_ID="<CLIENT-ID>", AZURE_AD_CLIENT_SECRET=None)
    tick = worker.tick()
    assert tick.outcome == "exception"
    assert [line.split(" ")[0] for line in tick.lines("error")] == list(variables(tenant))
    assert "npx wrangler secret put AZURE_AD_CLIENT_SECRET" in tick.lines("error")[2]
    assert "ConfigError" in tick.exception
    assert tenant.subrequests == 0


def test_a_quiet_minute_is_one_line_and_one_record_and_nothing_informative_is_an_error(
    deploy: Callable[..., Worker], tenant: Tenant, minutes: Minutes
) -> None:
    worker = deploy()
    busy = worker.tick()
    minutes.minute += 1
    quiet = worker.tick()
    assert [line.level for line in quiet.console] == ["log", "log"]
    assert quiet.console[0].text == "In sync: high 4, medium 4, low 4."
    [record] = quiet.console[1].values
    assert isinstance(record, dict)
    assert {**record, "milliseconds": 0} == {
        "outcome": "in sync",
        "members": dict.fromkeys(RISK_LEVELS, 4),
        "subrequests": 1,
        "milliseconds": 0,
    }
    assert busy.lines("debug", "warn", "error") == []
    assert [f"{level}: 4 joined, 0 left, 4 members now." in busy.lines("log") for level in RISK_LEVELS] == [True] * 3
    assert busy.no_retry
    assert_private(busy, tenant)


def test_at_debug_level_the_log_names_who_joined_and_left_by_object_id(
    deploy: Callable[..., Worker], tenant: Tenant, minutes: Minutes
) -> None:
    worker = deploy(LOG_LEVEL="debug")
    worker.tick()
    minutes.minute += 1
    cleared, raised = tenant.risky_at("high")[0], tenant.risky_at("low")[0]
    tenant.dismiss(cleared)
    tenant.set_risk(raised, "high")
    tick = worker.tick()
    assert sorted(tick.lines("debug")) == sorted([f"high: {raised.id} joined", f"high: {cleared.id} left", f"low: {raised.id} left"])
    assert_private(tick, tenant)


def test_a_failing_tick_shows_as_an_exception_with_the_reason_as_an_error_line(deploy: Callable[..., Worker], tenant: Tenant) -> None:
    tenant.premium = False
    tick = deploy().tick()
    assert tick.outcome == "exception"
    assert tick.no_retry
    [reason] = tick.lines("error")
    assert "Microsoft Entra ID P2" in reason
    assert "SyncFailed" in tick.exception


def test_a_dry_run_writes_nothing_and_says_what_it_would_do(deploy: Callable[..., Worker], tenant: Tenant) -> None:
    tick = deploy(DRY_RUN="true").tick()
    assert tick.outcome == "ok"
    assert tenant.write_units == 0
    assert len(tick.lines("log")) == 5
    assert "high: would create IdentityProtection-RiskyUser-RiskLevel-high, and 4 users would join." in tick.lines("log")


def test_a_lost_connection_a_throttled_item_and_a_slow_answer_are_survived_with_real_timers(
    deploy: Callable[..., Worker], tenant: Tenant
) -> None:
    tenant.faults = [
        Fault("drop", path="/$batch", times=1),
        Fault("status", path="/identityProtection/*", status=429, code="TooManyRequests", message="", times=1),
        Fault("drop after", "PATCH", "/groups/*", times=1),
        Fault("truncated", path="/$batch", skip=2, times=1),
    ]
    tick = deploy().tick()
    assert tick.outcome == "ok"
    assert is_in_sync(tenant)


def test_the_second_of_two_ticks_at_once_in_an_isolate_leaves_and_says_so(deploy: Callable[..., Worker], tenant: Tenant) -> None:
    tenant.behaviour.answer_seconds = 0.2
    first, second = deploy().ticks_at_once(2)
    assert (first.outcome, second.outcome) == ("ok", "ok")
    assert [tick.lines("warn") for tick in (first, second) if tick.lines("warn")] == [
        ["The tick before is still running in this isolate; this one leaves the work to it."]
    ]
    assert is_in_sync(tenant)
