"""Runs a Python Worker's own source in workerd, offline, and calls it as Cloudflare's runtime does.

    with Worker(source=Path("src"), vars={"AZURE_AD_TENANT_ID": "…"}, outbound="http://127.0.0.1:8000") as worker:
        tick = worker.tick()
        print(tick.outcome, tick.text)

The Worker keeps its real URLs: every request it sends is handed, byte for byte, to `outbound`, with the host it was meant for
in `X-Forwarded-Host`. Python is the stock Pyodide of npm, loaded into workerd by Miniflare; one Node process does the rest.
"""

import contextlib
import importlib.util
import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Self, TypeAlias, TypedDict

from runtime.node import find_node

ROOT = Path(__file__).resolve().parent.parent
HOST = Path(__file__).with_name("host.mjs")

EVERY_MINUTE = "* * * * *"
COMPATIBILITY_DATE = "2026-11-01"

START_SECONDS = 60.0
TICK_SECONDS = 120.0

Json: TypeAlias = "bool | int | float | str | list[Json] | dict[str, Json] | None"


@dataclass(frozen=True, slots=True)
class Line:
    """One call of `console.<level>`: its arguments, objects as JSON values, and what Node makes of them on a terminal."""

    level: Literal["debug", "log", "info", "warn", "error"]
    values: tuple[Json, ...]
    shown: str

    @property
    def text(self) -> str:
        """The arguments on one line, an object as JSON."""
        return " ".join(value if isinstance(value, str) else json.dumps(value, ensure_ascii=False) for value in self.values)


@dataclass(frozen=True, slots=True)
class Tick:
    """What one cron event came to.

    `scheduled_time` is in epoch milliseconds. `exception` is the Python traceback that escaped, empty if none did. `cpu_ms` is
    the CPU time of the whole workerd process while the tick ran, None where the system does not tell.
    """

    cron: str
    scheduled_time: int
    outcome: str
    console: tuple[Line, ...]
    exception: str
    no_retry: bool
    wall_ms: float
    cpu_ms: float | None

    @property
    def text(self) -> str:
        """Everything the Worker printed, a line a call."""
        return "\n".join(line.text for line in self.console)

    def lines(self, *levels: str) -> list[str]:
        """The texts of the lines of these levels, in order."""
        return [line.text for line in self.console if line.level in levels]


class Worker:
    """One Worker in one workerd process, from `with` to the end of its block.

    `source` holds `entry.py` and its sibling modules. `packages` are importable packages of this environment that the Worker
    brings along. With `upload`, a folder that `wrangler deploy --outdir` filled, it runs on workerd's own Python instead, which
    workerd fetches from Cloudflare when it starts; its console is then one text a line, and ticks must not overlap. `bindings`
    are what Miniflare offers besides vars, in its own options: kvNamespaces, email, analyticsEngineDatasets. Raises
    RuntimeError where the Worker cannot start (its import fails, say) or workerd dies, FileNotFoundError where npm packages are missing.
    """

    def __init__(
        self,
        source: Path = ROOT / "src",
        vars: Mapping[str, str] | None = None,
        outbound: str | None = None,
        packages: Sequence[str] = ("workers",),
        compatibility_date: str = COMPATIBILITY_DATE,
        upload: Path | None = None,
        compatibility_flags: Sequence[str] = (),
        bindings: Mapping[str, Json] | None = None,
    ) -> None:
        self.vars = dict(vars or {})
        self.outbound = outbound
        self.ahead = 0.0
        """Seconds by which the Worker's clock is ahead of this machine's from the next tick on; not on workerd's own Python."""
        self.startup: tuple[Line, ...] = ()
        """What the Worker printed while it was imported."""
        self._source = source
        self._packages = packages
        self._compatibility_date = compatibility_date
        self._upload = upload
        self._compatibility_flags = compatibility_flags
        self._bindings = dict(bindings or {})
        self._one_order_at_a_time = threading.Lock()

    def __enter__(self) -> Self:
        node = find_node()
        self._stderr = tempfile.TemporaryFile("a+", errors="replace")
        self._host = subprocess.Popen(
            [node, HOST],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._stderr,
            text=True,
            encoding="utf-8",
            start_new_session=True,  # so that it and workerd can be ended together; Windows ends a tree without
        )
        try:
            self._start(
                "start",
                {
                    **({"upload": str(self._upload)} if self._upload else {"files": _files(self._source, self._packages)}),
                    "vars": dict(self.vars),
                    "bindings": self._bindings,
                    "outbound": self.outbound,
                    "compatibilityDate": self._compatibility_date,
                    "compatibilityFlags": list(self._compatibility_flags),
                },
            )
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        assert self._host.stdin
        assert self._host.stdout
        with contextlib.suppress(BrokenPipeError):
            self._host.stdin.close()  # the host then ends workerd and itself
        try:
            self._host.wait(timeout=10)
        except subprocess.TimeoutExpired:
            self.kill()
            self._host.wait()
        self._host.stdout.close()
        self._stderr.close()

    def tick(self, cron: str = EVERY_MINUTE, scheduled_time: int | None = None) -> Tick:
        """Fire the cron trigger once and wait for the end of it; `scheduled_time` in epoch milliseconds, by default the Worker's now."""
        return self.ticks_at_once(1, cron, scheduled_time)[0]

    def ticks_at_once(self, count: int, cron: str = EVERY_MINUTE, scheduled_time: int | None = None) -> list[Tick]:
        """Fire the cron trigger several times without waiting in between: overlapping runs in one isolate."""
        when = int((time.time() + self.ahead) * 1000) if scheduled_time is None else scheduled_time
        tick = {"cron": cron, "scheduledTime": when, "aheadMs": self.ahead * 1000}
        reply = self._order({"ticks": [tick] * count}, TICK_SECONDS)
        return [
            Tick(
                cron=cron,
                scheduled_time=when,
                outcome=tick["outcome"],
                console=_lines(tick["console"]),
                exception=tick["exception"],
                no_retry=tick["noRetry"],
                wall_ms=tick["wallMs"],
                cpu_ms=tick["cpuMs"],
            )
            for tick in reply["ticks"]
        ]

    def restart(self) -> None:
        """A fresh isolate: whatever the Worker kept in memory is gone."""
        self._start("restart", dict(self.vars))

    def update(self, vars: Mapping[str, str]) -> None:
        """Deploy with other vars and secrets, which means a fresh isolate too."""
        self.vars = dict(vars)
        self.restart()

    def kill(self) -> None:
        """End workerd at once, as a crash would."""
        if sys.platform == "win32":
            subprocess.run(["taskkill", "/f", "/t", "/pid", str(self._host.pid)], capture_output=True, check=False)  # noqa: S607  # Windows' own
        else:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._host.pid, signal.SIGKILL)

    def _start(self, order: str, argument: dict[str, object]) -> None:
        reply = self._order({order: argument}, START_SECONDS)
        self.startup = _lines(reply["console"])
        if reply["exception"]:
            raise RuntimeError(f"the Worker does not start:\n{reply['exception']}")

    def _order(self, order: dict[str, object], seconds: float) -> "_Reply":
        assert self._host.stdin
        assert self._host.stdout
        with self._one_order_at_a_time:
            patience = threading.Timer(seconds, self.kill)
            patience.start()
            try:
                self._host.stdin.write(json.dumps(order) + "\n")
                self._host.stdin.flush()
                line = self._host.stdout.readline()
            except BrokenPipeError:
                line = ""
            finally:
                patience.cancel()
        if not line:
            raise RuntimeError(f"workerd's host process ended, or did not answer within {seconds:.0f} s.\n{self._last_words()}")
        reply: _Reply = json.loads(line)
        if "failure" in reply:
            raise RuntimeError(f"workerd failed: {reply['failure']}\n{self._last_words()}")
        return reply

    def _last_words(self) -> str:
        self._stderr.seek(0)
        return "".join(self._stderr.readlines()[-20:])


class _LineReply(TypedDict):
    level: Literal["debug", "log", "info", "warn", "error"]
    values: list[Json]
    shown: str


class _TickReply(TypedDict):
    outcome: str
    console: list[_LineReply]
    exception: str
    noRetry: bool
    wallMs: float
    cpuMs: float | None


class _Reply(TypedDict, total=False):
    """What host.mjs answers with; which keys are there depends on the order."""

    failure: str
    console: list[_LineReply]
    exception: str
    ticks: list[_TickReply]


def _lines(replies: Iterable[_LineReply]) -> tuple[Line, ...]:
    return tuple(Line(reply["level"], tuple(reply["values"]), reply["shown"]) for reply in replies)


def _files(source: Path, packages: Iterable[str]) -> dict[str, str]:
    """The Worker's modules by path, those of its packages under `python_modules`, as a deployment lays them out."""
    files = {path.relative_to(source).as_posix(): path.read_text("utf-8") for path in sorted(source.rglob("*.py"))}
    if "entry.py" not in files:
        raise RuntimeError(f"{source} holds no entry.py")
    for package in packages:
        spec = importlib.util.find_spec(package)
        if spec is None or not spec.submodule_search_locations:
            raise RuntimeError(f"the package {package} is not installed: run `make install` first")
        folder = Path(spec.submodule_search_locations[0])
        for path in sorted(folder.rglob("*.py")):
            files[f"python_modules/{package}/{path.relative_to(folder).as_posix()}"] = path.read_text("utf-8")
    return files
