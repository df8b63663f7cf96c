"""What happens in a tenant between two minutes, so that there is something to do."""

from simulator import Tenant


def somebody_joins_moves_and_leaves(tenant: Tenant) -> None:
    """At high risk one less and one more, who comes from medium, where somebody new is."""
    tenant.dismiss(tenant.risky_at("high")[0])
    tenant.set_risk(tenant.risky_at("medium")[0], "high")
    tenant.set_risk(tenant.add_user(), "medium")
