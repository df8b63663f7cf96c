"""What the next tick would do: a tick of the Worker's own that writes nothing, and what it came to."""

from dataclasses import dataclass, field, replace

from graph import GraphClient
from graph_requests import RISKY_USERS_PAGE, risky_users
from groups import GROUP_NAMES
from listing import Listing, read_pages
from plan import GUARDED_SIZE, RISK_LEVELS, Plan
from report import Report, Tally
from risky_users.wording import for_once
from settings import Settings
from sync import tick


@dataclass(slots=True)
class LevelForecast:
    """One level's group or list: user ids that would join and leave. `id` is empty where the tick would have to create it."""

    name: str
    id: str = ""
    members: int | None = None
    """How many users are in it now; None where that is not known, and it is left as it is."""
    joins: tuple[str, ...] = ()
    leaves: tuple[str, ...] = ()
    held: dict[str, str] = field(default_factory=dict)
    """Users who should leave and would stay for now, and why."""


@dataclass(slots=True)
class Forecast:
    """The next tick. `moves` gives the level that a leaving user goes to; `names` are display names, as far as known and wanted."""

    groups: dict[str, LevelForecast]
    lists: dict[str, LevelForecast] = field(default_factory=dict)
    moves: dict[str, str] = field(default_factory=dict)
    names: dict[str, str] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    @property
    def changes(self) -> int:
        """How many users would join or leave, counted for each group and list."""
        return sum(len(level.joins) + len(level.leaves) for level in [*self.groups.values(), *self.lists.values()])


async def foresee(graph: GraphClient, settings: Settings, *, names: bool = False) -> Forecast:
    """Let a dry tick pass, second look included. Raises ServiceError where no token is issued."""
    report = await tick(graph, replace(settings, dry_run=True))
    if graph.shut_out:
        raise graph.shut_out
    forecast = Forecast(_groups(report), _lists(report, settings), problems=_problems(report), notes=_notes(report))
    leaving = [each for first, _ in report.plans.values() for each in first.departures.values()]
    forecast.moves = {user: target for each in leaving for user, targets in each.items() if (target := targets.get(user))}
    if settings.dry_run:
        forecast.notes.append("DRY_RUN is true, so the tick would only log all this.")
    if names:
        forecast.names = await _names(graph)
    return forecast


def _groups(report: Report) -> dict[str, LevelForecast]:
    forecasts = {}
    for level, tally in report.levels.items():
        state = report.states.get(level)
        known = LevelForecast(GROUP_NAMES[level], state.group.id if state and state.group else "")
        forecasts[level] = _foreseen(known, tally, report.plans.get("groups"), level)
    return forecasts


def _lists(report: Report, settings: Settings) -> dict[str, LevelForecast]:
    lists = settings.gateway.lists if settings.gateway else {}
    known = {level: LevelForecast(f"{level} list", list_id) for level, list_id in lists.items()}
    return {level: _foreseen(each, report.lists.get(level, Tally()), report.plans.get("lists"), level) for level, each in known.items()}


def _foreseen(known: LevelForecast, tally: Tally, plans: tuple[Plan, Plan] | None, level: str) -> LevelForecast:
    if plans and level in plans[1].changes:
        first, last = (planned.changes[level] for planned in plans)
        known.members = len(tally.listed or ())
        known.joins, known.leaves = tuple(first.joins), tuple(last.leaves)
        known.held = {user: why for why, users in last.held.items() for user in users}
    return known


def _problems(report: Report) -> list[str]:
    ids = ", ".join(report.request_ids)
    problems = map(for_once, report.problems)
    return [f"{problem} Request ids: {ids}." if "request ids" in problem and ids else problem for problem in problems]


def _notes(report: Report) -> list[str]:
    notes = [*report.lines["warn"]]
    if len(report.risky) < len(RISK_LEVELS):
        notes.append("The risky users were not read to the end, so nobody would leave.")
    for level, state in report.states.items():
        if not state.group and not state.error:
            notes.append(f"{GROUP_NAMES[level]} is not there and would be created.")
    for target, tallies in (("groups", report.levels), ("lists", report.lists)):
        changes = report.plans[target][1].changes if target in report.plans else {}
        for level, change in changes.items():
            name, size = GROUP_NAMES[level] if target == "groups" else f"the {level} list", len(tallies[level].listed or ())
            if size >= GUARDED_SIZE and 2 * len(change.leaves) > size:
                notes.append(f"More than half of {name} would leave; a second read of the risky users confirmed it.")
    return notes


async def _names(graph: GraphClient) -> dict[str, str]:
    """Display names by id. Identity Protection tells those of risky users, so that no right to read users is needed."""
    request = risky_users(RISK_LEVELS, RISKY_USERS_PAGE)
    with_names = request._replace(url=request.url.replace("$select=id,", "$select=id,userDisplayName,"))
    [read] = await graph.run(read_pages(with_names, graph.root))
    entries = [entry for entry in read.entries if isinstance(entry, dict)] if isinstance(read, Listing) else []
    return {str(entry.get("id")).lower(): str(entry["userDisplayName"]) for entry in entries if entry.get("userDisplayName")}
