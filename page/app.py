"""The page's own server: its files, the state, its changes as they happen, and what can be done."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator
from pathlib import Path

from sse_starlette import EventSourceResponse, ServerSentEvent
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, PlainTextResponse, Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from page.shown import shown
from page.simulation import Simulation, Unknown
from simulator.guard import OwnHostsOnly

STATIC = Path(__file__).with_name("static")

HEADERS = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src data:; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-store",
}


def create_app(simulation: Simulation, port: int, command: str) -> Starlette:
    """The page about a simulation, for a browser on this machine that asks this port; `command` starts it again."""
    page = _Page(simulation, command)
    return Starlette(
        routes=[
            Route("/", page.home),
            Mount("/static", StaticFiles(directory=STATIC)),
            Route("/api/state", page.state),
            Route("/events", page.events),
            Route("/api/users", page.add_user, methods=["POST"]),
            Route("/api/users/{user}/{action}", page.act, methods=["POST"]),
            Route("/api/everybody/{action}", page.act_on_all, methods=["POST"]),
            Route("/api/faults/{service}/{fault}/{position}", page.switch, methods=["POST"]),
            Route("/api/lane/{position}", page.lane, methods=["POST"]),
            Route("/api/cron/{position}", page.cron, methods=["POST"]),
            Route("/api/passing/{position}", page.passing, methods=["POST"]),
            Route("/api/tick", page.tick, methods=["POST"]),
        ],
        middleware=[Middleware(WithHeaders), Middleware(OwnHostsOnly, hosts=(f"127.0.0.1:{port}", f"localhost:{port}"))],
        exception_handlers={Unknown: _unknown},
        lifespan=page.lifespan,
    )


class WithHeaders:
    """Sends HEADERS with every answer."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                ours = {name.lower().encode(): value.encode() for name, value in HEADERS.items()}
                message["headers"] = [(name, value) for name, value in message["headers"] if name not in ours] + list(ours.items())
            await send(message)

        await self._app(scope, receive, with_headers)


class _Page:
    def __init__(self, simulation: Simulation, command: str) -> None:
        self._simulation, self._command = simulation, command

    @contextlib.asynccontextmanager
    async def lifespan(self, _: Starlette) -> AsyncIterator[None]:
        time = asyncio.create_task(self._simulation.keep_time())
        yield
        time.cancel()
        await self._simulation.stop()

    async def home(self, _: Request) -> Response:
        return FileResponse(STATIC / "index.html")

    async def state(self, _: Request) -> Response:
        return JSONResponse(shown(self._simulation, self._command))

    async def events(self, _: Request) -> Response:
        return EventSourceResponse(self._events())

    async def _events(self) -> AsyncIterator[ServerSentEvent]:
        async for _ in self._simulation.changes():
            yield ServerSentEvent(json.dumps(shown(self._simulation, self._command), ensure_ascii=False))

    async def add_user(self, _: Request) -> Response:
        self._simulation.add_user()
        return Response(status_code=204)

    async def act(self, request: Request) -> Response:
        self._simulation.act(request.path_params["user"], request.path_params["action"])
        return Response(status_code=204)

    async def act_on_all(self, request: Request) -> Response:
        self._simulation.act_on_all(request.query_params.get("named", ""), request.path_params["action"])
        return Response(status_code=204)

    async def switch(self, request: Request) -> Response:
        self._simulation.switch(request.path_params["service"], request.path_params["fault"], _on(request))
        return Response(status_code=204)

    async def lane(self, request: Request) -> Response:
        self._simulation.use_lane(_on(request))
        return Response(status_code=204)

    async def cron(self, request: Request) -> Response:
        self._simulation.run_every_minute(_on(request))
        return Response(status_code=204)

    async def passing(self, request: Request) -> Response:
        self._simulation.pass_time(_on(request))
        return Response(status_code=204)

    async def tick(self, _: Request) -> Response:
        return Response(status_code=204 if self._simulation.tick() else 409)


def _on(request: Request) -> bool:
    """Raises Unknown."""
    position = request.path_params["position"]
    if position not in ("on", "off"):
        raise Unknown(position)
    return bool(position == "on")


async def _unknown(_: Request, error: Exception) -> Response:
    return PlainTextResponse(f"There is no {error}.\n", 404)
