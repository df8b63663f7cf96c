"""On Azure a managed identity takes the place of app registration and secret."""

from collections.abc import Iterator

import pytest

from tests.cli.azure import Azure, azure
from tests.cli.terminal import Terminal


@pytest.fixture
def there(terminal: Terminal, monkeypatch: pytest.MonkeyPatch) -> Iterator[Azure]:
    """Azure around a terminal at which no variable of the Worker's is set."""
    with azure(terminal.tenant) as found:
        terminal.environment = found.environment
        for name, value in found.environment.items():
            monkeypatch.setenv(name, value)  # which is where MSAL looks
        yield found


def test_its_token_is_all_that_a_run_needs(terminal: Terminal, there: Azure, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")  # which does not lead to Azure's endpoint
    outcome = terminal.run("sync")
    assert (outcome.status, outcome.complaints) == (0, "")
    assert '"outcome": "changed"' in outcome.output
    assert there.asked == [{"api-version": "2019-08-01", "resource": "https://graph.microsoft.com"}]
    assert not any("/applications" in item.url for request in terminal.tenant.requests for item in request.items)


def test_one_of_several_identities_is_named_by_its_client_id(terminal: Terminal, there: Azure) -> None:
    terminal.environment["AZURE_AD_CLIENT_ID"] = "11111111-2222-4333-8444-555555555555"
    assert terminal.run("plan").status == 0
    assert there.asked[0]["client_id"] == "11111111-2222-4333-8444-555555555555"


def test_a_secret_or_a_certificate_goes_before_it(terminal: Terminal, there: Azure) -> None:
    terminal.environment |= terminal.tenant.worker_variables
    assert terminal.run("plan").status == 0
    assert there.asked == []


def test_a_machine_that_does_not_say_so_is_told_to_use_one(terminal: Terminal, there: Azure, monkeypatch: pytest.MonkeyPatch) -> None:
    terminal.environment = {"RISKY_USERS_MANAGED_IDENTITY": "true"}
    assert terminal.run("plan").status == 0
    assert len(there.asked) == 1


def test_an_app_without_an_identity_is_told_what_to_do(terminal: Terminal, there: Azure) -> None:
    there.off = True
    outcome = terminal.run("sync")
    assert outcome.status == 1
    assert (
        "No access token from the managed identity (invalid_scope, 400, No managed identity found): switch the identity on"
        in outcome.output
    )
    assert "AADSTS" not in outcome.output


def test_an_endpoint_that_does_not_answer_is_told(terminal: Terminal, there: Azure, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("IDENTITY_ENDPOINT", "http://127.0.0.1:9/msi/token")
    outcome = terminal.run("sync")
    assert outcome.status == 1
    assert "Azure's endpoint for it gives no answer" in outcome.output


def test_neither_its_token_nor_the_key_to_it_is_shown(terminal: Terminal, there: Azure) -> None:
    for command in ("check", "sync"):
        text = terminal.run(command).text
        assert there.environment["IDENTITY_HEADER"] not in text
        assert not any(token in text for token in terminal.tenant.tokens.issued)
