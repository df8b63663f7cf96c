"""The Worker's `fetch` and clock on the administrator's own machine."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from random import Random

import httpx

from access_token import Sign, unable_to_sign
from budget import Budget, Clock, HttpRequest, HttpResponse
from graph import GraphClient, IsolateCache
from settings import Settings
from sync import TICK_SECONDS


class SystemClock:
    """The machine's time."""

    def now(self) -> float:
        """Epoch seconds."""
        return time.time()

    async def sleep(self, seconds: float) -> None:
        """Wait."""
        await asyncio.sleep(seconds)


@dataclass(slots=True)
class Connection:
    """The way to Microsoft."""

    transport: httpx.AsyncBaseTransport | None = None
    """Instead of the network."""
    clock: Clock = field(default_factory=SystemClock)
    trouble: str = ""
    """Why no answer to the latest request arrived, empty where one did."""

    @asynccontextmanager
    async def graph(self, settings: Settings) -> AsyncIterator[GraphClient]:
        """Graph, with the budget of one tick of the Worker."""
        deadline = self.clock.now() + TICK_SECONDS
        async with httpx.AsyncClient(transport=self.transport, timeout=None, follow_redirects=False) as client:  # noqa: S113  # see fetch
            budget = Budget(
                fetch=partial(self.fetch, client),
                clock=self.clock,
                random=Random(),
                max_subrequests=settings.max_subrequests,
                deadline=deadline,
            )
            yield GraphClient(settings, IsolateCache(), budget, _sign(settings))

    async def fetch(self, client: httpx.AsyncClient, request: HttpRequest) -> HttpResponse:
        """What `budget.Fetch` promises; the time limit is on the whole exchange, while httpx's own are on each wait."""
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
        return HttpResponse(response.status_code, {name.lower(): value for name, value in response.headers.items()}, response.text)

    def told(self, message: str) -> str:
        """The message, with this machine's own reason where the latest request was not answered."""
        return f"{message} On this machine: {self.trouble}." if self.trouble else message


def _sign(settings: Settings) -> Sign:
    if not settings.certificate:
        return unable_to_sign
    from risky_users.signing import sign  # brings `cryptography` along, which takes a while

    return sign
