"""Whatever Cloudflare answers: what is known of its errors, what it leaves open both ways, and what makes no sense."""

import json
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from itertools import product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from addresses import Mailbox, forms
from budget import HttpRequest, HttpResponse
from errors import SyncFailed
from plan import RISK_LEVELS
from simulator import Fault, User
from simulator.cloudflare import Account
from simulator.cloudflare.faults import Ineffective
from simulator.cloudflare.state import GatewayList
from tests.lanes import CLOUDFLARE, Lane, kept, writes_of
from tests.unit.test_fuzz import bodies, headers, values
from tests.unit.test_lists import LISTS, ONE_LIST, after_the_read, assert_private, failing, groups_right, lines, right, settled
from tests.unit.test_lists import forged as forged_lane

LISTING, READ, CHANGE = ("GET", LISTS), ("GET", ONE_LIST), ("PATCH", ONE_LIST)


@dataclass
class Minute:
    """A lane a minute before somebody joins, somebody moves and somebody leaves; READs are due."""

    ticks: Lane
    gone: User
    moved: User
    removable: set[str] = field(default_factory=set)

    def removed_only_what_may_go(self) -> bool:
        return {write.value.lower() for write in self.writes if write.kind == "remove"} <= self.removable

    def __post_init__(self) -> None:
        self.writes = writes_of(self.ticks.account)
        self.removable = {each for user in (self.gone, self.moved) for each in addresses(user)}


def addresses(user: User) -> tuple[str, ...]:
    return forms(Mailbox(user.mail, user.principal_name), "both")


def minute(**given: str) -> Minute:
    ticks = kept(**given)  # type: ignore[arg-type]  # all given are texts
    tenant = ticks.tenant
    gone, moved = tenant.risky_at("high")[0], tenant.risky_at("medium")[0]
    tenant.dismiss(gone)
    tenant.set_risk(moved, "high")
    tenant.set_risk(tenant.add_user(mail="Ada.L@contoso.com"), "low")
    ticks.clock.time += 1000
    return Minute(ticks, gone, moved)


def comes_right(ticks: Lane, minutes: int = 2) -> bool:
    ticks.account.faults = []
    for _ in range(minutes):
        ticks.tick()
    return right(ticks)


# --- errors that are known ---

TOKEN = "npx wrangler secret put GATEWAY_API_TOKEN"
ERRORS = [
    (400, "6003", "malformed"),
    (400, "6111", "malformed"),
    (401, "1000", TOKEN),
    (401, "9109", TOKEN),
    (403, "9109", TOKEN),
    (403, "10000", "if this lasts for minutes"),
    (400, "10000", "if this lasts for minutes"),
    (403, "", "Zero Trust Write"),
    (401, "", "Zero Trust Write"),
    (400, "7003", "check CLOUDFLARE_ACCOUNT_ID"),
    (404, "7000", "check CLOUDFLARE_ACCOUNT_ID"),
    (400, "2218", "there is no list with this id"),
    (404, "", "there is no list with this id"),
    (400, "2999", "refuses the request with status 400"),
    (408, "", "answers 408"),
    (429, "", "throttling"),
    (429, "1015", "throttling"),
    (400, "971", "throttling"),
    (500, "", "answers 500"),
    (502, "", "answers 502"),
    (504, "", "answers 504"),
    (520, "", "answers 520"),
    (526, "", "answers 526"),
]


@pytest.mark.parametrize("place", [LISTING, READ, CHANGE], ids=" ".join)
@pytest.mark.parametrize(("status", "code", "remedy"), ERRORS)
def test_an_error_is_told_with_its_remedy_and_stays_the_lists_own(place: tuple[str, str], status: int, code: str, remedy: str) -> None:
    coming = minute()
    ticks = coming.ticks
    ticks.account.faults = [Fault("status", *place, status=status, code=code, message=f"{addresses(coming.gone)[0]} is not welcome")]
    problems = failing(ticks)
    assert any(remedy in problem for problem in problems)
    assert any(f"({code})" in problem for problem in problems) or not code or code == "1015"
    assert groups_right(ticks)
    assert not coming.writes
    assert_private(ticks)
    assert comes_right(ticks)


KINDS = [
    "redirect",
    "html",
    "truncated",
    "garbage",
    "not an object",
    "unanswered",
    "no value",
    "drop",
    "drop after",
    "status after",
    "slow",
]


@pytest.mark.parametrize("place", [LISTING, READ, CHANGE], ids=" ".join)
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("times", [1, None])
def test_an_answer_that_is_none_removes_nothing_by_mistake_and_the_minute_says_so(
    place: tuple[str, str], kind: str, times: int | None
) -> None:
    coming = minute()
    ticks = coming.ticks
    ticks.account.faults = [Fault(kind, *place, delay=20.0, times=times)]  # type: ignore[arg-type]  # one of Fault's kinds
    assert failing(ticks)
    assert groups_right(ticks)
    assert coming.removed_only_what_may_go()
    assert_private(ticks)
    assert comes_right(ticks)


def test_a_page_of_html_that_says_it_is_a_success_is_none() -> None:
    coming = minute()
    coming.ticks.account.faults = [Fault("html", status=200)]
    assert any("nothing that can be read" in problem for problem in failing(coming.ticks))
    assert not coming.writes


@pytest.mark.parametrize("form", ["json", "text", "html"])
@pytest.mark.parametrize("place", [LISTING, READ, CHANGE], ids=" ".join)
def test_429_in_whatever_form_ends_the_lanes_minute(place: tuple[str, str], form: str) -> None:
    coming = minute()
    account = coming.ticks.account
    account.behaviour.throttled_as = form  # type: ignore[assignment]  # one of these
    account.faults = [Fault("status", *place, status=429)]
    assert failing(coming.ticks)
    statuses = [each.status for each in account.requests]
    assert statuses.index(429) == len(statuses) - 1
    assert groups_right(coming.ticks)
    assert comes_right(coming.ticks)


def test_the_token_goes_to_cloudflare_alone_and_a_redirect_is_not_followed() -> None:
    coming = minute()
    coming.ticks.account.faults = [Fault("redirect", *LISTING)]
    assert any("redirect" in problem for problem in failing(coming.ticks))
    assert not coming.ticks.account.violations
    assert len(coming.ticks.account.requests) == 1


def test_a_list_of_another_type_is_left_alone() -> None:
    ticks = kept()
    domains = ticks.account.add_list("domains", ["example.com"], kind="DOMAIN")
    problems = failing(ticks, GATEWAY_LIST_HIGH=domains.id)
    assert any("of type DOMAIN, and only one of type EMAIL" in problem for problem in problems)
    assert domains.values == ["example.com"]


def test_a_list_that_was_deleted_is_told_and_keeps_nothing_from_the_others() -> None:
    coming = minute()
    high = coming.ticks.account.list_named("risky-users-high")
    high.deleted = coming.ticks.clock.time
    assert any("there is no list with this id" in problem for problem in failing(coming.ticks, GATEWAY_LIST_HIGH=high.id))
    assert "ada.l@contoso.com" in map(str.lower, coming.ticks.values("low"))
    assert addresses(coming.moved)[0] in map(str.lower, coming.ticks.values("medium"))
    assert groups_right(coming.ticks)


def test_a_token_that_does_not_see_a_list_in_the_listing_reads_it_by_its_id() -> None:
    coming = minute()
    hidden = coming.ticks.account.list_named("risky-users-high")
    meddled = forged_lane(coming.ticks)

    def forge(request: HttpRequest, answer: HttpResponse) -> HttpResponse:
        if not request.url.endswith("/lists"):
            return answer
        body = json.loads(answer.body)
        body["result"] = [each for each in body["result"] if each["id"] != hidden.id]
        return answer._replace(body=json.dumps(body))

    meddled.forge = forge
    meddled.tick()
    meddled.tick()
    assert right(meddled)


# --- values that are not as they were when they were read ---


@pytest.mark.parametrize(("rest", "codes"), [*product([True, False], ["number", "absent"])])
def test_a_value_removed_meanwhile_keeps_the_others_in_no_longer(rest: bool, codes: str) -> None:  # a parameter
    coming = minute()
    account = coming.ticks.account
    account.behaviour.rest_applied, account.behaviour.unknown_codes = rest, codes  # type: ignore[assignment]  # one of these
    gone, other = coming.gone, coming.ticks.tenant.risky_at("high")[0]
    coming.ticks.tenant.dismiss(other)
    high = account.list_named("risky-users-high")
    after_the_read(account, lambda: account.set_values(high, [each for each in high.values if each.lower() not in addresses(gone)]))
    with suppress(SyncFailed):
        coming.ticks.tick()
    assert coming.ticks.held() == coming.ticks.wanted()
    assert comes_right(coming.ticks)


@pytest.mark.parametrize(("present", "rest"), [*product(["accepted", 409, 400], [True, False])])
def test_a_value_appended_meanwhile_keeps_the_others_out_no_longer(present: str | int, rest: bool) -> None:  # a parameter
    coming = minute()
    account = coming.ticks.account
    account.behaviour.append_of_present, account.behaviour.rest_applied = present, rest  # type: ignore[assignment]  # one of these
    coming.ticks.tenant.set_risk(coming.ticks.tenant.add_user(mail="Bob.B@contoso.com"), "low")
    low = account.list_named("risky-users-low")
    after_the_read(account, lambda: account.set_values(low, [*low.values, "ada.l@contoso.com"]))
    with suppress(SyncFailed):
        coming.ticks.tick()
    assert coming.ticks.held()["low"] == coming.ticks.wanted()["low"]
    assert comes_right(coming.ticks)


def test_what_is_listed_and_not_found_when_it_is_to_leave_fails_the_minute() -> None:
    coming = minute()
    gone = next(value for value in coming.ticks.values("high") if value.lower() in addresses(coming.gone))
    message = f"item to be removed, {gone}, not found in list"
    coming.ticks.account.faults = [Fault("status", *CHANGE, status=400, code="x", message=message, skip=2)]
    assert any(f"An address of user {coming.gone.id} is refused" in problem for problem in failing(coming.ticks))
    assert comes_right(coming.ticks)


def test_a_list_that_changes_under_a_large_change_does_not_end_the_tick() -> None:
    ticks = settled(2300, GATEWAY_LIST_SIZE="5000")
    high = ticks.account.list_named("risky-users-high")
    ticks.account.set_values(high, [*high.values, *(f"stranger{number}@x.com" for number in range(1500))])
    after_the_read(ticks.account, lambda: ticks.account.set_values(high, high.values[:1200]))
    ticks.tick()
    ticks.tick()
    assert right(ticks)


@dataclass
class Particular(Lane):
    """An account that does not take some addresses, for a reason nobody has ever seen."""

    odd: frozenset[str] = frozenset()

    async def fetch(self, request: HttpRequest) -> HttpResponse:
        if request.method == "PATCH" and CLOUDFLARE in request.url:
            appended = {each["value"] for each in json.loads(request.body).get("append", ())}
            if appended & self.odd:
                self.account.requests.append(type(self.account.requests[-1])(self.clock.now(), "PATCH", request.url, 400))
                self.account.subrequests += 1
                error = {"code": 2999, "message": f"{min(self.odd & appended)} is not welcome"}
                return HttpResponse(400, {}, json.dumps({"success": False, "errors": [error], "result": None}))
        return await super().fetch(request)


def particular(ticks: Lane, *odd: str) -> Particular:
    return Particular(ticks.tenant, ticks.clock, ticks.cache, account=ticks.account, given=ticks.given, odd=frozenset(odd))


def test_one_address_that_is_refused_keeps_nobody_else_out_and_is_named_by_its_users_id() -> None:
    ticks = particular(kept(0), "odd77@contoso.com")
    tenant = ticks.tenant
    users = [tenant.add_user(mail=f"Odd{number}@contoso.com") for number in range(200)]
    for user in users:
        tenant.set_risk(user, "high")
    assert any(f"An address of user {users[77].id} is refused" in problem for problem in failing(ticks))
    assert ticks.held()["high"] == ticks.wanted()["high"] - {"odd77@contoso.com"}
    assert_private(ticks)
    assert any(users[77].id in problem for problem in failing(ticks))  # and it is not looked for again
    assert [each.split("/")[0] for each in ticks.asked()] == ["GET ", "GET ", "PATCH "]
    assert groups_right(ticks)
    ticks.odd = frozenset()
    ticks.tick()
    ticks.tick()
    assert right(ticks)


def many_odd(number: int) -> Particular:
    """So many users at risk, each of whose addresses was found to be refused."""
    names = [f"odd{each}@contoso.com" for each in range(number)]
    ticks = particular(kept(0, GATEWAY_ADDRESSES="mail"), *names)
    for name in names:
        ticks.tenant.set_risk(ticks.tenant.add_user(mail=name), "high")
    for _ in range(12):
        failing(ticks)
    return ticks


def test_once_nothing_is_refused_any_more_all_that_was_is_in_the_list_within_a_minute() -> None:
    ticks = many_odd(30)
    ticks.odd = frozenset()
    ticks.tick()
    assert ticks.held()["high"] == ticks.wanted("mail")["high"]
    back = ticks.tenant.risky_at("high")[:5]
    for user in back:
        ticks.tenant.dismiss(user)
    ticks.tick()
    for user in [*back, ticks.tenant.add_user(mail="new@contoso.com")]:
        ticks.tenant.set_risk(user, "high")
    ticks.tick()
    assert sum(each.startswith("PATCH") for each in ticks.asked()) == 1  # nothing is known against any of them any more
    assert ticks.held()["high"] == ticks.wanted("mail")["high"]


@pytest.mark.parametrize(("odd", "requests"), [(1, 1), (2, 2), (3, 3), (30, 3)])
def test_however_much_is_refused_trying_it_again_costs_three_requests_a_minute(odd: int, requests: int) -> None:
    ticks = many_odd(odd)
    failing(ticks)
    assert sum(each.startswith("PATCH") for each in ticks.asked()) == requests


def test_among_many_that_are_refused_each_has_its_turn_alone() -> None:
    ticks = many_odd(9)
    ticks.odd -= {"odd4@contoso.com", "odd8@contoso.com"}
    for _ in range(5):
        failing(ticks)
    assert ticks.held()["high"] == {"odd4@contoso.com", "odd8@contoso.com"}


def test_whoever_is_in_the_new_list_by_one_of_two_addresses_leaves_the_old_one() -> None:
    ticks = particular(kept(0), "odd@contoso.com")
    user = ticks.tenant.add_user(mail="Odd@contoso.com")
    ticks.tenant.set_risk(user, "medium")
    failing(ticks)
    ticks.tenant.set_risk(user, "high")
    failing(ticks)
    assert ticks.held() == {"high": {user.principal_name.lower()}, "medium": set(), "low": set()}


def test_whoever_is_refused_altogether_stays_in_the_old_list() -> None:
    plain = kept(0)
    user = plain.tenant.add_user()
    plain.tenant.set_risk(user, "medium")
    plain.tick()
    ticks = particular(plain, user.principal_name.lower())
    ticks.tenant.set_risk(user, "high")
    for _ in range(2):
        assert failing(ticks)
        assert ticks.held()["medium"] == {user.principal_name.lower()}


# --- what is unsettled, both ways ---

UNSETTLED: list[Mapping[str, object]] = [
    *({"append_of_present": present, "rest_applied": rest} for present, rest in product(["accepted", 409, 400], [True, False])),
    {"removes_first": False},
    {"removes_first": False, "append_of_present": 409},
    *({"unique_by": unique, "lower_cases": lower} for unique, lower in product(["spelling", "letters"], [True, False])),
    *({"items_page_at_most": most, "per_page_beyond": how} for most, how in product([50, 100, 250], ["clamp", "refused"])),
    {"embedded_items": "first 1000", "result_info": False},
    {"embedded_items": "none", "result_info": False},
    *({"empty_items": empty, "zero_count": zero} for empty, zero in product(["null", "absent", "[]"], ["absent", "zero"])),
    {"values_per_patch": 3},
    {"body_at_most": 400},
    {"unknown_codes": "absent", "append_of_present": 400},
    {"listing_takes_queries": False, "result_info": False},
    {"missing_right": "400 10000"},
    {"missing_right": "403 9109"},
    {"invalid_token_status": 403},
    {"list_lag": 45.0},
    {"list_lag": 45.0, "append_of_present": 409},
    {"retry_after": False},
]


def meddle(account: Account, target: GatewayList, number: int) -> None:
    """Somebody takes an address out of a list by hand, puts one in, or spells them all anew."""
    values = target.values
    account.set_values(target, [values[1:], [*values, f"Stranger{number}@x.com"], [value.title() for value in values]][number % 3])


def live(ticks: Lane, account: Account, minutes: int) -> None:
    """Minutes in which risk changes and somebody meddles with the lists, some of it while a tick is under way."""
    tenant = ticks.tenant
    for number in range(minutes):
        level = RISK_LEVELS[number % 3]
        target = account.list_named(f"risky-users-{level}")
        for user in tenant.risky_at(level)[:2]:
            tenant.dismiss(user)
        for user in tenant.risky_at(RISK_LEVELS[(number + 1) % 3])[:2]:
            tenant.set_risk(user, level)
        tenant.set_risk(tenant.add_user(mail=f"Mail{number}@contoso.com"), level)
        if number % 2:
            after_the_read(account, partial(meddle, account, target, number))
        else:
            meddle(account, target, number)
        with suppress(SyncFailed):
            ticks.tick()
        assert groups_right(ticks)
        assert_private(ticks)


@pytest.mark.parametrize("behaviour", UNSETTLED, ids=str)
def test_the_lists_come_right_whichever_way_it_is(behaviour: Mapping[str, object]) -> None:
    ticks = kept(30)
    account = ticks.account
    for name, value in behaviour.items():
        setattr(account.behaviour, name, value)
    live(ticks, account, 4)
    account.on_change = None
    for _ in range(3):
        ticks.clock.time += account.behaviour.list_lag
        with suppress(SyncFailed):
            ticks.tick()
    assert right(ticks)


@pytest.mark.parametrize(
    "behaviour", [each for each in UNSETTLED if {"items_page_at_most", "embedded_items", "values_per_patch"} & each.keys()], ids=str
)
def test_long_lists_come_right_whichever_way_it_is(behaviour: Mapping[str, object]) -> None:
    ticks = settled(700)
    account = ticks.account
    account.behaviour.embedded_items, account.behaviour.embedded_at_most = "none", 100
    for name, value in behaviour.items():
        setattr(account.behaviour, name, value)
    for user in ticks.tenant.risky_at("high")[::150]:
        ticks.tenant.dismiss(user)
    ticks.tenant.set_risk(ticks.tenant.add_user(), "high")
    for _ in range(4):
        with suppress(SyncFailed):
            ticks.tick()
    assert right(ticks)


@pytest.mark.parametrize("spelled", [str.upper, lambda list_id: list_id.replace("-", "")])
def test_an_id_in_capitals_or_without_dashes_names_the_same_list(spelled: Callable[[str], str]) -> None:
    ticks = kept()
    high = ticks.account.list_named("risky-users-high")
    ticks.account.state.lists[spelled(high.id).lower()] = high  # for this account knows either
    ticks.tenant.set_risk(ticks.tenant.add_user(), "high")
    for _ in range(3):
        ticks.tick(GATEWAY_LIST_HIGH=spelled(high.id))
    assert right(ticks)
    assert ticks.asked() == ["GET "]


def test_a_refusal_that_passes_is_told_at_once_and_is_over_in_the_next_minute() -> None:
    coming = minute()
    coming.ticks.account.faults = [Fault("status", *LISTING, status=403, code="10000", message="Authentication error", times=1)]
    assert any("something passes at Cloudflare: if this lasts" in problem for problem in failing(coming.ticks))
    assert comes_right(coming.ticks)


def test_of_a_list_whose_change_was_refused_after_it_was_made_no_number_is_told() -> None:
    coming = minute()
    coming.ticks.account.faults = [Fault("status after", *CHANGE, status=403, code="10000", skip=1, times=1)]
    assert failing(coming.ticks)
    assert "low" not in coming.ticks.record["lists"]["members"]  # type: ignore[index]  # it is a record
    assert comes_right(coming.ticks)


def test_a_token_that_is_seconds_old_and_one_that_is_dead_are_told_alike_and_cost_one_request() -> None:
    for spoil in (lambda account: setattr(account.token, "disabled", True), lambda account: account.token.permissions.clear()):
        coming = minute()
        spoil(coming.ticks.account)
        assert any(TOKEN in problem for problem in failing(coming.ticks))
        assert coming.ticks.account.subrequests == 1
        assert groups_right(coming.ticks)


@pytest.mark.parametrize("lie", [lambda count: count + 1, lambda count: count - 1, lambda count: "3", lambda count: None, lambda count: -1])
def test_a_count_that_does_not_agree_with_the_items_changes_nothing(lie: Callable[[int], object]) -> None:
    coming = minute()
    ticks = forged_lane(coming.ticks)

    def forge(request: HttpRequest, answer: HttpResponse) -> HttpResponse:
        if CLOUDFLARE not in request.url or request.method != "GET" or "items" in request.url or request.url.endswith("/lists"):
            return answer
        body = json.loads(answer.body)
        body["result"]["count"] = lie(body["result"].get("count", 0))
        return answer._replace(body=json.dumps(body))

    ticks.forge = forge
    assert failing(ticks)
    assert not coming.writes
    assert groups_right(ticks)


def test_items_that_come_in_pages_are_followed_to_the_end_or_not_used() -> None:
    coming = minute()
    ticks = forged_lane(coming.ticks)

    def forge(request: HttpRequest, answer: HttpResponse) -> HttpResponse:
        body = json.loads(answer.body) if CLOUDFLARE in request.url and request.method == "GET" else {}
        if "/items?" in request.url or (isinstance(body.get("result"), dict) and "items" in body["result"]):
            holder = body if "/items?" in request.url else body["result"]
            name = "result" if "/items?" in request.url else "items"
            holder[name] = (holder[name] or [])[:1]
            return answer._replace(body=json.dumps(body))
        return answer

    ticks.forge = forge
    assert failing(ticks)
    assert coming.removed_only_what_may_go()
    assert groups_right(ticks)


# --- garbage ---

results = st.fixed_dictionaries(
    {},
    optional={
        "success": st.booleans() | values,
        "errors": values | st.lists(st.fixed_dictionaries({}, optional={"code": st.integers() | values, "message": st.text() | values})),
        "result": values
        | st.lists(st.fixed_dictionaries({}, optional={"id": values, "count": values, "type": values, "updated_at": values}), max_size=3)
        | st.fixed_dictionaries(
            {}, optional={"type": st.sampled_from(["EMAIL", "ada@contoso.com", 7]), "count": st.integers(-2, 5) | values, "items": values}
        ),
    },
)
answers = st.tuples(st.sampled_from([200, 200, 200, 201, 302, 400, 403, 404, 409, 429, 500]), headers, bodies | results.map(json.dumps))


@settings(max_examples=40, deadline=None)
@given(st.lists(answers, min_size=1, max_size=4), st.integers(0, 8), st.booleans())
def test_whatever_cloudflare_answers_nobody_is_removed_who_may_not_go_no_address_is_logged_and_the_groups_are_right(
    found: list[tuple[int, dict[str, str], str]],
    skip: int,
    cold: bool,  # as hypothesis calls it
) -> None:
    coming = minute(LOG_LEVEL="debug")
    ticks = forged_lane(coming.ticks)
    if cold:
        ticks.restart()
    answered = [0]

    def forge(request: HttpRequest, answer: HttpResponse) -> HttpResponse:
        if CLOUDFLARE not in request.url:
            return answer
        answered[0] += 1
        return answer if answered[0] <= skip else HttpResponse(*found[answered[0] % len(found)])

    ticks.forge = forge
    with suppress(SyncFailed):
        ticks.tick()
    assert groups_right(ticks)
    assert coming.removed_only_what_may_go()
    assert not ticks.account.violations
    assert_private(ticks)
    ticks.forge = lambda request, answer: answer
    ticks.tick()
    ticks.tick()
    assert right(ticks)


def test_empty_promises_do_not_last() -> None:
    coming = minute()
    coming.ticks.account.faults = [Ineffective()]
    coming.ticks.tick()
    assert lines(coming.ticks, "info")
    assert comes_right(coming.ticks)
