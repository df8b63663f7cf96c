"""Finds what the Worker is run with: Node, and the npm packages of `npm ci` in the project's folder and in this one."""

import re
import shutil
import subprocess
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PACKAGES = (ROOT / "node_modules" / "miniflare", ROOT / "runtime" / "node_modules" / "pyodide")
OLDEST = (22, 12)
"""As miniflare asks for."""


@cache
def find_node() -> Path:
    """The Node that npm installed, or else the one on PATH. Raises FileNotFoundError, whose sentence says what is missing."""
    for package in PACKAGES:
        if not package.exists():
            raise FileNotFoundError(
                f"{package} is missing: run `make install`, or `npm ci` and `npm ci --prefix runtime`, in {ROOT} first."
            )
    on_path = shutil.which("node")
    installed = sorted(ROOT.glob("node_modules/node-*/bin/node*"))
    for node in [*installed, *([Path(on_path)] if on_path else [])]:
        if _version(node) >= OLDEST:
            return node
    needed = ".".join(map(str, OLDEST))
    raise FileNotFoundError(
        f"Node.js {needed} or newer is needed, and there is none on PATH or in node_modules: install it from https://nodejs.org."
    )


def _version(node: Path) -> tuple[int, ...]:
    """Empty where this Node does not run on this system."""
    try:
        told = subprocess.run([node, "--version"], capture_output=True, text=True, timeout=20, check=False).stdout
    except (OSError, subprocess.TimeoutExpired):
        return ()
    return tuple(map(int, re.findall(r"\d+", told)))
