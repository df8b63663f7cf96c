"""The permissions that the simulated tenant asks for are Graph's own, and the Worker's three are each necessary and together enough."""

import json
from pathlib import Path

import pytest

from errors import SyncFailed
from groups import GROUP_NAMES
from simulator.entra import permissions
from simulator.entra.tenant import NEEDED
from tests.conformance.test_description import PUBLISHED
from tests.ticks import Ticks, contoso
from tests.unit.test_sync import in_sync

TABLE = PUBLISHED.with_name("permissions.json")
needs_published = pytest.mark.skipif(not PUBLISHED.exists(), reason="the published description is not beside this repository")

PUBLISHED_LEAST = {
    ("/identityProtection/riskyUsers", "get", ""): permissions.READ_RISKY_USERS,
    ("/groups", "get", ""): permissions.READ_GROUPS,
    ("/groups", "post", ""): permissions.CREATE_GROUPS,
    ("/groups/{group-id}", "patch", "-for-members@odata.bind"): permissions.WRITE_MEMBERS,
    ("/groups/{group-id}", "delete", ""): permissions.WRITE_GROUPS,
    ("/groups/{group-id}/members", "get", ""): permissions.READ_MEMBERS,
    ("/groups/{group-id}/members/$ref", "post", ""): permissions.WRITE_MEMBERS,
    ("/groups/{group-id}/members/{directoryObject-id}/$ref", "delete", ""): permissions.WRITE_MEMBERS,
}


def published(path: Path) -> dict[str, dict[str, dict[str, object]]]:
    content: dict[str, dict[str, dict[str, object]]] = json.loads(path.read_text())
    return content


@needs_published
def test_every_permission_has_its_published_id() -> None:
    roles = published(TABLE)["permissions"]
    assert {name: roles[name]["applicationAppRoleId"] for name in permissions.ROLE_IDS} == permissions.ROLE_IDS


@needs_published
@pytest.mark.parametrize(("operation", "accepted"), PUBLISHED_LEAST.items())
def test_an_operation_accepts_the_least_permissions_published(operation: tuple[str, str, str], accepted: frozenset[str]) -> None:
    path, method, kind = operation
    described = published(PUBLISHED)["paths"][path][method]
    assert isinstance(described, dict)
    least = described[f"x-permissions-application-least{kind}"]
    assert isinstance(least, list)
    assert least
    assert set(least) <= accepted


def test_rights_over_members_are_no_rights_over_groups() -> None:
    """The look-up of groups is undecided: its table row omits what the permission's description includes."""
    assert "GroupMember.ReadWrite.All" not in permissions.READ_GROUPS | permissions.CREATE_GROUPS | permissions.WRITE_GROUPS
    assert "GroupMember.ReadWrite.All" in permissions.READ_MEMBERS & permissions.WRITE_MEMBERS
    assert "Group.Create" not in permissions.READ_GROUPS | permissions.READ_MEMBERS | permissions.WRITE_MEMBERS | permissions.WRITE_GROUPS


def failing(ticks: Ticks) -> str:
    with pytest.raises(SyncFailed) as failed:
        ticks.tick()
    return str(failed.value)


def test_the_three_permissions_suffice() -> None:
    ticks = contoso()
    assert ticks.tenant.app.permissions == set(NEEDED)
    ticks.tick()
    assert in_sync(ticks)
    for user in ticks.tenant.risky_at("high"):
        ticks.tenant.dismiss(user)
    ticks.tick()
    assert in_sync(ticks)


@pytest.mark.parametrize("lacking", NEEDED)
def test_each_of_the_three_is_necessary_and_named_until_it_is_granted(lacking: str) -> None:
    ticks = contoso()
    ticks.tenant.app.permissions.remove(lacking)
    message = failing(ticks)
    assert f"the app needs the application permission {lacking};" in message
    assert not any(other in message for other in NEEDED if other != lacking)
    assert not in_sync(ticks)
    ticks.tenant.app.permissions.add(lacking)
    ticks.tick()
    assert in_sync(ticks)


def test_groups_made_by_hand_take_no_permission_to_create_any() -> None:
    ticks = contoso()
    ticks.tenant.app.permissions.remove("Group.Create")
    for name in GROUP_NAMES.values():
        ticks.tenant.create_group(name)
    ticks.tick()
    assert in_sync(ticks)


def test_a_tenant_that_wants_a_permission_to_look_groups_up_is_told_by_name() -> None:
    ticks = contoso()
    ticks.tenant.behaviour.lookup_needs_read_permission = True
    assert "the app needs the application permission GroupMember.Read.All;" in failing(ticks)
    ticks.tenant.app.permissions.add("GroupMember.Read.All")
    ticks.tick()
    assert in_sync(ticks)


def test_without_the_right_to_read_risk_nobody_is_removed() -> None:
    ticks = contoso()
    ticks.tick()
    before = [ticks.tenant.members_of(name) for name in GROUP_NAMES.values()]
    ticks.tenant.app.permissions.remove("IdentityRiskyUser.Read.All")
    ticks.tenant.tokens.issued.clear()
    assert "IdentityRiskyUser.Read.All" in failing(ticks)
    assert [ticks.tenant.members_of(name) for name in GROUP_NAMES.values()] == before
