"""Why a request to Graph came to nothing, and what the administrator does next, in half a sentence.

Of an error body nothing is shown but its code and the request ids: the messages quote request paths and user principal
names (https://learn.microsoft.com/graph/errors). Where two cases share a code they are told apart by a message known to
be stable, and where that fails by the permissions in the token.
"""

from collections.abc import Collection

from errors import Cause
from exchange import GraphResponse
from permissions import READ_GROUPS, READ_RISK, WRITE_MEMBERS, granted

_NO_PREMIUM = "Authentication_RequestFromNonPremiumTenantOrB2CTenant"
_QUOTA = "Directory_QuotaExceeded"


def explain(response: GraphResponse, roles: Collection[str] | None) -> tuple[str, Cause]:
    """The end of the sentence "Could not …: ", and the cause. `roles` are the permissions in the token, None if unknown."""
    reason, cause = _reason(response, roles)
    return (f"{reason} ({response.code})" if response.code else reason), cause


def _reason(response: GraphResponse, roles: Collection[str] | None) -> tuple[str, Cause]:
    status = response.status
    if response.left_over:
        return "this tick's subrequests or time ended first; the next minute goes on, and docs/cost.md names the limits", "budget"
    if response.passing:
        return _passing(response), ""
    if status == 403:
        return _forbidden(response, roles)
    if 300 <= status < 400:
        return f"Graph answers {status}, a redirect, which is not followed because the access token would go with it", ""
    if status == 401:
        return "Graph refuses the access token, a new one too; check AZURE_CLOUD, and that the app's permissions have admin consent", ""
    if status == 404:
        return "Graph does not find it; if it was made or deleted a moment ago, the directory catches up within minutes", ""
    what = "Graph's answer is not understood" if 200 <= status < 300 else f"Graph refuses the request with status {status}"
    return f"{what}; if this repeats every minute, report it with the request ids", ""


def _passing(response: GraphResponse) -> str:
    known = {0: "Graph gave no answer that can be read", 429: "Graph is throttling this tenant or app"}
    times = "" if response.attempts < 2 else f", {response.attempts} times"
    return f"{known.get(response.status, f'Graph answers {response.status}')}{times}; the next minute tries again"


def _forbidden(response: GraphResponse, roles: Collection[str] | None) -> tuple[str, Cause]:
    needs = response.request.needs
    if response.code == _NO_PREMIUM or response.says("not licensed"):
        return "the tenant has no Microsoft Entra ID P2 licence, without which Graph does not tell who is risky", "licence"
    if response.code == _QUOTA:
        return "the directory's quota is used up; delete what is no longer needed, or have the quota raised", ""
    if needs == READ_GROUPS and roles is not None and not granted(WRITE_MEMBERS, roles):
        needs = WRITE_MEMBERS  # which is needed anyway, and in most tenants enough for this too
    if roles is None or not granted(needs, roles):
        return f"the app needs the application permission {needs}; add it to the app registration and grant admin consent", "permission"
    if needs == READ_RISK:
        return f"Graph forbids it although the app has {needs}; check that the tenant has a Microsoft Entra ID P2 licence", ""
    return f"Graph forbids it although the app has {needs}; the group may be role-assignable or in a restricted administrative unit", ""
