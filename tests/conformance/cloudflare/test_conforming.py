"""No request to a simulated account and no answer of its escapes the description."""

from contextlib import suppress
from dataclasses import replace

import pytest

from simulator import Fault, Request, Response
from simulator.cloudflare import Account
from tests.conformance.description import Nonconforming
from tests.conforming import conforming

pytestmark = pytest.mark.any_request

ROOT = "https://api.cloudflare.com/client/v4"


def ask(account: Account, path: str = "/gateway/lists") -> Response:
    headers = {"Authorization": f"Bearer {account.token.value}"}
    return account.handle(Request("GET", f"{ROOT}/accounts/{account.id}{path}", headers))


def test_a_request_that_does_not_conform_is_an_error_where_it_is_sent() -> None:
    with pytest.raises(Nonconforming, match="colour"), conforming():
        ask(Account.contoso(), "/gateway/lists?colour=red")


def test_a_request_that_does_not_conform_is_an_error_even_if_nobody_notices_it_being_sent() -> None:
    with pytest.raises(Nonconforming, match="1 requests or answers"), conforming(), suppress(Nonconforming):
        ask(Account.contoso(), "/gateway/lists?colour=red")


def test_an_answer_that_does_not_conform_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    handle = Account.handle

    def without_body(account: Account, request: Request) -> Response:
        return replace(handle(account, request), body=b"{}")

    monkeypatch.setattr(Account, "handle", without_body)
    with pytest.raises(Nonconforming), conforming():
        ask(Account.contoso())


def test_what_a_fault_makes_of_an_answer_is_no_error() -> None:
    account = Account.contoso()
    account.faults = [Fault("garbage", times=1), Fault("truncated", skip=1, times=1), Fault("unanswered", skip=2, times=1)]
    with conforming():
        for _ in range(4):
            ask(account)
    assert [fault.struck for fault in account.faults] == [1, 1, 1]
