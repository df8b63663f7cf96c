"""A deployed Worker, as it is kept. Times in epoch seconds."""

from collections import deque
from dataclasses import dataclass, field

RUNS_KEPT = 10_000


@dataclass(frozen=True, slots=True)
class Run:
    """One run of a Worker by its cron trigger; `status` is "success" or what stopped it ("scriptThrewException", "exceededCpu", …)."""

    time: float
    scheduled: float
    cron: str
    status: str
    cpu_us: int


@dataclass(frozen=True, slots=True)
class Deployment:
    """One version, deployed to all."""

    id: str
    version_id: str
    created: float
    message: str


@dataclass(slots=True)
class Worker:
    """A deployed Worker, its code left out."""

    name: str
    crons: list[str]
    variables: dict[str, str]
    secrets: dict[str, str]
    created: float
    modified: float
    deployments: list[Deployment] = field(default_factory=list)
    runs: deque[Run] = field(default_factory=lambda: deque(maxlen=RUNS_KEPT))
