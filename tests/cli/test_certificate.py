"""The commands with a certificate, which needs no secret and no question."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.certificates import VARIABLE, certificate_pem, key_pem, pem, register
from tests.cli.terminal import Outcome, Terminal

SECRET = "AZURE_AD_CLIENT_SECRET"


@pytest.fixture(params=["check", "plan"])
def command(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def assert_private(outcome: Outcome) -> None:
    for line in key_pem().splitlines()[1:-1]:
        assert line not in outcome.text


def test_a_certificate_alone_is_enough(terminal: Terminal, command: str) -> None:
    terminal.environment[VARIABLE] = register(terminal.tenant)
    del terminal.environment[SECRET]
    outcome = terminal.run(command)
    assert outcome.status == 0, outcome.text
    assert SECRET not in outcome.text
    assert_private(outcome)


def test_it_may_stand_in_dev_vars_on_many_lines_or_on_one(terminal: Terminal, folder: Path) -> None:
    given = register(terminal.tenant)
    del terminal.environment[SECRET]
    for text in (f'{VARIABLE}="{given}"\n', "{}='{}'\n".format(VARIABLE, given.replace("\n", "\\n"))):
        (folder / ".dev.vars").write_text(text)
        outcome = terminal.run("check")
        assert outcome.status == 0, outcome.text
        assert f"{VARIABLE} from .dev.vars" in outcome.line("Configuration")
        assert_private(outcome)


def test_a_certificate_that_is_not_registered_is_told_as_it_is_to_the_worker(terminal: Terminal) -> None:
    terminal.environment = {**terminal.environment, VARIABLE: pem()}
    del terminal.environment[SECRET]
    outcome = terminal.run("check")
    assert outcome.status == 1
    assert outcome.line("Credentials").startswith("✗ ")
    assert "AADSTS700027" in outcome.line("Credentials")
    assert_private(outcome)


def test_a_key_and_a_certificate_that_do_not_belong_together_are_told_before_anything_is_asked(terminal: Terminal, command: str) -> None:
    terminal.environment[VARIABLE] = key_pem(1) + certificate_pem(0)
    outcome = terminal.run(command)
    assert outcome.status == 1
    assert f"{VARIABLE} holds a private key and a certificate that do not belong together" in outcome.text
    assert not terminal.tenant.requests
    assert_private(outcome)


def test_without_a_certificate_no_time_is_spent_on_cryptography() -> None:
    program = "import sys, risky_users.app; sys.exit(any(name.split('.')[0] == 'cryptography' for name in sys.modules))"
    environment = {"PYTHONPATH": "src:."}
    root = Path(__file__).parents[2]
    assert subprocess.run([sys.executable, "-c", program], env=environment, cwd=root, check=False, timeout=60).returncode == 0
