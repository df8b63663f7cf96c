"""Service principals (entra-admin.md 2.3)."""

from typing import Literal

import pytest

from tests.simulator.administrators import CREATE, GRAPH, administrator, error
from tests.simulator.client import Reply, sign_in

TAG = "WindowsAzureActiveDirectoryIntegratedApp"


def test_an_upsert_makes_a_principal_once_and_changes_it_afterwards() -> None:
    admin = administrator()
    client = admin.new_application()["appId"]
    target = f"/servicePrincipals(appId='{client}')"
    made = admin.patch(target, {"tags": [TAG]}, **CREATE)
    assert (made.status, made.body["appId"], made.body["tags"], made.body["displayName"]) == (201, client, [TAG], "risky-users")
    assert admin.patch(target, {"notes": "x"}, **CREATE).status == 204
    assert (admin.get(target).body["id"], admin.get(target).body["notes"]) == (made.body["id"], "x")


def test_without_prefer_nothing_is_made() -> None:
    admin = administrator()
    client = admin.new_application()["appId"]
    target = f"/servicePrincipals(appId='{client}')"
    assert error(admin.patch(target, {"notes": "x"})) == (404, "Request_ResourceNotFound")
    admin.tenant.behaviour.upsert_by_key = False
    assert error(admin.patch(target, {}, **CREATE)) == (400, "BadRequest")
    assert admin.post("/servicePrincipals", {"appId": client}).status == 201


def test_an_application_has_one_principal() -> None:
    admin = administrator()
    application = admin.new_application()
    admin.new_principal(application)
    again = admin.post("/servicePrincipals", {"appId": application["appId"]})
    assert error(again) == (409, "Request_MultipleObjectsWithSameKeyValue")
    assert str(application["appId"]) in str(again.message)


def test_a_principal_in_the_bin_holds_its_name() -> None:
    admin = administrator()
    application = admin.new_application()
    principal = admin.new_principal(application)
    assert admin.delete(f"/servicePrincipals/{principal['id']}").status == 204
    assert error(admin.post("/servicePrincipals", {"appId": application["appId"]})) == (409, "Request_MultipleObjectsWithSameKeyValue")


def test_a_principal_needs_an_application() -> None:
    admin = administrator()
    refused = admin.post("/servicePrincipals", {"appId": "00000000-0000-4000-8000-000000000009"})
    assert error(refused) == (400, "Request_BadRequest")
    assert "does not reference a valid application object" in str(refused.message)


@pytest.mark.parametrize(
    ("status", "code", "text"),
    [
        (400, "Request_BadRequest", "does not reference a valid application object"),
        (403, "Authorization_RequestDenied", "the backing application of the service principal"),
        (404, "Request_ResourceNotFound", "does not exist"),
    ],
)
def test_just_after_its_application_a_principal_may_be_refused_in_three_ways(status: Literal[400, 403, 404], code: str, text: str) -> None:
    admin = administrator()
    admin.tenant.behaviour.admin_lag, admin.tenant.behaviour.young_application = 60.0, status
    client = admin.new_application()["appId"]
    answers: list[Reply] = []
    while not answers or answers[-1].status != 201:
        answers.append(admin.post("/servicePrincipals", {"appId": client}))
    refused = [each for each in answers if each.status != 201]
    assert refused
    assert all(error(each) == (status, code) and text in str(each.message) for each in refused)


def test_a_principal_that_is_not_enabled_gets_no_token() -> None:
    admin = administrator()
    principal = admin.tenant.app.principal.id
    assert admin.patch(f"/servicePrincipals/{principal}", {"accountEnabled": False}).status == 204
    assert sign_in(admin.tenant, admin.tenant.app).body["error_codes"] == [7000112]
    assert admin.patch(f"/servicePrincipals/{principal}", {"accountEnabled": True}).status == 204
    assert sign_in(admin.tenant, admin.tenant.app).status == 200


def test_an_application_without_a_principal_gets_no_token() -> None:
    admin = administrator()
    app = admin.tenant.app
    assert admin.delete(f"/servicePrincipals/{app.principal.id}").status == 204
    assert sign_in(admin.tenant, app).body["error_codes"] == [700016]
    assert admin.tenant.apps == {}


def test_every_tenant_has_microsoft_graph_with_an_app_role_a_permission() -> None:
    admin = administrator()
    principal = admin.get(f"/servicePrincipals(appId='{GRAPH}')?$select=id,appRoles,displayName").body
    roles = principal["appRoles"]
    assert isinstance(roles, list)
    values = {role["value"]: role["id"] for role in roles if isinstance(role, dict)}
    assert values["IdentityRiskyUser.Read.All"] == "dc5007c0-2d7d-4c42-879c-2dab87571379"
    assert {"Group.Create", "GroupMember.ReadWrite.All", "Application.Read.All", "Synchronization.ReadWrite.All"} <= set(values)
    assert admin.get("/servicePrincipals?$filter=displayName%20eq%20'Microsoft%20Graph'").ids == [principal["id"]]


def test_a_new_principal_is_unknown_to_some_replicas_for_a_while() -> None:
    admin = administrator()
    application = admin.new_application()
    principal = admin.new_principal(application)
    admin.tenant.behaviour.admin_lag = 30.0
    assert {admin.get(f"/servicePrincipals/{principal['id']}").status for _ in range(30)} == {200, 404}
    admin.clock.time += 30
    assert {admin.get(f"/servicePrincipals/{principal['id']}").status for _ in range(10)} == {200}


def test_only_application_administrators_and_owners_change_a_principal() -> None:
    admin = administrator("Application Developer")
    own = admin.new_principal(admin.new_application())
    target = f"/servicePrincipals/{own['id']}"
    assert admin.patch(target, {"notes": "mine"}).status == 204
    assert error(admin.but_as("Privileged Role Administrator").patch(target, {"notes": "x"})) == (403, "Authorization_RequestDenied")
    assert admin.but_as("Cloud Application Administrator").patch(target, {"notes": "x"}).status == 204


@pytest.mark.any_request
@pytest.mark.parametrize("wrong", [{"accountEnabled": "no"}, {"appRoles": []}, {"tags": [7]}])
def test_what_a_principal_cannot_be_is_refused_whole(wrong: dict[str, object]) -> None:
    admin = administrator()
    target = f"/servicePrincipals/{admin.tenant.app.principal.id}"
    assert error(admin.patch(target, {"notes": "x", **wrong})) == (400, "Request_BadRequest")  # type: ignore[dict-item]  # meant to be wrong
    assert admin.get(target).body["notes"] is None
