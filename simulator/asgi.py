"""The tenant over HTTP, for a Worker whose requests are handed on with their real host in `X-Forwarded-Host`."""

import asyncio

from starlette.applications import Starlette
from starlette.requests import Request as HttpRequest
from starlette.responses import PlainTextResponse
from starlette.responses import Response as HttpResponse
from starlette.routing import Mount, Route
from starlette.types import ASGIApp, Receive, Scope, Send

from simulator.control import control_routes
from simulator.messages import Dropped, Request
from simulator.tenant import Tenant
from simulator.token import CLOUDS, GRAPH_HOSTS

METHODS = ["GET", "POST", "PATCH", "PUT", "DELETE"]
LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})


def create_app(tenant: Tenant) -> ASGIApp:
    """An ASGI app that answers as the tenant does, at its speed; a lost connection is one closed without an answer.

    Beside it, under `/_simulator`, what somebody at the tenant's controls can do (control.py).
    """
    endpoint = _Endpoint(tenant)
    controls = Mount("/_simulator", _OnlyFromHere(Starlette(routes=control_routes(tenant))))
    return Starlette(routes=[controls, Route("/{path:path}", endpoint, methods=METHODS)])


class _Endpoint:
    def __init__(self, tenant: Tenant) -> None:
        self._tenant = tenant

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            response = await self._answer(HttpRequest(scope, receive))
        except Dropped:
            await _lose(send)
        else:
            await response(scope, receive, send)

    async def _answer(self, http: HttpRequest) -> HttpResponse:
        if http.url.hostname not in LOOPBACK | CLOUDS.keys() | GRAPH_HOSTS:
            return _misdirected()
        query = http.scope["query_string"].decode("latin-1")
        target = http.scope["raw_path"].decode("latin-1") + (f"?{query}" if query else "")
        host = http.headers.get("x-forwarded-host", http.url.netloc)
        headers = {name: value for name, value in http.headers.items() if name not in ("host", "x-forwarded-host")}
        answer = self._tenant.handle(Request(http.method, f"https://{host}{target}", headers, await http.body()))
        if answer.delay:
            await asyncio.sleep(answer.delay)
        response = HttpResponse(answer.body, answer.status)
        for name, value in answer.headers.items():
            if name != "Date":  # the server writes its own
                response.headers[name] = value
        return response


class _OnlyFromHere:
    """Lets through what was asked of this machine by name, and by no web page of another origin."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        http = HttpRequest(scope)
        origin = http.headers.get("origin")
        here = http.url.hostname in LOOPBACK and "x-forwarded-host" not in http.headers
        allowed = here and origin in (None, f"{http.url.scheme}://{http.url.netloc}")
        await (self._app if allowed else _misdirected())(scope, receive, send)


def _misdirected() -> HttpResponse:
    """A name that somebody pointed at this machine, say, to reach it from a browser."""
    return PlainTextResponse("This server answers only for itself.", 421)


async def _lose(send: Send) -> None:
    """Promise a body and end without it: the server closes the connection."""
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"2")]})
    await send({"type": "http.response.body", "body": b""})
