"""What the next tick would do: a tick of the Worker's own that writes nothing, and what it came to."""

from dataclasses import dataclass, field, replace

from graph import GraphClient
from graph_requests import RISKY_USERS_PAGE, risky_users
from groups import GROUP_NAMES
from listing import Listing, read_pages
from plan import GUARDED_SIZE, RISK_LEVELS
from report import Report
from settings import Settings
from sync import tick


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


async def foresee(graph: GraphClient, settings: Settings, *, names: bool = False) -> Forecast:
    """Let a dry tick pass, second look included. Raises ServiceError where no token is issued."""
    report = await tick(graph, replace(settings, dry_run=True))
    if graph.shut_out:
        raise graph.shut_out
    forecast = Forecast({level: _group(report, level) for level in RISK_LEVELS}, problems=_problems(report), notes=_notes(report))
    if report.plans:
        leaving = report.plans[0].departures.values()
        forecast.moves = {user: target for each in leaving for user, target in each.items() if target}
    if settings.dry_run:
        forecast.notes.append("DRY_RUN is true, so the tick would only log all this.")
    if names:
        forecast.names = await _names(graph)
    return forecast


def _group(report: Report, level: str) -> GroupForecast:
    forecast = GroupForecast(GROUP_NAMES[level])
    state = report.states.get(level)
    if state and state.group:
        forecast.id = state.group.id
    if report.plans and level in report.plans[1].changes:
        first, last = (planned.changes[level] for planned in report.plans)
        forecast.members = len(report.levels[level].listed or ())
        forecast.joins, forecast.leaves = tuple(first.joins), tuple(last.leaves)
        forecast.held = {user: why for why, users in last.held.items() for user in users}
    return forecast


def _problems(report: Report) -> list[str]:
    ids = ", ".join(report.request_ids)
    return [f"{problem} Request ids: {ids}." if "request ids" in problem and ids else problem for problem in report.problems]


def _notes(report: Report) -> list[str]:
    notes = [*report.lines["warn"]]
    if len(report.risky) < len(RISK_LEVELS):
        notes.append("The risky users were not read to the end, so nobody would leave.")
    for level, state in report.states.items():
        name, size = GROUP_NAMES[level], len(report.levels[level].listed or ())
        if not state.group and not state.error:
            notes.append(f"{name} is not there and would be created.")
        leaves = report.plans[1].changes[level].leaves if report.plans and level in report.plans[1].changes else ()
        if size >= GUARDED_SIZE and 2 * len(leaves) > size:
            notes.append(f"More than half of {name} would leave; a second read of the risky users confirmed it.")
    return notes


async def _names(graph: GraphClient) -> dict[str, str]:
    """Display names by id. Identity Protection tells those of risky users, so that no right to read users is needed."""
    request = risky_users(RISK_LEVELS, RISKY_USERS_PAGE)
    with_names = request._replace(url=request.url.replace("$select=id,", "$select=id,userDisplayName,"))
    [read] = await graph.run(read_pages(with_names, graph.root))
    entries = [entry for entry in read.entries if isinstance(entry, dict)] if isinstance(read, Listing) else []
    return {str(entry.get("id")).lower(): str(entry["userDisplayName"]) for entry in entries if entry.get("userDisplayName")}
