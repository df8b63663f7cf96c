"""The bin, and what comes out of it (entra-admin.md 2.1 and 7)."""

import pytest

from simulator.messages import JSON
from tests.simulator.administrators import CREATE, DAY, RISKY, Administrator, administrator, error
from tests.simulator.client import sign_in
from tests.simulator.test_applications import NAME, NAME_TAKEN

APPLICATIONS = "/directory/deletedItems/microsoft.graph.application"
PRINCIPALS = "/directory/deletedItems/microsoft.graph.servicePrincipal"


def deleted(admin: Administrator) -> tuple[dict[str, JSON], dict[str, JSON]]:
    """An application that was consented to and deleted, and its principal."""
    application = admin.new_application()
    principal = admin.new_principal(application)
    admin.grant(principal["id"], admin.graph_principal(), RISKY)
    assert admin.delete(f"/applications/{application['id']}").status == 204
    return application, principal


def test_a_deleted_application_takes_its_principal_and_its_grants_with_it() -> None:
    admin = administrator()
    application, principal = deleted(admin)
    assert admin.get(f"/applications/{application['id']}").status == 404
    assert admin.get(f"/servicePrincipals/{principal['id']}").status == 404
    assert admin.get(APPLICATIONS).ids == [application["id"]]
    assert admin.get(PRINCIPALS).ids == [principal["id"]]
    assert admin.get(f"{APPLICATIONS}?$filter=displayName%20eq%20'other'").ids == []
    granted = admin.get(f"/servicePrincipals/{admin.graph_principal()}/appRoleAssignedTo").values
    assert principal["id"] not in [each["principalId"] for each in granted]


def test_in_the_bin_an_application_keeps_its_key_for_thirty_days() -> None:
    admin = administrator()
    deleted(admin)
    for _ in range(2):
        refused = admin.patch(NAME, {"displayName": "risky-users"}, **CREATE)
        assert (refused.status, refused.code, refused.message) == (400, "Request_BadRequest", NAME_TAKEN)
        admin.clock.time += 29.9 * DAY
        admin.token = admin.tenant.sign_in_as("Global Administrator")
    admin.clock.time += 0.1 * DAY - 29.9 * DAY
    assert admin.get(APPLICATIONS).ids == []
    assert admin.patch(NAME, {"displayName": "risky-users"}, **CREATE).status == 201


@pytest.mark.parametrize("brings", [False, True])
def test_an_application_is_restored_with_its_principal_or_without(brings: bool) -> None:
    admin = administrator()
    admin.tenant.behaviour.restore_brings_principal = brings
    application, principal = deleted(admin)
    restored = admin.post(f"/directory/deletedItems/{application['id']}/restore")
    assert (restored.status, restored.body["@odata.type"]) == (200, "#microsoft.graph.application")
    assert admin.get(NAME).body["id"] == application["id"]
    assert admin.get(f"/servicePrincipals/{principal['id']}").status == (200 if brings else 404)
    if not brings:
        assert admin.post(f"/directory/deletedItems/{principal['id']}/restore").status == 200
    granted = admin.get(f"/servicePrincipals/{principal['id']}/appRoleAssignments").values
    assert [each["appRoleId"] for each in granted] == [RISKY]


def test_a_principal_is_not_restored_before_its_application() -> None:
    admin = administrator()
    _, principal = deleted(admin)
    assert error(admin.post(f"/directory/deletedItems/{principal['id']}/restore")) == (400, "Request_BadRequest")


def test_what_is_purged_is_gone_with_its_key_and_all_that_hung_on_it() -> None:
    admin = administrator()
    application, principal = deleted(admin)
    for each in (application, principal):
        assert admin.delete(f"/directory/deletedItems/{each['id']}").status == 204
        assert admin.post(f"/directory/deletedItems/{each['id']}/restore").status == 404
    assert admin.get(APPLICATIONS).ids == admin.get(PRINCIPALS).ids == []
    assert principal["id"] not in {each.principal_id for each in admin.tenant.directory.grants.values()}
    assert admin.patch(NAME, {"displayName": "risky-users"}, **CREATE).status == 201


def test_what_stands_is_not_in_the_bin() -> None:
    admin = administrator()
    application = admin.tenant.app.application.id
    assert admin.post(f"/directory/deletedItems/{application}/restore").status == 404
    assert admin.delete(f"/directory/deletedItems/{application}").status == 404


def test_deleting_and_restoring_take_a_role() -> None:
    admin = administrator()
    application, _ = deleted(admin)
    for role in ("Global Reader", "Privileged Role Administrator"):
        other = admin.but_as(role)
        assert error(other.delete(f"/applications/{admin.tenant.app.application.id}")) == (403, "Authorization_RequestDenied")
        assert error(other.post(f"/directory/deletedItems/{application['id']}/restore")) == (403, "Authorization_RequestDenied")
    assert admin.but_as("Cloud Application Administrator").post(f"/directory/deletedItems/{application['id']}/restore").status == 200


def test_a_deleted_app_gets_no_token() -> None:
    admin = administrator()
    app = admin.tenant.app
    assert admin.delete(f"/applications/{app.application.id}").status == 204
    assert sign_in(admin.tenant, app).body["error_codes"] == [700016]
