"""`risky-users check`: each way in which the chain breaks has its line, its remedy and exit status 1."""

import re
from collections.abc import Callable

import jsonschema
import pytest

from groups import GROUP_NAMES
from plan import RISK_LEVELS
from risky_users.check import CHECKS, worker
from simulator import Fault, Tenant
from tests.cli.chains import whole
from tests.cli.terminal import Outcome, Terminal


@pytest.fixture
def live(terminal: Terminal) -> Terminal:
    """The Worker has run."""
    terminal.ticks.tick()
    return terminal


def marks(outcome: Outcome) -> str:
    """The first character of each check's line."""
    return "".join(line[0] for line in outcome.output.splitlines() if line[2:].startswith(tuple(CHECKS.values())))


WORKER = len(worker.LINKS)
UNSEEN = "·" * 6
"""Lines for what takes an administrator: deployment, lane, provisioning, Gateway, people and their devices."""
AS_FAR_AS_SEEN = "\n\nNothing that was seen keeps users at risk from being isolated.\n"


def test_a_chain_that_holds_is_ticked_off_link_by_link_to_the_isolated_browser() -> None:
    it = whole()
    outcome = it.run("check", "--user", str(it.ada.mail))
    assert outcome.status == 0
    assert marks(outcome) == "✓" * len(CHECKS)
    assert outcome.output.endswith(AS_FAR_AS_SEEN)
    assert str(it.ada.mail) not in outcome.output


def test_without_an_administrator_the_workers_own_links_are_ticked_off_and_the_others_named(live: Terminal) -> None:
    outcome = live.run("check")
    assert outcome.status == 0
    assert marks(outcome) == "✓" * WORKER + UNSEEN
    assert "global cloud (login.microsoftonline.com)" in outcome.line("Tenant")
    assert live.tenant.app.client_id in outcome.line("Credentials")
    assert "high 4, medium 4, low 4" in outcome.line("Risky users")
    for level, name in GROUP_NAMES.items():
        line = outcome.line(f"Group {level}")
        assert name in line
        assert f"id {live.tenant.group_named(name).id}, 4 members" in line
    for title in CHECKS.values():
        assert title in outcome.output
    assert "CLOUDFLARE_API_TOKEN" in outcome.line("Worker")
    assert "The Azure CLI is not installed" in outcome.line("Assignments")
    assert outcome.output.endswith(AS_FAR_AS_SEEN)


def test_before_its_first_minute_the_worker_is_ready_and_the_groups_are_announced(terminal: Terminal) -> None:
    outcome = terminal.run("check")
    assert outcome.status == 0
    assert marks(outcome) == "✓" * (WORKER - 3) + "!!!" + UNSEEN
    assert "the Worker creates it in its first minute" in outcome.line("Group high")


def test_a_dry_run_is_pointed_out(terminal: Terminal) -> None:
    outcome = terminal.run("check", environment={**terminal.environment, "RISKY_USERS_DRY_RUN": "true"})
    assert outcome.status == 0
    assert outcome.line("Configuration").startswith("! ")
    assert "DRY_RUN is true, so the Worker writes nothing" in outcome.line("Configuration")
    assert "a dry run does not create it" in outcome.line("Group low")


def test_without_configuration_every_problem_is_named_and_nothing_is_sent(terminal: Terminal) -> None:
    outcome = terminal.run("check", environment={"AZURE_AD_TENANT_ID": "<TENANT-ID>", "AZURE_CLOUD": "china"}, typed="secret\n")
    assert outcome.status == 1
    assert marks(outcome) == "✗✗✗·"
    for problem in ("AZURE_AD_TENANT_ID still holds its placeholder", "AZURE_AD_CLIENT_ID is missing", "AZURE_CLOUD must be one of"):
        assert problem in outcome.output
    assert not terminal.tenant.requests


def no_such_tenant(tenant: Tenant) -> dict[str, str]:
    return {"AZURE_AD_TENANT_ID": "00000000-0000-4000-8000-000000000000"}


def government_cloud(tenant: Tenant) -> dict[str, str]:
    tenant.tokens.cloud = "login.microsoftonline.us"
    return {}


def no_such_app(tenant: Tenant) -> dict[str, str]:
    return {"AZURE_AD_CLIENT_ID": "00000000-0000-4000-8000-000000000000"}


def wrong_secret(tenant: Tenant) -> dict[str, str]:
    return {"AZURE_AD_CLIENT_SECRET": "not-it"}


def expired_secret(tenant: Tenant) -> dict[str, str]:
    tenant.expire_secrets()
    return {}


def disabled_app(tenant: Tenant) -> dict[str, str]:
    tenant.app.disabled = True
    return {}


@pytest.mark.parametrize(
    ("cause", "title", "code", "remedy"),
    [
        (no_such_tenant, "Tenant", "AADSTS90002", "check AZURE_AD_TENANT_ID"),
        (government_cloud, "Tenant", "AADSTS90002", "and AZURE_CLOUD if the tenant lives in a government cloud"),
        (no_such_app, "Credentials", "AADSTS700016", "check both ids in the environment"),
        (wrong_secret, "Credentials", "AADSTS7000215", "put the secret's value, not its ID"),
        (expired_secret, "Credentials", "AADSTS7000222", "create another in the app registration"),
        (disabled_app, "Credentials", "AADSTS7000112", "enable sign-in in its enterprise application's properties"),
    ],
)
def test_a_refused_sign_in_is_explained(
    terminal: Terminal, cause: Callable[[Tenant], dict[str, str]], title: str, code: str, remedy: str
) -> None:
    environment = terminal.environment | cause(terminal.tenant)
    outcome = terminal.run("check", environment=environment)
    assert outcome.status == 1
    assert outcome.line(title).startswith("✗ ")
    assert code in outcome.line(title)
    assert remedy in outcome.line(title)
    before = list(CHECKS.values()).index(title)
    assert marks(outcome) == "✓" * before + "✗" + ("·" if title == "Tenant" else "") + "·" + UNSEEN
    assert outcome.output.endswith("\n\n1 thing to mend.\n")
    assert "On this machine" not in outcome.output
    assert environment["AZURE_AD_CLIENT_SECRET"] not in outcome.text


def test_without_a_network_the_machines_own_reason_is_told(terminal: Terminal) -> None:
    terminal.unplugged = True
    outcome = terminal.run("check")
    assert outcome.status == 1
    assert "Cannot connect to login.microsoftonline.com: [Errno -2] Name or service not known;" in outcome.line("Tenant")
    assert len(outcome.output.splitlines()) < 15


@pytest.mark.parametrize("missing", ["IdentityRiskyUser.Read.All", "Group.Create", "GroupMember.ReadWrite.All"])
def test_a_missing_permission_is_named_with_where_to_add_it(terminal: Terminal, missing: str) -> None:
    terminal.tenant.app.permissions.remove(missing)
    outcome = terminal.run("check")
    assert outcome.status == 1
    line = outcome.line("Permissions")
    assert line.startswith(f"✗ Permissions    missing: {missing}. Add under app registration > API permissions")
    assert "grant admin consent" in line


def test_an_app_without_any_consent_lacks_all_three(terminal: Terminal) -> None:
    terminal.tenant.app.permissions.clear()
    outcome = terminal.run("check")
    assert outcome.status == 1
    assert "missing: IdentityRiskyUser.Read.All, GroupMember.ReadWrite.All, Group.Create." in outcome.line("Permissions")
    assert "Granted: none." in outcome.line("Permissions")
    assert outcome.output.endswith("\n\n1 thing to mend.\n")


def test_permissions_beyond_the_three_are_named_and_do_not_fail_the_check(live: Terminal) -> None:
    live.tenant.app.permissions |= {"Directory.ReadWrite.All", "User.ReadWrite.All"}
    outcome = live.run("check")
    assert outcome.status == 0
    assert outcome.line("Permissions").startswith("! Permissions    more than needed: Directory.ReadWrite.All, User.ReadWrite.All.")
    assert "remove the others" in outcome.line("Permissions")


def test_a_broader_permission_that_includes_a_needed_one_is_not_called_missing(live: Terminal) -> None:
    live.tenant.app.permissions = {"IdentityRiskyUser.Read.All", "Directory.ReadWrite.All"}
    outcome = live.run("check")
    assert outcome.status == 0
    assert "more than needed: Directory.ReadWrite.All" in outcome.line("Permissions")


def test_the_right_to_create_groups_is_not_missed_where_they_are_there(live: Terminal) -> None:
    live.tenant.app.permissions.remove("Group.Create")
    outcome = live.run("check")
    assert outcome.status == 0
    assert "Group.Create is not needed" in outcome.line("Permissions")


def test_without_the_right_to_create_groups_a_missing_one_fails_the_check(live: Terminal) -> None:
    live.tenant.delete_group(live.tenant.group_named(GROUP_NAMES["medium"]))
    live.tenant.app.permissions.remove("Group.Create")
    outcome = live.run("check")
    assert outcome.status == 1
    assert "grant Group.Create, or create a security group of this name by hand" in outcome.line("Group medium")
    assert outcome.line("Group high").startswith("✓")
    assert outcome.output.endswith("\n\n1 thing to mend.\n")


def test_a_tenant_without_the_licence_is_told_so(terminal: Terminal) -> None:
    terminal.tenant.premium = False
    outcome = terminal.run("check")
    assert outcome.status == 1
    assert outcome.line("Licence").startswith("✗ ")
    assert "no Microsoft Entra ID P2 licence" in outcome.line("Licence")
    assert outcome.line("Risky users").startswith("· ")


def test_a_name_look_up_that_takes_another_permission_names_it(terminal: Terminal) -> None:
    terminal.tenant.behaviour.lookup_needs_read_permission = True
    outcome = terminal.run("check")
    assert outcome.status == 1
    assert outcome.line("Name look-up").startswith("✗ Name look-up   in this tenant it takes one more permission")
    assert "GroupMember.Read.All" in outcome.line("Name look-up")
    terminal.tenant.app.permissions.add("GroupMember.Read.All")
    mended = terminal.run("check")
    assert mended.status == 0
    assert mended.line("Permissions").startswith("✓")


def test_namesakes_are_counted_and_the_one_in_use_is_told(live: Terminal) -> None:
    live.tenant.create_group(GROUP_NAMES["high"])
    outcome = live.run("check")
    assert outcome.status == 0
    assert outcome.line("Group high").startswith("! Group high     2 groups have this name; the oldest is used")
    assert live.tenant.group_named(GROUP_NAMES["high"]).id in outcome.line("Group high")


@pytest.mark.parametrize(
    ("properties", "reason"),
    [
        ({"types": ["DynamicMembership"]}, "its membership is dynamic"),
        ({"on_premises": True}, "synchronised from on-premises Active Directory"),
        ({"security_enabled": False}, "not a security group"),
        ({"types": ["Unified"], "mail_enabled": True}, "Microsoft 365"),
        ({"role_assignable": True}, "role-assignable"),
        ({"management_restricted": True}, "restricted management administrative unit"),
    ],
)
def test_a_group_that_the_worker_cannot_write_to_is_told_with_the_reason(
    terminal: Terminal, properties: dict[str, object], reason: str
) -> None:
    terminal.tenant.create_group(GROUP_NAMES["low"], **properties)
    outcome = terminal.run("check")
    assert outcome.status == 1
    assert outcome.line("Group low").startswith("✗ ")
    assert reason in outcome.line("Group low")


def test_a_read_that_fails_is_told_and_the_other_links_are_checked_all_the_same(live: Terminal) -> None:
    live.tenant.faults.append(Fault("status", path="/identityProtection/*"))
    outcome = live.run("check")
    assert outcome.status == 1
    assert "Graph answers 503" in outcome.line("Risky users")
    assert outcome.line("Licence").startswith("· ")
    assert outcome.line("Group high").startswith("✓")


def test_an_error_to_be_reported_with_its_request_ids_shows_them(live: Terminal) -> None:
    live.tenant.faults.append(Fault("no value", path="/identityProtection/*"))
    line = live.run("check").line("Risky users")
    assert "report it with the request ids" in line
    assert re.search(r"Request ids: [0-9a-f-]{36}", line)


# --- for machines ---

_COUNTS = {level: {"type": "integer"} for level in RISK_LEVELS}
_GROUP = {"id": {"type": ["string", "null"]}, "members": {"type": ["integer", "null"]}}


def _exactly(properties: dict[str, object], *, null: bool = False) -> dict[str, object]:
    kind = ["object", "null"] if null else "object"
    return {"type": kind, "properties": properties, "required": list(properties), "additionalProperties": False}


_NAMES = {"type": "array", "items": {"type": "string"}}
SCHEMA = _exactly(
    {
        "ok": {"type": "boolean"},
        "checks": {
            "type": "array",
            "items": _exactly(
                {
                    "check": {"enum": list(CHECKS)},
                    "state": {"enum": ["ok", "warning", "failed", "skipped"]},
                    "message": {"type": "string", "minLength": 1},
                }
            ),
        },
        "permissions": _exactly({"granted": _NAMES, "missing": _NAMES, "excessive": _NAMES}, null=True),
        "riskyUsers": _exactly({**_COUNTS}, null=True),
        "groups": _exactly({level: _exactly({**_GROUP}) for level in RISK_LEVELS}, null=True),
    }
)
"""The promise made to scripts."""


def test_json_holds_what_the_text_does(live: Terminal) -> None:
    outcome = live.run("check", "--json")
    jsonschema.validate(outcome.json, SCHEMA)
    assert outcome.status == 0
    assert outcome.json["ok"] is True
    assert outcome.json["riskyUsers"] == {"high": 4, "medium": 4, "low": 4}
    assert outcome.json["groups"] == {level: {"id": live.tenant.group_named(name).id, "members": 4} for level, name in GROUP_NAMES.items()}


@pytest.mark.parametrize("cause", [no_such_tenant, no_such_app, expired_secret])
def test_json_keeps_its_shape_where_one_cannot_sign_in(live: Terminal, cause: Callable[[Tenant], dict[str, str]]) -> None:
    outcome = live.run("check", "--json", environment=live.environment | cause(live.tenant))
    jsonschema.validate(outcome.json, SCHEMA)
    assert outcome.status == 1
    assert outcome.json["ok"] is False
    assert outcome.json["groups"] is None


def test_json_keeps_its_shape_without_any_configuration(terminal: Terminal) -> None:
    outcome = terminal.run("check", "--json", environment={})
    jsonschema.validate(outcome.json, SCHEMA)
    assert outcome.status == 1


def test_json_does_not_call_half_a_list_the_number_of_risky_users(live: Terminal) -> None:
    live.tenant.faults.append(Fault("status", path="/identityProtection/*"))
    assert live.run("check", "--json").json["riskyUsers"] is None
