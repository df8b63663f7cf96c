"""Expressions of Gateway rules: what the API accepts of them, how it stores them, and whether they hold.

The grammar is the part of https://developers.cloudflare.com/cloudflare-one/traffic-policies/expression-syntax/ that this project
meets: comparisons of the fields below by `==`, `in {…}`, `in $list` and `matches`, `any(field[*] …)` for arrays, `not(…)`,
`and`, `or`, parentheses. `and` binds before `or`. Everything else is refused.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TypeAlias

from simulator.cloudflare.service import invalid

FIELDS: Mapping[str, str] = {
    "identity.email": "identity",
    "identity.groups.name": "identity",
    "identity.groups.id": "identity",
    "http.request.uri": "traffic",
    "http.request.host": "traffic",
    "http.request.domains": "traffic",
    "device_posture.checks.passed": "device_posture",
}
"""Each field, and the expression it belongs to."""
ARRAYS = frozenset({"identity.groups.name", "identity.groups.id", "http.request.domains", "device_posture.checks.passed"})
LIST_TYPES: Mapping[str, str] = {"identity.email": "EMAIL", "http.request.uri": "URL", "http.request.host": "DOMAIN"}
"""The type of list that a field can be compared with; inferred but for the first."""
LONGEST = 140_000
"""Characters (https://developers.cloudflare.com/cloudflare-one/account-limits/)."""

_DEEPEST = 50
_TOKEN = re.compile(
    r'\s*(?:(?P<string>"(?:[^"\\]|\\.)*")|(?P<list>\$[0-9a-fA-F-]+)|(?P<mark>==|\[\*\]|[(){}])|(?P<word>[a-z_]+(?:\.[a-z_]+)*))'
)
_LIST = re.compile(r"\$([0-9a-fA-F-]{32,36})(?![0-9a-fA-F-])")


@dataclass(frozen=True, slots=True)
class Facts:
    """A page load as expressions see it: the values of the fields, the lists, and how addresses are compared."""

    values: Mapping[str, Sequence[str]]
    in_list: Callable[[str, str], bool]
    """Whether a list, by its id without dashes, holds a value of `identity.email`, or another field's."""
    same_address: Callable[[str, str], bool]


Test: TypeAlias = Callable[[Facts], bool]


@dataclass(frozen=True, slots=True)
class Expression:
    """One that was understood. `lists` are the lists it names, without dashes, each with the type it has to have."""

    holds: Test
    fields: frozenset[str]
    lists: tuple[tuple[str, str], ...]


@lru_cache(maxsize=1000)
def parse(text: str) -> Expression:
    """An expression; the empty one always holds. Raises Refused."""
    if len(text) > LONGEST:
        raise invalid("the expression is too long")
    if not text.strip():
        return Expression(lambda _: True, frozenset(), ())
    parser = _Parser(text)
    test = parser.disjunction()
    if parser.tokens:
        raise _unexpected(parser.tokens[0])
    return Expression(test, frozenset(parser.fields), tuple(parser.lists))


def lists_in(text: str) -> set[str]:
    """The ids of the lists named in an expression, as they stand."""
    return set(_LIST.findall(text))


def stored(text: str, *, drops_dashes: bool, adds_parentheses: bool) -> str:
    """How the API keeps an expression."""
    if drops_dashes:
        text = _LIST.sub(lambda match: match[0].replace("-", ""), text)
    return f"({text})" if adds_parentheses and text else text


class _Parser:
    def __init__(self, text: str) -> None:
        self.fields: set[str] = set()
        self.lists: list[tuple[str, str]] = []
        self.tokens: list[str] = []
        self._depth = 0
        position, end = 0, len(text.rstrip())
        while position < end:
            match = _TOKEN.match(text, position)
            if not match:
                raise _unexpected(text[position : position + 10])
            self.tokens.append(match.group().strip())
            position = match.end()

    def disjunction(self) -> Test:
        tests = [self._conjunction()]
        while self._next("or"):
            tests.append(self._conjunction())
        return tests[0] if len(tests) == 1 else lambda facts: any(test(facts) for test in tests)

    def _conjunction(self) -> Test:
        tests = [self._unary()]
        while self._next("and"):
            tests.append(self._unary())
        return tests[0] if len(tests) == 1 else lambda facts: all(test(facts) for test in tests)

    def _unary(self) -> Test:
        if self._next("not"):
            self._take("(")
            test = self._inner()
            return lambda facts: not test(facts)
        if self._next("("):
            return self._inner()
        if self._next("any"):
            self._take("(")
            field = self._field()
            self._take("[*]")
            if field not in ARRAYS:
                raise invalid("cannot perform this operation on type Bytes")
            test = self._comparison(field)
            self._take(")")
            return test
        field = self._field()
        if field in ARRAYS:
            raise invalid("cannot perform this operation on type Array(Bytes)")  # recorded for identity.groups.id == "…"
        return self._comparison(field)

    def _inner(self) -> Test:
        self._depth += 1
        if self._depth > _DEEPEST:
            raise invalid("the expression is nested too deeply")
        test = self.disjunction()
        self._depth -= 1
        self._take(")")
        return test

    def _field(self) -> str:
        field = self._take()
        if field not in FIELDS:
            raise invalid("unknown identifier in the expression")
        self.fields.add(field)
        return field

    def _comparison(self, field: str) -> Test:
        operator = self._take()
        if operator == "==":
            return _one_of(field, (self._string(),))
        if operator == "matches" and field != "identity.email":
            pattern = self._pattern()
            return lambda facts: any(pattern.search(value) for value in facts.values[field])
        if operator != "in":
            raise _unexpected(operator)
        if self._next("{"):
            values = [self._string()]
            while not self._next("}"):
                values.append(self._string())
            return _one_of(field, tuple(values))
        list_id = self._take()
        if not _LIST.fullmatch(list_id) or field not in LIST_TYPES:
            raise _unexpected(list_id)
        plain = list_id[1:].replace("-", "").lower()
        self.lists.append((plain, LIST_TYPES[field]))
        return lambda facts: any(facts.in_list(plain, value) for value in facts.values[field])

    def _string(self) -> str:
        token = self._take()
        if not token.startswith('"'):
            raise _unexpected(token)
        return re.sub(r"\\(.)", r"\1", token[1:-1], flags=re.DOTALL)

    def _pattern(self) -> "re.Pattern[str]":
        """A regular expression. A backslash of it is written twice in the expression, as in any string."""
        try:
            return re.compile(self._string())
        except re.error:
            raise invalid("the expression holds an invalid regular expression") from None

    def _next(self, token: str) -> bool:
        if self.tokens[:1] == [token]:
            self.tokens.pop(0)
            return True
        return False

    def _take(self, expected: str | None = None) -> str:
        if not self.tokens or (expected and self.tokens[0] != expected):
            raise _unexpected(self.tokens[0] if self.tokens else "the end")
        return self.tokens.pop(0)


def _one_of(field: str, values: tuple[str, ...]) -> Test:
    if field == "identity.email":
        return lambda facts: any(facts.same_address(value, email) for email in facts.values[field] for value in values)
    return lambda facts: any(value in values for value in facts.values[field])


def _unexpected(token: str) -> Exception:
    """What stands there is not told: it may be an address."""
    kind = "a string" if token.startswith('"') else "a list" if token.startswith("$") else "an unexpected token"
    return invalid(f"the expression cannot be parsed at {'its end' if token == 'the end' else kind}")
