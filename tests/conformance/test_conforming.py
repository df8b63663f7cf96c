"""No request of the Worker's and no answer of the simulated tenant's escapes the description."""

from contextlib import suppress
from dataclasses import replace

import pytest

from budget import HttpRequest, HttpResponse
from simulator import Fault, Request, Response, Tenant
from tests.conformance.description import Nonconforming
from tests.conforming import conforming
from tests.ticks import Ticks, contoso

pytestmark = pytest.mark.any_request


class Headerless(Ticks):
    """Ticks that forget a header."""

    async def fetch(self, request: HttpRequest) -> HttpResponse:
        return await super().fetch(request._replace(headers={**request.headers, "client-request-id": ""}))


def test_a_request_that_does_not_conform_is_an_error_where_it_is_sent() -> None:
    ticks = contoso()
    with pytest.raises(Nonconforming, match="client-request-id"), conforming():
        Headerless(ticks.tenant, ticks.clock).tick()


def test_a_request_that_does_not_conform_is_an_error_even_if_nobody_notices_it_being_sent() -> None:
    ticks = contoso()
    with pytest.raises(Nonconforming, match="client-request-id"), conforming(), suppress(Nonconforming):
        Headerless(ticks.tenant, ticks.clock).tick()


def test_an_answer_that_does_not_conform_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    handle = Tenant.handle

    def without_body(tenant: Tenant, request: Request) -> Response:
        return replace(handle(tenant, request), body=b"{}")

    monkeypatch.setattr(Tenant, "handle", without_body)
    with pytest.raises(Nonconforming), conforming():
        contoso().tick()


def test_what_a_fault_makes_of_an_answer_is_no_error() -> None:
    ticks = contoso()
    ticks.tenant.faults = [Fault("garbage", times=1), Fault("truncated", path="/$batch", times=1), Fault("unanswered", times=1)]
    with conforming():
        ticks.tick()
    assert [fault.struck for fault in ticks.tenant.faults] == [1, 1, 1]
