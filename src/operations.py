"""Operations: `async def` functions that ask for responses and do no I/O, so that many can be driven at once.

An operation awaits `ask(requests)` for the responses to requests, in their order, or `each(operations)` and `both(…)` for
the outcomes of further operations, which run beside one another. It ends with a value: what it returns, or the
ServiceError that it raises. Whoever drives it (scheduler.py) gathers what all of them ask for.
"""

from collections.abc import Callable, Coroutine, Generator, Mapping, Sequence
from functools import partial
from typing import NamedTuple, TypeAlias, TypeVar, cast

from errors import ServiceError
from exchange import GraphRequest, GraphResponse

A = TypeVar("A")
B = TypeVar("B")
K = TypeVar("K")
T = TypeVar("T")

Operation: TypeAlias = Coroutine["_Wait", list[object], T]
Outcome: TypeAlias = T | ServiceError
Then: TypeAlias = Callable[[object], None]
Asks: TypeAlias = Callable[[GraphRequest, Then], None]


class _Wait(NamedTuple):
    """What an operation waits for: the responses to requests, or the outcomes of other operations."""

    requests: Sequence[GraphRequest] = ()
    operations: "Sequence[Operation[object]]" = ()

    def __await__(self) -> "Generator[_Wait, list[object], list[object]]":
        return (yield self)


async def ask(*requests: GraphRequest) -> list[GraphResponse]:
    """The responses to the requests, which travel together as far as Graph's rules allow."""
    return cast("list[GraphResponse]", await _Wait(requests))


async def each(operations: "Mapping[K, Operation[T]]") -> "dict[K, Outcome[T]]":
    """The outcome of each, by its key; they run beside one another."""
    outcomes = cast("list[Outcome[T]]", await _Wait(operations=[*operations.values()]))
    return dict(zip(operations, outcomes, strict=True))


async def both(first: "Operation[A]", second: "Operation[B]") -> "tuple[Outcome[A], Outcome[B]]":
    """The outcomes of two that run beside one another."""
    return cast("tuple[Outcome[A], Outcome[B]]", tuple(await _Wait(operations=[first, second])))


def drive(operation: "Operation[object]", asks: Asks, then: Then, answers: list[object] | None = None) -> None:
    """Start the operation, or let it go on with the answers to its last wait, as far as its next wait or its end.

    `asks` is told each request and where its response goes, `then` the outcome.
    """
    try:
        wait = operation.send(cast("list[object]", answers))
    except StopIteration as end:
        then(end.value)
        return
    except ServiceError as error:
        then(error)
        return
    missing = len(wait.requests) + len(wait.operations)
    filled: list[object] = [None] * missing

    def fill(place: int, value: object) -> None:
        nonlocal missing
        filled[place] = value
        missing -= 1
        if not missing:
            drive(operation, asks, then, filled)

    for place, request in enumerate(wait.requests):
        asks(request, partial(fill, place))
    for place, child in enumerate(wait.operations):
        drive(child, asks, partial(fill, place))
    if not filled:
        drive(operation, asks, then, filled)
