"""What the Worker relies on in Cloudflare's runtime, checked in the offline one with a probe Worker."""

import re
from pathlib import Path

import pytest

from runtime import Tick, Worker
from runtime.tail import render
from tests.worker import probe


def test_the_probe_prints_what_every_runtime_is_held_to(probe_worker: Worker) -> None:
    probe_worker.restart()
    assert probe.observed(probe_worker.tick(scheduled_time=probe.SCHEDULED_TIME)) == probe.EXPECTED


def test_module_globals_survive_from_tick_to_tick_and_end_with_the_isolate(probe_worker: Worker) -> None:
    before = [int(_value(probe_worker.tick(), "globals survive")) for _ in range(3)]
    assert before == [before[0], before[0] + 1, before[0] + 2]
    probe_worker.restart()
    assert _value(probe_worker.tick(), "globals survive") == "1"


def test_overlapping_ticks_share_an_isolate_and_keep_their_own_console(probe_worker: Worker) -> None:
    first, second = probe_worker.ticks_at_once(2)
    assert len(first.console) == len(second.console) == len(probe.EXPECTED["console"])
    together = {int(_value(tick, "globals survive")) for tick in (first, second)}
    assert max(together) - min(together) == 1


def test_an_escaping_exception_makes_the_outcome_an_exception_with_a_traceback(probe_worker: Worker) -> None:
    probe_worker.update({**probe.VARS, "PROBE": "raise"})
    try:
        tick = probe_worker.tick()
    finally:
        probe_worker.update(probe.VARS)
    assert (tick.outcome, tick.console, tick.no_retry) == ("exception", (), False)
    assert re.fullmatch(
        r'Traceback .*:\n  File "/session/metadata/entry.py", line .*\nLookupError: nothing is caught', tick.exception, re.DOTALL
    )


def test_a_refused_connection_is_an_oserror_and_the_clock_goes_ahead_as_told() -> None:
    vars = {**probe.VARS, "PROBE": "refused"}
    with Worker(probe.SOURCE, vars, outbound=None, packages=probe.PACKAGES) as unconnected:
        tick = unconnected.tick()
        assert tick.console[0].text == 'refused connection: ["AbortError", "OSError"]'
        unconnected.ahead = 3 * 86_400.0
        later = unconnected.tick()
    for time in (float(_value(later, "time")), later.scheduled_time / 1000):
        assert abs(time - float(_value(tick, "time")) - 3 * 86_400) < 60


def test_a_handler_that_does_not_take_three_arguments_fails(tmp_path: Path) -> None:
    source = (
        "from workers import WorkerEntrypoint\nprint('imported')\nclass Default(WorkerEntrypoint):\n  async def scheduled(self, c): ..."
    )
    (tmp_path / "entry.py").write_text(source)
    with Worker(tmp_path) as worker:
        assert [line.text for line in worker.startup] == ["imported"]
        tick = worker.tick()
    assert tick.outcome == "exception"
    assert tick.exception.endswith("TypeError: Default.scheduled() takes 2 positional arguments but 4 were given")


def test_a_worker_that_cannot_be_imported_says_why(tmp_path: Path) -> None:
    (tmp_path / "entry.py").write_text("import nothing_of_that_name")
    with pytest.raises(RuntimeError, match="No module named 'nothing_of_that_name'"), Worker(tmp_path):
        pass


def test_the_end_of_workerd_is_told_with_its_last_words(tmp_path: Path) -> None:
    (tmp_path / "entry.py").write_text("from workers import WorkerEntrypoint\nclass Default(WorkerEntrypoint): ...")
    with Worker(tmp_path) as worker:
        worker.kill()
        with pytest.raises(RuntimeError, match="host process ended"):
            worker.tick()


TALKATIVE = """
import js
from pyodide.ffi import to_js
from workers import WorkerEntrypoint

class Default(WorkerEntrypoint):
    async def scheduled(self, *_):
        js.console.log("12 users", 1)
        for record in ({"outcome": "ok", "a-b": [1, None]}, {"first": "x" * 40, "second": "y" * 40, "empty": {}}):
            js.console.warn(to_js(record, dict_converter=js.Object.fromEntries))
        raise ValueError("it's over")
"""


def test_a_tick_is_shown_as_wrangler_tail_shows_it(tmp_path: Path) -> None:
    (tmp_path / "entry.py").write_text(TALKATIVE)
    with Worker(tmp_path) as worker:
        heading, *lines = render(worker.tick(scheduled_time=probe.SCHEDULED_TIME)).splitlines()
    assert re.fullmatch(r'"\* \* \* \* \*" @ 11/\d+/2026, \d+:\d\d:\d\d [AP]M - Exception Thrown', heading)
    assert lines[:-3] == [
        "  (log) 12 users 1",
        "  (warn) { outcome: 'ok', 'a-b': [ 1, null ] }",
        "  (warn) {",
        f"  first: '{'x' * 40}',",
        f"  second: '{'y' * 40}',",
        "  empty: {}",
        "}",
        "PythonError: Traceback (most recent call last):",
    ]
    assert lines[-1] == "ValueError: it's over"


def _value(tick: Tick, what: str) -> str:
    return next(line.text.removeprefix(f"{what}: ") for line in tick.console if line.text.startswith(what))
