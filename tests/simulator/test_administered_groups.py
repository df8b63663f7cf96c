"""Groups as administrators make, own and delete them (entra-admin.md 2.5)."""

from typing import Literal

import pytest

from simulator.messages import JSON
from tests.simulator.administrators import CREATE, Administrator, administrator, error
from tests.simulator.client import ROOT, contoso

NAME = "IdentityProtection-RiskyUser-RiskLevel-high"
NEW: dict[str, JSON] = {"displayName": NAME, "mailNickname": NAME, "mailEnabled": False, "securityEnabled": True}
BY_KEY = f"/groups(uniqueName='{NAME}')"


def me(admin: Administrator) -> str:
    return str(admin.get("/me?$select=id").body["id"])


def reference(object_id: str) -> JSON:
    return {"@odata.id": f"{ROOT}/directoryObjects/{object_id}"}


@pytest.mark.parametrize("owns", [True, False])
def test_whoever_makes_a_group_owns_it_or_not(owns: bool) -> None:
    admin = administrator("Global Reader")
    admin.tenant.behaviour.creator_owns_group = owns
    made = admin.patch(BY_KEY, NEW, **CREATE)
    assert made.status == 201
    assert admin.tenant.directory.groups[str(made.body["id"])].owners == ([me(admin)] if owns else [])
    renamed = admin.patch(f"/groups/{made.body['id']}", {"description": "mine"})
    assert renamed.status == (204 if owns else 403)


def test_whoever_names_themselves_as_owner_is_refused_where_they_become_it_anyway() -> None:
    admin = administrator()
    mine: dict[str, JSON] = {**NEW, "owners@odata.bind": [f"{ROOT}/users/{me(admin)}"]}
    refused = admin.post("/groups", mine)
    assert (refused.status, refused.message) == (400, "Request contains a property with duplicate values.")
    admin.tenant.behaviour.creator_owns_group = False
    assert admin.post("/groups", mine).status == 201


def test_owners_are_added_once_listed_and_removed() -> None:
    admin = administrator()
    group = str(admin.post("/groups", NEW).body["id"])
    worker = admin.tenant.app.principal.id
    assert admin.post(f"/groups/{group}/owners/$ref", reference(worker)).status == 204
    again = admin.post(f"/groups/{group}/owners/$ref", reference(worker))
    assert again.status == 400
    assert "already exist for the following modified properties: 'owners'" in str(again.message)
    assert admin.get(f"/groups/{group}/owners?$select=id").ids == [me(admin), worker]
    assert admin.get(f"/groups/{group}/owners").values[1]["@odata.type"] == "#microsoft.graph.servicePrincipal"
    assert admin.delete(f"/groups/{group}/owners/{worker}/$ref").status == 204
    assert error(admin.delete(f"/groups/{group}/owners/{worker}/$ref")) == (404, "Request_ResourceNotFound")
    assert error(admin.post(f"/groups/{group}/owners/$ref", reference("00000000-0000-4000-8000-000000000009")))[0] == 404


@pytest.mark.parametrize(("allowed", "status"), [(True, 201), (False, 403)])
def test_users_may_create_security_groups_or_not(allowed: bool, status: int) -> None:
    anybody = administrator("Global Reader")
    anybody.tenant.directory.users_create_groups = allowed
    assert anybody.post("/groups", NEW).status == status
    assert anybody.but_as("Groups Administrator").patch(BY_KEY, NEW, **CREATE).status == 201


@pytest.mark.parametrize(("takes", "status"), [(True, 204), (False, 400)])
def test_a_group_made_otherwise_may_take_a_key_once_or_never(takes: bool, status: int) -> None:
    admin = administrator()
    admin.tenant.behaviour.group_takes_unique_name = takes
    group = admin.tenant.create_group("risky-high")
    assert admin.patch(f"/groups/{group.id}", {"uniqueName": "risky-high"}).status == status
    assert group.unique_name == ("risky-high" if takes else None)
    assert admin.patch(f"/groups/{group.id}", {"uniqueName": "other"}).status == 400
    other = admin.tenant.create_group("other")
    assert admin.patch(f"/groups/{other.id}", {"uniqueName": "risky-high"}).status == (400 if takes else status)


def test_an_upsert_by_somebody_without_the_right_to_a_group_changes_nothing() -> None:
    admin = administrator()
    admin.patch(BY_KEY, NEW, **CREATE)
    assert error(admin.but_as("Global Reader").patch(BY_KEY, {**NEW, "description": "x"}, **CREATE)) == (403, "Authorization_RequestDenied")
    assert admin.patch(BY_KEY, {**NEW, "description": "x"}, **CREATE).status == 204
    assert admin.get(BY_KEY).body["description"] == "x"


def test_what_no_app_of_ours_may_do_administrators_may() -> None:
    admin = administrator()
    group = str(admin.post("/groups", NEW).body["id"])
    admin.patch(f"/groups/{group}", {"description": "x"})
    admin.delete(f"/groups/{group}")
    assert admin.tenant.violations == []


@pytest.mark.any_request
def test_what_no_app_of_ours_may_do_is_noted_of_apps() -> None:
    worker = contoso(1, "Group.ReadWrite.All")
    group = str(worker.send("POST", "/groups", NEW).body["id"])
    worker.send("PATCH", f"/groups/{group}", {"description": "x"})
    worker.send("DELETE", f"/groups/{group}")
    assert len(worker.tenant.violations) == 4


def test_members_are_an_owners_or_an_administrators_to_change() -> None:
    admin = administrator("Global Reader")
    group, user = str(admin.post("/groups", NEW).body["id"]), admin.tenant.users[0].id
    body: JSON = {"members@odata.bind": [f"{ROOT}/directoryObjects/{user}"]}
    assert error(admin.but_as("Global Reader").patch(f"/groups/{group}", body)) == (403, "Authorization_RequestDenied")
    assert admin.patch(f"/groups/{group}", body).status == 204
    assert admin.but_as("Groups Administrator").delete(f"/groups/{group}/members/{user}/$ref").status == 204


@pytest.mark.parametrize(
    ("shape", "status", "text"), [(404, 404, "queried reference-property"), (400, 400, "do not exist"), ("400 invalid", 400, "are invalid")]
)
def test_a_young_group_is_unknown_in_one_of_three_ways(shape: Literal[400, 404, "400 invalid"], status: int, text: str) -> None:
    admin = administrator()
    admin.tenant.behaviour.young_seconds, admin.tenant.behaviour.young_error = 60.0, shape
    group = admin.tenant.create_group("risky-high")
    answers = [admin.get(f"/groups/{group.id}") for _ in range(30)]
    refused = [each for each in answers if each.status != 200]
    assert 0 < len(refused) < 30
    assert all(each.status == status and text in str(each.message) for each in refused)


def test_a_deleted_group_can_be_restored_with_its_members_and_assignments() -> None:
    admin = administrator()
    tenant = admin.tenant
    group = tenant.create_group("risky-high", unique_name="risky-high")
    tenant.add_member(group, tenant.users[0])
    principal = tenant.add_enterprise_application()
    tenant.assign(principal, group)
    assigned = f"/servicePrincipals/{principal.id}/appRoleAssignedTo"
    assert admin.delete(f"/groups/{group.id}").status == 204
    assert admin.get(assigned).values == []
    restored = admin.post(f"/directory/deletedItems/{group.id}/restore")
    assert (restored.status, restored.body["@odata.type"]) == (200, "#microsoft.graph.group")
    assert tenant.members_of(group) == {tenant.users[0].id}
    assert [each["principalId"] for each in admin.get(assigned).values] == [group.id]


def test_a_group_whose_key_was_taken_since_cannot_be_restored() -> None:
    admin = administrator()
    group = str(admin.patch(BY_KEY, NEW, **CREATE).body["id"])
    admin.delete(f"/groups/{group}")
    assert admin.patch(BY_KEY, NEW, **CREATE).status == 201
    assert error(admin.post(f"/directory/deletedItems/{group}/restore")) == (400, "Request_BadRequest")
