"""`risky-users setup scim`: the groups on their way to Cloudflare; again; beside what is there; whatever Microsoft leaves open."""

import json
from contextlib import suppress
from pathlib import Path

import httpx
import pytest

from simulator import Fault, Group
from simulator.entra.provisioning import Job
from simulator.entra.provisioning.settings import Settings
from tests.setup.office import Killed, Office

NAMES = [f"IdentityProtection-RiskyUser-RiskLevel-{level}" for level in ("high", "medium", "low")]


@pytest.fixture
def office(tmp_path: Path) -> Office:
    office = Office(tmp_path / "project")
    office.tenant.create_group("Zero Trust users")
    return office


def set_up(office: Office, *options: str, status: int = 0) -> str:
    outcome = office.run("setup", "scim", "--yes", "--base-group", "Zero Trust users", *options)
    assert outcome.status == status, outcome.text
    return outcome.text


def assert_works(office: Office) -> None:
    """One application with one job, which runs; three groups and the base group are assigned; and what is at risk arrives."""
    [job] = office.tenant.jobs
    principal = office.tenant.directory.principals[job.principal_id]
    assert len([each for each in office.tenant.directory.principals.values() if each.template]) == 1
    assert job.state == "Active"
    granted = office.tenant.directory.granted_by(principal.id, office.desk.clock.now())
    names = sorted(office.tenant.directory.groups[each.principal_id].name for each in granted)
    assert names == sorted([*NAMES, "Zero Trust users"])
    settings = office.tenant.service.provisioning.settings[principal.id]
    assert settings["SyncAll"] == "false"
    member(office)
    office.desk.clock.time += 3 * 3600
    office.tenant.catch_up()
    assert NAMES[0] in {group.content.name for group in office.provider.groups.values()}


def member(office: Office) -> Group:
    group = office.tenant.group_named(NAMES[0])
    office.tenant.add_member(group, office.tenant.users[0])
    return group


def job(office: Office) -> Job:
    [found] = office.tenant.jobs
    return found


def test_from_nothing_to_groups_that_arrive(office: Office) -> None:
    text = set_up(office)
    assert office.provider.scim_base_url in text
    assert_works(office)
    [application] = office.tenant.directory.applications.values()
    assert (application.name, application.unique_name) == ("Cloudflare One SCIM", "risky-users-scim")


def test_a_second_run_changes_nothing(office: Office) -> None:
    set_up(office)
    before = office.snapshot()
    assert "Nothing is to be written." in set_up(office)
    assert office.snapshot() == before
    assert set(office.run("setup", "scim", "--base-group", "Zero Trust users", "--json").states().values()) == {"there"}


def test_without_a_base_group_the_trap_is_explained(office: Office) -> None:
    outcome = office.run("setup", "scim", "--yes")
    assert outcome.status == 0
    assert "a user whose risk clears leaves the application's scope" in outcome.text
    assert office.tenant.jobs


def test_a_base_group_that_is_not_there_is_said_and_nothing_is_started_without_it(office: Office) -> None:
    outcome = office.run("setup", "scim", "--yes", "--base-group", "Nobody")
    assert "there is no group Nobody" in outcome.text
    assert (outcome.status, job(office).state) == (1, "Disabled")
    set_up(office)
    assert_works(office)


def test_an_application_that_provisions_there_already_is_used(office: Office) -> None:
    principal = office.tenant.add_enterprise_application("Cloudflare")
    office.tenant.provision(principal, office.provider.scim_base_url, office.provider.scim_secret or "", SyncAll="true")
    set_up(office)
    assert job(office).principal_id == principal.id
    assert office.tenant.service.provisioning.settings[principal.id]["SyncAll"] == "true"
    assert len(office.tenant.directory.granted_by(principal.id, office.desk.clock.now())) == 4


def test_one_that_is_named_is_used(office: Office) -> None:
    principal = office.tenant.add_enterprise_application("Cloudflare")
    set_up(office, "--scim-app", principal.client_id)
    assert job(office).principal_id == principal.id
    assert_works(office)


def test_two_jobs_are_not_added_to(office: Office) -> None:
    set_up(office)
    principal = office.tenant.directory.principals[job(office).principal_id]
    office.tenant.provision(principal, office.provider.scim_base_url, "x")
    text = set_up(office, status=1)
    assert "there are 2, which undo each other's work" in text


# --- groups that somebody else made meanwhile ---


def test_a_group_that_somebody_else_made_after_our_request_was_lost_is_not_ours(office: Office) -> None:
    office.tenant.faults = [Fault("drop", "POST", "/groups", times=99)]
    set_up(office, status=1)  # the first group was asked for, and nobody knows whether it was made
    office.tenant.faults = []
    theirs = office.tenant.create_group(NAMES[0])
    set_up(office)
    text = remove_with_groups(office)
    assert f"{NAMES[0]} stays: it does not say that it was made here" in text
    assert [group.id for group in office.tenant.directory.standing_groups() if group.name in NAMES] == [theirs.id]


def test_a_group_made_by_the_worker_at_the_same_moment_is_used_as_it_is_and_stays(office: Office) -> None:
    def meanwhile(_: int, what: object, when: str) -> None:
        if isinstance(what, httpx.Request) and "groups" in what.url.path and when == "before" and not office.tenant.groups_named(NAMES[0]):
            office.tenant.create_group(NAMES[0], unique_name=NAMES[0])

    office.befalls = meanwhile
    set_up(office)
    office.live_on()
    [theirs] = office.tenant.groups_named(NAMES[0])
    assert theirs.description is None
    remove_with_groups(office)
    assert [group.id for group in office.tenant.directory.standing_groups() if group.name in NAMES] == [theirs.id]


@pytest.mark.parametrize("how", ["after", "lost"])
def test_a_group_that_was_made_before_the_answer_was_lost_is_ours_by_its_mark(office: Office, how: str) -> None:
    office.befall(1, how)
    with suppress(Killed):
        office.run("setup", "scim", "--yes", "--base-group", "Zero Trust users")
    office.live_on()
    assert office.tenant.groups_named(NAMES[0])
    set_up(office)
    remove_with_groups(office)
    assert not [group for group in office.tenant.directory.standing_groups() if group.name in NAMES]


@pytest.mark.parametrize("change", ["a deleted one keeps the name", "no unique names"])
def test_where_a_unique_name_cannot_be_had_a_group_is_made_without(office: Office, change: str) -> None:
    if change == "no unique names":
        office.tenant.behaviour.unique_names = False
    else:
        office.tenant.behaviour.unique_names_kept = True
        for name in NAMES:
            office.tenant.create_group(name, unique_name=name).deleted = office.desk.clock.now()
    set_up(office)
    assert_works(office)
    remove_with_groups(office)
    assert not [group for group in office.tenant.directory.standing_groups() if group.name in NAMES]


def remove_with_groups(office: Office) -> str:
    outcome = office.run("remove", "--yes", "--groups")
    assert outcome.status == 0, outcome.text
    return outcome.text


def test_while_provisioning_does_not_rest_no_group_is_deleted(office: Office) -> None:
    set_up(office)
    office.tenant.faults = [Fault("status", "POST", "/servicePrincipals/*/synchronization/jobs/*/pause", status=400, times=99)]
    outcome = office.run("remove", "--yes", "--groups")
    assert outcome.status == 1
    assert "The three groups       waits for Provisioning" in outcome.text
    assert {group.name for group in office.tenant.directory.standing_groups()} >= {*NAMES}
    office.tenant.faults = []
    remove_with_groups(office)
    assert not [group for group in office.tenant.directory.standing_groups() if group.name in NAMES]


# --- an application that was made otherwise ---


def named(office: Office) -> list[str]:
    """The options that name an application of somebody else's."""
    return ["--scim-app", office.tenant.add_enterprise_application("Cloudflare").client_id]


@pytest.mark.parametrize("status", [403, 409])
def test_a_job_that_could_not_be_made_and_was_made_by_somebody_else_stays(office: Office, status: int) -> None:
    options = named(office)
    [principal] = [each for each in office.tenant.directory.principals.values() if each.template]
    office.tenant.faults = [Fault("status", "POST", "/servicePrincipals/*/synchronization/jobs", status=status)]
    set_up(office, *options, status=1)
    office.tenant.faults = []
    theirs = office.tenant.provision(principal, office.provider.scim_base_url, office.provider.scim_secret or "")
    set_up(office, *options)
    remove_with_groups(office)
    assert office.tenant.jobs == [theirs]
    assert office.tenant.service.provisioning.settings[principal.id]["BaseAddress"] == office.provider.scim_base_url


def test_of_a_job_that_nobody_lived_to_write_down_it_is_said_that_it_stays(office: Office) -> None:
    options = named(office)
    office.befalls = lambda _, what, when: die() if "/jobs" in str(getattr(what, "url", "")) and when == "after" else None
    with pytest.raises(Killed):
        office.run("setup", "scim", "--yes", "--base-group", "Zero Trust users", *options)
    office.live_on()
    assert "The provisioning job stays" in remove_with_groups(office)
    assert len(office.tenant.jobs) == 1


def die() -> None:
    raise Killed


@pytest.mark.parametrize("when", ["refused", "written over"])
def test_endpoint_and_token_of_somebody_else_stay(office: Office, when: str) -> None:
    options = named(office)
    [principal] = [each for each in office.tenant.directory.principals.values() if each.template]
    if when == "refused":
        office.tenant.faults = [Fault("status", "PUT", "/servicePrincipals/*/synchronization/secrets", status=403)]
        set_up(office, *options, status=1)
        office.tenant.faults = []
    else:
        set_up(office, *options)
    theirs = Settings(BaseAddress="https://scim.example.net/v2", SecretToken="theirs", SyncAll="false")
    office.tenant.service.provisioning.settings[principal.id] = Settings(theirs)
    remove_with_groups(office)
    assert office.tenant.service.provisioning.settings[principal.id] == theirs


def test_a_job_that_ran_before_rests_before_anything_is_unassigned_and_it_is_said_that_it_has_to_be_started_again(office: Office) -> None:
    principal = office.tenant.add_enterprise_application("Cloudflare")
    office.tenant.provision(principal, office.provider.scim_base_url, office.provider.scim_secret or "")
    set_up(office)
    assert job(office).state == "Active"
    assert "start it again in Entra" in remove_with_groups(office)
    assert job(office).state == "Paused"
    assert office.tenant.directory.granted_by(principal.id, office.desk.clock.now()) == []


# --- endpoint and token ---


def test_a_wrong_token_is_not_written(office: Office) -> None:
    wrong = {**office.environment, "CLOUDFLARE_SCIM_SECRET": "not-the-secret"}
    outcome = office.run("setup", "scim", "--yes", environment=wrong)
    assert outcome.status == 1
    assert "is it the newest secret?" in outcome.text
    assert job(office).state != "Active"
    assert "SecretToken" not in office.tenant.service.provisioning.settings[job(office).principal_id]


def test_without_the_token_it_is_said_where_it_is_shown(office: Office) -> None:
    outcome = office.run("setup", "scim", "--yes", environment={"CLOUDFLARE_API_TOKEN": office.token})
    assert outcome.status == 1
    assert "regenerate it under Integrations > Identity providers" in outcome.text
    set_up(office)
    assert_works(office)


def test_a_token_that_cloudflare_no_longer_accepts_is_replaced(office: Office) -> None:
    set_up(office)
    office.provider.scim_secret = "another-secret"
    assert "it will be replaced" in set_up(office)
    assert_works(office)


def test_without_an_api_token_the_endpoint_is_given(office: Office) -> None:
    environment = {"CLOUDFLARE_SCIM_SECRET": office.provider.scim_secret or ""}
    outcome = office.run("setup", "scim", "--yes", environment=environment)
    assert (outcome.status, office.tenant.jobs[0].state) != (0, "Active")
    options = ("--scim-endpoint", office.provider.scim_base_url, "--base-group", "Zero Trust users")
    assert office.run("setup", "scim", "--yes", *options, environment=environment).status == 0
    assert_works(office)


def test_scim_that_is_off_at_cloudflare_is_not_switched_on_but_explained(office: Office) -> None:
    office.provider.scim_enabled = False
    text = set_up(office, status=1)
    assert "SCIM is off" in text
    assert "switch Enable SCIM on" in text
    assert not office.provider.scim_enabled


def test_a_job_in_quarantine_is_said(office: Office) -> None:
    set_up(office)
    office.provider.scim_secret = "another-secret"
    office.desk.clock.time += 86_400
    office.tenant.catch_up()
    text = set_up(office, status=1)
    assert "in quarantine (EncounteredQuarantineException)" in text


def test_a_mapping_that_differs_is_left_alone(office: Office) -> None:
    set_up(office)
    schema = job(office).schema
    schema.update(json.loads(json.dumps(schema).replace("userPrincipalName", "employeeId")))
    assert "userName comes from employeeId" in set_up(office)


def test_whoever_is_no_application_administrator_is_told_who_is(tmp_path: Path) -> None:
    office = Office(tmp_path / "project", ("Security Reader",))
    office.tenant.directory.users_register_apps = office.tenant.directory.users_create_groups = False
    outcome = office.run("setup", "scim", "--yes")
    assert outcome.status == 1
    assert "For somebody with Cloud Application Administrator: SCIM application" in outcome.text
    assert "For somebody with Groups Administrator: The three groups" in outcome.text


OPEN = (
    "not found but made",
    "no unique name",
    "no jobs 404",
    "young 403",
    "young 409",
    "entitlement",
    "doubts",
    "versioned",
    "lag",
    "second job",
)


@pytest.mark.parametrize("change", OPEN)
def test_whatever_microsoft_leaves_open_the_groups_arrive(office: Office, change: str) -> None:
    behaviour = office.tenant.behaviour
    match change:
        case "not found but made":
            behaviour.instantiation, behaviour.admin_lag = "not found but made", 20.0
        case "no unique name":
            behaviour.template_takes_unique_name = False
        case "no jobs 404":
            behaviour.no_jobs = 404
        case "young 403":
            behaviour.admin_lag, behaviour.young_synchronization = 30.0, 403
        case "young 409":
            behaviour.admin_lag, behaviour.young_synchronization, behaviour.young_grant = 30.0, 409, 400
        case "entitlement":
            behaviour.duplicate_grant = "entitlement"
        case "doubts":
            behaviour.validation_doubts = True
        case "versioned":
            behaviour.rule_ids, behaviour.unique_names = "versioned", False
        case "lag":
            behaviour.lookup_lag, behaviour.young_seconds, behaviour.admin_lag = 60.0, 30.0, 60.0
        case _:
            behaviour.second_job = 409
    set_up(office)
    assert_works(office)
    set_up(office)
    assert_works(office)


@pytest.mark.parametrize("path", ["/applicationTemplates/*/instantiate", "/servicePrincipals/*/synchronization/jobs"])
@pytest.mark.parametrize("kind", ["drop after", "drop", "status after"])
def test_what_would_make_two_makes_one(office: Office, path: str, kind: str) -> None:
    office.tenant.faults = [Fault(kind, "POST", path, times=1)]  # type: ignore[arg-type]  # one of the kinds
    office.run("setup", "scim", "--yes", "--base-group", "Zero Trust users")
    set_up(office)
    assert_works(office)


@pytest.mark.parametrize("seed", range(3))
def test_a_job_that_only_some_of_entras_replicas_know_is_not_made_again(office: Office, seed: int) -> None:
    office.tenant.behaviour.admin_lag = 50.0
    office.tenant.random.seed(seed)

    def kill(_: int, what: object, when: str) -> None:
        if isinstance(what, httpx.Request) and what.method == "POST" and what.url.path.endswith("/jobs") and when == "after":
            raise Killed

    office.befalls = kill
    with pytest.raises(Killed):
        office.run("setup", "scim", "--yes")
    office.live_on()
    for principal in office.tenant.directory.principals.values():
        principal.created = office.desk.clock.now()  # as though no time had passed with waiting
    set_up(office)
    assert_works(office)
