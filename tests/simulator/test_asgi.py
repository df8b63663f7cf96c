"""Services over HTTP, for this machine only."""

import asyncio
from collections.abc import Mapping

import httpx
import pytest

from simulator import Fault, Request, Response, Tenant
from simulator.asgi import Simulated, create_app

pytestmark = pytest.mark.any_request

TOKEN = {"grant_type": "client_credentials", "scope": "https://graph.microsoft.com/.default"}


class Http:
    """Requests to the app, without sockets."""

    def __init__(self, *services: Simulated, base_url: str = "http://127.0.0.1:8400", host: str = "") -> None:
        self._app, self._base_url = create_app(*services, host=host), base_url

    def request(
        self, method: str, path: str, *, headers: Mapping[str, str] | None = None, data: Mapping[str, str] | None = None
    ) -> httpx.Response:
        async def ask() -> httpx.Response:
            transport = httpx.ASGITransport(self._app)
            async with httpx.AsyncClient(transport=transport, base_url=self._base_url) as client:
                return await client.request(method, path, headers=headers, data=data)

        return asyncio.run(ask())

    def get(self, path: str, headers: Mapping[str, str] | None = None) -> httpx.Response:
        return self.request("GET", path, headers=headers)


@pytest.fixture
def tenant() -> Tenant:
    return Tenant.contoso()


@pytest.fixture
def http(tenant: Tenant) -> Http:
    return Http(tenant)


def test_the_host_that_was_meant_is_the_one_that_answers(tenant: Tenant, http: Http) -> None:
    form = {**TOKEN, "client_id": tenant.app.client_id, "client_secret": tenant.app.secret}
    answer = http.request("POST", f"/{tenant.id}/oauth2/v2.0/token", data=form, headers={"X-Forwarded-Host": "login.microsoftonline.com"})
    headers = {"Authorization": f"Bearer {answer.json()['access_token']}", "X-Forwarded-Host": "graph.microsoft.com"}
    chosen = "/v1.0/identityProtection/riskyUsers?$filter=riskLevel%20eq%20%27high%27&$top=1"
    page = http.get(chosen, headers=headers)
    assert len(page.json()["value"]) == 1
    assert tenant.requests[-1].url == f"https://graph.microsoft.com{chosen}"
    assert page.headers["content-type"].startswith("application/json")
    http.get("/v1.0/groups", headers={**headers, "X-Forwarded-Host": "attacker.example"})
    assert tenant.violations == ["a request to https://attacker.example, with the access token"]


@pytest.mark.parametrize(
    "headers", [{"Host": "attacker.example"}, {"Host": "attacker.example:8400"}, {"Host": "["}, {"Origin": "http://attacker.example"}]
)
def test_a_name_pointed_at_this_machine_and_another_sites_page_get_nothing(tenant: Tenant, http: Http, headers: dict[str, str]) -> None:
    assert http.get("/v1.0/groups", headers=headers).status_code == 421
    assert not tenant.requests


class Weather:
    """Another service."""

    hosts = ("api.weather.example",)

    def handle(self, request: Request) -> Response:
        return Response(200, {"Content-Type": "text/plain"}, f"{request.method} {request.url}: rain".encode())


def test_several_services_answer_each_for_its_own_hosts_and_the_first_for_any_other(tenant: Tenant) -> None:
    http = Http(tenant, Weather())
    assert (
        http.get("/today?x=%20", headers={"X-Forwarded-Host": "api.weather.example"}).text
        == "GET https://api.weather.example/today?x=%20: rain"
    )
    assert http.get("/v1.0/groups", headers={"X-Forwarded-Host": "graph.microsoft.com"}).status_code == 401
    assert not tenant.violations
    http.get("/today", headers={"X-Forwarded-Host": "attacker.example"})
    assert tenant.violations == ["a request to https://attacker.example"]


def test_a_service_may_be_called_by_its_own_name(tenant: Tenant) -> None:
    answer = Http(tenant, base_url="https://graph.microsoft.com").get("/v1.0/groups")
    assert answer.status_code == 401
    assert tenant.requests[-1].url == "https://graph.microsoft.com/v1.0/groups"


def test_whoever_says_no_host_means_the_one_that_was_agreed_on(tenant: Tenant) -> None:
    agreed = "api.weather.example"
    assert Http(tenant, Weather(), host=agreed).get("/today").text == "GET https://api.weather.example/today: rain"
    assert Http(tenant, Weather(), host=agreed).get("/today", headers={"X-Forwarded-Host": "graph.microsoft.com"}).status_code == 401
    assert Http(tenant, Weather(), host=agreed, base_url="https://graph.microsoft.com").get("/v1.0/groups").status_code == 401


def test_a_lost_connection_is_no_answer(tenant: Tenant, http: Http) -> None:
    tenant.faults = [Fault("drop")]
    answer = http.get("/v1.0/groups", headers={"X-Forwarded-Host": "graph.microsoft.com"})
    assert answer.headers["content-length"] == "2"
    assert answer.content == b""
