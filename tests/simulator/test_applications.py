"""App registrations (entra-admin.md 2.1 and 2.2)."""

import pytest

from simulator.messages import JSON
from tests.simulator.administrators import CREATE, RISKY, administrator, error
from tests.simulator.client import contoso

NAME = "/applications(uniqueName='risky-users')"
ACCESS: list[JSON] = [{"resourceAppId": "00000003-0000-0000-c000-000000000000", "resourceAccess": [{"id": RISKY, "type": "Role"}]}]
NAME_TAKEN = "Another object with the same value for property uniqueName already exists."


def test_an_upsert_makes_an_application_once_and_changes_it_afterwards() -> None:
    admin = administrator()
    made = admin.patch(NAME, {"displayName": "risky-users", "notes": "made by setup", "tags": ["risky-users"]}, **CREATE)
    assert made.status == 201
    assert (made.body["uniqueName"], made.body["notes"], made.body["tags"]) == ("risky-users", "made by setup", ["risky-users"])
    assert made.body["signInAudience"] == "AzureADMyOrg"
    assert admin.patch(NAME, {"displayName": "renamed"}, **CREATE).status == 204
    read = admin.get(NAME).body
    assert (read["id"], read["displayName"], read["notes"]) == (made.body["id"], "renamed", "made by setup")


def test_without_prefer_nothing_is_made() -> None:
    admin = administrator()
    assert error(admin.get(NAME)) == (404, "Request_ResourceNotFound")
    unmade = admin.send("PATCH", NAME, {"displayName": "risky-users"})
    assert error(unmade) == (404, "Request_ResourceNotFound")


def test_a_cloud_without_upsert_refuses_it_and_takes_a_post() -> None:
    admin = administrator()
    admin.tenant.behaviour.upsert_by_key = False
    assert error(admin.patch(NAME, {"displayName": "risky-users"}, **CREATE)) == (400, "BadRequest")
    assert admin.post("/applications", {"displayName": "risky-users", "uniqueName": "risky-users"}).status == 201
    assert admin.get(NAME).status == 200


def test_an_application_is_found_by_id_by_client_id_by_key_and_by_name() -> None:
    admin = administrator()
    made = admin.new_application()
    for target in (f"/applications/{made['id']}", f"/applications(appId='{made['appId']}')", NAME):
        assert admin.get(f"{target}?$select=id").body["id"] == made["id"]
    assert admin.get("/applications?$filter=displayName%20eq%20'risky-users'%20and%20uniqueName%20eq%20'risky-users'").ids == [made["id"]]
    assert len(admin.get("/applications?$filter=startswith(displayName,'risky')").ids) == 2  # contoso's own too


def test_applications_are_listed_page_by_page() -> None:
    admin = administrator()
    for number in range(4):
        admin.post("/applications", {"displayName": f"app {number}"})
    first = admin.get("/applications?$top=3")
    second = admin.get(str(first.body["@odata.nextLink"]))
    assert (len(first.ids), len(second.ids)) == (3, 2)
    assert "@odata.nextLink" not in second.body


def test_a_patch_replaces_what_it_names_and_leaves_the_rest() -> None:
    admin = administrator()
    made = admin.new_application(requiredResourceAccess=ACCESS, tags=["a"])
    target = f"/applications/{made['id']}"
    assert admin.patch(target, {"requiredResourceAccess": [], "notes": "other"}).status == 204
    read = admin.get(target).body
    assert (read["requiredResourceAccess"], read["notes"], read["tags"]) == ([], "other", ["a"])


@pytest.mark.any_request
@pytest.mark.parametrize(
    "wrong", [{"tags": "x"}, {"appId": "x"}, {"signInAudience": "Everybody"}, {"displayName": ""}, {"isDisabled": "no"}]
)
def test_what_an_application_cannot_be_is_refused_whole(wrong: dict[str, str]) -> None:
    admin = administrator()
    made = admin.new_application()
    assert error(admin.patch(f"/applications/{made['id']}", {"notes": "x", **wrong})) == (400, "Request_BadRequest")
    assert admin.get(f"/applications/{made['id']}").body["notes"] is None


def test_a_key_can_be_given_once_to_an_application_that_has_none() -> None:
    admin = administrator()
    made = admin.post("/applications", {"displayName": "risky-users"}).body
    assert made["uniqueName"] is None
    assert admin.patch(f"/applications/{made['id']}", {"uniqueName": "risky-users"}).status == 204
    assert admin.patch(f"/applications/{made['id']}", {"uniqueName": "risky-users"}).status == 204
    assert error(admin.patch(f"/applications/{made['id']}", {"uniqueName": "other"})) == (400, "Request_BadRequest")


@pytest.mark.parametrize(("takes", "status"), [(True, 204), (False, 400)])
def test_an_application_from_a_template_may_or_may_not_take_a_key(takes: bool, status: int) -> None:
    admin = administrator()
    admin.tenant.behaviour.template_takes_unique_name = takes
    application = admin.instantiate()["application"]
    assert admin.patch(f"/applications/{application['id']}", {"uniqueName": "risky-users-scim"}).status == status


def test_no_two_applications_have_the_same_key() -> None:
    admin = administrator()
    admin.new_application()
    second = admin.post("/applications", {"displayName": "other", "uniqueName": "risky-users"})
    assert (second.status, second.code, second.message) == (400, "Request_BadRequest", NAME_TAKEN)


def test_whoever_makes_an_application_owns_it() -> None:
    admin = administrator("Application Developer")
    made = admin.new_application()
    me = admin.get("/me?$select=id").body["id"]
    assert admin.get(f"/applications/{made['id']}/owners").ids == [me]
    assert admin.patch(f"/applications/{made['id']}", {"notes": "mine"}).status == 204
    assert error(admin.but_as("Application Developer").patch(f"/applications/{made['id']}", {"notes": "x"})) == (
        403,
        "Authorization_RequestDenied",
    )


@pytest.mark.parametrize(("allowed", "status"), [(True, 201), (False, 403)])
def test_users_may_register_applications_or_not(allowed: bool, status: int) -> None:
    anybody = administrator("Global Reader")
    anybody.tenant.directory.users_register_apps = allowed
    assert anybody.post("/applications", {"displayName": "mine"}).status == status
    assert anybody.but_as("Application Developer").post("/applications", {"displayName": "mine"}).status == 201


@pytest.mark.parametrize(("writable", "status"), [(True, 204), (False, 400)])
def test_a_deactivated_application_gets_no_token_where_that_can_be_written(writable: bool, status: int) -> None:
    admin = administrator()
    admin.tenant.behaviour.is_disabled_writable = writable
    application = admin.tenant.app.application
    assert admin.patch(f"/applications/{application.id}", {"isDisabled": True}).status == status
    assert admin.tenant.app.disabled is writable
    assert admin.get(f"/applications/{application.id}").body["isDisabled"] is (True if writable else None)
    if writable:
        assert admin.patch(f"/applications/{application.id}", {"isDisabled": False}).status == 204
        assert not admin.tenant.app.disabled


def test_a_new_application_is_unknown_to_some_replicas_for_a_while() -> None:
    admin = administrator()
    admin.tenant.behaviour.admin_lag = 30.0
    made = admin.new_application()
    statuses = {admin.get(f"/applications/{made['id']}").status for _ in range(30)}
    assert statuses == {200, 404}
    admin.clock.time += 15
    assert {len(admin.get("/applications?$filter=uniqueName%20eq%20'risky-users'").ids) for _ in range(30)} == {0, 1}
    admin.clock.time += 30
    assert {admin.get(f"/applications/{made['id']}").status for _ in range(10)} == {200}


@pytest.mark.parametrize("readable", [True, False])
def test_an_app_may_read_its_own_registration_without_any_permission_or_not(readable: bool) -> None:
    worker = contoso()
    tenant = worker.tenant
    tenant.behaviour.own_registration_readable = readable
    worker.app.permissions.clear()
    for permissions in ((), ("GroupMember.ReadWrite.All",)):
        worker.app.permissions = permissions
        worker.token = worker.sign_in()
        own = worker.get(f"/applications(appId='{worker.app.client_id}')?$select=id,passwordCredentials,keyCredentials")
        assert own.status == (200 if readable else 403)
        if readable:
            credentials = own.body["passwordCredentials"]
            assert isinstance(credentials, list)
            assert [each["hint"] for each in credentials if isinstance(each, dict)] == [worker.app.secret[:3]]
            assert worker.app.secret not in str(own.body)
    other = tenant.register_app("other")
    assert worker.get(f"/applications(appId='{other.client_id}')").status == 403


@pytest.mark.any_request
def test_an_app_with_the_right_to_what_it_owns_changes_that_and_nothing_else() -> None:
    worker = contoso(3, "Application.ReadWrite.OwnedBy")
    own = worker.send("POST", "/applications", {"displayName": "own"})
    assert own.status == 201
    assert worker.send("PATCH", f"/applications/{own.body['id']}", {"notes": "x"}).status == 204
    assert worker.send("PATCH", f"/applications/{worker.tenant.app.application.id}", {"notes": "x"}).status == 403
