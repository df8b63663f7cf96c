"""The page's server: whom it answers, and how it ends."""

import asyncio
import contextlib
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from page import serve
from page.app import create_app
from page.clock import Clock
from page.simulation import Simulation
from runtime import Tick, Worker
from runtime.serving import serving
from simulator import Tenant
from tests.page.serving import Served, served

PORT = 8765
OWN = {"Host": f"127.0.0.1:{PORT}", "Origin": f"http://127.0.0.1:{PORT}"}


class IdleWorker(Worker):
    """Ticks, and does nothing: for what has nothing to do with the Worker's own work."""

    def tick(self, cron: str = "* * * * *", scheduled_time: int | None = None) -> Tick:
        return Tick(cron, scheduled_time or 0, "ok", (), "", True, 1.0, None)


@pytest.fixture
def simulation() -> Simulation:
    clock = Clock()
    return Simulation(Tenant.contoso(clock=clock.now), clock, IdleWorker())


@pytest.fixture
def client(simulation: Simulation) -> Iterator[httpx.Client]:
    """Asks the page, which takes itself to be at PORT."""
    with serving(create_app(simulation, PORT)) as address, httpx.Client(base_url=address) as client:
        yield client


@pytest.mark.parametrize("path", ["/", "/static/page.js", "/api/state", "/events", "/nowhere"])
@pytest.mark.parametrize("host", ["risky.example", "127.0.0.1", "127.0.0.1:80", f"127.0.0.1.risky.example:{PORT}", f"[::1]:{PORT}"])
def test_under_another_name_it_answers_nothing(client: httpx.Client, path: str, host: str) -> None:
    assert client.get(path, headers={"Host": host}).status_code == 403


@pytest.mark.parametrize("host", [f"127.0.0.1:{PORT}", f"localhost:{PORT}"])
def test_under_its_own_names_it_answers(client: httpx.Client, host: str) -> None:
    assert client.get("/", headers={"Host": host}).status_code == 200


@pytest.mark.parametrize("origin", ["https://risky.example", "null", "http://127.0.0.1:80", f"https://127.0.0.1:{PORT}", None])
def test_another_sites_page_can_change_nothing(client: httpx.Client, simulation: Simulation, origin: str | None) -> None:
    before = len(simulation.tenant.users)
    headers = {"Host": OWN["Host"], **({"Origin": origin} if origin else {})}
    assert client.post("/api/users", headers=headers).status_code == 403
    assert len(simulation.tenant.users) == before
    assert client.post("/api/users", headers=OWN).status_code == 204
    assert len(simulation.tenant.users) == before + 1


def test_another_sites_page_can_read_nothing(client: httpx.Client) -> None:
    assert client.get("/api/state", headers={**OWN, "Origin": "https://risky.example"}).status_code == 403
    assert "access-control-allow-origin" not in client.get("/api/state", headers=OWN).headers


@pytest.mark.parametrize("path", ["/", "/static/page.css", "/api/state", "/nowhere"])
def test_nothing_may_be_loaded_from_elsewhere_nor_the_page_be_framed(client: httpx.Client, path: str) -> None:
    policy = client.get(path, headers=OWN).headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy


def test_the_page_names_no_other_host() -> None:
    files = list((Path(__file__).resolve().parents[2] / "page" / "static").iterdir())
    assert {file.name for file in files} == {"index.html", "page.css", "page.js"}
    for file in files:
        assert "http" not in file.read_text("utf-8").replace("http://www.w3.org/2000/svg", "")


@pytest.mark.parametrize(
    "path",
    ["/api/users/nobody/raise", "/api/users/{user}/promote", "/api/faults/earthquake/on", "/api/faults/outage/perhaps", "/api/cron/7"],
)
def test_what_does_not_exist_is_not_found(client: httpx.Client, simulation: Simulation, path: str) -> None:
    assert client.post(path.format(user=simulation.tenant.users[0].id), headers=OWN).status_code == 404


def test_a_deleted_user_can_do_nothing_more(client: httpx.Client, simulation: Simulation) -> None:
    user = simulation.tenant.users[0]
    assert client.post(f"/api/users/{user.id}/delete", headers=OWN).status_code == 204
    assert client.post(f"/api/users/{user.id}/raise", headers=OWN).status_code == 404


def test_risk_is_raised_a_level_at_a_time_and_ends_at_high(client: httpx.Client, simulation: Simulation) -> None:
    user = simulation.tenant.add_user()
    levels = []
    for _ in range(4):
        client.post(f"/api/users/{user.id}/raise", headers=OWN)
        levels.append(user.risk_level)
    assert levels == ["low", "medium", "high", "high"]


def test_the_state_holds_no_secret(client: httpx.Client, simulation: Simulation) -> None:
    assert simulation.tenant.app.secret not in client.get("/api/state", headers=OWN).text


@pytest.mark.parametrize("on", [True, False])
def test_the_cron_fires_when_a_minute_begins_if_it_is_to(simulation: Simulation, on: bool) -> None:
    async def over_a_minutes_end() -> None:
        simulation.run_every_minute(on)
        simulation.clock.skip(simulation.clock.rest_of_minute - 0.2)
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(simulation.keep_time(), 1.0)

    asyncio.run(over_a_minutes_end())
    tick = simulation.state()["tick"]
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
    tick = simulation.state()["tick"]
    assert isinstance(tick, dict)
    assert tick["number"] == 1


def test_a_port_in_use_is_an_error_at_once(site: Served) -> None:
    with pytest.raises(OSError, match="in use"):
        serve(port=int(site.address.rpartition(":")[2]))


def test_ctrl_c_ends_it_with_workerd_even_while_a_tick_runs() -> None:
    with served() as site:
        own = {"Origin": site.address}
        httpx.post(f"{site.address}/api/faults/outage/on", headers=own)
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
