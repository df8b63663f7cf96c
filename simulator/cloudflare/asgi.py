"""The account over HTTP, for clients that are told another base URL than Cloudflare's, or are handed on by a proxy."""

from starlette.types import ASGIApp, Receive, Scope, Send

from simulator.asgi import _Endpoint as Endpoint
from simulator.cloudflare.account import Account
from simulator.cloudflare.front import HOST


def create_app(account: Account) -> ASGIApp:
    """An ASGI app that answers as the account does, at its speed; who names no host in `X-Forwarded-Host` means Cloudflare's."""
    endpoint = Endpoint(account)  # type: ignore[arg-type]  # of a tenant it takes `handle` alone

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        names = {name for name, _ in scope.get("headers", ())}
        if scope["type"] == "http" and b"x-forwarded-host" not in names:
            scope = {**scope, "headers": [*scope["headers"], (b"x-forwarded-host", HOST.encode())]}
        await endpoint(scope, receive, send)

    return app
