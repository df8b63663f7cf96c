"""`risky-users setup`, `rotate` and `remove` over the whole chain: from nothing to an isolated browser, and back to what was."""

import re
from pathlib import Path

import pytest

from risky_users.setup.ledger import FILE
from runtime import Worker
from runtime.serving import serving
from simulator import App, Fault
from simulator.asgi import create_app
from simulator.entra.microsoft_graph import APP_ID, APP_ROLES
from tests.deployment.checkout import ROOT
from tests.setup.office import Killed, Office
from tests.setup.test_worker import CERTIFICATE, NEEDED, SECRET, assert_works, may_sign_in, the_app
from tests.simulator.client import sign_in
from text import JSON

SETUP = ("setup", "--yes", "--base-group", "Zero Trust users")


@pytest.fixture
def office(tmp_path: Path) -> Office:
    office = Office(tmp_path / "project")
    office.tenant.create_group("Zero Trust users")
    return office


def done(office: Office, *command: str, status: int = 0) -> str:
    outcome = office.run(*command)
    assert outcome.status == status, outcome.text
    return outcome.text


def test_one_command_makes_the_chain_and_the_worker_in_workerd_isolates_who_is_at_risk(office: Office) -> None:
    text = done(office, *SETUP)
    assert_works(office, "User.ReadBasic.All")
    assert [job.state for job in office.tenant.jobs] == ["Active"]
    assert text.index("The Worker") < text.index("Provisioning to Cloudflare") < text.index("Cloudflare Gateway")
    assert "All is done." in text
    ada, bob = office.desk.ada, office.tenant.add_user("Bob Bright")
    office.tenant.confirm_compromised(ada)
    deployed = office.account.state.workers["risky-users"]
    office.desk.clock.time += 60.0  # since the check, which read the risky users too
    with (
        serving(create_app(office.tenant, office.account)) as address,
        Worker(ROOT / "src", {**deployed.variables, **deployed.secrets}, address) as worker,
    ):
        tick = worker.tick()
    assert tick.outcome == "ok", tick.text
    assert office.tenant.members_of("IdentityProtection-RiskyUser-RiskLevel-high") == {user.id for user in office.tenant.risky_at("high")}
    browsers = [office.account.page_load(office.account.enroll(each.principal_name)) for each in (ada, bob)]
    assert [browser.isolated for browser in browsers] == [True, False]


def test_a_second_run_of_all_changes_nothing(office: Office) -> None:
    done(office, *SETUP)
    before = office.snapshot()
    assert "Nothing is to be written." in done(office, *SETUP)
    assert office.snapshot() == before


def test_whoever_has_no_api_token_is_told_what_is_left(office: Office) -> None:
    environment = {"CLOUDFLARE_SCIM_SECRET": office.provider.scim_secret or ""}
    endpoint = ("--scim-endpoint", office.provider.scim_base_url)
    outcome = office.run(*SETUP, *endpoint, environment=environment)
    assert outcome.status == 1
    assert "For somebody with an API token with Zero Trust Write: Lists and rules." in outcome.text
    assert_works(office)


def test_options_before_the_parts_name_are_not_overlooked(office: Office) -> None:
    outcome = office.run("setup", "--dry-run", "worker", "--yes")
    assert outcome.status == 2
    assert office.tenant.apps == {}


def test_after_remove_there_is_what_was_there_before(office: Office) -> None:
    before = office.snapshot()
    done(office, *SETUP)
    text = done(office, "remove", "--yes", "--groups")
    assert office.snapshot() == before
    assert text.index("Isolate high") < text.index("List high") < text.index("SCIM application") < text.index("App registration")


def test_the_groups_stay_unless_they_are_named(office: Office) -> None:
    done(office, *SETUP)
    groups = set(office.tenant.directory.groups)
    done(office, "remove", "--yes")
    assert {each.id for each in office.tenant.directory.standing_groups()} == groups
    done(office, "remove", "--yes", "--groups")
    assert len([*office.tenant.directory.standing_groups()]) == 1


def test_remove_again_changes_nothing_and_setup_makes_it_anew(office: Office) -> None:
    before = office.snapshot()
    done(office, *SETUP)
    done(office, "remove", "--yes", "--groups")
    assert "Nothing is to be written." in done(office, "remove", "--yes", "--groups")
    done(office, *SETUP)
    assert_works(office, "User.ReadBasic.All")
    done(office, "remove", "--yes", "--groups")
    assert office.snapshot() == before


def test_what_was_there_before_is_used_and_stays(office: Office) -> None:
    app = office.tenant.register_app("our own", ["GroupMember.ReadWrite.All"])
    toml = office.folder / "wrangler.toml"
    toml.write_text(office.wrangler_toml.replace("<CLIENT-ID>", app.client_id).replace("<TENANT-ID>", office.tenant.id))
    principal = office.tenant.add_enterprise_application("Cloudflare")
    job = office.tenant.provision(principal, office.provider.scim_base_url, office.provider.scim_secret or "")
    office.account.deploy_worker("risky-users", variables={"AZURE_AD_TENANT_ID": office.tenant.id})
    office.tenant.create_group("IdentityProtection-RiskyUser-RiskLevel-high")
    before = office.snapshot()
    done(office, *SETUP)
    assert office.tenant.jobs == [job]
    assert len(office.tenant.apps) == 2
    done(office, "remove", "--yes", "--groups")
    after = office.snapshot()
    for snapshot in (before, after):
        snapshot.pop("synchronizationJobs")  # its cycles went on
        snapshot.pop("workers")  # it was deployed again, and stays
    assert after == before


def test_an_application_that_was_named_is_given_back_without_what_it_was_given(office: Office) -> None:
    principal = office.tenant.add_enterprise_application("Cloudflare")
    before = office.snapshot()
    done(office, "setup", "scim", "--yes", "--base-group", "Zero Trust users", "--scim-app", principal.client_id)
    assert [job.state for job in office.tenant.jobs] == ["Active"]
    done(office, "remove", "--yes", "--groups")
    assert set(office.tenant.service.provisioning.settings.pop(principal.id).values()) == {""}
    assert office.snapshot() == before


def test_without_the_token_nothing_is_taken_from_under_the_rules(office: Office) -> None:
    done(office, *SETUP)
    before = office.snapshot()
    outcome = office.run("remove", "--yes", environment={})
    assert outcome.status == 1
    assert office.snapshot() == before
    assert "waits for all of Cloudflare Gateway." in outcome.text


def test_without_token_and_state_file_nobody_knows_what_isolates_and_nothing_is_taken_away(office: Office) -> None:
    done(office, *SETUP)
    (office.folder / FILE).unlink()
    before = office.snapshot()
    outcome = office.run("remove", "--yes", environment={})
    assert outcome.status == 1
    assert "For somebody with an API token with Zero Trust Write: Lists and rules." in outcome.text
    assert office.snapshot() == before
    text = done(office, "remove", "--yes")
    assert office.snapshot()["rules"] == []
    assert "All is done." in text


# --- beside what was made otherwise ---


def adopt(office: Office, name: str = "our own") -> App:
    """A registration that was made otherwise, which wrangler's file names."""
    app = office.tenant.register_app(name, [])
    app.application.secrets.clear()
    toml = re.sub('(AZURE_AD_CLIENT_ID *= *)"[^"]*"', rf'\1"{app.client_id}"', office.wrangler_toml)
    (office.folder / "wrangler.toml").write_text(toml, "utf-8")
    return app


@pytest.mark.parametrize("options", [[], ["--certificate"]])
def test_a_credential_of_an_adopted_registration_is_withdrawn_though_wranglers_file_names_it_no_more(
    office: Office, options: list[str]
) -> None:
    before = office.wrangler_toml
    app = adopt(office)
    done(office, "setup", "worker", "--yes", *options)
    assert len(app.secrets) + len(app.application.certificates) == 1
    (office.folder / "wrangler.toml").write_text(before, "utf-8")
    done(office, "remove", "--yes")
    assert len(app.secrets) + len(app.application.certificates) == 0


def test_a_credential_stays_in_no_registration_that_another_has_taken_the_place_of(office: Office) -> None:
    first = adopt(office)
    done(office, "setup", "worker", "--yes")
    second = adopt(office, "another")
    done(office, "setup", "worker", "--yes")
    assert first.secrets == []
    assert [secret.value for secret in second.secrets] == [office.account.state.workers["risky-users"].secrets[SECRET]]


def test_permissions_that_could_not_be_asked_for_and_were_added_by_hand_stay(office: Office) -> None:
    app = adopt(office)
    office.tenant.faults = [Fault("status", "PATCH", "/applications/*", status=403, code="Authorization_RequestDenied")]
    done(office, "setup", "worker", "--yes", status=1)
    office.tenant.faults = []
    roles: list[JSON] = [{"id": APP_ROLES[name], "type": "Role"} for name in sorted(NEEDED)]
    by_hand: list[JSON] = [{"resourceAppId": APP_ID, "resourceAccess": roles}]
    app.application.required = [*by_hand]
    done(office, "setup", "worker", "--yes")
    done(office, "remove", "--yes")
    assert app.application.required == by_hand


def test_a_worker_that_somebody_else_deployed_after_our_deployment_failed_stays(office: Office) -> None:
    office.npx.broken = "an outage"
    done(office, "setup", "worker", "--yes", status=1)
    office.npx.broken = ""
    office.account.deploy_worker("risky-users")
    done(office, "remove", "--yes")
    assert "risky-users" in office.account.state.workers


def test_where_the_worker_could_not_be_set_up_the_lane_does_not_deploy_it(office: Office) -> None:
    before = office.snapshot()
    office.tenant.faults = [Fault("status", "POST", "/applications/*/addPassword", status=409, code="Conflict", message="x", times=1)]
    text = done(office, *SETUP, status=1)
    assert "there is no Worker risky-users at Cloudflare to give it to" in text
    assert office.account.state.workers == {}
    done(office, *SETUP)
    assert_works(office, "User.ReadBasic.All")
    done(office, "remove", "--yes", "--groups")
    assert office.snapshot() == before


def test_of_a_worker_that_stays_it_is_said_that_it_cannot_sign_in_any_more(office: Office) -> None:
    office.account.deploy_worker("risky-users")
    done(office, "setup", "worker", "--yes")
    for command in (("remove", "--dry-run"), ("remove", "--yes")):
        text = done(office, *command)
        assert "The Worker stays, and cannot sign in any more with the AZURE_AD_CLIENT_SECRET that it has" in text
        assert "`npx wrangler secret delete AZURE_AD_CLIENT_SECRET`" in text
    assert [*office.account.state.workers["risky-users"].secrets] == [SECRET]


# --- a second administrator, in a folder of their own ---


@pytest.mark.parametrize("command", [("rotate",), ("setup", "--level", "low")])
def test_the_worker_does_not_lose_lists_that_another_administrator_told_it_of(office: Office, command: tuple[str, ...]) -> None:
    fresh = office.wrangler_toml
    done(office, *SETUP, "--level", "high", "--level", "medium")
    before = office.variables()
    (office.folder / FILE).unlink()
    (office.folder / "wrangler.toml").write_text(fresh, "utf-8")
    office.desk.clock.time += 30 * 86_400
    text = done(office, *command, "--yes", status=1)
    assert f'GATEWAY_LIST_MEDIUM = "{before["GATEWAY_LIST_MEDIUM"]}"' in text
    assert office.variables() == before
    lines = [f'{name} = "{value}"' for name, value in before.items() if name.startswith(("GATEWAY", "CLOUDFLARE"))]
    kept = [line for line in office.wrangler_toml.splitlines() if not line.startswith(("GATEWAY", "CLOUDFLARE"))]
    (office.folder / "wrangler.toml").write_text("\n".join(kept).replace("\n[vars]", "\n".join(["\n[vars]", *lines]), 1), "utf-8")
    done(office, *command, "--yes")
    assert before.items() - {("CREDENTIAL_EXPIRES", before["CREDENTIAL_EXPIRES"])} <= office.variables().items()


def test_a_worker_with_lists_that_was_deleted_by_hand_and_is_set_up_again_alone_is_said_to_lack_its_token(office: Office) -> None:
    done(office, *SETUP)
    del office.account.state.workers["risky-users"]
    for _ in range(2):
        text = done(office, "setup", "worker", "--yes")
        assert "It has no GATEWAY_API_TOKEN, without which it stops: run `risky-users setup gateway`" in text
        assert "See above for what is left as it is, and what that means: Worker." in text
        assert "All is done." not in text
    done(office, *SETUP)
    assert "without which it stops" not in done(office, "setup", "worker", "--yes")


def test_an_application_that_was_renamed_by_hand_keeps_its_name(office: Office) -> None:
    done(office, *SETUP)
    [scim] = [each for each in office.tenant.directory.applications.values() if each.template]
    [principal] = [each for each in office.tenant.directory.principals.values() if each.name == scim.name]
    scim.name = principal.name = "Cloudflare, by our convention"
    assert "Nothing is to be written." in done(office, *SETUP)
    assert scim.name == principal.name == "Cloudflare, by our convention"


# --- vars ---


def test_a_var_that_was_changed_by_hand_since_stays_as_it_is(office: Office) -> None:
    before = office.wrangler_toml
    done(office, "setup", "worker", "--yes")
    wrangler = office.folder / "wrangler.toml"
    wrangler.write_text(office.wrangler_toml.replace('EXPIRES = "2027-09-21"', 'EXPIRES = "2027-06-01"'), "utf-8")
    for command in (("remove", "--dry-run"), ("remove", "--yes")):
        assert "CREDENTIAL_EXPIRES changed since setup wrote it: left as it is in wrangler.toml." in done(office, *command)
    assert [line for line in office.wrangler_toml.splitlines() if line not in before] == ['CREDENTIAL_EXPIRES = "2027-06-01"']
    assert office.ledger == {}


def test_a_dry_run_of_remove_removes_nothing(office: Office) -> None:
    done(office, *SETUP)
    before = office.snapshot()
    assert "will be deleted" in done(office, "remove", "--dry-run")
    assert office.snapshot() == before


# --- a new credential ---


@pytest.mark.parametrize("certificate", [False, True])
def test_rotate_gives_a_new_credential_and_withdraws_the_one_before(office: Office, certificate: bool) -> None:
    options = ["--certificate"] * certificate
    done(office, "setup", "worker", "--yes", *options)
    worker = office.account.state.workers["risky-users"]
    before = worker.secrets[CERTIFICATE if certificate else SECRET]
    office.desk.clock.time += 40 * 86_400
    done(office, "rotate", "--yes", *options)
    assert_works(office)
    assert before not in worker.secrets.values()
    assert office.variables()["CREDENTIAL_EXPIRES"] == "2027-10-31"
    assert "Nothing is to be written." in done(office, "setup", "worker", "--yes", *options)


def test_a_certificate_takes_a_secrets_place_and_the_other_way_round(office: Office) -> None:
    done(office, "setup", "worker", "--yes")
    done(office, "rotate", "--yes", "--certificate")
    assert_works(office)
    assert set(office.account.state.workers["risky-users"].secrets) == {CERTIFICATE}
    done(office, "rotate", "--yes")
    assert_works(office)
    assert set(office.account.state.workers["risky-users"].secrets) == {SECRET}


@pytest.mark.parametrize(("first", "second"), [([], ["--certificate"]), (["--certificate"], [])])
def test_a_credential_of_another_kind_is_taken_from_the_worker_before_it_is_withdrawn(
    office: Office, first: list[str], second: list[str]
) -> None:
    done(office, "setup", "worker", "--yes", *first)

    held: list[bool] = []

    def look(*_: object) -> None:
        worker, app = office.account.state.workers["risky-users"], the_app(office)
        in_force = {SECRET: app.secrets, CERTIFICATE: app.application.certificates}
        held.append(all(in_force[name] for name in worker.secrets))

    office.befalls = look
    done(office, "rotate", "--yes", *second)
    assert all(held)
    assert_works(office)


@pytest.mark.parametrize("lag", [60.0, 1e6])
def test_a_new_credential_is_put_once_it_signs_in_and_the_worker_can_do_so_all_the_while(office: Office, lag: float) -> None:
    done(office, "setup", "worker", "--yes")
    office.tenant.behaviour.credential_lag = lag
    office.desk.clock.time += lag
    first, answers = office.account.state.workers["risky-users"].secrets[SECRET], list[int]()

    def look(*_: object) -> None:
        held = office.account.state.workers["risky-users"].secrets[SECRET]
        answers.append(sign_in(office.tenant, the_app(office), client_secret=held).status)

    office.befalls = look
    text = done(office, "rotate", "--yes", status=int(lag > 60.0))
    assert {*answers} == {200}
    assert any("the new credential is not known everywhere" in line for line in office.desk.told)
    if lag > 60.0:
        assert "AADSTS7000215" in text
        assert "The new secret is withdrawn." in text
        assert office.account.state.workers["risky-users"].secrets[SECRET] == first
    office.desk.clock.time += lag
    assert_works(office)


def test_others_credentials_are_named_and_stay(office: Office) -> None:
    done(office, "setup", "worker", "--yes")
    other = office.tenant.add_secret()
    text = done(office, "rotate", "--yes")
    [kept] = [secret for secret in office.tenant.app.secrets if secret.value == other]
    assert f"{kept.key_id} (until" in text
    assert len(office.tenant.app.secrets) == 2


def test_rotate_without_a_registration_says_what_comes_first(office: Office) -> None:
    assert "run `risky-users setup worker` first" in done(office, "rotate", "--yes", status=1)


def test_rotate_gives_no_credential_of_another_registration_than_the_one_that_wranglers_file_names(office: Office) -> None:
    done(office, "setup", "worker", "--yes")
    app = adopt(office)
    before = office.snapshot()
    assert f"wrangler.toml has AZURE_AD_CLIENT_ID {app.client_id}, but" in done(office, "rotate", "--yes", status=1)
    assert office.snapshot() == before


def test_after_a_rotation_that_failed_the_worker_goes_on_with_what_it_has(office: Office) -> None:
    done(office, "setup", "worker", "--yes")
    office.npx.broken = "an outage"
    assert office.run("rotate", "--yes").status == 1
    office.npx.broken = ""
    assert may_sign_in(office)
    done(office, "setup", "worker", "--yes")
    assert_works(office)
    done(office, "rotate", "--yes")
    assert_works(office)


@pytest.mark.parametrize("options", [[], ["--certificate"]])
def test_a_rotation_that_wrangler_says_has_failed_leaves_in_force_whatever_the_worker_has(office: Office, options: list[str]) -> None:
    done(office, "setup", "worker", "--yes", *options)
    office.npx.mistaken = "fetch failed"
    for _ in range(2):
        assert "run this again, which puts another" in done(office, "rotate", "--yes", *options, status=1)
        assert may_sign_in(office)
    office.npx.mistaken = ""
    office.npx.logged_in = False
    assert office.run("setup", "worker", "--yes", *options).status == 1
    assert may_sign_in(office)
    office.npx.logged_in = True
    done(office, "setup", "worker", "--yes", *options)
    assert_works(office)


def test_a_rotation_that_certainly_did_not_reach_the_worker_leaves_nothing_behind(office: Office) -> None:
    done(office, "setup", "worker", "--yes")
    office.npx.broken = "Authentication error"
    assert "The new secret is withdrawn." in done(office, "rotate", "--yes", status=1)
    office.npx.broken = ""
    assert_works(office)
    assert "Nothing is to be written." in done(office, "setup", "worker", "--yes")


def test_who_is_stopped_while_putting_and_then_fails_to_put_another_has_neither_withdrawn(office: Office) -> None:
    done(office, "setup", "worker", "--yes")
    office.befall(3, "after")  # the secret is made, has signed in, and is put
    with pytest.raises(Killed):
        office.run("rotate", "--yes")
    office.live_on()
    office.npx.broken = "Authentication error"
    for _ in range(2):
        assert office.run("setup", "worker", "--yes").status == 1
        assert may_sign_in(office)
    office.npx.broken = ""
    done(office, "setup", "worker", "--yes")
    assert_works(office)


def test_where_the_worker_cannot_be_deleted_it_keeps_what_it_signs_in_with(office: Office) -> None:
    done(office, "setup", "worker", "--yes")
    office.npx.broken = "an outage"
    assert office.run("remove", "--yes").status == 1
    office.npx.broken = ""
    assert_works(office)


COMMANDS = [("setup", "worker"), ("setup", "scim"), ("setup", "gateway"), ("rotate",), ("remove",), ("remove", "gateway")]


@pytest.mark.parametrize(("first", "command"), [*zip(COMMANDS[:3] * 2, COMMANDS, strict=True)])
def test_a_folder_is_one_workers_from_what_is_made_first(office: Office, first: tuple[str, ...], command: tuple[str, ...]) -> None:
    for name in ("risky-users", "staging"):  # which run already, so that none is first deployed here
        office.account.deploy_worker(name, crons=["* * * * *"], variables={})
    done(office, *first, "--yes")
    other = office.folder / "wrangler.staging.toml"
    other.write_text(office.wrangler_toml.replace('name = "risky-users"', 'name = "staging"'), "utf-8")
    before = office.snapshot()
    text = done(office, *command, "--yes", "--config", str(other), status=1)
    assert "This folder was set up for the Worker risky-users, and wrangler's file names staging" in text
    assert office.snapshot() == before


def test_a_folder_from_which_all_was_removed_is_nobodys(office: Office) -> None:
    done(office, "setup", "worker", "--yes")
    done(office, "remove", "--yes")
    wrangler = office.folder / "wrangler.toml"
    wrangler.write_text(office.wrangler_toml.replace('name = "risky-users"', 'name = "staging"'), "utf-8")
    done(office, "setup", "worker", "--yes")
