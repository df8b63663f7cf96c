"""Expressions: what the API takes, and for whom they hold (cloudflare.md 4.3)."""

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulator.cloudflare.envelope import Refused
from simulator.cloudflare.expressions import Facts, parse, stored

LIST = "01302951-49f9-47c9-a400-0297e60b6a10"
FACTS = Facts(
    {
        "identity.email": ("ada@example.com",),
        "identity.groups.name": ("risky-high", "staff"),
        "identity.groups.id": ("g1",),
        "http.request.uri": ("https://app.example.com/path",),
        "http.request.host": ("app.example.com",),
        "http.request.domains": ("app.example.com", "example.com"),
        "device_posture.checks.passed": (),
    },
    in_list=lambda list_id, value: (list_id, value) == (LIST.replace("-", ""), "ada@example.com"),
    same_address=str.__eq__,
)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "  ",
        'identity.email == "ada@example.com"',
        'identity.email in {"ada@example.com" "bob@example.com"}',
        'identity.email in { "ada@example.com" }',
        f"identity.email in ${LIST}",
        f"identity.email in ${LIST.replace('-', '')}",
        f"(identity.email in ${LIST})",
        'any(identity.groups.name[*] in {"risky-high"})',
        'any(identity.groups.name[*] == "staff")',
        'any(identity.groups.id[*] in {"g1"})',
        f'identity.email in ${LIST} or any(identity.groups.name[*] in {{"nobody"}})',
        f'identity.email == "bob@example.com" or identity.email in ${LIST}',
        'not(identity.email == "bob@example.com")',
        'not (identity.email == "bob@example.com") and any(identity.groups.name[*] in {"staff"})',
        'http.request.uri matches ".*"',
        r'http.request.uri matches "^https://app\\.example\\.com/"',
        'http.request.host matches ".*"',
        'http.request.host == "app.example.com"',
        'any(http.request.domains[*] in {"example.com" "example.org"})',
        'identity.email == "ada@example.com" or identity.email == "x" and identity.email == "y"',
    ],
)
def test_an_expression_that_holds(text: str) -> None:
    assert parse(text).holds(FACTS)


@pytest.mark.parametrize(
    "text",
    [
        'identity.email == "bob@example.com"',
        'identity.email in {"bob@example.com"}',
        "identity.email in $00000000-49f9-47c9-a400-0297e60b6a10",
        'any(identity.groups.name[*] in {"RISKY-HIGH"})',
        f"not(identity.email in ${LIST})",
        'http.request.host matches "^example"',
        'any(http.request.domains[*] in {"ample.com"})',
        '(identity.email == "ada@example.com" or identity.email == "x") and identity.email == "y"',
    ],
)
def test_an_expression_that_does_not_hold(text: str) -> None:
    assert not parse(text).holds(FACTS)


@pytest.mark.parametrize(
    "text",
    [
        'identity.groups.id == "g1"',
        'identity.groups.name in {"staff"}',
        'any(identity.email[*] in {"ada@example.com"})',
        'any(identity.groups.name in {"staff"})',
        "identity.groups[*].name",
        'identity.colour == "red"',
        "identity.email",
        "identity.email ==",
        'identity.email == "a" "b"',
        "identity.email == 'a'",
        "identity.email in {}",
        'identity.email in {"a", "b"}',
        'identity.email in {"a"',
        "identity.email in $",
        "identity.email in $0130",
        'identity.email != "a"',
        'identity.email matches ".*"',
        'identity.email contains "a"',
        f"any(identity.groups.name[*] in ${LIST})",
        'http.request.host matches "("',
        'identity.email == "a" or',
        'identity.email == "a" && identity.email == "b"',
        '(identity.email == "a"',
        'identity.email == "a")',
        'not identity.email == "a"',
        "not()",
        "(" * 60 + 'identity.email == "a"' + ")" * 60,
        'identity.email == "' + "a" * 140_000 + '"',
    ],
)
def test_an_expression_that_is_refused(text: str) -> None:
    with pytest.raises(Refused) as refused:
        parse(text)
    assert refused.value.status == 400
    assert '"a"' not in refused.value.message


def test_an_array_compared_like_a_value_is_refused_in_the_words_on_record() -> None:
    with pytest.raises(Refused, match=r"cannot perform this operation on type Array\(Bytes\)"):
        parse('identity.groups.id == "..."')


def test_a_quote_within_a_string_is_written_with_a_backslash() -> None:
    group = Facts({**FACTS.values, "identity.groups.name": ('the "best"',)}, FACTS.in_list, FACTS.same_address)
    assert parse(r'any(identity.groups.name[*] in {"the \"best\""})').holds(group)


COMPARISONS = st.sampled_from(
    ['identity.email == "ada@example.com"', 'identity.email == "x"', f"identity.email in ${LIST}", 'http.request.host matches "x{3}"']
)
EXPRESSIONS = st.recursive(
    COMPARISONS,
    lambda inner: st.one_of(
        st.tuples(inner, st.sampled_from(["or", "and"]), inner).map(lambda parts: f"({parts[0]}) {parts[1]} ({parts[2]})"),
        inner.map(lambda part: f"not({part})"),
    ),
    max_leaves=6,
)


@given(one=EXPRESSIONS, other=EXPRESSIONS)
def test_or_and_not_mean_what_they_say(one: str, other: str) -> None:
    first, second = parse(one).holds(FACTS), parse(other).holds(FACTS)
    assert parse(f"({one}) or ({other})").holds(FACTS) == (first or second)
    assert parse(f"({one}) and ({other})").holds(FACTS) == (first and second)
    assert parse(f"not({one})").holds(FACTS) == (not first)


@given(text=EXPRESSIONS, drops=st.booleans(), adds=st.booleans())
def test_formatting_an_expression_does_not_change_what_it_means(text: str, *, drops: bool, adds: bool) -> None:
    assert parse(stored(text, drops_dashes=drops, adds_parentheses=adds)).holds(FACTS) == parse(text).holds(FACTS)


@given(st.text(alphabet='identy.emalgroupsn[]*(){}$"\\= or0123-', max_size=60))
def test_whatever_is_no_expression_is_refused_and_nothing_worse(text: str) -> None:
    with suppress(Refused):
        parse(text).holds(FACTS)
