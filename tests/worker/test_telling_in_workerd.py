"""Somebody is told, in workerd: by the real fetch, and by the bindings of Workers KV, mail and Analytics Engine as Miniflare has them."""

import json
from collections.abc import Iterator, Mapping

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, RedirectResponse, Response
from starlette.types import Receive, Scope, Send

from demo.__main__ import Minutes
from runtime import Json, Tick, Worker
from runtime.serving import serving
from simulator import Tenant
from simulator.asgi import create_app
from tests.ticks import SOURCE, variables

WEBHOOK, HEARTBEAT = "https://hooks.example/a-secret", "https://beats.example/another-secret"
MAIL = {"ALERT_EMAIL_FROM": "worker@contoso.example", "ALERT_EMAIL_TO": "admin@contoso.example"}
BINDINGS: Mapping[str, Json] = {
    "kvNamespaces": ["ALERT_STATE"],
    "analyticsEngineDatasets": {"METRICS": {"dataset": "risky_users"}},
    "email": {"send_email": [{"name": "ALERT_EMAIL", "allowed_destination_addresses": [MAIL["ALERT_EMAIL_TO"]]}]},
}


class Outside:
    """The tenant, and beside it a receiver of webhooks and of heartbeats."""

    def __init__(self, tenant: Tenant) -> None:
        self.messages: list[dict[str, list[str]]] = []
        self.beats = 0
        self.answer: Response = PlainTextResponse("ok")
        self._tenant = create_app(tenant)
        self._receiver = Starlette()
        self._receiver.add_route("/{rest:path}", self._receive, methods=["GET", "POST"])

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        host = dict(scope.get("headers", [])).get(b"x-forwarded-host", b"")
        await (self._receiver if host.endswith(b".example") else self._tenant)(scope, receive, send)

    async def _receive(self, request: Request) -> Response:
        if request.method == "GET":
            self.beats += 1
        elif self.answer.status_code == 200:
            self.messages.append(json.loads(await request.body()))
        return self.answer

    @property
    def states(self) -> list[str]:
        return [state for message in self.messages for state in message["states"]]


class Deployed:
    """A Worker that has all bindings, with mail to an address that its own does not allow, in a tenant that can be made to fail."""

    def __init__(self, worker: Worker, tenant: Tenant, outside: Outside, minutes: Minutes) -> None:
        self.worker, self.tenant, self.outside, self.minutes = worker, tenant, outside, minutes

    def minute(self, *, failing: bool = False) -> Tick:
        self.tenant.premium = not failing
        tick = self.minutes.next(self.worker)
        assert tick.outcome == ("exception" if failing else "ok"), tick.text
        assert "secret" not in tick.text
        assert "@contoso.example" not in tick.text
        return tick


@pytest.fixture(scope="module")
def everything() -> Iterator[Deployed]:
    minutes = Minutes()
    tenant = Tenant.contoso(clock=minutes.now)
    outside = Outside(tenant)
    given = {
        **variables(tenant),
        "ALERT_WEBHOOK": WEBHOOK,
        "HEARTBEAT_URL": HEARTBEAT,
        "ALERT_AFTER": "2",
        **MAIL,
        "ALERT_EMAIL_TO": "nobody@contoso.example",
    }
    with serving(outside) as address, Worker(SOURCE, given, address, bindings=BINDINGS) as worker:
        yield Deployed(worker, tenant, outside, minutes)


@pytest.fixture
def deployed(everything: Deployed) -> Deployed:
    everything.outside.answer = PlainTextResponse("ok")
    everything.minutes.minute += 60  # whatever nobody took is tried again, and over
    everything.minute()
    everything.outside.messages.clear()
    everything.outside.beats = 0
    return everything


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        (RedirectResponse("https://elsewhere.example/", 302), "answers 302, a redirect, which is not followed"),
        (PlainTextResponse("<html>no</html>", 500, media_type="text/html"), "answers 500; check that address"),
    ],
    ids=["redirect", "HTML"],
)
def test_an_alert_that_nobody_takes_is_a_line_each_in_the_log_and_tried_again_later(
    deployed: Deployed, answer: Response, told: str
) -> None:
    deployed.outside.answer = answer
    deployed.minute(failing=True)
    tick = deployed.minute(failing=True)
    assert [line for line in tick.lines("warn") if told in line]
    assert [line for line in tick.lines("warn") if line.startswith("The alert was not taken by ALERT_EMAIL (")]
    assert deployed.minute(failing=True).lines("warn") == []


def test_one_way_that_works_is_enough(deployed: Deployed) -> None:
    deployed.minute(failing=True)
    [line] = deployed.minute(failing=True).lines("warn")
    assert line.startswith("The alert was not taken by ALERT_EMAIL (")
    deployed.minute()
    assert deployed.outside.states == ["failing", "over"]


def test_kv_remembers_what_a_new_isolate_cannot_know_and_every_way_works(deployed: Deployed) -> None:
    deployed.minute(failing=True)
    deployed.worker.update({**deployed.worker.vars, **MAIL})
    second = deployed.minute(failing=True)
    assert deployed.outside.states == ["failing"], "without it a new isolate waits for the full hour"
    third, over = deployed.minute(failing=True), deployed.minute()
    assert deployed.outside.states == ["failing", "over"]
    assert deployed.outside.beats == 1
    assert [tick.lines("warn") for tick in (second, third, over)] == [[], [], []], "mail and data points were taken"
