"""What a tick reads, read by the Worker's own operations, and how each request was answered."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeVar

from batch import Answer, Item
from directory import Directory, read_directory
from graph import Graph, GraphError, Operation, RiskyUsers, Steps
from plan import LEVELS

T = TypeVar("T")


@dataclass(slots=True)
class Reading:
    """The tenant as a tick finds it; `roles` are the permissions in the token, None where they cannot be read from it."""

    risky_users: RiskyUsers
    directory: Directory | GraphError
    """The error where the groups could not be looked up."""
    roles: frozenset[str] | None
    about_risk: list[Answer] = field(default_factory=list)
    about_groups: list[Answer] = field(default_factory=list)

    @property
    def names(self) -> dict[str, str]:
        """The risky users' display names by id, where they were asked for."""
        entries = [entry for answer in self.about_risk for entry in _entries(answer)]
        return {str(entry.get("id")).lower(): str(entry["userDisplayName"]) for entry in entries if entry.get("userDisplayName")}


async def read_tenant(graph: Graph, *, names: bool = False) -> Reading:
    """Read the risky users, with their display names if wanted, and the groups. Raises AuthError."""
    about_risk: list[Answer] = []
    about_groups: list[Answer] = []
    reading_risk = Operation(_overheard(graph.risky_users(LEVELS), about_risk, _with_name if names else _as_it_is))
    reading_directory = Operation(_overheard(read_directory(graph, create=False), about_groups))
    await graph.run(reading_risk, reading_directory)
    try:
        directory: Directory | GraphError = reading_directory.result()
    except GraphError as error:
        directory = error
    return Reading(reading_risk.result(), directory, graph.memory.token.roles, about_risk, about_groups)


def told(error: GraphError) -> str:
    """The error, with the request ids where it asks to report them."""
    ids = ", ".join(error.request_ids)
    return f"{error} Request ids: {ids}." if ids and "request ids" in str(error) else str(error)


def _as_it_is(item: Item) -> Item:
    return item


def _with_name(item: Item) -> Item:
    """Identity Protection tells the names of risky users, so that no right to read users is needed."""
    return item._replace(url=item.url.replace("$select=id,", "$select=id,userDisplayName,"))


def _overheard(steps: Steps[T], answers: list[Answer], change: Callable[[Item], Item] = _as_it_is) -> Steps[T]:
    """The same steps, their items changed on the way out, every answer put into `answers` on the way in."""
    items = next(steps)
    while True:
        answered = yield [change(item) for item in items]
        answers += answered
        try:
            items = steps.send(answered)
        except StopIteration as end:
            result: T = end.value
            return result


def _entries(answer: Answer) -> "list[dict[str, object]]":
    page = answer.body.get("value") if isinstance(answer.body, dict) else None
    return [{**entry} for entry in page if isinstance(entry, dict)] if isinstance(page, list) else []
