"""What goes wrong in a tick, fault by fault: what is repeated, what is left alone, what the administrator is told."""

import json
import re
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from email.utils import formatdate
from itertools import pairwise
from random import Random

import pytest

from budget import HttpRequest, HttpResponse
from errors import SyncFailed
from groups import GROUP_NAMES
from plan import RISK_LEVELS
from report import Report
from simulator import Fault, Group, User
from simulator.faults import Kind
from sync import TICK_SECONDS, WRITING_SECONDS
from tests.chaos.world import World
from tests.ticks import Ticks, contoso
from tests.unit.test_sync import in_sync, members, risky

RISK, LOOK_UP, MEMBERS = ("GET", "/identityProtection/riskyUsers"), ("GET", "/groups"), ("GET", "/groups/*/members")
CREATE, ADD, ADD_ONE, REMOVE = (
    ("PATCH", "/groups(*"),
    ("PATCH", "/groups/*"),
    ("POST", "/groups/*/members/$ref"),
    ("DELETE", "/groups/*/members/*/$ref"),
)
BATCH, TOKEN = ("POST", "/$batch"), ("POST", "*/oauth2/v2.0/token")
EVERY_REQUEST = pytest.mark.parametrize("request_", [RISK, LOOK_UP, MEMBERS, CREATE, ADD, REMOVE, BATCH, TOKEN], ids=" ".join)
DRIVEL: list[Kind] = ["garbage", "truncated", "html", "not an object", "unanswered", "no value", "foreign link", "looping link", "redirect"]


@dataclass
class Meddled(Ticks):
    """Ticks in which something happens right before the first request whose body matches, or which get other answers."""

    before: list[tuple[str, Callable[[], None]]] = field(default_factory=list)
    forge: Callable[[str], str] = str

    async def fetch(self, request: HttpRequest) -> HttpResponse:
        for pattern, action in self.before[:1]:
            if re.search(pattern, request.body):
                self.before.pop(0)
                action()
        reply = await super().fetch(request)
        return HttpResponse(reply.status, reply.headers, self.forge(reply.body))


def synchronised(risky_users: int = 12) -> Meddled:
    ticks = contoso(risky_users)
    ticks.tick()
    return Meddled(ticks.tenant, ticks.clock, ticks.cache)


def with_work(risky_users: int = 12) -> Meddled:
    """A tenant in which a tick has every kind of thing to do: join, move, leave, create a group."""
    ticks = synchronised(risky_users)
    tenant = ticks.tenant
    tenant.delete_group(tenant.group_named(GROUP_NAMES["low"]))
    tenant.dismiss(tenant.risky_at("high")[0])
    tenant.set_risk(tenant.risky_at("medium")[0], "high")
    tenant.set_risk(tenant.add_user(), "medium")
    ticks.restart()
    ticks.clock.time += 1000  # the groups are new no more
    return ticks


def sent(ticks: Ticks, method: str, path: str) -> list[float]:
    """When such items of batches were sent, each time they were."""
    pattern = re.compile(path)
    return [
        exchange.time
        for exchange in ticks.tenant.requests
        for item in exchange.items
        if item.method == method and pattern.fullmatch(item.url.partition("?")[0])
    ]


def failing(ticks: Ticks, **overrides: str) -> list[str]:
    with pytest.raises(SyncFailed) as failure:
        ticks.tick(**overrides)
    return failure.value.problems


def assert_one_group_a_level(ticks: Ticks) -> None:
    assert [len(ticks.tenant.groups_named(name)) for name in GROUP_NAMES.values()] == [1, 1, 1]


# --- retries ---


@EVERY_REQUEST
@pytest.mark.parametrize("status", [408, 409, 429, 500, 502, 503, 504, 509])
def test_a_passing_error_is_waited_out_within_the_tick(request_: tuple[str, str], status: int) -> None:
    ticks = with_work()
    ticks.tenant.faults = [Fault("status", *request_, status=status, times=2)]
    assert ticks.tick().outcome == "changed"
    assert ticks.tenant.faults[0].struck == 2
    assert in_sync(ticks)


@EVERY_REQUEST
@pytest.mark.parametrize("kind", ["drop", "drop after", "slow", "garbage", "truncated", "unanswered"])
def test_an_answer_that_does_not_come_or_cannot_be_read_is_asked_for_again(request_: tuple[str, str], kind: Kind) -> None:
    ticks = with_work()
    ticks.tenant.faults = [Fault(kind, *request_, delay=11.0, times=1)]
    if request_ == RISK or (kind in ("garbage", "truncated") and request_ not in (BATCH, TOKEN)):
        try_twice(ticks)  # a whole page that cannot be read, or one read late, may cost the tick
    else:
        assert ticks.tick().outcome == "changed"
    assert_one_group_a_level(ticks)
    assert in_sync(ticks)


def try_twice(ticks: Ticks) -> None:
    try:
        ticks.tick()
    except SyncFailed:
        assert ticks.tick().outcome in ("changed", "in sync")


@pytest.mark.parametrize("code", ["Directory_ConcurrencyViolation", "Request_BadRequest"])
@pytest.mark.parametrize("request_", [ADD, REMOVE], ids=" ".join)
def test_a_concurrency_violation_told_as_400_is_repeated(request_: tuple[str, str], code: str) -> None:
    ticks = with_work()
    message = "Error due to concurrent requests being made to the tenant. Please wait briefly and retry."
    ticks.tenant.faults = [Fault("status", *request_, status=400, code=code, message=message, times=2)]
    assert ticks.tick().outcome == "changed"
    assert in_sync(ticks)


@pytest.mark.parametrize("form", ["7", "7.128", "date"])
def test_retry_after_is_waited_for_in_every_form(form: str) -> None:
    ticks = synchronised()
    ticks.tenant.set_risk(ticks.tenant.add_user(), "high")
    value = formatdate(ticks.clock.time + 7, usegmt=True) if form == "date" else form
    ticks.tenant.requests.clear()
    ticks.tenant.faults = [Fault("status", *ADD, status=429, headers={"Retry-After": value}, times=1)]
    ticks.tick()
    first, second = sent(ticks, "PATCH", "/groups/.*")
    assert 7 <= second - first < 7.2


def test_without_retry_after_identity_protection_is_given_more_time_after_each_429_from_a_second_on() -> None:
    ticks = synchronised()
    ticks.tenant.requests.clear()
    ticks.tenant.faults = [Fault("status", *RISK, status=429, times=3)]
    assert ticks.tick().outcome == "in sync"
    gaps = [after - before for before, after in pairwise(sent(ticks, "GET", "/identityProtection/.*"))]
    assert [least <= gap <= 1.5 * least + 1.6 for least, gap in zip((1.0, 2.0, 4.0), gaps, strict=True)] == [True] * 3


def test_two_workers_do_not_wait_equally_long() -> None:
    waits = set()
    for seed in range(5):
        ticks = synchronised()
        ticks.random = Random(seed)
        started = ticks.clock.time
        ticks.tenant.requests.clear()
        ticks.tenant.faults = [Fault("status", *BATCH, times=1)]
        ticks.tick()
        waits.add(ticks.tenant.requests[-1].time - started)
    assert len(waits) == 5


def test_of_a_batch_only_the_items_that_failed_are_sent_again() -> None:
    ticks = synchronised(57)
    for user in ticks.tenant.risky_at("high")[:9]:
        ticks.tenant.dismiss(user)
    ticks.tenant.requests.clear()
    ticks.tenant.faults = [Fault("status", *REMOVE, skip=3, times=2)]
    ticks.tick()
    assert len(sent(ticks, "DELETE", ".*")) == 9 + 2
    assert in_sync(ticks)


def test_what_waited_for_a_refused_item_is_sent_again_at_once() -> None:
    ticks = synchronised(0)
    for _ in range(60):
        ticks.tenant.set_risk(ticks.tenant.add_user(), "high")
    started = ticks.clock.time
    ticks.tenant.requests.clear()
    ticks.tenant.faults = [Fault("status", *ADD, status=400, code="Request_BadRequest", message="No.", times=1)]
    ticks.tick()
    assert {exchange.time for exchange in ticks.tenant.requests} == {started}
    assert in_sync(ticks)


def test_a_batch_that_is_refused_as_a_whole_says_nothing_about_its_items() -> None:
    ticks = synchronised()
    ticks.tenant.faults = [Fault("status", *BATCH, status=400)]
    assert len(failing(ticks)) == 2
    assert ticks.tenant.subrequests == 1


@pytest.mark.parametrize("status", [424, 503])
def test_nothing_is_sent_more_than_five_times(status: int) -> None:
    ticks = synchronised()
    ticks.tenant.requests.clear()
    ticks.tenant.faults = [Fault("status", *RISK, status=status)]
    [problem] = failing(ticks)
    assert f"Graph answers {status}, 5 times" in problem
    assert len(sent(ticks, "GET", "/identityProtection/.*")) == 5


@pytest.mark.parametrize("status", ["200", True, 99, 600, -1, 200.5, None, [200]])
def test_an_item_whose_status_makes_no_sense_was_not_answered(status: object) -> None:
    ticks = synchronised()
    ticks.forge = lambda body: re.sub(r'"status":200,"headers":', f'"status":{json.dumps(status)},"headers":7,"former":', body)
    assert all("Graph gave no answer that can be read" in problem for problem in failing(ticks))


@pytest.mark.parametrize(
    ("request_", "method", "path"),
    [(RISK, "GET", "/identity.*"), (ADD, "PATCH", "/groups/.*"), (REMOVE, "DELETE", ".*")],
)
@pytest.mark.parametrize("status", [401, 403])
def test_a_permanent_error_is_not_repeated_but_for_one_401(request_: tuple[str, str], method: str, path: str, status: int) -> None:
    ticks = synchronised()
    ticks.tenant.dismiss(ticks.tenant.risky_at("low")[0])
    ticks.tenant.set_risk(ticks.tenant.add_user(), "low")
    ticks.tenant.requests.clear()
    ticks.tenant.faults = [Fault("status", *request_, status=status, code="Denied", message="No.")]
    if request_ == ADD and status == 403:  # it may be for one of 20 users, so that they are added one by one
        ticks.tick()
    else:
        failing(ticks)
    assert len(sent(ticks, method, path)) == (2 if status == 401 else 1)


def test_a_refused_secret_is_not_tried_again_within_the_tick() -> None:
    ticks = contoso()
    failing(ticks, AZURE_AD_CLIENT_SECRET="wrong")
    assert ticks.tenant.subrequests == 1


@EVERY_REQUEST
@pytest.mark.parametrize("headers", [{"Retry-After": "3600"}, {}])
def test_the_deadline_beats_every_wait_and_the_tick_says_so(request_: tuple[str, str], headers: dict[str, str]) -> None:
    ticks = with_work()
    ticks.tenant.faults = [Fault("status", *request_, status=429, headers=headers)]
    started = ticks.clock.time
    problems = failing(ticks)
    assert max(exchange.time + exchange.delay for exchange in ticks.tenant.requests) - started <= TICK_SECONDS
    assert ticks.clock.time == started + 60
    assert any("429" in problem or "throttling" in problem for problem in problems)


def test_reads_leave_the_writes_some_of_the_minute() -> None:
    ticks = synchronised()
    tenant = ticks.tenant
    group = tenant.group_named(GROUP_NAMES["low"])
    tenant.set_risk(tenant.add_user(), "high")
    started = ticks.clock.time
    tenant.requests.clear()
    tenant.faults = [Fault("status", "GET", f"/groups/{group.id}/members", status=429, headers={"Retry-After": "35"}, times=1)]
    [problem] = failing(ticks)
    assert group.name in problem
    assert sent(ticks, "PATCH", "/groups/.*")[0] - started < TICK_SECONDS - WRITING_SECONDS
    assert members(tenant)["high"] == risky(tenant)["high"]


def test_answers_that_take_too_long_end_the_tick_in_time_and_leave_everything_as_it_was() -> None:
    ticks = with_work()
    before = members(ticks.tenant)
    ticks.tenant.behaviour.answer_seconds = 10.5
    started = ticks.clock.time
    failing(ticks)
    assert ticks.clock.time == started + 60
    assert members(ticks.tenant) == before


def test_the_record_of_a_failed_tick_holds_the_request_ids_that_microsoft_asks_for() -> None:
    ticks = synchronised()
    for fault, count in ((Fault("status", *RISK, status=403), 2), (Fault("unanswered", *RISK), 1), (Fault("redirect", *TOKEN), 1)):
        ticks.tenant.tokens.issued.clear()
        ticks.tenant.faults = [fault]
        failing(ticks)
        failed = ticks.record["failedRequests"]
        assert isinstance(failed, list)
        assert len(failed) == len(set(failed)) == count


# --- writes that may have happened ---


@pytest.mark.parametrize("request_", [CREATE, ADD, ADD_ONE, REMOVE], ids=" ".join)
@pytest.mark.parametrize("kind", ["drop after", "status after", "unanswered"])
@pytest.mark.parametrize("status", [429, 504])
def test_a_write_whose_answer_is_lost_is_done_once_and_is_no_error(request_: tuple[str, str], kind: Kind, status: int) -> None:
    ticks = with_work()
    ticks.tenant.faults = [Fault(kind, *request_, status=status, times=2)]
    if request_ == ADD_ONE:
        ticks.tenant.faults.append(Fault("drop after", *ADD, times=1))  # so that members are added one by one
    assert ticks.tick().outcome == "changed"
    assert ticks.tenant.faults[0].struck == 2
    assert in_sync(ticks)
    assert_one_group_a_level(ticks)
    assert ticks.tick().outcome == "in sync"


@pytest.mark.parametrize("shape", [400, 404])
def test_somebody_who_left_meanwhile_has_left(shape: int) -> None:
    ticks = synchronised()
    tenant = ticks.tenant
    tenant.behaviour.not_a_member = 400 if shape == 400 else 404
    user = tenant.risky_at("high")[0]
    tenant.dismiss(user)
    ticks.before = [("DELETE", lambda: tenant.remove_member(tenant.group_named(GROUP_NAMES["high"]), user))]
    ticks.tick()
    assert in_sync(ticks)
    assert not ticks.before


def test_somebody_who_was_added_meanwhile_is_a_member_and_so_are_the_others() -> None:
    ticks = synchronised()
    tenant = ticks.tenant
    users = [tenant.add_user() for _ in range(20)]
    for user in users:
        tenant.set_risk(user, "high")
    ticks.before = [("PATCH", lambda: tenant.add_member(tenant.group_named(GROUP_NAMES["high"]), users[7]))]
    report = ticks.tick()
    assert in_sync(ticks)
    assert report.levels["high"].joined == 19


@pytest.mark.parametrize("names", ["user", "group"])
def test_when_one_of_twenty_is_refused_the_others_get_in_and_the_one_is_named_once(names: str) -> None:
    ticks = synchronised()
    tenant = ticks.tenant
    tenant.behaviour.patch_404_names = "user" if names == "user" else "group"
    users = [tenant.add_user() for _ in range(20)]
    for user in users:
        tenant.set_risk(user, "high")
    tenant.delete_user(users[7], listed=False)
    ticks.clock.time += 3600  # of a group that is new, a refusal proves nothing yet
    for _ in range(2):
        problems = failing(ticks)
        assert [problem.count(users[7].id) for problem in problems] == [1]
        assert "Graph does not find it" in problems[0]
        assert members(tenant) == risky(tenant)


def test_users_refused_before_come_last_so_that_they_cost_the_others_nothing() -> None:
    ticks = synchronised()
    tenant = ticks.tenant
    ticks.clock.time += 3600
    ghost = tenant.add_user()
    tenant.set_risk(ghost, "high")
    tenant.delete_user(ghost, listed=False)
    failing(ticks)
    for _ in range(40):
        tenant.set_risk(tenant.add_user(), "high")
    tenant.requests.clear()
    failing(ticks)
    assert len(sent(ticks, "POST", ".*")) == 1
    assert members(tenant) == risky(tenant)


# --- new groups ---


@pytest.mark.parametrize("error", [400, 404])
def test_a_new_group_that_is_not_known_everywhere_is_waited_for(error: int) -> None:
    ticks = contoso()
    ticks.tenant.behaviour.young_seconds, ticks.tenant.behaviour.young_error = 12.0, 400 if error == 400 else 404
    ticks.tick()
    ticks.tick()
    assert in_sync(ticks)
    assert_one_group_a_level(ticks)


@pytest.mark.parametrize("error", [400, 404])
@pytest.mark.parametrize("seed", range(5))
def test_a_group_that_stays_new_for_long_is_left_to_later_minutes_and_no_second_one_is_made(error: int, seed: int) -> None:
    ticks = contoso(seed=seed)
    behaviour = ticks.tenant.behaviour
    behaviour.young_seconds, behaviour.lookup_lag, behaviour.young_error = 400.0, 400.0, 400 if error == 400 else 404
    problems: list[str] = []
    for minute in range(9):
        if minute % 3 == 2:
            ticks.restart()
        try:
            ticks.tick()
        except SyncFailed as failure:
            problems += failure.problems
    assert all("a moment ago" in problem or "minute" in problem for problem in problems)
    assert in_sync(ticks)
    assert_one_group_a_level(ticks)


def test_a_minute_that_could_not_read_a_new_group_does_not_say_that_all_is_well() -> None:
    ticks = contoso(risky=0)
    tenant = ticks.tenant
    ticks.tick()
    tenant.add_member(tenant.groups_named(GROUP_NAMES["medium"])[0], tenant.add_user())
    tenant.behaviour.young_seconds = 300.0
    for _ in range(10):
        outcome = ticks.tick().outcome
        assert outcome == "left over" or in_sync(ticks)
    assert in_sync(ticks)


# --- incomplete or strange reads ---


def test_nobody_leaves_when_an_entry_marked_deleted_does_not_say_of_which_level_it_was() -> None:
    ticks = synchronised()
    tenant = ticks.tenant
    deleted, dismissed = tenant.risky_at("high")[:2]
    tenant.delete_user(deleted, listed=True)
    tenant.dismiss(dismissed)
    ticks.forge = lambda body: body.replace('"isDeleted":true,"riskLevel":"high"', '"isDeleted":true')
    failing(ticks)
    assert dismissed.id in tenant.members_of(GROUP_NAMES["high"])


@pytest.mark.parametrize("kind", DRIVEL)
def test_nobody_leaves_when_the_risky_users_cannot_be_read_to_the_end(kind: Kind) -> None:
    ticks = synchronised()
    tenant = ticks.tenant
    before = members(tenant)
    tenant.dismiss(tenant.risky_at("high")[0])
    moved = tenant.risky_at("medium")[0]
    tenant.set_risk(moved, "high")
    tenant.faults = [Fault(kind, *RISK, status=200)]
    problems = failing(ticks)
    assert "read the risky users of level high, medium, low" in problems[0]
    assert all(before[level] <= now for level, now in members(tenant).items())


@pytest.mark.parametrize("kind", DRIVEL)
def test_nobody_leaves_a_group_whose_members_cannot_be_read_and_newcomers_join_it_all_the_same(kind: Kind) -> None:
    ticks = synchronised()
    tenant = ticks.tenant
    group = tenant.group_named(GROUP_NAMES["medium"])
    before = tenant.members_of(group)
    for level in RISK_LEVELS:
        tenant.dismiss(tenant.risky_at(level)[0])
        tenant.set_risk(tenant.add_user(), level)
    tenant.faults = [Fault(kind, "GET", f"/groups/{group.id}/members", status=200)]
    [problem] = failing(ticks)
    assert f"read the members of {group.name} ({group.id})" in problem
    assert tenant.members_of(group) == before | risky(tenant)["medium"]
    for level in ("high", "low"):
        assert members(tenant)[level] == risky(tenant)[level]


@pytest.mark.parametrize("kind", [kind for kind in DRIVEL if kind != "looping link"])
def test_when_the_groups_cannot_be_looked_up_nothing_is_written_and_the_tick_says_why(kind: Kind) -> None:
    ticks = with_work()
    before = members(ticks.tenant)
    ticks.tenant.faults = [Fault(kind, *LOOK_UP, status=200)]
    [problem] = failing(ticks)
    assert "look for the groups by name" in problem
    assert members(ticks.tenant) == before
    assert ticks.tenant.write_units == 0


def test_a_second_page_that_fails_costs_no_leave_and_the_first_page_still_joins() -> None:
    ticks = synchronised(30)
    tenant = ticks.tenant
    before = members(tenant)
    for user in list(tenant.risky_at("low")):
        tenant.set_risk(user, "medium")
    for _ in range(600):
        tenant.set_risk(tenant.add_user(), "low")
    tenant.faults = [Fault("status", *RISK, status=403, skip=1)]
    failing(ticks)
    assert all(before[level] <= now for level, now in members(tenant).items())
    assert members(tenant)["medium"] == risky(tenant)["medium"]


# --- the removal guard ---


def lied_to(ticks: Meddled, level: str, share: float) -> list[User]:
    """Let the next read of the risky users miss this share of a level, and the one after it none."""
    tenant = ticks.tenant
    missing = tenant.risky_at(level)
    missing = missing[: int(len(missing) * share)]

    def hide() -> None:
        for user in missing:
            tenant.set_risk(user, "none")

    def show() -> None:
        for user in missing:
            tenant.set_risk(user, level)

    ticks.before = [("riskyUsers", hide), ("riskyUsers", show)]
    return missing


def test_a_loss_too_large_to_be_true_is_not_believed_unless_a_second_read_agrees() -> None:
    ticks = synchronised(36)
    lied_to(ticks, "high", 1.0)
    report = ticks.tick()
    assert not ticks.before
    assert report.outcome == "left over"
    assert report.lines["warn"] == ["high: 12 users must stay for now, whose leave a second look did not confirm."]
    assert in_sync(ticks)


def test_a_large_loss_that_is_true_is_done_in_the_same_tick() -> None:
    ticks = synchronised(36)
    for user in ticks.tenant.risky_at("high"):
        ticks.tenant.dismiss(user)
    ticks.tenant.requests.clear()
    assert ticks.tick().outcome == "changed"
    assert len(sent(ticks, "GET", "/identityProtection/.*")) == 2
    assert in_sync(ticks)


@pytest.mark.parametrize(("size", "share", "reads"), [(9, 1.0, 1), (10, 0.5, 1), (10, 0.6, 2), (12, 0.5, 1)])
def test_the_guard_looks_twice_at_more_than_half_of_ten_or_more(size: int, share: float, reads: int) -> None:
    ticks = synchronised(3 * size)
    users = ticks.tenant.risky_at("high")
    for user in users[: int(size * share)]:
        ticks.tenant.dismiss(user)
    ticks.tenant.requests.clear()
    ticks.tick()
    assert len(sent(ticks, "GET", "/identityProtection/.*")) == reads
    assert in_sync(ticks)


def test_a_second_look_that_fails_holds_the_leaves_back_and_joins_are_done() -> None:
    ticks = synchronised(36)
    tenant = ticks.tenant
    before = tenant.members_of(GROUP_NAMES["high"])
    for user in tenant.risky_at("high"):
        tenant.dismiss(user)
    new = tenant.add_user()
    tenant.set_risk(new, "high")
    tenant.faults = [Fault("status", *RISK, status=403, skip=1)]
    report = ticks.tick()
    assert report.outcome == "left over"
    assert any("whose leave the next minute has to confirm" in line for line in report.lines["warn"])
    assert tenant.members_of(GROUP_NAMES["high"]) == before | {new.id}


@pytest.mark.parametrize(("seconds", "believed"), [(60, True), (600, False)])
def test_a_large_loss_that_nobody_could_look_at_again_is_believed_if_the_minute_before_saw_it_too(seconds: float, believed: bool) -> None:
    ticks = synchronised(36)
    for user in ticks.tenant.risky_at("high"):
        ticks.tenant.dismiss(user)
    for _ in range(2):
        ticks.clock.time += seconds - 60
        ticks.tenant.faults = [Fault("status", *RISK, status=403, skip=1)]
        ticks.tick()
    assert in_sync(ticks) is believed


def test_max_removals_caps_each_tick_and_the_rest_follows() -> None:
    ticks = synchronised(24)
    tenant = ticks.tenant
    for user in [*tenant.risky_at("high"), *tenant.risky_at("low")[:2]]:
        tenant.dismiss(user)
    new = tenant.add_user()
    tenant.set_risk(new, "medium")
    gone = []
    for _ in range(4):
        report = ticks.tick(MAX_REMOVALS="3")
        gone.append({level: tally.left for level, tally in report.levels.items() if tally.left})
        assert new.id in tenant.members_of(GROUP_NAMES["medium"])
        assert (report.outcome == "left over") == bool(report.lines["warn"])
        assert all("whose leave MAX_REMOVALS leaves for later minutes" in note for note in report.lines["warn"])
    assert [sum(minute.values()) for minute in gone] == [3, 3, 3, 1]
    assert sum(minute.get("low", 0) for minute in gone[:2]) == 2  # its two do not wait for the eight of the other level
    assert in_sync(ticks)


def test_max_removals_of_none_lets_nobody_leave() -> None:
    ticks = synchronised()
    ticks.tenant.dismiss(ticks.tenant.risky_at("low")[0])
    report = ticks.tick(MAX_REMOVALS="0")
    assert report.outcome == "left over"
    assert report.lines["warn"] == ["low: 1 user must stay for now, whose leave MAX_REMOVALS leaves for later minutes."]
    assert len(ticks.tenant.members_of(GROUP_NAMES["low"])) == 4


# --- one level's trouble stays there ---


def unwritable(change: Callable[[Group], None]) -> Meddled:
    ticks = synchronised()
    tenant = ticks.tenant
    change(tenant.group_named(GROUP_NAMES["medium"]))
    for level in RISK_LEVELS:
        tenant.dismiss(tenant.risky_at(level)[0])
        tenant.set_risk(tenant.add_user(), level)
    return ticks


def dynamic(group: Group) -> None:
    group.types = ["DynamicMembership"]


def on_premises(group: Group) -> None:
    group.on_premises = True


def role_assignable(group: Group) -> None:
    group.role_assignable = True


def mail_enabled(group: Group) -> None:
    group.mail_enabled = True


def distribution(group: Group) -> None:
    group.security_enabled = False


def restricted(group: Group) -> None:
    group.management_restricted = True


def renamed(group: Group) -> None:
    group.name = "Risky, medium"


@pytest.mark.parametrize(
    ("change", "remedy"),
    [
        (dynamic, "change its membership type to assigned"),
        (on_premises, "rename it there"),
        (role_assignable, "rename it and let the Worker make another"),
        (mail_enabled, "rename it and let the Worker make another"),
        (distribution, "rename it and let the Worker make another"),
        (restricted, "take it out of there"),
        (renamed, "name it IdentityProtection-RiskyUser-RiskLevel-medium again"),
    ],
)
def test_a_group_that_cannot_be_written_fails_alone_and_says_what_to_change(change: Callable[[Group], None], remedy: str) -> None:
    ticks = unwritable(change)
    [problem] = failing(ticks)
    assert remedy in problem
    assert GROUP_NAMES["medium"] in problem
    assert ticks.tenant.write_units > 0
    for level in ("high", "low"):
        assert members(ticks.tenant)[level] == risky(ticks.tenant)[level]


# --- budget ---


def test_at_the_end_of_its_subrequests_a_tick_stops_with_the_most_urgent_done_and_the_next_goes_on() -> None:
    ticks = synchronised(0)
    for number in range(2100):
        ticks.tenant.set_risk(ticks.tenant.add_user(), RISK_LEVELS[number % 3])
    report = ticks.tick(MAX_SUBREQUESTS="20")
    assert report.outcome == "left over"
    assert ticks.record["subrequests"] == 20
    joined = [tally.joined for tally in report.levels.values()]
    assert joined[0] > 0
    assert joined == sorted(joined, reverse=True)
    for _ in range(8):
        ticks.tick(MAX_SUBREQUESTS="20")
    assert in_sync(ticks)


def test_at_its_deadline_a_tick_stops_and_the_next_goes_on() -> None:
    ticks = synchronised(0)
    for number in range(1500):
        ticks.tenant.set_risk(ticks.tenant.add_user(), RISK_LEVELS[number % 3])
    ticks.tenant.behaviour.answer_seconds = 4.0
    started = ticks.clock.time
    report = ticks.tick()
    assert report.outcome == "left over"
    assert any("users yet to join; the next minute goes on" in note for note in report.lines["warn"])
    assert max(exchange.time + exchange.delay for exchange in ticks.tenant.requests) <= started + TICK_SECONDS
    for _ in range(3):
        try_twice(ticks)
    assert in_sync(ticks)


@pytest.mark.parametrize("seed", range(15))
def test_two_ticks_at_once_in_two_isolates_do_no_harm(seed: int) -> None:
    world = World(30, seed)
    world.start(0)
    world.start(1)
    world.finish()
    assert [len(world.tenant.groups_named(name)) for name in GROUP_NAMES.values()] == [1, 1, 1]
    for user in world.tenant.users[::3]:
        world.tenant.set_risk(user, "low")
        world.touch(user.id)
    world.start(0)
    for _ in range(seed):
        world.step()
    world.start(1)
    world.finish()
    assert all(world.in_sync(level) for level in RISK_LEVELS)
    assert not any(tick.problems for tick in world.finished)


# --- a dry run ---


def test_a_dry_run_writes_nothing_and_says_what_it_would_do() -> None:
    ticks = with_work()
    before = members(ticks.tenant)
    report = ticks.tick(DRY_RUN="true")
    assert report.outcome == "dry run"
    assert report.lines["info"] == [
        "high: 1 would join, 1 would leave.",
        "medium: 1 would join, 1 would leave.",
        "low: would create IdentityProtection-RiskyUser-RiskLevel-low, and 4 users would join.",
    ]
    assert members(ticks.tenant) == before
    assert ticks.tenant.write_units == 0


# --- licence, consent, credentials ---


def test_a_tenant_without_the_licence_is_told_so() -> None:
    ticks = contoso()
    ticks.tenant.premium = False
    assert any("no Microsoft Entra ID P2 licence" in problem for problem in failing(ticks))


@pytest.mark.parametrize("permission", ["IdentityRiskyUser.Read.All", "Group.Create", "GroupMember.ReadWrite.All"])
def test_a_missing_permission_is_named_and_once_granted_the_next_tick_uses_it(permission: str) -> None:
    ticks = contoso()
    ticks.tenant.app.permissions.remove(permission)
    if permission == "GroupMember.ReadWrite.All":
        ticks.tenant.app.permissions.add("GroupMember.Read.All")
    problems = failing(ticks)
    assert any(f"the app needs the application permission {permission}" in problem for problem in problems)
    assert all("admin consent" in problem for problem in problems)
    ticks.tenant.app.permissions.add(permission)
    ticks.tick()
    assert in_sync(ticks)


def test_where_looking_groups_up_takes_a_permission_of_its_own_it_is_named() -> None:
    ticks = contoso()
    ticks.tenant.behaviour.lookup_needs_read_permission = True
    assert any("the app needs the application permission GroupMember.Read.All" in problem for problem in failing(ticks))
    ticks.tenant.app.permissions.add("GroupMember.Read.All")
    ticks.tick()
    assert in_sync(ticks)


def test_an_app_without_any_consent_is_told_what_it_needs() -> None:
    ticks = contoso()
    ticks.tenant.app.permissions.clear()
    assert any("the app needs the application permission IdentityRiskyUser.Read.All" in problem for problem in failing(ticks))


@pytest.mark.parametrize(
    ("variable", "value", "code", "remedy"),
    [
        ("AZURE_AD_CLIENT_SECRET", "wrong", 7000215, "put the secret's value, not its ID"),
        ("AZURE_AD_CLIENT_ID", "00000000-0000-4000-8000-000000000000", 700016, "check both ids"),
        ("AZURE_AD_TENANT_ID", "00000000-0000-4000-8000-000000000000", 90002, "check AZURE_AD_TENANT_ID"),
        ("AZURE_CLOUD", "usgov", 90002, "AZURE_CLOUD"),
    ],
)
def test_wrong_credentials_are_told_apart_each_with_its_remedy(variable: str, value: str, code: int, remedy: str) -> None:
    ticks = contoso()
    [problem] = failing(ticks, **{variable: value})
    assert f"AADSTS{code}, " in problem
    assert remedy in problem


@pytest.mark.parametrize(
    ("code", "remedy"),
    [
        (7000222, "create another"),
        (7000112, "enable sign-in"),
        (900023, "neither a tenant ID nor a verified domain"),
        (900144, "not empty"),
        (700027, "is not on the app registration, has ended there"),
        (700024, "check the clock"),
        (700023, "for another tenant or cloud"),
        (700021, "another app's"),
        (50048, "another app's"),
        (5002723, "put a pair"),
        (50012, "put a pair"),
        (50013, "put a pair"),
        (70021, "no federated credential"),
        (700213, "no federated credential"),
        (50034, "https://login.microsoftonline.com/error?code=50034"),
    ],
)
def test_every_token_error_has_its_own_remedy(code: int, remedy: str) -> None:
    ticks = Meddled(contoso().tenant, contoso().clock)
    ticks.forge = lambda body: re.sub(r"\[7000215\]", f"[{code}]", body)
    [problem] = failing(ticks, AZURE_AD_CLIENT_SECRET="wrong")
    assert f"AADSTS{code}" in problem
    assert remedy in problem


def test_an_expired_secret_is_told_and_a_new_one_works() -> None:
    ticks = contoso()
    ticks.tenant.expire_secrets()
    [problem] = failing(ticks)
    assert "the client secret has expired" in problem
    ticks.tenant.add_secret()
    ticks.tick()
    assert in_sync(ticks)


# --- security ---


@EVERY_REQUEST
@pytest.mark.parametrize("status", [400, 401, 403, 404, 429, 500])
def test_nothing_private_is_logged_or_raised_even_when_graph_quotes_it(request_: tuple[str, str], status: int) -> None:
    ticks = with_work()
    tenant = ticks.tenant
    user = tenant.users[0]
    message = f"{user.principal_name} {user.name} {tenant.app.secret} {next(iter(tenant.tokens.issued))}"
    tenant.faults = [Fault("status", *request_, status=status, code=user.principal_name, message=message)]
    outcome: Report | SyncFailed
    try:
        outcome = ticks.tick(LOG_LEVEL="debug")
    except SyncFailed as failure:
        outcome = failure
    shown = f"{ticks.log} {outcome!r} {outcome} {ticks.graph()!r} {ticks.settings()!r} {ticks.cache!r}"
    for private in (user.principal_name, user.name, tenant.app.secret, *tenant.tokens.issued):
        assert private not in shown


@pytest.mark.parametrize("request_", [BATCH, TOKEN], ids=" ".join)
def test_a_redirect_is_not_followed(request_: tuple[str, str]) -> None:
    ticks = with_work()
    ticks.tenant.faults = [Fault("redirect", *request_)]
    assert all("redirect" in problem for problem in failing(ticks))
    assert not ticks.tenant.violations


@pytest.mark.parametrize("strange", ["../../users/x", "x/$ref", "", "a' or 1 eq 1", "?$filter=", "%2e%2e", "me", "ⅷ" * 36])
@pytest.mark.parametrize("whose", ["user", "group"])
def test_an_id_that_is_none_reshapes_no_request(strange: str, whose: str) -> None:
    ticks = with_work()
    tenant = ticks.tenant
    ids = [user.id for user in tenant.users] if whose == "user" else [group.id for group in tenant.directory.standing_groups()]
    ticks.forge = lambda body: re.sub("|".join(ids), strange, body)
    failing(ticks)
    assert not tenant.violations
    assert tenant.write_units <= 1


@pytest.mark.parametrize("then", [404, 403])
def test_a_removal_whose_first_answer_was_lost_counts_towards_the_cap_whatever_the_next_one_says(then: int) -> None:
    ticks = contoso()
    for _ in range(2):
        ticks.tick()  # the groups are new
    for level in RISK_LEVELS:
        ticks.tenant.dismiss(ticks.tenant.risky_at(level)[0])
    ticks.tenant.faults = [Fault("drop after", *REMOVE, times=1)]
    if then == 403:
        ticks.tenant.faults.append(Fault("status", *REMOVE, status=403, skip=1, times=1))
    removed = []
    ticks.tenant.on_write = lambda write: removed.append(write.user) if write.kind == "remove" else None
    with suppress(SyncFailed):
        ticks.tick(MAX_REMOVALS="1")
    assert len(removed) == 1
