"""What the next tick would do, by the Worker's own plan, without doing it."""

from dataclasses import dataclass, field

from directory import GROUP_NAMES, Directory
from graph import Graph, GraphError, Operation
from plan import LEVELS, Plan, Risk, agreed, doubtful, plan
from risky_users.reading import read_tenant, told
from settings import Settings

UNCONFIRMED = "more than half of the group would leave, and a second read did not confirm it"


@dataclass(slots=True)
class GroupForecast:
    """One level's group: user ids that would join and leave. `id` is empty where the tick would have to create it."""

    name: str
    id: str = ""
    members: int | None = None
    """How many users are members now; None where that is not known, and the group is left as it is."""
    joins: tuple[str, ...] = ()
    leaves: tuple[str, ...] = ()
    held: dict[str, str] = field(default_factory=dict)
    """Users who should leave and would stay for now, and why."""


@dataclass(slots=True)
class Forecast:
    """The next tick. `moves` gives the level that a leaving user goes to; `names` are display names, as far as known and wanted."""

    groups: dict[str, GroupForecast]
    moves: dict[str, str] = field(default_factory=dict)
    names: dict[str, str] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    @property
    def changes(self) -> int:
        """How many users would join or leave, counted per group."""
        return sum(len(group.joins) + len(group.leaves) for group in self.groups.values())


async def foresee(graph: Graph, settings: Settings, *, names: bool = False) -> Forecast:
    """Read what a tick reads, and plan what it plans; the removal guard's second read is made too. Raises AuthError."""
    reading = await read_tenant(graph, names=names)
    forecast = Forecast({level: GroupForecast(name) for level, name in GROUP_NAMES.items()}, names=reading.names)
    if reading.risky_users.error:
        forecast.problems.append(told(reading.risky_users.error))
        forecast.notes.append("The risky users were not read to the end, so nobody would leave.")
    if isinstance(reading.directory, GraphError):
        forecast.problems.append(told(reading.directory))
        return forecast
    members = _members(reading.directory, forecast)
    planned = plan(Risk.of(reading.risky_users.by_level, complete=reading.risky_users.error is None), members)
    certain = await _second_look(graph, planned, members, forecast)
    _cap(certain, settings.max_removals, forecast)
    forecast.moves = {**planned.moves}
    for level, change in planned.changes.items():
        group = forecast.groups[level]
        group.members, group.joins = len(members[level]), change.joins
        group.leaves = tuple(user for user in change.leaves if user not in group.held)
    if settings.dry_run:
        forecast.notes.append("DRY_RUN is true, so the tick would only log all this.")
    return forecast


def _members(directory: Directory, forecast: Forecast) -> dict[str, frozenset[str]]:
    """Those of each group that a tick would work on: a group yet to be created has none."""
    for level, group in directory.groups.items():
        forecast.groups[level].id = group.id
    for level, count in directory.namesakes.items():
        forecast.notes.append(f"{count} groups are named {GROUP_NAMES[level]}; the oldest is used. Rename or delete the others.")
    for level in filter(directory.not_there_yet.__contains__, LEVELS):
        forecast.notes.append(f"{GROUP_NAMES[level]} is too new to be known everywhere; it would wait for the minute after.")
    for level in filter(directory.missing.__contains__, LEVELS):
        forecast.notes.append(f"{GROUP_NAMES[level]} is not there and would be created.")
    forecast.problems += [told(error) for error in directory.errors.values()]
    read = {level: listed.users for level, listed in directory.members.items()}
    return read | {level: frozenset[str]() for level in LEVELS if level in directory.missing}


async def _second_look(graph: Graph, planned: Plan, members: dict[str, frozenset[str]], forecast: Forecast) -> Plan:
    if not doubtful(planned, members):
        return planned
    reading = Operation(graph.risky_users(LEVELS))
    await graph.run(reading)
    again = reading.result()
    certain = agreed(planned, plan(Risk.of(again.by_level, complete=again.error is None), members))
    for level, change in planned.changes.items():
        unconfirmed = set(change.leaves) - set(certain.changes[level].leaves)
        forecast.groups[level].held |= dict.fromkeys(sorted(unconfirmed), UNCONFIRMED)
    for level in doubtful(certain, members):
        forecast.notes.append(f"More than half of {GROUP_NAMES[level]} would leave; a second read of the risky users confirmed it.")
    return certain


def _cap(certain: Plan, max_removals: int | None, forecast: Forecast) -> None:
    """Hold back the leaves beyond MAX_REMOVALS, which counts through the levels in their order."""
    if max_removals is None:
        return
    leaves = [(level, user) for level, change in certain.changes.items() for user in change.leaves]
    for level, user in leaves[max_removals:]:
        forecast.groups[level].held[user] = f"MAX_REMOVALS = {max_removals}"
