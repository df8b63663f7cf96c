"""Runs wrangler as an administrator does, up to the upload."""

import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from runtime.node import find_node
from tests.deployment.checkout import ROOT

NPM = ROOT / "tests" / "deployment" / "node_modules" / "npm" / "bin"
QUIET = {
    "WRANGLER_SEND_METRICS": "false",
    "CI": "true",
    "NO_COLOR": "1",
    "npm_config_update_notifier": "false",
    "npm_config_userconfig": os.devnull,
}


@dataclass(frozen=True)
class Upload:
    """The files of an upload by path, and what wrangler said about it."""

    files: dict[str, bytes]
    report: str


def deploy(checkout: Path, out: Path, *options: str) -> Upload:
    """Run `npx wrangler deploy --dry-run` in a checkout; `out` receives what would be uploaded. All else is as on a bare machine."""
    done = try_to_deploy(checkout, out, {"PATH": bare_path(checkout.with_name(f"{checkout.name}-path"))}, *options)
    assert done.returncode == 0, done.stdout + done.stderr
    files = {path.relative_to(out).as_posix(): path.read_bytes() for path in out.rglob("*") if path.is_file()}
    del files["README.md"]  # wrangler's own, about the folder
    return Upload(files, done.stdout)


def try_to_deploy(checkout: Path, out: Path, environment: Mapping[str, str], *options: str) -> "subprocess.CompletedProcess[str]":
    """The same with other variables in the environment; the caller judges what came of it."""
    around = {**os.environ, **QUIET, **environment}
    npx = shutil.which("npx", path=around["PATH"])
    assert npx
    command: list[str | Path] = [npx, "wrangler", "deploy", "--dry-run", "--outdir", out, *options]
    return subprocess.run(command, cwd=checkout, env=around, capture_output=True, text=True, timeout=100, check=False)


def bare_path(folder: Path, python: str = "python3.27") -> str:
    """A PATH with npm, the sh that npm asks for, and a Python of some name: no make, bash or python3. On Windows, the one there is."""
    if sys.platform == "win32":
        return os.environ["PATH"]
    programs = {
        "node": f'exec "{find_node()}" "$@"',
        "npm": f'exec "{find_node()}" "{NPM / "npm-cli.js"}" "$@"',
        "npx": f'exec "{find_node()}" "{NPM / "npx-cli.js"}" "$@"',
        "sh": 'exec /bin/sh "$@"',
        python: f'exec "{sys.executable}" "$@"',
    }
    folder.mkdir(exist_ok=True)
    for name, script in programs.items():
        (folder / name).write_text(f"#!/bin/sh\n{script}\n")
        (folder / name).chmod(0o755)
    return str(folder)
