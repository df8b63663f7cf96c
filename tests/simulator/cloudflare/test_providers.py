"""Access identity providers (cloudflare.md 6.1)."""

from typing import Literal

import pytest

from simulator.messages import JSON
from tests.simulator.cloudflare.client import Client, contoso

NEW = "new secret"
BOTH = ("Access: Organizations, Identity Providers, and Groups Write",)


def whole(client: Client, *, secret: JSON = NEW, **scim: JSON) -> dict[str, JSON]:
    """The provider as it is read, fit to be put back."""
    read = client.get(f"/access/identity_providers/{client.account.provider.id}").result
    config, known = read["config"], read["scim_config"]
    assert isinstance(config, dict)
    assert isinstance(known, dict)
    kept = {name: known[name] for name in ("enabled", "identity_update_behavior", "user_deprovision", "seat_deprovision")}
    return {"name": read["name"], "type": read["type"], "config": {**config, "client_secret": secret}, "scim_config": {**kept, **scim}}


def put(client: Client, body: dict[str, JSON]) -> dict[str, JSON]:
    answer = client.send("PUT", f"/access/identity_providers/{client.account.provider.id}", body)
    assert answer.status == 200
    return answer.result


def test_providers_are_listed_by_whether_scim_is_on() -> None:
    client = contoso(*BOTH)
    client.account.add_provider("other")
    names = {
        query: [each["name"] for each in client.get(f"/access/identity_providers{query}").results]
        for query in ("", "?scim_enabled=true", "?scim_enabled=false", "?per_page=1&page=2")
    }
    assert list(names.values()) == [["Entra ID", "other"], ["Entra ID"], ["other"], ["other"]]


@pytest.mark.parametrize(("shown", "secret"), [("null", None), ("masked", "*" * 22)])
def test_the_client_secret_never_comes_back(shown: Literal["null", "masked"], secret: str | None) -> None:
    client = contoso(*BOTH)
    client.account.behaviour.secret_shown_as = shown
    read = client.get(f"/access/identity_providers/{client.account.provider.id}")
    config = read.result["config"]
    assert isinstance(config, dict)
    assert config["client_secret"] == secret
    assert str(client.account.provider.client_secret) not in read.text
    assert str(client.account.provider.scim_secret) not in read.text


@pytest.mark.parametrize(("does", "kept"), [("kept", True), ("lost", False)])
@pytest.mark.parametrize("secret", [None, "*" * 22, ""])
def test_a_put_without_the_secret_keeps_it_or_loses_it_and_is_held_against_the_client(
    does: Literal["kept", "lost"], secret: str | None, *, kept: bool
) -> None:
    client = contoso(*BOTH)
    client.account.behaviour.put_without_secret = does
    before = client.account.provider.client_secret
    put(client, whole(client, secret=secret))
    assert client.account.provider.client_secret == (before if kept else None)
    assert len(client.account.violations) == 1


def test_a_put_replaces_the_provider_with_its_secret() -> None:
    client = contoso(*BOTH)
    body = whole(client, user_deprovision=True, seat_deprovision=True, identity_update_behavior="reauth")
    answer = put(client, {**body, "name": "renamed"})
    provider = client.account.provider
    assert (answer["name"], provider.client_secret, client.account.violations) == ("renamed", NEW, [])
    assert (provider.user_deprovision, provider.seat_deprovision, provider.identity_update_behavior) == (True, True, "reauth")


def test_the_scim_secret_is_in_the_answer_that_turns_scim_on_and_in_no_other() -> None:
    client = contoso(*BOTH)

    def shown(*, enabled: bool) -> JSON:
        scim = put(client, whole(client, enabled=enabled))["scim_config"]
        assert isinstance(scim, dict)
        return scim["secret"]

    before = client.account.provider.scim_secret
    assert shown(enabled=True) is None
    assert shown(enabled=False) is None
    first = shown(enabled=True)
    assert first == client.account.provider.scim_secret != before
    assert shown(enabled=True) is None


@pytest.mark.any_request
@pytest.mark.parametrize(
    "changes",
    [
        {"name": ""},
        {"type": "okta"},
        {"config": None},
        {"scim_config": {"enabled": True, "seat_deprovision": True}},
        {"scim_config": {"identity_update_behavior": "at once"}},
    ],
)
def test_a_provider_that_cannot_be(changes: dict[str, JSON]) -> None:
    client = contoso(*BOTH)
    address = f"/access/identity_providers/{client.account.provider.id}"
    assert client.send("PUT", address, whole(client) | changes).status == 400
    assert client.account.provider.client_secret != NEW


def test_a_provider_that_is_read_only() -> None:
    client = contoso(*BOTH)
    client.account.provider.read_only = True
    assert client.send("PUT", f"/access/identity_providers/{client.account.provider.id}", whole(client)).status == 403
