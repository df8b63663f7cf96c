"""The tenant over HTTP, for a Worker whose requests are handed on with their real host in `X-Forwarded-Host`."""

import asyncio

from starlette.applications import Starlette
from starlette.requests import Request as HttpRequest
from starlette.responses import Response as HttpResponse
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from simulator.messages import Dropped, Request
from simulator.tenant import Tenant

METHODS = ["GET", "POST", "PATCH", "PUT", "DELETE"]


def create_app(tenant: Tenant) -> Starlette:
    """An ASGI app that answers as the tenant does, at its speed; a lost connection is one closed without an answer."""
    return Starlette(routes=[Route("/{path:path}", _Endpoint(tenant), methods=METHODS)])


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
        query = http.scope["query_string"].decode("latin-1")
        target = http.scope["raw_path"].decode("latin-1") + (f"?{query}" if query else "")
        host = http.headers.get("x-forwarded-host", http.url.netloc)
        headers = {name: value for name, value in http.headers.items() if name not in ("host", "x-forwarded-host")}
        answer = self._tenant.handle(Request(http.method, f"https://{host}{target}", headers, await http.body()))
        if answer.delay:
            await asyncio.sleep(answer.delay)
        response = HttpResponse(answer.body, answer.status)
        for name, value in answer.headers.items():
            response.headers[name] = value
        return response


async def _lose(send: Send) -> None:
    """Promise a body and end without it: the server closes the connection."""
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"2")]})
    await send({"type": "http.response.body", "body": b""})
