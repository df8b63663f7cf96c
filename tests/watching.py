"""Somebody who is told: a receiver of alerts and heartbeats, what stands for a Worker's bindings, and minutes to tell of."""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Literal

from alerts import Memory
from budget import Budget, HttpRequest, HttpResponse
from errors import AuthError, SyncFailed
from notify import Ways, notify
from report import Report
from settings import Watch
from tests.ticks import StoppedClock, finish

WEBHOOK = "https://hooks.example/services/a-secret-of-its-own"
HEARTBEAT = "https://beats.example/ping/another-secret"
TELLING_SECONDS = 8.0

Mood = Literal["taking", "slow", "refusing", "redirecting", "lost", "a web page"]


@dataclass
class Receiver:
    """Takes what is sent to it, or does not."""

    clock: StoppedClock
    mood: Mood = "taking"
    messages: list[dict[str, object]] = field(default_factory=list)
    """What was taken by the webhook."""
    beats: int = 0
    attempts: list[float] = field(default_factory=list)
    """When somebody tried, in epoch seconds."""

    async def fetch(self, request: HttpRequest) -> HttpResponse:
        self.attempts.append(self.clock.time)
        if self.mood == "lost":
            raise OSError("connection refused")
        if self.mood == "slow":
            await self.clock.sleep(request.timeout)
            raise TimeoutError
        if self.mood == "refusing":
            return HttpResponse(403, {"content-type": "text/html"}, "<html>no</html>")
        if self.mood == "redirecting":
            return HttpResponse(302, {"location": "https://elsewhere.example/"}, "")
        if request.url == HEARTBEAT:
            assert request.method == "GET"
            self.beats += 1
        else:
            assert (request.method, request.headers["content-type"]) == ("POST", "application/json")
            self.messages.append(json.loads(request.body))
        return HttpResponse(200, {}, "<!DOCTYPE html><html></html>" if self.mood == "a web page" else "ok")

    @property
    def states(self) -> list[str]:
        """What each message tells of: failing, refused, expiring, over."""
        return [str(state) for message in self.messages for state in _listed(message["states"])]


def _listed(value: object) -> list[object]:
    assert isinstance(value, list)
    return value


@dataclass
class Kept:
    """A store; a text that was put less than `stale` seconds ago may not be given back yet."""

    clock: StoppedClock
    versions: list[tuple[float, str]] = field(default_factory=list)
    stale: float = 0.0
    broken: bool = False
    reads: int = 0

    async def get(self) -> str | None:
        self.reads += 1
        if self.broken:
            raise OSError("no answer in time")
        known = [text for time, text in self.versions if self.clock.time - time >= self.stale]
        return known[-1] if known else None

    async def put(self, text: str) -> None:
        if self.broken:
            raise OSError("no answer in time")
        self.versions.append((self.clock.time, text))


@dataclass
class Watching:
    """A Worker whose minutes come to what a test says, and whom it tells."""

    clock: StoppedClock = field(default_factory=StoppedClock)
    watch: Watch = field(default_factory=lambda: Watch(webhook=WEBHOOK))
    store: Kept | None = None
    isolates: list[Memory] = field(default_factory=lambda: [Memory(), Memory()])
    log: list[str] = field(default_factory=list)
    mail: Callable[[str, str], object] | None = None
    points: list[tuple[str, Sequence[float]]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.receiver = Receiver(self.clock)

    def minute(self, *problems: str, refused: bool = False, ends: float | None = None, isolate: int = 0) -> list[str]:
        """A minute that met these problems, or none; of what the receiver was told."""
        report = Report(self.clock.time, dry_run=False)
        report.lines["error"] += problems
        report.credential_ends = ends
        if refused:
            report.failure(AuthError("No access token: AADSTS7000222, the client secret has expired.", code=7000222, cause="refused"))
        return self.after(SyncFailed(report.problems, report) if report.problems else report, isolate)

    def after(self, outcome: Report | Exception, isolate: int = 0) -> list[str]:
        """What the receiver was told of a tick with this outcome; the clock then stands at the next minute."""
        before, began = len(self.receiver.states), self.clock.time
        ways = Ways(store=self.store, memory=self.isolates[isolate], metrics=lambda *point: self.points.append(point))
        if mail := self.mail:

            async def send(subject: str, text: str) -> None:
                mail(subject, text)

            ways.mail = send
        budget = Budget(
            fetch=self.receiver.fetch,
            clock=self.clock,
            random=Random(1),
            max_subrequests=self.watch.subrequests,
            deadline=self.clock.time + TELLING_SECONDS,
        )
        finish(notify(self.watch, ways, outcome, began, budget, lambda _, entry: self.log.append(str(entry))))
        self.isolates[isolate] = ways.memory
        assert self.clock.time - began <= TELLING_SECONDS
        self.clock.time = began + 60
        return self.receiver.states[before:]

    def restart(self, isolate: int = 0) -> None:
        """The runtime takes the isolate away."""
        self.isolates[isolate] = Memory()
