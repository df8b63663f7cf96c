"""`page.serve` in a process of its own, as `risky-users simulate` starts it."""

import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
SECONDS = 90.0
"""What starting may take on a busy machine."""


@dataclass(frozen=True)
class Served:
    """Where the page is, and the process that serves it."""

    address: str
    process: "subprocess.Popen[str]"


@contextmanager
def served(users: int = 12) -> Iterator[Served]:
    """The page for the block's duration, on a free port."""
    process = subprocess.Popen(
        [sys.executable, "-c", f"from page import serve; serve(users={users}, seed=1, port=0)"],
        cwd=ROOT,
        env={"PYTHONPATH": f"{ROOT}:{ROOT / 'src'}", "PATH": "/usr/bin:/bin", "TZ": "UTC"},
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        yield Served(_address(process), process)
    finally:
        if process.poll() is None:
            process.terminate()
        process.communicate(timeout=30)


def _address(process: "subprocess.Popen[str]") -> str:
    assert process.stdout
    patience = threading.Timer(SECONDS, process.kill)
    patience.start()
    try:
        for line in process.stdout:
            _, found, rest = line.partition("http://")
            if found:
                return f"http://{rest.split()[0]}"
    finally:
        patience.cancel()
    raise AssertionError("the page does not start")
