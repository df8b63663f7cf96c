"""Faults: what each does to an answer and to the directory, whom they strike and how often, and the presets."""

import json
from copy import deepcopy

import pytest

from simulator import PRESETS, Dropped, Fault, Group, Response, Switchboard, Tenant
from simulator.faults import KINDS, UNDONE, Kind
from simulator.messages import JSON, Refusal
from simulator.spoil import Manner, spoil_response
from tests.simulator.client import Client, contoso, item, joining, sign_in

pytestmark = pytest.mark.any_request

MEMBERS = "/groups/*"


def with_group() -> tuple[Client, Group, str]:
    client = contoso(40)
    return client, client.tenant.create_group("a"), client.tenant.users[0].id


@pytest.mark.parametrize("in_batch", [False, True])
@pytest.mark.parametrize("kind", KINDS)
def test_each_kind_comes_before_or_after_the_work_is_done_alone_and_in_a_batch(kind: Kind, in_batch: bool) -> None:
    client, group, user = with_group()
    client.tenant.faults = [Fault(kind, "PATCH", MEMBERS)]
    request = item(1, "PATCH", f"/groups/{group.id}", joining(user))
    try:
        if in_batch:
            client.batch(request)
        else:
            client.send("PATCH", f"/groups/{group.id}", request["body"])
    except Dropped:
        assert kind in ("drop", "drop after")
    except ValueError:
        assert kind in ("html", "garbage")
    assert client.tenant.members_of(group) == (set() if kind in UNDONE else {user})
    assert client.tenant.faults[0].struck == 1


def answer(kind: Kind, *, in_batch: bool) -> dict[str, JSON]:
    client = contoso(40)
    client.tenant.faults = [Fault(kind, path="/identityProtection/*", status=502, delay=3.0)]
    target = "/identityProtection/riskyUsers"
    if in_batch:
        return client.answers(item(1, "GET", target))["1"]
    reply = client.get(target)
    return {"status": reply.status, "body": reply.body, "headers": {**reply.headers}}


@pytest.mark.parametrize("in_batch", [False, True])
@pytest.mark.parametrize(
    ("kind", "status", "sign"),
    [
        ("status", 502, "serviceNotAvailable"),
        ("status after", 502, "serviceNotAvailable"),
        ("expired token", 401, "InvalidAuthenticationToken"),
        ("redirect", 302, "attacker.example"),
        ("foreign link", 200, "https://graph.microsoft.com.attacker.example/"),
        ("looping link", 200, '"@odata.nextLink": "https://graph.microsoft.com/v1.0/identityProtection/riskyUsers"'),
        ("not an object", 200, "[7]"),
    ],
)
def test_what_a_fault_makes_of_an_answer(kind: Kind, status: int, sign: str, in_batch: bool) -> None:
    spoiled = answer(kind, in_batch=in_batch)
    assert spoiled["status"] == status
    assert sign in json.dumps(spoiled)


@pytest.mark.parametrize("in_batch", [False, True])
def test_a_list_without_its_value(in_batch: bool) -> None:
    body = answer("no value", in_batch=in_batch)["body"]
    assert isinstance(body, dict)
    assert "@odata.nextLink" in body
    assert "value" not in body


def test_an_item_may_stay_unanswered() -> None:
    client, _, _ = with_group()
    client.tenant.faults = [Fault("unanswered", path="/groups/x")]
    assert set(client.answers(item(1, "GET", "/groups"), item(2, "GET", "/groups/x"))) == {"1"}


def test_an_item_is_counted_whatever_befalls_it() -> None:
    client, _, _ = with_group()
    client.tenant.faults = [Fault("status", path="/groups/x"), Fault("unanswered", path="/groups")]
    client.tenant.reset_counters()
    client.batch(item(1, "GET", "/groups"), item(2, "GET", "/groups/x"))
    assert (client.tenant.subrequests, client.tenant.graph_requests) == (1, 2)


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("no value", {"success": True}),
        ("foreign link", {"success": True, "result": [1]}),
        ("looping link", {"success": True, "result": [1]}),
        ("expired token", {"success": False, "code": "10000"}),
    ],
)
def test_another_service_has_its_own_manner(kind: Kind, expected: JSON) -> None:
    manner = Manner(Refusal(401, "10000", "Authentication error"), "https://elsewhere.example/", entries="result", next_link=None)

    def refuse(refusal: Refusal) -> Response:
        return Response(refusal.status, {}, json.dumps({"success": False, "code": refusal.code}).encode())

    answer = Response(200, {}, b'{"success":true,"result":[1]}', delay=0.5)
    spoiled = spoil_response(answer, [Fault(kind)], manner, refuse, "https://api.example/lists")
    assert json.loads(spoiled.body) == expected
    assert spoiled.delay == 0.5


def test_a_slow_answer_says_how_long_it_takes() -> None:
    client, _, _ = with_group()
    client.tenant.behaviour.answer_seconds = 0.5
    client.tenant.faults = [Fault("slow", path="/groups", delay=7.0)]
    client.batch(item(1, "GET", "/groups"), item(2, "GET", "/groups/x"))
    client.get("/groups")
    client.get("/groups/x")
    assert [exchange.delay for exchange in list(client.tenant.requests)[-3:]] == [7.5, 7.5, 0.5]


def test_faults_strike_whom_and_when_they_are_meant_to() -> None:
    client, _, _ = with_group()
    client.tenant.faults = [Fault("status", "GET", "/groups", skip=1, every=2, times=2)]
    assert [client.get("/groups").status for _ in range(8)] == [200, 503, 200, 503, 200, 200, 200, 200]
    assert client.get("/groups/x").status == 404


def test_a_batch_lost_half_way_has_half_taken_effect() -> None:
    client, group, user = with_group()
    client.tenant.faults = [Fault("drop", path="/groups")]
    with pytest.raises(Dropped):
        client.batch(item(1, "PATCH", f"/groups/{group.id}", joining(user)), item(2, "GET", "/groups"))
    assert client.tenant.members_of(group) == {user}
    assert client.tenant.requests[-1].status == 0


def test_the_login_hosts_troubles_look_like_its_own() -> None:
    client, _, _ = with_group()
    client.tenant.faults = [Fault("status", path="*/oauth2/*", status=429, headers={"Retry-After": "5"})]
    refused = sign_in(client.tenant, client.app)
    assert (refused.status, refused.headers["Retry-After"], refused.body["error_codes"]) == (429, "5", [90033])


@pytest.mark.parametrize("spelling", ["innerError", "innererror"])
def test_an_error_has_the_documented_shape(spelling: str) -> None:
    client, _, _ = with_group()
    client.tenant.behaviour.inner_error = "innerError" if spelling == "innerError" else "innererror"
    refused = client.get("/groups/x", **{"client-request-id": "mine"})
    error = refused.body["error"]
    assert isinstance(error, dict)
    assert set(error) == {"code", "message", spelling}
    inner = error[spelling]
    assert isinstance(inner, dict)
    assert inner == {"date": "2026-09-21T14:13:20", "request-id": refused.headers["request-id"], "client-request-id": "mine"}
    assert refused.headers["client-request-id"] == "mine"


def state(tenant: Tenant) -> object:
    """What presets may change of a tenant."""
    app = tenant.app
    days = [(secret.expires - tenant.clock()) // 86_400 for secret in app.secrets]
    return deepcopy((tenant.behaviour, tenant.faults, tenant.premium, app.permissions, days))


@pytest.mark.parametrize("name", PRESETS)
def test_a_preset_is_felt_while_it_is_on_and_gone_without_a_trace(name: str) -> None:
    client, group, user = with_group()
    tenant = client.tenant
    switchboard = Switchboard(tenant, PRESETS)
    before = state(tenant)
    heard: list[str] = []
    tenant.on_change = lambda: heard.append(name)
    switchboard.switch(name, on=True)
    switchboard.switch(name, on=True)
    assert switchboard.on == {name}
    assert state(tenant) != before
    switchboard.switch(name, on=False)
    switchboard.switch(name, on=False)
    assert not switchboard.on
    assert state(tenant) == before
    assert heard
    client.token = str(sign_in(tenant, tenant.app).body["access_token"])
    client.clock.time += 2
    assert client.get("/identityProtection/riskyUsers").status == 200
    assert client.send("PATCH", f"/groups/{group.id}", joining(user)).status == 204


def test_a_preset_that_ends_takes_its_own_faults_alone() -> None:
    tenant = contoso().tenant
    other = Fault("status", path="/$batch")
    tenant.faults = [other]
    switchboard = Switchboard(tenant, PRESETS)
    switchboard.switch("outage", on=True)
    assert len(tenant.faults) == 2
    switchboard.switch("outage", on=False)
    assert tenant.faults == [other]
    assert tenant.faults[0] is other


def test_a_preset_that_is_none_is_an_error() -> None:
    with pytest.raises(KeyError):
        Switchboard(contoso().tenant, PRESETS).switch("good weather", on=True)
