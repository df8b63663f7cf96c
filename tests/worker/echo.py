"""A small server for the probe Worker to call; it shows what arrives, and misbehaves when asked to."""

import asyncio

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route


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
