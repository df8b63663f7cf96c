"""People at a browser, at the simulated login host: PKCE over the loopback, device code, refresh tokens (entra-admin.md 1.1 and 1.5)."""

import base64
import re
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import Literal
from urllib.parse import parse_qs, parse_qsl, urlencode, urlsplit

import pytest

from simulator import Request, Response, Tenant, User
from simulator.entra.public_clients import AZURE_CLI, GRAPH_COMMAND_LINE_TOOLS, PublicClient
from simulator.messages import JSON
from tests.simulator.client import Clock, Reply, reply
from tests.simulator.test_token import claims

LOGIN = "https://login.microsoftonline.com"
VERIFIER = "0123456789-0123456789-0123456789-0123456789"
REDIRECT = "http://localhost:8400"
SCIM_SIDE = "https://graph.microsoft.com/Application.ReadWrite.All https://graph.microsoft.com/Synchronization.ReadWrite.All"
DEVICE_GRANT = "urn:ietf:params:oauth:grant-type:device_code"


@dataclass
class Terminal:
    """A command line in front of which somebody sits, and their browser."""

    tenant: Tenant
    clock: Clock
    user: User
    client: PublicClient = GRAPH_COMMAND_LINE_TOOLS

    def authorize(self, scope: str = SCIM_SIDE, **changes: str) -> Response:
        query = {
            "client_id": self.client.id,
            "response_type": "code",
            "redirect_uri": REDIRECT,
            "response_mode": "query",
            "scope": f"{scope} offline_access openid profile",
            "state": "the state",
            "nonce": "the nonce",
            "code_challenge": base64.urlsafe_b64encode(sha256(VERIFIER.encode()).digest()).decode().rstrip("="),
            "code_challenge_method": "S256",
            **changes,
        }
        tenant = query.pop("tenant", self.tenant.id)
        return self.tenant.handle(Request("GET", f"{LOGIN}/{tenant}/oauth2/v2.0/authorize?{urlencode(query)}", {}))

    def code(self, scope: str = SCIM_SIDE, **changes: str) -> str:
        """What the page sends back on the loopback."""
        return returned(self.authorize(scope, **changes))["code"]

    def redeem(self, code: str, **changes: str) -> Reply:
        form = {"grant_type": "authorization_code", "code": code, "redirect_uri": REDIRECT, "code_verifier": VERIFIER, **changes}
        return self.post("token", form)

    def begin_device(self, scope: str = SCIM_SIDE) -> Reply:
        return self.post("devicecode", {"scope": f"{scope} offline_access"})

    def poll(self, device_code: JSON) -> Reply:
        return self.post("token", {"grant_type": DEVICE_GRANT, "device_code": str(device_code)})

    def refresh(self, refresh_token: JSON, scope: str = "") -> Reply:
        return self.post(
            "token", {"grant_type": "refresh_token", "refresh_token": str(refresh_token), **({"scope": scope} if scope else {})}
        )

    def post(self, endpoint: str, form: Mapping[str, str]) -> Reply:
        body = urlencode({"client_id": self.client.id, **form}).encode()
        headers = {"Content-Type": "application/x-www-form-urlencoded"}
        return reply(self.tenant.handle(Request("POST", f"{LOGIN}/organizations/oauth2/v2.0/{endpoint}", headers, body)))


def returned(answer: Response) -> dict[str, str]:
    """What a redirect carries to the loopback."""
    assert answer.status == 302
    location = urlsplit(answer.headers["Location"])
    assert f"{location.scheme}://{location.netloc}" == REDIRECT
    return dict(parse_qsl(location.query))


def terminal(*roles: str, client: PublicClient = GRAPH_COMMAND_LINE_TOOLS) -> Terminal:
    clock = Clock()
    tenant = Tenant.contoso(3, clock=clock.now)
    user = tenant.add_user("Ada Admin")
    for role in roles or ("Global Administrator",):
        tenant.assign_role(user, role)
    tenant.people.at_keyboard = user
    return Terminal(tenant, clock, user, client)


def code_of(answer: Reply) -> JSON:
    codes = answer.body["error_codes"]
    assert isinstance(codes, list)
    return codes[0]


# --- authorization code with PKCE ---


def test_whoever_signs_in_at_the_browser_gets_tokens_by_way_of_the_loopback() -> None:
    it = terminal()
    sent = returned(it.authorize())
    assert sent["state"] == "the state"
    answer = it.redeem(sent["code"]).body
    said = claims(str(answer["access_token"]))
    assert (said["oid"], said["appid"]) == (it.user.id, GRAPH_COMMAND_LINE_TOOLS.id)
    assert set(str(said["scp"]).split()) == {"Application.ReadWrite.All", "Synchronization.ReadWrite.All", "email", "openid", "profile"}
    identity = claims(str(answer["id_token"]))
    assert (identity["nonce"], identity["preferred_username"], identity["aud"]) == (
        "the nonce",
        it.user.principal_name,
        GRAPH_COMMAND_LINE_TOOLS.id,
    )
    assert answer["refresh_token"]


def test_while_nobody_is_at_the_keyboard_the_page_waits() -> None:
    it = terminal()
    it.tenant.people.at_keyboard = None
    page = it.authorize()
    assert (page.status, page.headers["Content-Type"]) == (200, "text/html; charset=utf-8")


def test_the_code_may_come_as_a_form_that_posts_itself() -> None:
    it = terminal()
    page = it.authorize(response_mode="form_post").body.decode()
    assert f'action="{REDIRECT}"' in page
    fields = dict(re.findall(r'name="(\w+)" value="([^"]*)"', page))
    assert fields["state"] == "the state"
    assert it.redeem(fields["code"]).status == 200


def test_a_code_is_worth_something_once_and_for_ten_minutes_and_to_whoever_began() -> None:
    it = terminal()
    code = it.code()
    assert it.redeem(code).status == 200
    assert code_of(it.redeem(code)) == 54005
    late = it.code()
    it.clock.time += 600
    assert code_of(it.redeem(late)) == 70008
    assert code_of(it.redeem(it.code(), code_verifier="x" * 43)) == 50148
    assert code_of(it.redeem(it.code(), redirect_uri="http://localhost:1")) == 50011
    stolen = it.code()
    it.client = AZURE_CLI
    assert code_of(it.redeem(stolen)) == 70008
    assert code_of(it.redeem("made up")) == 70008


@pytest.mark.any_request
def test_only_the_loopback_is_a_place_to_come_back_to() -> None:
    answer = reply(terminal().authorize(redirect_uri="https://attacker.example"))
    assert (answer.status, code_of(answer)) == (400, 50011)


@pytest.mark.parametrize("tenant", ["organizations", "common", "contoso.onmicrosoft.com"])
def test_people_need_not_know_their_tenants_id(tenant: str) -> None:
    it = terminal()
    assert it.redeem(it.code(tenant=tenant)).status == 200


def test_a_tenant_that_does_not_exist_is_told() -> None:
    assert code_of(reply(terminal().authorize(tenant="nobody.example"))) == 90002


def refusal(answer: Response) -> str:
    sent = returned(answer)
    return sent["error_description"].partition(":")[0]


@pytest.mark.parametrize("code", [50076, 50079, 50097, 50158, 53000, 53001, 53002, 53003, 530084])
def test_whoever_signs_in_may_be_refused_by_number(code: int) -> None:
    it = terminal()
    it.tenant.behaviour.people_refused = code
    assert refusal(it.authorize()) == f"AADSTS{code}"
    it.tenant.behaviour.people_refused = None
    assert it.redeem(it.code()).status == 200


def test_the_page_may_keep_an_error_for_itself() -> None:
    it = terminal()
    it.tenant.behaviour.people_refused, it.tenant.behaviour.authorize_errors = 53003, "page"
    page = it.authorize()
    assert page.status == 200
    assert b"AADSTS53003" in page.body


# --- consent ---


def test_the_azure_cli_gets_its_own_scopes_unasked_and_no_other() -> None:
    it = terminal(client=AZURE_CLI)
    it.tenant.people.agrees = False
    answer = it.redeem(it.code("https://graph.microsoft.com/.default")).body
    assert "Application.ReadWrite.All" in str(claims(str(answer["access_token"]))["scp"])
    assert refusal(it.authorize()) == "AADSTS65002"
    assert it.tenant.directory.consents == []


def test_whoever_does_not_agree_gets_nothing_and_nothing_is_left() -> None:
    it = terminal()
    it.tenant.people.agrees = False
    sent = returned(it.authorize())
    assert (sent["error"], sent["error_description"].partition(":")[0]) == ("access_denied", "AADSTS65004")
    assert it.tenant.directory.consents == []


def test_consent_is_asked_for_once() -> None:
    it = terminal()
    it.code()
    it.tenant.people.agrees = False
    assert it.redeem(it.code()).status == 200
    assert it.redeem(it.code("https://graph.microsoft.com/.default")).status == 200


def test_whoever_is_no_administrator_cannot_consent_to_what_takes_one() -> None:
    it = terminal("Global Reader")
    assert refusal(it.authorize()) == "AADSTS90094"
    assert it.redeem(it.code("https://graph.microsoft.com/User.Read")).status == 200


@pytest.mark.parametrize(("may", "refused"), [(True, False), (False, True)])
def test_users_may_consent_for_themselves_or_not(may: bool, refused: bool) -> None:
    it = terminal("Global Reader")
    it.tenant.behaviour.users_may_consent = may
    sent = returned(it.authorize("https://graph.microsoft.com/User.Read"))
    assert ("AADSTS90094" in sent.get("error_description", "")) is refused


def tools(it: Terminal) -> str:
    """The id of the client's principal, which the first consent leaves in the tenant."""
    it.code()
    principal = it.tenant.directory.principal_of(GRAPH_COMMAND_LINE_TOOLS.id)
    assert principal
    return principal.id


def test_a_client_may_be_for_those_who_are_assigned() -> None:
    it = terminal()
    principal = it.tenant.directory.principals[tools(it)]
    principal.assignment_required = True
    assert refusal(it.authorize()) == "AADSTS50105"
    group = it.tenant.create_group("admins")
    it.tenant.add_member(group, it.user)
    it.tenant.assign(principal, group)
    assert it.redeem(it.code()).status == 200


def test_a_client_may_be_disabled_or_unknown() -> None:
    it = terminal()
    it.tenant.directory.principals[tools(it)].enabled = False
    assert refusal(it.authorize()) == "AADSTS7000112"
    it.client = PublicClient("00000000-0000-4000-8000-000000000009", "another", None)
    assert refusal(it.authorize()) == "AADSTS700016"


def test_a_scope_that_does_not_exist_is_refused() -> None:
    assert refusal(terminal().authorize("https://graph.microsoft.com/Everything.ReadWrite.All")) == "AADSTS70011"
    assert refusal(terminal().authorize("https://graph.microsoft.us/User.Read")) == "AADSTS70011"


# --- device code ---


def test_a_device_code_is_worth_tokens_once_somebody_has_entered_it_elsewhere() -> None:
    it = terminal()
    begun = it.begin_device().body
    assert str(begun["user_code"]) in str(begun["message"])
    pending = it.poll(begun["device_code"])
    assert (pending.status, pending.body["error"], code_of(pending)) == (400, "authorization_pending", 70016)
    it.tenant.people.enter_code(str(begun["user_code"]), it.user, it.clock.time)
    answer = it.poll(begun["device_code"])
    assert claims(str(answer.body["access_token"]))["oid"] == it.user.id


def test_a_device_code_ends_or_is_declined_or_is_none() -> None:
    it = terminal()
    begun = it.begin_device().body
    it.tenant.people.enter_code(str(begun["user_code"]), it.user, it.clock.time, agrees=False)
    assert code_of(it.poll(begun["device_code"])) == 65004
    late = it.begin_device().body
    it.clock.time += 900
    expired = it.poll(late["device_code"])
    assert (expired.body["error"], code_of(expired)) == ("expired_token", 70020)
    assert code_of(it.poll("made up")) == 70018


@pytest.mark.parametrize("blocked", [True, False])
def test_a_tenant_may_block_device_codes_and_sessions_that_began_by_one(blocked: bool) -> None:
    it = terminal()
    begun = it.begin_device().body
    it.tenant.people.enter_code(str(begun["user_code"]), it.user, it.clock.time)
    refresh_token = it.poll(begun["device_code"]).body["refresh_token"]
    it.tenant.behaviour.device_code_blocked = blocked
    for answer in (it.refresh(refresh_token), it.poll(begun["device_code"])):
        assert answer.status == (400 if blocked else 200)
        assert not blocked or code_of(answer) == 53003
    assert it.redeem(it.code()).status == 200


# --- refresh tokens ---


def test_a_refresh_token_gives_tokens_with_whatever_was_consented_to_by_then() -> None:
    it = terminal()
    refresh_token = it.redeem(it.code()).body["refresh_token"]
    it.code("https://graph.microsoft.com/Policy.Read.All")
    answer = it.refresh(refresh_token, "https://graph.microsoft.com/.default offline_access")
    assert "Policy.Read.All" in str(claims(str(answer.body["access_token"]))["scp"])
    assert code_of(it.refresh(refresh_token, "https://graph.microsoft.com/AuditLog.Read.All")) == 65001


def test_a_refresh_token_ends_with_its_user_or_after_ninety_days() -> None:
    it = terminal()
    first, second = (it.redeem(it.code()).body["refresh_token"] for _ in range(2))
    it.clock.time += 90 * 86_400
    assert code_of(it.refresh(first)) == 70008
    it.clock.time -= 86_400
    assert it.refresh(second).status == 200
    it.tenant.delete_user(it.user)
    assert code_of(it.refresh(second)) == 70008


def test_client_info_does_not_come_unasked() -> None:
    it = terminal()
    assert "client_info" not in it.redeem(it.code()).body


@pytest.mark.any_request
@pytest.mark.parametrize("missing", ["code", "redirect_uri", "code_verifier"])
def test_a_field_that_is_missing_is_named(missing: str) -> None:
    it = terminal()
    form = {"grant_type": "authorization_code", "code": it.code(), "redirect_uri": REDIRECT, "code_verifier": VERIFIER}
    del form[missing]
    answer = it.post("token", form)
    assert code_of(answer) == (50148 if missing == "code_verifier" else 900144)


@pytest.mark.any_request
def test_what_the_page_does_not_get_is_named() -> None:
    it = terminal()
    url = f"{LOGIN}/{it.tenant.id}/oauth2/v2.0/authorize?client_id={it.client.id}"
    assert code_of(reply(it.tenant.handle(Request("GET", url, {})))) == 900144


@pytest.mark.parametrize("mode", ["redirect", "page"])
def test_a_state_comes_back_with_an_error_too(mode: Literal["redirect", "page"]) -> None:
    it = terminal()
    it.tenant.behaviour.people_refused, it.tenant.behaviour.authorize_errors = 53003, mode
    answer = it.authorize()
    assert ("state" in parse_qs(urlsplit(answer.headers.get("Location", "")).query)) is (mode == "redirect")
