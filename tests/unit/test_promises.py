"""Promises that were once made and not kept, each held by what showed it: an input, what must come of it, and its kind."""

import json
import re
from collections.abc import Callable
from contextlib import suppress
from itertools import pairwise
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from budget import Budget, HttpRequest, HttpResponse
from errors import ConfigError, CutOff, SyncFailed
from groups import GROUP_NAMES
from plan import RISK_LEVELS
from settings import read_settings
from simulator import Fault, Tenant, User, sign_in_fault
from simulator.entra.behaviour import Behaviour
from sync import TICK_SECONDS
from tests.ticks import StoppedClock, Ticks, contoso, finish, variables
from tests.unit.test_faults import ADD, ADD_ONE, LOOK_UP, REMOVE, RISK, TOKEN, Meddled, failing, sent, synchronised
from tests.unit.test_sync import in_sync, members, risky

REFUSALS: list[Callable[[Behaviour], None]] = [
    lambda behaviour: setattr(behaviour, "refused_filter", "invalid clause"),
    lambda behaviour: setattr(behaviour, "refused_filter", "unsupported query"),
    lambda behaviour: setattr(behaviour, "refused_filter", "no message"),
]


def somewhere(tenant: Tenant, user: User) -> bool:
    """Whether the user is in any of the three groups."""
    return any(user.id in inside for inside in members(tenant).values())


def warnings(ticks: Ticks) -> list[str]:
    return [str(entry) for level, entry in ticks.log if level == "warn"]


# --- 1. a list that takes more than one answer may miss somebody ---


@pytest.mark.parametrize("refuse", REFUSALS)
def test_somebody_who_rises_between_the_queries_of_each_level_stays_in_a_group(refuse: Callable[[Behaviour], None]) -> None:
    ticks = synchronised()
    tenant = ticks.tenant
    tenant.behaviour.or_filter = False
    refuse(tenant.behaviour)
    user = tenant.risky_at("low")[0]
    ticks.before = [("eq%20%27medium%27&", lambda: tenant.set_risk(user, "high"))]
    ticks.tick()
    assert not ticks.before
    assert somewhere(tenant, user)
    ticks.tick()
    assert in_sync(ticks)


def test_somebody_skipped_because_the_list_shifts_between_two_pages_stays_in_a_group() -> None:
    ticks = synchronised()
    tenant = ticks.tenant
    tenant.behaviour.page_at_most = 4
    everybody = sorted((user for level in RISK_LEVELS for user in tenant.risky_at(level)), key=lambda user: user.place)
    cleared, skipped = everybody[0], everybody[4]
    ticks.before = [("skiptoken", lambda: tenant.dismiss(cleared))]
    ticks.tick()
    assert not ticks.before
    assert somewhere(tenant, skipped)
    assert ticks.record["outcome"] == "left over"
    ticks.tick()
    assert in_sync(ticks)


def test_a_list_too_long_to_be_read_twice_is_believed_when_two_minutes_agree() -> None:
    ticks = synchronised(36)
    tenant = ticks.tenant
    tenant.behaviour.page_at_most = 4
    ticks.tick()
    gone = tenant.risky_at("low")[0]
    tenant.dismiss(gone)
    tenant.requests.clear()
    assert ticks.tick().outcome == "left over"
    assert len(sent(ticks, "GET", "/identityProtection/.*")) == 9
    assert "whose leave the next minute has to confirm" in warnings(ticks)[0]
    assert ticks.tick().outcome == "changed"
    assert in_sync(ticks)


def test_an_isolate_that_is_always_new_reads_a_long_list_twice_so_that_people_leave_all_the_same() -> None:
    ticks = synchronised(36)
    ticks.tenant.behaviour.page_at_most = 4
    ticks.tenant.dismiss(ticks.tenant.risky_at("low")[0])
    ticks.restart()
    assert ticks.tick().outcome == "changed"
    assert in_sync(ticks)


# --- 2. one stray refusal ---


def test_one_stray_400_to_the_risky_users_costs_one_request_and_nothing_later() -> None:
    ticks = synchronised()
    ticks.tenant.faults = [Fault("status", *RISK, status=400, code="BadRequest", message="", times=1)]
    assert ticks.tick().outcome == "in sync"
    for _ in range(3):
        assert ticks.tick().outcome == "in sync"
        assert ticks.record["subrequests"] == 1


@pytest.mark.parametrize("refuse", REFUSALS)
def test_a_filter_that_is_taken_again_is_used_again(refuse: Callable[[Behaviour], None]) -> None:
    ticks = synchronised()
    ticks.tenant.behaviour.or_filter = False
    refuse(ticks.tenant.behaviour)
    assert ticks.tick().outcome == "in sync"
    ticks.tenant.behaviour.or_filter = True
    ticks.tick()
    assert ticks.record["subrequests"] == 1


# --- 3. a cap beside a group that refuses ---


@pytest.mark.parametrize("refusing", RISK_LEVELS)
@pytest.mark.parametrize("status", [403, 429])
def test_removals_that_a_group_refuses_do_not_use_up_the_cap(refusing: str, status: int) -> None:
    ticks = synchronised()
    tenant = ticks.tenant
    for level in RISK_LEVELS:
        for user in tenant.risky_at(level)[:2]:
            tenant.dismiss(user)
    group = tenant.group_named(GROUP_NAMES[refusing])
    path, headers = f"/groups/{group.id}/members/*/$ref", {"Retry-After": "3600"}
    tenant.faults = [Fault("status", "DELETE", path, status=status, code="Authorization_RequestDenied", headers=headers)]
    failing(ticks, MAX_REMOVALS="4" if status == 403 else "6")
    for level in RISK_LEVELS:
        assert (members(tenant)[level] == risky(tenant)[level]) == (level != refusing)


def test_no_level_waits_for_another_that_has_more_to_lose_than_the_cap() -> None:
    ticks = synchronised(60)
    tenant = ticks.tenant
    for user in tenant.risky_at("high")[:10]:
        tenant.dismiss(user)
    tenant.dismiss(tenant.risky_at("low")[0])
    while members(tenant)["low"] != risky(tenant)["low"]:
        ticks.tick(MAX_REMOVALS="1")
        assert members(tenant)["high"] != risky(tenant)["high"]


# --- 4. a group that was known is not made again ---


@pytest.mark.parametrize("seed", range(12))
def test_a_young_group_made_by_hand_that_was_known_is_waited_for_when_nothing_finds_it(seed: int) -> None:
    ticks = contoso(seed=seed)
    tenant = ticks.tenant
    tenant.create_group(GROUP_NAMES["low"])
    ticks.tick()
    tenant.behaviour.lookup_lag = tenant.behaviour.young_seconds = 600.0
    for _ in range(10):
        ticks.tick()
        assert [len(tenant.groups_named(name)) for name in GROUP_NAMES.values()] == [1, 1, 1]
    ticks.tick()
    assert in_sync(ticks)


@pytest.mark.parametrize("page", [7, 20])
def test_a_look_up_whose_pages_shift_makes_no_second_group(page: int) -> None:
    alone = contoso()
    ticks, tenant = Meddled(alone.tenant, alone.clock, alone.cache), alone.tenant
    others = [tenant.create_group(GROUP_NAMES["high"]) for _ in range(30)]
    for name in GROUP_NAMES.values():
        tenant.create_group(name)
    ticks.clock.time += 1000
    tenant.behaviour.page_at_most = page

    def tidy_up() -> None:
        for group in others:
            tenant.delete_group(group)

    ticks.before = [(r"/groups\?.*skiptoken", tidy_up)]
    with suppress(SyncFailed):  # the group of that name that was found first may be among the deleted
        ticks.tick()
    assert not ticks.before
    ticks.tick()
    assert in_sync(ticks)
    assert [len(tenant.groups_named(name)) for name in GROUP_NAMES.values()] == [1, 1, 1]


# --- 5. the end of the time is no failure ---


def test_what_the_time_does_not_suffice_for_is_left_over_however_slow_the_answers() -> None:
    ticks = synchronised(0)
    tenant = ticks.tenant
    for number in range(2000):
        tenant.set_risk(tenant.add_user(), RISK_LEVELS[number % 3])
    tenant.behaviour.answer_seconds = 4.3
    for _ in range(9):
        started = ticks.clock.time
        tenant.requests.clear()
        report = ticks.tick()
        assert not report.problems
        assert max(exchange.time + exchange.delay for exchange in tenant.requests) <= started + TICK_SECONDS
        if report.outcome == "in sync":
            break
    assert in_sync(ticks)


@settings(max_examples=60, deadline=None)
@given(st.floats(0.1, 9.9))
def test_however_slow_graph_answers_no_request_is_cut_off_in_flight(seconds: float) -> None:
    cut_off = []

    class Watched(Ticks):
        async def fetch(self, request: HttpRequest) -> HttpResponse:
            try:
                return await super().fetch(request)
            except TimeoutError:
                cut_off.append(request)
                raise

    ticks = contoso(150)
    watched = Watched(ticks.tenant, ticks.clock)
    watched.tenant.behaviour.answer_seconds = seconds
    watched.tick()
    assert not cut_off


# --- 6. a number is right or not said ---


def test_a_count_from_a_stale_read_is_not_said_and_what_was_planned_is_a_change() -> None:
    ticks = synchronised()
    tenant = ticks.tenant
    stale, gone = tenant.risky_at("low")[:2]
    group = tenant.group_named(GROUP_NAMES["low"])

    def forget(body: str) -> str:
        """The list of members still misses one who is in it, and shows one who is not."""
        answer = json.loads(body)
        for response in answer.get("responses", ()):
            entries = (response.get("body") or {}).get("value", [])
            if any(entry.get("id") == tenant.risky_at("low")[2].id and "@odata.type" in entry for entry in entries):
                response["body"]["value"] = [entry for entry in entries if entry["id"] != stale.id]
        return json.dumps(answer)

    tenant.dismiss(gone)
    ticks.forge = forget
    report = ticks.tick()
    assert report.outcome == "changed"
    assert "low" not in ticks.record["members"]  # type: ignore[operator]  # a mapping
    assert stale.id in group.members
    ticks.forge = str
    assert ticks.tick().outcome == "in sync"
    assert ticks.record["members"] == {"high": 4, "medium": 4, "low": 3}


@pytest.mark.parametrize("request_", [ADD, REMOVE], ids=" ".join)
def test_where_no_answer_tells_what_became_of_a_write_no_number_is_said(request_: tuple[str, str]) -> None:
    ticks = synchronised()
    ticks.tenant.set_risk(ticks.tenant.add_user(), "high")
    ticks.tenant.dismiss(ticks.tenant.risky_at("high")[0])
    ticks.tenant.faults = [Fault("status after", *request_, status=503)]
    failing(ticks)
    assert ticks.record["members"] == {"medium": 4, "low": 4}


@pytest.mark.parametrize("status", [400, 403, 404, 405, 413, 418, 500, 503])
@pytest.mark.parametrize("number", range(8))
def test_a_number_is_not_said_where_a_whole_batch_was_done_and_answered_with_an_error(status: int, number: int) -> None:
    ticks = contoso()
    ticks.tick()
    for user in [*ticks.tenant.risky_at("high"), *ticks.tenant.risky_at("low")[:2]]:
        ticks.tenant.set_risk(user, "medium")
    ticks.tenant.set_risk(ticks.tenant.add_user(), "high")
    ticks.tenant.faults = [Fault("status after", "POST", "/$batch", status=status, skip=number, times=1)]
    with suppress(SyncFailed):
        ticks.tick()
    record = next(entry for _, entry in reversed(ticks.log) if not isinstance(entry, str))
    said = record.get("members", {})
    assert isinstance(said, dict)
    for level, count in said.items():
        assert count == len(ticks.tenant.group_named(GROUP_NAMES[level]).members)


# --- 7. what was not read is not in the record ---


@pytest.mark.parametrize("trouble", ["licence", "permission", "outage"])
def test_where_the_risky_users_cannot_be_read_the_record_does_not_say_that_there_are_none(trouble: str) -> None:
    ticks = synchronised()
    ticks.tenant.premium = trouble != "licence"
    if trouble == "permission":
        ticks.tenant.app.permissions.remove("IdentityRiskyUser.Read.All")
        ticks.restart()
    if trouble == "outage":
        ticks.tenant.faults = [Fault("status", *RISK)]
    failing(ticks)
    assert "risky" not in ticks.record


def test_of_levels_asked_for_one_by_one_those_that_were_read_are_in_the_record_and_every_other_is_named() -> None:
    ticks = synchronised()
    ticks.tenant.behaviour.or_filter = False
    ticks.tenant.faults = [Fault("status", *RISK, status=403, code="Forbidden", message="No.", skip=2)]
    problems = failing(ticks)
    assert ticks.record["risky"] == {"high": 4}
    assert [re.findall(r"of level (\w+):", problem) for problem in problems] == [["medium"], ["low"]]


# --- 8 and 9. pages ---


@pytest.mark.parametrize("users", [499, 500, 1000, 499 * 2])
def test_a_full_last_page_that_leads_nowhere_is_avoided_by_pages_of_another_size(users: int) -> None:
    ticks = synchronised(0)
    tenant = ticks.tenant
    tenant.behaviour.full_last_page_links = True
    for number in range(users):
        tenant.set_risk(tenant.add_user(), RISK_LEVELS[number % 3])
    for _ in range(2):
        assert not ticks.tick().problems
    tenant.dismiss(tenant.risky_at("low")[0])
    tenant.set_risk(tenant.add_user(), "low")
    for _ in range(3):
        ticks.tick()
    assert in_sync(ticks)


@pytest.mark.parametrize("limit", [499, 120, 100, 20, 1])
def test_a_limit_of_the_page_size_lowered_overnight_costs_requests_and_nothing_else(limit: int) -> None:
    ticks = synchronised(30)
    ticks.tenant.behaviour.risky_users_top = limit
    ticks.tenant.dismiss(ticks.tenant.risky_at("high")[0])
    for _ in range(2):
        assert not ticks.tick().problems
    assert in_sync(ticks)


def test_where_identity_protection_refuses_every_query_each_levels_error_is_named() -> None:
    ticks = synchronised()
    ticks.tenant.faults = [Fault("status", *RISK, status=400, code="BadRequest", message="")]
    problems = failing(ticks)
    assert [re.findall(r"of level (\w+):", problem) for problem in problems] == [["high"], ["medium"], ["low"]]


def test_pages_too_small_for_the_list_to_end_in_a_tick_are_asked_for_no_longer() -> None:
    ticks = synchronised(40)
    ticks.tenant.behaviour.page_part = 50
    leaving = ticks.tenant.risky_at("high")[0]
    ticks.tenant.dismiss(leaving)
    ticks.tenant.faults = [Fault("status", *RISK, status=400, times=3)]  # until one user comes in a page
    for _ in range(2):
        ticks.tick()
        assert not in_sync(ticks)
    for _ in range(2):
        ticks.tick()
    assert in_sync(ticks)


# --- 10 and 11. groups of the same name, or nearly ---


@pytest.mark.parametrize("many", RISK_LEVELS)
@pytest.mark.parametrize("max_subrequests", ["45", "20"])
def test_thousands_of_groups_of_one_name_cost_a_share_of_the_budget_and_are_told_of(many: str, max_subrequests: str) -> None:
    ticks = synchronised()
    tenant = ticks.tenant
    for _ in range(4400):
        tenant.create_group(GROUP_NAMES[many])
    ticks.restart()
    ticks.clock.time += 1000
    for level in RISK_LEVELS:
        tenant.dismiss(tenant.risky_at(level)[0])
        tenant.set_risk(tenant.add_user(), level)
    ticks.tick(MAX_SUBREQUESTS=max_subrequests)
    assert any(
        re.search(rf"{many}: (more than )?\d+ groups are named {GROUP_NAMES[many]}; the oldest (of those looked at )?is used", line)
        for line in warnings(ticks)
    )
    for level in RISK_LEVELS:
        if level != many or max_subrequests == "45":
            assert members(tenant)[level] == risky(tenant)[level]
    assert len(sent(ticks, *LOOK_UP)) <= 45 // 4
    assert [len(tenant.groups_named(name)) for level, name in GROUP_NAMES.items() if level != many] == [1, 1]


def test_where_not_all_namesakes_can_be_looked_at_the_group_of_the_last_minute_goes_on_to_be_used() -> None:
    ticks = synchronised()
    tenant = ticks.tenant
    used = tenant.group_named(GROUP_NAMES["high"])
    older = [tenant.create_group(GROUP_NAMES["high"], created=used.created - 1000) for _ in range(60)]
    ticks.clock.time += 1000
    tenant.behaviour.page_at_most = 7
    tenant.set_risk(tenant.add_user(), "high")
    ticks.tick(MAX_SUBREQUESTS="20")
    assert used.members.keys() == risky(tenant)["high"]
    assert not any(group.members for group in older)


@pytest.mark.parametrize("create", [True, False])
def test_a_group_whose_name_differs_in_case_is_named_with_its_id_and_left_alone(create: bool) -> None:
    ticks = contoso() if create else synchronised()
    other = ticks.tenant.create_group("IdentityProtection-RiskyUser-RiskLevel-High")
    ticks.tick()
    [line] = warnings(ticks)
    assert f"{other.name} ({other.id}) differs from {GROUP_NAMES['high']} in case only" in line
    assert not other.members
    assert in_sync(ticks)


# --- 12. a deleted group whose key is taken ---


def test_a_deleted_group_that_keeps_its_key_is_to_be_restored_and_then_goes_on_with_its_id() -> None:
    ticks = synchronised()
    tenant = ticks.tenant
    tenant.behaviour.unique_names_kept = True
    group = tenant.group_named(GROUP_NAMES["high"])
    ticks.clock.time += 1000
    tenant.delete_group(group)
    [problem] = failing(ticks)
    assert "a deleted group has its unique name; restore it" in problem
    assert "Deleted groups" in problem
    tenant.restore_group(group)
    ticks.tick()
    assert in_sync(ticks)
    assert tenant.group_named(GROUP_NAMES["high"]) is group


# --- 13. the last minutes of a token ---


@pytest.mark.parametrize("kind", ["status", "slow", "drop"])
def test_while_the_old_token_works_a_login_host_that_fails_is_asked_once_in_a_while(kind: str) -> None:
    ticks = synchronised()
    tenant = ticks.tenant
    for number in range(400):
        tenant.set_risk(tenant.add_user(), RISK_LEVELS[number % 3])
    ticks.clock.time += 3599 - 200
    tenant.requests.clear()
    tenant.faults = [Fault(kind, *TOKEN, delay=99.0)]  # type: ignore[arg-type]  # one of Fault's kinds
    ticks.tick()
    assert sum("oauth2" in exchange.url for exchange in tenant.requests) == 1
    assert in_sync(ticks)


# --- 14. never below a second ---


@pytest.mark.parametrize("retry_after", ["0", "0.01", "-5"])
def test_retry_after_nothing_is_still_a_second(retry_after: str) -> None:
    ticks = synchronised()
    ticks.tenant.set_risk(ticks.tenant.add_user(), "high")
    ticks.tenant.requests.clear()
    ticks.tenant.faults = [Fault("status", *ADD, status=429, headers={"Retry-After": retry_after}, times=4)]
    assert ticks.tick().outcome == "changed"
    times = sent(ticks, "PATCH", "/groups/.*")
    assert len(times) == 5
    assert all(after - before >= 1 for before, after in pairwise(times))


# --- 16 and 17. credentials ---


@pytest.mark.parametrize(
    ("code", "remedy"),
    [
        (900382, "set AZURE_CLOUD"),
        (900432, "set AZURE_CLOUD"),
        (900439, "set AZURE_CLOUD"),
        (7000229, "az ad sp create --id"),
        (53003, "exclude the app from the policy"),
    ],
)
def test_the_token_endpoints_rarer_refusals_have_their_remedies(code: int, remedy: str) -> None:
    ticks = contoso()
    ticks.tenant.faults = [sign_in_fault(code)]
    [problem] = failing(ticks)
    assert f"AADSTS{code}, " in problem
    assert remedy in problem


@pytest.mark.parametrize("mark", ["\ufeff", "\u200b", "\u2060", "\u00a0", "\t", "\r\n"])
@pytest.mark.parametrize("name", ["AZURE_AD_TENANT_ID", "AZURE_AD_CLIENT_ID", "AZURE_AD_CLIENT_SECRET"])
def test_what_nobody_sees_around_a_value_does_not_matter(name: str, mark: str) -> None:
    ticks = contoso()
    ticks.tick(**{name: f"{mark}{variables(ticks.tenant)[name]}{mark}"})
    assert in_sync(ticks)


@pytest.mark.parametrize(
    ("overrides", "complaint"),
    [
        ({"AZURE_AD_CLIENT_SECRET": '"a~secret"'}, "stands in quotes"),
        ({"AZURE_AD_CLIENT_SECRET": "'a~secret'"}, "stands in quotes"),
        ({"AZURE_AD_CLIENT_SECRET": "1b6e1c5a-7c1e-4f4e-9a53-1d4cf0a3a001"}, "is a GUID, as the Secret ID is"),
        ({"AZURE_AD_CLIENT_SECRET": "a secret"}, "holds blanks or line breaks"),
        ({"AZURE_AD_CLIENT_SECRET": "a\nsecret"}, "holds blanks or line breaks"),
        ({"AZURE_AD_CLIENT_SECRET": "a\u00a0secret"}, "holds blanks or line breaks"),
        ({"AZURE_AD_CLIENT_SECRET": "Łsecret"}, "holds characters that no client secret has"),
        ({"AZURE_AD_CLIENT_SECRET": {"get": "a KV namespace"}}, "is a binding of another kind and not text"),
        ({"AZURE_AD_TENANT_ID": ["contoso.example"]}, "is a binding of another kind and not text"),
        (
            {"AZURE_AD_CLIENT_ID": "1B6E1C5A-7C1E-4F4E-9A53-1D4CF0A3A00F", "AZURE_AD_TENANT_ID": "1b6e1c5a-7c1e-4f4e-9a53-1d4cf0a3a00f"},
            "is the tenant's ID, too",
        ),
    ],
)
def test_a_value_that_cannot_be_right_is_named_for_what_it_is(overrides: dict[str, object], complaint: str) -> None:
    given: dict[str, object] = {**variables(contoso().tenant), **overrides}
    with pytest.raises(ConfigError) as refusal:
        read_settings(given.get)
    [problem] = refusal.value.problems
    assert complaint in problem


# --- 18. sentences ---


def test_one_user_is_spoken_of_as_one() -> None:
    ticks = synchronised()
    ticks.tenant.set_risk(ticks.tenant.add_user(), "high")
    ticks.tenant.faults = [Fault("status", *ADD, status=500), Fault("status", *ADD_ONE, status=500)]
    [problem] = failing(ticks)
    assert problem.startswith("high: 1 user yet to join. Could not add 1 user to ")


def test_several_users_refused_alike_are_named_in_a_sentence_of_their_own() -> None:
    ticks = synchronised()
    tenant = ticks.tenant
    ticks.clock.time += 3600
    ghosts = [tenant.add_user() for _ in range(3)]
    for user in ghosts:
        tenant.set_risk(user, "high")
        tenant.delete_user(user, listed=False)
    [problem] = failing(ticks)
    assert not re.search(r"\.[;,]|\.\.", problem)
    assert all(user.id in problem for user in ghosts)
    assert " So it is with 3 users in all: " in problem


def test_a_request_id_is_told_once() -> None:
    ticks = synchronised()
    ticks.tenant.behaviour.or_filter = False
    ticks.tenant.faults = [Fault("status", path="/$batch", status=403)]
    failing(ticks)
    ids = ticks.record["failedRequests"]
    assert isinstance(ids, list)
    assert len(ids) == len(set(ids)) > 0


def test_a_group_is_asked_for_by_its_key_with_plain_quotes() -> None:
    sent_urls: list[str] = []

    class Listening(Meddled):
        async def fetch(self, request: HttpRequest) -> HttpResponse:
            sent_urls.extend(item["url"] for item in (json.loads(request.body)["requests"] if "oauth2" not in request.url else ()))
            return await super().fetch(request)

    ticks = contoso()
    Listening(ticks.tenant, ticks.clock).tick()
    keys = [url for url in sent_urls if url.startswith("/groups(")]
    assert {url.partition("?")[0] for url in keys} == {f"/groups(uniqueName='{name}')" for name in GROUP_NAMES.values()}


# --- 19. a level that was not asked for ---


def forging_levels(level: str) -> Callable[[str], str]:
    return lambda body: re.sub(r'"riskLevel": ?"\w+"', f'"riskLevel": "{level}"', body)


@pytest.mark.parametrize("level", ["hidden", "unknownFutureValue", "critical"])
def test_a_level_that_was_not_asked_for_lets_nobody_leave_and_is_named(level: str) -> None:
    ticks = synchronised(36)
    before = members(ticks.tenant)
    ticks.forge = forging_levels(level)
    problems = failing(ticks)
    assert any("which was not asked for" in problem for problem in problems)
    assert members(ticks.tenant) == before
    assert "risky" not in ticks.record


def test_a_risk_that_was_dismissed_while_the_list_was_made_is_none() -> None:
    ticks = synchronised()
    [user] = ticks.tenant.risky_at("high")[:1]
    ticks.tenant.dismiss(user)
    shown = f'{{"id":"{user.id}","riskLevel":"none","isDeleted":false}},'
    ticks.forge = lambda body: body.replace('riskyUsers","value":[', f'riskyUsers","value":[{shown}')
    ticks.tick()
    assert in_sync(ticks)


# --- 20. groups that are known, and groups that were not all looked at ---


def one_a_level(tenant: Tenant) -> bool:
    return all(len(tenant.groups_named(name)) == 1 for name in GROUP_NAMES.values())


def test_a_look_up_that_was_cut_after_its_first_page_makes_no_second_group() -> None:
    ticks = contoso()
    for name in GROUP_NAMES.values():
        ticks.tenant.create_group(name)
    ticks.clock.time += 1000
    ticks.tenant.behaviour.page_at_most = 1
    for _ in range(30):
        ticks.tenant.create_group(GROUP_NAMES["high"].upper())
    meddled = Meddled(ticks.tenant, ticks.clock, ticks.cache)
    assert f"Could not look at all groups that are named like {GROUP_NAMES['high']}; rename or delete the others." in failing(
        meddled, MAX_SUBREQUESTS="20"
    )
    assert one_a_level(ticks.tenant)


def test_a_group_that_was_in_trouble_is_still_known_a_minute_later() -> None:
    ticks = contoso()
    group = ticks.tenant.create_group(GROUP_NAMES["low"])
    ticks.tick()
    ticks.tenant.faults = [Fault("status", "GET", f"/groups/{group.id}/members")]
    with suppress(SyncFailed):
        ticks.tick()
    ticks.tenant.faults = []
    ticks.tenant.behaviour.lookup_lag = ticks.tenant.behaviour.young_seconds = 600.0
    for _ in range(6):
        with suppress(SyncFailed):
            ticks.tick()
    assert one_a_level(ticks.tenant)


def test_a_group_that_was_renamed_is_spoken_of_each_minute_and_not_replaced() -> None:
    ticks = contoso()
    group = ticks.tenant.create_group(GROUP_NAMES["low"])
    ticks.tick()
    ticks.clock.time += 1000
    ticks.tenant.rename_group(group, "Renamed")
    for _ in range(3):
        meddled = Meddled(ticks.tenant, ticks.clock, ticks.cache)
        assert any("was renamed" in problem for problem in failing(meddled))
    assert not ticks.tenant.groups_named(GROUP_NAMES["low"])


def test_one_entry_of_the_look_up_that_makes_no_sense_holds_up_only_levels_that_were_not_found() -> None:
    ticks = synchronised()
    tenant = ticks.tenant
    tenant.delete_group(tenant.group_named(GROUP_NAMES["medium"]))
    ticks.restart()
    for level in RISK_LEVELS:
        tenant.set_risk(tenant.add_user(), level)
    ticks.forge = lambda body: body.replace('#groups","value":[', '#groups","value":[{"odd":1},').replace(",]", "]")
    [problem] = failing(ticks)
    assert f"Could not look for {GROUP_NAMES['medium']} by name" in problem
    assert not tenant.groups_named(GROUP_NAMES["medium"])
    assert all(members(tenant)[level] == risky(tenant)[level] for level in ("high", "low"))


def test_a_group_whose_making_was_answered_with_nothing_and_that_nobody_knows_yet_is_left_over() -> None:
    ticks = contoso()
    lost = Fault("status after", "PATCH", "/groups(*", status=504, times=1)
    unknown = Fault("status", "GET", "/groups(*", status=404, code="Request_ResourceNotFound", message="x")
    ticks.tenant.faults = [lost, unknown]
    assert ticks.tick().outcome == "left over"


def test_of_the_groups_that_were_looked_at_the_oldest_is_said_to_be_that() -> None:
    ticks = synchronised()
    ticks.clock.time += 1000
    for place in range(60):
        ticks.tenant.create_group(GROUP_NAMES["high"]).created -= 10**6 + place * 10
    ticks.tenant.behaviour.page_at_most = 2
    ticks.tick(MAX_SUBREQUESTS="20")
    assert any("the oldest of those looked at is used" in line for line in warnings(ticks))


# --- 21. the end of the tick, and numbers after it ---


def test_a_request_that_the_end_of_the_tick_cut_short_is_no_missing_answer() -> None:
    for milliseconds in range(0, 1000, 7):
        clock = StoppedClock(1_790_000_000 + milliseconds / 1000)

        async def fetch(request: HttpRequest, clock: StoppedClock = clock) -> HttpResponse:
            clock.time = round(clock.time + int(request.timeout * 1000) / 1000, 3)  # as AbortSignal.timeout, on a clock of milliseconds
            raise TimeoutError

        budget = Budget(fetch=fetch, clock=clock, random=Random(1), max_subrequests=9, deadline=clock.time + 50)
        clock.time += 44.321
        with pytest.raises(CutOff):
            finish(budget.send("POST", "https://graph.microsoft.com/v1.0/$batch", {}, ""))


def test_of_users_whose_joint_add_was_refused_and_who_were_not_tried_singly_no_number_is_told() -> None:
    ticks = synchronised()
    ticks.clock.time += 1000
    ticks.tick()
    for _ in range(3):
        ticks.tenant.set_risk(ticks.tenant.add_user(), "high")
    lost = Fault("status after", *ADD, status=503, times=1)
    ticks.tenant.faults = [lost, Fault("slow", *ADD_ONE, delay=60.0), Fault("status", *RISK, status=503, times=2)]
    with suppress(SyncFailed):
        ticks.tick()
    assert "high" not in str(ticks.record["members"])


def test_a_minute_that_made_groups_is_a_change() -> None:
    assert contoso(0).tick().outcome == "changed"


def test_a_dry_run_lists_as_joining_only_who_is_no_member() -> None:
    ticks = synchronised()
    tenant = ticks.tenant
    tenant.add_member(tenant.group_named(GROUP_NAMES["low"]), tenant.risky_at("high")[0])
    dry = ticks.tick(DRY_RUN="true")
    assert not any("high" in line and "would join" in line for line in dry.lines["info"])
    assert any("low: 0 would join, 1 would leave" in line for line in dry.lines["info"])
    ticks.tick()
    assert "joined" not in ticks.record
    assert in_sync(ticks)


# --- 22. tokens ---


@pytest.mark.parametrize(
    "damage", [(r'"expires_in": ?\d+', '"expires_in": 1' + "0" * 400), (r'"access_token": ?"[^"]*"', '"access_token": ""')]
)
def test_what_cannot_be_a_token_is_none(damage: tuple[str, str]) -> None:
    ticks = Meddled(contoso().tenant, contoso().clock)
    ticks.forge = lambda body: re.sub(*damage, body)
    assert "the answer is not a token" in failing(ticks)[0]


def test_one_401_throws_no_token_away_while_the_login_host_is_down() -> None:
    ticks = synchronised()
    ticks.tick()
    ticks.tenant.set_risk(ticks.tenant.add_user(), "high")
    ticks.tenant.faults = [Fault("expired token", *RISK, times=1), Fault("status", *TOKEN)]
    with suppress(SyncFailed):
        ticks.tick()
    ticks.tick()
    assert in_sync(ticks)
    assert any("still serves" in line for line in warnings(ticks))


def test_a_secret_that_ends_before_the_token_does_not_end_it_and_is_told() -> None:
    ticks = synchronised()
    ticks.tick()
    ticks.clock.time = ticks.cache.token.expires - 200
    ticks.tenant.set_risk(ticks.tenant.add_user(), "high")
    for secret in ticks.tenant.app.secrets:
        secret.expires = ticks.clock.time
    ticks.tick()
    assert in_sync(ticks)
    assert any("still serves" in line and "AADSTS7000222" in line for line in warnings(ticks))


def test_no_pause_is_told_that_was_not_asked_for() -> None:
    ticks = Meddled(contoso().tenant, contoso().clock)
    ticks.tenant.faults = [Fault("status", *TOKEN)]
    assert "asks for a pause" not in failing(ticks)[0]


# --- 23. answers in other words ---


@pytest.mark.parametrize(
    ("code", "message"), [("Request_UnsupportedQuery", "Unsupported Query."), ("BadRequest", "The $top of a $filter query is at most 120.")]
)
def test_a_limit_of_the_page_size_is_found_in_whatever_words_it_comes(code: str, message: str) -> None:
    ticks = synchronised()
    refuse = Fault("status", *RISK, status=400, code=code, message=message)

    class Limited(Meddled):
        async def fetch(self, request: HttpRequest) -> HttpResponse:
            self.tenant.faults = [refuse] if re.search(r"top=(500|499)", request.body) else []
            return await super().fetch(request)

    limited = Limited(ticks.tenant, ticks.clock, ticks.cache)
    assert limited.tick().outcome == "in sync"


def test_a_retry_after_that_is_a_number_counts() -> None:
    ticks = synchronised()
    ticks.tenant.set_risk(ticks.tenant.add_user(), "high")
    ticks.tenant.faults = [Fault("status", *ADD, status=429, headers={"Retry-After": "10"}, times=1)]
    ticks.forge = lambda body: re.sub(r'"Retry-After": ?"10"', '"Retry-After": 10', body)
    ticks.tenant.requests.clear()
    ticks.tick()
    first, second = sent(ticks, "PATCH", "/groups/.*")
    assert second - first >= 10
