"""What the isolate rules say is what Gateway does: held against the simulated account, which decides as Cloudflare documents it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from plan import RISK_LEVELS
from risky_users.admin.expressions import plain
from risky_users.admin.isolation import Choices, Rule, differences, exceptions, isolates, names, obstacles, places, wanted
from simulator.cloudflare import Account, rules
from simulator.messages import JSON
from tests.simulator.client import Clock

ADA = "ada@contoso.com"


class Gateway:
    """An account with a list a level, and nothing that isolates; Ada is at high risk."""

    def __init__(self) -> None:
        self.account = Account(Clock().now)
        self.account.decrypt_tls(on=True)
        self.lists = {level: self.account.add_list(f"risky-users-{level}", [ADA] if level == "high" else []).id for level in RISK_LEVELS}
        self.ada = self.account.enroll(ADA)

    @property
    def rules(self) -> list[Rule]:
        return [rules.rule_entity(rule) for rule in self.account.state.rules.value.values()]

    def isolate(self, level: str = "high", choices: Choices | None = None, members: dict[str, JSON] | None = None) -> Rule:
        body: dict[str, JSON] = {"name": level, **wanted(self.lists[level], level, choices or Choices()), **(members or {})}
        return rules.rule_entity(rules.make_rule(self.account.service, body, self.account.clock()))

    def add(self, action: str, precedence: int, **members: JSON) -> None:
        body = {"name": f"{action} {precedence}", "action": action, "enabled": True, "precedence": precedence, **members}
        rules.make_rule(self.account.service, body, self.account.clock())

    def isolated(self, url: str = "https://www.example.com/") -> bool:
        return self.account.page_load(self.ada, url).isolated


def test_the_rule_isolates_who_is_on_the_list_and_nobody_else() -> None:
    gateway = Gateway()
    gateway.isolate()
    assert gateway.isolated()
    assert not gateway.account.page_load(gateway.account.enroll("bob@contoso.com")).isolated


def test_with_domains_it_isolates_on_these_and_what_lies_below_them() -> None:
    gateway = Gateway()
    gateway.isolate(choices=Choices(domains=("example.com", "contoso.com")))
    assert gateway.isolated("https://deep.www.example.com/")
    assert gateway.isolated("https://contoso.com/")
    assert not gateway.isolated("https://www.fabrikam.com/")


def test_the_group_isolates_too_where_that_was_chosen() -> None:
    gateway = Gateway()
    gateway.isolate(choices=Choices(group_too=True))
    bob = gateway.account.enroll("bob@contoso.com")
    bob.groups = ("IdentityProtection-RiskyUser-RiskLevel-high",)
    assert gateway.account.page_load(bob).isolated


@pytest.mark.parametrize("choices", [Choices(), Choices(domains=("a.com", "b.com")), Choices(group_too=True)])
def test_a_rule_written_in_the_apis_own_way_does_not_differ(choices: Choices) -> None:
    gateway = Gateway()
    gateway.account.behaviour.drops_dashes = gateway.account.behaviour.adds_parentheses = True
    rule, want = gateway.isolate(choices=choices), wanted(gateway.lists["high"], "high", choices)
    assert rule["identity"] != want["identity"]
    assert differences(rule, want) == []
    assert isolates(rule, gateway.lists["high"])
    assert not names(rule, gateway.lists["low"])


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"enabled": False}, "it is switched off"),
        ({"action": "block"}, "its action is block"),
        ({"traffic": 'http.request.host == "a.com"'}, "where it applies differs"),
        ({"identity": 'identity.email == "ada@contoso.com"'}, "whom it applies to differs"),
        ({"rule_settings": {"biso_admin_controls": {"version": "v2", "copy": "enabled"}}}, "copy is enabled, not remote_only"),
        ({"rule_settings": {}}, "paste is None, not remote_only"),
    ],
)
def test_a_rule_that_does_something_else_is_told_apart(change: dict[str, JSON], told: str) -> None:
    gateway = Gateway()
    rule = gateway.isolate(members=change)
    assert told in differences(rule, wanted(gateway.lists["high"], "high", Choices()))


@pytest.mark.parametrize(
    ("expression", "same"),
    [
        ('(identity.email in {"a" "b"})', 'identity.email in { "a"   "b" }'),
        ('((identity.email == "a)"))', 'identity.email == "a)"'),
        ("identity.email in $01302951-49F9-47c9-a400-0297e60b6a10", "identity.email in $0130295149f947c9a4000297e60b6a10"),
    ],
)
def test_spellings_of_one_expression_are_the_same(expression: str, same: str) -> None:
    assert plain(expression) == plain(same)


def test_parentheses_that_do_not_embrace_all_stay() -> None:
    assert plain("(a) or (b)") != plain("a) or (b")
    assert plain('identity.email in {"a" "b"}') != plain('identity.email in {"ab"}')


CATCH_ALL: list[dict[str, JSON]] = [{}, {"traffic": 'http.request.host matches ".*"'}, {"traffic": 'http.request.uri matches ".*"'}]


@pytest.mark.parametrize("members", CATCH_ALL)
def test_a_do_not_isolate_that_comes_first_and_matches_everything_is_an_obstacle(members: dict[str, JSON]) -> None:
    gateway = Gateway()
    rule = gateway.isolate(members={"precedence": 2000})
    gateway.add("noisolate", 1000, **members)
    assert not gateway.isolated()
    assert [each["name"] for each in obstacles(rule, gateway.rules)] == ["noisolate 1000"]


def test_what_comes_later_is_switched_off_or_matches_less_is_none() -> None:
    gateway = Gateway()
    rule = gateway.isolate(members={"precedence": 2000})
    gateway.add("noisolate", 3000)
    gateway.add("noisolate", 1000, enabled=False)
    gateway.add("noisolate", 1001, traffic='any(http.request.domains[*] in {"fabrikam.com"})')
    gateway.add("off", 4000, traffic='any(http.request.domains[*] in {"contoso.com"})')
    assert gateway.isolated()
    assert obstacles(rule, gateway.rules) == []
    assert not gateway.isolated("https://fabrikam.com/")
    assert not gateway.isolated("https://contoso.com/")
    assert {each["name"] for each in exceptions(rule, gateway.rules)} == {"noisolate 1001", "off 4000"}


@pytest.mark.parametrize("others", [[], [1000], [5], [1000, 990, 980], [4]])
def test_rules_find_free_places_before_all_others_high_first(others: list[int]) -> None:
    gateway = Gateway()
    for precedence in others:
        gateway.add("noisolate", precedence)
    gateway.account.add_rule("unrelated", "block", precedence=977)
    found = places(gateway.rules, {}, RISK_LEVELS)
    assert [*found] == ["low", "medium", "high"]
    numbers = [found[level] for level in RISK_LEVELS]
    assert numbers == sorted(numbers)
    assert numbers[-1] < min(others, default=10**6)
    for level in RISK_LEVELS:
        gateway.isolate(level, members={"precedence": found[level]})
    assert gateway.isolated()


def test_a_missing_rule_finds_its_place_between_those_there_are() -> None:
    gateway = Gateway()
    own = {"high": gateway.isolate("high", members={"precedence": 100}), "low": gateway.isolate("low", members={"precedence": 102})}
    assert places(gateway.rules, own, RISK_LEVELS) == {"medium": 101}
    own["low"] = {**own["low"], "precedence": 101}
    assert places(gateway.rules, own, RISK_LEVELS) == {}


def test_where_no_number_is_free_before_the_others_nothing_is_made_up() -> None:
    gateway = Gateway()
    gateway.add("noisolate", 1)
    assert places(gateway.rules, {}, RISK_LEVELS) == {}


@given(
    others=st.dictionaries(st.integers(1, 40), st.sampled_from(["noisolate", "isolate", "block"]), max_size=12),
    levels=st.lists(st.sampled_from(RISK_LEVELS), min_size=1, unique=True),
    own=st.dictionaries(st.sampled_from(RISK_LEVELS), st.integers(1, 40), max_size=2),
)
def test_places_are_free_before_all_that_would_spare_and_in_the_order_of_the_levels(
    others: dict[int, str], levels: list[str], own: dict[str, int]
) -> None:
    mine: dict[str, Rule] = {level: {"id": level, "action": "isolate", "precedence": number} for level, number in own.items()}
    rules: list[Rule] = [{"id": str(number), "action": action, "precedence": number} for number, action in others.items()]
    found = places([*rules, *mine.values()], mine, levels)
    assert set(found) <= set(levels) - set(own)
    for level, number in found.items():
        assert number > 0
        assert number not in {*others, *own.values()}
        assert all(number < each for each, action in others.items() if action != "block")
        higher = RISK_LEVELS[: RISK_LEVELS.index(level)]
        assert all(number > (own | found)[each] for each in higher if each in own or each in found)


def test_choices_that_cannot_be_meant_are_named() -> None:
    wrong = Choices(("hihg",), ("https://example.com/", "example.com"), clipboard="maybe")
    assert len(wrong.problems()) == 3
    assert "hihg" in wrong.problems()[0]
    assert "https://example.com/" in wrong.problems()[1]
    assert "maybe" in wrong.problems()[2]
    assert Choices(domains=("example.com",), download="disabled").problems() == Choices().problems() == []
