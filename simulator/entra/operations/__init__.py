"""What Microsoft Graph v1.0 can be asked here: a module a kind of object, each with its routes."""

from simulator.entra.operations import (
    applications,
    credentials,
    deleted_items,
    grants,
    group_owners,
    groups,
    members,
    on_demand,
    organization,
    provisioning_log,
    risky_users,
    service_principals,
    synchronization,
    synchronization_settings,
    templates,
    users,
)

ROUTES = [
    *risky_users.ROUTES,
    *users.ROUTES,
    *groups.ROUTES,
    *members.ROUTES,
    *group_owners.ROUTES,
    *applications.ROUTES,
    *credentials.ROUTES,
    *service_principals.ROUTES,
    *grants.ROUTES,
    *templates.ROUTES,
    *synchronization.ROUTES,
    *synchronization_settings.ROUTES,
    *on_demand.ROUTES,
    *provisioning_log.ROUTES,
    *deleted_items.ROUTES,
    *organization.ROUTES,
]
