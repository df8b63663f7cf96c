"""What all lists of the administrators' side share."""

from collections.abc import Callable, Collection, Iterable, Mapping
from typing import TypeVar

from simulator.entra.answers import Answer
from simulator.entra.call import Call
from simulator.entra.odata import USUAL, Grammar, parse_filter, select
from simulator.entra.paging import page, page_size, position
from simulator.entra.service import Service
from simulator.messages import JSON

T = TypeVar("T")


def listed(
    service: Service,
    call: Call,
    context: str,
    objects: Iterable[T],
    show: Callable[[T], Mapping[str, JSON]],
    filterable: Callable[[T], Mapping[str, JSON]] | None = None,
    filters: Collection[str] = (),
    grammar: Grammar = USUAL,
    known: Collection[str] = (),
) -> Answer:
    """A page of those objects that the filter keeps. Raises Refusal. `known` properties may be selected though some objects lack them."""
    top = page_size(call, service.behaviour, 100, 999)
    units = service.read(call, 1.0)
    text, selected = call.query.get("$filter"), call.query.get("$select")
    chosen = list(objects)
    if text is not None:
        matches = parse_filter(text, frozenset(filters), grammar).matches
        chosen = [each for each in chosen if matches((filterable or show)(each))]
    start = position(call)
    end = start + top
    shown = [select(show(each), selected, known) for each in chosen[start:end]]
    return page(call, context, shown, end if end < len(chosen) else None, units)


def entity(call: Call, context: str, shown: Mapping[str, JSON], status: int = 200) -> Answer:
    """One object, whole or as selected. Raises Refusal."""
    body: dict[str, JSON] = {"@odata.context": f"{call.root}/$metadata#{context}", **select(shown, call.query.get("$select"))}
    return Answer(status, body, write_units=1.0 if status == 201 else 0.0)


def done() -> Answer:
    """What a write answers that has nothing to tell."""
    return Answer(204, None, write_units=1.0)
