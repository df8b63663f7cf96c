"""Runs wrangler as an administrator does, up to the upload."""

import os
import subprocess
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Upload:
    """The files of an upload by path, and what wrangler said about it."""

    files: dict[str, bytes]
    report: str


def deploy(checkout: Path, out: Path) -> Upload:
    """Run `wrangler deploy --dry-run` in a checkout; `out` receives what would be uploaded."""
    node = ROOT / "node_modules" / ".bin"
    environment = os.environ | {
        "PATH": f"{node}{os.pathsep}{os.environ['PATH']}{os.pathsep}{ROOT / '.tools' / 'bin'}",
        "WRANGLER_SEND_METRICS": "false",
        "CI": "true",
    }
    command: list[str | Path] = [node / "node", node / "wrangler", "deploy", "--dry-run", "--outdir", out]
    done = subprocess.run(command, cwd=checkout, env=environment, capture_output=True, text=True, timeout=100, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    files = {path.relative_to(out).as_posix(): path.read_bytes() for path in out.rglob("*") if path.is_file()}
    del files["README.md"]  # wrangler's own, about the folder
    return Upload(files, done.stdout)
