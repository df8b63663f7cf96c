"""Simulated services over HTTP, for a Worker whose requests are handed on with their real host in `X-Forwarded-Host`."""

import asyncio
from collections.abc import Collection
from typing import Protocol

from starlette import requests, responses
from starlette.applications import Starlette
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from simulator.guard import LOOPBACK, OwnHostsOnly
from simulator.messages import Dropped, Request, Response

METHODS = ["GET", "POST", "PATCH", "PUT", "DELETE"]


class Simulated(Protocol):
    """A service that answers in place of some hosts."""

    @property
    def hosts(self) -> Collection[str]: ...

    def handle(self, request: Request) -> Response: ...


def create_app(*services: Simulated, host: str = "") -> ASGIApp:
    """An ASGI app that answers as the services do, at their speed; a lost connection is one closed without an answer.

    Whoever comes to this machine without `X-Forwarded-Host`, a client that was only told another base URL, means `host`.
    What is meant for a host of none of the services goes to the first, which notices.
    """
    hosts = LOOPBACK | {host for service in services for host in service.hosts}
    return OwnHostsOnly(Starlette(routes=[Route("/{path:path}", _Endpoint(services, host), methods=METHODS)]), hosts)


class _Endpoint:
    def __init__(self, services: Collection[Simulated], host: str) -> None:
        self._first, self._host = next(iter(services)), host
        self._services = {host: service for service in services for host in service.hosts}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            response = await self._answer(requests.Request(scope, receive))
        except Dropped:
            await _lose(send)
        else:
            await response(scope, receive, send)

    async def _answer(self, http: requests.Request) -> responses.Response:
        query = http.scope["query_string"].decode("latin-1")
        target = http.scope["raw_path"].decode("latin-1") + (f"?{query}" if query else "")
        named = self._host if self._host and http.url.hostname in LOOPBACK else http.url.netloc
        host = http.headers.get("x-forwarded-host", named)
        headers = {name: value for name, value in http.headers.items() if name not in ("host", "x-forwarded-host")}
        service = self._services.get(host.partition(":")[0], self._first)
        answer = service.handle(Request(http.method, f"https://{host}{target}", headers, await http.body()))
        if answer.delay:
            await asyncio.sleep(answer.delay)
        response = responses.Response(answer.body, answer.status)
        for name, value in answer.headers.items():
            if name != "Date":  # the server writes its own
                response.headers[name] = value
        return response


async def _lose(send: Send) -> None:
    """Promise a body and end without it: the server closes the connection."""
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"2")]})
    await send({"type": "http.response.body", "body": b""})
