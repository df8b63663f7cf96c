"""A page to watch and poke the simulated tenant, with the Worker in workerd beside it. Nothing leaves this machine.

serve(users=12, seed=1, port=8765)
"""

import contextlib
import socket
import sys

import uvicorn
from starlette.types import ASGIApp, Receive, Scope, Send

from page.app import create_app
from page.clock import Clock
from page.simulation import Simulation
from runtime import Worker
from simulator import Tenant
from simulator.asgi import create_app as create_tenant_app


def serve(users: int = 12, seed: int = 1, port: int = 8765) -> None:
    """Serve the page on 127.0.0.1 until Ctrl-C; `users` at risk, `port` 0 for a free one. Prints the address.

    Raises OSError where the port is taken, RuntimeError where the Worker does not start.
    """
    clock = Clock()
    tenant = Tenant.contoso(risky=users, seed=seed, clock=clock.now)
    with _listening(port) as for_people, _listening(0) as for_worker:
        print("Starting workerd and Python …", flush=True)
        with Worker(vars=tenant.worker_variables, outbound=f"http://127.0.0.1:{_port(for_worker)}") as worker:
            app = _Both(create_app(Simulation(tenant, clock, worker), _port(for_people)), create_tenant_app(tenant), _port(for_worker))
            # "critical", because a connection that the simulator means to lose is an error to uvicorn
            server = uvicorn.Server(uvicorn.Config(app, log_level="critical", lifespan="on", timeout_graceful_shutdown=1))
            print(f"The tenant, the Worker and what they do: http://127.0.0.1:{_port(for_people)}\nCtrl-C ends it.", flush=True)
            with contextlib.suppress(KeyboardInterrupt):
                server.run([for_people, for_worker])


class _Both:
    """The page and the tenant in one event loop, so that neither changes while the other reads; each has its own port."""

    def __init__(self, page: ASGIApp, tenant: ASGIApp, tenant_port: int) -> None:
        self._page, self._tenant, self._tenant_port = page, tenant, tenant_port

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        for_tenant = scope["type"] == "http" and scope["server"][1] == self._tenant_port
        await (self._tenant if for_tenant else self._page)(scope, receive, send)


def _listening(port: int) -> socket.socket:
    """A socket that listens on the loopback: from now on the port is ours, and who comes early waits."""
    listener = socket.socket()
    if sys.platform != "win32":  # where two programs would then share the port
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind(("127.0.0.1", port))
        listener.listen()
    except OSError:
        listener.close()
        raise
    return listener


def _port(listener: socket.socket) -> int:
    port: int = listener.getsockname()[1]
    return port
