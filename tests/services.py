"""Simulated services behind an httpx transport, in this process; time passes only when someone waits."""

import httpx

import simulator
from budget import Clock
from simulator.asgi import Simulated


def in_process(clock: Clock, *services: Simulated) -> httpx.MockTransport:
    """A transport to these services alone: any other host cannot be reached."""
    by_host = {host: service for service in services for host in service.hosts}

    async def answer(request: httpx.Request) -> httpx.Response:
        service = by_host.get(request.url.host)
        if service is None:
            raise httpx.ConnectError("[Errno -2] Name or service not known")
        try:
            response = service.handle(simulator.Request(request.method, str(request.url), dict(request.headers), request.content))
        except simulator.Dropped as error:
            raise httpx.ReadError("the connection was lost") from error
        await clock.sleep(response.delay)
        return httpx.Response(response.status, headers=dict(response.headers), content=response.body)

    return httpx.MockTransport(answer)
