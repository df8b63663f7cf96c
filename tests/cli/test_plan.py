"""`risky-users plan`: what it foretells is what the next tick does."""

from random import Random

import jsonschema
import pytest

from groups import GROUP_NAMES
from plan import RISK_LEVELS
from simulator import Fault, Tenant
from tests.cli.terminal import Json, Terminal
from tests.ticks import contoso


def members(tenant: Tenant) -> dict[str, frozenset[str]]:
    return {level: tenant.members_of(name) for level, name in GROUP_NAMES.items()}


def foretold(groups: Json, before: dict[str, frozenset[str]]) -> dict[str, frozenset[str]]:
    """The members after the tick, if it does what the plan says."""
    assert isinstance(groups, dict)
    after = {}
    for level, group in groups.items():
        assert isinstance(group, dict)
        joins, leaves = group["joins"], group["leaves"]
        assert isinstance(joins, list)
        assert isinstance(leaves, list)
        assert len(joins) == len(set(map(str, joins)))
        after[level] = (before[level] | {str(user) for user in joins}) - {str(user) for user in leaves}
    return after


def unsettle(tenant: Tenant, random: Random) -> None:
    """A minute in which much happens."""
    for user in [user for user in tenant.users if not user.deleted]:
        happens = random.random()
        if happens < 0.2:
            tenant.set_risk(user, random.choice(RISK_LEVELS))
        elif happens < 0.3:
            tenant.dismiss(user)
        elif happens < 0.35:
            tenant.delete_user(user)
    if random.random() < 0.3:
        tenant.delete_group(tenant.group_named(GROUP_NAMES[random.choice(RISK_LEVELS)]))


@pytest.mark.parametrize("seed", range(12))
@pytest.mark.parametrize("max_removals", ["", "2"])
def test_the_next_tick_does_what_was_foretold(seed: int, max_removals: str) -> None:
    terminal = Terminal(contoso(40, seed), {"RISKY_USERS_MAX_REMOVALS": max_removals})
    terminal.ticks.tick()
    unsettle(terminal.tenant, Random(seed))
    before = members(terminal.tenant)
    outcome = terminal.run("plan", "--json")
    assert members(terminal.tenant) == before
    terminal.ticks.restart()
    terminal.ticks.tick(MAX_REMOVALS=max_removals)
    assert members(terminal.tenant) == foretold(outcome.json["groups"], before)


def test_users_are_shown_with_what_happens_to_them(terminal: Terminal) -> None:
    terminal.ticks.tick()
    up, cleared = terminal.tenant.risky_at("medium")[0], terminal.tenant.risky_at("low")[0]
    terminal.tenant.set_risk(up, "high")
    terminal.tenant.dismiss(cleared)
    newcomer = terminal.tenant.add_user()
    terminal.tenant.set_risk(newcomer, "low")
    outcome = terminal.run("plan")
    assert outcome.status == 0
    rows = [" ".join(line.split()) for line in outcome.output.splitlines()]
    assert rows[:6] == [
        "Group Change User",
        f"high joins from medium {up.id}",
        f"medium leaves for high {up.id}",
        f"low joins {newcomer.id}",
        f"low leaves {cleared.id}",
        "",
    ]
    assert rows[6] == "Group Members Join Leave Held back Id"
    assert rows[7].startswith("high 4 1 · · ")
    assert terminal.tenant.group_named(GROUP_NAMES["high"]).id in rows[7]


def test_names_are_shown_on_request_only_and_take_no_further_permission(terminal: Terminal) -> None:
    user = terminal.tenant.risky_at("high")[0]
    assert user.name not in terminal.run("plan").output
    outcome = terminal.run("plan", "--names")
    [row] = [line for line in outcome.output.splitlines() if user.id in line]
    assert row.rstrip().endswith(user.name)
    assert terminal.run("plan", "--names", "--json").json["names"] == {
        user.id: user.name for level in RISK_LEVELS for user in terminal.tenant.risky_at(level)
    }


def test_before_the_first_minute_everybody_joins_groups_yet_to_be_created(terminal: Terminal) -> None:
    outcome = terminal.run("plan")
    assert outcome.output.count("joins") == 12
    assert outcome.output.count("none yet") == 3
    assert f"{GROUP_NAMES['high']} is not there and would be created." in outcome.output


def test_a_quiet_minute_is_said_to_change_nothing(terminal: Terminal) -> None:
    terminal.ticks.tick()
    outcome = terminal.run("plan")
    assert outcome.status == 0
    assert outcome.output.endswith("\n\nThe next tick would change nothing.\n")


def test_the_cap_on_removals_names_whom_it_would_hold_back(terminal: Terminal) -> None:
    terminal.ticks.tick()
    for user in terminal.tenant.risky_at("high"):
        terminal.tenant.dismiss(user)
    outcome = terminal.run("plan", environment={**terminal.environment, "RISKY_USERS_MAX_REMOVALS": "1"})
    assert outcome.status == 0
    assert outcome.output.count("stays: the leave MAX_REMOVALS") == 3
    assert outcome.output.count("high   leaves") == 1


def test_a_mass_exodus_that_a_second_read_confirms_is_pointed_out() -> None:
    terminal = Terminal(contoso(60))
    terminal.ticks.tick()
    for user in terminal.tenant.risky_at("low")[:15]:
        terminal.tenant.dismiss(user)
    outcome = terminal.run("plan")
    assert f"More than half of {GROUP_NAMES['low']} would leave; a second read of the risky users confirmed it." in outcome.output
    assert outcome.output.count("leaves") == 15


def test_a_mass_exodus_that_a_second_read_does_not_confirm_is_held_back() -> None:
    terminal = Terminal(contoso(60))
    terminal.ticks.tick()
    risky = terminal.tenant.risky_at("low")
    for user in risky:
        terminal.tenant.dismiss(user)
    reads = 0

    def come_back() -> None:
        nonlocal reads
        reads += 1
        if reads == 2:  # the token, then the first read
            for user in risky:
                user.risk_level = "low"

    terminal.tenant.on_change = come_back
    outcome = terminal.run("plan", "--json")
    groups = outcome.json["groups"]
    assert isinstance(groups, dict)
    low = groups["low"]
    assert isinstance(low, dict)
    assert low["leaves"] == []
    assert isinstance(low["held"], dict)
    assert set(low["held"]) == {user.id for user in risky}


def test_a_dry_run_is_pointed_out(terminal: Terminal) -> None:
    outcome = terminal.run("plan", environment={**terminal.environment, "RISKY_USERS_DRY_RUN": "true"})
    assert outcome.status == 0
    assert "DRY_RUN is true, so the tick would only log all this." in outcome.output


def test_nobody_leaves_and_the_status_is_1_where_the_risky_users_cannot_be_read(terminal: Terminal) -> None:
    terminal.ticks.tick()
    terminal.tenant.faults.append(Fault("status", path="/identityProtection/*"))
    outcome = terminal.run("plan")
    assert outcome.status == 1
    assert "leaves" not in outcome.output
    assert "nobody would leave" in outcome.output
    assert "Could not read the risky users" in outcome.output


def test_a_group_that_cannot_be_written_to_is_told_and_the_others_are_planned(terminal: Terminal) -> None:
    terminal.tenant.create_group(GROUP_NAMES["high"], role_assignable=True)
    outcome = terminal.run("plan")
    assert outcome.status == 1
    assert "role-assignable" in outcome.output
    assert "high    unknown" in outcome.output
    assert outcome.output.count("joins") == 8


def test_a_look_up_that_fails_leaves_nothing_to_plan(terminal: Terminal) -> None:
    terminal.tenant.behaviour.lookup_needs_read_permission = True
    outcome = terminal.run("plan")
    assert outcome.status == 1
    assert "GroupMember.Read.All" in outcome.output
    assert "change nothing" not in outcome.output


_IDS = {"type": "array", "items": {"type": "string"}}
_GROUP = {
    "name": {"type": "string"},
    "id": {"type": ["string", "null"]},
    "members": {"type": ["integer", "null"]},
    "joins": _IDS,
    "leaves": _IDS,
    "held": {"type": "object", "additionalProperties": {"type": "string"}},
}
_TEXTS = {"type": "object", "additionalProperties": {"type": "string"}}


def _exactly(properties: dict[str, object]) -> dict[str, object]:
    return {"type": "object", "properties": properties, "required": list(properties), "additionalProperties": False}


SCHEMA = _exactly(
    {
        "ok": {"type": "boolean"},
        "dryRun": {"type": "boolean"},
        "groups": _exactly({level: _exactly({**_GROUP}) for level in RISK_LEVELS}),
        "lists": {"type": "object", "propertyNames": {"enum": [*RISK_LEVELS]}, "additionalProperties": _exactly({**_GROUP})},
        "names": _TEXTS,
        "notes": _IDS,
        "problems": _IDS,
    }
)
"""The promise made to scripts."""


@pytest.mark.parametrize("refused", [False, True])
def test_json_keeps_its_shape(terminal: Terminal, refused: bool) -> None:
    terminal.tenant.behaviour.lookup_needs_read_permission = refused
    outcome = terminal.run("plan", "--json")
    jsonschema.validate(outcome.json, SCHEMA)
    assert outcome.json["ok"] is not refused
    assert outcome.status == int(refused)
