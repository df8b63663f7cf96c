"""Prints what the runtime does where the Worker relies on it; expected.json beside it is what every runtime is held to."""

import asyncio
import json
import logging
import sys
import time

import js
import pyodide_http
from pyodide.ffi import to_js
from workers import WorkerEntrypoint, fetch

seen = 0


class Default(WorkerEntrypoint):
    async def scheduled(self, controller, env, ctx):
        global seen
        seen += 1
        if self.env.PROBE == "raise":
            raise LookupError("nothing is caught")
        if self.env.PROBE == "refused":
            show("refused connection", await raised_by(fetch("https://graph.example/")))
            show("time", time.time())
            return
        show("arguments", [env, ctx, controller.cron, type(controller.scheduledTime).__name__, controller.scheduledTime])
        show("python", ".".join(map(str, sys.version_info[:2])))
        show("globals survive", seen)
        show("pyodide_http should patch", pyodide_http.should_patch())
        self.bindings()
        await self.requests()
        await timers()
        levels()
        controller.noRetry()

    def bindings(self):
        show("var", [type(self.env.PROBE).__name__, self.env.AWKWARD])
        show("missing binding", raised(lambda: self.env.NOT_THERE))
        show("missing binding, asked for", getattr(self.env, "NOT_THERE", None))

    async def requests(self):
        url = "https://graph.example/v1.0/echo?$filter=a%20eq%20%27b%27"
        answer = await fetch(url, method="POST", headers={"X-Probe": "yes", "Content-Type": "application/json"}, body="[1]")
        show("answer", [answer.status, answer.headers["content-type"], json.loads(await answer.text())])
        refusal = await fetch("https://graph.example/status/429")
        show("a refusal does not raise", [refusal.status, refusal.headers["Retry-After"]])
        moved = await fetch("https://graph.example/status/302", redirect="manual")
        show("a redirect is not followed when told so", moved.status)
        show("timed out", await raised_by(fetch("https://graph.example/slow", signal=js.AbortSignal.timeout(50))))
        together = await asyncio.gather(*(fetch(f"https://graph.example/status/{status}") for status in (200, 404, 503)))
        show("together", [each.status for each in together])


async def timers():
    began = time.monotonic()
    await asyncio.sleep(0.05)
    show("slept", 0.04 < time.monotonic() - began < 2)
    show("wait_for", await raised_by(asyncio.wait_for(asyncio.sleep(5), 0.01)))


def levels():
    print("printed")
    print("to stderr", file=sys.stderr)
    logging.getLogger("probe").warning("logged without a handler")
    for level in ("debug", "log", "info", "warn", "error"):
        getattr(js.console, level)(level)
    js.console.log(to_js({"outcome": "ok", "counts": {"high": 1}}, dict_converter=js.Object.fromEntries))


def show(what, value):
    print(f"{what}: {json.dumps(value)}")


def raised(call):
    try:
        call()
    except Exception as error:
        return names(error)
    return "nothing"


async def raised_by(awaitable):
    try:
        await awaitable
    except Exception as error:
        return names(error)
    return "nothing"


def names(error):
    return [each.__name__ for each in type(error).__mro__ if each not in (Exception, BaseException, object)]
