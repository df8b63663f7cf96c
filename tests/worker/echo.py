"""A small server for the probe Worker to call; it shows what arrives, and misbehaves when asked to."""

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp


@contextmanager
def serving(app: ASGIApp) -> Iterator[str]:
    """Serve `app` on a free loopback port for the block's duration; gives its address."""
    server = uvicorn.Server(uvicorn.Config(app, host="127.0.0.1", port=0, log_level="warning", lifespan="off", timeout_graceful_shutdown=1))
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
        yield f"http://127.0.0.1:{port}"
    finally:
        server.should_exit = True
        thread.join(10)


async def echo(request: Request) -> Response:
    target = request.scope["raw_path"].decode() + "?" + request.scope["query_string"].decode()
    return JSONResponse(
        {
            "method": request.method,
            "host": request.headers["x-forwarded-host"],
            "target": target,
            "probe": request.headers.get("x-probe"),
            "body": (await request.body()).decode(),
        }
    )


async def status(request: Request) -> Response:
    headers = {"Retry-After": "7", "Location": "https://graph.example/echo"}
    return Response(status_code=request.path_params["status"], headers=headers)


async def slow(_: Request) -> Response:
    await asyncio.sleep(0.5)
    return Response()


app = Starlette(
    routes=[
        Route("/v1.0/echo", echo, methods=["GET", "POST"]),
        Route("/status/{status:int}", status),
        Route("/slow", slow),
    ]
)
