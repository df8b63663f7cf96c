"""The part of OData that these endpoints take: `$filter` with comparisons, and, or, not and parentheses; `$select`."""

import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from functools import lru_cache
from operator import ge, gt, le, lt
from typing import NamedTuple, TypeAlias

from simulator.messages import JSON, Refusal

Predicate: TypeAlias = "Callable[[Mapping[str, JSON]], bool]"

_TOKEN = re.compile(r"\s*(?:(?P<string>(?:[\w.]+)?'(?:[^']|'')*')|(?P<word>[\w./:-]+)|(?P<mark>[(),]))")
_DEEPEST = 50
_ORDERS: Mapping[str, Callable[[str, str], bool]] = {"gt": gt, "lt": lt, "ge": ge, "le": le}


class Grammar(NamedTuple):
    """What differs between lists."""

    functions: frozenset[str] = frozenset({"startswith"})
    orders: frozenset[str] = frozenset()
    """Which of gt, lt, ge and le it takes."""
    bare_values: bool = False
    """Whether a value may stand without quotes, as GUIDs and times do."""
    folds_case: bool = True
    """Whether texts that differ in case only are equal."""


USUAL = Grammar()


@dataclass(frozen=True, slots=True)
class Filter:
    """What a filter keeps, and what it is made of."""

    matches: Predicate
    operators: frozenset[str]
    """Those of `eq`, `ne`, `in`, `and`, `or` and `not` that occur."""
    alternatives: int
    """How many comparisons the largest `or` or `in` holds."""

    @property
    def advanced(self) -> bool:
        """Whether it takes an index that only some requests may use."""
        return bool(self.operators & {"ne", "not"})


@lru_cache(maxsize=1000)
def parse_filter(text: str, properties: frozenset[str], grammar: Grammar = USUAL) -> Filter:
    """The filter; raises Refusal (400) where Graph would."""
    parser = _Parser(text, properties, grammar)
    matches = parser.disjunction()
    if parser.tokens:
        raise invalid_filter()
    return Filter(matches, frozenset(parser.operators), parser.alternatives)


def select(entity: Mapping[str, JSON], wanted: str | None, known: Collection[str] = ()) -> dict[str, JSON]:
    """The chosen properties, annotations always; all of them where none is chosen. Raises Refusal for a name that is none.

    `known` names properties of other kinds in the same list, which this entity may lack.
    """
    if not wanted:
        return dict(entity)
    names = [name.strip() for name in wanted.split(",")]
    for name in names:
        if name not in entity and name not in known:
            raise Refusal(400, "BadRequest", f"Parsing OData Select and Expand failed: Could not find a property named '{name}'.")
    return {name: value for name, value in entity.items() if name.startswith("@") or name in names}


def invalid_filter() -> Refusal:
    """What Graph answers to a filter it does not take."""
    return Refusal(400, "BadRequest", "Invalid filter clause")


class _Parser:
    def __init__(self, text: str, properties: frozenset[str], grammar: Grammar) -> None:
        self.properties, self.grammar = properties, grammar
        self.operators: set[str] = set()
        self.comparisons = self.alternatives = 0
        self.depth = 0
        self.tokens: list[str] = []
        position = 0
        while position < len(text.rstrip()):
            match = _TOKEN.match(text, position)
            if not match:
                raise invalid_filter()
            self.tokens.append(match.group().strip())
            position = match.end()

    def take(self, expected: str | None = None) -> str:
        if not self.tokens or (expected and self.tokens[0] != expected):
            raise invalid_filter()
        return self.tokens.pop(0)

    def operator(self) -> str:
        operator = self.take()
        self.operators.add(operator)
        return operator

    def disjunction(self) -> Predicate:
        before = self.comparisons
        left = self.conjunction()
        while self.tokens[:1] == ["or"]:
            self.operator()
            left = _either(left, self.conjunction())
            self.alternatives = max(self.alternatives, self.comparisons - before)
        return left

    def conjunction(self) -> Predicate:
        left = self.term()
        while self.tokens[:1] == ["and"]:
            self.operator()
            left = _both(left, self.term())
        return left

    def term(self) -> Predicate:
        self.depth += 1
        if self.depth > _DEEPEST:
            raise invalid_filter()
        try:
            return self.unnested_term()
        finally:
            self.depth -= 1

    def unnested_term(self) -> Predicate:
        if self.tokens[:1] == ["not"]:
            self.operator()
            inner = self.term()
            return lambda entity: not inner(entity)
        if self.tokens[:1] == ["("]:
            self.take()
            inner = self.disjunction()
            self.take(")")
            return inner
        if self.tokens and self.tokens[0].lower() in self.grammar.functions and self.tokens[1:2] == ["("]:
            return self.function()
        return self.comparison()

    def function(self) -> Predicate:
        self.comparisons += 1
        name_of_function = self.take().lower()
        self.take("(")
        name = self.property()
        self.take(",")
        part = str(self.folded(self.value()))
        self.take(")")
        if name_of_function == "contains":
            return lambda entity: part in str(self.folded(entity[name]))
        return lambda entity: str(self.folded(entity[name])).startswith(part)

    def comparison(self) -> Predicate:
        name = self.property()
        operator = self.operator()
        if operator in ("eq", "ne"):
            self.comparisons += 1
            value, equal = self.folded(self.value()), operator == "eq"
            return lambda entity: (self.folded(entity[name]) == value) == equal
        if operator in self.grammar.orders:
            self.comparisons += 1
            bound, order = str(self.value()), _ORDERS[operator]
            return lambda entity: order(str(entity[name]), bound)
        if operator != "in":
            raise invalid_filter()
        self.take("(")
        values = [self.folded(self.value())]
        while self.tokens[:1] == [","]:
            self.take()
            values.append(self.folded(self.value()))
        self.take(")")
        self.comparisons += len(values)
        self.alternatives = max(self.alternatives, len(values))
        return lambda entity: self.folded(entity[name]) in values

    def property(self) -> str:
        name = self.take()
        if name not in self.properties:
            raise invalid_filter()
        return name

    def value(self) -> JSON:
        token = self.take()
        if token in ("null", "true", "false"):
            return {"null": None, "true": True, "false": False}[token]
        if not token.endswith("'"):
            if self.grammar.bare_values and token not in "(),":
                return token
            raise invalid_filter()
        return token[token.index("'") + 1 : -1].replace("''", "'")

    def folded(self, value: JSON) -> JSON:
        return value.lower() if isinstance(value, str) and self.grammar.folds_case else value


def _either(left: Predicate, right: Predicate) -> Predicate:
    return lambda entity: left(entity) or right(entity)


def _both(left: Predicate, right: Predicate) -> Predicate:
    return lambda entity: left(entity) and right(entity)
