"""The page's server: whom it answers, and how it ends."""

import asyncio
import contextlib
import signal
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import httpx
import pytest

from page import serve
from page.app import create_app
from page.clock import Clock
from page.command import as_typed
from page.shown import shown
from page.simulation import Simulation
from runtime import Tick, Worker
from runtime.serving import serving
from simulator import Chain
from simulator.receivers import Receivers
from tests.page.serving import Served, served

PORT = 8765
OWN = {"Host": f"127.0.0.1:{PORT}", "Origin": f"http://127.0.0.1:{PORT}"}


class IdleWorker(Worker):
    """Ticks, and does nothing: for what has nothing to do with the Worker's own work."""

    seconds = 0.0

    def tick(self, cron: str = "* * * * *", scheduled_time: int | None = None) -> Tick:
        time.sleep(self.seconds)
        return Tick(cron, scheduled_time or 0, "ok", (), "", True, 1.0, None)

    def update(self, vars: Mapping[str, str]) -> None:
        self.vars = dict(vars)


async def until(simulation: Simulation, condition: Callable[[], bool]) -> None:
    async for _ in simulation.changes():
        if condition():
            return


@pytest.fixture
def simulation() -> Simulation:
    clock = Clock()
    return Simulation(Chain.contoso(clock=clock.now), Receivers(clock.now), clock, IdleWorker())


@pytest.fixture
def client(simulation: Simulation) -> Iterator[httpx.Client]:
    """Asks the page, which takes itself to be at PORT."""
    with serving(create_app(simulation, PORT, "risky-users simulate")) as address, httpx.Client(base_url=address) as client:
        yield client


@pytest.mark.parametrize("path", ["/", "/static/page.js", "/api/state", "/events", "/nowhere"])
@pytest.mark.parametrize("host", ["risky.example", "127.0.0.1", "127.0.0.1:80", f"127.0.0.1.risky.example:{PORT}", f"[::1]:{PORT}"])
def test_under_another_name_it_answers_nothing(client: httpx.Client, path: str, host: str) -> None:
    assert client.get(path, headers={"Host": host}).status_code == 421


@pytest.mark.parametrize("host", [f"127.0.0.1:{PORT}", f"localhost:{PORT}"])
def test_under_its_own_names_it_answers(client: httpx.Client, host: str) -> None:
    assert client.get("/", headers={"Host": host}).status_code == 200


@pytest.mark.parametrize("origin", ["https://risky.example", "null", "", "http://127.0.0.1:80", "http://[", f"https://127.0.0.1:{PORT}"])
def test_another_sites_page_can_change_nothing(client: httpx.Client, simulation: Simulation, origin: str) -> None:
    before = len(simulation.users)
    assert client.post("/api/users", headers={**OWN, "Origin": origin}).status_code == 421
    assert len(simulation.users) == before
    assert client.post("/api/users", headers=OWN).status_code == 204
    assert len(simulation.users) == before + 1


def test_another_sites_page_can_read_nothing(client: httpx.Client) -> None:
    assert client.get("/api/state", headers={**OWN, "Origin": "https://risky.example"}).status_code == 421
    assert "access-control-allow-origin" not in client.get("/api/state", headers=OWN).headers


@pytest.mark.parametrize("path", ["/", "/static/page.css", "/api/state", "/nowhere"])
def test_nothing_may_be_loaded_from_elsewhere_nor_the_page_be_framed(client: httpx.Client, path: str) -> None:
    policy = client.get(path, headers=OWN).headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy


def test_the_page_names_no_other_host() -> None:
    files = list((Path(__file__).resolve().parents[2] / "page" / "static").iterdir())
    assert {file.suffix for file in files} == {".html", ".css", ".js"}
    for file in files:
        assert "http" not in file.read_text("utf-8").replace("http://www.w3.org/2000/svg", "")


@pytest.mark.parametrize(
    "path",
    [
        "/api/users/nobody/raise",
        "/api/users/{user}/promote",
        "/api/everybody/delete",
        "/api/faults/entra/earthquake/on",
        "/api/faults/nobody/outage/on",
        "/api/faults/entra/outage/perhaps",
        "/api/cron/7",
    ],
)
def test_what_does_not_exist_is_not_found(client: httpx.Client, simulation: Simulation, path: str) -> None:
    assert client.post(path.format(user=simulation.users[0].id), headers=OWN).status_code == 404


def test_a_deleted_user_can_do_nothing_more(client: httpx.Client, simulation: Simulation) -> None:
    user = simulation.users[0]
    assert client.post(f"/api/users/{user.id}/delete", headers=OWN).status_code == 204
    assert client.post(f"/api/users/{user.id}/raise", headers=OWN).status_code == 404


def test_risk_is_raised_a_level_at_a_time_and_ends_at_high(client: httpx.Client, simulation: Simulation) -> None:
    user = simulation.chain.tenant.add_user()
    levels = []
    for _ in range(4):
        client.post(f"/api/users/{user.id}/raise", headers=OWN)
        levels.append(user.risk_level)
    assert levels == ["low", "medium", "high", "high"]


def test_all_of_a_name_are_raised_or_dismissed_at_once_and_nobody_else(client: httpx.Client, simulation: Simulation) -> None:
    ada, bela = simulation.users[:2]
    before = [user.risk_level for user in simulation.users]
    assert (ada.risk_level, bela.risk_level) == ("high", "medium")
    assert client.post("/api/everybody/raise?named=BELA", headers=OWN).status_code == 204
    assert [user.risk_level for user in simulation.users] == [before[0], "high", *before[2:]]
    compromised = simulation.users[2]
    client.post(f"/api/users/{compromised.id}/confirm", headers=OWN)
    assert client.post("/api/everybody/raise", headers=OWN).status_code == 204
    assert compromised.risk_state == "confirmedCompromised"  # as before: there is no higher level
    assert client.post("/api/everybody/dismiss", headers=OWN).status_code == 204
    assert {user.risk_level for user in simulation.users} == {"none"}


def test_the_state_holds_no_secret(client: httpx.Client, simulation: Simulation) -> None:
    text = client.get("/api/state", headers=OWN).text
    secrets = [value for name, value in simulation.variables.items() if name.endswith(("SECRET", "TOKEN", "WEBHOOK", "URL"))]
    assert len(secrets) == 4
    assert not [secret for secret in secrets if secret in text]


@pytest.mark.parametrize("on", [True, False])
def test_the_cron_fires_when_a_minute_begins_if_it_is_to(simulation: Simulation, on: bool) -> None:
    async def over_a_minutes_end() -> None:
        simulation.run_every_minute(on)
        simulation.clock.skip(simulation.clock.rest_of_minute - 0.2)
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(simulation.keep_time(), 1.0)

    asyncio.run(over_a_minutes_end())
    tick = shown(simulation, "")["tick"]
    assert (tick is not None) is on
    if isinstance(tick, dict):
        assert isinstance(tick["start"], float)
        assert tick["start"] % 60 < 0.5


def test_a_minute_that_was_skipped_to_is_not_fired_again(simulation: Simulation) -> None:
    async def skip() -> None:
        simulation.run_every_minute(True)
        timekeeper = asyncio.create_task(simulation.keep_time())
        await asyncio.sleep(0)
        assert simulation.tick()
        await asyncio.sleep(1.3)
        timekeeper.cancel()

    asyncio.run(skip())
    tick = shown(simulation, "")["tick"]
    assert isinstance(tick, dict)
    assert tick["number"] == 1


def test_time_passes_minute_by_minute_until_the_groups_have_been_provisioned(simulation: Simulation) -> None:
    due = simulation.chain.next_cycle
    assert due is not None
    assert due - simulation.clock.now() > 2300

    async def fast_forward() -> None:
        simulation.pass_time(True)
        await until(simulation, lambda: not simulation.passing)

    asyncio.run(fast_forward())
    assert due <= simulation.clock.now() < due + 61
    assert simulation.chain.job.last == due
    assert simulation.minutes[-1].number in (40, 41)


def test_time_that_passes_can_be_stopped(simulation: Simulation, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(IdleWorker, "seconds", 0.03)

    async def stop_soon() -> None:
        simulation.pass_time(True)
        await until(simulation, lambda: len(simulation.minutes) >= 3)
        simulation.pass_time(False)
        await until(simulation, lambda: not simulation.passing and not simulation.running)

    asyncio.run(stop_soon())
    assert simulation.minutes[-1].number < 40


def test_the_lane_is_deployed_and_the_policies_follow(simulation: Simulation) -> None:
    async def flip_twice() -> None:
        simulation.use_lane(False)
        assert not simulation.tick()
        simulation.use_lane(True)
        simulation.use_lane(False)
        await until(simulation, lambda: not simulation.deploying)

    asyncio.run(flip_twice())
    assert "CLOUDFLARE_ACCOUNT_ID" not in simulation.worker.vars
    assert "ALERT_WEBHOOK" in simulation.worker.vars
    assert [policy["name"] for policy in shown(simulation, "")["policies"]] == [  # type: ignore[index,union-attr,call-overload]  # JSON
        f"IdentityProtection-RiskyUser-RiskLevel-{level}" for level in ("high", "medium", "low")
    ]


def test_the_worker_can_be_deployed_otherwise_and_as_before(simulation: Simulation) -> None:
    before = simulation.variables

    async def deploy() -> None:
        for fault in simulation.switchboards["worker"].presets:
            simulation.switch("worker", fault, True)
        await until(simulation, lambda: not simulation.deploying)

    asyncio.run(deploy())
    deployed = simulation.worker.vars
    without_secret = {name: value for name, value in before.items() if name != "AZURE_AD_CLIENT_SECRET"}
    assert deployed == {**without_secret, "DRY_RUN": "true", "MAX_REMOVALS": "1"}

    async def as_before() -> None:
        for fault in simulation.switchboards["worker"].presets:
            simulation.switch("worker", fault, False)
        await until(simulation, lambda: not simulation.deploying)

    asyncio.run(as_before())
    assert simulation.worker.vars == before


@pytest.mark.parametrize(
    ("program", "environment", "typed"),
    [
        ("{bin}/risky-users", {"UV": "/usr/bin/uv", "PATH": "{bin}"}, "uv run risky-users simulate --users 200"),
        ("{bin}/risky-users", {"PATH": "{bin}"}, "risky-users simulate --users 200"),
        ("{bin}/risky-users", {"PATH": "/nowhere"}, "bin/risky-users simulate --users 200"),
    ],
)
def test_the_command_to_start_it_again_is_as_it_was_typed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, program: str, environment: dict[str, str], typed: str
) -> None:
    folder = tmp_path / "bin"
    folder.mkdir()
    (folder / "risky-users").touch(0o755)
    monkeypatch.chdir(tmp_path)
    around = {name: value.format(bin=folder) for name, value in environment.items()}
    assert as_typed([program.format(bin=folder), "simulate", "--users", "200"], around) == typed


def test_a_port_in_use_is_an_error_at_once_that_names_the_option(site: Served) -> None:
    with pytest.raises(OSError, match=r"in use\): choose another with --port"):
        serve(port=int(site.address.rpartition(":")[2]))


def test_ctrl_c_ends_it_with_workerd_even_while_a_tick_runs() -> None:
    with served() as site:
        own = {"Origin": site.address}
        httpx.post(f"{site.address}/api/faults/entra/outage/on", headers=own)
        assert httpx.post(f"{site.address}/api/tick", headers=own).status_code == 204
        assert httpx.post(f"{site.address}/api/tick", headers=own).status_code == 409
        with httpx.stream("GET", f"{site.address}/events") as events:
            assert next(events.iter_lines()).startswith("data: ")
            children = _descendants(site.process.pid)
            assert children
            began = time.monotonic()
            site.process.send_signal(signal.SIGINT)
            assert site.process.wait(timeout=20) == 0
        assert time.monotonic() - began < 15
        assert not any(_alive(child) for child in children)


def _descendants(pid: int) -> list[int]:
    children = [int(child) for task in Path(f"/proc/{pid}/task").iterdir() for child in (task / "children").read_text().split()]
    return children + [each for child in children for each in _descendants(child)]


def _alive(pid: int) -> bool:
    with contextlib.suppress(OSError):
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    return False
