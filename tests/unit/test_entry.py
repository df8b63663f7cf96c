"""The entry: what one cron event does to the next in the same isolate. The runtime's modules are stood in for by a few names."""

import asyncio
import importlib
import sys
from collections.abc import Iterator
from types import ModuleType, SimpleNamespace

import pytest

from report import Report
from sync import TICK_SECONDS
from tests.ticks import contoso, variables

NOW = 1_790_000_000.0


@pytest.fixture
def console() -> list[tuple[str, object]]:
    return []


@pytest.fixture
def entry(monkeypatch: pytest.MonkeyPatch, console: list[tuple[str, object]]) -> Iterator[ModuleType]:
    def writer(level: str) -> object:
        return lambda entry: console.append((level, entry))

    def module(name: str, **names: object) -> None:
        stand_in = ModuleType(name)
        stand_in.__dict__.update(names)
        monkeypatch.setitem(sys.modules, name, stand_in)

    module(
        "js",
        console=SimpleNamespace(debug=writer("debug"), log=writer("log"), warn=writer("warn"), error=writer("error")),
        Object=SimpleNamespace(fromEntries=dict),
    )
    module("pyodide")
    module("pyodide.ffi", JsException=OSError, to_js=lambda value, dict_converter: dict(value))
    module("workers", WorkerEntrypoint=object)
    monkeypatch.delitem(sys.modules, "entry", raising=False)
    yield importlib.import_module("entry")
    sys.modules.pop("entry")


def fire(entry: ModuleType, at: float, monkeypatch: pytest.MonkeyPatch, **variables: str) -> None:
    """A cron event at this time (epoch seconds)."""
    monkeypatch.setattr(entry, "time", SimpleNamespace(time=lambda: at))
    worker = entry.Default()
    worker.env = SimpleNamespace(**variables)
    asyncio.run(worker.scheduled(SimpleNamespace(noRetry=lambda: None, scheduledTime=0.0), None, None))


def test_after_a_tick_that_was_killed_the_next_minute_runs_and_one_within_the_same_minute_says_that_it_was_skipped(
    entry: ModuleType, console: list[tuple[str, object]], monkeypatch: pytest.MonkeyPatch
) -> None:
    ticks = []

    async def tick(*_: object) -> Report:
        ticks.append(entry.time.time())
        return Report(NOW, dry_run=False)

    monkeypatch.setattr(entry, "sync", tick)
    given = variables(contoso().tenant)
    entry.Isolate.busy_until = NOW + TICK_SECONDS  # as the killed tick leaves it, which did not come to its `finally`
    fire(entry, NOW + 30, monkeypatch, **given)
    assert console == [
        ("warn", "The tick before is still running in this isolate; this one leaves the work to it."),
        ("log", {"outcome": "skipped"}),
    ]
    fire(entry, NOW + 60, monkeypatch, **given)
    assert ticks == [NOW + 60]
    assert entry.Isolate.busy_until == 0
