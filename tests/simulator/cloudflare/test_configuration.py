"""The Gateway configuration (cloudflare.md 5)."""

import pytest

from simulator.messages import JSON
from tests.simulator.cloudflare.client import contoso


def test_what_was_never_set_is_absent() -> None:
    client = contoso()
    assert client.get("/gateway/configuration").result["settings"] == {"tls_decrypt": {"enabled": True}}


def test_a_patch_is_merged_deeply_and_null_changes_nothing() -> None:
    client = contoso()
    client.account.configure(browser_isolation={"url_browser_isolation_enabled": True, "non_identity_enabled": False})
    changes: JSON = {"browser_isolation": {"non_identity_enabled": True}, "tls_decrypt": None, "activity_log": {"enabled": True}}
    client.clock.time += 60
    answer = client.send("PATCH", "/gateway/configuration", {"settings": changes}).result
    assert answer["settings"] == {
        "tls_decrypt": {"enabled": True},
        "browser_isolation": {"url_browser_isolation_enabled": True, "non_identity_enabled": True},
        "activity_log": {"enabled": True},
    }
    assert answer["updated_at"] == "2026-09-21T14:15:20Z"
    assert client.get("/gateway/configuration").result == answer


@pytest.mark.any_request
def test_a_put_replaces_everything_and_is_held_against_the_client() -> None:
    client = contoso()
    client.send("PUT", "/gateway/configuration", {"settings": {"activity_log": {"enabled": True}}})
    assert client.get("/gateway/configuration").result["settings"] == {"activity_log": {"enabled": True}}
    assert client.account.violations == ["PUT gateway/configuration: it replaces what others have set"]


@pytest.mark.any_request
def test_a_patch_of_what_is_no_configuration_is_refused() -> None:
    client = contoso()
    blocks: list[JSON] = [[], {"tls_decrypt": "on"}, {"tls_decrypt": {"enabled": "yes"}}, {"certificate": {}}]
    bodies: list[JSON] = [[], "on", *({"settings": each} for each in blocks)]
    for body in bodies:
        assert client.send("PATCH", "/gateway/configuration", body).status == 400
    assert client.get("/gateway/configuration").result["settings"] == {"tls_decrypt": {"enabled": True}}
