"""An account as a whole: what it starts with, what its administrators do, and the presets."""

import json

import pytest

from simulator import Fault, Switchboard
from simulator.cloudflare import PRESETS, Account, ListWrite
from simulator.cloudflare.envelope import Refused
from tests.simulator.cloudflare.client import Client, Clock, contoso, high


def test_the_same_seed_makes_the_same_account() -> None:
    clock = Clock()
    assert Account.contoso(7, clock.now).snapshot() == Account.contoso(7, clock.now).snapshot()
    assert Account.contoso(7, clock.now).id != Account.contoso(8, clock.now).id


def test_contoso_isolates_who_is_in_one_of_its_lists() -> None:
    account = contoso().account
    for number, level in enumerate(("high", "medium", "low")):
        person = account.enroll(f"user{number}@contoso.com")
        account.set_values(account.list_named(f"risky-users-{level}"), [person.email])
        decision = account.page_load(person)
        assert decision.isolated
        assert decision.rule
        assert decision.rule.name == f"risky-users: isolate {level}"
    precedences = [rule.precedence for rule in account.state.rules.value.values()]
    assert precedences == sorted(precedences)


def test_contosos_token_is_the_workers_and_no_more() -> None:
    client = contoso()
    variables = client.account.worker_variables
    assert list(variables) == ["CLOUDFLARE_ACCOUNT_ID", "GATEWAY_LIST_HIGH", "GATEWAY_LIST_MEDIUM", "GATEWAY_LIST_LOW", "GATEWAY_API_TOKEN"]
    worker = Client(client.account, client.clock, variables["GATEWAY_API_TOKEN"])
    assert worker.get(f"/gateway/lists/{variables['GATEWAY_LIST_LOW']}").result["name"] == "risky-users-low"
    assert client.account.token.permissions == {"Zero Trust Write"}


def test_what_is_done_by_hand_is_not_told_as_a_requests_doing() -> None:
    client = contoso()
    told: list[ListWrite] = []
    client.account.on_write = told.append
    client.account.set_values(high(client), ["ada@contoso.com"])
    client.account.set_values(high(client), ["bob@contoso.com"])
    assert (told, high(client).values) == ([], ["bob@contoso.com"])


def test_what_cannot_be_done_by_hand_is_an_error() -> None:
    account = contoso().account
    with pytest.raises(Refused):
        account.set_values(account.list_named("risky-users-low"), [f"user{number}@contoso.com" for number in range(1001)])
    with pytest.raises(Refused):
        account.add_rule("mine", identity="identity.colour")
    with pytest.raises(KeyError):
        Switchboard(account, PRESETS).switch("good weather", on=True)


def test_somebody_is_enrolled_once() -> None:
    account = contoso().account
    ada = account.enroll("ada@contoso.com")
    ada.enrolled = False
    assert account.enroll("Ada@contoso.com") is ada
    assert ada.enrolled
    assert len(account.state.people) == 1


def test_a_snapshot_shows_what_is_there_and_no_secret() -> None:
    client = contoso()
    client.account.set_values(high(client), ["ada@contoso.com"])
    client.account.enroll("ada@contoso.com")
    client.account.deploy_worker("risky-users").secrets["TOKEN"] = "s3cret"
    client.account.faults = [Fault("slow")]
    shown = json.dumps(client.account.snapshot())
    assert "ada@contoso.com" in shown
    for secret in (client.token, client.account.provider.client_secret, client.account.provider.scim_secret, "s3cret"):
        assert str(secret) not in shown


@pytest.mark.parametrize("name", PRESETS)
def test_a_preset_is_felt_while_it_is_on_and_gone_without_a_trace(name: str) -> None:
    client = contoso()
    account = client.account

    class Nobody:
        def assigned_groups(self, _: float) -> list[None]:
            return []

        def user(self, _: str) -> None:
            return None

    account.connect(Nobody())  # type: ignore[arg-type]  # of no group, no group is asked for its members
    account.catch_up()
    before = account.snapshot()
    switchboard = Switchboard(account, PRESETS)
    switchboard.switch(name, on=True)
    switchboard.switch(name, on=True)
    assert account.snapshot() != before or account.token.disabled
    switchboard.switch(name, on=False)
    switchboard.switch(name, on=False)
    assert account.snapshot() == before
    assert client.get("/gateway/lists").status == 200
    assert client.patch(high(client), append=("ada@contoso.com",)).status == 200


def test_presets_do_what_they_say() -> None:
    seen = {}
    for name in ("throttling", "outage", "dead token", "passing refusals"):
        client = contoso()
        Switchboard(client.account, PRESETS).switch(name, on=True)
        seen[name] = [client.get("/gateway/lists").status for _ in range(4)]
    assert seen == {
        "throttling": [429, 200, 429, 200],
        "outage": [502, 502, 502, 502],
        "dead token": [401, 401, 401, 401],
        "passing refusals": [403, 200, 200, 403],
    }
    client = contoso()
    Switchboard(client.account, PRESETS).switch("empty promises", on=True)
    assert client.patch(high(client), append=("ada@contoso.com",)).result["count"] == 1
    assert high(client).values == []
