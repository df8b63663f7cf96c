"""wrangler's build step, run with whatever Python and index a machine has: it fills python_modules, or ends in one sentence."""

import os
import re
import shutil
import signal
import subprocess
import sys
import sysconfig
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from runtime.node import find_node
from tests.deployment.checkout import ROOT, as_old_node, check_out, fill_in, pin
from tests.deployment.index import FILES, Index, serve, source_package, wheel

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="its stand-ins for Python are shell scripts")

UV = shutil.which("uv") or ROOT / ".tools" / "bin" / "uv"
"""Make has installed the tests with it."""
OUTSIDE = f'PYTHONPATH="{sysconfig.get_path("purelib")}" exec "{Path(sys.base_prefix, "bin", "python3")}" "$@"'
"""The Python of the tests outside its virtual environment, with what is installed there all the same."""
STUB = "Python was not found; run without arguments to install from the Microsoft Store, or disable this shortcut from Settings."


@dataclass
class Machine:
    """A checkout, and a PATH on which is what a test puts there."""

    checkout: Path
    path: Path
    index: Index

    def has(self, name: str, script: str = f'exec "{sys.executable}" "$@"') -> None:
        """A program on PATH, by default the Python of the tests, which has pip."""
        program = self.path / name
        program.write_text(f"#!/bin/sh\n{script}\n")
        program.chmod(0o755)

    def has_uv_and_a_python_without_pip(self) -> None:
        bare = self.path / "bare"
        subprocess.run([sys.executable, "-m", "venv", "--without-pip", bare], check=True, timeout=60)
        self.has("python3", f'exec "{bare / "bin" / "python3"}" "$@"')
        self.has_uv()

    def has_uv(self) -> None:
        (self.path / "uv").symlink_to(UV)

    def start(self, **environment: str) -> "subprocess.Popen[str]":
        """The build step, begun."""
        around = {
            "PATH": str(self.path),
            "HOME": str(self.path),
            "PIP_CONFIG_FILE": os.devnull,
            "PIP_INDEX_URL": self.index.url,
            "UV_DEFAULT_INDEX": self.index.url,
            "UV_CACHE_DIR": str(self.path / "cache"),
            "UV_PYTHON_DOWNLOADS": "never",
            **environment,
        }
        command: list[str | Path] = [find_node(), self.checkout / "deploy" / "build.mjs"]
        return subprocess.Popen(command, env=around, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

    def build(self, **environment: str) -> tuple[int, str, str]:
        """Its exit status, and what it printed to standard output and standard error."""
        started = self.start(**environment)
        printed = started.communicate(timeout=60)
        return (started.returncode, *printed)

    def complaint(self, **environment: str) -> str:
        """What it ends with instead of a build: a sentence of ours first, no traceback, nothing left behind or touched."""
        status, _, complaint = self.build(**environment)
        assert status == 1
        assert "    at " not in complaint
        assert not (self.checkout / "python_modules").exists()
        assert self.left_behind() == []
        return complaint

    def has_the_sdk(self) -> None:
        """Fetched by an earlier build."""
        for name, text in FILES.items():
            file = self.checkout / "python_modules" / name
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text)

    def vendored(self) -> dict[str, str]:
        modules = self.checkout / "python_modules"
        return {path.relative_to(modules).as_posix(): path.read_text() for path in modules.rglob("*") if path.is_file()}

    def left_behind(self) -> list[Path]:
        return list((self.checkout / ".wrangler" / "tmp").glob("*"))


@pytest.fixture
def machine(tmp_path: Path) -> Iterator[Machine]:
    """A machine with no Python at all, and an index that answers."""
    checkout = check_out(tmp_path / "checkout")
    pin(checkout, wheel())
    (tmp_path / "bin").mkdir()
    with serve() as index:
        yield Machine(checkout, tmp_path / "bin", index)


# --- Python, under whatever name ---


@pytest.mark.parametrize("name", ["python3", "python", "python3.11", "python3.27"])
def test_it_finds_python_by_any_of_its_names(machine: Machine, name: str) -> None:
    machine.has(name)
    status, output, complaint = machine.build()
    assert (status, complaint) == (0, "")
    assert output.splitlines()[-1] == "python_modules now holds workers-runtime-sdk 9.9.9."
    assert machine.vendored() == FILES
    assert machine.left_behind() == []


def test_it_passes_over_what_does_not_do(machine: Machine) -> None:
    machine.has("python3", "echo 3 9 2 True")
    machine.has("python", f"echo '{STUB}' >&2; exit 49")
    machine.has("python3.14", "echo 3 14 2 False")
    machine.has("python3.13", "exit 127")
    machine.has("python3.12")
    assert machine.build()[0] == 0
    assert machine.vendored() == FILES


def test_no_python_is_a_sentence(machine: Machine) -> None:
    assert machine.complaint() == (
        "Python 3.11 or newer, or uv, is needed to fetch workers-runtime-sdk 9.9.9, and neither is on PATH: install Python 3.11 or newer "
        "(https://www.python.org/downloads/) or uv (https://docs.astral.sh/uv/).\n"
    )


def test_an_old_python_is_a_sentence(machine: Machine) -> None:
    machine.has("python3", "echo 3 9 2 True")
    [sentence] = machine.complaint().splitlines()
    assert f"and {machine.path / 'python3'} is 3.9.2: install Python 3.11 or newer" in sentence


def test_windows_pointer_to_its_store_is_a_sentence(machine: Machine) -> None:
    machine.has("python", f"echo '{STUB}' >&2; exit 49")
    [sentence] = machine.complaint().splitlines()
    assert "the python here only points to Microsoft's Store: install Python 3.11 or newer" in sentence


def test_a_python_without_pip_is_a_sentence(machine: Machine) -> None:
    machine.has("python3", "echo 3 13 1 False")
    [sentence] = machine.complaint().splitlines()
    assert f"{machine.path / 'python3'} (3.13.1) has no pip: install pip (python3-pip on Debian) or uv" in sentence


def test_uv_does_where_python_has_no_pip(machine: Machine) -> None:
    machine.has_uv_and_a_python_without_pip()
    assert machine.build()[0] == 0
    assert machine.vendored() == FILES
    assert machine.index.tools == {"uv"}


def test_an_old_node_is_a_sentence(machine: Machine) -> None:
    [sentence] = machine.complaint(NODE_OPTIONS=as_old_node(machine.path)).splitlines()
    assert sentence.startswith("Node.js 22.12 or newer is needed, and this is 20.20.2: npm ci brings a newer one")


# --- the index ---


@pytest.mark.parametrize("tool", ["pip", "uv"])
def test_a_file_of_another_digest_is_the_end(machine: Machine, tool: str) -> None:
    machine.index.release = wheel({**FILES, "workers/fetch.py": "def fetch(): print('the secret')\n"})
    machine.has_uv_and_a_python_without_pip()
    if tool == "pip":
        machine.has("python3.13")
    complaint = machine.complaint()
    assert complaint.startswith(
        "What the package index has for workers-runtime-sdk 9.9.9 is not the file whose digest deploy/requirements.txt holds, "
    )
    assert machine.index.tools == {tool}


def test_an_unpacked_file_of_another_digest_is_the_end(machine: Machine) -> None:
    listed = machine.checkout / "deploy" / "python_modules.sha256"
    listed.write_text(listed.read_text().replace(listed.read_text()[:8], "0" * 8))
    machine.has("python3")
    [sentence] = machine.complaint().splitlines()
    assert sentence == (
        "workers/__init__.py of workers-runtime-sdk 9.9.9 is not the file whose digest deploy/python_modules.sha256 holds, "
        "so nothing is deployed."
    )


def test_a_source_package_is_not_built_even_of_the_right_digest(machine: Machine) -> None:
    """It would run code of its own, and whatever it says that it builds with."""
    built = machine.path / "built"
    machine.index.name, machine.index.release = source_package(f"open({str(built)!r}, 'w'); raise SystemExit(1)")
    pin(machine.checkout, machine.index.release)
    machine.has_uv_and_a_python_without_pip()
    machine.has("python3.13")
    assert "could not be fetched with pip or uv" in machine.complaint(PIP_NO_BINARY=":all:", UV_NO_BINARY="1")
    assert machine.index.tools == {"pip", "uv"}
    assert not built.exists()


def test_an_index_out_of_reach_is_a_sentence_soon(machine: Machine) -> None:
    machine.has("python3")
    machine.has_uv()
    nowhere = "http://127.0.0.1:9/simple"
    began = time.monotonic()
    complaint = machine.complaint(PIP_INDEX_URL=nowhere, UV_DEFAULT_INDEX=nowhere)
    assert time.monotonic() - began < 30
    sentence, *quoted = complaint.splitlines()
    assert sentence == (
        "workers-runtime-sdk 9.9.9, without which the Worker would not start, could not be fetched with pip or uv: see that the package "
        "index, the proxy and the certificates that it is configured for can be used."
    )
    assert any("Connection refused" in line for line in quoted)
    assert all(line.startswith("  ") for line in quoted)


def test_a_company_index_in_pips_configuration_is_used_and_its_settings_for_installing_are_not(machine: Machine) -> None:
    machine.has("python3", OUTSIDE)
    configuration = machine.path / "pip.conf"
    configuration.write_text(
        f"[global]\nindex-url = {machine.index.url}\nuser = true\nrequire-virtualenv = true\n[install]\nprefix = {machine.path}\n"
    )
    elsewhere = {
        "PIP_USER": "1",
        "PIP_PREFIX": "/nowhere",
        "PIP_TARGET": "/nowhere",
        "PIP_REQUIRE_VIRTUALENV": "1",
        "PIP_REQUIREMENT": "none.txt",
    }
    assert machine.build(**elsewhere, PIP_CONFIG_FILE=str(configuration), PIP_INDEX_URL="")[0] == 0
    assert machine.vendored() == FILES


def test_a_company_proxy_is_used(machine: Machine) -> None:
    machine.has("python3")
    proxy = machine.index.url.removesuffix("/simple")
    behind = {"PIP_INDEX_URL": "http://packages.example/simple", "PIP_TRUSTED_HOST": "packages.example", "http_proxy": proxy}
    assert machine.build(**behind)[0] == 0
    assert machine.index.asked[0][0] == "http://packages.example/simple/workers-runtime-sdk/"


# --- python_modules ---


def test_nothing_is_asked_or_said_where_all_is_there(machine: Machine) -> None:
    machine.has_the_sdk()
    assert machine.build() == (0, "", "")
    assert machine.index.asked == []


def test_what_others_left_there_goes_and_what_was_changed_is_mended(machine: Machine) -> None:
    """Among others what pywrangler puts there: the command line's packages, and a virtual environment's file."""
    machine.has("python3")
    machine.has_the_sdk()
    modules = machine.checkout / "python_modules"
    (modules / "httpx" / "_client").mkdir(parents=True)
    (modules / "httpx" / "_client" / "left_behind.py").write_text("")
    (modules / "pyvenv.cfg").write_text("")
    (modules / "workers" / "fetch.py").write_text("def fetch(): print('the secret')\n")
    (modules / "workers" / "__init__.py").unlink()
    right = (modules / "workers" / "types.py").stat().st_ino
    assert machine.build()[0] == 0
    assert machine.vendored() == FILES
    assert (modules / "workers" / "types.py").stat().st_ino == right, "somebody else may be reading it"
    assert [path.name for path in modules.iterdir()] == ["workers"]


def test_two_at_once_do_not_disturb_each_other(machine: Machine) -> None:
    machine.has("python3")
    machine.index.open.clear()
    both = [machine.start(), machine.start()]
    while len(machine.index.asked) < 2:
        time.sleep(0.01)
    machine.index.open.set()
    assert [process.communicate(timeout=60)[1] for process in both] == ["", ""]
    assert [process.returncode for process in both] == [0, 0]
    assert machine.vendored() == FILES
    assert machine.left_behind() == []


@pytest.mark.parametrize("interruption", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_an_interruption_leaves_nothing_behind(machine: Machine, interruption: signal.Signals) -> None:
    machine.has("python3")
    machine.index.open.clear()
    building = machine.start()
    while not machine.index.asked:
        time.sleep(0.01)
    assert machine.left_behind() != []
    building.send_signal(interruption)
    complaint = building.communicate(timeout=20)[1]
    assert complaint == "Interrupted: nothing is deployed, and nothing half-fetched is left behind.\n"
    assert building.returncode == 1
    assert not (machine.checkout / "python_modules").exists()
    assert machine.left_behind() == []


def test_what_cannot_be_written_is_a_sentence(machine: Machine) -> None:
    (machine.checkout / ".wrangler").write_text("no folder")
    [sentence] = machine.complaint().splitlines()
    assert re.fullmatch(r"A file of the project could not be read or written: E[A-Z]+: .*\.wrangler.*", sentence)


# --- placeholders ---


def test_placeholders_are_refused_before_anything_is_fetched(machine: Machine) -> None:
    machine.has("python3")
    (machine.checkout / "wrangler.toml").write_text((ROOT / "wrangler.toml").read_text())
    assert machine.complaint(WRANGLER_COMMAND="deploy") == (
        "wrangler.toml still holds placeholders (AZURE_AD_TENANT_ID is <TENANT-ID>, AZURE_AD_CLIENT_ID is <CLIENT-ID>), "
        "so nothing is deployed: write your own values there. "
        "Both ids are on the overview page of the app registration in Microsoft Entra.\n"
    )
    assert machine.index.asked == []


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("wrangler.toml", 'vars = { AZURE_AD_TENANT_ID = "<TENANT-ID>" }'),
        ("wrangler.toml", "[vars]\nAZURE_AD_TENANT_ID = '<your tenant>'  # it's on the overview page\r\n"),
        ("wrangler.toml", '[env.staging.vars]\n"AZURE_AD_TENANT_ID" = "<TENANT-ID>"'),
        ("wrangler.jsonc", '{\n  // it\'s on the overview page\n  "vars": { "AZURE_AD_TENANT_ID": "<TENANT-ID>" },\n}'),
        ("wrangler.json", '{"vars": {"AZURE_AD_TENANT_ID": "<TENANT-ID>"}}'),
    ],
)
def test_a_placeholder_is_found_however_it_is_written(machine: Machine, name: str, text: str) -> None:
    (machine.checkout / name).write_text(text, newline="")
    assert machine.complaint().startswith(f"{name} still holds placeholders (AZURE_AD_TENANT_ID is <")


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("wrangler.toml", '# AZURE_AD_TENANT_ID = "<TENANT-ID>"\n[vars]\nMAX = "1" # = "<TENANT-ID>"\nURL = "https://x/#<a>"\n'),
        ("wrangler.jsonc", '{\n  // "AZURE_AD_TENANT_ID": "<TENANT-ID>"\n  /* "A": "<B>"\n */ "vars": {"URL": "https://x/<a>"}\n}'),
        ("wrangler.toml", 'name = "risky-users"\n'),
    ],
    ids=["comments in TOML", "comments in JSON", "ids that are secrets"],
)
def test_what_is_no_placeholder_passes(machine: Machine, name: str, text: str) -> None:
    machine.has_the_sdk()
    (machine.checkout / name).write_text(text)
    assert machine.build()[0] == 0


def test_in_development_the_values_may_come_from_elsewhere(machine: Machine) -> None:
    machine.has_the_sdk()
    (machine.checkout / "wrangler.toml").write_text((ROOT / "wrangler.toml").read_text())
    assert machine.build(WRANGLER_COMMAND="dev")[0] == 0
    fill_in(machine.checkout / "wrangler.toml")
    assert machine.build(WRANGLER_COMMAND="deploy")[0] == 0
