"""The Worker: a cron event in, one sync, its outcome out."""

import asyncio
import time
from collections.abc import Awaitable, Mapping
from random import Random
from typing import TYPE_CHECKING, Protocol

import js
from pyodide.ffi import JsException, to_js
from workers import WorkerEntrypoint

from access_token import unable_to_sign
from budget import Budget, HttpRequest, HttpResponse
from errors import ConfigError
from graph import GraphClient, IsolateCache
from report import Report
from settings import FEWEST_SUBREQUESTS, LOG_LEVELS, Settings, Watch, read_settings, read_watch
from sync import TICK_SECONDS, sync

if TYPE_CHECKING:
    from alerts import Memory

TELLING_SECONDS = 8.0
"""How long all of it may take that is done after a tick."""

_from_entries = js.Object.fromEntries
_CONSOLE = {"debug": js.console.debug, "info": js.console.log, "warn": js.console.warn, "error": js.console.error}


def as_object(fields: Mapping[str, object]) -> object:
    """A dict as a JavaScript object."""
    return to_js(fields, dict_converter=_from_entries)


class Controller(Protocol):
    """The cron event's own controls (https://developers.cloudflare.com/workers/runtime-apis/handlers/scheduled/)."""

    scheduledTime: float  # noqa: N815  # JavaScript's name
    """When it was due, in epoch milliseconds."""

    def noRetry(self) -> None:  # noqa: N802  # JavaScript's name
        """Ask the runtime not to repeat this event when it fails."""


class Isolate:
    """What outlives a tick as long as the runtime keeps the isolate: a cache, and until when a tick may still be running."""

    cache = IsolateCache()
    busy_until = 0.0
    settings: Settings | None = None
    """Those of the last tick, if it succeeded: other vars or secrets are another deployment, in isolates of its own."""
    log_level = "info"
    watch: Watch | None = None
    memory: "Memory | None" = None
    """Of alerts."""
    random: Random | None = None
    """There is no randomness before the first event."""


def log(level: str, entry: str | Mapping[str, object]) -> None:
    """An entry of the log, on the console at its own level. Python's logging would make an error of each: it writes to stderr."""
    if LOG_LEVELS.index(level) >= LOG_LEVELS.index(Isolate.log_level):
        _CONSOLE[level](entry if isinstance(entry, str) else as_object(entry))


class WorkersClock:
    """The runtime's own time."""

    now = staticmethod(time.time)
    """Epoch seconds; they stand still but for I/O."""
    sleep = staticmethod(asyncio.sleep)


def fetch(request: HttpRequest) -> Awaitable[HttpResponse]:
    """One HTTP request, sent at once, as `budget.Fetch` promises.

    Through JavaScript's own fetch, with the body as bytes, and with headers only of an answer that is no success: each takes
    less CPU than what the SDK makes of them.
    """
    signal, headers = js.AbortSignal.timeout(int(request.timeout * 1000)), as_object(request.headers)
    body = request.body or None  # a GET with a body, were it an empty one, is refused before it is sent
    sent = js.fetch(request.url, method=request.method, headers=headers, body=body, redirect="manual", signal=signal)
    answering = asyncio.ensure_future(sent)  # which it is already, unless Pyodide gives promises as they are
    bodies: list[Awaitable[object]] = []

    def read(answered: "asyncio.Future[object]") -> None:
        if not bodies and not answered.exception():
            bodies.append(answered.result().arrayBuffer())  # type: ignore[attr-defined]  # JavaScript's

    async def answer() -> HttpResponse:
        try:
            response = await answering
            read(answering)
            content = await bodies[0]
            headers = {} if response.ok else _from_entries(response.headers).to_py()
            return HttpResponse(response.status, headers, content.to_bytes().decode(errors="replace"))  # type: ignore[attr-defined]  # JavaScript's
        except JsException as error:
            raise (TimeoutError if error.name == "TimeoutError" else OSError)(error.name) from None

    if request.later:  # the signal ends reading as well, and `later` may be too late
        answering.add_done_callback(read)
    return answer()


class Default(WorkerEntrypoint):
    """What the runtime instantiates for each event."""

    _spare = FEWEST_SUBREQUESTS
    """Subrequests that the tick has left to what comes after it."""

    async def scheduled(self, controller: Controller, env: object, ctx: object) -> None:
        """One tick. A tick that failed raises, so that the dashboard and `wrangler tail` show it."""
        controller.noRetry()  # the next minute is the retry
        clock, now = WorkersClock(), time.time()
        if now < Isolate.busy_until:
            log("warn", "The tick before is still running in this isolate; this one leaves the work to it.")
            log("info", {"outcome": "skipped"})
            return
        Isolate.busy_until = now + TICK_SECONDS
        outcome: Report | Exception
        try:
            outcome = await self._tick(clock, now + TICK_SECONDS)
        except Exception as error:  # it is raised below, once somebody has been told
            outcome = error
        finally:
            Isolate.busy_until = 0.0
        if Isolate.watch and Isolate.watch.on:
            await self._tell(Isolate.watch, clock, outcome, controller.scheduledTime / 1000)
        if isinstance(outcome, Exception):
            raise outcome

    async def _tick(self, clock: WorkersClock, deadline: float) -> Report:
        watch = Isolate.watch = Isolate.watch or read_watch(self._variable)
        try:
            settings = Isolate.settings or read_settings(self._variable)
        except ConfigError as error:
            for problem in error.problems:
                log("error", problem)
            raise
        Isolate.settings, Isolate.log_level = None, settings.log_level
        budget = _budget(clock, watch.leaves(settings.max_subrequests), deadline)
        sign = unable_to_sign
        if settings.certificate:
            from webcrypto import sign  # whoever has a secret does without
        try:
            report = await sync(GraphClient(settings, Isolate.cache, budget, sign), settings, log)
        finally:
            self._spare = settings.max_subrequests - budget.subrequests
        Isolate.settings = settings
        return report

    async def _tell(self, watch: Watch, clock: WorkersClock, outcome: Report | Exception, due: float) -> None:
        """Tell whom it concerns what has become of the tick, which nothing in here can change any more."""
        try:
            from bindings import ways  # whoever is not told does without
            from notify import notify

            found = ways(self.env, watch, Isolate.memory)
            try:
                budget = _budget(clock, min(watch.subrequests, self._spare), clock.now() + TELLING_SECONDS)
                await notify(watch, found, outcome, due, budget, log)
            finally:
                Isolate.memory = found.memory
        except Exception as broken:  # whatever it is
            log("warn", f"Nobody could be told: {type(broken).__name__}.")

    def _variable(self, name: str) -> object:
        return getattr(self.env, name, None)


def _budget(clock: WorkersClock, max_subrequests: int, deadline: float) -> Budget:
    random = Isolate.random = Isolate.random or Random()
    return Budget(fetch=fetch, clock=clock, random=random, max_subrequests=max_subrequests, deadline=deadline)
