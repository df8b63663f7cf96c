"""Links of the chain in their rarer states: those that hold in another way than usual, and those that tell more."""

from collections.abc import Callable

import pytest

from groups import GROUP_NAMES
from risky_users.check import CHECKS
from simulator.cloudflare.provisioned import ScimEvent
from tests.certificates import VARIABLE, register
from tests.cli.chains import DAY, HOUR, MINUTE, Whole, whole
from tests.cli.test_mistakes import change_rule

ADA = "Ada.L@contoso.com"


def test_of_a_certificate_the_end_is_its_own() -> None:
    it = whole()
    it.environment[VARIABLE] = register(it.tenant)
    del it.environment["AZURE_AD_CLIENT_SECRET"]
    assert it.run("check").line("Expiry").endswith("says the certificate.")


def test_where_only_the_variable_tells_when_the_secret_ends_it_is_believed() -> None:
    it = whole()
    it.tenant.behaviour.own_registration_readable = False
    it.az = None
    it.environment["RISKY_USERS_CREDENTIAL_EXPIRES"] = "2027-11-25"
    assert "on 2027-11-25" in it.run("check").line("Expiry")
    assert it.run("check").line("Expiry").endswith("says CREDENTIAL_EXPIRES.")


def test_an_administrator_sees_when_the_secret_ends_where_the_app_itself_does_not() -> None:
    it = whole()
    it.tenant.behaviour.own_registration_readable = False
    assert it.run("check").line("Expiry").endswith("says the app registration.")


def test_where_no_secret_serves_an_administrator_sees_how_many_are_good() -> None:
    it = whole()
    it.environment["AZURE_AD_CLIENT_SECRET"] = "not~it"
    assert "1 of its 1 secrets are good" in it.run("check").text
    it.tenant.expire_secrets()
    line = it.run("check").line("Expiry")
    assert line.startswith("·")
    assert "all secrets of the app have ended" in line
    assert "`risky-users rotate`" in line


def ok_scim_skips(it: Whole) -> None:
    it.tenant.unassign(it.scim, it.everybody)
    it.tenant.service.provisioning.settings[it.scim.id]["SkipOutOfScopeDeletions"] = "True"
    it.cloudflare.provider.user_deprovision = True


def rule_by_either(it: Whole) -> None:
    listed = it.cloudflare.list_named("risky-users-high").id
    change_rule(it, "high", identity=f'identity.email in ${listed} or any(identity.groups.name[*] in {{"{GROUP_NAMES["high"]}"}})')


def rule_for_some_sites(it: Whole) -> None:
    change_rule(it, "high", traffic='any(http.request.domains[*] in {"example.com"})')


def rule_with_something_before(it: Whole) -> None:
    it.cloudflare.add_rule("Banks", "off", traffic='http.request.host == "bank.example"', precedence=1)


def every_address_matches(it: Whole) -> None:
    it.cloudflare.configure(extended_email_matching={"enabled": True})


def the_token_ends_some_day(it: Whole) -> None:
    it.cloudflare.token.expires = it.ticks.clock.time + 200 * DAY


def the_ids_are_secrets(it: Whole) -> None:
    ids = ("AZURE_AD_TENANT_ID", "AZURE_AD_CLIENT_ID")
    it.worker.secrets |= dict.fromkeys(ids, "a secret")
    for name in ids:
        del it.worker.variables[name]


def ada_is_known_by_her_principal_name(it: Whole) -> None:
    person = it.cloudflare.person(ADA)
    assert person
    person.email = it.ada.principal_name


def ada_is_at_risk(it: Whole) -> None:
    it.tenant.set_risk(it.ada, "high")
    it.minute()
    it.later(HOUR)


@pytest.mark.parametrize(
    ("change", "title", "says"),
    [
        (ok_scim_skips, "Base group", "not needed: who leaves the scope is not deactivated"),
        (rule_by_either, "Rule high", "isolates all browsing, by list and group."),
        (rule_for_some_sites, "Rule high", "isolates a part of browsing, by list."),
        (rule_with_something_before, "Rule high", "“Banks” (Do Not Inspect) may come first."),
        (every_address_matches, "TLS decryption", "dot and plus variants in all rules"),
        (the_token_ends_some_day, "Lane token", "it ends on 2027-0"),
        (the_ids_are_secrets, "Worker", "as secrets."),
        (ada_is_known_by_her_principal_name, "User", "by their user principal name"),
        (ada_is_at_risk, "User", "in the group of high risk and on the list of high risk."),
    ],
)
def test_what_holds_in_another_way_is_ticked_off_and_told(change: Callable[[Whole], None], title: str, says: str) -> None:
    it = whole()
    change(it)
    outcome = it.run("check", "--user", ADA)
    assert outcome.status == 0, outcome.text
    assert outcome.line(title).startswith("✓ ")
    assert says in outcome.line(title)


def test_what_cloudflare_refused_is_counted() -> None:
    it = whole()
    event = ScimEvent(it.ticks.clock.time, "PATCH", "USER", "one", "two", "{}", status="FAILURE", error="conflict", user_email=ADA)
    it.cloudflare.provider.log.append(event)
    line = it.run("check").line("Arrival")
    assert line.startswith("! ")
    assert "Cloudflare refused 1 change in a day" in line
    it.ticks.clock.time += 2 * DAY
    it.later(40 * MINUTE)
    assert it.run("check").line("Arrival").startswith("✓ ")


def test_without_the_lane_a_group_that_went_nowhere_is_a_fault_and_with_it_a_warning() -> None:
    for lists, mark in ((True, "!"), (False, "✗")):
        it = whole(lists=lists)
        it.tenant.unassign(it.scim, *it.groups.values())
        assert it.run("check").line("Assignments").startswith(mark)


def too_many_deletes(it: Whole) -> None:
    it.tenant.service.provisioning.settings[it.scim.id]["SyncNotificationSettings"] = (
        '{"Enabled":true,"DeleteThresholdEnabled":true,"DeleteThresholdValue":2}'
    )
    it.tenant.unassign(it.scim, *it.groups.values(), it.everybody)
    it.tenant.assign(it.scim, it.groups["high"], it.groups["low"], it.groups["medium"])
    it.later(40 * MINUTE)


def four_weeks_of_quarantine(it: Whole) -> None:
    it.cloudflare.provider.scim_secret = "regenerated"
    it.later(5 * HOUR)
    for _ in range(30):
        it.later(DAY)


def scim_has_gone(it: Whole) -> None:
    it.cloudflare.provider.scim_enabled = False
    it.later(40 * MINUTE)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (too_many_deletes, ("in quarantine since", "more deletions were due", "(TooManyDeletes)")),
        (four_weeks_of_quarantine, ("in quarantine since", "regenerate the SCIM secret")),
        (scim_has_gone, ("the last cycle failed", "check that SCIM is on at Cloudflare")),
    ],
)
def test_a_job_in_trouble_tells_why(change: Callable[[Whole], None], says: tuple[str, ...]) -> None:
    it = whole()
    change(it)
    line = it.run("check").line("Provisioning")
    assert line.startswith("✗ ")
    for words in says:
        assert words.lower() in line.lower()


def no_jobs_are_not_found(it: Whole) -> None:
    it.tenant.behaviour.no_jobs = 404
    it.tenant.service.provisioning.jobs.clear()


def a_dead_token_verifies(it: Whole) -> None:
    it.cloudflare.behaviour.dead_token_verifies = True
    it.cloudflare.token.disabled = True


def an_expired_token_verifies(it: Whole) -> None:
    it.cloudflare.behaviour.dead_token_verifies = True
    it.cloudflare.token.expires = it.ticks.clock.time - DAY


@pytest.mark.parametrize(
    ("change", "title", "says"),
    [
        (no_jobs_are_not_found, "SCIM app", "has no provisioning"),
        (a_dead_token_verifies, "Lane token", "it is disabled"),
        (an_expired_token_verifies, "Lane token", "it is expired"),
    ],
)
def test_what_the_services_leave_open_is_known_in_either_form(change: Callable[[Whole], None], title: str, says: str) -> None:
    it = whole()
    change(it)
    line = it.run("check").line(title)
    assert line.startswith("✗ ")
    assert says in line


def test_in_json_each_link_has_its_entry_however_many_share_a_line() -> None:
    it = whole()
    it.az = None
    told = it.run("check", "--json").json
    checks = told["checks"]
    assert isinstance(checks, list)
    assert [each["check"] for each in checks if isinstance(each, dict)] == list(CHECKS)
    assert told["permissions"] == {
        "granted": ["Group.Create", "GroupMember.ReadWrite.All", "IdentityRiskyUser.Read.All", "User.ReadBasic.All"],
        "missing": [],
        "excessive": [],
    }
