"""The same chaos with somebody to be told: every promise holds, no more is told than is bounded, and nothing is missing.

The isolates share a store; the receiver takes messages, or does not, or is slow; isolates are taken away in the midst of telling.
"""

import json
from collections.abc import Coroutine
from itertools import groupby

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import rule

from alerts import Memory
from budget import Budget, HttpRequest, HttpResponse
from errors import SyncFailed
from notify import Ways, notify
from report import Report
from settings import Settings, Watch
from tests.chaos.test_chaos import Chaos, histories, isolates
from tests.chaos.world import Clock, Tick, Until, World
from tests.watching import HEARTBEAT, TELLING_SECONDS, WEBHOOK

AFTER = 2
WATCH = Watch(WEBHOOK, HEARTBEAT, AFTER)
ISOLATES = 2


class Door:
    """The store as one tick reaches it: when it looks, what it has come to counts as seen."""

    def __init__(self, world: "TellingWorld", outcome: str) -> None:
        self._world, self._outcome = world, outcome

    async def get(self) -> str | None:
        self._world.outcomes.append(self._outcome)
        return self._world.kept

    async def put(self, text: str) -> None:
        self._world.kept = text


class TellingWorld(World):
    """A world with a receiver of alerts and heartbeats."""

    def __init__(self, users: int, seed: int) -> None:
        super().__init__(users, seed)
        self.kept: str | None = None
        self.memories = [Memory() for _ in range(ISOLATES)]
        self.mood = "taking"
        self.outcomes: list[str] = []
        """What ticks came to, good or bad, in the order in which the store was asked."""
        self.tried: list[tuple[int, str]] = []
        """What was sent to the receiver, after how many outcomes."""
        self.told: list[str] = []
        """What it has taken, and said so."""
        self.fickle = False
        """Whether it was ever in another mood than taking."""
        self.good = self.beats = self.cut_off = 0
        self.working: dict[int, Coroutine[object, None, Report]] = {}
        self.telling: set[int] = set()
        """In which isolates a tick is over, and somebody being told."""

    def most(self, settings: Settings) -> int:
        return WATCH.leaves(settings.max_subrequests)

    def start(self, isolate: int, **overrides: str) -> Tick:
        tick = super().start(isolate, **overrides)
        assert tick.coroutine
        self.working[isolate] = tick.coroutine
        tick.coroutine = self._told(isolate, tick, tick.coroutine)
        return tick

    def restart(self, isolate: int) -> None:
        self.cut_off += isolate in self.telling
        super().restart(isolate)
        if working := self.working.pop(isolate, None):
            working.close()  # which it may not have begun
        self.memories[isolate] = Memory()

    async def _told(self, isolate: int, tick: Tick, working: Coroutine[object, None, Report]) -> Report:
        """The tick, and then what entry.py does."""
        outcome: Report | SyncFailed
        try:
            outcome = await working
        except SyncFailed as failed:
            outcome = failed
        tick.report = outcome if isinstance(outcome, Report) else None
        tick.problems = [] if isinstance(outcome, Report) else outcome.problems
        super()._judge(tick)
        bad = isinstance(outcome, SyncFailed)
        self.good += not bad
        ended = self.clock.time
        budget = Budget(
            fetch=self._outside,
            clock=Clock(self),
            random=self.random,
            max_subrequests=min(WATCH.subrequests, tick.settings.max_subrequests - tick.subrequests),
            deadline=ended + TELLING_SECONDS,
        )
        ways = Ways(store=Door(self, "bad" if bad else "good"), memory=self.memories[isolate])
        self.telling.add(isolate)
        try:
            await notify(WATCH, ways, outcome, tick.started, budget, lambda level, entry: tick.log.append((level, entry)))
            self.memories[isolate] = ways.memory
        finally:
            self.telling.discard(isolate)
        assert self.clock.time - ended <= TELLING_SECONDS + 1e-3, "telling ends by itself"
        if isinstance(outcome, SyncFailed):
            raise outcome
        return outcome

    def _judge(self, tick: Tick) -> None:
        """It was, before anybody was told."""
        self._assert_private(tick)

    async def _outside(self, request: HttpRequest) -> HttpResponse:
        mood = self.mood
        if request.url == WEBHOOK:
            self._sent(request.body, taken=mood == "taking")
        await Until(self.clock.time + (request.timeout if mood == "slow" else 0.1))
        if mood == "slow":
            raise TimeoutError
        if mood == "lost on the way back":
            raise OSError
        self.beats += request.url == HEARTBEAT and mood == "taking"
        return HttpResponse(200 if mood == "taking" else 302, {}, "")

    def _sent(self, body: str, *, taken: bool) -> None:
        for private in (self.tenant.domain, WEBHOOK, *self.tenant.directory.users):
            assert private not in body, "no alert names users or addresses"
        states = json.loads(body)["states"]
        self.tried += [(len(self.outcomes), state) for state in states]
        self.told += states if taken else []


class TellingChaos(Chaos):
    """What may happen beside all that may happen anyway."""

    kind_of_world = TellingWorld

    @rule(mood=st.sampled_from(["taking", "taking", "refusing", "slow", "lost on the way back"]))
    def the_receiver_changes_its_mood(self, mood: str) -> None:
        self.telling_world.mood = mood
        self.telling_world.fickle |= mood != "taking"

    @rule(isolate=isolates, minutes=st.integers(1, 2 * AFTER + 1))
    def an_outage_lasts(self, isolate: int, minutes: int) -> None:
        self.world.finish()
        self.tenant.premium = False
        self.world.trouble()
        for number in range(minutes):
            started = self.world.clock.time
            self.world.start((isolate + number) % ISOLATES)
            self.world.finish()
            self.world.clock.time = max(self.world.clock.time, started + 60)
        self.tenant.premium = True
        self.world.trouble()

    @rule(isolate=isolates, steps=st.integers(1, 30))
    def an_isolate_is_taken_away_in_the_midst_of_a_minute(self, isolate: int, steps: int) -> None:
        self.a_minute_begins(isolate, {}, steps) if self.world.running[isolate] is None else self.ticks_go_on(steps)
        self.world.restart(isolate)

    @property
    def telling_world(self) -> TellingWorld:
        assert isinstance(self.world, TellingWorld)
        return self.world

    def teardown(self) -> None:
        super().teardown()
        if not hasattr(self, "world") or self.world.broken:
            return
        world = self.telling_world
        world.mood = "taking"
        for _ in range(2):
            world.clock.time += 3600  # by then whatever was not taken is tried again
            self.minute()
        self.judge(world)

    def judge(self, world: TellingWorld) -> None:
        """No more than is bounded, and none missing."""
        lasting, position = 0, 0
        for kind, group in groupby(world.outcomes):
            length = len(list(group))
            if kind == "bad" and length >= AFTER:
                lasting += 1
            if kind == "bad" and length >= ISOLATES * (AFTER + world.cut_off) and not world.fickle:
                assert [at for at, _ in world.tried if position < at <= position + length], "a failure that lasts is told"
            position += length
        begun, over = ([state for state in world.told if (state == "over") is ended] for ended in (False, True))
        most = ISOLATES * lasting + world.cut_off
        assert len(begun) <= 2 * most, "a failure is told once, and once more if it turns out to be the credential"
        assert len(over) <= most, "its end is told once"
        if begun and world.outcomes[-1] == "good":
            assert world.told[-1] == "over", "whoever was told of a failure is told of its end"
        assert world.beats <= world.good


TellingChaos.TestCase.settings = histories(50)


TestChaosWithAlerts = pytest.mark.timeout(0)(TellingChaos.TestCase)
