"""One target on its way into step, whatever its service answers: who is let out, when, how often, and what is remembered of it."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from random import Random

from hypothesis import given
from hypothesis import strategies as st

from errors import ServiceError
from graph import Writes
from keeping import PROVEN_AT_ONCE, Keeping
from plan import RISK_LEVELS, Evidence, Membership, Owners, Risk
from tests.ticks import finish

USERS = [f"user-{number:02}" for number in range(60)]

levels = st.sampled_from([*RISK_LEVELS, "none"])
states = st.lists(st.tuples(levels, st.sets(st.sampled_from(RISK_LEVELS), max_size=2)), max_size=len(USERS))
"""Of each user the level that Graph reports, and the levels in which they are."""


@dataclass
class Service:
    """A target whose service decides for each user anew what becomes of a write."""

    fate: Callable[[], str]
    members: Membership
    name: str = "groups"
    known: Membership = field(default_factory=dict)
    unknown: Mapping[str, frozenset[str]] = field(default_factory=dict)
    owners: Owners = field(default_factory=dict)
    missing: frozenset[str] = frozenset()
    asked: list[tuple[str, str, str]] = field(default_factory=list)
    """Every write in its order: what, level, user."""
    fates: dict[tuple[str, str, str], str] = field(default_factory=dict)

    def keep_back(self, share: float, /) -> None:
        """There is room for everything."""

    async def let_in(self, users: Mapping[str, Sequence[str]]) -> Mapping[str, Writes]:
        """Add these users."""
        return self._write("join", users)

    async def prove(self, users: Mapping[str, Sequence[str]]) -> Mapping[str, Writes]:
        """Add them again."""
        return self._write("prove", users)

    async def let_out(self, users: Mapping[str, Sequence[str]]) -> Mapping[str, Writes]:
        """Remove these users."""
        return self._write("leave", users)

    def _write(self, what: str, users: Mapping[str, Sequence[str]]) -> dict[str, Writes]:
        written = {}
        for level, each in users.items():
            written[level] = writes = Writes()
            for user in each:
                assert (what, level, user) not in self.asked, "nobody is asked for twice in a minute"
                self.asked.append((what, level, user))
                fate = self.fates[what, level, user] = self.fate()
                if fate == "refused":
                    writes.refused[user] = ServiceError("refused")
                else:
                    getattr(writes, fate).append(user)
                if fate == "unsure":
                    writes.unfinished.append(user)
                    writes.stopped = ServiceError("no answer")
        return written

    def ended(self, what: str, level: str, *fates: str) -> list[str]:
        """For whom a write ended so, in the order of the writes."""
        return [user for kind, where, user in self.asked if (kind, where) == (what, level) and self.fates[kind, where, user] in fates]


def keep(people: Sequence[tuple[str, set[str]]], fate: Callable[[], str], cap: int | None) -> tuple[Service, Keeping]:
    """One minute in which the risk is certain."""
    risk = Risk.of({level: {user for user, (at, _) in zip(USERS, people, strict=False) if at == level} for level in RISK_LEVELS})
    members = {level: frozenset(user for user, (_, where) in zip(USERS, people, strict=False) if level in where) for level in RISK_LEVELS}
    service = Service(fate, members)
    keeping = Keeping(service, risk, Evidence(second_look=risk), cap)
    finish(keeping.join(keeping.plan(), dry_run=False))
    finish(keeping.leave())
    return service, keeping


def any_fate(random: Random) -> Callable[[], str]:
    return lambda: random.choice(["done", "done", "already", "refused", "unfinished", "unsure"])


@given(states, st.randoms(use_true_random=False), st.none() | st.integers(0, 9))
def test_whoever_moves_is_let_out_only_once_the_service_has_said_that_they_are_in(
    people: Sequence[tuple[str, set[str]]], random: Random, cap: int | None
) -> None:
    service, _ = keep(people, any_fate(random), cap)
    inside: set[tuple[str, str]] = set()
    for what, level, user in service.asked:
        target = people[USERS.index(user)][0]
        if what == "leave":
            assert target == "none" or (user, target) in inside
        elif service.fates[what, level, user] in ("done", "already"):
            inside.add((user, level))


@given(states, st.randoms(use_true_random=False), st.integers(0, 9))
def test_the_cap_counts_what_was_removed_or_may_have_been(people: Sequence[tuple[str, set[str]]], random: Random, cap: int) -> None:
    service, keeping = keep(people, any_fate(random), cap)
    removed = sum(len(service.ended("leave", level, "done", "unsure")) for level in RISK_LEVELS)
    assert removed <= cap
    assert keeping.evidence.removed == removed


@given(states, st.randoms(use_true_random=False))
def test_a_level_from_which_not_all_could_be_taken_is_left_alone_for_the_rest_of_the_minute(
    people: Sequence[tuple[str, set[str]]], random: Random
) -> None:
    service, keeping = keep(people, any_fate(random), None)
    for level in RISK_LEVELS:
        unfinished = bool(service.ended("leave", level, "unfinished", "unsure"))
        assert unfinished == (level in keeping.evidence.closed)
        waiting = keeping.plan().changes[level].leaves
        assert not waiting


@given(states, st.randoms(use_true_random=False), st.none() | st.integers(0, 9))
def test_what_became_of_everybody_is_remembered(people: Sequence[tuple[str, set[str]]], random: Random, cap: int | None) -> None:
    service, keeping = keep(people, any_fate(random), cap)
    for level in RISK_LEVELS:
        joined, departed = keeping.joined.get(level, Writes()), keeping.departed.get(level, Writes())
        for fate in ("done", "already", "unsure"):
            expected = service.ended("join", level, fate) + service.ended("prove", level, fate)
            assert sorted(getattr(joined, fate)) == sorted(expected)
        assert list(joined.refused) == service.ended("join", level, "refused"), "what a proof is refused is no join that failed"
        for fate in ("done", "already", "unsure"):
            assert getattr(departed, fate) == service.ended("leave", level, fate)
        assert list(departed.refused) == service.ended("leave", level, "refused")


def test_everybody_who_moves_leaves_in_one_minute_however_many_they_are() -> None:
    service, keeping = keep([("high", {"low"}), ("high", {"low", "high"})] * (len(USERS) // 2), lambda: "done", None)
    assert len(service.ended("leave", "low", "done")) == len(USERS)
    assert not any(change.held for change in keeping.plan().changes.values())


def test_of_those_who_are_in_both_levels_so_many_are_proven_at_once_and_leave_before_others_are_proven() -> None:
    both = frozenset(f"user-{number:03}" for number in range(2 * PROVEN_AT_ONCE))
    service = Service(lambda: "already", {"high": both, "medium": frozenset(), "low": both})
    risk = Risk.of({"high": set(both)})
    keeping = Keeping(service, risk, Evidence(second_look=risk), None)
    finish(keeping.join(keeping.plan(), dry_run=False))
    finish(keeping.leave())
    assert [what for what, _, _ in service.asked] == (["prove"] * PROVEN_AT_ONCE + ["leave"] * PROVEN_AT_ONCE) * 2


def test_a_dry_run_asks_for_nothing_and_supposes_that_all_goes_well() -> None:
    both = frozenset(USERS[:3])
    service = Service(lambda: "done", {"high": frozenset(), "medium": frozenset(USERS[:1]), "low": both})
    keeping = Keeping(service, Risk.of({"high": set(USERS[:2]), "medium": {USERS[2]}}), Evidence(), None)
    finish(keeping.join(keeping.plan(), dry_run=True))
    assert not service.asked
    assert sorted(keeping.plan().changes["low"].leaves) == sorted(both)
