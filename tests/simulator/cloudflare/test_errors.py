"""The envelope, and each refusal on record (cloudflare.md 1)."""

import json
from typing import Literal

import pytest

from simulator import Dropped, Fault, Request
from simulator.faults import KINDS, UNDONE, Kind
from simulator.messages import JSON
from tests.simulator.cloudflare.client import ROOT, contoso, high, reply

ADA = "ada@contoso.com"
UNKNOWN = "00000000-0000-4000-8000-000000000000"


def test_a_success_has_no_errors_and_a_refusal_no_result() -> None:
    client = contoso()
    found, refused = client.get("/gateway/lists"), client.get(f"/gateway/lists/{UNKNOWN}")
    assert (found.body["success"], found.body["errors"], found.body["messages"]) == (True, [], [])
    assert refused.body == {"result": None, "success": False, "errors": [{"code": 2218, "message": "list not found"}], "messages": []}
    for answer in (found, refused):
        assert answer.headers["cf-ray"]
        assert answer.headers["Cf-Auditlog-Id"]
        assert answer.headers["Content-Type"] == "application/json"


@pytest.mark.any_request
@pytest.mark.parametrize("header", ["Bearer a b", 'Bearer "token"', "Bearer token\n", "token", "Bearer ", "Basic dG9r"])
def test_a_header_that_is_malformed(header: str) -> None:
    answer = contoso().send("GET", "/gateway/lists", Authorization=header)
    assert (answer.status, answer.code) == (400, 6003)
    chain = answer.errors[0]["error_chain"]
    assert chain == [{"code": 6111, "message": "Invalid format for Authorization header"}]


@pytest.mark.any_request
def test_no_header_at_all() -> None:
    client = contoso()
    answer = reply(client.account.handle(Request("GET", f"{ROOT}/accounts/{client.account.id}/gateway/lists", {})))
    assert (answer.status, answer.code) == (400, 9106)


@pytest.mark.parametrize("status", [401, 403])
def test_a_token_that_does_not_exist(status: Literal[401, 403]) -> None:
    client = contoso()
    client.account.behaviour.invalid_token_status = status
    client.token = "cfat_nobody"
    answer = client.get("/gateway/lists")
    assert (answer.status, answer.code, answer.message) == (status, 9109, "Invalid access token")
    verified = client.get("/tokens/verify")
    assert (verified.status, verified.code, verified.message) == (401, 1000, "Invalid API Token")


@pytest.mark.parametrize(
    ("missing", "message"),
    [
        ("403 10000", "Authentication error"),
        ("400 10000", "Authentication error"),
        ("403 9109", "Unauthorized to access requested resource"),
    ],
)
@pytest.mark.parametrize("elsewhere", [True, False])
def test_a_right_that_is_missing_or_another_account(
    missing: Literal["403 10000", "400 10000", "403 9109"], message: str, *, elsewhere: bool
) -> None:
    client = contoso("Zero Trust Write" if elsewhere else "Account Settings Read")
    client.account.behaviour.missing_right = missing
    answer = client.get(f"{ROOT}/accounts/{'0' * 32}/gateway/lists") if elsewhere else client.get("/gateway/lists")
    assert (f"{answer.status} {answer.code}", answer.message) == (missing, message)


def test_a_token_that_is_seconds_old() -> None:
    client = contoso()
    client.account.behaviour.young_token_seconds = 10.0
    client.token = client.account.create_token("new", "Zero Trust Write").value
    assert client.get("/gateway/lists").status == 403
    client.clock.time += 10
    assert client.get("/gateway/lists").status == 200


def test_a_passing_refusal_of_a_good_token() -> None:
    client = contoso()
    client.account.faults = [Fault("status", status=403, code="10000", message="Authentication error", times=1)]
    assert (client.get("/gateway/lists").code, client.get("/gateway/lists").status) == (10000, 200)


@pytest.mark.any_request
@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/accounts/nonsense/gateway/lists", 400),
        ("/accounts//gateway/lists", 400),
        ("/accounts/{id}/gateway/lists/", 400),
        ("/accounts/{id}/gateway/cars", 404),
        ("/zones", 404),
    ],
)
def test_a_path_that_leads_nowhere(path: str, status: int) -> None:
    client = contoso()
    answer = client.get(ROOT + path.replace("{id}", client.account.id))
    assert (answer.status, [error["code"] for error in answer.errors]) == (status, [7003, 7000])


@pytest.mark.any_request
def test_a_path_outside_of_the_api() -> None:
    client = contoso()
    answer = client.get(f"https://api.cloudflare.com/accounts/{client.account.id}/gateway/lists")
    assert (answer.status, answer.code) == (404, 7000)


@pytest.mark.any_request
def test_a_method_that_a_path_does_not_take() -> None:
    assert contoso().send("DELETE", "/gateway/lists").status == 405


@pytest.mark.any_request
def test_a_provider_that_does_not_exist() -> None:
    client = contoso("Access: Organizations, Identity Providers, and Groups Read")
    answer = client.get(f"/access/identity_providers/{UNKNOWN}")
    assert (answer.status, answer.code, answer.message) == (404, 12135, "access.api.error.not_found")


@pytest.mark.parametrize("shown", ["number", "absent"])
def test_a_code_that_is_on_no_record_is_a_number_of_the_accounts_own_or_missing(shown: Literal["number", "absent"]) -> None:
    codes = set()
    for seed in range(5):
        client = contoso(seed=seed)
        client.account.behaviour.unknown_codes = shown
        answer = client.patch(high(client), remove=(ADA,))
        assert client.patch(high(client), append=("ada",)).code == answer.code
        codes.add(answer.code)
    assert 2218 not in codes
    assert codes == {None} if shown == "absent" else len(codes) > 1


@pytest.mark.any_request
@pytest.mark.parametrize(("content", "status"), [(b"{", 400), (b"\xff", 400), (b"[" * 100_000, 400), (b"", 400)])
def test_a_body_that_is_no_json(content: bytes, status: int) -> None:
    client = contoso()
    headers = {"Authorization": f"Bearer {client.token}", "Content-Type": "application/json"}
    url = f"{ROOT}/accounts/{client.account.id}/gateway/lists"
    assert client.account.handle(Request("POST", url, headers, content)).status == status


@pytest.mark.any_request
def test_a_body_that_does_not_come_as_json() -> None:
    client = contoso()
    assert client.send("POST", "/gateway/lists", {"name": "a", "type": "EMAIL"}, **{"Content-Type": "text/plain"}).status == 415
    assert len(client.account.state.lists) == 3


@pytest.mark.parametrize("status", [500, 502, 504, 520, 526])
def test_trouble_at_the_edge_is_a_page(status: int) -> None:
    client = contoso()
    client.account.faults = [Fault("status", status=status)]
    answer = client.get("/gateway/lists")
    assert answer.status == status
    assert answer.headers["Content-Type"].startswith("text/html")
    assert answer.text.startswith("<!DOCTYPE html>")


@pytest.mark.parametrize("kind", KINDS)
def test_each_kind_of_fault_comes_before_or_after_the_work_is_done(kind: Kind) -> None:
    client = contoso()
    client.account.faults = [Fault(kind, "PATCH", "/accounts/*/gateway/lists/*", delay=3.0)]
    try:
        client.patch(high(client), append=(ADA,))
    except (Dropped, ValueError):
        assert kind in ("drop", "drop after", "truncated", "garbage", "unanswered", "html")
    assert high(client).values == ([] if kind in UNDONE else [ADA])
    assert client.account.faults[0].struck == 1


@pytest.mark.parametrize("status", [401, 403])
def test_a_fault_that_lets_the_token_expire_says_so_as_cloudflare_does(status: Literal[401, 403]) -> None:
    client = contoso()
    client.account.behaviour.invalid_token_status = status
    client.account.faults = [Fault("expired token")]
    answer = client.get("/gateway/lists")
    assert (answer.status, answer.code) == (status, 9109)


def test_a_list_without_its_entries_has_no_result_and_there_are_no_links_to_spoil() -> None:
    client = contoso()
    client.account.faults = [Fault("no value", times=1), Fault("foreign link"), Fault("looping link")]
    assert "result" not in client.get("/gateway/lists").body
    assert set(client.get("/gateway/lists").body) == {"result", "success", "errors", "messages", "result_info"}


@pytest.mark.parametrize(
    ("kind", "status", "body"),
    [
        ("html", 503, b"<!DOCTYPE"),
        ("unanswered", 200, b""),
        ("garbage", 200, b"\x00\xff"),
        ("redirect", 302, b""),
        ("not an object", 200, b"[7]"),
    ],
)
def test_bodies_that_are_none(kind: Kind, status: int, body: bytes) -> None:
    client = contoso()
    client.account.faults = [Fault(kind)]
    headers = {"Authorization": f"Bearer {client.token}"}
    answer = client.account.handle(Request("GET", f"{ROOT}/accounts/{client.account.id}/gateway/lists", headers))
    assert answer.status == status
    assert answer.body.startswith(body)
    assert bool(answer.body) == bool(body)


def test_an_answer_says_how_long_it_takes() -> None:
    client = contoso()
    client.account.behaviour.answer_seconds = 0.5
    client.account.faults = [Fault("slow", delay=7.0, times=1)]
    client.get("/gateway/lists")
    client.get("/gateway/lists")
    assert [exchange.delay for exchange in client.account.requests] == [7.5, 0.5]


@pytest.mark.any_request
@pytest.mark.parametrize(
    ("url", "violation"),
    [
        ("https://api.cloudflare.com.attacker.example/client/v4/", "https://api.cloudflare.com.attacker.example, with the token"),
        ("http://api.cloudflare.com/client/v4/user/tokens/verify", "http://api.cloudflare.com, with the token"),
    ],
)
def test_the_token_must_go_nowhere_else(url: str, violation: str) -> None:
    client = contoso()
    assert client.get(url).status == 404
    assert client.account.violations == [f"a request to {violation}"]


def test_no_refusal_repeats_an_address_but_the_one_on_record() -> None:
    client = contoso("Zero Trust Write", "Access: Audit Logs Read")
    client.account.set_values(high(client), [ADA])
    client.account.behaviour.append_of_present = 400
    rule: dict[str, JSON] = {"name": "a", "action": "isolate", "identity": f'identity.email == "{ADA}" "{ADA}"'}
    answers = [
        client.patch(high(client), append=(ADA,)),
        client.patch(high(client), append=(f" {ADA}",)),
        client.send("POST", "/gateway/rules", rule),
    ]
    assert all(answer.status == 400 and ADA not in answer.text for answer in answers)


def test_requests_are_logged_and_counted() -> None:
    client = contoso()
    client.account.faults = [Fault("drop", times=1)]
    with pytest.raises(Dropped):
        client.get("/gateway/lists")
    client.patch(high(client), append=(ADA,))
    assert [(each.method, each.status) for each in client.account.requests] == [("GET", 0), ("PATCH", 200)]
    assert (client.account.subrequests, client.account.writes) == (2, 1)
    client.account.reset_counters()
    assert (client.account.subrequests, client.account.writes) == (0, 0)


def test_somebody_is_told_that_something_changed() -> None:
    client = contoso()
    heard = []
    client.account.on_change = lambda: heard.append(1)
    client.get("/gateway/lists")
    client.account.decrypt_tls(on=False)
    client.account.enroll(ADA)
    assert len(heard) >= 3
    assert json.dumps(client.account.snapshot())
