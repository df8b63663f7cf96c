"""The command line as it is installed: built, put into an environment of its own, and run in a folder where nothing lies about."""

import os
import shutil
import subprocess
from importlib.metadata import version
from pathlib import Path

import pytest

from tests.deployment.checkout import ROOT
from tests.deployment.wheel import SCRIPTS, build, install


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """By way of the source distribution, which then has all that it takes."""
    place = tmp_path_factory.mktemp("built")
    shutil.unpack_archive(build("sdist", ROOT, place / "sdist"), place)
    [unpacked] = place.glob("risky_users-*")
    return build("wheel", unpacked, place / "wheel")


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An environment into which the wheel was installed, with what it asks for and nothing else."""
    return install(tmp_path_factory.mktemp("installed") / "environment", wheel)


def run(installed: Path, place: Path, *arguments: str, **environment: str) -> "subprocess.CompletedProcess[str]":
    """The command, with nothing but itself on PATH."""
    inherited = {name: value for name, value in os.environ.items() if name in ("SYSTEMROOT", "HOME", "TEMP", "TMP")}
    around = {**inherited, "PATH": str(installed / SCRIPTS), "NO_COLOR": "1", "COLUMNS": "200", **environment}
    command: list[str | Path] = [installed / SCRIPTS / "risky-users", *arguments]
    return subprocess.run(
        command, cwd=place, env=around, input="", capture_output=True, text=True, encoding="utf-8", timeout=60, check=False
    )


def test_the_wheel_is_the_same_from_a_clone_and_from_a_source_distribution(wheel: Path, tmp_path: Path) -> None:
    assert build("wheel", ROOT, tmp_path).read_bytes() == wheel.read_bytes()


def test_it_adds_one_package_and_its_metadata(wheel: Path, tmp_path: Path) -> None:
    shutil.unpack_archive(wheel, tmp_path, "zip")
    assert {path.name for path in tmp_path.iterdir()} == {"risky_users", f"risky_users-{version('risky-users')}.dist-info"}
    shipped = {path.name: path.read_bytes() for path in (tmp_path / "risky_users" / "_worker").iterdir()}
    assert shipped == {path.name: path.read_bytes() for path in (ROOT / "src").glob("*.py")}


def test_the_command_works_from_any_folder(installed: Path, tmp_path: Path) -> None:
    done = run(installed, tmp_path, "check")
    assert (done.returncode, done.stderr) == (1, "")
    assert "AZURE_AD_TENANT_ID is missing" in done.stdout


def test_modules_that_bear_the_workers_names_do_not_get_in_the_way(installed: Path, tmp_path: Path) -> None:
    for name in ("graph", "log", "plan", "settings", "sync"):
        (tmp_path / f"{name}.py").write_text("raise SystemExit('the wrong module')\n")
    assert run(installed, tmp_path, "check", PYTHONPATH=str(tmp_path)).stderr == ""


def test_it_tells_its_version(installed: Path, tmp_path: Path) -> None:
    done = run(installed, tmp_path, "--version")
    assert (done.returncode, done.stdout) == (0, f"risky-users {version('risky-users')}\n")


def test_simulate_says_what_it_needs(installed: Path, tmp_path: Path) -> None:
    done = run(installed, tmp_path, "simulate")
    assert (done.returncode, done.stdout) == (1, "")
    [sentence] = done.stderr.splitlines()
    assert (
        "In a clone of the repository run `make install` (or `npm ci`, then `npm ci --prefix runtime`) and `uv run risky-users simulate`"
        in sentence
    )


@pytest.mark.parametrize(
    ("shell", "marker"),
    [("bash", "complete -o"), ("zsh", "#compdef"), ("fish", "complete --command"), ("powershell", "Register-ArgumentCompleter")],
)
def test_every_shell_can_have_completion(installed: Path, tmp_path: Path, shell: str, marker: str) -> None:
    done = run(installed, tmp_path, _RISKY_USERS_COMPLETE=f"source_{shell}")
    assert marker in done.stdout
    assert "risky-users" in done.stdout
