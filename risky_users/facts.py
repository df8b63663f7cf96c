"""What a tick reads of the tenant, read by the Worker's own operations."""

from dataclasses import dataclass

from errors import ServiceError
from graph import GraphClient, RiskyUsers
from groups import GroupState, read_groups
from operations import Outcome
from plan import RISK_LEVELS


@dataclass(frozen=True, slots=True)
class TenantFacts:
    """The tenant as a tick finds it.

    `roles` are the permissions in the token, None where they cannot be read from it; `served` is the credential that it was
    issued for; `secret_ends` when the client secret ends, in epoch seconds, None where Graph does not show that to the app.
    """

    risky_users: RiskyUsers
    groups: Outcome[dict[str, GroupState]]
    """The error where the groups could not be looked up."""
    roles: frozenset[str] | None
    served: str = "secret"
    secret_ends: float | None = None

    @property
    def risk_error(self) -> ServiceError | None:
        """Why not all risky users were read."""
        return next(iter(self.risky_users.unread.values()), None)


async def read_tenant(graph: GraphClient) -> TenantFacts:
    """Read the risky users and the groups. Raises ServiceError where no token is issued."""
    reading_risk, reading_groups = graph.begin(graph.risky_users(RISK_LEVELS)), graph.begin(read_groups(graph, create=False))
    reading_end = graph.begin(graph.secret_end())
    risk = await graph.finish(reading_risk)
    groups = await graph.finish(reading_groups)
    end = await graph.finish(reading_end)
    if isinstance(risk, ServiceError):
        raise risk
    if graph.shut_out:
        raise graph.shut_out
    token = graph.cache.token
    return TenantFacts(risk, groups, token.roles, token.served, None if isinstance(end, ServiceError) else end)


def told(error: ServiceError) -> str:
    """The error, with the request ids where it asks to report them."""
    ids = ", ".join(error.request_ids)
    return f"{error} Request ids: {ids}." if ids and "request ids" in str(error) else str(error)
