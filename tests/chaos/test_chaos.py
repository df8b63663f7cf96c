"""Whatever happens beside a tick, and whatever goes wrong in it, what must never happen does not, and the groups come right.

`make test` tries the same histories every time, `make chaos` many others: CHAOS is how many, `--hypothesis-seed` repeats them.
"""

import math
import os
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule

from groups import GROUP_NAMES
from plan import RISK_LEVELS
from security_group import YOUNG_SECONDS
from simulator import Behaviour, Fault, Group, User
from simulator.faults import KINDS
from tests.chaos.world import RUNAWAY, World

TICKS_TO_RECOVER = 3

isolates = st.integers(0, 1)
numbers = st.integers(0, 99)
levels = st.sampled_from(RISK_LEVELS)

REQUESTS = [
    ("*", "/$batch"),
    ("*", "*/oauth2/v2.0/token"),
    ("GET", "/identityProtection/riskyUsers"),
    ("GET", "/groups"),
    ("GET", "/groups(*"),
    ("GET", "/groups/*/members"),
    ("PATCH", "/groups(*"),
    ("PATCH", "/groups/*"),
    ("POST", "/groups/*/members/$ref"),
    ("DELETE", "/groups/*/members/*/$ref"),
]
STATUSES = [400, 401, 403, 404, 408, 409, 424, 429, 500, 502, 503, 504, 509]
RETRY_AFTER = ["", "0", "2.128", "7", "3600", "Wed, 21 Oct 2099 07:28:00 GMT", "soon"]

faults = st.builds(
    lambda where, kind, status, concurrent, retry_after, delay, skip, times: Fault(
        kind,
        where[0],
        where[1],
        status=status,
        code="Directory_ConcurrencyViolation" if concurrent else "Some_Code",
        message="ada.adler@contoso.onmicrosoft.com cannot be served.",
        headers={"Retry-After": retry_after} if retry_after else {},
        delay=delay,
        skip=skip,
        times=times,
    ),
    st.sampled_from(REQUESTS),
    st.sampled_from(KINDS),
    st.sampled_from(STATUSES),
    st.booleans(),
    st.sampled_from(RETRY_AFTER),
    st.sampled_from([0.5, 4.0, 12.0]),
    st.integers(0, 3),
    st.sampled_from([1, 1, 2, 6, None]),
).filter(lambda fault: not (fault.path == "/groups(*" and fault.method == "GET" and fault.status in (400, 404)))
"""Of a group that was renamed the Worker knows only by its unique name that it exists: no fault denies that."""

stubborn = st.builds(
    lambda path, status, skip: Fault("status", path=path, status=status, headers={"Retry-After": "3600"}, skip=skip),
    st.sampled_from(
        ["/identityProtection/*", "/groups/*/members", "/groups/????????-????-????-????-????????????", "/groups/*/members/*/$ref"]
    ),
    st.sampled_from([403, 429]),
    st.sampled_from([0, 0, 1]),
)
"""Faults that no patience overcomes, where it matters most: risky users, members, joins, leaves."""

behaviours = st.builds(
    Behaviour,
    answer_seconds=st.sampled_from([0.0, 0.0, 0.3, 3.0, 4.3]),
    token_seconds=st.sampled_from([90, 600, 3599]),
    or_filter=st.sampled_from([True, True, False]),
    refused_filter=st.sampled_from(["invalid clause", "unsupported query", "no message"]),
    page_at_most=st.sampled_from([999, 7]),
    page_part=st.sampled_from([1, 50]),
    full_last_page_links=st.booleans(),
    shifting_pages=st.booleans(),
    risky_users_top=st.sampled_from([500, 500, 500, 120]),
    listed_twice=st.booleans(),
    lookup_lag=st.sampled_from([0.0, 20.0, 150.0]),
    member_lag=st.sampled_from([0.0, 30.0, 150.0]),
    young_seconds=st.sampled_from([0.0, 10.0, 300.0]),
    young_error=st.sampled_from([400, 404]),
    unique_names=st.sampled_from([True, True, True, False]),
    unique_names_kept=st.booleans(),
    upsert_of_existing=st.sampled_from([204, 403]),
    not_a_member=st.sampled_from([400, 404]),
    patch_404_names=st.sampled_from(["user", "group"]),
    throttled_batch=st.sampled_from([200, 424]),
    inner_error=st.sampled_from(["innerError", "innererror"]),
    patches_together=st.sampled_from([5, 5, 2]),
    concurrency_error=st.sampled_from([400, 409]),
)

variables = st.fixed_dictionaries(
    {},
    optional={
        "MAX_SUBREQUESTS": st.sampled_from(["20", "22", "30"]),
        "MAX_REMOVALS": st.sampled_from(["0", "1", "7"]),
        "DRY_RUN": st.sampled_from(["true", "false", "false"]),
    },
)


class Chaos(RuleBasedStateMachine):
    """A tenant in which everything changes at once, and two isolates whose ticks may overlap."""

    kind_of_world = World

    @initialize(
        users=st.sampled_from([0, 4, 12, 45]),
        seed=st.integers(0, 2**32),
        behaviour=behaviours,
        lateness=st.sampled_from([0.0, 0.0, 0.1]),
        synchronised=st.booleans(),
    )
    def begin(self, users: int, seed: int, behaviour: Behaviour, lateness: float, synchronised: bool) -> None:
        self.world = world = self.kind_of_world(users, seed)
        self.tenant = world.tenant
        if synchronised:
            for _ in range(2):
                self.minute()
        for name in vars_of(behaviour):
            setattr(self.tenant.behaviour, name, getattr(behaviour, name))
        if self.tenant.behaviour.full_last_page_links:  # which the Worker can only avoid where another $top moves the pages' ends
            self.tenant.behaviour.page_at_most = 999
            self.tenant.behaviour.risky_users_top = 500
        if not self.tenant.behaviour.or_filter or self.tenant.behaviour.risky_users_top < 500:  # finding out how to ask takes its time
            self.tenant.behaviour.page_at_most, self.tenant.behaviour.page_part = 999, 1
        world.lateness = lateness
        self.made_by_hand = 0
        self.runaways = 0

    # --- ticks ---

    @rule(isolate=isolates, overrides=variables, steps=st.sampled_from([0, 3, 8]))
    def a_minute_begins(self, isolate: int, overrides: dict[str, str], steps: int) -> None:
        if self.world.running[isolate] is None:
            self.world.start(isolate, **overrides)
        for _ in range(steps):
            self.world.step()

    @rule(steps=st.integers(1, 12))
    def ticks_go_on(self, steps: int) -> None:
        for _ in range(steps):
            self.world.step()

    @rule()
    def ticks_end(self) -> None:
        self.world.finish()

    @rule(isolate=isolates)
    def a_whole_tick_runs(self, isolate: int) -> None:
        self.world.finish()
        self.world.start(isolate)
        self.world.finish()

    @rule(isolate=isolates)
    def an_isolate_is_taken_away(self, isolate: int) -> None:
        self.world.restart(isolate)

    @rule(seconds=st.sampled_from([1.0, 60.0, 1200.0]))
    def time_passes(self, seconds: float) -> None:
        self.world.finish()
        self.world.clock.time += seconds

    # --- risk ---

    @rule(number=numbers, level=st.sampled_from([*RISK_LEVELS, "none", "hidden", "unknownFutureValue"]))
    def a_users_risk_changes(self, number: int, level: str) -> None:
        for user in self.users(number):
            self.world.set_risk(user, level)

    @rule(level=levels, share=st.sampled_from([0.3, 0.6, 1.0]), to=st.sampled_from([*RISK_LEVELS, "none"]))
    def many_users_risk_changes(self, level: str, share: float, to: str) -> None:
        users = self.tenant.risky_at(level)
        for user in users[: math.ceil(len(users) * share)]:
            self.world.set_risk(user, to)

    @rule(number=numbers, listed=st.booleans())
    def a_user_is_deleted(self, number: int, listed: bool) -> None:
        for user in self.users(number):
            self.world.delete(user, listed=listed)

    @rule(level=st.sampled_from([*RISK_LEVELS, "none"]))
    def a_user_is_created(self, level: str) -> None:
        self.world.set_risk(self.tenant.add_user(), level)

    # --- administrators ---

    @rule(number=numbers, level=levels)
    def an_administrator_adds_a_member(self, number: int, level: str) -> None:
        for group, user in self.pairs(level, number):
            self.tenant.add_member(group, user)
            self.world.touch(user.id)

    @rule(number=numbers, level=levels)
    def an_administrator_removes_a_member(self, number: int, level: str) -> None:
        for group, user in self.pairs(level, number):
            self.tenant.remove_member(group, user)
            self.world.touch(user.id)

    @rule(level=levels)
    def an_administrator_adds_a_device(self, level: str) -> None:
        for group in self.tenant.groups_named(GROUP_NAMES[level]):
            self.tenant.add_member(group, self.tenant.add_other())
            self.world.disturb()

    @precondition(lambda self: self.made_by_hand < 2)
    @rule(level=levels)
    def an_administrator_makes_a_group_of_that_name(self, level: str) -> None:
        self.made_by_hand += 1
        self.make_by_hand(level)

    @rule(level=levels)
    def an_administrator_makes_a_group_whose_name_differs_in_case(self, level: str) -> None:
        group = self.tenant.create_group(GROUP_NAMES[level].replace(level, level.title()))
        self.world.touch(group.id)

    @precondition(lambda self: self.runaways < 1)
    @rule(level=levels)
    def another_program_has_made_a_group_a_minute(self, level: str) -> None:
        self.runaways += 1
        for _ in range(RUNAWAY):
            self.make_by_hand(level)

    @rule(level=levels)
    def a_group_is_deleted(self, level: str) -> None:
        for group in self.tenant.groups_named(GROUP_NAMES[level])[:1]:
            self.tenant.delete_group(group)
            self.world.touch(group.id)

    @rule(level=levels)
    def a_group_is_renamed(self, level: str) -> None:
        for group in self.tenant.groups_named(GROUP_NAMES[level])[:1]:
            if self.world.clock.time - group.created > self.tenant.behaviour.young_seconds:  # else see docs/reliability.md
                self.world.rename(group)

    @rule(level=levels, how=st.sampled_from(["on_premises", "role_assignable", "management_restricted", "mail_enabled", "dynamic"]))
    def a_group_becomes_unwritable(self, level: str, how: str) -> None:
        for group in self.tenant.groups_named(GROUP_NAMES[level])[:1]:
            if how == "mail_enabled" and group.unique_name:
                continue  # nothing makes a security group one later
            if how == "dynamic":
                group.types = ["DynamicMembership"]
            else:
                setattr(group, how, True)
            self.world.touch(group.id)

    # --- faults ---

    @rule(fault=faults)
    def something_goes_wrong(self, fault: Fault) -> None:
        self.tenant.faults.append(fault)
        self.world.trouble()

    @rule(
        fault=faults | stubborn,
        level=levels,
        share=st.sampled_from([0.3, 0.6, 1.0]),
        to=st.sampled_from([*RISK_LEVELS, "none"]),
        overrides=variables,
    )
    def many_move_in_a_troubled_minute(self, fault: Fault, level: str, share: float, to: str, overrides: dict[str, str]) -> None:
        self.tenant.faults.clear()
        self.a_whole_tick_runs(0)
        self.tenant.faults = [fault]
        self.many_users_risk_changes(level, share, to)
        self.world.start(0, **overrides)
        self.world.finish()

    @rule(level=levels, cap=st.sampled_from(["1", "2", "5"]), share=st.sampled_from([0.3, 1.0]))
    def a_group_refuses_removals_while_a_cap_is_on(self, level: str, cap: str, share: float) -> None:
        self.tenant.faults.clear()
        self.a_whole_tick_runs(0)
        for group in self.tenant.groups_named(GROUP_NAMES[level])[:1]:
            self.tenant.faults = [
                Fault("status", "DELETE", f"/groups/{group.id}/members/*/$ref", status=403, code="Authorization_RequestDenied")
            ]
        for each in RISK_LEVELS:
            self.many_users_risk_changes(each, share, "none")
        self.world.start(0, MAX_REMOVALS=cap)
        self.world.finish()

    @rule()
    def administrators_mend_everything(self) -> None:
        self.tenant.faults.clear()
        self.heal()

    @rule()
    def the_token_is_revoked(self) -> None:
        self.tenant.tokens.issued.clear()

    @rule()
    def the_secret_is_rotated(self) -> None:
        self.tenant.expire_secrets()
        self.tenant.add_secret()

    @rule()
    def faults_stop(self) -> None:
        self.tenant.faults.clear()

    # --- the end ---

    def teardown(self) -> None:
        if not hasattr(self, "world") or self.world.broken:
            return
        self.settle()
        self.recover(set(self.sound_levels()))
        self.heal()
        self.recover(set(RISK_LEVELS))

    def settle(self) -> None:
        """No more faults, no more lag, nothing under way."""
        self.tenant.faults.clear()
        self.world.lateness = 0.0
        self.world.finish()
        behaviour = self.tenant.behaviour
        behaviour.lookup_lag = behaviour.member_lag = behaviour.young_seconds = behaviour.answer_seconds = 0.0
        self.world.clock.time += YOUNG_SECONDS  # a group that was deleted while it was new is waited for so long

    def sound_levels(self) -> Iterator[str]:
        """The levels whose group the Worker can keep, or make."""
        for level, name in GROUP_NAMES.items():
            named = self.tenant.groups_named(name)
            kept = self.tenant.behaviour.unique_names_kept and any(
                group.unique_name == name and group.deleted is not None for group in self.tenant.directory.groups.values()
            )
            renamed = any(group.unique_name == name and group.name != name for group in self.tenant.directory.standing_groups())
            remembered = any(cache.groups.get(name) for cache in self.world.isolates)
            if named:
                if (self.world.all_looked_at or len(named) == 1) and not unwritable(named[0]):
                    yield level
            elif self.tenant.behaviour.unique_names and not renamed and not remembered and not kept:
                yield level

    def heal(self) -> None:
        """The administrator mends what the log complains about."""
        for group in self.tenant.directory.groups.values():
            self.world.touch(group.id)
            group.types = []
            group.on_premises = group.role_assignable = group.management_restricted = group.mail_enabled = False
        for group in list(self.tenant.directory.standing_groups()):
            if group.name == "Renamed":
                self.tenant.delete_group(group)
        for level, name in GROUP_NAMES.items():
            for group in self.tenant.groups_named(name)[1:]:
                self.tenant.delete_group(group)
            deleted = [group for group in self.tenant.directory.groups.values() if group.unique_name == name and group.deleted is not None]
            if deleted and self.tenant.behaviour.unique_names_kept and not self.tenant.groups_named(name):
                self.tenant.restore_group(deleted[-1])
                self.tenant.rename_group(deleted[-1], name)
            if not self.tenant.groups_named(name) and not self.tenant.behaviour.unique_names:
                self.make_by_hand(level)

    def recover(self, levels: set[str]) -> None:
        """These levels come right; whoever moves to one of the others stays where they are for the time being."""
        for _ in range(TICKS_TO_RECOVER):
            self.minute()
        for level in levels:
            assert self.world.in_sync(level, excused=set(RISK_LEVELS) - levels), (
                f"{level} is not right after {TICKS_TO_RECOVER} ticks: {self.world.said()}"
            )

    def minute(self) -> None:
        started = self.world.clock.time
        self.world.start(0)
        self.world.finish()
        self.world.clock.time = max(self.world.clock.time, started + 60)

    # --- who and what ---

    def users(self, number: int) -> list[User]:
        """One user, if there are any who are not deleted."""
        users = [user for user in self.tenant.users if not user.deleted]
        return [users[number % len(users)]] if users else []

    def pairs(self, level: str, number: int) -> list[tuple[Group, User]]:
        return [(group, user) for group in self.tenant.groups_named(GROUP_NAMES[level])[:1] for user in self.users(number)]

    def make_by_hand(self, level: str) -> None:
        group = self.tenant.create_group(GROUP_NAMES[level])
        self.world.touch(group.id)


def vars_of(behaviour: Behaviour) -> tuple[str, ...]:
    return tuple(Behaviour.__dataclass_fields__)


def unwritable(group: Group) -> bool:
    return group.fixed or group.role_assignable or group.management_restricted or group.mail_enabled


def histories(in_make_test: int) -> settings:
    """So many histories, always the same; or as many as CHAOS says, always others."""
    return settings(
        max_examples=int(os.environ.get("CHAOS", in_make_test)),
        stateful_step_count=30,
        deadline=None,
        derandomize="CHAOS" not in os.environ,
        suppress_health_check=list(HealthCheck),
    )


Chaos.TestCase.settings = histories(1000)
TestChaos = pytest.mark.timeout(0)(Chaos.TestCase)
