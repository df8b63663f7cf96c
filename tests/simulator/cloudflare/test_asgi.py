"""The account over HTTP: for this machine, or for who is handed on by a proxy."""

import asyncio

import httpx
import pytest

from simulator.asgi import create_app
from simulator.cloudflare import Account

pytestmark = pytest.mark.any_request


def get(account: Account, url: str, **headers: str) -> httpx.Response:
    async def ask() -> httpx.Response:
        transport = httpx.ASGITransport(create_app(account, host="api.cloudflare.com"))
        async with httpx.AsyncClient(transport=transport) as client:
            sent = {"Authorization": f"Bearer {account.token.value}", **{name.replace("_", "-"): value for name, value in headers.items()}}
            return await client.get(url, headers=sent)

    return asyncio.run(ask())


def test_who_is_told_another_base_url_means_cloudflare() -> None:
    account = Account.contoso()
    answer = get(account, f"http://127.0.0.1:8400/client/v4/accounts/{account.id}/gateway/lists?search=a%26b")
    assert answer.json()["success"]
    assert answer.headers["cf-ray"]
    assert account.requests[-1].url == f"https://api.cloudflare.com/client/v4/accounts/{account.id}/gateway/lists?search=a%26b"


def test_the_host_that_was_meant_is_the_one_that_is_asked() -> None:
    account = Account.contoso()
    lists = f"http://127.0.0.1:8400/client/v4/accounts/{account.id}/gateway/lists"
    assert get(account, lists, X_Forwarded_Host="api.cloudflare.com").status_code == 200
    assert get(account, lists, X_Forwarded_Host="attacker.example").status_code == 404
    assert account.violations == ["a request to https://attacker.example, with the token"]


def test_a_name_pointed_at_this_machine_gets_nothing() -> None:
    account = Account.contoso()
    assert get(account, "http://attacker.example/client/v4/user/tokens/verify").status_code == 421
    assert not account.requests
