"""The tenant: what its administrators do, and the truth about it."""

from random import Random

import pytest

from simulator import Tenant
from tests.simulator.client import Clock, contoso

NAME = "a"


def test_contoso_has_risky_users_of_every_level_and_one_app_with_three_permissions() -> None:
    tenant = Tenant.contoso(risky=12)
    assert [len(tenant.risky_at(level)) for level in ("high", "medium", "low")] == [4, 4, 4]
    assert tenant.risky_count() == 12
    assert len(tenant.users) == 16
    assert tenant.app.permissions == {"IdentityRiskyUser.Read.All", "Group.Create", "GroupMember.ReadWrite.All"}
    assert set("+&=%~/") <= set(tenant.app.secret)
    assert all(user.principal_name.endswith("@contoso.onmicrosoft.com") for user in tenant.users)
    assert len({user.principal_name for user in Tenant.contoso(900).users}) == 904


def test_the_same_seed_makes_the_same_tenant() -> None:
    directories = [Tenant.contoso(5, seed, clock=Clock().now).directory for seed in (7, 7, 8)]
    assert directories[0] == directories[1] != directories[2]
    assert Tenant(random=Random(1)).id == Tenant(random=Random(1)).id


def test_what_administrators_do_about_a_users_risk() -> None:
    tenant = Tenant.contoso(1)
    user = tenant.users[0]
    outcomes = []
    for act in (tenant.confirm_compromised, tenant.dismiss, tenant.remediate, tenant.confirm_safe):
        act(user)
        outcomes.append((user.risk_level, user.risk_state))
    assert outcomes == [("high", "confirmedCompromised"), ("none", "dismissed"), ("none", "remediated"), ("none", "confirmedSafe")]


def test_a_deleted_user_leaves_every_group() -> None:
    tenant = Tenant.contoso(2)
    groups = [tenant.create_group(name) for name in "ab"]
    for group in groups:
        tenant.add_member(group, tenant.users[0])
        tenant.add_member(group, tenant.users[1])
    tenant.delete_user(tenant.users[0])
    assert [tenant.members_of(group) for group in groups] == [{tenant.users[1].id}] * 2
    assert len(tenant.risky_at("high")) == 0


def test_the_oldest_of_groups_that_share_a_name_comes_first_and_deleted_ones_not_at_all() -> None:
    clock = Clock()
    tenant = Tenant.contoso(clock=clock.now)
    groups = []
    for _ in range(3):
        groups.append(tenant.create_group(NAME))
        clock.time += 1
    assert tenant.groups_named(NAME) == groups
    tenant.delete_group(groups[0])
    assert tenant.group_named(NAME) is groups[1]
    tenant.rename_group(groups[1], "b")
    assert tenant.groups_named(NAME) == [groups[2]]
    assert tenant.members_of("nobody's") == frozenset()


def test_changes_by_hand_and_by_request_are_both_told_of() -> None:
    client = contoso()
    heard: list[int] = []
    client.tenant.on_change = lambda: heard.append(client.tenant.subrequests)
    client.tenant.set_risk(client.tenant.users[0], "low")
    client.get("/groups", **{"client-request-id": "00000000-0000-4000-8000-000000000000"})
    assert len(heard) == 2


def test_every_fifth_of_contosos_risky_users_has_another_mailbox_than_the_principal_name() -> None:
    users = Tenant.contoso(20).users
    differing = [number for number, user in enumerate(users) if user.mail != user.principal_name]
    assert differing == [4, 9, 14, 19]
    assert users[4].mail == "Elif.Engel@contoso.com"
    assert users[4].principal_name == "elif.engel@contoso.onmicrosoft.com"


def test_a_user_has_the_mailbox_and_the_principal_name_that_an_administrator_gives_each_in_its_spelling() -> None:
    tenant = Tenant()
    usual = tenant.add_user("Ada Adler")
    assert usual.mail == usual.principal_name == "ada.adler@contoso.onmicrosoft.com"
    other = tenant.add_user("Bela Berg", mail="Bela@Contoso.com", principal_name="B.Berg@Contoso.com")
    assert (other.mail, other.principal_name) == ("Bela@Contoso.com", "B.Berg@Contoso.com")
    assert tenant.add_user(mail=None).mail is None
    heard: list[str | None] = []
    tenant.on_change = lambda: heard.append(usual.mail)
    tenant.rename_mailbox(usual, "ada@contoso.com")
    tenant.rename_mailbox(usual, None)
    assert heard == ["ada@contoso.com", None]
    assert usual.principal_name == "ada.adler@contoso.onmicrosoft.com"


def test_a_guests_mailbox_lies_elsewhere() -> None:
    tenant = Tenant()
    guest = tenant.add_guest("Grace@Partner.example", "Grace Example")
    assert (guest.name, guest.mail) == ("Grace Example", "Grace@Partner.example")
    assert guest.principal_name == "Grace_Partner.example#EXT#@contoso.onmicrosoft.com"
    assert tenant.add_guest("hal@partner.example", mail=None).mail is None
    assert tenant.add_guest("ida@partner.example", mail="i@partner.example").mail == "i@partner.example"


def test_a_deleted_group_is_restored_with_its_id_its_members_and_its_unique_name() -> None:
    clock = Clock()
    tenant = Tenant.contoso(2, clock=clock.now)
    group = tenant.create_group(NAME, unique_name=NAME)
    for user in tenant.users[:2]:
        tenant.add_member(group, user)
    tenant.delete_group(group)
    clock.time += 86400
    tenant.delete_user(tenant.users[0])
    tenant.restore_group(group)
    assert tenant.group_named(NAME) is group
    assert tenant.directory.by_unique_name(NAME) is group
    assert tenant.members_of(group) == {tenant.users[1].id}


def test_what_is_not_deleted_or_for_good_or_has_a_successor_cannot_be_restored() -> None:
    clock = Clock()
    tenant = Tenant(clock=clock.now)
    group = tenant.create_group(NAME, unique_name=NAME)
    with pytest.raises(ValueError, match="not among the deleted"):
        tenant.restore_group(group)
    tenant.delete_group(group)
    successor = tenant.create_group(NAME, unique_name=NAME)
    with pytest.raises(ValueError, match="another group"):
        tenant.restore_group(group)
    tenant.delete_group(successor)
    clock.time += 30 * 86400
    with pytest.raises(ValueError, match="not among the deleted"):
        tenant.restore_group(group)
