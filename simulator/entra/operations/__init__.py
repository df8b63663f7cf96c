"""What Microsoft Graph v1.0 can be asked here: a module a kind of object, each with its routes."""

from simulator.entra.operations import groups, members, risky_users, users

ROUTES = [*risky_users.ROUTES, *users.ROUTES, *groups.ROUTES, *members.ROUTES]
