"""The page's own server: three files, the state, its changes as they happen, and what can be done."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Iterable
from pathlib import Path

from sse_starlette import EventSourceResponse, ServerSentEvent
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, PlainTextResponse, Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from page.simulation import Simulation, Unknown

STATIC = Path(__file__).with_name("static")

HEADERS = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src data:; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-store",
}


def create_app(simulation: Simulation, port: int) -> Starlette:
    """The page about a simulation, for a browser on this machine that asks this port."""
    page = _Page(simulation)
    return Starlette(
        routes=[
            Route("/", page.home),
            Mount("/static", StaticFiles(directory=STATIC)),
            Route("/api/state", page.state),
            Route("/events", page.events),
            Route("/api/users", page.add_user, methods=["POST"]),
            Route("/api/users/{user}/{action}", page.act, methods=["POST"]),
            Route("/api/faults/{fault}/{position}", page.switch, methods=["POST"]),
            Route("/api/cron/{position}", page.cron, methods=["POST"]),
            Route("/api/tick", page.tick, methods=["POST"]),
        ],
        middleware=[Middleware(OwnPageOnly, hosts=(f"127.0.0.1:{port}", f"localhost:{port}"))],
        exception_handlers={Unknown: _unknown},
        lifespan=page.lifespan,
    )


class OwnPageOnly:
    """Refuses what another site's page may send to the loopback, under its own name (DNS rebinding) or under ours.

    Host must be one of `hosts`. Origin must be one of them too, on whatever changes something; a browser leaves it out of
    plain GETs only.
    """

    def __init__(self, app: ASGIApp, hosts: Iterable[str]) -> None:
        self._app, self._hosts = app, tuple(hosts)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and not self._welcome(Request(scope)):
            refusal = PlainTextResponse("This page answers to itself only.\n", 403, HEADERS)
            await refusal(scope, receive, send)
            return

        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                ours = {name.lower().encode(): value.encode() for name, value in HEADERS.items()}
                message["headers"] = [(name, value) for name, value in message["headers"] if name not in ours] + list(ours.items())
            await send(message)

        await self._app(scope, receive, with_headers)

    def _welcome(self, request: Request) -> bool:
        origin = request.headers.get("origin")
        if request.headers.get("host") not in self._hosts:
            return False
        if origin is None:
            return request.method in ("GET", "HEAD")
        return origin in [f"http://{host}" for host in self._hosts]


class _Page:
    def __init__(self, simulation: Simulation) -> None:
        self._simulation = simulation

    @contextlib.asynccontextmanager
    async def lifespan(self, _: Starlette) -> AsyncIterator[None]:
        time = asyncio.create_task(self._simulation.keep_time())
        yield
        time.cancel()
        await self._simulation.stop()

    async def home(self, _: Request) -> Response:
        return FileResponse(STATIC / "index.html")

    async def state(self, _: Request) -> Response:
        return JSONResponse(self._simulation.state())

    async def events(self, _: Request) -> Response:
        return EventSourceResponse(self._events())

    async def _events(self) -> AsyncIterator[ServerSentEvent]:
        async for state in self._simulation.states():
            yield ServerSentEvent(json.dumps(state, ensure_ascii=False))

    async def add_user(self, _: Request) -> Response:
        self._simulation.add_user()
        return Response(status_code=204)

    async def act(self, request: Request) -> Response:
        self._simulation.act(request.path_params["user"], request.path_params["action"])
        return Response(status_code=204)

    async def switch(self, request: Request) -> Response:
        self._simulation.switch(request.path_params["fault"], _on(request))
        return Response(status_code=204)

    async def cron(self, request: Request) -> Response:
        self._simulation.run_every_minute(_on(request))
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
