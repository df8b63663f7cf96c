"""The Worker's `fetch` and clock on the administrator's own machine."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Coroutine, Generator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from random import Random

import httpx

from access_token import Sign, unable_to_sign
from budget import Budget, Clock, HttpRequest, HttpResponse
from errors import AuthError
from graph import GraphClient, IsolateCache
from risky_users.managed_identity import ManagedIdentity
from risky_users.network import CONNECT_SECONDS, AsyncNetwork, no_connection
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


@dataclass(frozen=True, slots=True)
class Waited:
    """An answer whose request goes out when somebody waits for it: whoever is interrupted before leaves nothing behind."""

    request: Callable[[], Coroutine[object, None, HttpResponse]]

    def __await__(self) -> Generator[object, None, HttpResponse]:
        return self.request().__await__()


@dataclass(slots=True)
class Connection:
    """The way to Microsoft."""

    transport: httpx.AsyncBaseTransport | None = None
    """Instead of the network."""
    clock: Clock = field(default_factory=SystemClock)
    trouble: str = ""
    """Why no answer to the latest request arrived, empty where one did."""
    answered: bool = False
    """Whether any request ever was."""
    identity: ManagedIdentity | None = None
    """Where tokens come from instead of Entra's token endpoint."""

    @asynccontextmanager
    async def graph(self, settings: Settings, cache: IsolateCache | None = None, *, spare: int = 0) -> AsyncIterator[GraphClient]:
        """Graph, with the budget of one tick of the Worker, less the subrequests to spare. Raises ConfigError where this machine's
        own settings are wrong."""
        async with self.client() as client:
            budget = self.budget(client, settings.max_subrequests - spare, TICK_SECONDS)
            yield GraphClient(settings, cache or IsolateCache(), budget, signer(settings))

    def client(self) -> httpx.AsyncClient:
        """What requests are sent with. Raises ConfigError."""
        timeout = httpx.Timeout(None, connect=CONNECT_SECONDS)  # the rest is for `fetch` to limit
        return httpx.AsyncClient(transport=self.transport or AsyncNetwork(), timeout=timeout, follow_redirects=False, trust_env=False)

    def budget(self, client: httpx.AsyncClient, max_subrequests: int, seconds: float) -> Budget:
        """So many requests within so many seconds from now."""

        def fetch(request: HttpRequest) -> Waited:
            return Waited(partial(self.fetch, client, request))

        deadline = self.clock.now() + seconds
        return Budget(fetch=fetch, clock=self.clock, random=Random(), max_subrequests=max_subrequests, deadline=deadline)

    async def fetch(self, client: httpx.AsyncClient, request: HttpRequest) -> HttpResponse:
        """What `budget.Fetch` promises; the time limit is on the whole exchange, while httpx's own are on each wait.

        Raises AuthError where a first connection does not come about, for whatever is wrong there does not pass in seconds, and
        where a managed identity has no token.
        """
        if self.identity and request.url.endswith("/oauth2/v2.0/token"):
            return await asyncio.to_thread(self.identity.token)
        try:
            async with asyncio.timeout(request.timeout):
                response = await client.request(request.method, request.url, headers={**request.headers}, content=request.body.encode())
        except TimeoutError:
            self.trouble = f"no answer within {request.timeout:.0f} s"
            raise
        except httpx.HTTPError as error:
            if not self.answered and (why := no_connection(error, httpx.URL(request.url))):
                raise AuthError(why) from error
            self.trouble = f"{type(error).__name__}: {error}"
            raise OSError(self.trouble) from error
        self.trouble, self.answered = "", True
        return HttpResponse(response.status_code, {name.lower(): value for name, value in response.headers.items()}, response.text)

    def told(self, message: str) -> str:
        """The message, with this machine's own reason where the latest request was not answered."""
        return f"{message} On this machine: {self.trouble}." if self.trouble else message


def signer(settings: Settings) -> Sign:
    """What signs with the settings' certificate, if they have one."""
    if not settings.certificate:
        return unable_to_sign
    from risky_users.signing import sign  # brings `cryptography` along, which takes a while

    return sign
