"""Who is at the keyboard: the Azure CLI, the browser, a device code; and whom the commands refuse (entra-admin.md 1)."""

import json
import threading
import webbrowser
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from risky_users.admin.errors import NotSignedIn
from risky_users.admin.machine import Finished, run_program
from risky_users.admin.sign_in import How, sign_in
from settings import CLOUDS
from simulator import Request
from simulator.messages import JSON
from tests.setup.desk import Desk

pytestmark = [
    pytest.mark.any_request,  # MSAL asks for metadata first, and says who it is in fields of its own
    pytest.mark.filterwarnings("ignore:response_mode='form_post' is recommended"),
]
GLOBAL = CLOUDS["global"]


@pytest.fixture
def desk() -> Desk:
    return Desk()


def az_says(desk: Desk, answer: dict[str, JSON]) -> None:
    desk.programs.installed["az"] = lambda *_: Finished(0, json.dumps(answer), "")


def test_whoever_is_signed_in_with_the_azure_cli_is_signed_in_here(desk: Desk) -> None:
    person = sign_in(desk.machine, GLOBAL, desk.tenant.id)
    assert (person.tenant_id, person.object_id, person.name) == (desk.tenant.id, desk.ada.id, desk.ada.principal_name)
    assert person.token in desk.tenant.tokens.issued
    assert person.token not in repr(person)


def test_the_program_itself_is_run_where_it_is_on_the_path(desk: Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    desk.machine.run = run_program
    monkeypatch.setenv("PATH", str(desk.az.install(tmp_path / "bin")))
    assert sign_in(desk.machine, GLOBAL, how=How.AZURE_CLI).object_id == desk.ada.id
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(NotSignedIn, match="not installed"):
        sign_in(desk.machine, GLOBAL, how=How.AZURE_CLI)


def test_another_tenant_is_refused(desk: Desk) -> None:
    az_says(desk, desk.az.answer("graph.microsoft.com"))
    other = "00000000-0000-4000-8000-000000000009"
    with pytest.raises(NotSignedIn, match=f"signed in to the tenant {desk.tenant.id}.*--tenant {other}"):
        sign_in(desk.machine, GLOBAL, other)


def test_an_app_is_no_person(desk: Desk) -> None:
    app = desk.tenant.app
    token = desk.tenant.tokens.for_app(app.principal, (), "graph.microsoft.com", desk.clock.now(), 3600.0)
    az_says(desk, {**desk.az.answer("graph.microsoft.com"), "accessToken": token})
    with pytest.raises(NotSignedIn, match="as an app"):
        sign_in(desk.machine, GLOBAL)


@pytest.mark.parametrize("failure", ["", "ERROR: AADSTS50076: Due to a configuration change, you must use multi-factor authentication.\n"])
def test_whoever_is_not_signed_in_and_has_no_terminal_is_told_how(desk: Desk, failure: str) -> None:
    desk.az.user, desk.az.failure = (desk.ada if failure else None), failure
    with pytest.raises(NotSignedIn, match=r"`az login --allow-no-subscriptions --tenant") as refused:
        sign_in(desk.machine, GLOBAL, desk.tenant.id)
    assert ("AADSTS50076" in str(refused.value)) is bool(failure)


def test_the_token_never_gets_into_an_error(desk: Desk) -> None:
    az_says(desk, {"accessTokenX": "very-secret"})
    with pytest.raises(NotSignedIn) as refused:
        sign_in(desk.machine, GLOBAL)
    assert "very-secret" not in str(refused.value)


def test_in_a_national_cloud_the_azure_cli_has_to_be_set_to_it(desk: Desk) -> None:
    desk.tenant.tokens.cloud = "login.microsoftonline.us"
    assert sign_in(desk.machine, CLOUDS["usgov"]).claims["aud"] == "https://graph.microsoft.us"
    desk.az.failure = "ERROR: AADSTS500011: The resource principal was not found in the tenant.\n"
    with pytest.raises(NotSignedIn, match="az cloud set --name AzureUSGovernment"):
        sign_in(desk.machine, CLOUDS["usgov"])


@pytest.fixture
def browser(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> Desk:
    """Somebody who follows the link that the browser is given, and whom the page sends back."""

    def visit(address: str) -> None:
        answer = desk.tenant.handle(Request("GET", address, {}))
        if "Location" in answer.headers:
            httpx.get(answer.headers["Location"])
        else:
            fields = [part.split('"') for part in answer.body.decode().split("<input")[1:]]
            [redirect] = parse_qs(urlsplit(address).query)["redirect_uri"]
            httpx.post(redirect, data={part[3]: part[5] for part in fields})

    def open_it(address: str, *_: object, **__: object) -> bool:
        threading.Thread(target=visit, args=(address,), daemon=True).start()
        return True

    monkeypatch.setattr(webbrowser, "open", open_it)
    desk.tenant.people.at_keyboard = desk.ada
    return desk


def test_the_browser_comes_next_where_somebody_sits_at_a_terminal(browser: Desk) -> None:
    browser.az.user, browser.machine.interactive = None, lambda: True
    person = sign_in(browser.machine, GLOBAL, browser.tenant.id)
    assert person.object_id == browser.ada.id
    assert "Synchronization.ReadWrite.All" in str(person.claims["scp"])
    assert any("for yourself only" in line for line in browser.told)
    assert f"oauth2PermissionGrants?\\$filter=principalId eq '{browser.ada.id}'" in browser.told[-1]
    again = person.renew()
    assert again != person.token
    assert again in browser.tenant.tokens.issued


def test_whoever_declines_is_told_what_was_declined(browser: Desk) -> None:
    browser.tenant.people.agrees = False
    with pytest.raises(NotSignedIn, match="AADSTS65004"):
        sign_in(browser.machine, GLOBAL, browser.tenant.id, How.BROWSER)


def test_a_device_code_is_shown_and_waited_for(desk: Desk) -> None:
    def enter(line: str) -> None:
        if "the code " in line:
            desk.tenant.people.enter_code(line.rpartition("the code ")[2].split()[0], desk.ada, desk.clock.now())

    desk.machine.tell = enter
    assert sign_in(desk.machine, GLOBAL, desk.tenant.id, How.DEVICE_CODE).object_id == desk.ada.id
    desk.tenant.behaviour.device_code_blocked = True
    with pytest.raises(NotSignedIn, match=r"AADSTS53003.*Conditional Access"):
        sign_in(desk.machine, GLOBAL, desk.tenant.id, How.DEVICE_CODE)


def test_a_tenant_that_is_not_there_is_named(desk: Desk) -> None:
    with pytest.raises(NotSignedIn, match=r"no tenant nobody\.example"):
        sign_in(desk.machine, GLOBAL, "nobody.example", How.BROWSER)


def test_without_a_network_the_host_is_named(desk: Desk) -> None:
    desk.network.unplugged = True
    with pytest.raises(NotSignedIn, match=r"login\.microsoftonline\.com cannot be reached"):
        sign_in(desk.machine, GLOBAL, desk.tenant.id, How.DEVICE_CODE)
