"""Workers and their runs."""

from typing import Literal

import pytest

from simulator.messages import JSON
from tests.simulator.cloudflare.client import ROOT, Client, contoso

QUERY = """query Runs($account: string!, $script: string!, $since: Time!) { viewer { accounts(filter: {accountTag: $account}) {
  runs: workersInvocationsScheduled(limit: 100, orderBy: [datetime_DESC], filter: {scriptName: $script, datetime_geq: $since}) {
    cron status datetime scheduledDatetime scriptName cpuTimeUs
  } } } }"""
ALL = """{{ viewer {{ accounts(filter: {{accountTag: "{account}"}}) {{ workersInvocationsScheduled({arguments}) {{ {fields} }} }} }} }}"""


def deployed(*permissions: str) -> Client:
    client = contoso(*(permissions or ("Workers Scripts Write",)))
    client.account.deploy_worker("risky-users", variables={"DRY_RUN": "true"})
    return client


def rows(client: Client, arguments: str = "limit: 10", fields: str = "status") -> list[JSON]:
    answer = client.query(ALL.format(account=client.account.id, arguments=arguments, fields=fields)).body
    data = answer["data"]
    assert isinstance(data, dict), answer
    found: list[JSON] = data["viewer"]["accounts"][0]["workersInvocationsScheduled"]  # type: ignore[index,call-overload,assignment]  # as asked
    return found


def test_workers_are_listed_with_their_cron_triggers_and_bindings() -> None:
    client = deployed()
    assert [each["id"] for each in client.get("/workers/scripts").results] == ["risky-users"]
    schedules = client.get("/workers/scripts/risky-users/schedules").result["schedules"]
    assert schedules == [{"cron": "* * * * *", "created_on": "2026-09-21T14:14:20Z", "modified_on": "2026-09-21T14:14:20Z"}]
    client.send("PUT", "/workers/scripts/risky-users/secrets", {"name": "TOKEN", "text": "s3cret", "type": "secret_text"})
    settings = client.get("/workers/scripts/risky-users/settings")
    assert settings.result["bindings"] == [
        {"name": "DRY_RUN", "type": "plain_text", "text": "true"},
        {"name": "TOKEN", "type": "secret_text"},
    ]
    assert "s3cret" not in settings.text


def test_a_secret_is_put_and_listed_by_name_alone() -> None:
    client = deployed()
    put = client.send("PUT", "/workers/scripts/risky-users/secrets", {"name": "TOKEN", "text": "s3cret", "type": "secret_text"})
    assert put.result == {"name": "TOKEN", "type": "secret_text"}
    assert client.get("/workers/scripts/risky-users/secrets").results == [put.result]
    assert client.account.state.workers["risky-users"].secrets == {"TOKEN": "s3cret"}
    client.account.deploy_worker("risky-users")
    assert client.account.state.workers["risky-users"].secrets == {"TOKEN": "s3cret"}


def test_an_empty_secret_is_taken_and_held_against_the_client() -> None:
    client = deployed()
    assert client.send("PUT", "/workers/scripts/risky-users/secrets", {"name": "TOKEN", "text": "", "type": "secret_text"}).status == 200
    assert client.account.violations == ["the secret TOKEN is put empty"]


@pytest.mark.any_request
@pytest.mark.parametrize(
    "body", [{"name": "a b", "text": "x", "type": "secret_text"}, {"name": "a", "text": "x"}, {"text": "x", "type": "secret_text"}]
)
def test_a_secret_needs_a_name_and_its_type(body: dict[str, JSON]) -> None:
    client = deployed()
    assert client.send("PUT", "/workers/scripts/risky-users/secrets", body).status == 400


def test_each_change_of_a_worker_is_a_deployment() -> None:
    client = deployed()
    client.send("PUT", "/workers/scripts/risky-users/secrets", {"name": "TOKEN", "text": "s3cret", "type": "secret_text"})
    deployments = client.get("/workers/scripts/risky-users/deployments").result["deployments"]
    assert isinstance(deployments, list)
    assert [each["annotations"] for each in deployments if isinstance(each, dict)] == [
        {"workers/triggered_by": "secret"},
        {"workers/triggered_by": "deployment"},
    ]


def test_a_worker_is_deleted_with_all_that_belongs_to_it() -> None:
    client = deployed()
    assert client.send("DELETE", "/workers/scripts/risky-users?force=true").status == 200
    assert client.get("/workers/scripts").results == []
    for path in ("schedules", "settings", "deployments", "secrets"):
        gone = client.get(f"/workers/scripts/risky-users/{path}")
        assert (gone.status, gone.code, gone.message) == (404, 10007, "This Worker does not exist on your account.")
    assert client.send("DELETE", "/workers/scripts/risky-users").code == 10007


def test_the_last_runs_and_how_they_ended() -> None:
    client = deployed("Account Analytics Read")
    worker = client.account.state.workers["risky-users"]
    for status in ("success", "scriptThrewException", "success"):
        client.clock.time += 60
        client.account.record_run(worker, status, cpu_us=1234)
    answer = client.query(QUERY, account=client.account.id, script="risky-users", since="2026-09-21T14:16:20Z")
    run: dict[str, JSON] = {"cron": "* * * * *", "scriptName": "risky-users", "cpuTimeUs": 1234}
    later, earlier = ({"datetime": f"2026-09-21T14:{each}:20Z", "scheduledDatetime": f"2026-09-21T14:{each}:00Z"} for each in (17, 16))
    runs = [{**run, **later, "status": "success"}, {**run, **earlier, "status": "scriptThrewException"}]
    assert (answer.status, client.account.writes) == (200, 0)
    assert answer.body == {"data": {"viewer": {"accounts": [{"runs": runs}]}}, "errors": None}


@pytest.mark.parametrize(
    ("arguments", "count"),
    [
        ("limit: 1", 1),
        ('limit: 9, filter: {status: "success"}', 2),
        ('limit: 9, filter: {scriptName_in: ["a", "risky-users"], cron: "* * * * *"}', 3),
        ('limit: 9, filter: {scriptName: "another"}', 0),
        ('limit: 9, filter: {datetime_gt: "2026-09-21T14:15:20Z", datetime_lt: "2026-09-21T14:17:20Z"}', 1),
        ('limit: 9, filter: {datetime_gt: "2026-09-21T14:15:20Z"}', 2),
        ('limit: 9, filter: {datetime_lt: "2026-09-21T14:15:20Z"}', 0),
        ('limit: 9, filter: {datetime: "2026-09-21T14:15:20Z"}', 1),
        ('limit: 9, filter: {datetime_leq: "2026-09-21T14:16:20Z"}', 2),
    ],
)
def test_runs_are_chosen(arguments: str, count: int) -> None:
    client = deployed("Account Analytics Read")
    for status in ("success", "scriptThrewException", "success"):
        client.clock.time += 60
        client.account.record_run(client.account.state.workers["risky-users"], status)
    assert len(rows(client, arguments)) == count


def test_runs_appear_late() -> None:
    client = deployed("Account Analytics Read")
    client.account.behaviour.analytics_lag = 300.0
    client.account.record_run(client.account.state.workers["risky-users"])
    assert rows(client) == []
    client.clock.time += 300
    assert rows(client) == [{"status": "success"}]


@pytest.mark.parametrize("status", [200, 403])
def test_analytics_are_not_for_everybody(status: Literal[200, 403]) -> None:
    client = deployed("Workers Scripts Read")
    client.account.behaviour.analytics_refusal = status
    answer = client.query(QUERY, account=client.account.id, script="risky-users", since="2026-09-21T14:16:20Z")
    assert (answer.status, answer.body["data"], answer.message) == (status, None, "not authorized for that account")
    client.token = client.account.create_token("analytics", "Account Analytics Read").value
    assert client.query(QUERY, account="0" * 32, script="a", since="2026-09-21T14:16:20Z").message == "not authorized for that account"


@pytest.mark.parametrize(
    ("arguments", "fields", "message"),
    [
        ("limit: 0", "status", "limit must be positive"),
        ("limit: 10001", "status", "limit must be positive"),
        ("", "status", "limit"),
        ("limit: 1", "colour", "unknown field"),
        ("limit: 1", "status { cron }", "status"),
        ('limit: 1, filter: {datetime_geq: "yesterday"}', "status", "error parsing args"),
        ('limit: 1, filter: {colour: "red"}', "status", "colour"),
        ("limit: 1", "status }", "error parsing args"),
    ],
)
def test_a_query_that_is_not_understood(arguments: str, fields: str, message: str) -> None:
    client = deployed("Account Analytics Read")
    client.account.record_run(client.account.state.workers["risky-users"])
    query = ALL.format(account=client.account.id, arguments=arguments, fields=fields).replace("()", "")
    answer = client.query(query)
    assert (answer.status, answer.body["data"]) == (400, None)
    assert message in answer.message


@pytest.mark.any_request
def test_a_query_is_needed() -> None:
    assert deployed("Account Analytics Read").send("POST", f"{ROOT}/graphql", {"variables": {}}).status == 400
