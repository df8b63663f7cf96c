"""Who is at the keyboard, as Microsoft knows them: the Azure CLI's token, else a browser, a device code last.

The Azure CLI needs no new consent in the tenant. The browser signs in to Microsoft Graph Command Line Tools with PKCE over the
loopback, and its consent stays in the tenant; a device code is what many tenants block
(https://learn.microsoft.com/entra/identity/conditional-access/concept-authentication-flows).
"""

import json
from binascii import Error, a2b_base64
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, TypeAlias

import httpx

from risky_users.admin.errors import NotSignedIn
from risky_users.admin.machine import Machine
from settings import Cloud
from text import GUID

if TYPE_CHECKING:
    from msal import PublicClientApplication

COMMAND_LINE_TOOLS = "14d82eec-204b-4c2f-b7e8-296a70dab67e"
"""Microsoft's client for tools like this one, which every tenant has (https://learn.microsoft.com/powershell/microsoftgraph)."""
SCOPES = ("Application.ReadWrite.All", "AppRoleAssignment.ReadWrite.All", "Group.ReadWrite.All", "Synchronization.ReadWrite.All")
"""The least that setting up takes; each still acts within the person's own rights."""
BROWSER_SECONDS = 300
_AZURE_CLOUDS = {"graph.microsoft.com": "AzureCloud"}
_TAKE_THE_OTHER = "Sign in another way: --sign-in browser, or --sign-in azure-cli."
_REMEDIES = {
    50076: "Sign in with a second factor.",
    50079: "Sign in with a second factor.",
    50097: "Sign in on a device that your organisation manages.",
    50105: f"You are not assigned to the client that signs you in. {_TAKE_THE_OTHER}",
    53000: "Sign in on a device that your organisation manages.",
    53003: "A Conditional Access policy forbids it here; device codes are what such policies block most.",
    65001: "Consent was not given.",
    65004: "Consent was declined.",
    65002: f"This client cannot have that scope. {_TAKE_THE_OTHER}",
    90094: "An administrator has to consent first; or sign in with the Azure CLI, which needs no consent.",
    530084: f"A policy binds tokens to the device, which this client cannot. {_TAKE_THE_OTHER}",
}
"""By AADSTS number (https://learn.microsoft.com/entra/identity-platform/reference-error-codes)."""


class How(StrEnum):
    """Ways to sign in."""

    AUTOMATIC = "auto"
    AZURE_CLI = "azure-cli"
    BROWSER = "browser"
    DEVICE_CODE = "device-code"


@dataclass(slots=True)
class Person:
    """Whoever is signed in; `renew` gets another token."""

    cloud: Cloud
    via: str
    renew: Callable[[], str] = field(repr=False)
    token: str = field(repr=False)

    @property
    def claims(self) -> Mapping[str, object]:
        """What the token says of itself: for showing, never for deciding what is allowed."""
        return _claims(self.token)

    @property
    def tenant_id(self) -> str:
        """The tenant's id."""
        return str(self.claims.get("tid", ""))

    @property
    def name(self) -> str:
        """The user principal name, for the terminal only."""
        return str(self.claims.get("upn") or self.claims.get("preferred_username") or self.claims.get("oid") or "somebody")

    @property
    def object_id(self) -> str:
        """Who it is, in the directory."""
        return str(self.claims.get("oid", ""))


def sign_in(machine: Machine, cloud: Cloud, tenant: str = "", how: How = How.AUTOMATIC, scopes: Collection[str] = SCOPES) -> Person:
    """Whoever is at the keyboard, in this tenant: an id or a domain, empty for their own. Raises NotSignedIn."""
    match how:
        case How.AZURE_CLI:
            person = _azure_cli(machine, cloud, tenant)
        case How.AUTOMATIC:
            try:
                person = _azure_cli(machine, cloud, tenant)
            except NotSignedIn as not_there:
                if not machine.interactive():
                    raise
                machine.tell(f"{not_there} Signing you in with the browser instead.")
                person = _by_msal(machine, cloud, tenant, scopes, _in_browser)
        case _:
            person = _by_msal(machine, cloud, tenant, scopes, _in_browser if how is How.BROWSER else _by_device_code)
    return _checked(person, tenant)


def _checked(person: Person, tenant: str) -> Person:
    if GUID.fullmatch(tenant) and tenant.lower() != person.tenant_id.lower():
        raise NotSignedIn(
            f"You are signed in to the tenant {person.tenant_id}, and {tenant} is what is to be set up: "
            f"sign in there (`az login --tenant {tenant}`), or name the other with --tenant."
        )
    if person.claims.get("idtyp") == "app" or not (person.claims.get("scp") or person.claims.get("roles")):
        raise NotSignedIn(
            "The Azure CLI is signed in as an app, not as a person, and directory roles of people do not hold for it: "
            "run `az login` as yourself, or use --sign-in browser."
        )
    return person


# --- the Azure CLI ---


def _azure_cli(machine: Machine, cloud: Cloud, tenant: str) -> Person:
    """As whoever `az` is signed in (https://learn.microsoft.com/cli/azure/account#az-account-get-access-token)."""
    asked = ["az", "account", "get-access-token", "--output", "json", "--resource", f"https://{cloud.graph}"]

    def token() -> str:
        done = machine.run([*asked, *(["--tenant", tenant] if tenant else [])], seconds=60.0)
        if done.status == 127:
            raise NotSignedIn("The Azure CLI is not installed.")
        if done.status:
            raise NotSignedIn(_said_by_az(done.complaints, cloud, tenant))
        try:
            told: object = json.loads(done.output)
            value = told["accessToken"] if isinstance(told, dict) else ""
        except (ValueError, KeyError):
            value = ""
        if not isinstance(value, str) or not value:  # its output holds the token, so none of it is shown
            raise NotSignedIn("The Azure CLI answered without a token: `az upgrade` may help, or use --sign-in browser.")
        return value

    return Person(cloud, "the Azure CLI", token, token())


def _said_by_az(complaints: str, cloud: Cloud, tenant: str) -> str:
    login = f"`az login --allow-no-subscriptions{f' --tenant {tenant}' if tenant else ''}`"
    said = next((line.strip() for line in complaints.splitlines() if line.strip()), "it said nothing").removeprefix("ERROR: ")
    if cloud.graph not in _AZURE_CLOUDS and "AADSTS500011" in complaints:
        return f"The Azure CLI is set to another cloud: run `az cloud set --name AzureUSGovernment`, then {login}."
    if "az login" in complaints or "az account set" in complaints:
        return f"The Azure CLI is not signed in ({said.rstrip('.')}): run {login}."
    return f"The Azure CLI gave no token ({said.rstrip('.')}): run {login}."


# --- Microsoft's library, for all else ---


class _Reply:
    """An answer as MSAL reads one."""

    def __init__(self, response: httpx.Response) -> None:
        self.status_code, self.text, self.headers = response.status_code, response.text, response.headers
        self.raise_for_status = response.raise_for_status


class _Http:
    """This package's HTTP as MSAL uses one, so that proxies and certificates are the same everywhere."""

    def __init__(self, machine: Machine) -> None:
        self._client = machine.client()

    def get(self, url: str, params: Mapping[str, str] | None = None, headers: Mapping[str, str] | None = None, **_: object) -> _Reply:
        return _Reply(self._client.get(url, params=params, headers=headers))

    def post(
        self,
        url: str,
        params: Mapping[str, str] | None = None,
        data: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
        **_: object,
    ) -> _Reply:
        return _Reply(self._client.post(url, params=params, data=data, headers=headers))

    def close(self) -> None:
        self._client.close()


_Result: TypeAlias = "Mapping[str, object] | None"
_Way: TypeAlias = "Callable[[Machine, PublicClientApplication, list[str]], _Result]"


def _by_msal(machine: Machine, cloud: Cloud, tenant: str, scopes: Collection[str], way: _Way) -> Person:
    from msal import PublicClientApplication  # half a second that the Azure CLI's users need not wait

    wanted = [f"https://{cloud.graph}/{scope}" for scope in scopes]
    authority = f"https://{cloud.login}/{tenant or 'organizations'}"
    try:
        app = PublicClientApplication(COMMAND_LINE_TOOLS, authority=authority, http_client=_Http(machine), instance_discovery=False)
        token = _token(way(machine, app, wanted))
    except ValueError:
        raise NotSignedIn(f"There is no tenant {tenant} at {cloud.login}: check --tenant and --cloud.") from None
    except httpx.HTTPError as error:
        raise NotSignedIn(f"{cloud.login} cannot be reached ({type(error).__name__}: {error}): check the network and its proxy.") from error

    def renew() -> str:
        account = next(iter(app.get_accounts()), None)
        silent = app.acquire_token_silent_with_error(wanted, account, force_refresh=True) if account else None
        return _token(silent or way(machine, app, wanted))

    person = Person(cloud, "the browser" if way is _in_browser else "a device code", renew, token)
    grants = f"https://{cloud.graph}/v1.0/oauth2PermissionGrants"
    machine.tell(
        "Your consent stays in the tenant, for Microsoft Graph Command Line Tools. To withdraw it: "
        f"`az rest --url \"{grants}?\\$filter=principalId eq '{person.object_id}'\"` shows its id, "
        f"`az rest --method DELETE --url {grants}/<id>` takes it back."
    )
    return person


def _in_browser(machine: Machine, app: "PublicClientApplication", scopes: list[str]) -> _Result:
    def before(**_: object) -> None:
        machine.tell(
            "Your browser opens for the sign-in. Consent for yourself only: leave “Consent on behalf of your organization” unticked, "
            "or every user could use these permissions within their own rights."
        )

    result: _Result = app.acquire_token_interactive(scopes, prompt="select_account", timeout=BROWSER_SECONDS, on_before_launching_ui=before)
    return result


def _by_device_code(machine: Machine, app: "PublicClientApplication", scopes: list[str]) -> _Result:
    flow: dict[str, object] = app.initiate_device_flow(scopes)
    if "user_code" not in flow:
        return flow
    machine.tell(str(flow["message"]))
    result: _Result = app.acquire_token_by_device_flow(flow)
    return result


def _token(result: _Result) -> str:
    """The token in MSAL's answer. Raises NotSignedIn, with Microsoft's number and what it means, never with the answer itself."""
    token = result.get("access_token") if result else None
    if isinstance(token, str) and token:
        return token
    told = result or {}
    numbers = told.get("error_codes")
    number = int(numbers[0]) if isinstance(numbers, list) and numbers else _number(str(told.get("error_description", "")))
    what = f"AADSTS{number}" if number else str(told.get("error", "nobody came back from the sign-in page"))
    raise NotSignedIn(f"You were not signed in: {what}. {_REMEDIES.get(number, 'Try again, or sign in with the Azure CLI (`az login`).')}")


def _number(description: str) -> int:
    text = description.removeprefix("AADSTS").partition(":")[0]
    return int(text) if text.isdecimal() else 0


def _claims(token: str) -> Mapping[str, object]:
    """A token's own words; none where it has none that can be read."""
    try:
        part = token.split(".")[1].replace("-", "+").replace("_", "/")
        claims: object = json.loads(a2b_base64(part + "=" * (-len(part) % 4)))
    except (IndexError, ValueError, Error):
        return {}
    return claims if isinstance(claims, dict) else {}
