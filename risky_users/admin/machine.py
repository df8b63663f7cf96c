"""An administrator's machine: its network, clock, programs and browser, each of which a test replaces."""

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

import httpx

from risky_users.network import CONNECT_SECONDS, Network

PATIENCE_SECONDS = 60.0
"""How long a service may take for one answer."""


@dataclass(frozen=True, slots=True)
class Finished:
    """A program that has ended; 127: there is none of this name."""

    status: int
    output: str = field(repr=False)
    complaints: str = field(repr=False)


class Run(Protocol):
    """Runs a program to its end."""

    def __call__(
        self,
        arguments: Sequence[str],
        *,
        given: str = "",
        folder: Path | None = None,
        environment: Mapping[str, str] | None = None,
        seconds: float = 600.0,
    ) -> Finished:
        """`given` is its standard input, `environment` what it has beside this program's. Raises OSError where it cannot be run."""


def run_program(
    arguments: Sequence[str],
    *,
    given: str = "",
    folder: Path | None = None,
    environment: Mapping[str, str] | None = None,
    seconds: float = 600.0,
) -> Finished:
    """A program from PATH, nothing of which reaches the terminal or any shell. Raises OSError."""
    program = shutil.which(arguments[0])  # on Windows many are .cmd files, which only their full name starts
    if not program:
        return Finished(127, "", f"{arguments[0]} is not installed")
    try:
        done = subprocess.run(  # noqa: S603 - the commands are this package's own
            [program, *arguments[1:]],
            input=given,
            cwd=folder,
            env={**os.environ, **(environment or {})},
            capture_output=True,
            encoding="utf-8",
            errors="replace",
            timeout=seconds,
        )
    except subprocess.TimeoutExpired:
        return Finished(124, "", f"{arguments[0]} did not end within {seconds:.0f} s")
    return Finished(done.returncode, done.stdout, done.stderr)


def open_browser(address: str) -> bool:
    """Whether a browser shows the address now."""
    import webbrowser  # only one way of signing in needs it

    return webbrowser.open(address)


def tell(line: str) -> None:
    """A line of progress, beside what the command prints."""
    print(line, file=sys.stderr, flush=True)


@dataclass(slots=True)
class Machine:
    """All that a command touches beyond its own memory."""

    environment: Mapping[str, str] = field(default_factory=lambda: os.environ)
    folder: Path = field(default_factory=Path)
    """Where wrangler's configuration lies."""
    transport: httpx.BaseTransport | None = None
    """Instead of the network."""
    now: Callable[[], float] = time.time
    sleep: Callable[[float], None] = time.sleep
    run: Run = run_program
    browse: Callable[[str], bool] = open_browser
    interactive: Callable[[], bool] = lambda: sys.stdin.isatty()
    tell: Callable[[str], None] = tell

    def client(self) -> httpx.Client:
        """HTTP that follows no redirect: what is sent has a token with it. Raises ConfigError, and when something is sent Unreachable."""
        timeout = httpx.Timeout(PATIENCE_SECONDS, connect=CONNECT_SECONDS)
        return httpx.Client(transport=self.transport or Network(), timeout=timeout, follow_redirects=False, trust_env=False)
