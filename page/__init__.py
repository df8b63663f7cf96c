"""A page to watch and poke the simulated chain from risk to isolated browser, with the Worker in workerd. Nothing leaves this machine.

serve(users=12, seed=1, port=8765)
"""

import contextlib
import socket
import sys

import uvicorn
from starlette.types import ASGIApp, Receive, Scope, Send

from page.app import create_app
from page.clock import Clock
from page.command import as_typed
from page.simulation import Simulation
from runtime import Worker
from simulator import Chain
from simulator.asgi import create_app as create_services_app
from simulator.receivers import Receivers

MAY_READ_MAIL = "User.ReadBasic.All"


def serve(users: int = 12, seed: int = 1, port: int = 8765) -> None:
    """Serve the page on 127.0.0.1 until Ctrl-C; `users` at risk, `port` 0 for a free one. Prints the address.

    Raises OSError where the port is taken, RuntimeError where the Worker does not start.
    """
    clock = Clock()
    chain, receivers = Chain.contoso(users, seed, clock.now), Receivers(clock.now)
    chain.tenant.app.permissions.add(MAY_READ_MAIL)
    worker = Worker(bindings={"kvNamespaces": ["ALERT_STATE"]})
    simulation = Simulation(chain, receivers, clock, worker)
    with _listening(port) as for_people, _listening(0) as for_worker:
        worker.vars, worker.outbound = simulation.variables, f"http://127.0.0.1:{_port(for_worker)}"
        print("Starting workerd and Python …", flush=True)
        with worker:
            page = create_app(simulation, _port(for_people), as_typed())
            app = _Both(page, create_services_app(chain.tenant, chain.account, receivers), _port(for_worker))
            # "critical", because a connection that the simulator means to lose is an error to uvicorn
            server = uvicorn.Server(uvicorn.Config(app, log_level="critical", lifespan="on", timeout_graceful_shutdown=1))
            print(f"From risk to isolated browser: http://127.0.0.1:{_port(for_people)}\nCtrl-C ends it.", flush=True)
            with contextlib.suppress(KeyboardInterrupt):
                server.run([for_people, for_worker])


class _Both:
    """The page and the services in one event loop, so that neither changes while the other reads; each has its own port."""

    def __init__(self, page: ASGIApp, services: ASGIApp, services_port: int) -> None:
        self._page, self._services, self._services_port = page, services, services_port

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        for_services = scope["type"] == "http" and scope["server"][1] == self._services_port
        await (self._services if for_services else self._page)(scope, receive, send)


def _listening(port: int) -> socket.socket:
    """A socket that listens on the loopback: from now on the port is ours, and who comes early waits."""
    listener = socket.socket()
    if sys.platform != "win32":  # where two programs would then share the port
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind(("127.0.0.1", port))
        listener.listen()
    except OSError as error:
        listener.close()
        why = f"Port {port} cannot be had ({error.strerror})"
        raise OSError(f"{why}: choose another with --port, or --port 0 for any that is free.") from error
    return listener


def _port(listener: socket.socket) -> int:
    port: int = listener.getsockname()[1]
    return port
