"""Azure's endpoint for managed identities, on this machine: https://learn.microsoft.com/azure/app-service/overview-managed-identity."""

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

import simulator
from runtime.serving import serving
from text import percent_encode

HEADER = "853b9a84-5bfa-4b22-a3f3-0b9a43d9ad8a"


@dataclass
class Azure:
    """Where it listens, and what it was asked for: queries. `off` is an app without an identity."""

    tenant: simulator.Tenant
    environment: dict[str, str] = field(default_factory=dict)
    asked: list[dict[str, str]] = field(default_factory=list)
    off: bool = False

    def answer(self, request: Request) -> JSONResponse:
        self.asked.append(dict(request.query_params))
        if request.headers.get("x-identity-header") != HEADER or request.query_params.get("api-version") != "2019-08-01":
            return JSONResponse({"statusCode": 401, "message": "Unauthorized"}, 401)
        if self.off:
            return JSONResponse({"statusCode": 400, "message": "No managed identity found"}, 400)
        return JSONResponse({"access_token": self._token(), "expires_on": str(int(time.time()) + 86400), "token_type": "Bearer"})

    def _token(self) -> str:
        """One that Graph takes: the app's own stands for the identity's."""
        given = self.tenant.worker_variables
        fields = {
            "client_id": given["AZURE_AD_CLIENT_ID"],
            "client_secret": given["AZURE_AD_CLIENT_SECRET"],
            "grant_type": "client_credentials",
            "scope": "https://graph.microsoft.com/.default",
        }
        body = "&".join(f"{name}={percent_encode(value)}" for name, value in fields.items())
        url = f"https://login.microsoftonline.com/{given['AZURE_AD_TENANT_ID']}/oauth2/v2.0/token"
        headers = {"content-type": "application/x-www-form-urlencoded"}
        token: str = json.loads(self.tenant.handle(simulator.Request("POST", url, headers, body.encode())).body)["access_token"]
        return token


@contextmanager
def azure(tenant: simulator.Tenant) -> Iterator[Azure]:
    """The endpoint for as long as a block lasts, with the variables that an app finds it by."""
    found = Azure(tenant)

    async def answer(request: Request) -> JSONResponse:
        return found.answer(request)

    with serving(Starlette(routes=[Route("/msi/token", answer)])) as address:
        found.environment = {"IDENTITY_ENDPOINT": f"{address}/msi/token", "IDENTITY_HEADER": HEADER}
        yield found
