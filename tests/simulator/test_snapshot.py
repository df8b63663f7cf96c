"""What an administrator can see of a tenant, to be compared (issue 12: nothing is left but what was there before)."""

from collections.abc import Callable

import pytest

from simulator import Tenant
from simulator.messages import JSON
from tests.simulator.administrators import RISKY, Administrator, administrator, provisioned


def without_bin(tenant: Tenant) -> dict[str, JSON]:
    return {kind: value for kind, value in tenant.snapshot().items() if kind != "deleted"}


def test_reading_changes_nothing() -> None:
    it = provisioned()
    before = it.tenant.snapshot()
    for target in ("/applications", "/servicePrincipals", "/groups", f"{it.path}/jobs", f"{it.path}/secrets", "/auditLogs/provisioning"):
        assert it.admin.get(target).status == 200
    assert it.tenant.snapshot() == before


CHANGES: dict[str, Callable[[Administrator], object]] = {
    "an application": lambda admin: admin.new_application(),
    "a principal": lambda admin: admin.tenant.add_enterprise_application(),
    "a secret": lambda admin: admin.tenant.add_secret(),
    "a grant": lambda admin: admin.tenant.app.permissions.add("User.Read.All"),
    "a group": lambda admin: admin.tenant.create_group("x"),
    "a member": lambda admin: admin.tenant.add_member(admin.tenant.groups_named("there")[0], admin.tenant.users[0]),
    "an owner": lambda admin: admin.tenant.groups_named("there")[0].owners.append(admin.tenant.users[0].id),
    "a role": lambda admin: admin.tenant.assign_role(admin.tenant.users[0], "Global Reader"),
    "a job": lambda admin: admin.tenant.provision(admin.tenant.directory.principals[scim(admin)], "https://a.example", "t"),
}


def scim(admin: Administrator) -> str:
    return next(each.id for each in admin.tenant.directory.principals.values() if each.template)


@pytest.mark.parametrize("change", CHANGES)
def test_every_change_shows(change: str) -> None:
    admin = administrator()
    admin.tenant.create_group("there")
    admin.tenant.add_enterprise_application()
    before = admin.tenant.snapshot()
    CHANGES[change](admin)
    assert admin.tenant.snapshot() != before


def test_whoever_takes_down_what_they_made_leaves_what_was_there_before_and_the_bin() -> None:
    admin = administrator()
    before = without_bin(admin.tenant)
    application = admin.new_application()
    principal = admin.new_principal(application)
    admin.grant(principal["id"], admin.graph_principal(), RISKY)
    admin.post(f"/applications/{application['id']}/addPassword", {})
    assert without_bin(admin.tenant) != before
    admin.delete(f"/applications/{application['id']}")
    assert without_bin(admin.tenant) == before
    assert admin.tenant.snapshot()["deleted"] == {
        "applications": [application["id"]],
        "servicePrincipals": [principal["id"]],
        "groups": [],
    }


def test_a_forgotten_credential_shows() -> None:
    admin = administrator()
    target = f"/applications/{admin.tenant.app.application.id}"
    before = admin.tenant.snapshot()
    key = admin.post(f"{target}/addPassword", {}).body["keyId"]
    assert admin.tenant.snapshot() != before
    admin.post(f"{target}/removePassword", {"keyId": key})
    assert admin.tenant.snapshot() == before


def test_no_secret_is_shown() -> None:
    it = provisioned()
    shown = str(it.tenant.snapshot())
    assert it.tenant.app.secret not in shown
    assert "scim-token" not in shown
