"""The Worker's `fetch` and clock on the administrator's own machine."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from random import Random

import httpx

from graph import AuthError, Graph, Memory
from settings import Settings
from sync import TICK_SECONDS
from wire import Clock, Reply, Request


class SystemClock:
    """The machine's time."""

    def now(self) -> float:
        """Epoch seconds."""
        return time.time()

    async def sleep(self, seconds: float) -> None:
        """Wait."""
        await asyncio.sleep(seconds)


@dataclass(slots=True)
class Web:
    """The way to Microsoft."""

    transport: httpx.AsyncBaseTransport | None = None
    """Instead of the network."""
    clock: Clock = field(default_factory=SystemClock)
    trouble: str = ""
    """Why no answer to the latest request arrived, empty where one did."""

    @asynccontextmanager
    async def graph(self, settings: Settings) -> AsyncIterator[Graph]:
        """Graph, with the budget of one tick of the Worker. An AuthError for want of an answer tells this machine's reason."""
        deadline = self.clock.now() + TICK_SECONDS
        async with httpx.AsyncClient(transport=self.transport, timeout=None, follow_redirects=False) as client:  # noqa: S113  # see fetch
            fetch = partial(self.fetch, client)
            try:
                yield Graph(settings, Memory(), fetch=fetch, clock=self.clock, random=Random(), deadline=deadline)
            except AuthError as error:
                if not self.trouble:
                    raise
                message = f"{error} On this machine: {self.trouble}."
                raise AuthError(message, code=error.code, request_ids=error.request_ids) from error

    async def fetch(self, client: httpx.AsyncClient, request: Request) -> Reply:
        """What `wire.Fetch` promises; the time limit is on the whole exchange, while httpx's own are on each wait."""
        try:
            async with asyncio.timeout(request.timeout):
                response = await client.request(request.method, request.url, headers={**request.headers}, content=request.body.encode())
        except TimeoutError:
            self.trouble = f"no answer within {request.timeout:.0f} s"
            raise
        except httpx.HTTPError as error:
            self.trouble = f"{type(error).__name__}: {error}"
            raise OSError(self.trouble) from error
        self.trouble = ""
        return Reply(response.status_code, {name.lower(): value for name, value in response.headers.items()}, response.text)
