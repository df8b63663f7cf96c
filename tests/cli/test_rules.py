"""How the check reads Gateway rules: whom they are for, and which one is in the way of another."""

import pytest

from risky_users.check.rules import Marks, Rule, acting, hidden, http_rules
from simulator.cloudflare.expressions import parse
from simulator.messages import JSON
from tests.cli.chains import whole

LIST = "01302951-49f9-47c9-a400-0297e60b6a10"
OTHER = "aaaaaaaa-49f9-47c9-a400-0297e60b6a10"
GROUP = "IdentityProtection-RiskyUser-RiskLevel-high"
MARKS = Marks(LIST, GROUP, "bbbbbbbb-0000-4000-8000-000000000001")
BY_GROUP = f'any(identity.groups.name[*] in {{"Staff" "{GROUP}"}})'


def rule(identity: str = "", action: str = "isolate", **members: JSON) -> Rule:
    entry: dict[str, JSON] = {"name": "a rule", "action": action, "enabled": True, "filters": ["http"], "precedence": 100}
    [read] = http_rules([{**entry, "identity": identity, **members}])
    return read


@pytest.mark.parametrize(
    "identity",
    [
        f"identity.email in ${LIST}",
        f"identity.email in ${LIST.replace('-', '')}",
        f"(identity.email in ${LIST.upper()})",
        f"((identity.email   in\n ${LIST}))",
        f"identity.email in ${LIST} or {BY_GROUP}",
        f'identity.email in ${LIST} and not(identity.email in {{"not(a" "b@example.com"}})',
        f"(identity.email in ${OTHER}) or (identity.email in ${LIST})",
    ],
)
def test_a_rule_is_for_whoever_is_on_the_list_however_that_is_spelled(identity: str) -> None:
    parse(identity.replace("\n", " "))
    assert rule(identity).by_list(MARKS)


@pytest.mark.parametrize(
    "identity", ["", f"identity.email in ${OTHER}", f"not(identity.email in ${LIST})", f'identity.email == "${LIST}@example.com"', BY_GROUP]
)
def test_other_rules_are_not(identity: str) -> None:
    parse(identity)
    assert not rule(identity).by_list(MARKS)


@pytest.mark.parametrize(
    ("identity", "conditional"),
    [
        (f"identity.email in ${LIST}", False),
        (f"identity.email in ${LIST} or {BY_GROUP}", False),
        (f'identity.email in ${LIST} and not(identity.email == "a@example.com")', False),
        (f'not(identity.email == "a@example.com") and (identity.email in ${LIST})', False),
        (f"identity.email in ${LIST} and {BY_GROUP}", True),
        (f'identity.email in ${LIST} and not(identity.email == "a@example.com") and {BY_GROUP}', True),
        (f'identity.email in ${LIST} or identity.email == "and@example.com"', False),
    ],
)
def test_a_rule_may_ask_for_more_than_that_somebody_is_at_risk(identity: str, conditional: bool) -> None:
    parse(identity)
    assert rule(identity).conditional == conditional


def test_a_rule_for_all_who_are_on_the_list_goes_before_one_for_some_of_them() -> None:
    some, everybody = (rule(f"identity.email in ${LIST}{more}") for more in (f" and {BY_GROUP}", ""))
    assert acting([some, everybody], MARKS) == everybody


@pytest.mark.parametrize(
    ("identity", "exactly", "nearly"),
    [
        (BY_GROUP, True, False),
        (f'any(identity.groups.id[*] in {{"{MARKS.group_id}"}})', True, False),
        (f'any(identity.groups.name[*] in {{"{GROUP.lower()}"}})', False, True),
        (f"not({BY_GROUP})", False, False),
        (f'identity.email == "{GROUP}"', False, False),
        ('any(identity.groups.name[*] in {"Staff"})', False, False),
    ],
)
def test_a_rule_is_for_the_members_of_a_group_by_its_name_or_id(identity: str, exactly: bool, nearly: bool) -> None:
    assert (rule(identity).by_group(MARKS), rule(identity).nearly_by_group(MARKS)) == (exactly, nearly)


@pytest.mark.parametrize(
    ("traffic", "everywhere"),
    [
        ("", True),
        ('http.request.uri matches ".*"', True),
        ('(http.request.host matches ".*")', True),
        ('http.request.host == "example.com"', False),
        ('http.request.uri matches ".*bank.*"', False),
    ],
)
def test_a_rule_is_for_all_traffic_if_its_expression_says_so_or_nothing(traffic: str, everywhere: bool) -> None:
    assert rule(traffic=traffic).everywhere == everywhere
    assert not rule(traffic=traffic, device_posture='any(device_posture.checks.passed[*] in {"one"})').everywhere


@pytest.mark.parametrize(
    ("other", "hides"),
    [
        (rule(action="noisolate", precedence=1), True),
        (rule(f"identity.email in ${LIST}", "noisolate", precedence=1), True),
        (rule(action="noisolate", precedence=1, traffic='http.request.host == "example.com"'), False),
        (rule(f"identity.email in ${OTHER}", "noisolate", precedence=1), False),
        (rule(action="noisolate", precedence=200), False),
        (rule(action="noisolate", precedence=1, enabled=False), False),
        (rule(action="off", precedence=200), True),
        (rule(action="off", traffic='http.request.host == "example.com"'), False),
        (rule(action="isolate", precedence=1, identity=f"identity.email in ${OTHER}"), False),
        (rule(action="allow", precedence=1), False),
        (rule(action="block", precedence=1), False),
    ],
)
def test_do_not_inspect_and_an_earlier_do_not_isolate_are_in_the_way_if_they_hold_wherever_the_rule_does(other: Rule, hides: bool) -> None:
    isolating = rule(f"identity.email in ${LIST}")
    assert hidden(isolating, [other, isolating]) == (other if hides else None)


def test_of_two_rules_the_one_by_the_list_acts_and_only_those_in_force_count() -> None:
    by_list, by_group = rule(f"identity.email in ${LIST}", precedence=200), rule(BY_GROUP, precedence=100)
    assert acting([by_group, by_list], MARKS) == by_list
    assert acting([by_group], MARKS) == by_group
    assert acting([by_group], Marks(LIST)) is None
    assert acting([rule(f"identity.email in ${LIST}", enabled=False), rule(BY_GROUP, "block")], MARKS) is None


def test_rules_of_other_kinds_and_deleted_ones_do_not_count() -> None:
    entries: list[dict[str, JSON]] = [
        {"name": "dns", "filters": ["dns"], "action": "off", "enabled": True},
        {"name": "gone", "filters": ["http"], "action": "off", "enabled": True, "deleted_at": "2026-01-01T00:00:00Z"},
    ]
    assert http_rules(entries) == []


@pytest.mark.parametrize(("drops_dashes", "adds_parentheses"), [(True, False), (False, True), (True, True)])
@pytest.mark.parametrize("lists", [True, False])
def test_rules_are_known_again_however_the_api_stores_them(drops_dashes: bool, adds_parentheses: bool, lists: bool) -> None:
    it = whole(lists=lists)
    behaviour = it.cloudflare.behaviour
    behaviour.drops_dashes, behaviour.adds_parentheses = drops_dashes, adds_parentheses
    rules = [*it.cloudflare.state.rules.value.values()]
    it.cloudflare.state.rules.value.clear()
    for each in rules:
        it.cloudflare.add_rule(each.name, identity=each.identity, traffic='http.request.uri matches ".*"')
    assert next(iter(it.cloudflare.state.rules.value.values())).identity != rules[0].identity or not lists
    outcome = it.run("check")
    for level in ("high", "medium", "low"):
        assert outcome.line(f"Rule {level}").startswith(f"✓ Rule {level}")
        assert "isolates all browsing" in outcome.line(f"Rule {level}")
