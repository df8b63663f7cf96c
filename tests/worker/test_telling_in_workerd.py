"""Somebody is told, in workerd: by the real fetch, and by the bindings of Workers KV, mail and Analytics Engine as Miniflare has them."""

from collections.abc import Iterator, Mapping

import pytest

from demo.__main__ import Minutes
from notify import SECONDS
from runtime import Json, Tick, Worker
from runtime.serving import serving
from simulator import Fault, Tenant
from simulator.asgi import create_app
from simulator.faults import Kind
from simulator.receivers import CHAT, MONITOR, Receivers
from tests.ticks import SOURCE, variables

MAIL = {"ALERT_EMAIL_FROM": "worker@contoso.example", "ALERT_EMAIL_TO": "admin@contoso.example"}
BINDINGS: Mapping[str, Json] = {
    "kvNamespaces": ["ALERT_STATE"],
    "analyticsEngineDatasets": {"METRICS": {"dataset": "risky_users"}},
    "email": {"send_email": [{"name": "ALERT_EMAIL", "allowed_destination_addresses": [MAIL["ALERT_EMAIL_TO"]]}]},
}


class Deployed:
    """A Worker that has all bindings, with mail to an address that its own does not allow, in a tenant that can be made to fail."""

    def __init__(self, worker: Worker, tenant: Tenant, receivers: Receivers, minutes: Minutes) -> None:
        self.worker, self.tenant, self.receivers, self.minutes = worker, tenant, receivers, minutes

    @property
    def states(self) -> list[str]:
        """What the chat was told."""
        return [state for alert in self.receivers.alerts for state in alert.states]

    def minute(self, *, failing: bool = False) -> Tick:
        self.tenant.premium = not failing
        tick = self.minutes.next(self.worker)
        assert tick.outcome == ("exception" if failing else "ok"), tick.text
        assert CHAT not in tick.text
        assert MONITOR not in tick.text
        assert "@contoso.example" not in tick.text
        return tick


@pytest.fixture(scope="module")
def everything() -> Iterator[Deployed]:
    minutes = Minutes()
    tenant = Tenant.contoso(clock=minutes.now)
    receivers = Receivers(minutes.now)
    given = {**variables(tenant), **receivers.worker_variables, **MAIL, "ALERT_EMAIL_TO": "nobody@contoso.example", "ALERT_AFTER": "2"}
    with serving(create_app(tenant, receivers)) as address, Worker(SOURCE, given, address, bindings=BINDINGS) as worker:
        yield Deployed(worker, tenant, receivers, minutes)


@pytest.fixture
def deployed(everything: Deployed) -> Deployed:
    everything.receivers.faults = []
    everything.minutes.minute += 60  # whatever nobody took is tried again, and over
    everything.minute()
    everything.receivers.alerts.clear()
    return everything


@pytest.mark.parametrize(
    ("kind", "told"),
    [
        ("redirect", "a redirect, which is not followed; put the address that it leads to."),
        ("html", "; check that address."),
        ("slow", "gives no answer in time."),
        ("drop", "gives no answer in time."),
    ],
)
def test_an_alert_that_nobody_takes_is_a_line_each_in_the_log_and_tried_again_later(deployed: Deployed, kind: Kind, told: str) -> None:
    deployed.receivers.faults = [Fault(kind, "POST", status=500, delay=2 * SECONDS)]
    deployed.minute(failing=True)
    tick = deployed.minute(failing=True)
    webhook, mail = tick.lines("warn")
    assert webhook.startswith("ALERT_WEBHOOK was called, and ")
    assert webhook.endswith(told)
    assert mail.startswith("The alert was not taken by ALERT_EMAIL (")
    assert tick.wall_ms < 2 * SECONDS * 1000, "the answer is not waited for"
    assert deployed.minute(failing=True).lines("warn") == []


def test_one_way_that_works_is_enough(deployed: Deployed) -> None:
    deployed.minute(failing=True)
    [line] = deployed.minute(failing=True).lines("warn")
    assert line.startswith("The alert was not taken by ALERT_EMAIL (")
    deployed.minute()
    assert deployed.states == ["failing", "over"]


def test_kv_remembers_what_a_new_isolate_cannot_know_and_every_way_works(deployed: Deployed) -> None:
    deployed.minute(failing=True)
    deployed.worker.update({**deployed.worker.vars, **MAIL})
    second = deployed.minute(failing=True)
    assert deployed.states == ["failing"], "without it a new isolate waits for the full hour"
    third, over = deployed.minute(failing=True), deployed.minute()
    assert deployed.states == ["failing", "over"]
    assert deployed.receivers.heartbeat
    assert deployed.minutes.now() - deployed.receivers.heartbeat < 60, "the good minute was the last"
    assert [tick.lines("warn") for tick in (second, third, over)] == [[], [], []], "mail and data points were taken"
