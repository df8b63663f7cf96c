"""A tenant and an account, connected: from a risk to an isolated browser."""

import pytest

from simulator import Account, Chain, Tenant, User
from simulator.chain import GROUP_NAMES, TenantJobs
from tests.simulator.chain.worker import MINUTE, World, world
from tests.simulator.client import Clock

HIGH = GROUP_NAMES["high"]


def groups_of(it: World, user: User) -> tuple[str, ...]:
    """Those that Cloudflare's identity of the user holds."""
    it.chain.look()
    return it.chain.person(user).groups


# --- people ---


def test_everybody_has_a_client_and_so_has_who_comes_later() -> None:
    it = world()
    assert it.chain.account.person("ada.lovelace@contoso.onmicrosoft.com") is it.chain.person(it.ada)
    assert len(it.chain.account.state.people) == len(it.chain.tenant.users) == 17
    assert all(person.enrolled for person in it.chain.account.state.people.values())


@pytest.mark.parametrize(
    ("claim", "mail", "address"),
    [
        ("email", "Ada.L@contoso.com", "Ada.L@contoso.com"),
        ("email", None, "ada@contoso.onmicrosoft.com"),
        ("upn", "Ada.L@contoso.com", "ada@contoso.onmicrosoft.com"),
        ("preferred_username", "Ada.L@contoso.com", "ada@contoso.onmicrosoft.com"),
        ("nickname", "Ada.L@contoso.com", "Ada.L@contoso.com"),
    ],
)
def test_cloudflare_holds_the_address_that_its_provider_takes(claim: str, mail: str | None, address: str) -> None:
    it = world()
    it.chain.account.provider.config["email_claim_name"] = claim
    user = it.chain.tenant.add_user("Ada", mail=mail, principal_name="ada@contoso.onmicrosoft.com")
    assert it.chain.address(user) == it.chain.person(user).email == address


def test_a_guest_is_known_by_their_own_address() -> None:
    it = world()
    assert it.chain.person(it.chain.tenant.add_guest("eve@example.org")).email == "eve@example.org"


def test_another_mailbox_is_known_from_the_next_login_on() -> None:
    it = world()
    former = it.chain.person(it.ada)
    it.chain.tenant.rename_mailbox(it.ada, "countess@contoso.com")
    assert it.chain.person(it.ada) is former
    now = it.chain.log_in(it.ada)
    assert (now.email, now.enrolled, former.enrolled) == ("countess@contoso.com", True, False)
    it.chain.account.set_values(it.chain.account.list_named("risky-users-high"), ["countess@contoso.com"])
    assert it.chain.isolated(it.ada)


def test_a_login_brings_the_ids_of_the_groups_that_there_are() -> None:
    it = world()
    group = it.chain.tenant.create_group("Staff")
    it.chain.tenant.add_member(group, it.ada)
    assert it.chain.log_in(it.ada).group_ids == (group.id,)


def test_whoever_is_deleted_stays_registered_and_is_not_registered_if_they_were_not() -> None:
    it = world()
    it.chain.tenant.delete_user(it.ada)
    it.chain.look()
    assert it.chain.person(it.ada).enrolled
    later = Chain(it.chain.tenant, Account.contoso(clock=it.clock.now))
    assert len(later.account.state.people) == len(it.chain.account.state.people) - 1


# --- groups ---


def test_the_groups_go_over_as_they_appear_with_whom_they_hold() -> None:
    it = world(second=20)
    assert it.chain.account.provider.groups == {}
    it.chain.tenant.set_risk(it.ada, "high")
    it.minute()
    assert groups_of(it, it.ada) == ()
    it.clock.time = it.chain.next_cycle or 0
    assert groups_of(it, it.ada) == (HIGH,)
    assert sorted(group.content.name for group in it.chain.account.provider.groups.values()) == sorted(GROUP_NAMES.values())


def test_a_cycle_that_is_noticed_late_carries_who_was_there_when_it_was_due() -> None:
    it = world()
    bob = it.chain.tenant.add_user("Bob")
    it.tick()
    it.chain.tenant.add_member(it.chain.tenant.group_named(HIGH), it.ada)
    it.later(40.5)
    it.chain.tenant.add_member(it.chain.tenant.group_named(HIGH), bob)
    assert (groups_of(it, it.ada), groups_of(it, bob)) == ((HIGH,), ())
    it.later(39.5)
    assert groups_of(it, bob) == (HIGH,)


def test_a_group_that_was_not_there_when_the_cycle_was_due_waits_for_the_next() -> None:
    it = world()
    it.later(40.5)
    it.chain.tenant.create_group(HIGH)
    it.chain.look()
    assert it.chain.account.provider.groups == {}
    it.later(39.5)
    it.chain.look()
    assert len(it.chain.account.provider.groups) == 1


def test_of_two_groups_of_a_name_the_oldest_goes_over() -> None:
    it = world()
    first = it.chain.tenant.create_group(HIGH)
    it.later(1)
    second = it.chain.tenant.create_group(HIGH)
    it.chain.tenant.add_member(second, it.ada)
    it.later(40)
    assert groups_of(it, it.ada) == ()
    it.chain.tenant.delete_group(first)
    it.later(40)
    assert groups_of(it, it.ada) == (HIGH,)


def test_deleted_users_and_what_is_no_user_do_not_go_over() -> None:
    it = world()
    group = it.chain.tenant.create_group(HIGH)
    for member in (it.chain.tenant.add_other(), it.ada):
        it.chain.tenant.add_member(group, member)
    it.chain.tenant.delete_user(it.ada)
    group.members[it.ada.id] = it.clock.time  # as a lagging directory would still have it
    it.later(40)
    it.chain.look()
    [provisioned] = it.chain.account.provider.groups.values()
    assert provisioned.content.members == frozenset()


@pytest.mark.parametrize("base_group", [True, False])
def test_a_base_group_keeps_whoever_is_released_from_being_deprovisioned(*, base_group: bool) -> None:
    it = world(base_group=base_group)
    it.chain.account.provider.user_deprovision = True
    it.chain.tenant.set_risk(it.ada, "high")
    it.tick()
    it.later(40)
    assert HIGH in groups_of(it, it.ada)
    it.chain.tenant.dismiss(it.ada)
    it.tick()
    it.later(40)
    assert groups_of(it, it.ada) == (("Zero Trust users",) if base_group else ())
    assert it.chain.person(it.ada).enrolled == base_group


def test_a_base_group_that_is_deleted_goes_over_no_more() -> None:
    it = world(base_group=True)
    assert groups_of(it, it.ada) == ()  # she came after the first cycle
    it.later(40)
    assert groups_of(it, it.ada) == ("Zero Trust users",)
    it.chain.tenant.delete_group(it.chain.tenant.group_named("Zero Trust users"))
    it.later(40)
    assert groups_of(it, it.ada) == ()


# --- browsers ---


def test_with_the_lane_a_browser_is_isolated_from_the_tick_on_and_released_likewise() -> None:
    it = world()
    it.chain.tenant.set_risk(it.ada, "high")
    assert not it.chain.isolated(it.ada)
    it.later(0.5)
    it.tick()
    ticked = it.clock.time
    it.later(10)
    assert (it.chain.isolated(it.ada), it.chain.since(it.ada)) == (True, ticked)
    assert it.chain.page_load(it.ada, "https://mail.example.org/").reason == "Isolate"
    it.chain.tenant.dismiss(it.ada)
    it.tick()
    it.later(1)
    assert (it.chain.isolated(it.ada), it.chain.since(it.ada)) == (False, ticked + 10 * MINUTE)


def test_without_the_lane_it_is_isolated_from_the_cycle_on_however_late_that_is_noticed() -> None:
    it = world(lane=False)
    cycle = it.clock.time + 40 * MINUTE
    it.chain.tenant.set_risk(it.ada, "high")
    it.tick()
    assert not it.chain.isolated(it.ada)
    it.later(49)
    assert (it.chain.isolated(it.ada), it.chain.since(it.ada)) == (True, cycle)
    it.chain.tenant.dismiss(it.ada)
    it.tick()
    assert it.chain.isolated(it.ada)
    it.later(35)
    assert (it.chain.isolated(it.ada), it.chain.since(it.ada)) == (False, cycle + 40 * MINUTE)


def test_who_was_never_isolated_is_so_since_they_are_here() -> None:
    it = world()
    began = it.clock.time
    it.later(5)
    assert (it.chain.isolated(it.ada), it.chain.since(it.ada)) == (False, began)


def test_the_rules_go_by_lists_or_by_groups() -> None:
    it = world()
    it.chain.account.set_values(it.chain.account.list_named("risky-users-high"), [it.chain.address(it.ada)])
    assert it.chain.isolated(it.ada)
    it.chain.use_lane(on=False)
    assert not it.chain.isolated(it.ada)
    assert it.chain.worker_variables == it.chain.tenant.worker_variables
    it.chain.use_lane(on=True)
    assert it.chain.isolated(it.ada)
    assert it.chain.worker_variables == {**it.chain.tenant.worker_variables, **it.chain.account.worker_variables}


def test_which_page_tells_can_be_chosen() -> None:
    it = world()
    rule = it.chain.account.add_rule("some site", traffic='http.request.host == "www.example.com"')
    assert it.chain.isolated(it.ada)
    it.chain.page = "https://bank.example/"
    assert not it.chain.isolated(it.ada)
    assert it.chain.page_load(it.ada).rule == rule


# --- who hears of it, and who provisions ---


def test_changes_of_either_side_are_heard() -> None:
    it = world()
    heard: list[bool] = []
    it.chain.on_change = lambda: heard.append(it.chain.isolated(it.ada))
    it.chain.tenant.set_risk(it.ada, "high")
    assert heard == [False]
    it.tick()
    assert heard[-1]
    heard.clear()
    it.chain.account.decrypt_tls(on=False)
    assert not any(heard)
    assert heard


def test_whoever_hears_may_ask_about_everybody_even_while_somebody_comes() -> None:
    it = world()
    seen: list[int] = []
    it.chain.on_change = lambda: seen.append(sum(1 for user in it.chain.tenant.users if not it.chain.isolated(user)))
    it.chain.tenant.add_user("Bob")
    assert seen[-1] == 18


def test_a_cycle_that_isolates_a_browser_is_heard_when_somebody_looks() -> None:
    it = world(lane=False)
    it.chain.tenant.set_risk(it.ada, "high")
    it.tick()
    heard: list[float] = []
    it.chain.on_change = lambda: heard.append(it.clock.time)
    it.later(39)
    it.chain.look()
    assert heard == []
    it.later(1)
    it.chain.look()
    assert heard == [it.clock.time]
    it.chain.look()
    assert len(heard) == 1


def test_a_paused_job_is_not_waited_for() -> None:
    it = world()
    assert it.chain.next_cycle == it.clock.time + 40 * MINUTE
    it.chain.job.paused = True
    assert it.chain.next_cycle is None


def test_an_administrators_job_may_take_the_place_of_the_chains_own() -> None:
    clock = Clock()
    tenant, account = Tenant.contoso(clock=clock.now), Account.contoso(clock=clock.now)
    chain = Chain(tenant, account, job=TenantJobs(tenant))
    chain.use_lane(on=False)
    ada = tenant.add_user("Ada", mail="ada@contoso.com")
    assert (chain.next_cycle, chain.job.last, chain.job.paused) == (None, None, True)
    application, group = tenant.add_enterprise_application(), tenant.create_group(HIGH)
    tenant.assign(application, group)
    tenant.provision(application, account.provider.scim_base_url, account.provider.scim_secret or "")
    tenant.add_member(group, ada)
    due = clock.time + tenant.behaviour.first_cycle_seconds
    assert (chain.next_cycle, chain.isolated(ada), chain.job.paused) == (due, False, False)
    clock.time = due + 15  # nobody asks the tenant anything
    assert (chain.isolated(ada), chain.since(ada), chain.job.last) == (True, due, due)
    tenant.remove_member(group, ada)
    following = chain.next_cycle or 0
    assert due < following <= clock.time + 40 * MINUTE + tenant.behaviour.cycle_seconds
    clock.time = following
    assert (chain.isolated(ada), chain.since(ada)) == (False, following)
    account.provider.scim_secret = "another"
    clock.time += 6 * 40 * MINUTE
    chain.look()
    assert chain.job.quarantined
    chain.job.paused = True
    assert (chain.next_cycle, chain.job.paused) == (None, True)


def test_of_several_jobs_the_one_that_writes_first_is_next() -> None:
    clock = Clock()
    tenant, account = Tenant.contoso(clock=clock.now), Account.contoso(clock=clock.now)
    chain = Chain(tenant, account, job=TenantJobs(tenant))
    arrivals = []
    for _ in range(2):
        tenant.provision(tenant.add_enterprise_application(), account.provider.scim_base_url, account.provider.scim_secret or "")
        arrivals.append(clock.time + tenant.behaviour.first_cycle_seconds)
        clock.time += 10 * MINUTE
    assert chain.next_cycle == arrivals[0]
    clock.time = arrivals[0]
    chain.look()
    assert (chain.job.last, chain.next_cycle) == (arrivals[0], arrivals[1])


def test_an_account_without_a_provider_isolates_nobody() -> None:
    clock = Clock()
    tenant, account = Tenant(clock.now), Account(clock.now)
    chain = Chain(tenant, account, job=TenantJobs(tenant))
    ada = tenant.add_user("Ada", mail="ada@contoso.com")
    assert (chain.isolated(ada), chain.person(ada).email) == (False, "ada@contoso.com")
