"""Rate limits (cloudflare.md 2)."""

from typing import Literal

import pytest

from simulator import Fault
from tests.simulator.cloudflare.client import Client, contoso, high


def ask(client: Client, times: int, path: str = "/gateway/rules", pause: float = 0.01) -> list[int]:
    statuses = []
    for _ in range(times):
        statuses.append(client.get(path).status)
        client.clock.time += pause
    return statuses


def test_lists_can_be_asked_for_six_hundred_times_a_minute_and_then_not_for_two() -> None:
    client = contoso()
    assert set(ask(client, 600, "/gateway/lists")) == {200}
    assert client.get("/gateway/lists").status == 429
    assert client.get("/gateway/rules").status == 200
    client.clock.time += 119
    assert client.get("/gateway/lists").status == 429
    client.clock.time += 1
    assert client.get("/gateway/lists").status == 200


def test_a_token_can_ask_twelve_hundred_times_in_five_minutes_and_then_not_for_five() -> None:
    client = contoso()
    assert set(ask(client, 1200)) == {200}
    refused = client.get("/gateway/rules")
    assert (refused.status, refused.code, refused.headers["retry-after"]) == (429, 971, "301")
    assert refused.headers["Ratelimit"] == '"default";r=0;t=300'
    client.clock.time += 299
    assert client.get("/gateway/rules").status == 429
    client.clock.time += 2
    assert client.get("/gateway/rules").status == 200


def test_each_account_token_has_a_quota_of_its_own_and_a_users_tokens_have_one_together() -> None:
    client = contoso()
    mine, other = (client.account.create_token(name, "Zero Trust Read", kind="user").value for name in ("mine", "other"))
    ask(client, 1201)
    client.token = mine
    assert set(ask(client, 1200)) == {200}
    client.token = other
    assert client.get("/gateway/rules").status == 429


def test_two_hundred_requests_a_second_are_all_that_one_machine_may_send() -> None:
    client = contoso()
    assert set(ask(client, 200, pause=0.0)) == {200}
    refused = client.get("/gateway/rules")
    assert (refused.status, "1015" in refused.text, refused.headers.get("retry-after")) == (429, True, None)
    assert "Ratelimit" not in refused.headers
    client.clock.time += 1
    assert client.get("/gateway/rules").status == 200


def test_there_may_be_no_limits() -> None:
    client = contoso()
    client.account.behaviour.rate_limits = False
    assert set(ask(client, 1300, "/gateway/lists", pause=0.0)) == {200}


@pytest.mark.parametrize(
    ("form", "content_type", "sign", "waits"),
    [
        ("json", "application/json", '"code":971', True),
        ("text", "text/plain", "error code: 971", True),
        ("html", "text/html; charset=UTF-8", "Error 1015", False),
    ],
)
def test_too_many_requests_are_told_in_one_of_three_forms(
    form: Literal["json", "text", "html"], content_type: str, sign: str, *, waits: bool
) -> None:
    client = contoso()
    client.account.behaviour.throttled_as = form
    ask(client, 1200)
    refused = client.get("/gateway/rules")
    assert (refused.status, refused.headers["Content-Type"]) == (429, content_type)
    assert sign in refused.text
    assert ("retry-after" in refused.headers) == ("Ratelimit" in refused.headers) == waits
    client.account.behaviour.retry_after = False
    assert "retry-after" not in client.get("/gateway/rules").headers


def test_a_fault_throttles_in_the_same_forms() -> None:
    client = contoso()
    client.account.behaviour.throttled_as = "text"
    client.account.faults = [Fault("status", status=429, headers={"retry-after": "7"})]
    assert client.get("/gateway/rules").text == "error code: 971"
    client.account.faults = [Fault("status", status=429, code="1015")]
    assert "1015" in client.get("/gateway/rules").text


def test_every_answer_tells_what_is_left() -> None:
    client = contoso()
    for left in (1199, 1198):
        answer = client.get("/gateway/lists")
        assert answer.headers["Ratelimit"] == f'"default";r={left};t=300'
        assert answer.headers["Ratelimit-Policy"] == '"default";q=1200;w=300'
    client.clock.time += 100
    assert client.patch(high(client), remove=("a@contoso.com",)).headers["Ratelimit"] == '"default";r=1197;t=200'
