"""One tick's time, processor time and requests, whoever does the tick: a Worker in workerd, or a process of CPython."""

import json
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol

from bench.scenarios import Counts
from runtime import ROOT, Worker
from runtime.serving import serving
from scheduler import PACE_SECONDS
from simulator import Tenant
from simulator.asgi import create_app
from simulator.cloudflare import Account

WORKERS = ROOT / "bench" / "workers"
SRC = ROOT / "src"


@dataclass(frozen=True, slots=True)
class Sample:
    """One tick. `cpu_ms` is that of the whole process: workerd, or CPython."""

    wall_ms: float
    cpu_ms: float
    counts: Counts


class Subject(Protocol):
    """Somebody who does a tick when told to, in milliseconds of wall and of processor time."""

    def once(self) -> tuple[float, float]:
        """One tick. Raises RuntimeError where it fails."""


class InWorkerd:
    """A Worker."""

    def __init__(self, worker: Worker) -> None:
        self.worker = worker

    def once(self) -> tuple[float, float]:
        """One cron event."""
        tick = self.worker.tick()
        if tick.outcome != "ok" or tick.cpu_ms is None:
            raise RuntimeError(f"the tick failed:\n{tick.text}\n{tick.exception}")
        return tick.wall_ms, tick.cpu_ms

    def peak_memory_mb(self) -> float:
        """The most memory its workerd process has held, all of V8 and of the runtime included."""
        host = self.worker._host.pid  # the runtime has no other way to tell
        children = [pid for task in Path(f"/proc/{host}/task").iterdir() for pid in (task / "children").read_text().split()]
        peaks = [
            int(line.split()[1])
            for pid in children
            for line in Path(f"/proc/{pid}/status").read_text().splitlines()
            if line.startswith("VmHWM")
        ]
        return max(peaks) / 1024


class InPython:
    """A program in CPython that does a tick for each line of its input, and answers with a line of JSON: see sdk.py."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self._process = process

    def once(self) -> tuple[float, float]:
        """One line in, one line out."""
        if not self._process.stdin or not self._process.stdout:
            raise RuntimeError("the process has no pipes")
        self._process.stdin.write("tick\n")
        self._process.stdin.flush()
        answer = self._process.stdout.readline()
        if not answer:
            raise RuntimeError("the process ended")
        times = json.loads(answer)
        return times["wall_ms"], times["cpu_ms"]


class Stand:
    """A tenant and an account that are served, and those who work on them."""

    def __init__(self, tenant: Tenant, account: Account, address: str) -> None:
        self.tenant, self.account = tenant, account
        self._address = address

    @contextmanager
    def worker(self, source: Path = SRC, *, lane: bool = False) -> Iterator[InWorkerd]:
        """A Worker of ours, or one of bench/workers; with the direct lane it keeps the account's lists as well."""
        variables = {**self.tenant.worker_variables, **(self.account.worker_variables if lane else {})}
        with Worker(source, variables, self._address) as worker:
            yield InWorkerd(worker)

    @contextmanager
    def sdk(self) -> Iterator[InPython]:
        """Microsoft's SDK."""
        command = [sys.executable, "-m", "bench.sdk", self._address, *self.tenant.worker_variables.values()]
        with subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:  # noqa: S603  # our own program
            try:
                yield InPython(process)
            finally:
                if process.stdin:
                    process.stdin.close()

    def minute(self, subject: Subject) -> Sample:
        """One tick, so much later than the last that Identity Protection does not throttle it."""
        time.sleep(PACE_SECONDS)
        return self.tick(subject)

    def tick(self, subject: Subject) -> Sample:
        """One tick of somebody's."""
        self.tenant.reset_counters()
        self.account.reset_counters()
        wall_ms, cpu_ms = subject.once()
        counts = Counts.of(self.tenant)
        return Sample(wall_ms, cpu_ms, replace(counts, subrequests=counts.subrequests + self.account.subrequests))


@contextmanager
def stand() -> Iterator[Stand]:
    """A tenant with nobody at risk, whose users' mail may be read, and an account with three empty lists."""
    tenant, account = Tenant.contoso(0), Account.contoso()
    tenant.app.permissions.add("User.ReadBasic.All")
    with serving(create_app(tenant, account)) as address:
        yield Stand(tenant, account, address)


def import_ms() -> float:
    """CPU of importing src/ for the first time, on Pyodide in workerd, the SDK and the standard library's part of it being there."""
    with tempfile.TemporaryDirectory() as place:
        source = Path(place) / "source"
        shutil.copytree(SRC, source, ignore=shutil.ignore_patterns("__pycache__"))
        (source / "entry.py").rename(source / "the_worker.py")
        shutil.copy(WORKERS / "imports" / "entry.py", source)
        with Worker(source) as worker:
            idle, taken = (worker.tick(module).cpu_ms or 0.0 for module in ("json", "the_worker"))
            return taken - idle
