"""The direct lane, in whole ticks beside a simulated tenant and a simulated account."""

import json
import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field

import pytest

from budget import HttpRequest, HttpResponse
from errors import ConfigError, SyncFailed
from gateway import LANE_SECONDS
from groups import GROUP_NAMES
from lists import REREAD_SECONDS
from plan import RISK_LEVELS
from settings import read_settings
from simulator import Fault, User
from simulator.cloudflare import Account
from tests.lanes import MAY_READ_MAIL, Lane, kept, lane, writes_of
from tests.ticks import SOURCE, contoso
from tests.unit.test_sync import is_in_sync

LISTS = "/accounts/*/gateway/lists"
ONE_LIST = f"{LISTS}/*"


def groups_right(ticks: Lane) -> bool:
    return is_in_sync(ticks.tenant)


def right(ticks: Lane, which: str = "both") -> bool:
    """Whether lists and groups hold what they should, by means that the account tolerates."""
    assert not ticks.account.violations
    return ticks.held() == ticks.wanted(which) and groups_right(ticks)


def failing(ticks: Lane, **overrides: str) -> list[str]:
    """What a minute fails for; nothing if it does not."""
    try:
        ticks.tick(**overrides)
    except SyncFailed as failure:
        return failure.problems
    return []


def lines(ticks: Lane, level: str) -> list[str]:
    return [entry for each, entry in ticks.log if each == level and isinstance(entry, str)]


def shown(ticks: Lane) -> str:
    """Everything that the latest tick has logged."""
    return json.dumps([entry for _, entry in ticks.log])


def assert_private(ticks: Lane) -> None:
    logged = shown(ticks).lower()
    assert "@" not in logged
    assert ticks.account.token.value not in logged


def after_the_read(account: Account, happens: Callable[[], None]) -> None:
    """Let something happen between the next full read of a list and what comes after it."""

    def hear() -> None:
        if account.requests and account.requests[-1].method == "GET" and not account.requests[-1].url.endswith("/lists"):
            account.on_change = None
            happens()

    account.on_change = hear


@dataclass
class Forged(Lane):
    """A lane whose answers can be changed on their way."""

    forge: Callable[[HttpRequest, HttpResponse], HttpResponse] = field(default=lambda request, answer: answer)

    async def fetch(self, request: HttpRequest) -> HttpResponse:
        return self.forge(request, await super().fetch(request))


def forged(ticks: Lane) -> Forged:
    return Forged(ticks.tenant, ticks.clock, ticks.cache, account=ticks.account, given=ticks.given)


def at_risk(ticks: Lane, count: int, level: str, name: str = "Somebody", *, mail: bool = False) -> list[User]:
    """So many new users at a level, `mail`: each with a mailbox of another name."""
    addresses = [f"{name.lower()}{number}@mail.contoso.com" if mail else "" for number in range(count)]
    users = [ticks.tenant.add_user(f"{name} {number}", mail=address) for number, address in enumerate(addresses)]
    for user in users:
        ticks.tenant.set_risk(user, level)
    return users


# --- off, on and half-way ---


def test_without_an_account_nothing_changes_whatever_else_is_set() -> None:
    with_lane, without = lane(), contoso()
    with_lane.tick(CLOUDFLARE_ACCOUNT_ID="")
    without.tick()
    assert with_lane.log == without.log
    assert with_lane.tenant.subrequests == without.tenant.subrequests
    assert not with_lane.account.requests


def test_without_an_account_no_module_of_the_lane_is_loaded() -> None:
    found = "import sys, sync, report, settings, graph; print(*sorted({'lists', 'list_change', 'gateway'} & sys.modules.keys()))"
    ended = subprocess.run([sys.executable, "-c", found], cwd=SOURCE, capture_output=True, text=True, check=True)
    assert ended.stdout.strip() == ""


ACCOUNT, LIST = "0123456789abcdef0123456789abcdef", "01302951-49f9-47c9-a400-0297e60b6a10"


@pytest.mark.parametrize(
    ("given", "complaints"),
    [
        ({}, ["GATEWAY_LIST_HIGH, GATEWAY_LIST_MEDIUM, GATEWAY_LIST_LOW are all missing", "GATEWAY_API_TOKEN is missing"]),
        ({"GATEWAY_API_TOKEN": "abc"}, ["GATEWAY_LIST_HIGH, GATEWAY_LIST_MEDIUM, GATEWAY_LIST_LOW are all missing"]),
        ({"GATEWAY_LIST_LOW": LIST}, ["GATEWAY_API_TOKEN is missing"]),
        (
            {"GATEWAY_LIST_LOW": LIST, "GATEWAY_LIST_HIGH": LIST.replace("-", "").upper(), "GATEWAY_API_TOKEN": "abc"},
            ["GATEWAY_LIST_LOW name the same list"],
        ),
        (
            {"CLOUDFLARE_ACCOUNT_ID": "contoso", "GATEWAY_LIST_LOW": "low", "GATEWAY_API_TOKEN": '"abc"'},
            ["CLOUDFLARE_ACCOUNT_ID is not 32", "GATEWAY_LIST_LOW is not the id of a list", "GATEWAY_API_TOKEN stands in quotes"],
        ),
        (
            {"GATEWAY_LIST_LOW": LIST, "GATEWAY_API_TOKEN": "a bc", "GATEWAY_LIST_SIZE": "0", "GATEWAY_ADDRESSES": "all"},
            [
                "GATEWAY_API_TOKEN holds blanks",
                "GATEWAY_LIST_SIZE must be a whole number",
                "GATEWAY_ADDRESSES must be one of both, mail, upn",
            ],
        ),
    ],
)
def test_a_lane_that_is_configured_half_way_says_all_that_is_missing_and_sends_nothing(
    given: dict[str, str], complaints: list[str]
) -> None:
    tenant = contoso().tenant
    with pytest.raises(ConfigError) as refusal:
        read_settings({**tenant.worker_variables, "CLOUDFLARE_ACCOUNT_ID": ACCOUNT, **given}.get)
    assert len(refusal.value.problems) == len(complaints)
    assert all(complaint in problem for complaint, problem in zip(complaints, refusal.value.problems, strict=True))


# --- two targets of one plan ---


def test_the_first_minute_fills_the_lists_beside_the_groups() -> None:
    ticks = lane()
    assert ticks.tick().outcome == "changed"
    assert right(ticks)
    assert_private(ticks)


def test_who_joins_moves_and_leaves_does_so_in_the_lists_in_the_same_minute() -> None:
    ticks = kept()
    tenant = ticks.tenant
    tenant.dismiss(tenant.risky_at("high")[0])
    tenant.set_risk(tenant.risky_at("medium")[0], "high")
    tenant.set_risk(tenant.add_user(mail="Somebody.Else@contoso.com"), "low")
    assert ticks.tick().outcome == "changed"
    assert right(ticks)
    assert ticks.record["lists"] == {
        "members": {"high": 5, "medium": 4, "low": 6},
        "joined": {"high": 1, "low": 1},
        "left": {"high": 1, "medium": 1},
    }
    assert ticks.tick().outcome == "in sync"
    assert lines(ticks, "info") == ["In sync: high 4, medium 3, low 5; lists: high 5, medium 4, low 6."]


def test_lists_are_written_before_groups_and_high_before_low_and_whoever_moves_is_appended_before_being_removed() -> None:
    ticks = kept()
    tenant = ticks.tenant
    moving = [tenant.risky_at("high")[0], tenant.risky_at("low")[0]]
    tenant.set_risk(moving[0], "low")
    tenant.set_risk(moving[1], "high")
    happened: list[str] = []
    names = {each.id: each.name.removeprefix("risky-users-") for each in ticks.account.state.standing_lists()}
    ticks.account.on_write = lambda write: happened.append(f"{write.kind} {names[write.list_id]}")
    tenant.on_write = lambda write: happened.append(write.kind)
    ticks.tick()
    assert happened == ["append high", "append low", "remove high", "remove low", "add", "add", "remove", "remove"]


def test_a_move_to_a_level_without_a_list_of_its_own_is_a_leave() -> None:
    ticks = kept(GATEWAY_LIST_MEDIUM="", GATEWAY_LIST_LOW="")
    moving = ticks.tenant.risky_at("high")[0]
    ticks.tenant.set_risk(moving, "low")
    ticks.tick()
    assert ticks.held() == {"high": ticks.wanted()["high"], "medium": set(), "low": set()}
    assert groups_right(ticks)


@pytest.mark.parametrize("fault", [Fault("status", status=502), Fault("slow", delay=20.0), Fault("drop"), Fault("status", status=429)])
def test_what_ails_cloudflare_costs_the_groups_a_few_seconds_and_fails_the_minute(fault: Fault) -> None:
    ticks = kept()
    ticks.tenant.set_risk(ticks.tenant.add_user(), "high")
    ticks.account.faults = [fault]
    started = ticks.clock.time
    assert failing(ticks)
    assert groups_right(ticks)
    assert ticks.record["milliseconds"] <= (LANE_SECONDS + 2) * 1000  # type: ignore[operator]  # it is a number
    assert ticks.clock.time == started + 60
    ticks.account.faults = []
    ticks.tick()
    assert right(ticks)


def test_answers_of_three_seconds_each_cost_the_groups_no_more_than_the_lanes_share_and_the_lists_come_right() -> None:
    ticks = kept()
    for level in RISK_LEVELS:
        ticks.tenant.set_risk(ticks.tenant.add_user(), level)
        ticks.tenant.dismiss(ticks.tenant.risky_at(level)[0])
    ticks.account.behaviour.answer_seconds = 3.0
    for _ in range(12):
        with suppress(SyncFailed):
            ticks.tick()
        assert groups_right(ticks)
        assert ticks.record["milliseconds"] <= (LANE_SECONDS + 2) * 1000  # type: ignore[operator]  # it is a number
    assert right(ticks)


def test_cloudflare_tells_of_the_lists_while_graph_is_read() -> None:
    ticks = kept()
    ticks.tenant.behaviour.answer_seconds, ticks.account.behaviour.answer_seconds = 3.0, 2.0
    ticks.tick()
    assert ticks.record["milliseconds"] == 3000


def test_what_graph_takes_is_not_counted_as_cloudflares_time() -> None:
    ticks = kept()
    ticks.tenant.set_risk(ticks.tenant.add_user(), "high")
    ticks.tenant.behaviour.answer_seconds = LANE_SECONDS + 1
    ticks.tick()
    assert ticks.held() == ticks.wanted()


def test_groups_that_refuse_everything_keep_nothing_from_the_lists_and_both_troubles_are_named() -> None:
    ticks = kept()
    tenant = ticks.tenant
    tenant.set_risk(tenant.add_user(), "high")
    tenant.dismiss(tenant.risky_at("low")[0])
    tenant.faults = [Fault("status", path="/groups/*", status=403, code="Authorization_RequestDenied")]
    assert failing(ticks)
    assert ticks.held() == ticks.wanted()
    tenant.dismiss(tenant.risky_at("low")[0])
    ticks.account.faults = [Fault("status", path=ONE_LIST, method="PATCH", status=403, code="10000")]
    problems = " ".join(failing(ticks))
    assert "members of IdentityProtection" in problems
    assert "Zero Trust Write" in problems


def test_a_look_up_of_groups_that_fails_keeps_nothing_from_the_lists() -> None:
    ticks = kept()
    tenant = ticks.tenant
    tenant.set_risk(tenant.add_user(), "high")
    tenant.faults = [Fault("status", "GET", "/groups*", status=403)]
    assert failing(ticks)
    assert ticks.held() == ticks.wanted()


def empty_at_first(ticks: Lane) -> Forged:
    """The next read of the risky users shows nobody."""
    meddled, forging = forged(ticks), [True]

    def forge(request: HttpRequest, answer: HttpResponse) -> HttpResponse:
        if forging[0] and "riskyUsers" in request.body:
            forging[0] = False
            body = json.loads(answer.body)
            for each in body["responses"]:
                if "riskLevel" in json.dumps(each):
                    each["body"]["value"] = []
            return answer._replace(body=json.dumps(body))
        return answer

    meddled.forge = forge
    return meddled


def test_a_loss_too_large_to_be_true_is_looked_at_twice() -> None:
    ticks = kept(36)
    before = ticks.held()
    meddled = empty_at_first(ticks)
    assert meddled.tick().outcome == "left over"
    assert ticks.held() == before
    assert groups_right(ticks)


def test_addresses_of_nobody_who_is_known_wait_for_the_next_minute_where_the_read_may_be_wrong() -> None:
    ticks = kept(36)
    ticks.restart()
    ticks.tenant.faults = [Fault("status", "GET", "/groups/*/members", status=403)]
    before = ticks.held()
    meddled = empty_at_first(ticks)
    assert failing(meddled)
    assert ticks.held() == before
    assert any("whose leave the next minute has to confirm" in line for line in lines(meddled, "warn"))
    assert failing(meddled)
    assert ticks.held() == ticks.wanted()


def test_a_dry_run_writes_to_no_list_and_says_what_it_would_do() -> None:
    ticks = kept()
    ticks.tenant.dismiss(ticks.tenant.risky_at("high")[0])
    ticks.tenant.set_risk(ticks.tenant.add_user(), "high")
    writes = writes_of(ticks.account)
    ticks.tick(DRY_RUN="true")
    assert not writes
    assert "high list: 1 would join, 1 would leave." in lines(ticks, "info")


# --- addresses ---


def test_both_forms_are_written_in_lower_case_and_a_guests_principal_name_is_not() -> None:
    ticks = lane(0)
    tenant = ticks.tenant
    for user in (
        tenant.add_user(mail="Ada.Lovelace@Contoso.com", principal_name="ADA@contoso.example"),
        tenant.add_user(mail="Same@Contoso.com", principal_name="same@contoso.com"),
        tenant.add_user(mail=None, principal_name="no.mailbox@contoso.com"),
        tenant.add_guest("Guest@Fabrikam.com"),
    ):
        tenant.set_risk(user, "high")
    ticks.tick()
    assert sorted(ticks.values("high")) == [
        "ada.lovelace@contoso.com",
        "ada@contoso.example",
        "guest@fabrikam.com",
        "no.mailbox@contoso.com",
        "same@contoso.com",
    ]


@pytest.mark.parametrize(
    ("which", "written"),
    [
        ("both", ["a@contoso.com", "ada@contoso.example", "no.mailbox@contoso.com"]),
        ("mail", ["a@contoso.com", "no.mailbox@contoso.com"]),
        ("upn", ["ada@contoso.example", "no.mailbox@contoso.com"]),
    ],
)
def test_which_form_is_written_is_the_administrators_choice_and_can_change(which: str, written: list[str]) -> None:
    ticks = lane(0)
    ticks.tenant.set_risk(ticks.tenant.add_user(mail="a@contoso.com", principal_name="ada@contoso.example"), "high")
    ticks.tenant.set_risk(ticks.tenant.add_user(mail=None, principal_name="no.mailbox@contoso.com"), "high")
    ticks.tick()
    ticks.tick(GATEWAY_ADDRESSES=which)
    ticks.tick(GATEWAY_ADDRESSES=which)
    assert sorted(ticks.values("high")) == written


@pytest.mark.parametrize(
    "mail", ["no address", "two@at@contoso.com", "a b@contoso.com", f"{'x' * 250}@contoso.com", "@contoso.com", "tab\t@x.com"]
)
def test_a_mailbox_that_cannot_be_an_address_is_left_out_before_it_spoils_a_request(mail: str) -> None:
    ticks = lane(0)
    ticks.tenant.set_risk(ticks.tenant.add_user(mail=mail, principal_name="ada@contoso.com"), "high")
    ticks.tick()
    assert ticks.values("high") == ["ada@contoso.com"]
    assert sum(each.method == "PATCH" for each in ticks.account.requests) == 1


def test_a_guest_without_mail_is_named_by_object_id_and_keeps_nobody_out() -> None:
    ticks = kept()
    guest = ticks.tenant.add_guest("guest@fabrikam.com", mail=None)
    ticks.tenant.set_risk(guest, "high")
    ticks.tenant.set_risk(ticks.tenant.add_user(), "high")
    assert ticks.tick().outcome == "changed"
    [warning] = lines(ticks, "warn")
    assert warning == f"1 risky user without any address by which Cloudflare could know them: {guest.id}."
    assert right(ticks)


def test_without_the_permission_for_mail_principal_names_alone_are_written_and_released_and_that_is_said_once() -> None:
    ticks = lane(mail=False)
    ticks.tick()
    assert ticks.held() == ticks.wanted("upn")
    assert sum("User.ReadBasic.All" in line for line in lines(ticks, "warn")) == 1
    ticks.restart()  # and nobody remembers whose an address is
    ticks.tenant.dismiss(ticks.tenant.risky_at("high")[0])
    ticks.tick()
    assert ticks.held() == ticks.wanted("upn")
    for _ in range(2):
        assert ticks.tick().outcome == "in sync"
        assert not lines(ticks, "warn")
    assert counts(ticks) == (1, 1)


def test_a_permission_for_mail_that_is_withdrawn_releases_nobody_and_fails_every_minute() -> None:
    ticks = kept()
    tenant = ticks.tenant
    for level in RISK_LEVELS:
        tenant.set_risk(tenant.add_user(mail=f"Mail.{level}@contoso.com"), level)
    ticks.tick()
    tenant.app.permissions.remove(MAY_READ_MAIL)
    tenant.tokens.issued.clear()
    tenant.dismiss(tenant.risky_at("high")[0])
    tenant.set_risk(tenant.risky_at("high")[0], "low")
    before = ticks.held()
    writes = writes_of(ticks.account)
    for _ in range(2):
        assert any("User.ReadBasic.All" in problem for problem in failing(ticks))
    assert all(held >= before[level] for level, held in ticks.held().items())
    assert {write.kind for write in writes} == {"append"}
    assert groups_right(ticks)
    tenant.app.permissions.add(MAY_READ_MAIL)
    tenant.tokens.issued.clear()
    ticks.tick()
    ticks.tick()
    assert right(ticks)


def test_a_leave_that_waited_for_mail_to_be_read_confirms_none_of_another_reason() -> None:
    ticks = kept()
    tenant = ticks.tenant
    user, address = tenant.risky_at("high")[0], "somebody@contoso.com"
    tenant.rename_mailbox(user, address)
    ticks.tick()
    ticks.tick()
    tenant.behaviour.page_at_most = 7  # so that an absence from the list may be an error
    tenant.app.permissions.remove(MAY_READ_MAIL)
    ticks.restart()  # and nobody remembers whose an address is
    assert failing(ticks)
    tenant.app.permissions.add(MAY_READ_MAIL)
    tenant.tokens.issued.clear()
    tenant.delete_group(tenant.group_named(GROUP_NAMES["high"]))
    tenant.dismiss(user)
    failing(ticks)
    assert address in ticks.held()["high"]
    failing(ticks)
    assert ticks.held() == ticks.wanted()


def test_while_a_look_up_fails_nobody_is_released_and_the_principal_name_is_added_all_the_same() -> None:
    ticks = kept()
    tenant = ticks.tenant
    joining = tenant.add_user(mail="Ada.L@contoso.com")
    tenant.set_risk(joining, "high")
    tenant.dismiss(tenant.risky_at("high")[0])
    tenant.dismiss(tenant.risky_at("low")[0])
    tenant.faults = [Fault("status", "GET", "/users", status=403, code="x"), Fault("status", "PATCH", "/groups/*", status=403)]
    before = ticks.held()
    assert any("mail addresses" in problem for problem in failing(ticks))
    assert ticks.held()["high"] == before["high"] | {joining.principal_name.lower()}
    tenant.faults = []
    ticks.tick()
    ticks.tick()
    assert right(ticks)


def test_where_mail_is_never_told_what_somebody_put_into_a_list_may_be_a_mailbox_of_somebody_at_risk() -> None:
    ticks = lane(0, mail=False)
    user = ticks.tenant.add_user(mail="ada.l@contoso.com")
    ticks.tenant.set_risk(user, "high")
    high = ticks.account.list_named("risky-users-high")
    ticks.account.set_values(high, ["ada.l@contoso.com"])
    for _ in range(2):
        failing(ticks)
        assert ticks.held()["high"] == {user.principal_name.lower(), "ada.l@contoso.com"}


def test_no_second_form_gives_way_that_may_be_a_mailbox_that_could_not_be_read() -> None:
    ticks = lane(0, GATEWAY_LIST_SIZE="2")
    tenant = ticks.tenant
    at_risk(ticks, 1, "high", mail=True)
    ticks.tick()
    before = ticks.held()["high"]
    tenant.set_risk(tenant.add_user(mail="late@contoso.com"), "high")
    tenant.faults = [Fault("status", "GET", "/users", status=403, code="x"), Fault("status", "PATCH", "/groups/*", status=403)]
    assert failing(ticks)
    assert before <= ticks.held()["high"]
    tenant.faults = []
    ticks.tick()
    assert "late@contoso.com" in ticks.held()["high"]


@pytest.mark.parametrize("kind", ["status", "truncated", "drop", "no value", "garbage", "unanswered"])
def test_a_look_up_that_fails_for_a_while_holds_leaves_back_for_as_long(kind: str) -> None:
    ticks = kept()
    tenant = ticks.tenant
    tenant.set_risk(tenant.add_user(mail="Ada.L@contoso.com"), "high")
    gone = [tenant.risky_at("high")[0], tenant.risky_at("low")[0]]
    for user in gone:
        tenant.dismiss(user)
    tenant.faults = [Fault(kind, "GET", "/users")]  # type: ignore[arg-type]  # one of Fault's kinds
    with suppress(SyncFailed):
        ticks.tick()
    assert gone[0].principal_name.lower() in ticks.held()["high"]
    assert gone[1].principal_name.lower() in ticks.held()["low"]
    assert any("waits until all mail addresses can be read" in line for line in lines(ticks, "warn"))
    assert ticks.record["outcome"] != "changed"


def test_a_mailbox_that_cannot_be_read_may_be_that_of_somebody_who_moves() -> None:
    ticks = kept(0)
    tenant, account = ticks.tenant, ticks.account
    user = tenant.add_user(mail="Mail@contoso.com")
    tenant.set_risk(user, "low")
    ticks.tick()
    ticks.restart()
    tenant.app.permissions.remove(MAY_READ_MAIL)
    tenant.tokens.issued.clear()
    tenant.set_risk(user, "high")
    account.faults = [Fault("status", "PATCH", f"{LISTS}/{account.list_named('risky-users-high').id}", status=500)]
    assert failing(ticks)
    assert "mail@contoso.com" in ticks.held()["low"]


def test_members_that_cannot_be_read_are_looked_up_one_by_one() -> None:
    ticks = kept()
    tenant = ticks.tenant
    tenant.set_risk(tenant.add_user(mail="Ada.L@contoso.com"), "high")
    ticks.tick()
    group = tenant.group_named(GROUP_NAMES["high"])
    tenant.faults = [Fault("status", "GET", f"/groups/{group.id}/members", status=403)]
    tenant.dismiss(tenant.risky_at("high")[0])
    assert failing(ticks)
    assert ticks.held() == ticks.wanted()


def test_a_renamed_mailbox_follows_within_two_minutes() -> None:
    ticks = kept()
    user = ticks.tenant.risky_at("high")[0]
    ticks.tenant.rename_mailbox(user, "Before@contoso.com")
    ticks.tick()
    ticks.tick()
    assert right(ticks)
    ticks.tenant.rename_mailbox(user, "After@contoso.com")
    writes = writes_of(ticks.account)
    ticks.tick()
    ticks.tick()
    assert right(ticks)
    assert [(write.kind, write.value) for write in writes] == [("append", "after@contoso.com"), ("remove", "before@contoso.com")]


def test_an_address_that_two_users_share_goes_only_when_both_are_gone() -> None:
    ticks = lane(0)
    tenant = ticks.tenant
    users = [tenant.add_user(mail="shared@contoso.com", principal_name=f"user{number}@contoso.com") for number in range(2)]
    for user in users:
        tenant.set_risk(user, "high")
    ticks.tick()
    tenant.dismiss(users[0])
    ticks.tick()
    assert sorted(ticks.values("high")) == ["shared@contoso.com", "user1@contoso.com"]
    tenant.dismiss(users[1])
    ticks.tick()
    assert not ticks.values("high")


def test_those_who_join_are_looked_up_15_a_query_and_20_queries_a_batch() -> None:
    ticks = kept(0)
    for _ in range(310):
        ticks.tenant.set_risk(ticks.tenant.add_user(), "high")
    ticks.tenant.requests.clear()
    ticks.tick()
    batches = [sum("/users?" in item.url for item in each.items) for each in ticks.tenant.requests]
    assert [count for count in batches if count] == [20, 1]
    assert ticks.held() == ticks.wanted()


def test_more_mailboxes_than_a_minute_can_look_up_are_looked_up_in_turn_though_the_group_never_has_their_users() -> None:
    ticks = kept(0, GATEWAY_LIST_SIZE="5000")
    ticks.account.state.enterprise = True
    ticks.tenant.group_named(GROUP_NAMES["high"]).on_premises = True
    users = [ticks.tenant.add_user(mail=f"Mail{number}@contoso.com") for number in range(1250)]
    for user in users:
        ticks.tenant.set_risk(user, "high")
    for _ in range(2):
        assert failing(ticks)
    assert ticks.held() == ticks.wanted()
    ticks.tenant.dismiss(users[0])
    for _ in range(2):
        assert failing(ticks)
    assert ticks.held() == ticks.wanted()


def test_a_tenant_that_takes_fewer_ids_at_once_is_asked_for_one_at_a_time() -> None:
    ticks = kept(0)
    ticks.tenant.behaviour.or_clauses = 10
    for number in range(15):
        ticks.tenant.set_risk(ticks.tenant.add_user(mail=f"Mail{number}@contoso.com"), "high")
    ticks.tick()
    ticks.tick()
    assert right(ticks)


@pytest.mark.parametrize("left_out", [1, 15])
def test_a_mailbox_that_an_answer_leaves_out_is_asked_for_alone_and_is_kept_until_it_is_told(left_out: int) -> None:
    plain = kept(0)
    tenant = plain.tenant
    users = [tenant.add_user(mail=f"Mail{number}@contoso.com") for number in range(5)]
    for user in users:
        tenant.set_risk(user, "high")
    plain.tick()
    tenant.delete_group(tenant.group_named(GROUP_NAMES["high"]))  # so that nobody's mail comes with the members
    before = plain.held()["high"]
    ticks = forged(plain)

    def forge(request: HttpRequest, answer: HttpResponse) -> HttpResponse:
        body = json.loads(answer.body) if "/users?" in request.body else {}
        for each in body.get("responses", []):
            if any("mail" in entry for entry in each["body"].get("value", [])):
                each["body"]["value"] = each["body"]["value"][left_out:]
        return answer._replace(body=json.dumps(body)) if body else answer

    ticks.forge = forge
    tenant.faults = [Fault("status", "GET", "/users/*", status=503)]
    assert failing(ticks)
    assert ticks.held()["high"] == before
    tenant.faults = []
    ticks.tick()
    assert ticks.held()["high"] == before
    assert not any("mail" in line for line in lines(ticks, "warn"))


def test_a_user_who_is_deleted_is_told_from_one_who_was_not_read_and_holds_up_nobody_elses_leave() -> None:
    ticks = kept()
    tenant = ticks.tenant
    user, gone = tenant.add_user(mail="Mail@contoso.com"), tenant.risky_at("high")[0]
    tenant.set_risk(user, "high")
    ticks.tick()
    tenant.delete_user(user, listed=False)
    tenant.dismiss(gone)
    for _ in range(2):
        failing(ticks)
    assert not ticks.held()["high"] & {"mail@contoso.com", gone.principal_name.lower()}


def test_a_user_who_is_deleted_before_identity_protection_knows_goes_by_principal_name() -> None:
    ticks = kept()
    user = ticks.tenant.add_user()
    ticks.tenant.set_risk(user, "high")
    ticks.tenant.delete_user(user, listed=False)
    failing(ticks)
    assert user.principal_name.lower() in ticks.held()["high"]


# --- each target counts for itself ---


def test_max_removals_counts_users_a_minute_for_each_target_and_two_forms_of_one_user_once() -> None:
    ticks = lane(0)
    tenant = ticks.tenant
    users = [tenant.add_user(mail=f"Mail{number}@contoso.com") for number in range(4)]
    for user in users:
        tenant.set_risk(user, "high")
    ticks.tick()
    ticks.clock.time += 1000
    ticks.tick()
    for user in users:
        tenant.dismiss(user)
    sizes = []
    for _ in range(3):
        ticks.tick(MAX_REMOVALS="2")
        sizes.append((len(ticks.values("high")), len(tenant.members_of(GROUP_NAMES["high"]))))
    assert sizes == [(4, 2), (0, 0), (0, 0)]


def test_max_removals_of_nothing_holds_everybody_in_the_lists_too() -> None:
    ticks = kept()
    ticks.tenant.dismiss(ticks.tenant.risky_at("high")[0])
    before = ticks.held()
    assert ticks.tick(MAX_REMOVALS="0").outcome == "left over"
    assert ticks.held() == before


def test_whoever_moves_stays_where_they_are_while_the_new_list_does_not_have_them() -> None:
    ticks = kept()
    high = ticks.account.list_named("risky-users-high")
    moving = ticks.tenant.risky_at("medium")[0]
    ticks.tenant.set_risk(moving, "high")
    ticks.account.faults = [Fault("status", "PATCH", f"{LISTS}/{high.id}", status=500)]
    assert failing(ticks)
    assert moving.principal_name.lower() in ticks.held()["medium"]
    ticks.account.faults = []
    ticks.tick()
    assert right(ticks)


@pytest.mark.parametrize("present", ["accepted", 409, 400])
def test_whoever_moved_in_a_minute_whose_answer_was_lost_leaves_the_old_list_in_the_next(present: str | int) -> None:
    ticks = kept()
    ticks.account.behaviour.append_of_present = present  # type: ignore[assignment]  # one of these
    for user in ticks.tenant.risky_at("medium"):
        ticks.tenant.set_risk(user, "high")
    ticks.account.faults = [Fault("drop after", "PATCH", ONE_LIST, times=1)]
    assert failing(ticks)
    assert ticks.held()["high"] == ticks.wanted()["high"]
    assert len(ticks.held()["medium"]) == 5
    ticks.account.faults = []
    ticks.tick()
    assert right(ticks)


def test_what_the_new_list_only_seems_to_have_is_put_there_before_it_leaves_the_old_one() -> None:
    ticks = kept()
    account, moving = ticks.account, ticks.tenant.risky_at("medium")[0]
    high, medium = (account.list_named(f"risky-users-{level}") for level in ("high", "medium"))
    account.set_values(high, [*high.values, moving.principal_name])
    ticks.tenant.set_risk(moving, "high")
    after_the_read(account, lambda: account.set_values(high, [value for value in high.values if value != moving.principal_name]))
    inside: list[bool] = []
    account.on_write = lambda _: inside.append(any(moving.principal_name.lower() in map(str.lower, each.values) for each in (high, medium)))
    ticks.tick()
    ticks.tick()
    assert all(inside)
    assert right(ticks)


def test_reads_of_lists_that_lag_leave_nobody_who_moves_to_and_fro_in_no_list() -> None:
    ticks = kept()
    account, moving = ticks.account, ticks.tenant.risky_at("medium")[0]
    account.behaviour.list_lag = 100.0
    inside: list[bool] = []
    account.on_write = lambda _: inside.append(any(moving.principal_name.lower() in held for held in ticks.held().values()))
    for minute in range(40):
        ticks.tenant.set_risk(moving, ("high", "medium")[minute % 2])
        with suppress(SyncFailed):
            ticks.tick()
    assert len(inside) > 20
    assert all(inside)


def test_what_is_put_in_or_taken_out_by_hand_is_put_right_in_the_next_minute() -> None:
    ticks = kept()
    for level in RISK_LEVELS:
        target = ticks.account.list_named(f"risky-users-{level}")
        ticks.account.set_values(target, [*target.values[1:], f"stranger@{level}.example"])
    ticks.tick()
    assert right(ticks)
    assert_private(ticks)


def test_what_neither_count_nor_date_of_change_tell_is_put_right_within_a_quarter_of_an_hour() -> None:
    ticks = kept()
    contents = ticks.account.list_named("risky-users-high").contents.value
    value, item = contents.items.popitem()
    contents.items["stranger@example.com"] = type(item)("stranger@example.com", item.created)
    until = ticks.clock.time + REREAD_SECONDS + 60
    while ticks.clock.time < until:
        ticks.tick()
    assert value.lower() in ticks.held()["high"]
    assert right(ticks)


@pytest.mark.parametrize("shows", ["expected", "actual"])
def test_a_change_that_was_answered_and_not_made_is_made_in_the_next_minute(shows: str) -> None:
    from simulator.cloudflare.faults import Ineffective

    ticks = kept()
    ticks.tenant.set_risk(ticks.tenant.add_user(), "high")
    ticks.account.faults = [Ineffective(shows=shows, times=1)]  # type: ignore[arg-type]  # one of these
    ticks.tick()
    assert ticks.record["outcome"] == ("changed" if shows == "expected" else "left over")
    ticks.tick()
    assert right(ticks)


def test_a_spelling_that_differs_in_case_only_is_left_alone_and_removed_as_it_is_stored() -> None:
    ticks = kept()
    account, user = ticks.account, ticks.tenant.risky_at("high")[0]
    high = account.list_named("risky-users-high")
    account.set_values(high, [value.title() for value in high.values])
    writes = writes_of(account)
    ticks.tick()
    assert not writes
    ticks.tenant.dismiss(user)
    ticks.tick()
    assert [(write.kind, write.value) for write in writes] == [("remove", user.principal_name.title())]


@pytest.mark.parametrize("odd", [" {}", "{} ", "\t{}"])
def test_an_address_with_a_blank_around_it_is_none_and_goes_once_the_right_one_is_there(odd: str) -> None:
    ticks = kept()
    account, user = ticks.account, ticks.tenant.risky_at("high")[0]
    high = account.list_named("risky-users-high")
    address = user.principal_name.lower()
    spelled = odd.format(address)
    account.set_values(high, [spelled, *(each for each in high.values if each.lower() != address)])
    account.faults = [Fault("status", "PATCH", ONE_LIST, status=503)]
    assert failing(ticks)
    assert spelled in high.values
    account.faults = []
    writes = writes_of(account)
    ticks.tick()
    assert [(write.kind, write.value) for write in writes] == [("append", address), ("remove", spelled)]
    assert right(ticks)


def test_what_has_a_blank_around_it_leaves_with_whoever_moves_and_not_before_they_are_in_the_new_list() -> None:
    ticks = kept()
    account, user = ticks.account, ticks.tenant.risky_at("high")[0]
    high, medium = account.list_named("risky-users-high"), account.list_named("risky-users-medium")
    spelled = f"{user.principal_name.lower()} "
    account.set_values(high, [spelled, *(each for each in high.values if each.lower() != spelled.strip())])
    ticks.tenant.set_risk(user, "medium")
    account.faults = [Fault("status", "PATCH", f"{LISTS}/{medium.id}", status=503)]
    assert failing(ticks)
    assert spelled in high.values
    account.faults = []
    ticks.tick()
    ticks.tick()
    assert right(ticks)


def test_two_spellings_of_one_address_leave_together() -> None:
    ticks = kept()
    account, user = ticks.account, ticks.tenant.risky_at("high")[0]
    high = account.list_named("risky-users-high")
    account.set_values(high, [*high.values, user.principal_name.upper()])
    ticks.tick()
    ticks.tenant.dismiss(user)
    ticks.tick()
    assert right(ticks)


# --- what it costs ---


def counts(ticks: Lane) -> tuple[int, int]:
    """Subrequests to Microsoft and to Cloudflare in the latest tick."""
    return ticks.tenant.subrequests, ticks.account.subrequests


@pytest.mark.parametrize("risky", [0, 12, 480])
def test_a_quiet_minute_takes_one_subrequest_of_each_service(risky: int) -> None:
    ticks = kept(risky)
    ticks.tick()
    assert ticks.tick().outcome == "in sync"
    assert counts(ticks) == (1, 1)
    assert ticks.asked() == ["GET "]


def test_a_cold_isolate_reads_every_list_in_full() -> None:
    ticks = kept(12)
    ticks.tick()
    ticks.restart()
    ticks.tick()
    assert counts(ticks) == (3, 4)


def test_every_list_is_read_in_full_after_a_change_and_every_quarter_of_an_hour() -> None:
    ticks = kept()
    ticks.tick()
    ticks.tenant.set_risk(ticks.tenant.add_user(), "high")
    ticks.tick()
    assert [each.split("/")[0] for each in ticks.asked()] == ["GET ", "PATCH "]
    ticks.tick()
    assert len(ticks.asked()) == 2
    ticks.tick()
    assert len(ticks.asked()) == 1
    ticks.clock.time += REREAD_SECONDS
    ticks.tick()
    assert len(ticks.asked()) == 4


@pytest.mark.parametrize(("joining", "taken"), [(100, [(4, 4), (1, 4), (1, 1)]), (1000, [(18, 4), (2, 4), (2, 1)])])
def test_so_many_joins_take_so_many_subrequests_and_each_list_is_read_a_minute_later(joining: int, taken: list[tuple[int, int]]) -> None:
    ticks = kept(0)
    for number in range(joining):
        ticks.tenant.set_risk(ticks.tenant.add_user(mail=f"mail{number}@contoso.com"), RISK_LEVELS[number % 3])
    made = []
    for _ in taken:
        ticks.tick()
        made.append(counts(ticks))
        assert right(ticks)
    assert made == taken


def settled(size: int, **given: str) -> Lane:
    """A lane with so many high users in list and group, kept but for the first minute."""
    ticks = lane(0, **given)  # type: ignore[arg-type]  # all given are texts
    ticks.account.state.enterprise = size > 1000
    ticks.tick()
    ticks.clock.time += 1000
    group = ticks.tenant.group_named(GROUP_NAMES["high"])
    for _ in range(size):
        user = ticks.tenant.add_user()
        ticks.tenant.set_risk(user, "high")
        ticks.tenant.add_member(group, user)
    ticks.account.set_values(ticks.account.list_named("risky-users-high"), [user.principal_name for user in ticks.tenant.risky_at("high")])
    return ticks


@pytest.mark.parametrize(("embedded", "reads"), [("all", 1), ("first 1000", 7)])
def test_a_list_of_5000_is_read_in_one_request_or_paged(embedded: str, reads: int) -> None:
    ticks = settled(5000, GATEWAY_LIST_SIZE="5000")
    ticks.account.behaviour.embedded_items = embedded  # type: ignore[assignment]  # one of these
    assert ticks.tick().outcome == "in sync"
    risk_pages, the_others = 10, 2
    assert counts(ticks) == (risk_pages, 1 + reads + the_others)
    ticks.tick()
    assert counts(ticks) == (risk_pages, 1)


def paged(size: int = 1500) -> Lane:
    """A lane whose list of high has so many addresses that it comes in pages, with one who is to leave it."""
    ticks = settled(size, GATEWAY_LIST_SIZE="5000")
    ticks.account.behaviour.embedded_items = "first 1000"
    ticks.tick()
    ticks.tenant.dismiss(ticks.tenant.risky_at("high")[0])
    ticks.clock.time += REREAD_SECONDS
    return ticks


def shifts_after(ticks: Lane, ending: str) -> None:
    """Let the list of high move up by one after the request that ends so, its size the same."""
    high = ticks.account.list_named("risky-users-high")

    def hear() -> None:
        if ticks.account.requests and ticks.account.requests[-1].url.endswith(ending):
            ticks.account.on_change = None
            ticks.account.set_values(high, [*high.values[1:], "stranger@example.com"])

    ticks.account.on_change = hear


@pytest.mark.parametrize("ending", ["/items?page=1&per_page=1000", "/items?page=2&per_page=1000"])
def test_nobody_leaves_a_list_that_changed_while_its_pages_were_read(ending: str) -> None:
    ticks = paged()
    shifts_after(ticks, ending)
    writes = writes_of(ticks.account)
    assert any("it changed while its pages were read" in problem for problem in failing(ticks))
    assert [write.value for write in writes if write.kind == "remove"] == []
    ticks.tick()
    ticks.tick()
    assert right(ticks)


def test_of_pages_that_no_minute_is_left_to_confirm_nothing_is_used_until_the_next_one_has() -> None:
    ticks = paged()
    ticks.account.faults = [Fault("status", "GET", ONE_LIST, status=503, skip=3, times=1)]
    writes = writes_of(ticks.account)
    assert failing(ticks)
    assert [write.value for write in writes if write.kind == "remove"] == []
    ticks.tick()
    assert right(ticks)
    assert not [each for each in ticks.asked() if each.startswith("GET /")]


# --- any budget, any size ---


def minutes_until_right(ticks: Lane, most: int, **overrides: str) -> int:
    for minute in range(1, most + 1):
        with suppress(SyncFailed):
            ticks.tick(**overrides)
        if ticks.held() == ticks.wanted() and groups_right(ticks):
            return minute
    raise AssertionError(f"not right after {most} minutes: {ticks.log}")


@pytest.mark.parametrize("risky", [12, 300, 900])
def test_twenty_subrequests_suffice_for_both_targets(risky: int) -> None:
    ticks = lane(risky)
    for user in ticks.tenant.users:
        ticks.tenant.rename_mailbox(user, f"Mail.{user.principal_name}")
    assert minutes_until_right(ticks, 12, MAX_SUBREQUESTS="20") <= {12: 1, 300: 3, 900: 8}[risky]
    assert not ticks.account.violations


def test_a_list_that_takes_more_requests_than_a_tick_has_is_read_over_several_minutes() -> None:
    ticks = settled(1500, GATEWAY_LIST_SIZE="5000")
    ticks.account.behaviour.embedded_items = "none"
    ticks.account.behaviour.items_page_at_most = 100
    ticks.tenant.dismiss(ticks.tenant.risky_at("high")[0])
    ticks.tenant.set_risk(ticks.tenant.add_user(), "high")
    ticks.tenant.set_risk(ticks.tenant.add_user(), "low")
    with suppress(SyncFailed):
        ticks.tick(MAX_SUBREQUESTS="20")
    assert ticks.held()["low"] == ticks.wanted()["low"]  # which does not wait for it
    assert minutes_until_right(ticks, 9, MAX_SUBREQUESTS="20") <= 6


def test_lists_that_change_every_minute_keep_each_other_from_nothing_in_the_smallest_budget() -> None:
    ticks = kept(0)
    for minute in range(8):
        for level in RISK_LEVELS:
            for user in ticks.tenant.risky_at(level):
                ticks.tenant.dismiss(user)
            ticks.tenant.set_risk(ticks.tenant.add_user(mail=f"{level}{minute}@contoso.com"), level)
        ticks.tick(MAX_SUBREQUESTS="20")
        assert right(ticks)


def test_the_groups_share_of_the_subrequests_is_never_eaten_by_the_lists() -> None:
    ticks = kept(0)
    ticks.account.behaviour.append_of_present = 409
    ticks.account.faults = [Fault("status", "PATCH", ONE_LIST, status=400, code="x", message="invalid item")]
    for number in range(60):
        ticks.tenant.set_risk(ticks.tenant.add_user(), RISK_LEVELS[number % 3])
    failing(ticks, MAX_SUBREQUESTS="20")
    assert groups_right(ticks)
    assert ticks.tenant.subrequests + ticks.account.subrequests <= 20


# --- full lists ---


def test_what_does_not_fit_is_told_by_its_number_and_the_group_has_them_all() -> None:
    ticks = lane(0, GATEWAY_LIST_SIZE="4")
    for number in range(6):
        ticks.tenant.set_risk(ticks.tenant.add_user(mail=f"mail{number}@contoso.com"), "high")
    for _ in range(2):
        assert ticks.tick().outcome == "left over"
        assert "high list: no room for 2 users" in " ".join(lines(ticks, "warn"))
    assert len(ticks.values("high")) == 4
    assert all(value.startswith("mail") for value in ticks.values("high"))
    assert groups_right(ticks)


def test_second_forms_give_way_to_first_ones() -> None:
    ticks = lane(0, GATEWAY_LIST_SIZE="4")
    tenant = ticks.tenant
    for number in range(2):
        tenant.set_risk(tenant.add_user(mail=f"mail{number}@contoso.com"), "high")
    ticks.tick()
    assert len(ticks.values("high")) == 4
    for number in range(2, 4):
        tenant.set_risk(tenant.add_user(mail=f"mail{number}@contoso.com"), "high")
    ticks.tick()
    assert sorted(ticks.values("high")) == [f"mail{number}@contoso.com" for number in range(4)]


def one_form(**given: str) -> Lane:
    """Twelve risky users whose mailboxes are their principal names."""
    ticks = kept(0, **given)
    for number in range(12):
        ticks.tenant.set_risk(ticks.tenant.add_user(), RISK_LEVELS[number % 3])
    ticks.tick()
    return ticks


def test_whoever_finds_no_room_in_the_new_list_stays_in_the_old_one() -> None:
    ticks = one_form(GATEWAY_LIST_SIZE="4")
    moving = ticks.tenant.risky_at("medium")[0]
    ticks.tenant.set_risk(moving, "high")
    for _ in range(2):
        assert ticks.tick().outcome == "left over"
        assert moving.principal_name.lower() in ticks.held()["medium"]
    ticks.tenant.dismiss(ticks.tenant.risky_at("high")[0])
    ticks.tick()
    ticks.tick()
    assert right(ticks)


def test_a_full_list_has_whoever_joins_as_soon_as_others_have_left() -> None:
    ticks = one_form(GATEWAY_LIST_SIZE="4")
    ticks.account.behaviour.removes_first = False
    for user in ticks.tenant.risky_at("high"):
        ticks.tenant.dismiss(user)
        ticks.tenant.set_risk(ticks.tenant.add_user(), "high")
    ticks.tick()
    ticks.tick()
    assert right(ticks)


def test_a_list_that_the_account_does_not_let_grow_so_far_is_filled_and_the_minute_says_what_to_set() -> None:
    ticks = kept(0, GATEWAY_LIST_SIZE="5000")
    for _ in range(1030):
        ticks.tenant.set_risk(ticks.tenant.add_user(), "high")
    assert any("GATEWAY_LIST_SIZE" in problem for problem in failing(ticks))
    for _ in range(3):
        failing(ticks)
    assert len(ticks.values("high")) == 1000


def test_no_request_changes_more_than_a_thousand_values() -> None:
    ticks = settled(2500, GATEWAY_LIST_SIZE="5000")
    ticks.account.set_values(ticks.account.list_named("risky-users-high"), [f"stranger{number}@x.com" for number in range(2200)])
    assert minutes_until_right(ticks, 2) == 2  # whose they are is not known, and the risky users come in several answers
    assert sum(each.method == "PATCH" for each in ticks.account.requests) == 3
    assert not ticks.account.violations


# --- what is refused as a whole, or may be ---


def test_an_account_that_takes_fewer_values_at_once_than_it_says_is_filled_part_by_part() -> None:
    ticks = lane(0, GATEWAY_ADDRESSES="mail")
    ticks.account.behaviour.values_per_patch = 100
    at_risk(ticks, 1000, "high")
    for _ in range(3):
        failing(ticks)
    assert len(ticks.held()["high"]) == 1000


def test_a_list_that_holds_less_than_configured_is_filled_as_far_as_it_goes() -> None:
    ticks = lane(0, GATEWAY_ADDRESSES="mail", GATEWAY_LIST_SIZE="5000")
    at_risk(ticks, 940, "high")
    ticks.tick()
    at_risk(ticks, 900, "high", name="Another")
    for _ in range(3):
        failing(ticks)
    assert len(ticks.held()["high"]) == 1000


def test_what_one_list_refuses_is_tried_at_once_in_another() -> None:
    ticks = lane(0, GATEWAY_ADDRESSES="mail", GATEWAY_LIST_SIZE="5000")
    at_risk(ticks, 1000, "low")
    late = [ticks.tenant.add_user(f"Late {number}") for number in range(10)]
    failing(ticks)
    for user in late:
        ticks.tenant.set_risk(user, "low")
        failing(ticks)
    for user in late:
        ticks.tenant.set_risk(user, "high")
    failing(ticks)
    assert len(ticks.held()["high"]) == len(late)


def test_no_second_form_gives_way_while_the_risky_users_are_not_all_read() -> None:
    ticks = lane(0, GATEWAY_LIST_SIZE="6")
    at_risk(ticks, 3, "high", mail=True)
    ticks.tick()
    before = ticks.held()["high"]
    ticks.tenant.set_risk(ticks.tenant.add_user("Another"), "high")
    ticks.tenant.faults.append(Fault("foreign link", path="/identityProtection/riskyUsers*"))
    assert failing(ticks)
    assert before <= ticks.held()["high"]


def test_second_forms_that_do_not_fit_are_told_with_their_number() -> None:
    ticks = lane(0, GATEWAY_LIST_SIZE="3")
    at_risk(ticks, 3, "high", mail=True)
    ticks.tick()
    ticks.tick()
    assert "high list: 3 further addresses of users who are listed do not fit; GATEWAY_LIST_SIZE is 3." in lines(ticks, "warn")


@pytest.mark.parametrize("most", [1, 4])
@pytest.mark.parametrize("lag", [0.0, 45.0])
@pytest.mark.parametrize("status", [400, 403, 404, 503])
def test_a_removal_that_was_made_whatever_was_answered_counts(status: int, lag: float, most: int) -> None:
    ticks = lane(0, MAX_REMOVALS=str(most), GATEWAY_ADDRESSES="mail")
    users = at_risk(ticks, 30, "high")
    ticks.tick()
    for user in users[:12]:
        ticks.tenant.dismiss(user)
    ticks.account.faults.append(Fault("status after", "PATCH", ONE_LIST, status=status, times=1))
    ticks.account.behaviour.list_lag = lag
    seen = writes_of(ticks.account)
    with suppress(SyncFailed):
        ticks.tick()
    assert sum(write.kind == "remove" for write in seen) == most


def test_a_removal_that_may_have_been_made_counts_for_the_other_lists_although_nothing_more_is_to_be_learnt() -> None:
    ticks = lane(0, MAX_REMOVALS="1", GATEWAY_ADDRESSES="mail")
    leaving = [at_risk(ticks, 5, level)[0] for level in ("high", "low")]
    for _ in range(2):
        ticks.tick()
    for user in leaving:
        ticks.tenant.dismiss(user)
    ticks.account.faults += [Fault("status after", "PATCH", ONE_LIST, status=400, times=1), Fault("status", "GET", ONE_LIST, status=503)]
    seen = writes_of(ticks.account)
    assert failing(ticks)
    assert sum(write.kind == "remove" for write in seen) == 1
