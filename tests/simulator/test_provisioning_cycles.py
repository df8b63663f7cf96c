"""What jobs do by themselves: cycles, scope, quarantine (entra-admin.md 5.3, 5.4 and 5.7; setup.md 3.6 and 3.7)."""

import json

import pytest

from simulator.messages import JSON
from tests.simulator.administrators import ADDRESS, DAY, HOUR, MINUTE, TOKEN, Provisioned, provisioned
from tests.simulator.test_synchronization import mail_as_name

FIRST = 20 * MINUTE


def arrived(**settings: str) -> Provisioned:
    """After a good first cycle."""
    it = provisioned(started=True, **settings)
    it.later(FIRST)
    return it


def execution(it: Provisioned, which: str = "lastExecution") -> dict[str, JSON]:
    found = it.status()[which]
    assert isinstance(found, dict)
    return found


def quarantine(it: Provisioned) -> dict[str, JSON]:
    found = it.status()["quarantine"]
    assert isinstance(found, dict)
    return found


# --- the rhythm ---


def test_the_first_cycle_takes_longer_and_then_one_comes_every_forty_minutes() -> None:
    it = provisioned()
    assert it.status()["code"] == "NotRun"
    assert it.status()["progress"]
    it.later(FIRST - 1)
    assert it.endpoint.writes == []
    it.later(1)
    assert it.endpoint.active() == {it.user.principal_name}
    assert it.endpoint.members("risky-high") == {it.user.principal_name}
    assert (it.status()["code"], it.status()["progress"], execution(it)["state"]) == ("Active", [], "Succeeded")
    second = it.tenant.users[1]
    it.tenant.add_member(it.group, second)
    it.later(40 * MINUTE - FIRST + 59)
    assert second.principal_name not in it.endpoint.members("risky-high")
    it.later(1)
    assert second.principal_name in it.endpoint.members("risky-high")


def test_a_cycle_reads_what_was_there_when_it_began() -> None:
    it = provisioned()
    it.later(1)
    second = it.tenant.users[1]
    it.tenant.add_member(it.group, second)
    it.later(FIRST)
    assert second.principal_name not in it.endpoint.members("risky-high")
    it.later(40 * MINUTE)
    assert second.principal_name in it.endpoint.members("risky-high")


def test_a_cycle_runs_as_soon_as_anybody_asks_the_tenant_anything() -> None:
    it = provisioned()
    it.admin.clock.time += FIRST
    it.admin.get("/groups")
    assert it.endpoint.active() == {it.user.principal_name}


def test_cycles_that_nobody_waited_for_are_one() -> None:
    it = arrived()
    it.later(3 * DAY)
    ended = execution(it)["timeEnded"]
    it.later(40 * MINUTE)
    assert execution(it)["timeEnded"] != ended
    assert len(it.endpoint.writes) == 2


def test_what_arrived_is_not_written_again_even_where_it_was_changed_there() -> None:
    it = arrived()
    it.endpoint.groups.clear()
    it.later(2 * HOUR)
    assert it.endpoint.groups == {}
    assert execution(it)["countExported"] == 0
    assert execution(it, "lastSuccessfulExecutionWithExports")["countExported"] == 2


def test_a_paused_job_ends_its_cycle_and_begins_no_other() -> None:
    it = provisioned()
    it.later(1)
    assert it.admin.post(f"{it.job_path}/pause").status == 204
    assert (it.state(), it.status()["code"]) == ("Paused", "Paused")
    it.later(FIRST)
    assert it.endpoint.active() == {it.user.principal_name}
    it.tenant.add_member(it.group, it.tenant.users[1])
    it.later(DAY / 24)
    assert len(it.endpoint.members("risky-high")) == 1
    assert it.admin.post(f"{it.job_path}/start").status == 204
    it.later(MINUTE)
    assert len(it.endpoint.members("risky-high")) == 2


def test_a_deleted_application_is_provisioned_no_more() -> None:
    it = arrived()
    it.tenant.add_member(it.group, it.tenant.users[1])
    it.admin.delete(f"/servicePrincipals/{it.principal}")
    it.later(HOUR)
    assert len(it.endpoint.members("risky-high")) == 1


# --- who is in scope ---


def test_users_and_groups_that_are_assigned_are_in_scope_and_nobody_else() -> None:
    it = provisioned()
    directly, _ = it.tenant.users[1:3]
    it.tenant.assign(it.tenant.directory.principals[it.principal], directly)
    it.tenant.create_group("other")
    it.later(FIRST)
    assert it.endpoint.active() == {it.user.principal_name, directly.principal_name}
    assert [group.name for group in it.endpoint.groups.values()] == ["risky-high"]


def test_groups_in_groups_do_not_count() -> None:
    it = provisioned()
    nested = it.tenant.create_group("nested")
    it.tenant.add_member(nested, it.tenant.users[1])
    it.tenant.add_member(it.group, nested.id)
    it.later(FIRST)
    assert it.endpoint.active() == it.endpoint.members("risky-high") == {it.user.principal_name}


def test_whoever_leaves_their_only_assigned_group_is_disabled_which_is_the_trap() -> None:
    it = arrived()
    it.tenant.remove_member(it.group, it.user)
    it.later(40 * MINUTE)
    assert it.endpoint.members("risky-high") == set()
    assert it.endpoint.active() == set()


def test_a_base_group_keeps_whoever_leaves_another() -> None:
    it = provisioned()
    base = it.tenant.create_group("everybody")
    it.tenant.add_member(base, it.user)
    it.tenant.assign(it.tenant.directory.principals[it.principal], base)
    it.later(FIRST)
    it.tenant.remove_member(it.group, it.user)
    it.later(40 * MINUTE)
    assert it.endpoint.active() == {it.user.principal_name}
    assert it.endpoint.members("risky-high") == set()


def test_out_of_scope_deletions_can_be_skipped_and_memberships_end_all_the_same() -> None:
    it = arrived(SkipOutOfScopeDeletions="True")
    it.tenant.remove_member(it.group, it.user)
    it.later(40 * MINUTE)
    assert it.endpoint.members("risky-high") == set()
    assert it.endpoint.active() == {it.user.principal_name}


def test_a_user_who_is_deleted_is_disabled_whatever_is_skipped() -> None:
    it = arrived(SkipOutOfScopeDeletions="True")
    it.tenant.delete_user(it.user)
    it.later(40 * MINUTE)
    assert it.endpoint.active() == set()


def test_whoever_comes_back_is_enabled_again() -> None:
    it = arrived()
    it.tenant.remove_member(it.group, it.user)
    it.later(40 * MINUTE)
    it.tenant.add_member(it.group, it.user)
    it.later(40 * MINUTE)
    assert it.endpoint.active() == it.endpoint.members("risky-high") == {it.user.principal_name}


def test_a_group_that_is_assigned_no_more_is_deleted_and_so_is_a_deleted_one() -> None:
    it = provisioned()
    other = it.tenant.create_group("other")
    principal = it.tenant.directory.principals[it.principal]
    it.tenant.assign(principal, other)
    it.later(FIRST)
    it.tenant.unassign(principal, it.group)
    it.later(40 * MINUTE)
    assert [group.name for group in it.endpoint.groups.values()] == ["other"]
    it.tenant.delete_group(other)
    it.later(40 * MINUTE)
    assert it.endpoint.groups == {}


def test_everybody_is_in_scope_where_that_is_chosen() -> None:
    it = provisioned(SyncAll="true")
    it.later(FIRST)
    assert it.endpoint.active() == {user.principal_name for user in it.tenant.users}


@pytest.mark.parametrize("everybody", [False, True])
def test_where_nobody_chose_the_template_decides(everybody: bool) -> None:
    it = provisioned()
    del it.tenant.service.provisioning.settings[it.principal]["SyncAll"]
    it.tenant.behaviour.template_syncs_all = everybody
    it.later(FIRST)
    assert (len(it.endpoint.active()) > 1) is everybody


def test_another_choice_of_scope_takes_a_restart() -> None:
    it = arrived(SyncAll="true")
    it.tenant.service.provisioning.settings[it.principal]["SyncAll"] = "false"
    it.later(40 * MINUTE)
    assert len(it.endpoint.active()) > 1
    assert it.admin.post(f"{it.job_path}/restart", {"criteria": {"resetScope": "Watermark"}}).status == 204
    it.later(FIRST)
    assert it.endpoint.active() == {it.user.principal_name}


# --- the mapping ---


def test_the_mapping_decides_what_users_are_called() -> None:
    it = provisioned()
    it.tenant.rename_mailbox(it.user, "ada@contoso.com")
    mail_as_name(it.tenant.jobs[0].schema)
    it.later(FIRST)
    assert it.endpoint.active() == {"ada@contoso.com"}


def test_whoever_has_no_value_to_be_matched_by_stays_behind() -> None:
    it = provisioned()
    it.tenant.rename_mailbox(it.user, None)
    mail_as_name(it.tenant.jobs[0].schema)
    it.later(FIRST)
    assert it.endpoint.users == {}
    assert it.endpoint.members("risky-high") == set()


def test_without_a_mailbox_a_user_arrives_without_an_address() -> None:
    it = provisioned()
    it.tenant.rename_mailbox(it.user, None)
    it.later(FIRST)
    assert [(user.user_name, user.email) for user in it.endpoint.users.values()] == [(it.user.principal_name, None)]


def test_a_renamed_user_stays_the_same_at_the_target() -> None:
    it = arrived()
    it.user.principal_name = "renamed@contoso.onmicrosoft.com"
    it.later(40 * MINUTE)
    assert list(it.endpoint.users) == ["u0"]
    assert it.endpoint.active() == {"renamed@contoso.onmicrosoft.com"}


def test_an_object_mapping_that_is_off_provisions_none_of_its_kind() -> None:
    it = provisioned()
    text = json.dumps(it.tenant.jobs[0].schema)
    groups = text.index('"Provision Microsoft Entra ID Groups"')
    on, off = '"enabled": true', '"enabled": false'
    switch = text.rindex(on, 0, groups)
    it.tenant.jobs[0].schema = json.loads(text[:switch] + off + text[switch + len(on) :])
    it.later(FIRST)
    assert it.endpoint.groups == {}
    assert it.endpoint.active() == {it.user.principal_name}


# --- what goes wrong ---


def test_an_entry_that_is_not_taken_keeps_no_other_from_arriving() -> None:
    it = provisioned()
    second = it.tenant.users[1]
    it.tenant.add_member(it.group, second)
    it.endpoint.refuses = {it.user.principal_name}
    it.later(FIRST)
    assert it.endpoint.members("risky-high") == {second.principal_name}
    assert (execution(it)["state"], execution(it)["countEscrowed"]) == ("EntryLevelErrors", 1)
    assert it.status()["quarantine"] is None
    it.endpoint.refuses = set()
    it.later(40 * MINUTE)
    assert len(it.endpoint.members("risky-high")) == 2
    assert execution(it)["state"] == "Succeeded"


def test_too_many_failing_entries_are_a_reason_for_quarantine() -> None:
    it = provisioned()
    it.tenant.behaviour.escrow_minimum = 1
    it.endpoint.refuses = {it.user.principal_name}
    it.later(FIRST)
    assert (it.status()["code"], quarantine(it)["reason"]) == ("Quarantine", "EncounteredEscrowProportionThreshold")


@pytest.mark.parametrize("failures", [1, 3])
def test_a_wrong_token_quarantines_a_job_after_so_many_failures(failures: int) -> None:
    it = arrived()
    it.tenant.behaviour.failures_until_quarantine = failures
    it.endpoint.token = "another"
    for _ in range(failures - 1):
        it.later(40 * MINUTE)
        assert (it.status()["code"], execution(it)["state"]) == ("Active", "Failed")
    it.later(40 * MINUTE)
    assert it.status()["code"] == "Quarantine"
    assert it.status()["countSuccessiveCompleteFailures"] == failures
    assert quarantine(it)["reason"] == "EncounteredQuarantineException"
    fault = quarantine(it)["error"]
    assert isinstance(fault, dict)
    assert (fault["code"], fault["tenantActionable"]) == ("SystemForCrossDomainIdentityManagementInvalidCredentials", True)
    assert execution(it, "lastSuccessfulExecution")["state"] == "Succeeded"


def quarantined() -> tuple[Provisioned, float]:
    """A job just quarantined for its token, and when that was."""
    it = arrived()
    it.tenant.behaviour.failures_until_quarantine = 1
    it.endpoint.token = "another"
    it.later(40 * MINUTE)
    job = it.tenant.jobs[0]
    assert job.quarantine
    return it, job.quarantine.began


def test_in_quarantine_a_job_tries_after_six_twelve_and_twenty_four_hours_and_then_daily() -> None:
    it, began = quarantined()
    due = []
    for _ in range(5):
        job = it.tenant.jobs[0]
        assert job.next
        due.append((job.next - began) / HOUR)
        it.later(job.next - it.admin.clock.time + MINUTE)
    assert due == [6, 12, 24, 48, 72]
    assert quarantine(it)["seriesCount"] == 6
    assert it.endpoint.active() == {it.user.principal_name}


def test_after_four_weeks_in_quarantine_a_job_is_disabled() -> None:
    it, _ = quarantined()
    it.later(27 * DAY)
    assert (it.state(), it.status()["code"]) == ("Active", "Quarantine")
    it.later(2 * DAY)
    assert (it.state(), it.status()["code"]) == ("Disabled", "Quarantine")
    assert quarantine(it)["nextAttempt"] == "0001-01-01T00:00:00Z"
    it.endpoint.token = TOKEN
    it.tenant.add_member(it.group, it.tenant.users[1])
    it.later(10 * DAY)
    assert len(it.endpoint.members("risky-high")) == 1


def test_a_good_cycle_ends_a_quarantine() -> None:
    it, _ = quarantined()
    it.endpoint.token = TOKEN
    it.later(6 * HOUR + MINUTE)
    assert (it.status()["code"], it.status()["quarantine"], it.status()["countSuccessiveCompleteFailures"]) == ("Active", None, 0)


@pytest.mark.parametrize("action", ["start", "restart"])
def test_a_start_or_a_restart_ends_a_quarantine_at_once(action: str) -> None:
    it, _ = quarantined()
    it.endpoint.token = TOKEN
    it.tenant.add_member(it.group, it.tenant.users[1])
    body: JSON = {"criteria": {"resetScope": "Escrows, QuarantineState"}} if action == "restart" else None
    assert it.admin.post(f"{it.job_path}/{action}", body).status == 204
    assert it.status()["quarantine"] is None
    it.later(MINUTE)
    assert len(it.endpoint.members("risky-high")) == 2
    assert it.tenant.violations == []


def test_an_address_nobody_answers_at_fails_the_cycle() -> None:
    it = provisioned()
    it.tenant.service.provisioning.settings[it.principal]["BaseAddress"] = f"{ADDRESS}/wrong"
    it.later(FIRST)
    assert execution(it)["state"] == "Failed"
    assert "CredentialValidationUnavailable" in str(execution(it)["error"])


def test_a_mapping_without_a_name_fails_the_cycle() -> None:
    it = provisioned()
    schema = it.tenant.jobs[0].schema
    it.tenant.jobs[0].schema = json.loads(json.dumps(schema).replace('"userName"', '"nickName"'))
    it.later(FIRST)
    assert (execution(it)["state"], it.endpoint.writes) == ("Failed", [])
    assert "SchemaError" in str(execution(it)["error"])


def test_a_failed_first_cycle_is_tried_again_as_a_first_one() -> None:
    it = provisioned()
    it.endpoint.token = "another"
    it.later(FIRST)
    it.endpoint.token = TOKEN
    it.later(40 * MINUTE - 1)
    assert it.endpoint.writes == []
    it.later(1)
    assert it.endpoint.active() == {it.user.principal_name}


# --- mass deletion ---

GUARDED = json.dumps({"Enabled": True, "Recipients": "", "DeleteThresholdEnabled": True, "DeleteThresholdValue": 2})


@pytest.mark.parametrize(("leaving", "stopped"), [(2, False), (3, True)])
def test_more_deletions_than_the_threshold_quarantine_a_job_before_any_is_made(leaving: int, stopped: bool) -> None:
    it = provisioned(SyncNotificationSettings=GUARDED)
    for user in it.tenant.users[1:3]:
        it.tenant.add_member(it.group, user)
    it.later(FIRST)
    for user in it.tenant.users[:leaving]:
        it.tenant.remove_member(it.group, user)
    it.later(40 * MINUTE)
    assert len(it.endpoint.active()) == (3 if stopped else 1)
    if stopped:
        assert quarantine(it)["reason"] == "TooManyDeletes"
        assert it.admin.post(f"{it.job_path}/restart", {"criteria": {"resetScope": "ForceDeletes, QuarantineState"}}).status == 204
        assert len(it.tenant.violations) == 1
        it.later(MINUTE)
        assert it.endpoint.active() == set()


@pytest.mark.parametrize("chosen", ["{}", "no JSON", "[]", '{"DeleteThresholdEnabled": false, "DeleteThresholdValue": 0}'])
def test_without_a_threshold_any_number_is_deleted(chosen: str) -> None:
    it = arrived(SyncNotificationSettings=chosen)
    it.tenant.remove_member(it.group, it.user)
    it.later(40 * MINUTE)
    assert it.endpoint.active() == set()


# --- restarting ---


def test_a_full_restart_writes_everything_again() -> None:
    it = arrived()
    it.endpoint.groups.clear()
    assert it.admin.post(f"{it.job_path}/restart", {"criteria": {"resetScope": "Full"}}).status == 204
    it.later(FIRST)
    assert it.endpoint.members("risky-high") == {it.user.principal_name}
    assert len(it.endpoint.users) == 1


def test_a_restart_of_the_watermark_alone_writes_what_differs() -> None:
    it = arrived()
    it.endpoint.groups.clear()
    it.admin.post(f"{it.job_path}/restart", {"criteria": {"resetScope": "Watermark, Escrows, QuarantineState"}})
    it.later(FIRST)
    assert it.endpoint.groups == {}


@pytest.mark.any_request
def test_a_reset_that_is_not_known_is_refused() -> None:
    it = arrived()
    assert it.admin.post(f"{it.job_path}/restart", {"criteria": {"resetScope": "Everything"}}).status == 400
    assert it.admin.post(f"{it.job_path}/restart", {}).status == 400


def test_how_many_arrived_is_counted_by_type() -> None:
    it = arrived()
    assert it.status()["synchronizedEntryCountByType"] == [{"key": "User", "value": 1}, {"key": "Group", "value": 1}]
