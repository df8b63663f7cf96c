"""The command line built and installed, as administrators do."""

import shutil
import subprocess
import sys
from pathlib import Path

from tests.deployment.checkout import ROOT

UV = shutil.which("uv") or ROOT / ".tools" / "bin" / "uv"
SCRIPTS = "Scripts" if sys.platform == "win32" else "bin"


def build(kind: str, project: Path, place: Path) -> Path:
    """A distribution of the project; with no network, since what it is built with is there."""
    command: list[str | Path] = [sys.executable, "-m", "hatchling", "build", "--target", kind, "--directory", place]
    done = subprocess.run(command, cwd=project, capture_output=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    [built] = place.iterdir()
    return built


def install(environment: Path, *requirements: str | Path, folder: Path = ROOT) -> Path:
    """A new environment that holds what is required, and nothing else."""
    commands: list[list[str | Path]] = [
        ["venv", "--python", sys.executable, environment],
        ["pip", "install", "--python", environment, *requirements],
    ]
    for command in commands:
        done = subprocess.run([UV, *command, "--quiet"], cwd=folder, capture_output=True, text=True, timeout=100, check=False)
        assert done.returncode == 0, done.stderr
    return environment
