"""`risky-users sync` does from here what the Worker does in a minute, once or again and again."""

import ast
import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pytest

import risky_users.ticking
from groups import GROUP_NAMES
from plan import RISK_LEVELS
from risky_users.wording import for_minutes, for_once, for_runs
from simulator import Fault, Tenant
from tests.certificates import VARIABLE, register
from tests.cli.terminal import Terminal
from tests.ticks import SOURCE, StoppedClock, Ticks, contoso

BIN = Path(sys.executable).parent


@dataclass
class PatientClock(StoppedClock):
    """Somebody presses Ctrl-C once so many seconds have passed."""

    patience: float = field(default=0.0, kw_only=True)
    began: float = field(init=False)

    def __post_init__(self) -> None:
        self.began = self.time

    async def sleep(self, seconds: float) -> None:
        await super().sleep(seconds)
        if self.time >= self.began + self.patience:
            raise KeyboardInterrupt


def patient(minutes: float) -> Terminal:
    """A terminal at which Ctrl-C is pressed after so many minutes."""
    clock = PatientClock(patience=60 * minutes)
    return Terminal(Ticks(Tenant.contoso(12, clock=clock.now), clock))


def in_step(tenant: Tenant) -> bool:
    return all({user.id for user in tenant.risky_at(level)} == tenant.members_of(GROUP_NAMES[level]) for level in RISK_LEVELS)


def told(output: str) -> list[str | Mapping[str, object]]:
    """The entries of the log, without their times."""
    entries = [re.sub(r"^\S+Z \w+ +", "", line) for line in output.splitlines()]
    return [json.loads(entry) if entry.startswith("{") else entry for entry in entries]


def test_one_run_fills_the_groups_and_logs_what_the_worker_would(terminal: Terminal) -> None:
    outcome = terminal.run("sync")
    assert (outcome.status, outcome.complaints) == (0, "")
    assert in_step(terminal.tenant)
    worker = contoso()
    worker.tick()
    assert told(outcome.output)[3:-1] == [entry for _, entry in worker.log][3:-1]
    assert told(outcome.output)[-1] == worker.record
    assert re.match(r"2026-09-21T14:13:2\dZ info  high: created the group", outcome.output)


def test_a_certificate_serves_as_well_as_a_secret(terminal: Terminal) -> None:
    del terminal.environment["AZURE_AD_CLIENT_SECRET"]
    terminal.environment[VARIABLE] = register(terminal.tenant, begins=terminal.ticks.clock.time)
    outcome = terminal.run("sync")
    assert (outcome.status, outcome.complaints) == (0, "")
    assert in_step(terminal.tenant)
    assert "PRIVATE KEY" not in outcome.text


def test_a_run_that_fails_says_so_by_its_status_and_promises_no_next_minute(terminal: Terminal) -> None:
    terminal.tenant.faults.append(Fault("status", path="/identityProtection/*", status=503))
    outcome = terminal.run("sync")
    assert outcome.status == 1
    [error] = [line for line in outcome.output.splitlines() if " error " in line]
    assert "Graph answers 503, 5 times; the next run tries again" in error
    assert "minute" not in outcome.text


@pytest.mark.parametrize("command", ["check", "plan"])
def test_commands_that_only_look_promise_no_next_minute_either(terminal: Terminal, command: str) -> None:
    terminal.tenant.faults.append(Fault("status", path="/identityProtection/*", status=503))
    for arguments in ([command], [command, "--json"]):
        outcome = terminal.run(*arguments)
        assert outcome.status == 1
        assert "Graph answers 503, 5 times; try again in a minute" in outcome.output
        assert "next minute" not in outcome.text


def test_runs_a_minute_apart_keep_what_an_isolate_keeps_and_end_with_ctrl_c() -> None:
    terminal = patient(minutes=3)
    terminal.tenant.faults.append(Fault("status", path="/identityProtection/*", status=503, skip=2, times=5))
    outcome = terminal.run("sync", "--every", "60")
    assert (outcome.status, outcome.complaints) == (0, "")
    records = [entry for entry in told(outcome.output) if not isinstance(entry, str)]
    assert [record["outcome"] for record in records] == ["changed", "in sync", "failed"]
    assert records[1]["subrequests"] == 1
    assert "the next minute tries again" in outcome.output
    assert [request.url for request in terminal.tenant.requests if request.url.endswith("/token")] == [terminal.tenant.requests[0].url]


def test_runs_that_are_further_apart_do_not_speak_of_minutes() -> None:
    terminal = patient(minutes=5)
    terminal.tenant.faults.append(Fault("status", path="/identityProtection/*", status=503))
    outcome = terminal.run("sync", "--every", "300")
    assert "the next run tries again" in outcome.output
    assert "minute" not in outcome.output


def test_a_run_that_breaks_does_not_end_the_others(monkeypatch: pytest.MonkeyPatch) -> None:
    tries = iter((ZeroDivisionError("out of the blue"), KeyboardInterrupt()))

    async def broken(*_: object) -> None:
        raise next(tries)

    monkeypatch.setattr(risky_users.ticking, "sync", broken)
    outcome = patient(minutes=9).run("sync", "--every", "60")
    assert outcome.status == 0
    assert told(outcome.output) == ["ZeroDivisionError: out of the blue"]


def test_a_health_check_has_a_file_to_look_at(terminal: Terminal, folder: Path) -> None:
    terminal.tenant.expire_secrets()
    assert terminal.run("sync", "--touch", "good").status == 1
    assert not (folder / "good").exists()
    assert Terminal().run("sync", "--touch", "good").status == 0
    assert (folder / "good").exists()


def test_two_runs_are_never_less_than_a_minute_apart(terminal: Terminal) -> None:
    assert terminal.run("sync", "--every", "30").status == 2


def test_the_log_is_json_for_machines(terminal: Terminal) -> None:
    entries = [json.loads(line) for line in terminal.run("sync", "--json").output.splitlines()]
    assert entries[0].keys() == {"time", "level", "message"}
    assert entries[-1]["level"] == "info"
    assert entries[-1]["outcome"] == "changed"


def test_the_log_begins_at_its_level(terminal: Terminal, folder: Path) -> None:
    (folder / "wrangler.toml").write_text('[vars]\nLOG_LEVEL = "debug"\n')
    assert " debug high: " in terminal.run("sync").output
    (folder / "wrangler.toml").write_text('[vars]\nLOG_LEVEL = "error"\n')
    assert terminal.run("sync").output == ""


def test_a_dry_run_writes_nothing(terminal: Terminal, folder: Path) -> None:
    (folder / "wrangler.toml").write_text('[vars]\nDRY_RUN = "true"\n')
    outcome = terminal.run("sync")
    assert "would create" in outcome.output
    assert {item.method for request in terminal.tenant.requests for item in request.items} == {"GET"}


def test_alerts_and_heartbeat_work_as_in_the_worker(folder: Path) -> None:
    terminal = patient(minutes=4)
    addresses = 'ALERT_WEBHOOK = "https://hooks.example/in"\nHEARTBEAT_URL = "https://beat.example/"\nALERT_AFTER = 2\n'
    (folder / "wrangler.toml").write_text(f"[vars]\n{addresses}")
    terminal.tenant.faults.append(Fault("status", path="/identityProtection/*", status=503, skip=1, times=15))
    outcome = terminal.run("sync", "--every", "60")
    assert outcome.status == 0
    assert [request.method for request in terminal.elsewhere] == ["GET", "POST"]
    assert "isolation does not follow risk" in terminal.elsewhere[1].content.decode()
    assert "hooks.example" not in outcome.text


def test_telling_is_within_the_subrequests_that_a_run_may_make() -> None:
    given = {"RISKY_USERS_MAX_SUBREQUESTS": "20", "RISKY_USERS_HEARTBEAT_URL": "https://beat.example/"}
    terminal = Terminal(contoso(3000), given)
    record = told(terminal.run("sync").output)[-1]
    assert not isinstance(record, str)
    assert record["outcome"] == "left over"
    assert len(terminal.tenant.requests) + len(terminal.elsewhere) == 20


# --- words ---


def test_every_mention_of_the_next_minute_has_words_for_those_without_one() -> None:
    """Whoever adds a message sees here that wording.py knows what to make of it."""
    constants = [
        node.value
        for path in SOURCE.glob("*.py")
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and not node.value.endswith(".") and "minute" in node.value
    ]
    spoken = [each for each in constants if re.search(r"next minutes?|every minute", each)]
    assert len(spoken) >= 8
    for each in spoken:
        assert "minute" not in for_runs(each)
        assert "tries again" not in for_once(each)
        assert for_minutes(each) == each


# --- the program ---


@pytest.mark.skipif(sys.platform == "win32", reason="has other signals")
@pytest.mark.parametrize("ending", [signal.SIGINT, signal.SIGTERM])
def test_the_program_goes_on_after_a_failure_and_ends_cleanly_when_it_is_asked_to(terminal: Terminal, ending: signal.Signals) -> None:
    environment = {**os.environ, **terminal.environment, "HTTPS_PROXY": "http://127.0.0.1:9", "NO_PROXY": ""}
    program: list[str | Path] = [BIN / "risky-users", "sync", "--every", "60"]
    with subprocess.Popen(program, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as running:
        assert running.stdout
        assert running.stderr
        assert "Cannot connect to login.microsoftonline.com through the proxy" in running.stdout.readline()
        assert '"outcome": "failed"' in running.stdout.readline()
        time.sleep(0.05)
        running.send_signal(ending)
        assert running.wait(10) == 0
        assert running.stdout.read() + running.stderr.read() == ""
