"""The Worker: a cron event in, one sync, its outcome out."""

import asyncio
import time
from collections.abc import Mapping
from random import Random
from typing import Protocol

import js
from pyodide.ffi import JsException, to_js
from workers import WorkerEntrypoint

from graph import Graph, Memory
from log import LEVELS, log_to
from settings import ConfigError, Settings, read_settings
from sync import TICK_SECONDS, sync
from wire import REQUEST_SECONDS, Reply, Request


def as_object(fields: Mapping[str, object]) -> object:
    """A dict as a JavaScript object."""
    return to_js(fields, dict_converter=js.Object.fromEntries)


log = log_to(js.console, as_object)


class Controller(Protocol):
    """The cron event's own controls (https://developers.cloudflare.com/workers/runtime-apis/handlers/scheduled/)."""

    def noRetry(self) -> None:  # noqa: N802  # JavaScript's name
        """Ask the runtime not to repeat this event when it fails."""


class Isolate:
    """What outlives a tick as long as the runtime keeps the isolate: a cache, and until when a tick may still be running."""

    memory = Memory()
    busy_until = 0.0
    settings: Settings | None = None
    """Those of the last tick, if it succeeded: other vars or secrets are another deployment, in isolates of its own."""
    random: Random | None = None
    """There is no randomness before the first event."""


class WorkersClock:
    """The runtime's own time."""

    def now(self) -> float:
        """Epoch seconds; they stand still but for I/O."""
        return time.time()

    async def sleep(self, seconds: float) -> None:
        """Wait."""
        await asyncio.sleep(seconds)


async def send(request: Request) -> Reply:
    """One HTTP request, as `wire.Fetch` promises.

    Through JavaScript's own fetch, with the body as bytes, and with headers only of an answer that is no success: each takes
    less CPU than what the SDK makes of them.
    """
    try:
        response = await js.fetch(
            request.url,
            method=request.method,
            headers=as_object(request.headers),
            body=request.body,
            redirect="manual",
            signal=js.AbortSignal.timeout(int(request.timeout * 1000)),
        )
        body = await response.arrayBuffer()
        headers = {} if response.ok else js.Object.fromEntries(response.headers).to_py()
        return Reply(response.status, headers, body.to_bytes().decode(errors="replace"))
    except JsException as error:
        raise OSError(error.name) from None


class Default(WorkerEntrypoint):
    """What the runtime instantiates for each event."""

    async def scheduled(self, controller: Controller, env: object, ctx: object) -> None:
        """One tick. A tick that failed raises, so that the dashboard and `wrangler tail` show it."""
        controller.noRetry()  # the next minute is the retry
        clock = WorkersClock()
        if clock.now() < Isolate.busy_until:
            log.warning("The tick before is still running in this isolate; this one leaves the work to it.")
            return
        Isolate.busy_until = clock.now() + TICK_SECONDS + REQUEST_SECONDS
        try:
            await self._tick(clock)
        finally:
            Isolate.busy_until = 0.0

    async def _tick(self, clock: WorkersClock) -> None:
        settings = Isolate.settings or self._settings()
        Isolate.settings = None
        random = Isolate.random = Isolate.random or Random()
        deadline = clock.now() + TICK_SECONDS
        await sync(Graph(settings, Isolate.memory, fetch=send, clock=clock, random=random, deadline=deadline), settings)
        Isolate.settings = settings

    def _settings(self) -> Settings:
        try:
            settings = read_settings(lambda name: getattr(self.env, name, None))
        except ConfigError as error:
            for problem in error.problems:
                log.error("%s", problem)
            raise
        log.setLevel(LEVELS[settings.log_level])
        return settings
