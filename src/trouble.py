"""What an answer of Graph's that is no success means for the administrator, in one sentence.

Of an error body nothing is shown but its code and the request ids: the messages quote request paths and user principal
names (https://learn.microsoft.com/graph/errors). Where two cases share a code they are told apart by a message known to
be stable, and where that fails by the permissions in the token.
"""

from collections.abc import Collection

from batch import Answer

READ_RISK = "IdentityRiskyUser.Read.All"
READ_GROUPS = "GroupMember.Read.All"
CREATE_GROUPS = "Group.Create"
WRITE_MEMBERS = "GroupMember.ReadWrite.All"

_NO_PREMIUM = "Authentication_RequestFromNonPremiumTenantOrB2CTenant"


def unlicensed(answer: Answer) -> bool:
    """Whether the tenant lacks Microsoft Entra ID P2."""
    return answer.status == 403 and (answer.code == _NO_PREMIUM or answer.says("not licensed"))


def lacks_permission(answer: Answer, roles: Collection[str] | None) -> bool:
    """Whether the app lacks the permission that the item needs, by its token's `roles` or, those unknown, by the answer."""
    if answer.status != 403 or unlicensed(answer) or answer.code == "Directory_QuotaExceeded":
        return False
    return roles is None or answer.item.needs not in roles


def explain(answer: Answer, roles: Collection[str] | None) -> str:
    """Why the item came to nothing, and what to do next: the end of the sentence "Could not …: "."""
    reason = _reason(answer, roles)
    return f"{reason} ({answer.code})" if answer.code else reason


def _reason(answer: Answer, roles: Collection[str] | None) -> str:
    if answer.left_over:
        return (
            "this tick's subrequests or time ended first; the next minute tries again, and if this repeats, docs/cost.md names the limits"
        )
    if answer.unsent or answer.transient:
        return _passing(answer)
    if 200 <= answer.status < 300:
        return "Graph's answer is not understood; if this repeats every minute, report it with the request ids"
    if 300 <= answer.status < 400:
        return f"Graph answers {answer.status}, a redirect, which is not followed because the access token would go with it"
    if answer.status == 401:
        return "Graph refuses the access token, a new one too; check AZURE_CLOUD, and that the app's permissions have admin consent"
    if answer.status == 403:
        return _forbidden(answer, roles)
    if answer.status == 404:
        return "Graph does not find it; if it was made or deleted a moment ago, the directory catches up within minutes"
    return f"Graph refuses the request with status {answer.status}; if this repeats every minute, report it with the request ids"


def _passing(answer: Answer) -> str:
    times = "" if answer.attempts < 2 else f", {answer.attempts} times"
    if answer.status == 0:
        return f"Graph gave no answer that can be read{times}; the next minute tries again"
    if answer.status == 429:
        return f"Graph is throttling this tenant or app{times}; the next minute tries again"
    return f"Graph answers {answer.status}{times}; the next minute tries again"


def _forbidden(answer: Answer, roles: Collection[str] | None) -> str:
    needs = answer.item.needs
    if needs == READ_GROUPS and roles is not None and not {READ_GROUPS, WRITE_MEMBERS} & {*roles}:
        needs = WRITE_MEMBERS  # which is needed anyway, and in most tenants enough for this too
    if unlicensed(answer):
        return "the tenant has no Microsoft Entra ID P2 licence, without which Graph does not tell who is risky"
    if answer.code == "Directory_QuotaExceeded":
        return "the directory's quota is used up; delete what is no longer needed, or have the quota raised"
    if lacks_permission(answer, roles):
        return f"the app needs the application permission {needs}; add it to the app registration and grant admin consent"
    if needs == READ_RISK:
        return f"Graph forbids it although the app has {needs}; check that the tenant has a Microsoft Entra ID P2 licence"
    return f"Graph forbids it although the app has {needs}; the group may be role-assignable or in a restricted administrative unit"
