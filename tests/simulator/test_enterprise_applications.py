"""Enterprise applications made from the template of those in no gallery (entra-admin.md 5.1)."""

import pytest

from simulator import Fault
from simulator.entra.operations.templates import NON_GALLERY
from simulator.messages import JSON, Dropped
from tests.simulator.administrators import administrator, error

INSTANTIATE = f"/applicationTemplates/{NON_GALLERY}/instantiate"
FOUND = f"/applications?$filter=applicationTemplateId%20eq%20'{NON_GALLERY}'%20and%20displayName%20eq%20'SCIM'"


def test_an_application_comes_with_its_principal_its_roles_and_its_tags() -> None:
    admin = administrator()
    made = admin.instantiate("SCIM")
    application, principal = made["application"], made["servicePrincipal"]
    assert application["applicationTemplateId"] == NON_GALLERY
    assert application["appId"] == principal["appId"]
    roles = principal["appRoles"]
    assert isinstance(roles, list)
    assert {role["displayName"]: role["id"] for role in roles if isinstance(role, dict)} == {
        "User": "18d14569-c3bd-439b-9a66-3a2aee01d14f",
        "msiam_access": "b9632174-c057-4f7e-951b-be3adc52bfe6",
    }
    assert principal["appRoleAssignmentRequired"] is True
    assert admin.get(FOUND).ids == [application["id"]]
    assert admin.get(f"/servicePrincipals/{principal['id']}").body["tags"] == principal["tags"]


def test_every_time_makes_one_more() -> None:
    admin = administrator()
    admin.instantiate("SCIM")
    admin.instantiate("SCIM")
    assert len(admin.get(FOUND).ids) == 2


def test_an_answer_of_404_may_have_made_it_all_the_same() -> None:
    admin = administrator()
    admin.tenant.behaviour.instantiation = "not found but made"
    assert error(admin.post(INSTANTIATE, {"displayName": "SCIM"})) == (404, "Request_ResourceNotFound")
    assert len(admin.get(FOUND).ids) == 1


def test_a_lost_answer_has_made_it_all_the_same() -> None:
    admin = administrator()
    admin.tenant.faults = [Fault("drop after", "POST", "/applicationTemplates/*", times=1)]
    with pytest.raises(Dropped):
        admin.post(INSTANTIATE, {"displayName": "SCIM"})
    assert len(admin.get(FOUND).ids) == 1


def test_the_listing_may_lag_behind() -> None:
    admin = administrator()
    admin.tenant.behaviour.admin_lag = 30.0
    admin.instantiate("SCIM")
    admin.clock.time += 15
    assert {len(admin.get(FOUND).ids) for _ in range(30)} == {0, 1}


@pytest.mark.any_request
@pytest.mark.parametrize(
    ("target", "body", "status"), [(INSTANTIATE, {}, 400), (INSTANTIATE.replace("8adf8e6e", "00000000"), {"displayName": "x"}, 404)]
)
def test_it_takes_a_name_and_a_template_that_there_is(target: str, body: JSON, status: int) -> None:
    assert administrator().post(target, body).status == status


def test_users_may_make_one_or_not() -> None:
    anybody = administrator("Global Reader")
    assert anybody.post(INSTANTIATE, {"displayName": "SCIM"}).status == 201
    anybody.tenant.directory.users_register_apps = False
    assert error(anybody.post(INSTANTIATE, {"displayName": "SCIM"})) == (403, "Authorization_RequestDenied")
    assert anybody.but_as("Cloud Application Administrator").post(INSTANTIATE, {"displayName": "SCIM"}).status == 201
