"""The tenant over HTTP, and its controls: for this machine only."""

import asyncio
from collections.abc import Mapping

import httpx
import pytest

from simulator import Fault, Tenant
from simulator.asgi import create_app
from simulator.behaviour import Behaviour

pytestmark = pytest.mark.any_request

TOKEN = {"grant_type": "client_credentials", "scope": "https://graph.microsoft.com/.default"}


class Http:
    """Requests to the app, without sockets."""

    def __init__(self, tenant: Tenant) -> None:
        self._app = create_app(tenant)

    def request(
        self,
        method: str,
        path: str,
        *,
        headers: Mapping[str, str] | None = None,
        json: object = None,
        content: bytes | None = None,
        data: Mapping[str, str] | None = None,
    ) -> httpx.Response:
        async def ask() -> httpx.Response:
            transport = httpx.ASGITransport(self._app)
            async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1:8400") as client:
                return await client.request(method, path, headers=headers, json=json, content=content, data=data)

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


def test_a_name_pointed_at_this_machine_gets_nothing(tenant: Tenant, http: Http) -> None:
    assert http.get("/v1.0/groups", headers={"Host": "attacker.example"}).status_code == 421
    assert http.get("/_simulator/state", headers={"Host": "attacker.example:8400"}).status_code == 421
    assert not tenant.requests


@pytest.mark.parametrize("origin", ["https://attacker.example", "null", "http://127.0.0.1:9999"])
def test_the_controls_are_not_for_other_web_pages(http: Http, origin: str) -> None:
    assert http.get("/_simulator/state", headers={"Origin": origin}).status_code == 421
    assert http.get("/_simulator/state", headers={"Origin": "http://127.0.0.1:8400"}).status_code == 200


def test_the_controls_are_not_for_the_worker(http: Http) -> None:
    assert http.get("/_simulator/state", headers={"X-Forwarded-Host": "127.0.0.1"}).status_code == 421


def test_users_are_made_put_at_risk_and_deleted(tenant: Tenant, http: Http) -> None:
    user = http.request("POST", "/_simulator/users", json={"name": "Grace Example", "level": "low"}).json()["id"]
    assert http.request("POST", f"/_simulator/users/{user}/risk", json={"level": "medium"}).status_code == 204
    assert tenant.directory.users[user].risk_level == "medium"
    assert http.request("POST", f"/_simulator/users/{user}/confirm_compromised").status_code == 204
    listed = {each["id"]: each for each in http.get("/_simulator/state").json()["users"]}
    assert (listed[user]["name"], listed[user]["level"]) == ("Grace Example", "high")
    assert http.request("POST", f"/_simulator/users/{user}/delete").status_code == 204
    assert tenant.directory.users[user].deleted
    assert http.request("POST", f"/_simulator/users/{user}/dismiss").status_code == 404


def test_faults_presets_and_behaviour_are_set(tenant: Tenant, http: Http) -> None:
    assert http.request("PUT", "/_simulator/presets/outage", json={"on": True}).status_code == 204
    assert tenant.switched_on == {"outage"}
    assert http.request("PUT", "/_simulator/faults", json=[{"kind": "slow", "delay": 2, "headers": {}, "times": None}]).status_code == 204
    assert tenant.faults == [Fault("slow", delay=2, times=None)]
    answer = http.request("PATCH", "/_simulator/behaviour", json={"or_filter": False, "young_error": 400, "member_lag": 3})
    assert answer.json()["young_error"] == 400
    assert (tenant.behaviour.or_filter, tenant.behaviour.young_error, tenant.behaviour.member_lag) == (False, 400, 3)


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("PUT", "presets/good weather", {"on": True}, 404),
        ("PUT", "presets/outage", {"on": "yes"}, 400),
        ("PUT", "faults", {}, 400),
        ("PUT", "faults", [7], 400),
        ("PUT", "faults", [{}], 400),
        ("PUT", "faults", [{"kind": "flood"}], 400),
        ("PUT", "faults", [{"kind": "slow", "delay": "long"}], 400),
        ("PUT", "faults", [{"kind": "slow", "headers": {"Retry-After": 3}}], 400),
        ("PATCH", "behaviour", {"colour": "red"}, 400),
        ("PATCH", "behaviour", {"young_error": 500}, 400),
        ("PATCH", "behaviour", {"member_lag": True}, 400),
        ("PATCH", "behaviour", {"member_lag": -1}, 400),
        ("POST", "users", {"level": "enormous"}, 400),
        ("POST", "users", [], 400),
        ("POST", "users/nobody/risk", {"level": "low"}, 404),
    ],
)
def test_what_is_not_understood_changes_nothing(tenant: Tenant, http: Http, method: str, path: str, body: object, status: int) -> None:
    before = tenant.snapshot() | {"time": 0}
    assert http.request(method, f"/_simulator/{path}", json=body).status_code == status
    assert tenant.snapshot() | {"time": 0} == before
    assert tenant.behaviour == Behaviour()


def test_controls_take_json_alone_which_no_form_of_a_web_page_can_send(http: Http) -> None:
    assert http.request("POST", "/_simulator/users", content=b"{}", headers={"Content-Type": "text/plain"}).status_code == 415
    assert http.request("POST", "/_simulator/users", content=b"{", headers={"Content-Type": "application/json"}).status_code == 400
