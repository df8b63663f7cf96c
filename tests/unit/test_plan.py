"""The plan, as properties over any risk and any membership."""

from collections.abc import Mapping

from hypothesis import given
from hypothesis import strategies as st

from plan import GUARDED_SIZE, LEVELS, Plan, Risk, agreed, doubtful, plan

USERS = [f"user-{number}" for number in range(8)]
users = st.frozensets(st.sampled_from(USERS))
listed = st.fixed_dictionaries({level: st.sets(st.sampled_from(USERS)) for level in LEVELS})
complete = listed.map(lambda by_level: Risk.of(by_level, complete=True))
risks = st.builds(lambda by_level, whole: Risk.of(by_level, complete=whole), listed, st.booleans())
memberships = st.fixed_dictionaries(dict.fromkeys(LEVELS, users))
partly_read = st.dictionaries(st.sampled_from(LEVELS), users)


def carried_out(planned: Plan, members: Mapping[str, frozenset[str]]) -> dict[str, frozenset[str]]:
    return {level: (members[level] | set(change.joins)) - set(change.leaves) for level, change in planned.changes.items()}


@given(complete, memberships)
def test_one_plan_makes_each_group_hold_exactly_the_users_of_its_level(risk: Risk, members: Mapping[str, frozenset[str]]) -> None:
    assert carried_out(plan(risk, members), members) == risk.users


@given(complete, memberships)
def test_a_plan_that_was_carried_out_leaves_nothing_to_do(risk: Risk, members: Mapping[str, frozenset[str]]) -> None:
    after = plan(risk, carried_out(plan(risk, members), members))
    assert not any(change.joins or change.leaves for change in after.changes.values())


@given(risks, partly_read)
def test_only_users_who_must_leave_another_group_join_one_they_are_in(risk: Risk, members: Mapping[str, frozenset[str]]) -> None:
    planned = plan(risk, members)
    for level, change in planned.changes.items():
        assert set(change.leaves) <= members[level] - risk.users[level]
        again = set(change.joins) & members[level]
        assert set(change.joins) - again == risk.users[level] - members[level]
        assert again == {user for user in members[level] if planned.moves.get(user) == level}


@given(risks, partly_read)
def test_nobody_both_joins_and_leaves_the_same_group(risk: Risk, members: Mapping[str, frozenset[str]]) -> None:
    for change in plan(risk, members).changes.values():
        assert not set(change.joins) & set(change.leaves)


@given(risks, partly_read)
def test_a_group_that_was_not_read_is_not_touched_nor_left_for(risk: Risk, members: Mapping[str, frozenset[str]]) -> None:
    planned = plan(risk, members)
    assert set(planned.changes) == set(members)
    for change in planned.changes.values():
        for user in change.leaves:
            assert all(user not in risk.users[level] for level in LEVELS if level not in members)


@given(listed, memberships)
def test_nobody_leaves_when_the_risky_users_were_read_in_part(
    by_level: Mapping[str, set[str]], members: Mapping[str, frozenset[str]]
) -> None:
    planned = plan(Risk.of(by_level, complete=False), members)
    assert not any(change.leaves for change in planned.changes.values())


@given(complete, memberships)
def test_everybody_who_leaves_for_another_group_joins_it_or_is_known_to_be_a_move(
    risk: Risk, members: Mapping[str, frozenset[str]]
) -> None:
    planned = plan(risk, members)
    for change in planned.changes.values():
        for user in change.leaves:
            target = planned.moves.get(user)
            if target is None:
                assert all(user not in risk.users[level] for level in LEVELS)
            else:
                assert user in planned.changes[target].joins


@given(listed)
def test_a_user_listed_at_two_levels_is_at_the_higher_only(by_level: Mapping[str, set[str]]) -> None:
    risk = Risk.of(by_level, complete=True)
    for user in USERS:
        levels = [level for level in LEVELS if user in by_level[level]]
        assert [level for level in LEVELS if user in risk.users[level]] == levels[:1]


@given(st.integers(0, 40), st.integers(0, 40))
def test_losing_more_than_half_of_a_group_of_ten_is_doubted(size: int, leaving: int) -> None:
    everyone = [f"user-{number}" for number in range(size)]
    staying = set(everyone[min(leaving, size) :])
    members = {"high": frozenset(everyone)}
    planned = plan(Risk.of({"high": staying}, complete=True), members)
    assert doubtful(planned, members) == (["high"] if size >= GUARDED_SIZE and 2 * min(leaving, size) > size else [])


@given(complete, risks, memberships)
def test_leaves_are_those_that_both_reads_hold_and_joins_are_never_held_back(
    first: Risk, second: Risk, members: Mapping[str, frozenset[str]]
) -> None:
    before, after = plan(first, members), plan(second, members)
    certain = agreed(before, after)
    for level in LEVELS:
        assert certain.changes[level].joins == before.changes[level].joins
        assert set(certain.changes[level].leaves) <= set(before.changes[level].leaves) & set(after.changes[level].leaves)
        for user in certain.changes[level].leaves:
            assert before.moves.get(user) == after.moves.get(user)
