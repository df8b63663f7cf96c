"""The plan, as properties over any risk, any membership and any evidence."""

from collections.abc import Mapping

from hypothesis import given
from hypothesis import strategies as st

from plan import (
    CAPPED,
    GUARDED_SIZE,
    MOVING,
    RISK_LEVELS,
    UNASKED,
    UNCONFIRMED,
    Evidence,
    Membership,
    Owners,
    Plan,
    Risk,
    departures,
    plan,
)

USERS = [f"user-{number:02}" for number in range(14)]
users = st.frozensets(st.sampled_from(USERS))
listed = st.fixed_dictionaries({level: st.sets(st.sampled_from(USERS)) for level in RISK_LEVELS})
answers = st.sampled_from([1, 1, 2, 7])
complete = st.builds(lambda by_level, count: Risk.of(by_level, answers=count), listed, answers)
in_one_answer = st.builds(Risk.of, listed)
risks = st.builds(Risk.of, listed, st.sets(st.sampled_from(RISK_LEVELS)), answers)
memberships = st.fixed_dictionaries(dict.fromkeys(RISK_LEVELS, users))
partly_read = st.dictionaries(st.sampled_from(RISK_LEVELS), users | st.none())
some = st.dictionaries(st.sampled_from(RISK_LEVELS), users)

FEW, ENTRIES = USERS[:4], ["entry 1", "entry 2"]
few = st.frozensets(st.sampled_from(FEW))
of_few = st.builds(Risk.of, st.fixed_dictionaries(dict.fromkeys(RISK_LEVELS, few)))
owned = st.fixed_dictionaries(dict.fromkeys(RISK_LEVELS, st.fixed_dictionaries(dict.fromkeys(ENTRIES, few))))
with_entries = st.fixed_dictionaries(dict.fromkeys(RISK_LEVELS, st.frozensets(st.sampled_from([*FEW, *ENTRIES])) | st.none()))
"""Levels in which there are also such as are no users."""


@st.composite
def evidences(draw: st.DrawFn) -> Evidence:
    return Evidence(
        second_look=draw(st.none() | risks),
        minute_before=departures(draw(complete), draw(memberships)),
        inside=draw(some),
        unproven=draw(some),
        unknown=draw(some),
        failed=draw(st.sets(st.sampled_from(RISK_LEVELS), max_size=1)),
        tried=draw(some),
        closed=draw(st.sets(st.sampled_from(RISK_LEVELS), max_size=1)),
        removed=draw(st.integers(0, 4)),
    )


def everybody(planned: Plan, members: Membership, risk: Risk) -> Evidence:
    """The evidence of a tick in which all joins succeed and all further looks agree."""
    inside = {level: [*change.joins, *(members[level] or ())] for level, change in planned.changes.items()}
    return Evidence(second_look=risk, inside=inside)


def carried_out(risk: Risk, members: Membership) -> tuple[Plan, dict[str, frozenset[str]]]:
    first = plan(risk, members, Evidence())
    last = plan(risk, members, everybody(first, members, risk))
    after = {
        level: ((members[level] or frozenset()) | set(change.joins)) - set(last.changes[level].leaves)
        for level, change in first.changes.items()
    }
    return last, after


# --- what it comes to ---


@given(complete, memberships)
def test_a_plan_all_of_whose_evidence_comes_in_makes_each_level_hold_exactly_its_users(risk: Risk, members: Membership) -> None:
    last, after = carried_out(risk, members)
    assert after == risk.users
    assert not any(change.held for change in last.changes.values())


@given(complete, memberships)
def test_a_plan_that_was_carried_out_leaves_nothing_to_do(risk: Risk, members: Membership) -> None:
    _, after = carried_out(risk, members)
    again = plan(risk, after, Evidence())
    assert not any(change.joins or change.leaves or change.held for change in again.changes.values())


@given(risks, partly_read, evidences())
def test_joins_are_never_held_back_and_need_no_evidence(risk: Risk, members: Membership, evidence: Evidence) -> None:
    assert {level: change.joins for level, change in plan(risk, members, evidence, max_removals=0).changes.items()} == {
        level: change.joins for level, change in plan(risk, members, Evidence()).changes.items()
    }


@given(risks, partly_read)
def test_who_joins_is_exactly_who_is_at_the_level_and_not_in_it(risk: Risk, members: Membership) -> None:
    for level, change in plan(risk, members, Evidence()).changes.items():
        assert set(change.joins) == risk.users[level] - (members[level] or frozenset())


@given(risks, partly_read, st.dictionaries(st.sampled_from(RISK_LEVELS), users))
def test_of_a_level_that_was_not_read_nobody_leaves_and_who_is_not_known_to_be_in_it_joins(
    risk: Risk, members: Membership, known: Membership
) -> None:
    changes = plan(risk, members, Evidence(), known=known).changes
    for level, present in members.items():
        if present is None and level not in known:
            assert level not in changes
        elif present is None:
            assert set(changes[level].joins) == risk.users[level] - (known[level] or frozenset())
            assert not changes[level].leaves
            assert not changes[level].held


@given(risks, partly_read, evidences(), st.none() | st.integers(0, 5))
def test_a_proof_is_asked_for_of_those_only_who_could_leave_once_it_is_there(
    risk: Risk, members: Membership, evidence: Evidence, cap: int | None
) -> None:
    planned = plan(risk, members, evidence, max_removals=cap)
    inside = {level: {*evidence.inside.get(level, ()), *change.proofs} for level, change in planned.changes.items()}
    proven = plan(risk, members, evidence._replace(inside=inside), max_removals=cap)
    for level, change in planned.changes.items():
        for user in change.proofs:
            assert user in (members[level] or ())
            assert user not in evidence.inside.get(level, ())
            assert user not in evidence.unproven.get(level, ())
            assert any(user in each.leaves for each in proven.changes.values())
    assert not proven.proofs


@given(risks, partly_read, evidences(), st.none() | st.integers(0, 5))
def test_everybody_who_is_to_leave_leaves_now_or_is_held_back_for_one_reason_or_was_tried(
    risk: Risk, members: Membership, evidence: Evidence, cap: int | None
) -> None:
    planned = plan(risk, members, evidence, max_removals=cap)
    assert set(planned.changes) == {level for level, present in members.items() if present is not None}
    for level, change in planned.changes.items():
        present = members[level]
        assert present is not None
        leaving = [*change.leaves, *(user for users in change.held.values() for user in users)]
        assert len(leaving) == len(set(leaving))
        wanted = set() if risk.unread else present - risk.users[level]
        assert wanted - set(evidence.tried.get(level, ())) <= set(leaving) <= wanted
        assert not (change.leaves and level in evidence.closed)
        assert not set(change.joins) & set(leaving)
        assert [*change.leaves] == sorted(change.leaves)


# --- what a leave needs ---


@given(risks.filter(lambda risk: bool(risk.unread)), memberships, evidences())
def test_nobody_leaves_when_the_risky_users_were_read_in_part(risk: Risk, members: Membership, evidence: Evidence) -> None:
    planned = plan(risk, members, evidence)
    assert not any(change.leaves or change.held for change in planned.changes.values())


@given(risks, partly_read, evidences())
def test_nobody_leaves_for_a_level_that_does_not_have_them_for_certain(risk: Risk, members: Membership, evidence: Evidence) -> None:
    planned = plan(risk, members, evidence)
    for level, change in planned.changes.items():
        for user in change.leaves:
            target = planned.departures[level][user][user]
            at = [other for other in RISK_LEVELS if user in risk.users[other]]
            assert target == next((other for other in at if other in members), None)
            assert target is None or user in evidence.inside.get(target, ())


@given(of_few, with_entries, owned, st.fixed_dictionaries(dict.fromkeys(RISK_LEVELS, few)), st.sets(st.sampled_from(RISK_LEVELS)))
def test_what_is_no_user_leaves_once_all_whose_it_is_are_where_they_are_to_be_for_certain(
    risk: Risk, members: Membership, owners: Owners, inside: Mapping[str, frozenset[str]], failed: set[str]
) -> None:
    planned = plan(risk, members, Evidence(owners=owners, inside=inside, failed=failed))
    for level, change in planned.changes.items():
        for entry in set(change.leaves).intersection(ENTRIES):
            whose = owners[level][entry]
            assert all(user in inside[at] for user in whose for at in RISK_LEVELS if members[at] is not None and user in risk.users[at])
            assert whose or level not in failed


@given(of_few, with_entries, owned)
def test_what_is_no_user_leaves_with_the_last_whose_it_is_and_waits_for_nobody_else(
    risk: Risk, members: Membership, owners: Owners
) -> None:
    planned = plan(risk, members, Evidence(inside=risk.users, owners=owners))
    for level, change in planned.changes.items():
        assert set(change.leaves) == (members[level] or frozenset()) - risk.users[level]


@given(of_few, with_entries, owned, with_entries)
def test_whoever_may_be_somebody_else_stays(risk: Risk, members: Membership, owners: Owners, unknown: Membership) -> None:
    evidence = Evidence(inside=risk.users, owners=owners, unknown={level: users or () for level, users in unknown.items()})
    planned = plan(risk, members, evidence)
    for level, change in planned.changes.items():
        assert set(change.leaves) == (members[level] or frozenset()) - risk.users[level] - (unknown[level] or frozenset())


@given(complete, memberships, evidences())
def test_an_absence_from_several_answers_is_believed_only_when_another_read_agrees(
    risk: Risk, members: Membership, evidence: Evidence
) -> None:
    planned = plan(risk, members, evidence)
    second = departures(evidence.second_look, members) if evidence.second_look else {}
    for level, change in planned.changes.items():
        present = members[level]
        assert present is not None
        too_many = len(present) >= GUARDED_SIZE and 2 * len(planned.departures[level]) > len(present)
        for user in change.leaves:
            target = planned.departures[level][user]
            if too_many or (None in target.values() and risk.answers > 1):
                reads = [read.get(level, {}) for read in (second, evidence.minute_before)]
                assert any(user in read and read[user] == target for read in reads)


@given(in_one_answer, st.frozensets(st.sampled_from(USERS), max_size=GUARDED_SIZE - 1))
def test_an_absence_from_one_answer_needs_no_second_look_in_a_small_level(risk: Risk, present: frozenset[str]) -> None:
    planned = plan(risk, {"high": present}, Evidence())
    assert not planned.wants_second_look
    assert set(planned.changes["high"].leaves) == present - risk.users["high"]


@given(st.integers(0, 40), st.integers(0, 40))
def test_losing_more_than_half_of_a_level_of_ten_wants_a_second_look(size: int, leaving: int) -> None:
    everyone = [f"user-{number}" for number in range(size)]
    risk = Risk.of({"high": set(everyone[min(leaving, size) :])})
    planned = plan(risk, {"high": frozenset(everyone)}, Evidence())
    assert planned.wants_second_look == (size >= GUARDED_SIZE and 2 * min(leaving, size) > size)


@given(complete, memberships, evidences())
def test_a_leave_that_is_doubted_says_whether_a_second_look_was_taken(risk: Risk, members: Membership, evidence: Evidence) -> None:
    for change in plan(risk, members, evidence).changes.values():
        assert UNASKED not in change.held or evidence.second_look is None
        assert UNCONFIRMED not in change.held or evidence.second_look is not None


# --- the cap ---


@given(in_one_answer, memberships, evidences(), st.integers(0, 9))
def test_the_cap_counts_what_was_removed_and_what_remains_is_shared(risk: Risk, members: Membership, evidence: Evidence, cap: int) -> None:
    evidence = evidence._replace(inside={level: present or () for level, present in members.items()})
    free, capped = plan(risk, members, evidence), plan(risk, members, evidence, max_removals=cap)
    wanted = {level: len(change.leaves) for level, change in free.changes.items()}
    given_ = {level: len(change.leaves) for level, change in capped.changes.items()}
    assert sum(given_.values()) == min(max(0, cap - evidence.removed), sum(wanted.values()))
    for level, change in capped.changes.items():
        for other in capped.changes:  # nobody is served twice before everybody who wants it is served once
            assert given_[level] <= given_[other] + 1 or given_[other] == wanted[other]
        if given_[level] < wanted[level]:
            assert set(free.changes[level].leaves) - set(change.leaves) <= set(change.held[CAPPED])


@given(st.integers(1, 2), st.integers(0, 9))
def test_a_cap_smaller_than_the_number_of_levels_serves_now_this_one_and_now_that(cap: int, shift: int) -> None:
    members = {level: frozenset({f"{level}-{number + shift}" for number in range(20)}) for level in RISK_LEVELS}
    served: list[str] = []
    for _ in range(20):
        changes = plan(Risk.of({}), members, Evidence(minute_before=departures(Risk.of({}), members)), max_removals=cap).changes
        served += [level for level, change in changes.items() for _ in change.leaves]
        members = {level: members[level] - set(change.leaves) for level, change in changes.items()}
    assert len(served) == 20 * cap
    assert min(served.count(level) for level in RISK_LEVELS) >= 3 * cap


# --- reading ---


@given(listed)
def test_a_user_listed_at_two_levels_is_at_the_higher_only(by_level: Mapping[str, set[str]]) -> None:
    risk = Risk.of({level: {*users} for level, users in by_level.items()})
    for user in USERS:
        levels = [level for level in RISK_LEVELS if user in by_level[level]]
        assert [level for level in RISK_LEVELS if user in risk.users[level]] == levels[:1]


def test_who_moves_is_held_until_the_new_level_has_them() -> None:
    risk, members = Risk.of({"high": {"ada"}}), {"high": frozenset[str](), "medium": frozenset({"ada"})}
    assert plan(risk, members, Evidence()).changes["medium"].held == {MOVING: ["ada"]}
    assert plan(risk, members, Evidence(inside={"high": ["ada"]})).changes["medium"].leaves == ["ada"]


def test_a_move_to_a_level_the_target_does_not_keep_is_a_leave_and_to_one_that_was_not_read_is_none() -> None:
    risk, present = Risk.of({"medium": {"ada"}}), frozenset({"ada"})
    assert plan(risk, {"high": present}, Evidence()).changes["high"].leaves == ["ada"]
    unread = plan(risk, {"high": present, "medium": None}, Evidence())
    assert unread.changes["high"].held == {MOVING: ["ada"]}
    assert "medium" not in unread.changes
