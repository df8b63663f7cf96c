"""Gateway's decision about a page load (setup.md 4, cloudflare.md 3.9, 4.3, 4.4)."""

from typing import Literal

import pytest

from simulator.cloudflare import Account, Person
from tests.simulator.cloudflare.client import Client, contoso, high

ADA = "ada@contoso.com"


def isolating(address: str = ADA) -> tuple[Client, Account, Person]:
    client = contoso()
    client.account.set_values(high(client), [address])
    return client, client.account, client.account.enroll(ADA)


def test_who_is_in_a_list_that_a_rule_names_is_isolated() -> None:
    _, account, ada = isolating()
    decision = account.page_load(ada, "https://mail.example.org/inbox")
    assert decision.isolated
    assert decision.rule == account.rule_named("risky-users: isolate high")
    assert not account.page_load(account.enroll("bob@contoso.com")).isolated


def test_who_is_released_is_so_at_the_next_page() -> None:
    client, account, ada = isolating()
    client.patch(high(client), remove=(ADA,))
    assert account.page_load(ada).reason == "no rule matches"


def test_without_a_client_gateway_sees_nothing() -> None:
    _, account, ada = isolating()
    ada.enrolled = False
    decision = account.page_load(ada)
    assert (decision.isolated, decision.blocked, decision.reason) == (False, False, "no client is registered")


def test_without_tls_decryption_nobody_is_isolated() -> None:
    _, account, ada = isolating()
    account.decrypt_tls(on=False)
    decision = account.page_load(ada)
    assert (decision.isolated, decision.blocked, decision.reason) == (False, False, "TLS decryption is off")
    account.decrypt_tls(on=True)
    assert account.page_load(ada).isolated


def test_a_rule_that_is_off_or_of_another_kind_decides_nothing() -> None:
    client, account, ada = isolating()
    rule = account.rule_named("risky-users: isolate high")
    client.send("PATCH", f"/gateway/rules/{rule.id}", {"enabled": False})
    assert not account.page_load(ada).isolated
    account.add_rule("dns", "block", filters=["dns"])
    assert not account.page_load(ada).blocked


@pytest.mark.parametrize(
    ("action", "precedence", "isolated", "reason"),
    [
        ("off", 99_999, False, "Do Not Inspect"),
        ("noisolate", 1, False, "Do Not Isolate"),
        ("noisolate", 99_999, True, "Isolate"),
        ("allow", 1, True, "Isolate"),
    ],
)
def test_do_not_inspect_comes_first_and_do_not_isolate_by_precedence(action: str, precedence: int, reason: str, *, isolated: bool) -> None:
    _, account, ada = isolating()
    account.add_rule("exception", action, precedence=precedence, traffic='http.request.host == "app.example.com"')
    decision = account.page_load(ada, "https://app.example.com/")
    assert (decision.isolated, decision.reason) == (isolated, reason)
    assert account.page_load(ada, "https://www.example.com/").isolated


def test_allow_and_block_go_by_precedence_after_isolation() -> None:
    _, account, ada = isolating()
    bob = account.enroll("bob@contoso.com")
    account.add_rule("block", "block", precedence=10, traffic='any(http.request.domains[*] in {"example.com"})')
    account.add_rule("allow", "allow", precedence=5, traffic='http.request.host == "good.example.com"')
    assert account.page_load(bob, "https://bad.example.com/").blocked
    assert account.page_load(bob, "https://good.example.com/").reason == "Allow"
    both = account.page_load(ada, "https://bad.example.com/")
    assert (both.isolated, both.blocked, both.reason) == (True, True, "Isolate")


def test_group_names_ids_and_posture_are_compared_too() -> None:
    _, account, _ = isolating()
    bob = account.enroll("bob@contoso.com", group_ids=["g1"])
    account.add_rule("by id", "block", identity='any(identity.groups.id[*] in {"g1"})')
    assert account.page_load(bob).blocked
    account.add_rule("by name", identity='any(identity.groups.name[*] in {"risky"})')
    assert not account.page_load(bob).isolated
    bob.groups = ("risky",)
    assert account.page_load(bob).isolated
    account.add_rule("healthy", "noisolate", precedence=1, device_posture='any(device_posture.checks.passed[*] in {"p1"})')
    assert account.page_load(bob).isolated
    bob.posture = ("p1",)
    assert not account.page_load(bob).isolated


@pytest.mark.parametrize(("case", "isolated"), [("ignored", True), ("heeded", False)])
def test_case_counts_or_does_not(case: Literal["ignored", "heeded"], *, isolated: bool) -> None:
    _, account, ada = isolating("Ada@contoso.com")
    account.behaviour.email_case = case
    assert account.page_load(ada).isolated == isolated


@pytest.mark.parametrize("stored", ["a.da@contoso.com", "ada+news@contoso.com", "A.D.A+x@contoso.com"])
def test_isolate_matches_dot_and_plus_variants(stored: str) -> None:
    _, account, ada = isolating(stored)
    assert account.page_load(ada).isolated
    account.behaviour.isolate_matches_variants = False
    assert not account.page_load(ada).isolated
    account.configure(extended_email_matching={"enabled": True})
    assert account.page_load(ada).isolated


def test_allow_and_do_not_isolate_match_variants_by_the_accounts_setting_alone() -> None:
    _, account, ada = isolating()
    account.add_rule("exception", "noisolate", precedence=1, identity='identity.email == "a.d.a@contoso.com"')
    assert account.page_load(ada).isolated
    account.configure(extended_email_matching={"enabled": True})
    assert not account.page_load(ada).isolated


def test_a_list_of_domains_is_compared_as_it_is() -> None:
    _, account, ada = isolating()
    sites = account.add_list("sites", ["app.example.com"], "DOMAIN")
    account.add_rule("sites", "block", traffic=f"http.request.host in ${sites.id}")
    assert account.page_load(ada, "https://app.example.com/").blocked
    assert not account.page_load(ada, "https://example.com/").blocked


def test_variants_are_of_the_local_part() -> None:
    _, account, ada = isolating("ada@con.toso.com")
    assert not account.page_load(ada).isolated


def test_changes_take_some_seconds_to_act() -> None:
    client, account, ada = isolating()
    client.clock.time += 100
    account.behaviour.enforcement_seconds = 30.0
    client.patch(high(client), remove=(ADA,))
    client.clock.time += 29
    assert account.page_load(ada).isolated
    client.clock.time += 1
    assert not account.page_load(ada).isolated
    rule = account.add_rule("everybody")
    account.decrypt_tls(on=False)
    client.clock.time += 29
    assert account.page_load(ada).reason == "no rule matches"
    client.clock.time += 1
    assert account.page_load(ada).reason == "TLS decryption is off"
    account.decrypt_tls(on=True)
    client.send("DELETE", f"/gateway/rules/{rule.id}")
    client.clock.time += 29
    assert account.page_load(ada).reason == "TLS decryption is off"
    client.clock.time += 1
    assert account.page_load(ada).reason == "no rule matches"
