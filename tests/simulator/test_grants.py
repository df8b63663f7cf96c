"""Consent to permissions, and assignments of groups (entra-admin.md 2.4)."""

from typing import Literal

import pytest

from simulator.entra.public_clients import GRAPH_COMMAND_LINE_TOOLS
from simulator.messages import JSON
from tests.simulator.administrators import RISKY, Administrator, administrator, error
from tests.simulator.client import sign_in
from tests.simulator.test_token import claims

CREATE_GROUPS = "bf7b1a76-6e77-406b-b258-bf5c7720e98f"
DEFAULT_ACCESS = "00000000-0000-0000-0000-000000000000"


def roles(admin: Administrator, client: str) -> object:
    """What a token of this app says now."""
    app = admin.tenant.apps[client]
    secret = admin.tenant.add_secret(app=app)
    return claims(str(sign_in(admin.tenant, app, client_secret=secret).body["access_token"])).get("roles", [])


def app_of(admin: Administrator) -> tuple[str, str]:
    """A new application's client id, and its principal's id."""
    application = admin.new_application()
    return str(application["appId"]), str(admin.new_principal(application)["id"])


def test_a_grant_decides_what_tokens_say_from_then_on() -> None:
    admin = administrator()
    client, principal = app_of(admin)
    graph = admin.graph_principal()
    assert roles(admin, client) == []
    made = admin.grant(principal, graph, RISKY)
    assert made.status == 201
    assert (made.body["principalType"], made.body["principalDisplayName"]) == ("ServicePrincipal", "risky-users")
    assert (made.body["resourceId"], made.body["resourceDisplayName"]) == (graph, "Microsoft Graph")
    assert roles(admin, client) == ["IdentityRiskyUser.Read.All"]
    assert admin.tenant.apps[client].permissions == {"IdentityRiskyUser.Read.All"}
    assert admin.delete(f"/servicePrincipals/{graph}/appRoleAssignedTo/{made.body['id']}").status == 204
    assert roles(admin, client) == []


def test_tokens_may_lag_behind_grants_and_their_withdrawal() -> None:
    admin = administrator()
    admin.tenant.behaviour.grant_lag = 120.0
    client, principal = app_of(admin)
    made = admin.grant(principal, admin.graph_principal(), RISKY)
    assert roles(admin, client) == []
    admin.clock.time += 120
    assert roles(admin, client) == ["IdentityRiskyUser.Read.All"]
    admin.delete(f"/servicePrincipals/{principal}/appRoleAssignments/{made.body['id']}")
    assert roles(admin, client) == ["IdentityRiskyUser.Read.All"]
    admin.clock.time += 120
    assert roles(admin, client) == []


def test_grants_are_listed_from_both_sides_page_by_page() -> None:
    admin = administrator()
    _, principal = app_of(admin)
    graph = admin.graph_principal()
    for role in (RISKY, CREATE_GROUPS):
        admin.grant(principal, graph, role)
    assert {each["appRoleId"] for each in admin.get(f"/servicePrincipals/{principal}/appRoleAssignments").values} == {RISKY, CREATE_GROUPS}
    first = admin.get(f"/servicePrincipals/{graph}/appRoleAssignedTo?$top=3")
    second = admin.get(str(first.body["@odata.nextLink"]))
    assert len(first.values) == 3
    assert len(second.values) == 2  # contoso's own app has three
    mine = admin.get(f"/servicePrincipals/{graph}/appRoleAssignedTo?$filter=principalId%20eq%20{principal}")
    assert len(mine.values) == 2


def test_a_grant_can_be_written_from_the_principals_side_too() -> None:
    admin = administrator()
    client, principal = app_of(admin)
    body: JSON = {"principalId": principal, "resourceId": admin.graph_principal(), "appRoleId": RISKY}
    assert admin.post(f"/servicePrincipals/{principal}/appRoleAssignments", body).status == 201
    assert roles(admin, client) == ["IdentityRiskyUser.Read.All"]
    elsewhere = admin.tenant.app.principal.id
    assert admin.post(f"/servicePrincipals/{elsewhere}/appRoleAssignedTo", body).status == 400


@pytest.mark.parametrize(
    ("shape", "status", "code", "message"),
    [
        ("permission", 400, "Request_BadRequest", "Permission being assigned already exists on the object"),
        ("entitlement", 400, "Request_MultipleObjectsWithSameKeyValue", "EntitlementGrant entry already exists."),
        ("entitlement 409", 409, "Request_MultipleObjectsWithSameKeyValue", "EntitlementGrant entry already exists."),
    ],
)
def test_a_grant_that_exists_is_refused_in_one_of_its_shapes(
    shape: Literal["permission", "entitlement", "entitlement 409"], status: int, code: str, message: str
) -> None:
    admin = administrator()
    admin.tenant.behaviour.duplicate_grant = shape
    _, principal = app_of(admin)
    graph = admin.graph_principal()
    admin.grant(principal, graph, RISKY)
    again = admin.grant(principal, graph, RISKY)
    assert (again.status, again.code, again.message) == (status, code, message)
    assert len(admin.get(f"/servicePrincipals/{principal}/appRoleAssignments").values) == 1


@pytest.mark.parametrize(("status", "code"), [(404, "Request_ResourceNotFound"), (400, "Request_BadRequest")])
def test_a_grant_that_is_gone_cannot_be_deleted_again(status: Literal[400, 404], code: str) -> None:
    admin = administrator()
    admin.tenant.behaviour.withdrawn_grant = status
    _, principal = app_of(admin)
    graph = admin.graph_principal()
    target = f"/servicePrincipals/{graph}/appRoleAssignedTo/{admin.grant(principal, graph, RISKY).body['id']}"
    assert admin.delete(target).status == 204
    assert error(admin.delete(target)) == (status, code)


@pytest.mark.parametrize(("status", "code"), [(404, "Request_ResourceNotFound"), (400, "Request_BadRequest")])
def test_a_young_principal_may_be_refused_a_grant(status: Literal[400, 404], code: str) -> None:
    admin = administrator()
    _, principal = app_of(admin)
    graph = admin.graph_principal()
    admin.tenant.behaviour.admin_lag, admin.tenant.behaviour.young_grant = 60.0, status
    answers = []
    for _ in range(20):
        answers.append(admin.grant(principal, graph, RISKY))
        if answers[-1].status == 201:
            admin.delete(f"/servicePrincipals/{graph}/appRoleAssignedTo/{answers[-1].body['id']}")
    assert {error(each) for each in answers if each.status != 201} == {(status, code)}
    assert any(each.status == 201 for each in answers)


def test_a_role_that_the_resource_has_not_is_refused() -> None:
    admin = administrator()
    _, principal = app_of(admin)
    for role in (DEFAULT_ACCESS, "00000000-0000-4000-8000-000000000009"):
        assert error(admin.grant(principal, admin.graph_principal(), role)) == (400, "Request_BadRequest")
    user = admin.tenant.users[0].id
    assert error(admin.grant(user, admin.graph_principal(), RISKY)) == (400, "Request_BadRequest")
    assert error(admin.grant("00000000-0000-4000-8000-000000000009", admin.graph_principal(), RISKY)) == (404, "Request_ResourceNotFound")


@pytest.mark.parametrize(
    ("role", "consents", "assigns"),
    [
        ("Global Administrator", True, True),
        ("Privileged Role Administrator", True, True),
        ("Cloud Application Administrator", False, True),
        ("Application Administrator", False, True),
        ("Global Reader", False, False),
    ],
)
def test_consent_and_assignment_take_different_roles(role: str, consents: bool, assigns: bool) -> None:
    admin = administrator()
    _, principal = app_of(admin)
    scim = admin.instantiate()["servicePrincipal"]
    group = admin.tenant.create_group("risky-high")
    other = admin.but_as(role)
    granted = other.grant(principal, other.graph_principal(), RISKY)
    assigned = other.grant(group.id, scim["id"], user_role(scim))
    assert [granted.status, assigned.status] == [201 if consents else 403, 201 if assigns else 403]


def user_role(principal: dict[str, JSON]) -> JSON:
    declared = principal["appRoles"]
    assert isinstance(declared, list)
    return next(role["id"] for role in declared if isinstance(role, dict) and role["displayName"] == "User")


def test_a_grant_takes_both_scopes_together() -> None:
    admin = administrator()
    _, principal = app_of(admin)
    graph = admin.graph_principal()
    for scopes, status in ((("AppRoleAssignment.ReadWrite.All",), 403), (("AppRoleAssignment.ReadWrite.All", "Application.Read.All"), 201)):
        some = admin.but_as("Global Administrator", client=GRAPH_COMMAND_LINE_TOOLS, scopes=scopes)
        assert some.grant(principal, graph, RISKY).status == status


def test_a_groups_assignments_are_read_from_the_group_too() -> None:
    admin = administrator()
    scim = admin.instantiate()["servicePrincipal"]
    group = admin.tenant.create_group("risky-high")
    made = admin.grant(group.id, scim["id"], user_role(scim))
    assert made.body["principalType"] == "Group"
    assert admin.get(f"/groups/{group.id}/appRoleAssignments").ids == [made.body["id"]]
    assert admin.delete(f"/groups/{group.id}/appRoleAssignments/{made.body['id']}").status == 204
    assert admin.get(f"/groups/{group.id}/appRoleAssignments").ids == []


def test_the_role_that_stands_for_none_is_refused_where_there_are_roles() -> None:
    admin = administrator()
    scim = admin.instantiate()["servicePrincipal"]
    assert error(admin.grant(admin.tenant.create_group("g").id, scim["id"], DEFAULT_ACCESS)) == (400, "Request_BadRequest")
    _, principal = app_of(admin)
    assert admin.grant(admin.tenant.create_group("h").id, principal, DEFAULT_ACCESS).status == 201


def test_a_listing_may_lag_behind_a_grant() -> None:
    admin = administrator()
    _, principal = app_of(admin)
    admin.grant(principal, admin.graph_principal(), RISKY)
    admin.clock.time += 15
    admin.tenant.behaviour.admin_lag = 30.0
    admin.tenant.directory.principals[principal].created -= 60
    seen = {len(admin.get(f"/servicePrincipals/{principal}/appRoleAssignments").values) for _ in range(30)}
    assert seen == {0, 1}
