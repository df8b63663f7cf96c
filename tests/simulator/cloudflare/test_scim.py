"""From Entra's groups to Cloudflare: cycles, SCIM resources, their log, and people's identities (setup.md 3, cloudflare.md 6)."""

from collections.abc import Callable
from dataclasses import dataclass, field

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulator.cloudflare import Account, ScimCycle
from simulator.cloudflare.state import Person
from simulator.messages import JSON
from simulator.scim import Rejected, ScimGroup, ScimUser, Unauthorized, Unreachable
from tests.simulator.cloudflare.client import Client, contoso

READ = ("Access: Organizations, Identity Providers, and Groups Read", "Access: SCIM Logs Read", "Access: Audit Logs Read")
MINUTES = 60.0


@dataclass
class User:
    principal_name: str
    mail: str | None
    name: str = ""


@dataclass
class Group:
    id: str
    name: str
    members: set[str] = field(default_factory=set)


@dataclass
class Directory:
    """Two groups, and ada, who has a mailbox, and bob, who has none."""

    users: dict[str, User] = field(
        default_factory=lambda: {"ada": User("ada.l@contoso.com", "ada@contoso.com", "Ada"), "bob": User("bob@contoso.com", None, "Bob")}
    )
    groups: list[Group] = field(default_factory=lambda: [Group("g1", "risky-high"), Group("g2", "staff")])
    asked: list[float] = field(default_factory=list)
    """Of which times."""

    def assigned_groups(self, time: float) -> list[Group]:
        self.asked.append(time)
        return self.groups

    def user(self, user_id: str) -> User | None:
        return self.users.get(user_id)


@dataclass
class World:
    client: Client
    directory: Directory
    cycle: ScimCycle
    ada: Person

    @property
    def account(self) -> Account:
        return self.client.account

    def groups(self) -> list[str]:
        """Of ada's identity."""
        return [*self.ada.groups]

    def later(self, minutes: float) -> None:
        self.client.clock.time += minutes * MINUTES
        self.account.catch_up()

    def events(self) -> list[tuple[JSON, JSON]]:
        log = self.client.get(f"/access/logs/scim/updates?idp_id={self.account.provider.id}&direction=asc&per_page=1000").results
        return [(each["request_method"], each["resource_type"]) for each in log]


def world() -> World:
    client = contoso(*READ)
    directory = Directory()
    ada = client.account.enroll("ada@contoso.com", "Ada", group_ids=["g9"])
    return World(client, directory, client.account.connect(directory), ada)


def test_a_membership_waits_for_the_next_cycle_of_forty_minutes() -> None:
    it = world()
    it.account.add_rule("by group", identity='any(identity.groups.name[*] in {"risky-high"})')
    it.later(0)
    it.directory.groups[0].members.add("ada")
    it.later(39)
    assert not it.account.page_load(it.ada).isolated
    it.later(1)
    assert it.account.page_load(it.ada).isolated
    it.directory.groups[0].members.clear()
    it.later(39)
    assert it.account.page_load(it.ada).isolated
    it.later(1)
    assert not it.account.page_load(it.ada).isolated


def test_a_cycle_runs_by_itself_as_soon_as_anything_is_asked_of_the_account() -> None:
    it = world()
    it.directory.groups[0].members.add("ada")
    it.client.get("/access/users")
    assert it.groups() == ["risky-high"]
    it.directory.groups[0].members.clear()
    it.client.clock.time += 40 * MINUTES
    it.account.page_load(it.ada)
    assert it.groups() == []


def test_the_first_cycle_may_come_later_and_the_interval_be_another() -> None:
    client = contoso(*READ)
    directory = Directory()
    directory.groups[0].members.add("ada")
    cycle = client.account.connect(directory, interval=600.0, first=client.clock.time + 100)
    client.clock.time += 99
    assert not cycle.run_due()
    client.clock.time += 1
    assert cycle.run_due()
    assert cycle.next == client.clock.time + 600
    client.clock.time += 1500
    assert cycle.run_due()
    assert not cycle.run_due()
    assert cycle.next == client.clock.time + 300


def test_a_cycle_that_runs_late_carries_what_was_there_when_it_was_due_and_several_are_one() -> None:
    it = world()
    it.account.page_load(it.ada)
    [began] = it.directory.asked
    it.later(130)
    assert it.directory.asked == [began, began + 120 * MINUTES]
    assert (it.cycle.last, it.cycle.next) == (began + 120 * MINUTES, began + 160 * MINUTES)
    assert it.client.clock.time == began + 130 * MINUTES


def test_what_has_arrived_can_be_looked_up_by_entras_ids() -> None:
    it = world()
    it.directory.groups[0].members |= {"ada", "bob", "deleted"}
    it.later(0)
    address = f"/access/identity_providers/{it.account.provider.id}/scim"
    found = it.client.get(f"{address}/groups?idp_resource_id=g1&idp_resource_id=g2&idp_resource_id=g3").results
    assert [(each["displayName"], each["externalId"], "members" in each) for each in found] == [
        ("risky-high", "g1", False),
        ("staff", "g2", False),
    ]
    assert [each["externalId"] for each in it.client.get(f"{address}/groups?name=staff").results] == ["g2"]
    ada = it.client.get(f"{address}/users?email=ADA@contoso.com").results[0]
    assert (ada["externalId"], ada["active"]) == ("ada", True)
    assert ada["emails"] == [{"value": "ada@contoso.com", "type": "work", "primary": True}]
    bob = it.client.get(f"{address}/users?username=bob@contoso.com").results[0]
    assert (bob["emails"], bob["externalId"]) == ([], "bob")
    assert it.client.get(f"{address}/users?cf_resource_id={bob['id']}").results == [bob]
    assert it.client.get(f"{address}/users?per_page=1&page=2").info["total_count"] == 2


def test_the_object_id_arrives_only_where_the_mapping_says_so() -> None:
    it = world()
    it.directory.users["f00"] = User("cy@contoso.com", "cy@contoso.com")
    it.directory.groups[0].members.add("f00")
    it.later(0)
    address = f"/access/identity_providers/{it.account.provider.id}/scim/users?idp_resource_id="
    assert (len(it.client.get(f"{address}f00").results), len(it.client.get(f"{address}cy").results)) == (0, 1)
    it.cycle.external_id = "objectId"
    it.later(40)
    assert (len(it.client.get(f"{address}f00").results), len(it.client.get(f"{address}cy").results)) == (1, 0)


@pytest.mark.any_request
@pytest.mark.parametrize(
    "query",
    ["idp_resource_id=g1&name=staff", "idp_resource_id=g1&cf_resource_id=x", "per_page=101", "&".join(["idp_resource_id=g1"] * 51)],
)
def test_ids_exclude_other_filters_and_are_not_too_many(query: str) -> None:
    it = world()
    assert it.client.get(f"/access/identity_providers/{it.account.provider.id}/scim/groups?{query}").status == 400


def test_the_log_has_a_line_for_each_change_and_none_for_what_is_as_it_was() -> None:
    it = world()
    it.directory.groups[0].members.add("ada")
    it.later(0)
    assert it.events() == [("POST", "USER"), ("POST", "GROUP"), ("POST", "GROUP")]
    it.later(40)
    assert len(it.events()) == 3
    it.directory.groups[0].name = "renamed"
    it.directory.users["ada"].name = "Ada Lovelace"
    it.later(40)
    assert it.events()[3:] == [("PATCH", "USER"), ("PATCH", "GROUP")]
    assert it.groups() == ["renamed"]
    del it.directory.groups[0]
    it.later(40)
    assert it.events()[5:] == [("PATCH", "USER"), ("DELETE", "GROUP")]


def test_who_gets_another_principal_name_stays_the_same_user() -> None:
    it = world()
    it.directory.groups[0].members.add("ada")
    it.later(0)
    it.directory.users["ada"].principal_name = "countess@contoso.com"
    it.later(40)
    [user] = it.account.provider.users.values()
    assert (user.content.user_name, user.active) == ("countess@contoso.com", True)


def test_the_log_is_searched() -> None:
    it = world()
    it.directory.groups[0].members.add("ada")
    it.later(0)
    it.directory.groups[1].members.add("ada")
    it.later(40)
    address = f"/access/logs/scim/updates?idp_id={it.account.provider.id}"
    latest = it.client.get(f"{address}&limit=1").results
    assert [(each["request_method"], each["resource_group_name"]) for each in latest] == [("PATCH", "staff")]
    counts = {
        query: len(it.client.get(f"{address}&{query}").results)
        for query in (
            "resource_type=USER",
            "resource_type=USER&resource_type=GROUP",
            "resource_user_email=ada@contoso.com",
            "resource_group_name=staff",
            "idp_resource_id=g1",
            "request_method=PATCH",
            "status=FAILURE",
            "since=2026-09-21T14:20:00Z",
            "until=2026-09-21T14:20:00Z",
        )
    }
    assert list(counts.values()) == [1, 4, 1, 2, 1, 1, 0, 1, 3]


@pytest.mark.any_request
@pytest.mark.parametrize("query", ["", "idp_id={provider}&since=yesterday", "idp_id={provider}&per_page=1001"])
def test_the_log_needs_a_provider_and_dates(query: str) -> None:
    it = world()
    assert it.client.get(f"/access/logs/scim/updates?{query.format(provider=it.account.provider.id)}").status == 400


def test_group_names_come_by_scim_and_replace_what_was_there() -> None:
    it = world()
    assert (it.groups(), it.ada.group_ids) == ([], ("g9",))
    it.ada.groups = ("by hand",)
    it.directory.groups[1].members.add("ada")
    it.later(0)
    assert it.groups() == ["staff"]


def test_whom_scim_does_not_know_it_leaves_alone_and_whom_cloudflare_does_not_know_it_does_not_make() -> None:
    it = world()
    other = it.account.enroll("other@contoso.com")
    other.groups = ("kept",)
    it.directory.groups[0].members.add("bob")
    it.later(0)
    assert other.groups == ("kept",)
    assert it.account.person("bob@contoso.com") is None
    bob = it.account.enroll("bob@contoso.com")
    assert bob.groups == ("risky-high",)
    it.account.log_in(other)
    assert other.groups == ("kept",)


def test_with_reauth_a_change_waits_for_the_next_login() -> None:
    it = world()
    it.account.provider.identity_update_behavior = "reauth"
    it.directory.groups[0].members.add("ada")
    it.later(0)
    assert it.groups() == []
    it.account.log_in(it.ada)
    assert it.groups() == ["risky-high"]
    it.directory.groups[0].members.clear()
    it.directory.groups[1].members.add("ada")
    it.later(40)
    assert it.groups() == ["risky-high"]
    it.account.log_in(it.ada)
    assert it.groups() == ["staff"]


def test_with_no_action_scim_never_changes_an_identity() -> None:
    it = world()
    it.account.provider.identity_update_behavior = "no_action"
    it.directory.groups[0].members.add("ada")
    it.later(0)
    it.account.log_in(it.ada)
    assert it.groups() == []
    assert len(it.account.provider.groups) == 2


@pytest.mark.parametrize(("matches_case", "groups"), [(False, ["staff"]), (True, [])])
def test_an_address_finds_its_person_in_any_case_or_only_in_the_same(*, matches_case: bool, groups: list[str]) -> None:
    it = world()
    it.account.behaviour.scim_matches_case = matches_case
    it.directory.users["ada"].mail = "Ada@contoso.com"
    it.directory.groups[1].members.add("ada")
    it.later(0)
    assert it.groups() == groups


@pytest.mark.parametrize("base_group", [True, False])
def test_a_user_who_leaves_their_only_group_is_deprovisioned_and_thereby_logged_out(*, base_group: bool) -> None:
    it = world()
    it.account.provider.user_deprovision = it.account.provider.seat_deprovision = True
    it.directory.groups[0].members.add("ada")
    if base_group:
        it.directory.groups[1].members.add("ada")
    it.later(0)
    it.directory.groups[0].members.clear()
    it.later(40)
    assert (it.ada.enrolled, it.ada.seats) == (base_group, base_group)
    assert it.groups() == (["staff"] if base_group else [])
    it.directory.groups[0].members.add("ada")
    it.later(40)
    assert it.ada.enrolled == base_group
    user = next(iter(it.account.provider.users.values()))
    assert user.active


def test_without_user_deprovisioning_nobody_is_logged_out() -> None:
    it = world()
    it.directory.groups[0].members.add("ada")
    it.later(0)
    it.directory.groups[0].members.clear()
    it.later(40)
    assert (it.ada.enrolled, it.groups()) == (True, [])
    assert not next(iter(it.account.provider.users.values())).active


def test_deletions_out_of_scope_can_be_skipped() -> None:
    it = world()
    it.account.provider.user_deprovision = True
    it.cycle.skip_out_of_scope_deletions = True
    it.directory.groups[0].members.add("ada")
    it.later(0)
    it.directory.groups[0].members.clear()
    it.later(40)
    assert (it.ada.enrolled, it.groups()) == (True, [])


def test_a_paused_job_does_nothing_and_what_was_due_meanwhile_is_due_when_it_goes_on() -> None:
    it = world()
    it.later(0)
    it.cycle.paused = True
    it.directory.groups[0].members.add("ada")
    it.later(130)
    assert (it.groups(), it.cycle.next) == ([], None)
    it.cycle.paused = False
    it.later(0)
    assert (it.groups(), it.cycle.last) == (["risky-high"], it.client.clock.time)


def test_a_cycle_can_be_run_by_somebody_elses_clock() -> None:
    it = world()
    it.directory.groups[0].members.add("ada")
    assert it.cycle.run()
    assert (it.groups(), it.cycle.last) == (["risky-high"], it.client.clock.time)
    it.cycle.secret = ""
    assert not it.cycle.run()
    assert it.cycle.quarantined


def test_the_scim_endpoint_opens_at_its_address_for_its_token() -> None:
    account = contoso().account
    provider = account.provider
    address, token = provider.scim_base_url, str(provider.scim_secret)
    ada = account.enroll("ada@contoso.com")
    for endpoint in (account.door(address, token), account.door(f"{address}/", token)):
        user = endpoint.put_user(ScimUser("ada", "ada.l@contoso.com", "Ada", "ada@contoso.com"), None, 1.0)
        endpoint.put_group(ScimGroup("g1", "risky-high", frozenset({user})), None, 1.0)
        assert ada.groups == ("risky-high",)
    assert (len(provider.users), len(provider.groups)) == (1, 1)
    with pytest.raises(Unauthorized):
        account.door(address, "another")
    with pytest.raises(Unreachable):
        account.door("https://scim.example.com", token)
    provider.scim_enabled = False
    with pytest.raises(Unreachable):
        account.door(address, token)


def test_by_its_id_a_user_or_group_is_found_whatever_its_name() -> None:
    it = world()
    endpoint = it.account.door(it.account.provider.scim_base_url, it.cycle.secret)
    user = endpoint.put_user(ScimUser("ada", "ada.l@contoso.com", "Ada", None), None, 1.0)
    assert endpoint.put_user(ScimUser("ada", "ada.k@contoso.com", "Ada", "ada@contoso.com"), user, 2.0) == user
    group = endpoint.put_group(ScimGroup("g1", "risky-high", frozenset({user})), None, 3.0)
    assert endpoint.put_group(ScimGroup("g7", "risky", frozenset({user})), group, 4.0) == group
    assert it.groups() == ["risky"]
    endpoint.deactivate_user(user, 5.0)
    assert it.groups() == []
    endpoint.put_user(ScimUser("ada", "ada.k@contoso.com", "Ada", "ada@contoso.com"), user, 6.0)
    assert (it.groups(), it.ada.identity_updated) == (["risky"], 6.0)
    endpoint.delete_group(group, 7.0)
    assert (it.groups(), it.ada.identity_updated) == ([], 7.0)


def test_the_scim_endpoint_rejects_ids_that_are_not_its_own() -> None:
    it = world()
    endpoint = it.account.door(it.account.provider.scim_base_url, it.cycle.secret)
    with pytest.raises(Rejected, match="user nobody"):
        endpoint.deactivate_user("nobody", 1.0)
    with pytest.raises(Rejected, match="user nobody"):
        endpoint.put_group(ScimGroup("g1", "risky-high", frozenset({"nobody"})), None, 1.0)
    with pytest.raises(Rejected, match="group none"):
        endpoint.delete_group("none", 1.0)


def refuse_the_secret(it: World) -> None:
    it.account.provider.scim_secret = "another"


def switch_scim_off(it: World) -> None:
    it.account.provider.scim_enabled = False


def forget_the_secret(it: World) -> None:
    it.cycle.secret = ""


@pytest.mark.parametrize("trouble", [refuse_the_secret, switch_scim_off, forget_the_secret])
def test_a_cycle_that_cloudflare_refuses_is_tried_again_once_a_day_until_it_is_taken(trouble: Callable[[World], None]) -> None:
    it = world()
    it.later(0)
    trouble(it)
    it.directory.groups[0].members.add("ada")
    it.later(40)
    assert it.cycle.quarantined
    it.account.provider.scim_enabled = True
    it.cycle.secret = it.account.provider.scim_secret or ""
    it.later(23 * 60)
    assert it.groups() == []
    it.later(60)
    assert (it.cycle.quarantined, it.groups()) == (False, ["risky-high"])
    it.directory.groups[0].members.clear()
    it.later(40)
    assert it.groups() == []


def test_up_to_five_members_of_one_group_go_over_on_demand() -> None:
    it = world()
    it.later(0)
    it.cycle.paused = True
    it.directory.groups[0].members |= {"ada", "bob"}
    assert it.cycle.provision_on_demand("g1", ["ada", "nobody"])
    assert it.groups() == ["risky-high"]
    assert len(it.account.provider.users) == 1
    assert it.cycle.provision_on_demand("g1", ["bob"])
    assert [len(group.content.members) for group in it.account.provider.groups.values()] == [2, 0]
    assert not it.cycle.provision_on_demand("g3", ["ada"])
    refuse_the_secret(it)
    assert not it.cycle.provision_on_demand("g1", ["ada"])
    for members in ([], ["a", "b", "c", "d", "e", "f"]):
        with pytest.raises(ValueError, match="1 to 5"):
            it.cycle.provision_on_demand("g1", members)


@given(st.lists(st.tuples(st.sampled_from(["g1", "g2"]), st.sampled_from(["ada", "bob"]), st.booleans()), max_size=12))
def test_after_each_cycle_cloudflare_holds_what_the_directory_holds(changes: list[tuple[str, str, bool]]) -> None:
    it = world()
    bob = it.account.enroll("bob@contoso.com")
    groups = {group.id: group for group in it.directory.groups}
    it.later(0)
    for group, user, joins in changes:
        (groups[group].members.add if joins else groups[group].members.discard)(user)
        it.later(40)
        for person, user_id in ((it.ada, "ada"), (bob, "bob")):
            known = any(each.content.user_name == it.directory.users[user_id].principal_name for each in it.account.provider.users.values())
            expected = tuple(sorted(each.name for each in groups.values() if user_id in each.members))
            assert person.groups == expected
            assert known or not expected
