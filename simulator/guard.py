"""Whom a server on this machine answers: whoever asks for it by its own names, and no other site's page in a browser."""

from collections.abc import Collection
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send

LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})


class OwnHostsOnly:
    """Refuses what another site's page may send here, under its own name (DNS rebinding) or, from its own Origin, under ours.

    `hosts` are names, each with the only port at which it is meant or, without one, at any. A browser sends an Origin with whatever
    may change something (https://fetch.spec.whatwg.org/#origin-header); what is no browser need not.
    """

    def __init__(self, app: ASGIApp, hosts: Collection[str]) -> None:
        self._app, self._hosts = app, frozenset(hosts)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        welcome = scope["type"] != "http" or self._welcome(Headers(scope=scope))
        await (self._app if welcome else PlainTextResponse("This server answers only for itself.\n", 421))(scope, receive, send)

    def _welcome(self, headers: Headers) -> bool:
        origin = headers.get("origin")
        return self._ours(headers.get("host", "")) and (origin is None or (origin.startswith("http://") and self._ours(origin[7:])))

    def _ours(self, host: str) -> bool:
        try:
            return host in self._hosts or urlsplit(f"//{host}").hostname in self._hosts
        except ValueError:  # as with a bracket that is not closed
            return False
