"""A tenant and the ticks that run beside it, interleaved at every wait, each change of the directory judged as it happens.

A tick is a coroutine that is suspended wherever it waits: for a request to arrive, for its answer, for time to pass. `World.step`
lets the one that is due go on to its next wait, so that anything, another tick included, can happen in between.
"""

from collections.abc import Awaitable, Callable, Collection, Coroutine, Generator, Mapping
from dataclasses import dataclass, field
from functools import partial
from random import Random

import simulator
from budget import Budget, HttpRequest, HttpResponse
from errors import SyncFailed
from graph import GraphClient, IsolateCache
from groups import GROUP_NAMES
from plan import GUARDED_SIZE, RISK_LEVELS
from report import Report
from risky_users.connection import Waited
from settings import Settings, read_settings
from simulator.cloudflare.state import ListWrite
from sync import AGREEMENT_SECONDS, TICK_SECONDS, sync
from tests.chaos.heard import Heard
from tests.chaos.lane import ADDRESS, HOST, Lists, Told, judge, mailbox
from tests.lanes import MAY_READ_MAIL
from tests.ticks import StoppedClock, variables

BEFORE_EVERYTHING = -1.0
RUNAWAY = 90
"""Groups of one name: with seven a page, more than a tick looks at."""
LOOKED_AT = 35
"""Of so many a tick of 20 subrequests looks at all, seven a page."""
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
    before: "Tick | None" = None
    """The tick before in the same isolate, which may remember what that one was told."""
    knew: dict[str, str] = field(default_factory=dict)
    """The ids of the groups that the isolate knew when it began, by their names."""
    told: Told = field(default_factory=Told)
    """What Cloudflare has told the isolate, in this tick and before."""
    listings: int = 0
    """How many times it had told of all lists before this tick."""
    taken_out: dict[str, list[str]] = field(default_factory=dict)
    """What was removed from each list."""
    lied_to: bool = False
    """Whether Cloudflare may have said that a change was made that was not."""
    lane_undisturbed: bool = True
    """Whether nothing stood between the tick and the truth about the lists, as far as Cloudflare is concerned."""
    added: set[tuple[str, str]] = field(default_factory=set)
    removed: list[tuple[str, str]] = field(default_factory=list)
    subrequests: int = 0
    alone: bool = True
    """Whether nothing but this tick changed anything since it began."""
    undisturbed: bool = True
    """Whether besides nothing stood between the tick and the truth."""
    under_way: int = 0
    """Requests given up by the tick that will reach Graph all the same."""
    log: list[tuple[str, str | Mapping[str, object]]] = field(default_factory=list)
    coroutine: Coroutine[object, None, Report] | None = None
    report: Report | None = None
    problems: list[str] = field(default_factory=list)


@dataclass(eq=False)
class Flight:
    """A request on its way: when it arrives, and when the tick gives it up, which for a `late` one comes first."""

    time: float
    tick: Tick
    request: HttpRequest
    gives_up: float
    late: bool = False
    arrived: bool = False
    answer: simulator.Response | None = None
    lost: simulator.Dropped | None = None
    """How the connection ended, if so."""

    @property
    def message(self) -> simulator.Request:
        """It as it arrives."""
        request = self.request
        return simulator.Request(request.method, request.url, request.headers, request.body.encode())

    @property
    def at_cloudflare(self) -> bool:
        """Whether it goes to Cloudflare, not to Microsoft."""
        return self.request.url.split("/")[2] == HOST


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

    with_lane = False
    """Whether an account stands beside the tenant."""

    def __init__(self, users: int, seed: int) -> None:
        self.clock = StoppedClock()
        self.random = Random(seed)
        self.tenant = simulator.Tenant.contoso(users, seed, clock=self.clock.now)
        self.tenant.on_write = self._written
        self._answer = self.tenant.handle if seed % CHECKED_BY_DESCRIPTION == 0 else super(simulator.Tenant, self.tenant).handle
        self.lane = Lists(self.tenant, seed, self.clock.now, self._list_written) if self.with_lane else None
        if self.lane:
            self.tenant.app.permissions.add(MAY_READ_MAIL)
            checked = seed % CHECKED_BY_DESCRIPTION == 0
            self._answer_of_cloudflare = self.lane.account.handle if checked else super(simulator.Account, self.lane.account).handle
        self.isolates = [IsolateCache(), IsolateCache()]
        self.told_of_lists = [Told(), Told()]
        self.running: list[Tick | None] = [None, None]
        self.latest: list[Tick | None] = [None, None]
        """The last tick that ended in each isolate, while the isolate lives."""
        self.flights: list[Flight] = []
        """Requests that have not arrived."""
        self.lateness = 0.0
        """The share of requests that are given up and arrive late."""
        self.forge: Callable[[str], str] = str
        """What becomes of an answer's body on its way."""
        self.touched: dict[str, float] = {}
        """When somebody other than the Worker last changed a group or the membership of a user, by id."""
        self.at_ease: dict[str, float] = {}
        """When a user was last known to be at no risk, by id."""
        self.renamed: dict[str, tuple[str, float]] = {}
        """What a group was named before, and until when, by its id."""
        self.finished: list[Tick] = []
        self.broken = False
        """Whether a tick ended as none should, so that there is nothing left to be seen."""
        self._acting: Tick | None = None

    def most(self, settings: Settings) -> int:
        """How many subrequests a tick may take."""
        return settings.max_subrequests

    @property
    def late(self) -> list[Flight]:
        """Requests that were given up and will arrive all the same."""
        return [flight for flight in self.flights if flight.late]

    # --- what happens ---

    def touch(self, *ids: str) -> None:
        """Somebody changes these groups, or the membership of these users, now."""
        for each in ids:
            self.touched[each] = self.clock.time
        self.disturb()

    def set_risk(self, user: simulator.User, level: str) -> None:
        """The user's risk changes, now."""
        if {user.risk_level, level} - set(RISK_LEVELS):
            self.at_ease[user.id] = self.clock.time
        self.tenant.set_risk(user, level)
        self.disturb()

    def delete(self, user: simulator.User, *, listed: bool) -> None:
        """The user is deleted, now; `listed`: Identity Protection marks them as deleted."""
        if self.lane:
            self.lane.remember()
        self.tenant.delete_user(user, listed=listed)
        self.at_ease[user.id] = self.clock.time
        self.touch(user.id)
        self.touch(mailbox(user.id))

    def rename(self, group: simulator.Group) -> None:
        """An administrator gives the group a name of another kind, now."""
        self.renamed[group.id] = group.name, self.clock.time
        self.tenant.rename_group(group, "Renamed")
        self.touch(group.id)

    def rename_mailbox(self, user: simulator.User, mail: str | None) -> None:
        """The user gets another mailbox, or none, now."""
        if self.lane:
            self.lane.remember()
        self.tenant.rename_mailbox(user, mail)
        self.touch(mailbox(user.id))

    def disturb(self) -> None:
        """Something changes that a tick under way may or may not see."""
        for tick in self.running:
            if tick:
                tick.alone = tick.undisturbed = False

    def trouble(self) -> None:
        """Something begins to stand between the ticks under way and the truth."""
        for tick in self.running:
            if tick:
                tick.undisturbed = False

    def trouble_at_cloudflare(self) -> None:
        """Something begins to stand between the ticks under way and the lists."""
        for tick in self.running:
            if tick and self.lane:
                tick.lane_undisturbed = False
                tick.lied_to |= self.lane.lying

    def start(self, isolate: int, **overrides: str) -> Tick:
        """A cron event in an isolate that is idle."""
        self.clock.time += 0.001  # so that what happened before is told from what happens meanwhile
        now = self.clock.time
        given = {**variables(self.tenant), **(self.lane.variables if self.lane else {}), "LOG_LEVEL": "debug", **overrides}
        settings = read_settings(given.get)
        tick = Tick(settings, now, now, before=self.latest[isolate], alone=self._alone(), undisturbed=self._calm())
        tick.told, tick.listings = self.told_of_lists[isolate], self.told_of_lists[isolate].listings
        if self.lane:
            tick.lied_to, tick.lane_undisturbed = self.lane.lying, self.lane.calm
        tick.knew = {name: group.id for name, group in self.isolates[isolate].groups.items()}
        self.disturb()
        budget = Budget(
            fetch=lambda request: self._fetch(tick, request),
            clock=Clock(self),
            random=self.random,
            max_subrequests=self.most(settings),
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
            self.flights = [flight for flight in self.flights if flight.late or flight.tick is not tick]
        self.running[isolate] = self.latest[isolate] = None
        self.isolates[isolate], self.told_of_lists[isolate] = IsolateCache(), Told()

    def step(self) -> bool:
        """Whoever is due first goes on, to its next wait; whether there was anybody."""
        due = [*(tick.due for tick in self.running if tick), *(flight.time for flight in self.flights)]
        if not due:
            return False
        self.clock.time = max(self.clock.time, min(due))
        ready: list[Tick | Flight] = [tick for tick in self.running if tick and tick.due <= self.clock.time]
        ready += [flight for flight in self.flights if flight.time <= self.clock.time]
        chosen = self.random.choice(ready)
        try:
            if isinstance(chosen, Flight):
                self._arrive(chosen)
            else:
                self._go_on(chosen)
        except BaseException:
            self.broken = True
            raise
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
        isolate = self.running.index(tick)
        self.running[isolate], self.latest[isolate] = None, tick
        self.finished.append(tick)
        self._judge(tick)

    def _fetch(self, tick: Tick, request: HttpRequest) -> Awaitable[HttpResponse]:
        """Send the request now, whenever its answer is awaited."""
        sent, gives_up = self.clock.time, self.clock.time + request.timeout
        flight = Flight(sent + min(self.random.uniform(0.0, 0.2), request.timeout), tick, request, gives_up)
        tick.subrequests += 1
        if not flight.at_cloudflare:
            tick.heard.ask(request.body)
        self._assert_token(request)
        if self.random.random() < self.lateness:
            flight.time, flight.late = sent + self.random.uniform(10.0, 90.0), True
            tick.under_way += 1
        self.flights.append(flight)
        return Waited(partial(self._answer_to, flight))  # which nobody may do: a tick can be killed before

    async def _answer_to(self, flight: Flight) -> HttpResponse:
        while not flight.late and not flight.arrived:
            await Until(flight.time)
        if flight.lost:
            raise flight.lost
        answer = flight.answer
        if flight.late or not answer or flight.time + answer.delay > flight.gives_up:
            await Until(flight.gives_up)
            raise TimeoutError
        await Until(flight.time + answer.delay)
        body = self.forge(answer.body.decode(errors="replace"))
        if flight.at_cloudflare:
            flight.tick.told.answer(flight.message, answer.status, body)
        else:
            flight.tick.heard.answer(flight.request.body, answer.status, body)
        return HttpResponse(answer.status, {name.lower(): value for name, value in answer.headers.items()}, body)

    def _arrive(self, flight: Flight) -> None:
        self.flights.remove(flight)
        flight.time, flight.arrived = self.clock.time, True
        if flight.late:
            self.disturb()
            flight.tick.under_way -= 1
        try:
            flight.answer = self._handle(flight.tick, flight.message)
        except simulator.Dropped as lost:
            flight.lost = lost

    def _handle(self, tick: Tick, message: simulator.Request) -> simulator.Response:
        self._acting = tick
        try:
            if message.url.split("/")[2] == HOST:
                return self._answer_of_cloudflare(message)
            return self._answer(message)
        finally:
            self._acting = None
            assert not self.tenant.violations, self.tenant.violations
            assert not self.lane or not self.lane.account.violations, self.lane.account.violations

    # --- what must never happen ---

    def _written(self, write: simulator.Write) -> None:
        tick = self._acting
        assert tick
        group = self.tenant.directory.groups[write.group]
        level = next((level for level, name in GROUP_NAMES.items() if name in self._names(group, tick.started)), None)
        assert level, "only the three groups are ever written to"
        assert not tick.settings.dry_run, "a dry run writes nothing"
        if write.kind == "create":
            self._created(tick, group)
        elif write.kind == "add":
            assert level in tick.heard.levels(write.user), "nobody is added to a level that Graph did not report"
            tick.added.add((write.user, write.group))
        else:
            self._removed(tick, group, level, write.user)

    def _created(self, tick: Tick, group: simulator.Group) -> None:
        assert group.name
        known = self.tenant.directory.groups.get(tick.knew.get(group.name, ""))
        if known and known is not group and known.deleted is None and known.name == group.name:
            raise AssertionError("no group is created where the isolate knows one")
        lag = self.tenant.behaviour.lookup_lag
        to_be_found = [
            other for other in self.tenant.groups_named(group.name) if other is not group and self.clock.time - other.created > lag + 60
        ]
        assert not to_be_found, "no group is created where one of its name can be found"

    def _removed(self, tick: Tick, group: simulator.Group, level: str, user: str) -> None:
        heard = tick.heard
        assert user in self.tenant.directory.users, "only users are removed"
        assert group.id in heard.whole, "nobody leaves a group that was not read to the end"
        assert user in heard.members[group.id], "nobody is removed who was not seen in the group"
        reads = [*heard.reads()]
        assert reads, "nobody leaves unless the risky users were read to the end"
        first, *later = reads
        target = first.levels.get(user, "none")
        assert target != level, "nobody leaves the group of the level that Graph reports"
        tick.removed.append((user, group.id))
        size, gone = len(heard.members[group.id]), sum(1 for _, each in tick.removed if each == group.id)
        too_many = size >= GUARDED_SIZE and 2 * gone > size
        if too_many or (target == "none" and first.answers > 1):
            before = self.minute_before(tick)
            later += [next(before.heard.reads())] if before else []
            assert any(read.levels.get(user, "none") == target for read in later), "what may be an error is read twice"
        cap = tick.settings.max_removals
        assert cap is None or len(set(tick.removed)) <= cap, "MAX_REMOVALS caps the removals of a tick"
        self._never_in_no_group(tick, user, target, seen=len(later) + 1)

    def _list_written(self, write: ListWrite) -> None:
        assert self._acting
        assert self.lane
        judge(self, self.lane, self._acting, write)

    def _assert_token(self, request: HttpRequest) -> None:
        token = self.lane.account.token.value if self.lane else ""
        if request.url.startswith(f"https://{HOST}/"):
            assert request.headers["authorization"] == f"Bearer {token}", "Cloudflare is shown its own token alone"
        else:
            assert not token or token not in str(request), "the token for Cloudflare goes nowhere else"

    def minute_before(self, tick: Tick) -> Tick | None:
        """The tick whose read of the risky users the isolate may remember: the last that read them all, unless that is too long ago."""
        before = tick.before
        while before and tick.started - before.started <= AGREEMENT_SECONDS:
            if [*before.heard.reads()]:
                return before
            before = before.before
        return None

    def _never_in_no_group(self, tick: Tick, user: str, reported: str, *, seen: int) -> None:
        """`reported` is the level that the first read gave; `seen` tells how many reads there were."""
        inside = {level for level in RISK_LEVELS if self._is_in(user, level)}
        if reported in RISK_LEVELS and not self._disturbed(user, tick.started) and not self.others_at_work(tick):
            assert reported in inside, "whoever moves is in the new group before leaving the old one"
        entry = self.tenant.directory.users[user]
        always_risky = (
            entry.risk_level in RISK_LEVELS and not entry.deleted and self.at_ease.get(user, BEFORE_EVERYTHING) < self.oldest(tick)
        )
        honest = self.forge is str
        if honest and always_risky and not self._disturbed(user, self.oldest(tick)) and (seen < 2 or reported in RISK_LEVELS):
            assert inside, "a risky user is in a group at all times, unless two reads in a row missed them"

    def _is_in(self, user: str, level: str) -> bool:
        return any(user in group.members for group in self._groups_of(level) if group.deleted is None)

    def _groups_of(self, level: str) -> list[simulator.Group]:
        return [group for group in self.tenant.directory.groups.values() if GROUP_NAMES[level] in self._names(group)]

    def _names(self, group: simulator.Group, since: float = BEFORE_EVERYTHING) -> set[str | None]:
        """What the group is known by, or was at any time since then."""
        former, until = self.renamed.get(group.id, (None, since))
        return {group.name, group.unique_name, former if until >= since else None}

    def _disturbed(self, user: str, since: float) -> bool:
        """Whether somebody else changed the user's membership, or one of the groups, in this time."""
        ids = [user, *(group.id for level in RISK_LEVELS for group in self._groups_of(level))]
        return any(self.touched.get(each, BEFORE_EVERYTHING) >= since for each in ids)

    def _alone(self) -> bool:
        """Whether nobody else is at work, and what is read is not history."""
        return not (self.tenant.behaviour.member_lag or self.late or any(self.running))

    def _calm(self) -> bool:
        """Whether nothing stands between a tick and the truth."""
        lag = self.tenant.behaviour.member_lag + self.tenant.behaviour.lookup_lag
        return not (lag or self.tenant.faults or self.late or any(self.running))

    def others_at_work(self, tick: Tick) -> bool:
        return any(other and other is not tick for other in self.running) or bool(self.late)

    def oldest(self, tick: Tick) -> float:
        """Since when somebody has been at work who may know no better than what was true then."""
        before = tick.before.started if tick.before else tick.started
        ticks = [each.started for each in self.running if each] + [late.tick.started for late in self.late]
        return min([before, *ticks])

    # --- a tick that is over ---

    def _judge(self, tick: Tick) -> None:
        assert self.clock.time - tick.started <= TICK_SECONDS + 1e-3, "the deadline beats every wait"
        assert tick.subrequests <= self.most(tick.settings), "a tick stays within MAX_SUBREQUESTS"
        self._assert_private(tick)
        self._assert_right(tick)
        if tick.undisturbed and tick.report and tick.report.outcome in ("in sync", "changed"):
            assert all(self.in_sync(level) for level in RISK_LEVELS), f"a tick that says {tick.report.outcome} has left everything right"
            if self._lists_seen(tick):
                assert self.lane
                assert all(map(self.lane.right, RISK_LEVELS)), f"a tick that says {tick.report.outcome} has left the lists right"
        if tick.undisturbed and not tick.settings.dry_run and all(map(_of_the_lane, _complaints(tick))):
            assert all(self.in_sync(level) for level in RISK_LEVELS), "what ails the lists keeps nothing from the groups"

    def _lists_seen(self, tick: Tick) -> bool:
        """Whether the tick kept all lists, in full, and nothing stood between it and the truth about them."""
        gateway = tick.settings.gateway
        full = gateway and gateway.addresses == "both" and len(gateway.lists) == len(RISK_LEVELS)
        return bool(full) and tick.lane_undisturbed and not tick.lied_to and MAY_READ_MAIL in self.tenant.app.permissions

    def _assert_right(self, tick: Tick) -> None:
        """What the record says is so, and a cap that holds leaves back is used up."""
        record = next(entry for _, entry in reversed(tick.log) if not isinstance(entry, str))
        risky, members = record.get("risky", {}), record.get("members", {})
        assert isinstance(risky, dict)
        assert isinstance(members, dict)
        if tick.alone:
            for level, count in risky.items():
                assert count == self._called_risky(level), "the record tells how many are risky, or nothing"
            for level, count in members.items():
                assert count in self._sizes(level), "a number of members is right, or is not said"
        lists = record.get("lists", {})
        assert isinstance(lists, dict)
        if tick.alone and self.lane and not tick.lied_to and not self.lane.account.behaviour.list_lag:
            for level, count in lists.get("members", {}).items():
                assert count == len(self.lane.lists[level].values), "a number of addresses is right, or is not said"
        cap = tick.settings.max_removals
        groups = [entry for _, entry in tick.log if "MAX_REMOVALS" in str(entry) and " list: " not in str(entry)]
        if groups and cap and not tick.settings.dry_run:
            assert len(tick.heard.removals) >= cap, "a cap that is not used up holds nobody back"

    def _called_risky(self, level: str) -> int:
        """How many users Identity Protection calls risky: those too whose deletion it does not know of yet."""
        users = self.tenant.directory.users.values()
        return sum(user.risk_level == level and not (user.deleted and user.listed_as_deleted) for user in users)

    def _sizes(self, level: str) -> set[int]:
        """How many users the group has, or each of those of its name."""
        users = self.tenant.directory.users
        return {sum(member in users for member in group.members) for group in self._groups_of(level)}

    def in_sync(self, level: str, excused: Collection[str] = ()) -> bool:
        """Whether the level's group holds all users at it, and nobody else but users at the levels excused."""
        named = sorted(self._named(level), key=lambda group: (int(group.created), group.id))  # Graph tells seconds
        used = named[:1] if self.all_looked_at else named  # of so many the oldest may not be among those looked at
        wanted = {user.id for user in self.tenant.risky_at(level)}
        staying = {user.id for each in excused for user in self.tenant.risky_at(each)}
        users = self.tenant.directory.users.keys()
        return any(wanted <= {*group.members} & users <= wanted | staying for group in used)

    @property
    def all_looked_at(self) -> bool:
        """Whether a tick looks at all groups of the three names, for which it asks in one list."""
        return sum(len(self._named(level)) for level in RISK_LEVELS) <= LOOKED_AT

    def _named(self, level: str) -> list[simulator.Group]:
        return self.tenant.groups_named(GROUP_NAMES[level])

    def said(self) -> list[object]:
        """What the latest ticks told of themselves."""
        return [tick.problems or tick.report for tick in self.finished[-3:]]

    def _assert_private(self, tick: Tick) -> None:
        shown = "\n".join([*(str(entry) for _, entry in tick.log), *tick.problems])
        for private in (self.tenant.domain, self.tenant.app.secret, "Bearer", *self.tenant.tokens.issued):
            assert private not in shown, "nothing private is in the log"
        assert not ADDRESS.search(shown), "no address is ever logged"
        assert not self.lane or self.lane.account.token.value not in shown, "nothing private is in the log"


def _complaints(tick: Tick) -> list[str]:
    return [entry for level, entry in tick.log if level in ("warn", "error") and isinstance(entry, str)]


def _of_the_lane(line: str) -> bool:
    return any(words in line for words in (" list", "ail addresses", "without any address"))
