"""The same with the direct lane on: an account beside the tenant, in which everything changes too, faults on both sides at once."""

from contextlib import suppress

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule

from plan import RISK_LEVELS
from simulator import Account, Fault
from simulator.cloudflare.behaviour import Behaviour
from simulator.cloudflare.envelope import Refused
from simulator.cloudflare.faults import Ineffective
from simulator.faults import KINDS
from tests.chaos.lane import Lists
from tests.chaos.test_chaos import Chaos, histories, isolates, levels, numbers, variables
from tests.chaos.world import World
from tests.lanes import MAY_READ_MAIL

REQUESTS = [
    ("*", "*"),
    ("GET", "/accounts/*/gateway/lists"),
    ("GET", "/accounts/*/gateway/lists/*"),
    ("GET", "/accounts/*/gateway/lists/*/items"),
    ("PATCH", "/accounts/*/gateway/lists/*"),
    ("PATCH", "/accounts/*/gateway/lists/*"),
]
ANSWERS = [
    (400, "x", "not found in list"),
    (400, "x", "no duplicates"),
    (400, "x", "not welcome"),
    (400, "2218", ""),
    (400, "10000", ""),
    (401, "1000", ""),
    (403, "10000", ""),
    (404, "x", ""),
    (409, "x", ""),
    (429, "x", ""),
    (500, "x", ""),
    (524, "x", ""),
]

faults = st.builds(
    lambda where, kind, answer, delay, skip, times: Fault(
        kind,
        where[0],
        where[1],
        status=answer[0],
        code=answer[1],
        message=f"{answer[2]}: ada.adler@contoso.onmicrosoft.com",
        delay=delay,
        skip=skip,
        times=times,
    ),
    st.sampled_from(REQUESTS),
    st.sampled_from(KINDS),
    st.sampled_from(ANSWERS),
    st.sampled_from([0.5, 3.0, 12.0]),
    st.integers(0, 3),
    st.sampled_from([1, 1, 2, 6, None]),
) | st.builds(
    lambda shows, times: Ineffective(shows=shows, times=times), st.sampled_from(["expected", "actual"]), st.sampled_from([1, None])
)

stubborn = st.builds(
    lambda method, kind, answer, skip, times: Fault(
        kind, method, "/accounts/*/gateway/lists*", status=answer[0], code=answer[1], message=answer[2], delay=12.0, skip=skip, times=times
    ),
    st.sampled_from(["PATCH", "PATCH", "PATCH", "GET"]),
    st.sampled_from(["status", "status", "status after", "drop", "drop after", "slow"]),
    st.sampled_from([(400, "x", "not found in list"), (400, "x", "not welcome"), (403, "10000", ""), (500, "x", "")]),
    st.sampled_from([0, 0, 1]),
    st.sampled_from([1, None]),
)
"""Faults where they matter most: the lists' counts, appends, removals."""

behaviours = st.builds(
    Behaviour,
    answer_seconds=st.sampled_from([0.0, 0.0, 0.3, 1.5]),
    list_lag=st.sampled_from([0.0, 0.0, 45.0]),
    embedded_at_most=st.sampled_from([1000, 1000, 7]),
    embedded_items=st.sampled_from(["first 1000", "none"]),
    items_page_at_most=st.sampled_from([1000, 20]),
    per_page_beyond=st.sampled_from(["clamp", "refused"]),
    result_info=st.booleans(),
    empty_items=st.sampled_from(["null", "absent", "[]"]),
    zero_count=st.sampled_from(["absent", "zero"]),
    append_of_present=st.sampled_from(["accepted", "accepted", 409, 400]),
    rest_applied=st.booleans(),
    removes_first=st.booleans(),
    unique_by=st.sampled_from(["spelling", "letters"]),
    lower_cases=st.booleans(),
    missing_right=st.sampled_from(["403 10000", "400 10000", "403 9109"]),
    throttled_as=st.sampled_from(["json", "text", "html"]),
    retry_after=st.booleans(),
    unknown_codes=st.sampled_from(["number", "absent"]),
)

of_the_lane = st.fixed_dictionaries(
    {},
    optional={
        "GATEWAY_LIST_MEDIUM": st.just(""),
        "GATEWAY_LIST_SIZE": st.sampled_from(["3", "12"]),
        "GATEWAY_ADDRESSES": st.sampled_from(["both", "mail", "upn"]),
    },
)


class WorldWithLane(World):
    """A tenant beside an account."""

    with_lane = True


class ChaosWithLane(Chaos):
    """A tenant and an account."""

    kind_of_world = WorldWithLane

    @property
    def lane(self) -> Lists:
        assert self.world.lane
        return self.world.lane

    @property
    def account(self) -> Account:
        return self.lane.account

    # --- Cloudflare ---

    @precondition(lambda self: self.account.behaviour == Behaviour())
    @rule(behaviour=behaviours)
    def cloudflare_turns_out_to_be_like_this(self, behaviour: Behaviour) -> None:
        for name in Behaviour.__dataclass_fields__:
            if name not in ("unique_by", "lower_cases") or not any(
                each.values for each in self.lane.lists.values()
            ):  # an account is of one kind from the start
                setattr(self.account.behaviour, name, getattr(behaviour, name))
        if behaviour.per_page_beyond == "refused":  # nobody has been refused the 50 that come without asking
            self.account.behaviour.items_page_at_most = 50
        self.world.trouble_at_cloudflare()

    @rule(fault=faults)
    def something_goes_wrong_at_cloudflare(self, fault: Fault) -> None:
        self.account.faults.append(fault)
        self.world.trouble_at_cloudflare()

    @rule(isolate=isolates, fault=faults, overrides=variables, more=of_the_lane)
    def a_minute_in_which_cloudflare_is_in_trouble(
        self, isolate: int, fault: Fault, overrides: dict[str, str], more: dict[str, str]
    ) -> None:
        self.world.finish()
        self.account.faults.append(fault)
        self.world.start(isolate, **overrides, **more)
        self.world.finish()
        self.account.faults.clear()

    @rule(
        fault=faults | stubborn,
        level=levels,
        share=st.sampled_from([0.3, 0.6, 1.0]),
        to=st.sampled_from([*RISK_LEVELS, "none"]),
        overrides=variables,
    )
    def many_move_in_a_minute_of_trouble_at_cloudflare(
        self, fault: Fault, level: str, share: float, to: str, overrides: dict[str, str]
    ) -> None:
        self.tenant.faults.clear()
        self.cloudflare_mends_itself()
        self.a_whole_tick_runs(0)
        self.account.faults.append(fault)
        self.many_users_risk_changes(level, share, to)
        self.world.start(0, **overrides)
        self.world.finish()
        self.account.faults.clear()

    @rule(isolate=isolates, overrides=of_the_lane)
    def a_minute_of_other_variables(self, isolate: int, overrides: dict[str, str]) -> None:
        self.world.finish()
        self.world.start(isolate, **overrides)
        self.world.finish()

    @rule()
    def cloudflare_mends_itself(self) -> None:
        self.account.faults.clear()
        self.account.token.disabled = False
        for each in self.lane.lists.values():
            each.deleted = None

    @rule()
    def the_token_for_cloudflare_is_disabled(self) -> None:
        self.account.token.disabled = True
        self.world.trouble_at_cloudflare()

    @rule(level=levels)
    def a_list_is_deleted(self, level: str) -> None:
        self.lane.lists[level].deleted = self.world.clock.time
        self.touch_list(level)

    @rule(
        level=levels,
        number=numbers,
        how=st.sampled_from(["take out", "put in", "put in a stranger", "put in twice", "respell", "blanks", "empty"]),
    )
    def somebody_changes_a_list_by_hand(self, level: str, number: int, how: str) -> None:
        target = self.lane.lists[level]
        values = target.values
        named = [address for user in self.users(number) for address in self.lane.theirs(user.id)]
        changed = {
            "take out": values[: number % (len(values) + 1)] + values[number % (len(values) + 1) + 1 :],
            "put in": [*values, *named],
            "put in a stranger": [*values, f"Stranger{number}@fabrikam.com"],
            "put in twice": [*values, *map(str.upper, named)],
            "respell": [value.title() for value in values],
            "blanks": [f"{value} " for value in values],
            "empty": [],
        }
        with suppress(Refused):  # it may take no value twice
            self.account.set_values(target, changed[how])
        self.touch_list(level)

    def touch_list(self, level: str) -> None:
        self.world.touch(self.lane.lists[level].id)

    # --- addresses ---

    @rule(number=numbers, how=st.sampled_from(["new", "none", "odd", "shared", "as before"]))
    def a_mailbox_changes(self, number: int, how: str) -> None:
        for user in self.users(number):
            others = [other for other in self.users(number + 1) if other.mail]
            mails = {
                "new": f"Mail{number}.{int(self.world.clock.time)}@Contoso.com",
                "none": None,
                "odd": "no address",
                "shared": others[0].mail if others else None,
                "as before": user.principal_name,
            }
            self.world.rename_mailbox(user, mails[how])

    @rule(level=levels, mail=st.sampled_from(["Guest@Fabrikam.com", None]), number=numbers)
    def a_guest_is_risky(self, level: str, mail: str | None, number: int) -> None:
        guest = self.tenant.add_guest(
            f"guest{number}.{len(self.tenant.users)}@fabrikam.com", mail=mail and f"{len(self.tenant.users)}.{mail}"
        )
        self.world.set_risk(guest, level)

    @rule(granted=st.booleans())
    def the_permission_for_mail_changes(self, granted: bool) -> None:
        (self.tenant.app.permissions.add if granted else self.tenant.app.permissions.discard)(MAY_READ_MAIL)
        self.world.trouble()
        self.world.trouble_at_cloudflare()

    # --- the end ---

    def settle(self) -> None:
        account = self.account
        account.faults.clear()
        account.token.disabled = False
        self.tenant.app.permissions.add(MAY_READ_MAIL)
        self.tenant.tokens.issued.clear()
        super().settle()
        account.behaviour.list_lag = account.behaviour.answer_seconds = 0.0
        for level in RISK_LEVELS:
            self.lane.lists[level].deleted = None
            self.touch_list(level)

    def recover(self, levels: set[str]) -> None:
        super().recover(levels)
        patience = len(self.tenant.users) if self.account.behaviour.append_of_present != "accepted" else 0
        while patience and not all(map(self.lane.right, RISK_LEVELS)):  # it is proven of one after the other that they moved
            self.minute()
            patience -= 1
        for level in RISK_LEVELS:
            assert self.lane.right(level), f"the {level} list is not right after three ticks: {self.world.said()}"


ChaosWithLane.TestCase.settings = histories(100)

TestChaosWithLane = pytest.mark.timeout(0)(ChaosWithLane.TestCase)
