"""What can happen to a tenant in a minute, for the benchmark and for the test of its counts."""

from dataclasses import dataclass
from typing import Literal, TypeAlias, get_args

from groups import GROUP_NAMES
from plan import RISK_LEVELS
from simulator import Tenant

SIZES = (0, 12, 100, 500, 1000, 3000)
LARGEST = 10_000

Scenario: TypeAlias = Literal["quiet, warm", "quiet, cold", "first sync", "1 % change", "all cleared"]
SCENARIOS: tuple[Scenario, ...] = get_args(Scenario)


@dataclass(frozen=True, slots=True)
class Counts:
    """Requests of the Worker, requests that Graph counts, and Microsoft's resource and write units
    (https://learn.microsoft.com/graph/throttling-limits#identity-and-access-service-limits)."""

    subrequests: int
    graph_requests: int
    resource_units: float
    write_units: float

    @classmethod
    def of(cls, tenant: Tenant) -> "Counts":
        """Since the tenant's counters were reset."""
        return cls(tenant.subrequests, tenant.graph_requests, tenant.resource_units, round(tenant.write_units, 2))


def settle(tenant: Tenant, risky: int) -> None:
    """Bring a tenant whose groups exist to so many risky users, all of them members already."""
    groups = {level: tenant.group_named(name) for level, name in GROUP_NAMES.items()}
    for number in range(tenant.risky_count(), risky):
        level = RISK_LEVELS[number % len(RISK_LEVELS)]
        user = tenant.add_user()
        tenant.set_risk(user, level)
        tenant.add_member(groups[level], user)


def change_one_percent(tenant: Tenant) -> None:
    """Of every hundred risky users, or part of a hundred, one is dismissed and somebody else becomes high."""
    risky = [user for level in RISK_LEVELS for user in tenant.risky_at(level)]
    for user in risky[::100]:
        tenant.dismiss(user)
        tenant.set_risk(tenant.add_user(), "high")


def clear(tenant: Tenant) -> None:
    """Nobody is risky any more."""
    for level in RISK_LEVELS:
        for user in tenant.risky_at(level):
            tenant.dismiss(user)
