"""`setup gateway` and its removal, before a simulated account: what is made, what is left alone, what is survived."""

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from plan import RISK_LEVELS
from risky_users.admin.isolation import Choices
from risky_users.setup.steps import GOOD, State
from simulator import Fault
from tests.setup.gateway_desk import ALL, GATEWAY, GatewayDesk, Killed, message_of, state_of

EVERY_LEVEL = Choices(levels=RISK_LEVELS)


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[GatewayDesk]:
    made = GatewayDesk(tmp_path)
    yield made
    made.assert_no_secret_shown()
    assert not made.account.violations


def test_from_nothing_to_an_isolated_browser(desk: GatewayDesk) -> None:
    desk.choices = EVERY_LEVEL
    entries = desk.set_up()
    assert {entry.finding.state for entry in entries} == {State.DONE, State.THERE}
    assert desk.works()
    worker = desk.npx.worker
    assert worker
    assert worker.variables["CLOUDFLARE_ACCOUNT_ID"] == desk.account.id
    for level in RISK_LEVELS:
        person = desk.account.enroll(f"{level}@contoso.com")
        assert not desk.account.page_load(person).isolated
        desk.account.set_values(desk.account.list_named(f"risky-users-{level}"), [person.email])
        assert desk.account.page_load(person).isolated
    assert "# ours" in desk.wrangler_toml


def test_the_workers_token_may_write_gateway_and_nothing_else_and_ends(desk: GatewayDesk) -> None:
    desk.set_up()
    [token] = [token for token in desk.account.state.tokens.values() if token is not desk.administrator]
    assert (token.kind, token.permissions) == ("account", {"Zero Trust Write"})
    assert token.expires
    assert desk.npx.given == [("GATEWAY_API_TOKEN", token.value)]


def test_the_plan_writes_nothing_and_names_all_that_will_be_made(desk: GatewayDesk) -> None:
    before = desk.snapshot()
    entries = desk.plan()
    assert desk.snapshot() == before
    assert desk.account.writes == 0
    assert [entry.step.key for entry in entries if entry.finding.state is State.TO_DO] == [
        "list-high",
        "rule-high",
        "gateway-token",
        "gateway-variables",
        "gateway-deployment",
    ]


def test_a_second_run_changes_nothing_whatever_was_chosen_in_the_first(desk: GatewayDesk) -> None:
    desk.choices = Choices(("high", "low"), ("example.com",), "disabled", "enabled", group_too=True)
    desk.set_up()
    before, desk.choices, desk.account.writes = desk.snapshot(), Choices(), 0
    assert {entry.finding.state for entry in desk.set_up()} == {State.THERE}
    assert desk.snapshot() == before
    assert desk.account.writes == 0


def test_what_removal_leaves_is_what_was_there_before(desk: GatewayDesk) -> None:
    desk.account.add_list("theirs", ["somebody@contoso.com"])
    desk.account.add_rule("theirs", "noisolate", traffic='any(http.request.domains[*] in {"example.com"})')
    desk.account.create_token("theirs", "Zero Trust Read")
    before = desk.snapshot()
    desk.choices = EVERY_LEVEL
    assert {entry.finding.state for entry in desk.set_up()} == {State.DONE, State.THERE}
    desk.account.set_values(desk.account.list_named("risky-users-high"), ["ada@contoso.com"])
    assert {entry.finding.state for entry in desk.remove() if entry.step.key != "gateway-state"} == {State.DONE}
    assert desk.snapshot() == before
    assert {entry.finding.state for entry in desk.remove()} == {State.THERE}
    assert desk.snapshot() == before


def test_removal_without_the_ledger_goes_by_the_marks(desk: GatewayDesk) -> None:
    before = desk.snapshot()
    desk.set_up()
    (desk.folder / ".risky-users.json").unlink()
    desk.remove()
    left = desk.snapshot()
    assert left["lists"] == left["rules"] == []
    assert left["tokens"] == before["tokens"]


@pytest.mark.parametrize("known", ["ledger lost", "account by hand"])
def test_the_account_goes_with_the_last_list_for_the_worker_stops_where_it_has_one_alone(desk: GatewayDesk, known: str) -> None:
    if known == "account by hand":
        (desk.folder / "wrangler.toml").write_text(desk.wrangler_toml + f'CLOUDFLARE_ACCOUNT_ID = "{desk.account.id}"\n')
    desk.set_up()
    if known == "ledger lost":
        (desk.folder / ".risky-users.json").unlink()
    desk.remove()
    worker = desk.npx.worker
    assert worker
    assert "CLOUDFLARE_ACCOUNT_ID" not in worker.variables
    assert "CLOUDFLARE_ACCOUNT_ID" not in desk.wrangler_toml


def test_removal_frees_everybody_before_anything_else_and_forgets_the_lists_before_they_go(desk: GatewayDesk) -> None:
    desk.set_up()
    desk.account.requests.clear()
    done: list[str] = []
    desk.npx.before = lambda what: done.append(what)
    desk.desk.network.before = lambda request: done.append(request.url.path.split("/")[-2]) if request.method == "DELETE" else None
    desk.remove()
    assert done == ["rules", "deploy", "secret delete", "lists", "tokens"]


def test_with_the_worker_gone_or_going_only_cloudflares_side_is_taken_away(desk: GatewayDesk) -> None:
    desk.set_up()
    desk.account.state.workers.clear()
    desk.worker_stays = False
    assert {entry.finding.state for entry in desk.remove()} <= GOOD
    assert not desk.account.state.standing_lists()


# --- what is not touched ---


def test_tls_decryption_is_explained_and_never_switched_on(desk: GatewayDesk) -> None:
    desk.account.decrypt_tls(on=False)
    entries = desk.set_up()
    assert state_of(entries, "tls-decryption") is State.LEFT
    assert "root certificate" in message_of(entries, "tls-decryption")
    assert desk.account.state.settings.value == {"tls_decrypt": {"enabled": False}}
    assert desk.works()


def test_a_list_of_the_same_name_that_somebody_else_made_is_neither_used_nor_removed(desk: GatewayDesk) -> None:
    desk.account.add_list("risky-users-high", ["vip@contoso.com"])
    entries = desk.set_up()
    assert state_of(entries, "list-high") is State.FAILED
    assert "GATEWAY_LIST_HIGH" in message_of(entries, "list-high")
    assert state_of(entries, "rule-high") is state_of(entries, "gateway-token") is State.WAITING
    desk.remove()
    assert desk.account.list_named("risky-users-high").values == ["vip@contoso.com"]


def test_a_list_that_the_variable_names_is_used_and_survives_removal(desk: GatewayDesk) -> None:
    theirs = desk.account.add_list("whoever is at risk")
    (desk.folder / "wrangler.toml").write_text(desk.wrangler_toml + f'GATEWAY_LIST_HIGH = "{theirs.id.replace("-", "")}"\n')
    entries = desk.set_up()
    assert state_of(entries, "list-high") is State.THERE
    assert f"${theirs.id}" in desk.account.rule_named("risky-users: isolate high").identity
    desk.remove()
    assert desk.account.state.standing_lists() == [theirs]
    assert "GATEWAY_LIST_HIGH" in desk.wrangler_toml


def test_a_list_that_the_token_may_not_see_is_not_made_again(desk: GatewayDesk) -> None:
    desk.set_up()
    desk.desk.clock.time += 100
    desk.administrator.lists = set()
    assert state_of(desk.set_up(), "list-high") is State.BLOCKED
    assert len(desk.account.lists_named("risky-users-high")) == 1


def test_a_list_of_another_type_and_one_that_is_gone_are_named(desk: GatewayDesk) -> None:
    wrong = desk.account.add_list("wrong", kind="URL")
    original = desk.wrangler_toml
    for list_id, told in ((wrong.id, "of type URL"), ("01302951-49f9-47c9-a400-0297e60b6a10", "is not there")):
        (desk.folder / "wrangler.toml").write_text(original + f'GATEWAY_LIST_HIGH = "{list_id}"\n')
        assert told in message_of(desk.plan(), "list-high")


def test_a_list_that_was_deleted_by_hand_is_made_again_and_told_to_the_worker(desk: GatewayDesk) -> None:
    desk.set_up()
    desk.desk.clock.time += 100
    rule, old = desk.account.rule_named("risky-users: isolate high"), desk.account.list_named("risky-users-high")
    desk.account.state.drop_rule(rule.id, desk.account.clock())
    old.deleted = desk.account.clock()
    desk.set_up()
    assert desk.works()


def test_a_rule_that_looks_into_a_list_that_was_deleted_by_hand_is_told_of_the_new_one(desk: GatewayDesk) -> None:
    desk.set_up()
    desk.desk.clock.time += 100
    desk.account.list_named("risky-users-high").deleted = desk.account.clock()
    assert state_of(desk.plan(), "rule-high") is State.TO_DO
    desk.set_up()
    assert desk.works()
    before = desk.snapshot()
    assert {entry.finding.state for entry in desk.set_up()} == {State.THERE}
    assert desk.snapshot() == before


def test_somebody_elses_rule_that_isolates_the_list_is_enough(desk: GatewayDesk) -> None:
    theirs = desk.account.add_list("whoever is at risk")
    desk.account.add_rule("theirs", identity=f"identity.email in ${theirs.id}")
    (desk.folder / "wrangler.toml").write_text(desk.wrangler_toml + f'GATEWAY_LIST_HIGH = "{theirs.id}"\n')
    entries = desk.set_up()
    assert state_of(entries, "rule-high") is State.LEFT
    assert len(desk.account.state.rules.value) == 1


def test_a_list_that_somebody_elses_rule_names_is_not_removed(desk: GatewayDesk) -> None:
    desk.set_up()
    desk.account.add_rule("theirs", "block", identity=f"identity.email in ${desk.account.list_named('risky-users-high').id}")
    entries = desk.remove()
    assert "theirs" in message_of(entries, "list-high")
    assert desk.account.lists_named("risky-users-high")


def test_a_secret_that_was_put_by_hand_stays_as_it_is(desk: GatewayDesk) -> None:
    worker = desk.npx.worker
    assert worker
    worker.secrets["GATEWAY_API_TOKEN"] = "by hand"
    entries = desk.set_up()
    assert state_of(entries, "gateway-token") is State.THERE
    assert state_of(entries, "gateway-deployment") is State.DONE
    desk.remove()
    assert worker.secrets["GATEWAY_API_TOKEN"] == "by hand"


# --- rules ---


def test_a_rule_that_was_changed_by_hand_is_left_alone_until_it_is_to_be_rewritten(desk: GatewayDesk) -> None:
    desk.set_up()
    rule = desk.account.rule_named("risky-users: isolate high")
    desk.account.put_rule(replace(rule, enabled=False))
    entries = desk.set_up()
    assert state_of(entries, "rule-high") is State.LEFT
    assert "switched off" in message_of(entries, "rule-high")
    assert not desk.account.rule_named("risky-users: isolate high").enabled
    desk.rewrite = True
    assert state_of(desk.set_up(), "rule-high") is State.DONE
    assert desk.account.rule_named("risky-users: isolate high").enabled
    assert state_of(desk.set_up(), "rule-high") is State.THERE


def test_a_rule_that_is_rewritten_keeps_what_else_was_set_on_it(desk: GatewayDesk) -> None:
    desk.set_up()
    rule = desk.account.rule_named("risky-users: isolate high")
    desk.account.put_rule(replace(rule, settings={"notification_settings": {"enabled": True}}))
    desk.rewrite = True
    desk.set_up()
    settings = desk.account.rule_named("risky-users: isolate high").settings
    assert settings["notification_settings"] == {"enabled": True}
    assert settings["biso_admin_controls"] == rule.settings["biso_admin_controls"]


def test_other_choices_in_a_later_run_are_a_difference(desk: GatewayDesk) -> None:
    desk.set_up()
    desk.choices = Choices(clipboard="disabled", domains=("example.com",))
    assert "copy is remote_only, not disabled" in message_of(desk.plan(), "rule-high")
    desk.rewrite = True
    desk.set_up()
    assert desk.account.rule_named("risky-users: isolate high").traffic == 'any(http.request.domains[*] in {"example.com"})'
    desk.rewrite, desk.choices = False, Choices()
    assert state_of(desk.set_up(), "rule-high") is State.THERE


def test_rules_come_before_whatever_would_spare_the_risky_and_the_plan_says_so(desk: GatewayDesk) -> None:
    desk.account.add_rule("spare everybody", "noisolate", precedence=500)
    desk.choices = EVERY_LEVEL
    assert "before Do Not Isolate spare everybody (500)" in message_of(desk.plan(), "rule-high")
    desk.set_up()
    numbers = [desk.account.rule_named(f"risky-users: isolate {level}").precedence for level in RISK_LEVELS]
    assert numbers == sorted(numbers)
    assert numbers[-1] < 500


def test_a_rule_that_came_to_stand_behind_another_is_told_and_moved_when_asked(desk: GatewayDesk) -> None:
    desk.set_up()
    desk.account.add_rule("spare everybody", "noisolate", precedence=5)
    entries = desk.set_up()
    assert "spare everybody (5) comes first" in message_of(entries, "rule-high")
    desk.rewrite = True
    desk.set_up()
    assert desk.account.rule_named("risky-users: isolate high").precedence < 5


def test_where_no_place_is_free_the_rule_in_the_way_is_named(desk: GatewayDesk) -> None:
    desk.account.add_rule("first of all", "noisolate", precedence=1)
    assert "first of all (1)" in message_of(desk.set_up(), "rule-high")


@pytest.mark.parametrize("status", [400, 409])
def test_a_precedence_that_somebody_takes_meanwhile_is_given_up_for_another(desk: GatewayDesk, status: int) -> None:
    desk.account.behaviour.precedence_taken = status  # type: ignore[assignment]  # both are choices
    taken: list[int] = []

    def take(request: object) -> None:
        if getattr(request, "method", "") == "POST" and str(getattr(request, "url", "")).endswith("/rules") and len(taken) < 2:
            number = 1030 - len(taken) * 10
            taken.append(desk.account.add_rule(f"quicker {number}", "allow", precedence=number).precedence)

    desk.desk.network.before = take
    assert state_of(desk.set_up(), "rule-high") is State.DONE
    assert taken == [1030, 1020]
    assert desk.works()


def test_without_browser_isolation_the_add_on_is_named(desk: GatewayDesk) -> None:
    desk.account.state.browser_isolation = False
    assert "add-on Browser Isolation" in message_of(desk.set_up(), "rule-high")
    desk.account.state.browser_isolation = True
    desk.set_up()
    assert desk.works()


# --- rights ---


def test_who_may_make_no_tokens_is_told_how_it_is_done_and_the_worker_is_not_told_of_lists_it_cannot_keep(tmp_path: Path) -> None:
    desk = GatewayDesk(tmp_path, GATEWAY)
    entries = desk.set_up()
    assert state_of(entries, "rule-high") is State.DONE
    assert state_of(entries, "gateway-token") is State.BLOCKED
    assert "npx wrangler secret put GATEWAY_API_TOKEN" in message_of(entries, "gateway-token")
    assert state_of(entries, "gateway-variables") is State.WAITING
    assert "GATEWAY_LIST_HIGH" not in desk.wrangler_toml
    worker = desk.npx.worker
    assert worker
    worker.secrets["GATEWAY_API_TOKEN"] = desk.account.create_token("by hand", "Zero Trust Write").value
    desk.set_up()
    assert desk.works()
    assert state_of(desk.remove(), "gateway-token") is State.THERE
    desk.assert_no_secret_shown()


def test_who_may_only_read_is_told_which_right_is_missing(tmp_path: Path) -> None:
    desk = GatewayDesk(tmp_path, ("Zero Trust Read",))
    entries = desk.set_up()
    assert state_of(entries, "list-high") is State.BLOCKED
    assert "Zero Trust Write" in message_of(entries, "list-high")
    assert desk.snapshot()["lists"] == []


def test_a_token_that_may_not_give_away_what_it_lacks_is_refused_and_leaves_nothing(tmp_path: Path) -> None:
    desk = GatewayDesk(tmp_path, ("Zero Trust Read", "Account API Tokens Write"))
    theirs = desk.account.add_list("whoever is at risk")
    (tmp_path / "wrangler.toml").write_text(desk.wrangler_toml + f'GATEWAY_LIST_HIGH = "{theirs.id}"\n')
    desk.account.behaviour.grants_only_own = True
    assert state_of(desk.set_up(), "gateway-token") is State.BLOCKED
    assert [*desk.account.state.tokens.values()] == [desk.administrator]


# --- the token ---


def test_a_token_that_is_not_known_everywhere_yet_is_waited_for(desk: GatewayDesk) -> None:
    desk.desk.clock.time += 100
    desk.account.behaviour.young_token_seconds = 20.0
    desk.set_up()
    assert desk.works()
    assert any("new, and not known everywhere" in line for line in desk.desk.told)


def test_a_token_near_its_end_or_withdrawn_is_renewed_and_the_former_withdrawn(desk: GatewayDesk) -> None:
    desk.set_up()
    [(_, first)] = desk.npx.given
    desk.desk.clock.time += 340 * 86_400
    assert "renew" in message_of(desk.plan(), "gateway-token")
    desk.set_up()
    assert desk.works()
    assert first not in [token.value for token in desk.account.state.tokens.values()]
    for token in [*desk.account.state.tokens.values()]:
        if token is not desk.administrator:
            del desk.account.state.tokens[token.id]
    desk.set_up()
    assert desk.works()
    assert len(desk.account.state.tokens) == 2


def test_a_token_that_was_renamed_by_hand_is_still_the_workers_and_is_taken_away(desk: GatewayDesk) -> None:
    desk.set_up()
    [token] = [each for each in desk.account.state.tokens.values() if each is not desk.administrator]
    token.name = "by our convention"
    assert state_of(desk.set_up(), "gateway-token") is State.THERE
    desk.remove()
    assert [*desk.account.state.tokens.values()] == [desk.administrator]


def test_a_token_that_does_not_reach_the_worker_is_withdrawn(desk: GatewayDesk) -> None:
    desk.npx.broken = "fetch failed"
    entries = desk.set_up()
    assert "fetch failed" in message_of(entries, "gateway-token")
    assert [*desk.account.state.tokens.values()] == [desk.administrator]
    assert "GATEWAY_LIST_HIGH" not in desk.wrangler_toml
    desk.npx.broken = ""
    desk.set_up()
    assert desk.works()


def test_a_renewed_token_that_was_put_though_wrangler_says_it_failed_stays_in_force_until_another_is_put(desk: GatewayDesk) -> None:
    desk.set_up()
    desk.desk.clock.time += 340 * 86_400
    desk.npx.mistaken = "fetch failed"
    for _ in range(2):
        assert "run this again, which puts another" in message_of(desk.set_up(), "gateway-token")
        assert desk.works()
    desk.npx.mistaken, desk.npx.broken = "", "Authentication error"
    assert state_of(desk.set_up(), "gateway-token") is State.FAILED
    assert desk.works()
    desk.npx.broken = ""
    desk.set_up()
    assert desk.works()
    assert len(desk.account.state.tokens) == 2


def test_a_renewed_token_that_certainly_did_not_reach_the_worker_leaves_the_former_in_force(desk: GatewayDesk) -> None:
    desk.set_up()
    desk.desk.clock.time += 340 * 86_400
    tokens = {*desk.account.state.tokens}
    desk.npx.broken = "Authentication error"
    assert "The new token is withdrawn." in message_of(desk.set_up(), "gateway-token")
    assert {*desk.account.state.tokens} == tokens
    assert desk.works()


def test_a_token_that_cannot_be_put_and_not_be_withdrawn_either_is_told(desk: GatewayDesk) -> None:
    desk.npx.broken = "fetch failed"
    desk.account.faults = [Fault("status", "DELETE", "*/tokens/*", status=500)]
    told = message_of(desk.set_up(), "gateway-token")
    assert "fetch failed" in told
    assert "be withdrawn" in told
    desk.npx.broken, desk.account.faults = "", []
    desk.set_up()
    assert desk.works()
    assert len(desk.account.state.tokens) == 2


def test_a_token_whose_answer_is_lost_is_withdrawn_at_once(desk: GatewayDesk) -> None:
    desk.account.faults = [Fault("drop after", "POST", "*/tokens")]
    assert state_of(desk.set_up(), "gateway-token") is State.FAILED
    assert [*desk.account.state.tokens.values()] == [desk.administrator]


def test_who_is_stopped_right_after_the_secret_was_put_does_not_lose_the_one_that_the_worker_holds(desk: GatewayDesk) -> None:
    desk.set_up()
    worker = desk.npx.worker
    assert worker
    del worker.secrets["GATEWAY_API_TOKEN"]

    def stop(what: str) -> None:
        assert what == "secret put"
        raise Killed

    desk.npx.after = stop
    with suppress(Killed):
        desk.set_up()
    desk.live_on()
    assert state_of(desk.set_up(), "gateway-token") is State.DONE
    assert desk.works()
    assert len(desk.account.state.tokens) == 2


def test_who_was_refused_another_token_and_puts_one_by_hand_has_done_enough(desk: GatewayDesk) -> None:
    desk.administrator.permissions = {"Zero Trust Write", "Account API Tokens Read"}
    assert state_of(desk.set_up(), "gateway-token") is State.BLOCKED
    worker = desk.npx.worker
    assert worker
    worker.secrets["GATEWAY_API_TOKEN"] = desk.account.create_token("by hand", "Zero Trust Write").value
    assert {entry.finding.state for entry in desk.set_up()} <= GOOD
    assert desk.works()


def test_without_a_worker_there_is_nobody_to_give_a_token_to(desk: GatewayDesk) -> None:
    desk.account.state.workers.clear()
    entries = desk.set_up()
    assert "setup worker" in message_of(entries, "gateway-token")
    assert [*desk.account.state.tokens.values()] == [desk.administrator]


# --- what Cloudflare leaves open ---


@pytest.mark.parametrize(
    "open_point",
    [
        {"list_lag": 40.0},
        {"drops_dashes": True, "adds_parentheses": True},
        {"wrong_list": "warned"},
        {"result_info": False, "unknown_codes": "absent"},
        {"zero_count": "zero", "listing_takes_queries": False},
        {"rule_patch": 404, "lower_cases": True},
        {"put_of_no_items": "empties", "retry_after": False},
    ],
)
def test_either_way_the_account_may_be_it_is_set_up_once_and_taken_down_whole(desk: GatewayDesk, open_point: dict[str, object]) -> None:
    desk.account.create_token("theirs", "Zero Trust Read")
    before = desk.snapshot()
    for name, value in open_point.items():
        setattr(desk.account.behaviour, name, value)
    desk.choices = EVERY_LEVEL
    desk.set_up()
    assert desk.works()
    desk.desk.clock.time += 100
    assert {entry.finding.state for entry in desk.set_up()} == {State.THERE}
    desk.remove()
    assert desk.snapshot() == before


@pytest.mark.parametrize("befalls", ["kill_after", "lose_answer"])
def test_a_list_that_does_not_show_yet_is_not_made_again(desk: GatewayDesk, befalls: str) -> None:
    desk.account.behaviour.list_lag = 40.0
    desk.desk.clock.time += 100

    def lost(request: object) -> None:
        if getattr(request, "method", "") == "POST" and befalls == "kill_after":
            raise Killed
        if getattr(request, "method", "") == "POST":
            desk.live_on()
            raise httpx.ReadError("the connection was lost")

    desk.desk.network.after = lost
    with suppress(Killed):
        desk.set_up()
    desk.live_on()
    desk.set_up()
    assert desk.works()
    assert any("may not show yet" in line for line in desk.desk.told)


# --- interrupted ---


@pytest.mark.parametrize("befalls", ["kill_after", "lose_answer"])
@pytest.mark.parametrize("job", ["set_up", "renew", "remove"])
def test_interrupted_at_any_request_the_next_run_ends_where_an_undisturbed_one_does(tmp_path: Path, befalls: str, job: str) -> None:
    reference = begun(_folder(tmp_path, "reference"), job)
    do = GatewayDesk.remove if job == "remove" else GatewayDesk.set_up
    do(reference)
    for request in range(200):
        desk = begun(_folder(tmp_path, str(request)), job)
        before = desk.account.subrequests
        getattr(desk, befalls)(request)
        whole = True
        try:
            do(desk)
        except Killed:
            whole = False
        asked = desk.account.subrequests - before
        desk.live_on()
        do(desk)
        assert desk.shape == reference.shape, request
        assert job == "remove" or desk.works()
        desk.assert_no_secret_shown()
        assert not desk.account.violations
        if whole and asked < request:
            break
    else:
        raise AssertionError("the work never ends")
    assert request > 10


def begun(folder: Path, job: str) -> GatewayDesk:
    """A desk before the job: a renewal and a removal have something that was set up before."""
    desk = GatewayDesk(folder, choices=Choices(levels=("high", "low") if job == "set_up" else ("high",)))
    if job != "set_up":
        desk.set_up()
        desk.desk.clock.time += 340 * 86_400
    return desk


KINDS = st.sampled_from(["status", "status after", "drop", "drop after", "html", "truncated", "garbage", "unanswered", "no value", "slow"])
FAULTS = st.builds(
    Fault,
    KINDS,
    method=st.sampled_from(["*", "GET", "POST", "DELETE"]),
    status=st.sampled_from([403, 429, 500, 502]),
    code=st.sampled_from(["10000", "971", ""]),
    skip=st.integers(0, 20),
    every=st.integers(1, 5),
    times=st.integers(1, 4),
)


@settings(max_examples=25, deadline=None)
@given(faults=st.lists(FAULTS, min_size=1, max_size=3), gone=st.booleans())
def test_after_whatever_goes_wrong_one_good_run_ends_well(
    tmp_path_factory: pytest.TempPathFactory, faults: list[Fault], gone: bool
) -> None:
    desk = GatewayDesk(tmp_path_factory.mktemp("folder"), ALL)
    before = desk.shape
    if gone:
        desk.set_up()
    desk.account.faults = faults
    desk.remove() if gone else desk.set_up()
    desk.account.faults = []
    desk.remove() if gone else desk.set_up()
    assert desk.shape == before if gone else desk.works()
    assert len(desk.account.state.tokens) == (1 if gone else 2)
    assert len(desk.account.state.standing_lists()) == len(desk.account.state.rules.value) == (0 if gone else 1)
    desk.assert_no_secret_shown()


def _folder(path: Path, name: str) -> Path:
    made = path / name
    made.mkdir()
    return made
