"""A tenant and the ticks that run beside it, interleaved at every wait, each change of the directory judged as it happens.

A tick is a coroutine that is suspended wherever it waits: for a request to arrive, for its answer, for time to pass. `World.step`
lets the one that is due go on to its next wait, so that anything, another tick included, can happen in between.
"""

from collections.abc import Callable, Collection, Coroutine, Generator, Mapping
from dataclasses import dataclass, field
from random import Random

import simulator
from budget import Budget, HttpRequest, HttpResponse
from errors import SyncFailed
from graph import GraphClient, IsolateCache
from groups import GROUP_NAMES
from plan import GUARDED_SIZE, RISK_LEVELS
from report import Report
from settings import Settings, read_settings
from sync import TICK_SECONDS, sync
from tests.chaos.heard import Heard
from tests.ticks import StoppedClock, variables

BEFORE_EVERYTHING = -1.0
CHECKED_BY_DESCRIPTION = 10
"""In one world of so many, requests and answers are held to the description of Graph as in all other tests: it takes its time."""


class Until:
    """Awaited, it suspends a tick until a time (epoch seconds)."""

    def __init__(self, time: float) -> None:
        self.time = time

    def __await__(self) -> Generator[float, None, None]:
        yield self.time


@dataclass(eq=False)
class Tick:
    """One tick on its way, what Graph has told it and what it has done."""

    settings: Settings
    started: float
    due: float
    heard: Heard = field(default_factory=Heard)
    added: set[tuple[str, str]] = field(default_factory=set)
    removed: list[tuple[str, str]] = field(default_factory=list)
    subrequests: int = 0
    undisturbed: bool = True
    """Whether nothing but this tick changed anything since it began."""
    under_way: int = 0
    """Requests given up by the tick that will reach Graph all the same."""
    log: list[tuple[str, str | Mapping[str, object]]] = field(default_factory=list)
    coroutine: Coroutine[object, None, Report] | None = None
    report: Report | None = None
    problems: list[str] = field(default_factory=list)


@dataclass(eq=False)
class Late:
    """A request that arrives after its tick has given it up."""

    time: float
    tick: Tick
    request: simulator.Request


@dataclass
class Clock:
    """The world's time, for one tick to wait in."""

    world: "World"

    def now(self) -> float:
        return self.world.clock.time

    async def sleep(self, seconds: float) -> None:
        await Until(self.now() + seconds)


class World:
    """The tenant, its time, and whoever works on it at the moment."""

    def __init__(self, users: int, seed: int) -> None:
        self.clock = StoppedClock()
        self.random = Random(seed)
        self.tenant = simulator.Tenant.contoso(users, seed, clock=self.clock.now)
        self.tenant.on_write = self._written
        self._answer = self.tenant.handle if seed % CHECKED_BY_DESCRIPTION == 0 else super(simulator.Tenant, self.tenant).handle
        self.isolates = [IsolateCache(), IsolateCache()]
        self.running: list[Tick | None] = [None, None]
        self.late: list[Late] = []
        self.lateness = 0.0
        """The share of requests that are given up and arrive late."""
        self.forge: Callable[[str], str] = str
        """What becomes of an answer's body on its way."""
        self.pages = True
        """Whether risky users come in several pages, so that one can be missed when the list shifts meanwhile."""
        self.touched: dict[str, float] = {}
        """When somebody other than the Worker last changed a user or a group, by id."""
        self.renamed: dict[str, tuple[str, float]] = {}
        """What a group was named before, and until when, by its id."""
        self.finished: list[Tick] = []
        self.broken = False
        """Whether a tick ended as none should, so that there is nothing left to be seen."""
        self._acting: Tick | None = None

    # --- what happens ---

    def touch(self, *ids: str) -> None:
        """Somebody changes these users or groups, now."""
        for each in ids:
            self.touched[each] = self.clock.time
        self.disturb()

    def rename(self, group: simulator.Group) -> None:
        """An administrator gives the group a name of another kind, now."""
        self.renamed[group.id] = group.name, self.clock.time
        self.tenant.rename_group(group, "Renamed")
        self.touch(group.id)

    def disturb(self) -> None:
        """Something changes that a tick under way may or may not see."""
        for tick in self.running:
            if tick:
                tick.undisturbed = False

    def start(self, isolate: int, **overrides: str) -> Tick:
        """A cron event in an isolate that is idle."""
        self.clock.time += 0.001  # so that what happened before is told from what happens meanwhile
        now = self.clock.time
        settings = read_settings(variables(self.tenant, LOG_LEVEL="debug", **overrides).get)
        tick = Tick(settings, now, now, undisturbed=self._calm())
        self.disturb()
        budget = Budget(
            fetch=lambda request: self._fetch(tick, request),
            clock=Clock(self),
            random=self.random,
            max_subrequests=settings.max_subrequests,
            deadline=now + TICK_SECONDS,
        )
        tick.coroutine = sync(
            GraphClient(settings, self.isolates[isolate], budget), settings, lambda level, entry: tick.log.append((level, entry))
        )
        self.running[isolate] = tick
        return tick

    def restart(self, isolate: int) -> None:
        """The runtime takes the isolate away, with the tick in it."""
        tick = self.running[isolate]
        if tick and tick.coroutine:
            tick.coroutine.close()
        self.running[isolate] = None
        self.isolates[isolate] = IsolateCache()

    def step(self) -> bool:
        """Whoever is due first goes on, to its next wait; whether there was anybody."""
        due = [*(tick.due for tick in self.running if tick), *(late.time for late in self.late)]
        if not due:
            return False
        self.clock.time = max(self.clock.time, min(due))
        ready: list[Tick | Late] = [tick for tick in self.running if tick and tick.due <= self.clock.time]
        ready += [late for late in self.late if late.time <= self.clock.time]
        chosen = self.random.choice(ready)
        if isinstance(chosen, Late):
            self._arrive_late(chosen)
        else:
            self._go_on(chosen)
        return True

    def finish(self) -> None:
        """Everything under way comes to its end."""
        while self.step():
            pass

    def _go_on(self, tick: Tick) -> None:
        assert tick.coroutine
        try:
            until = tick.coroutine.send(None)
            assert isinstance(until, float)
            tick.due = max(until, self.clock.time)
            return
        except StopIteration as end:
            tick.report = end.value
        except SyncFailed as failure:
            tick.problems = failure.problems
        except BaseException:
            self.broken = True
            raise
        self.running[self.running.index(tick)] = None
        self.finished.append(tick)
        self._judge(tick)

    async def _fetch(self, tick: Tick, request: HttpRequest) -> HttpResponse:
        sent = self.clock.time
        tick.subrequests += 1
        message = simulator.Request(request.method, request.url, request.headers, request.body.encode())
        if self.random.random() < self.lateness:
            self.late.append(Late(sent + self.random.uniform(10.0, 90.0), tick, message))
            tick.under_way += 1
            await Until(sent + request.timeout)
            raise TimeoutError
        await Until(sent + min(self.random.uniform(0.0, 0.2), request.timeout))
        answer = self._handle(tick, message)
        if self.clock.time + answer.delay > sent + request.timeout:
            await Until(sent + request.timeout)
            raise TimeoutError
        await Until(self.clock.time + answer.delay)
        body = self.forge(answer.body.decode(errors="replace"))
        tick.heard.answer(request.body, answer.status, body)
        return HttpResponse(answer.status, {name.lower(): value for name, value in answer.headers.items()}, body)

    def _arrive_late(self, late: Late) -> None:
        self.late.remove(late)
        self.disturb()
        try:
            self._handle(late.tick, late.request)
        except simulator.Dropped:
            pass
        finally:
            late.tick.under_way -= 1

    def _handle(self, tick: Tick, message: simulator.Request) -> simulator.Response:
        self._acting = tick
        try:
            return self._answer(message)
        finally:
            self._acting = None
            assert not self.tenant.violations, self.tenant.violations

    # --- what must never happen ---

    def _written(self, write: simulator.Write) -> None:
        tick = self._acting
        assert tick
        group = self.tenant.directory.groups[write.group]
        level = next((level for level, name in GROUP_NAMES.items() if name in self._names(group, tick.started)), None)
        assert level, "only the three groups are ever written to"
        assert not tick.settings.dry_run, "a dry run writes nothing"
        if write.kind == "create":
            self._created(group)
        elif write.kind == "add":
            assert level in tick.heard.levels(write.user), "nobody is added to a level that Graph did not report"
            tick.added.add((write.user, write.group))
        else:
            self._removed(tick, group, level, write.user)

    def _created(self, group: simulator.Group) -> None:
        lag = self.tenant.behaviour.lookup_lag
        known = [
            other for other in self.tenant.groups_named(group.name) if other is not group and self.clock.time - other.created > lag + 60
        ]
        assert not known, "no group is created where one of its name can be found"

    def _removed(self, tick: Tick, group: simulator.Group, level: str, user: str) -> None:
        heard = tick.heard
        assert user in self.tenant.directory.users, "only users are removed"
        assert heard.all_risk, "nobody leaves unless the risky users were read to the end"
        assert group.id in heard.whole, "nobody leaves a group that was not read to the end"
        assert user in heard.members[group.id], "nobody is removed who was not seen in the group"
        reported = heard.levels(user)
        highest = next((each for each in RISK_LEVELS if each in reported), None)
        assert highest != level, "nobody leaves the group of the level that Graph reports"
        tick.removed.append((user, group.id))
        size, gone = len(heard.members[group.id]), sum(1 for _, each in tick.removed if each == group.id)
        if size >= GUARDED_SIZE and 2 * gone > size:
            assert heard.risk_reads >= 2, "a loss of more than half is looked at twice"
        cap = tick.settings.max_removals
        assert cap is None or len(set(tick.removed)) <= cap, "MAX_REMOVALS caps the removals of a tick"
        self._never_in_no_group(tick, user, highest)

    def _never_in_no_group(self, tick: Tick, user: str, reported: str | None) -> None:
        inside = {level for level in RISK_LEVELS if self._is_in(user, level)}
        if reported and not self._disturbed(user, reported, tick.started) and not self._others_at_work(tick):
            assert reported in inside, "whoever moves is in the new group before leaving the old one"
        entry = self.tenant.directory.users[user]
        level = entry.risk_level
        if level in RISK_LEVELS and not entry.deleted and not self.pages and not self._disturbed(user, str(level), self._oldest()):
            assert inside, "a risky user is in a group at all times"

    def _is_in(self, user: str, level: str) -> bool:
        return any(user in group.members for group in self._groups_of(level) if group.deleted is None)

    def _groups_of(self, level: str) -> list[simulator.Group]:
        return [group for group in self.tenant.directory.groups.values() if GROUP_NAMES[level] in self._names(group)]

    def _names(self, group: simulator.Group, since: float = BEFORE_EVERYTHING) -> set[str | None]:
        """What the group is known by, or was at any time since then."""
        former, until = self.renamed.get(group.id, (None, since))
        return {group.name, group.unique_name, former if until >= since else None}

    def _disturbed(self, user: str, level: str, since: float) -> bool:
        """Whether somebody else changed the user, or the level's group, in this time."""
        ids = [user, *(group.id for group in self._groups_of(level))]
        return any(self.touched.get(each, BEFORE_EVERYTHING) >= since for each in ids)

    def _calm(self) -> bool:
        """Whether nothing stands between a tick and the truth."""
        lag = self.tenant.behaviour.member_lag + self.tenant.behaviour.lookup_lag
        return not (lag or self.tenant.faults or self.late or any(self.running))

    def _others_at_work(self, tick: Tick) -> bool:
        return any(other and other is not tick for other in self.running) or bool(self.late)

    def _oldest(self) -> float:
        """Since when somebody has been at work who may know no better than what was true then."""
        return min([tick.started for tick in self.running if tick] + [late.tick.started for late in self.late], default=self.clock.time)

    # --- a tick that is over ---

    def _judge(self, tick: Tick) -> None:
        assert self.clock.time - tick.started <= TICK_SECONDS + 1e-3, "the deadline beats every wait"
        assert tick.subrequests <= tick.settings.max_subrequests
        self._assert_private(tick)
        if tick.undisturbed and tick.report and tick.report.outcome in ("in sync", "changed"):
            assert all(self.in_sync(level) for level in RISK_LEVELS), f"a tick that says {tick.report.outcome} has left everything right"

    def in_sync(self, level: str, excused: Collection[str] = ()) -> bool:
        """Whether the level's group holds all users at it, and nobody else but users at the levels excused."""
        named = sorted(
            self.tenant.groups_named(GROUP_NAMES[level]), key=lambda group: (int(group.created), group.id)
        )  # Graph tells seconds
        inside = {member for group in named[:1] for member in group.members if member in self.tenant.directory.users}
        wanted = {user.id for user in self.tenant.risky_at(level)}
        staying = {user.id for each in excused for user in self.tenant.risky_at(each)}
        return wanted <= inside <= wanted | staying

    def said(self) -> list[object]:
        """What the latest ticks told of themselves."""
        return [tick.problems or tick.report for tick in self.finished[-3:]]

    def _assert_private(self, tick: Tick) -> None:
        shown = "\n".join([*(str(entry) for _, entry in tick.log), *tick.problems])
        for private in (self.tenant.domain, self.tenant.app.secret, "Bearer", *self.tenant.tokens.issued):
            assert private not in shown
