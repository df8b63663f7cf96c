"""Serves an ASGI app on the loopback from a thread, for as long as a block lasts."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import uvicorn
from starlette.types import ASGIApp


@contextmanager
def serving(app: ASGIApp, pem: Path | None = None) -> Iterator[str]:
    """Serve `app` on a free loopback port for the block's duration, with the key and certificate of `pem`; gives its address."""
    # "critical", because a connection that the simulator means to lose is an error to uvicorn
    config = uvicorn.Config(
        app, host="127.0.0.1", port=0, log_level="critical", lifespan="off", timeout_graceful_shutdown=1, ssl_certfile=pem
    )
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    for _ in range(1000):
        if server.started:
            break
        thread.join(0.01)
    else:
        raise RuntimeError("the server does not start")
    port = server.servers[0].sockets[0].getsockname()[1]
    try:
        yield f"{'https' if pem else 'http'}://127.0.0.1:{port}"
    finally:
        server.should_exit = True
        thread.join(10)
