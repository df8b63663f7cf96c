"""Provisioning at once, and what became of it (entra-admin.md 5.8 and 5.9)."""

import json
from typing import Literal
from urllib.parse import quote

import pytest

from simulator.entra.stamps import stamp
from simulator.messages import JSON
from tests.simulator.administrators import HOUR, MINUTE, TOKEN, Provisioned, error, provisioned
from tests.simulator.client import Reply

RULE = "03f7d90d-bf71-41b1-bda6-aaf0ddbee5d8"


def subject(kind: str, object_id: str, *members: str) -> JSON:
    links: JSON = {"members": [{"objectId": member, "objectTypeName": "User"} for member in members]}
    return {"objectId": object_id, "objectTypeName": kind, **({"links": links} if members else {})}


def ask(it: Provisioned, *subjects: JSON, rule: str = RULE) -> Reply:
    return it.admin.post(f"{it.job_path}/provisionOnDemand", {"parameters": [{"ruleId": rule, "subjects": list(subjects)}]})


def verdict(answer: Reply) -> tuple[JSON, JSON]:
    """The result, and the code of the details."""
    assert answer.status == 200
    key = json.loads(str(answer.body["key"]))
    details = key["details"]
    return key["result"], details["errorCode"] if isinstance(details, dict) else details.partition(":")[0]


def test_a_group_and_named_members_arrive_at_once_and_a_second_time_there_is_nothing_to_do() -> None:
    it = provisioned()
    assert verdict(ask(it, subject("Group", it.group.id, it.user.id))) == ("Success", "")
    assert it.endpoint.members("risky-high") == {it.user.principal_name}
    assert verdict(ask(it, subject("Group", it.group.id, it.user.id))) == ("Skipped", "RedundantExport")


def test_members_who_are_not_named_wait_and_those_who_arrived_stay() -> None:
    it = provisioned()
    second = it.tenant.users[1]
    it.tenant.add_member(it.group, second)
    ask(it, subject("Group", it.group.id, it.user.id))
    assert it.endpoint.members("risky-high") == {it.user.principal_name}
    ask(it, subject("Group", it.group.id, second.id))
    assert it.endpoint.members("risky-high") == {it.user.principal_name, second.principal_name}


def test_a_group_without_members_arrives_empty() -> None:
    it = provisioned()
    assert verdict(ask(it, subject("Group", it.group.id))) == ("Success", "")
    assert it.endpoint.members("risky-high") == set()


def test_it_works_while_the_job_is_not_running() -> None:
    it = provisioned(started=False)
    assert verdict(ask(it, subject("User", it.user.id))) == ("Success", "")
    assert it.endpoint.active() == {it.user.principal_name}


@pytest.mark.parametrize("removes", [True, False])
def test_a_former_member_who_is_named_is_removed_or_stays(removes: bool) -> None:
    it = provisioned()
    it.tenant.behaviour.on_demand_removes = removes
    ask(it, subject("Group", it.group.id, it.user.id))
    it.tenant.remove_member(it.group, it.user)
    assert verdict(ask(it, subject("Group", it.group.id, it.user.id))) == (("Success", "") if removes else ("Skipped", "RedundantExport"))
    assert it.endpoint.members("risky-high") == (set() if removes else {it.user.principal_name})


def test_what_is_not_assigned_is_not_entitled() -> None:
    it = provisioned()
    other = it.tenant.create_group("other")
    assert verdict(ask(it, subject("Group", other.id))) == ("Skipped", "NotEffectivelyEntitled")
    assert verdict(ask(it, subject("User", it.tenant.users[1].id))) == ("Skipped", "NotEffectivelyEntitled")
    assert it.endpoint.writes == []


def test_a_new_assignment_may_take_a_while_to_count() -> None:
    it = provisioned()
    it.tenant.behaviour.assignment_lag = 300.0
    assert verdict(ask(it, subject("Group", it.group.id))) == ("Skipped", "NotEffectivelyEntitled")
    it.admin.clock.time += 300
    assert verdict(ask(it, subject("Group", it.group.id))) == ("Success", "")


def test_whoever_has_nothing_to_be_matched_by_is_skipped() -> None:
    it = provisioned()
    it.user.principal_name = ""
    assert verdict(ask(it, subject("User", it.user.id))) == ("Skipped", "MissingMatchingAttribute")


def test_a_failure_is_told_within_an_answer_of_200() -> None:
    it = provisioned()
    it.endpoint.refuses = {"risky-high"}
    assert verdict(ask(it, subject("Group", it.group.id))) == ("Failure", "EntryRejected")
    it.endpoint.token = "another"
    assert verdict(ask(it, subject("Group", it.group.id))) == ("Failure", "SystemForCrossDomainIdentityManagementInvalidCredentials")
    it.endpoint.token = TOKEN
    it.tenant.jobs[0].schema = json.loads(json.dumps(it.tenant.jobs[0].schema).replace('"displayName"', '"name"'))
    assert verdict(ask(it, subject("Group", it.group.id))) == ("Failure", "SchemaError")


@pytest.mark.parametrize("form", ["text", "object"])
def test_details_are_text_or_an_object(form: Literal["text", "object"]) -> None:
    it = provisioned()
    it.tenant.behaviour.on_demand_details = form
    answer = ask(it, subject("Group", it.tenant.create_group("other").id))
    assert verdict(answer) == ("Skipped", "NotEffectivelyEntitled")
    assert isinstance(json.loads(str(answer.body["key"]))["details"], dict) is (form == "object")


@pytest.mark.parametrize("traced", [True, False])
def test_a_user_comes_with_a_trace_or_not_and_a_group_never(traced: bool) -> None:
    it = provisioned()
    it.tenant.behaviour.on_demand_trace = traced
    assert bool(json.loads(str(ask(it, subject("User", it.user.id)).body["value"]))) is traced
    assert ask(it, subject("Group", it.group.id)).body["value"] == "{}"


@pytest.mark.any_request
def test_beyond_the_limits_it_is_refused() -> None:
    it = provisioned()
    ids = [user.id for user in it.tenant.users[:6]]
    assert ask(it, subject("Group", it.group.id, *ids[:5])).status == 200
    for subjects in ((subject("Group", it.group.id, *ids),), (subject("Group", it.group.id), subject("User", ids[0])), ()):
        it.admin.clock.time += 10
        assert error(ask(it, *subjects)) == (400, "BadRequest")
    it.admin.clock.time += 10
    assert error(ask(it, subject("group", it.group.id))) == (400, "BadRequest")
    assert error(ask(it, subject("Group", it.group.id), rule="another")) == (400, "BadRequest")


def test_five_times_in_ten_seconds_is_the_most() -> None:
    it = provisioned()
    answers = [ask(it, subject("Group", it.group.id)) for _ in range(6)]
    assert [each.status for each in answers] == [200] * 5 + [429]
    assert int(answers[-1].headers["Retry-After"]) == 11
    it.admin.clock.time += 10
    assert ask(it, subject("Group", it.group.id)).status == 200


# --- the log ---


def log(it: Provisioned, chosen: str = "") -> list[dict[str, JSON]]:
    chosen = chosen or f"jobId eq '{it.job_id}'"
    return it.admin.get(f"/auditLogs/provisioning?$filter={quote(chosen)}&$top=50").values


def test_every_write_is_logged_the_latest_first() -> None:
    it = provisioned()
    it.later(20 * MINUTE)
    it.tenant.remove_member(it.group, it.user)
    it.later(40 * MINUTE)
    told = []
    for event in log(it):
        source = event["sourceIdentity"]
        assert isinstance(source, dict)
        told.append((event["provisioningAction"], source["identityType"], source["id"]))
    assert told == [
        ("disable", "User", it.user.id),
        ("update", "Group", it.group.id),
        ("create", "Group", it.group.id),
        ("create", "User", it.user.id),
    ]
    assert {str(event["servicePrincipal"]) for event in log(it)} == {str({"id": it.principal, "displayName": "Cloudflare One SCIM"})}


def test_what_failed_says_why() -> None:
    it = provisioned()
    it.endpoint.refuses = {"risky-high"}
    it.later(20 * MINUTE)
    failed = log(it, "provisioningStatusInfo/status eq 'failure'")
    assert len(failed) == 1
    info = failed[0]["provisioningStatusInfo"]
    assert isinstance(info, dict)
    assert isinstance(info["errorInformation"], dict)
    assert info["errorInformation"]["errorCode"] == "EntryRejected"
    assert info["errorInformation"]["reason"] == "risky-high is not taken"


def test_the_log_is_filtered_by_job_time_and_part_of_a_name_told_apart_by_case() -> None:
    it = provisioned()
    it.later(20 * MINUTE)
    ended = it.admin.clock.time
    assert log(it, "jobId eq 'other'") == []
    assert len(log(it, f"activityDateTime gt {stamp(ended - 1)}")) == 2
    assert log(it, f"activityDateTime gt {stamp(ended)}") == []
    assert len(log(it, f"activityDateTime lt {stamp(ended + 1)} and jobId eq '{it.job_id}'")) == 2
    assert len(log(it, "contains(sourceIdentity/displayName, 'risky')")) == 1
    assert log(it, "contains(sourceIdentity/displayName, 'RISKY')") == []


def test_the_log_appears_late() -> None:
    it = provisioned()
    it.tenant.behaviour.log_lag = 300.0
    it.later(20 * MINUTE)
    assert log(it) == []
    it.later(300)
    assert len(log(it)) == 2


def test_the_log_comes_page_by_page() -> None:
    it = provisioned()
    it.later(20 * MINUTE)
    first = it.admin.get("/auditLogs/provisioning?$top=1")
    assert len(first.values) == 1
    assert len(it.admin.get(str(first.body["@odata.nextLink"])).values) == 1


@pytest.mark.parametrize(("role", "status"), [("Reports Reader", 200), ("Global Reader", 200), ("Groups Administrator", 403)])
def test_the_log_is_for_some_roles(role: str, status: int) -> None:
    it = provisioned()
    assert it.admin.but_as(role).get("/auditLogs/provisioning").status == status


def test_on_demand_is_logged_as_well() -> None:
    it = provisioned(started=False)
    ask(it, subject("Group", it.group.id, it.user.id))
    it.later(HOUR)
    assert len(log(it)) == 2
