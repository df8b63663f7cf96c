"""Every error of this project's own, as a tree. A message says what happened, to which resource, and what to do next.

    RiskyUsersError
    ├── ConfigError       vars and secrets are not as they must be
    ├── ServiceError      a service did not do what it was asked
    │   ├── AuthError     Microsoft Entra issues no access token, so nothing can be read or written
    │   ├── GraphError    Microsoft Graph did not read or write something
    │   └── GatewayError  Cloudflare did not read or write a list
    ├── OutOfBudget       the tick's subrequests or its time are used up: nothing was sent
    │   └── CutOff        … while an answer was waited for: what was sent may have been done
    └── SyncFailed        a tick has failed, after everything possible was done

What an operation meets is one of its possible outcomes, so a ServiceError is returned more often than raised. Whoever
sends something catches OutOfBudget, and tells of it as work left over.
"""

from typing import TYPE_CHECKING, Literal, TypeAlias

if TYPE_CHECKING:
    from report import Report

Cause: TypeAlias = Literal["", "budget", "conflict", "licence", "passing", "permission", "refused", "throttled"]


class RiskyUsersError(Exception):
    """Whatever is told to the administrator rather than to a programmer."""


class ConfigError(RiskyUsersError):
    """`problems` holds a sentence for each thing to mend."""

    def __init__(self, problems: list[str]) -> None:
        self.problems = problems
        super().__init__(" ".join(problems))


class ServiceError(RiskyUsersError):
    """What could not be done, why, and what to do next.

    `request_ids` are what the service's support asks for, `code` is a number that the service gives, 0 where there is
    none, `cause` names those causes that anybody needs to tell apart.
    """

    def __init__(self, message: str, request_ids: tuple[str, ...] = (), *, code: int = 0, cause: Cause = "") -> None:
        self.request_ids, self.code, self.cause = request_ids, code, cause
        super().__init__(message)


class AuthError(ServiceError):
    """No access token is issued; `code` is the number after AADSTS."""


class GraphError(ServiceError):
    """Something was not read or written."""


class GatewayError(ServiceError):
    """A list was not read or written; `code` is Cloudflare's."""


class OutOfBudget(RiskyUsersError):
    """Nothing more can be sent in this tick."""


class CutOff(OutOfBudget):
    """The tick ended before the answer came."""


class SyncFailed(RiskyUsersError):
    """The groups or the lists do not match the risky users, and not for want of budget; every problem was logged before."""

    def __init__(self, problems: list[str], report: "Report") -> None:
        self.problems, self.report = problems, report
        more = f" ({len(problems) - 1} more in the log)" if len(problems) > 1 else ""
        super().__init__(problems[0] + more)
