"""The Worker's `fetch` and clock on the administrator's own machine."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from random import Random

import httpx

from graph import Graph, Memory
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
    """The way to Microsoft. `trouble` is the latest reason why no answer arrived, empty if none failed to."""

    transport: httpx.AsyncBaseTransport | None = None
    """Instead of the network."""
    clock: Clock = field(default_factory=SystemClock)
    trouble: str = ""

    @asynccontextmanager
    async def graph(self, settings: Settings) -> AsyncIterator[Graph]:
        """Graph, with the budget of one tick of the Worker."""
        async with httpx.AsyncClient(transport=self.transport, timeout=None, follow_redirects=False) as client:  # noqa: S113  # below

            async def fetch(request: Request) -> Reply:
                try:
                    async with asyncio.timeout(request.timeout):
                        response = await client.request(
                            request.method, request.url, headers=dict(request.headers), content=request.body.encode()
                        )
                except TimeoutError:
                    self.trouble = f"no answer within {request.timeout:.0f} s"
                    raise
                except httpx.HTTPError as error:
                    self.trouble = f"{type(error).__name__}: {error}"
                    raise OSError(self.trouble) from error
                return Reply(response.status_code, {name.lower(): value for name, value in response.headers.items()}, response.text)

            deadline = self.clock.now() + TICK_SECONDS
            yield Graph(settings, Memory(), fetch=fetch, clock=self.clock, random=Random(), deadline=deadline)
