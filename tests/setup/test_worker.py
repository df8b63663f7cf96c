"""`risky-users setup worker`, from nothing to a Worker that signs in; again; by those who may do only a part of it."""

from pathlib import Path
from random import Random
from ssl import PEM_cert_to_DER_cert

import pytest

from risky_users.setup.desk import keeper
from risky_users.setup.ledger import FILE
from simulator import App, Fault
from simulator.cloudflare import Account
from simulator.entra.registrations import CredentialPolicy
from simulator.faults import Kind
from tests.setup.office import Office
from tests.simulator.client import sign_in
from tests.simulator.test_token import claims

NEEDED = {"IdentityRiskyUser.Read.All", "GroupMember.ReadWrite.All", "Group.Create"}
SECRET, CERTIFICATE = "AZURE_AD_CLIENT_SECRET", "AZURE_AD_CLIENT_CERTIFICATE"


@pytest.fixture
def office(tmp_path: Path) -> Office:
    return Office(tmp_path / "project")


def set_up(office: Office, *options: str, status: int = 0) -> str:
    outcome = office.run("setup", "worker", "--yes", *options)
    assert outcome.status == status, outcome.text
    return outcome.text


def the_app(office: Office) -> App:
    """The one that was not made from a template."""
    [app] = [each for each in office.tenant.apps.values() if not each.application.template]
    return app


def assert_works(office: Office, *permissions: str) -> None:
    """One registration with one credential, which is the Worker's, and the permissions granted."""
    app = the_app(office)
    assert app.permissions == {*NEEDED, *permissions}
    worker = office.account.state.workers["risky-users"]
    assert worker.crons == ["* * * * *"]
    assert worker.variables["AZURE_AD_TENANT_ID"] == office.tenant.id
    assert worker.variables["AZURE_AD_CLIENT_ID"] == app.client_id
    if SECRET in worker.secrets:
        assert [secret.value for secret in app.secrets] == [worker.secrets[SECRET]]
        answer = sign_in(office.tenant, app, client_secret=worker.secrets[SECRET])
        assert claims(str(answer.body["access_token"]))["roles"] == sorted({*NEEDED, *permissions})
    else:
        assert CERTIFICATE in worker.secrets
        assert (len(app.secrets), len(app.application.certificates)) == (0, 1)
    assert not [each for each in office.ledger if "earlier" in each]


def may_sign_in(office: Office) -> bool:
    """Whether what the Worker holds is in force, whatever else is."""
    worker, app = office.account.state.workers["risky-users"], the_app(office)
    if SECRET in worker.secrets:
        return worker.secrets[SECRET] in [secret.value for secret in app.secrets]
    pem = worker.secrets[CERTIFICATE]
    return PEM_cert_to_DER_cert(pem[pem.index("-----BEGIN CERTIFICATE") :]) in [each.der for each in app.application.certificates]


def test_from_nothing_to_a_worker_that_signs_in(office: Office) -> None:
    text = set_up(office)
    assert_works(office)
    assert office.variables()["CREDENTIAL_EXPIRES"] == "2027-09-21"
    assert "Ada Admin".lower().replace(" ", ".") in text
    assert "Global Administrator" in text
    assert "Microsoft Entra ID P2." in text
    assert "All is done." in text
    assert office.tenant.app.application.notes == "Made by `risky-users setup`; `risky-users remove` takes it away."


def test_a_second_run_changes_nothing(office: Office) -> None:
    set_up(office)
    before = office.snapshot()
    assert "Nothing is to be written." in set_up(office)
    assert office.snapshot() == before
    assert set(office.run("setup", "worker", "--json").states().values()) == {"there"}


def test_a_dry_run_shows_the_plan_and_writes_nothing(office: Office) -> None:
    before = office.snapshot()
    outcome = office.run("setup", "worker", "--dry-run")
    assert outcome.status == 0
    assert "risky-users will be registered" in outcome.text
    assert "Nothing was written: --dry-run." in outcome.text
    assert office.snapshot() == before


@pytest.mark.parametrize(("typed", "status"), [("y\n", 0), ("n\n", 1)])
def test_somebody_at_a_terminal_is_asked(office: Office, typed: str, status: int) -> None:
    assert office.run("setup", "worker", typed=typed).status == status
    assert len(office.tenant.apps) == (status == 0)


def test_nobody_at_a_terminal_has_to_say_yes(office: Office) -> None:
    outcome = office.run("setup", "worker")
    assert (outcome.status, office.tenant.apps) == (1, {})
    assert "`risky-users setup worker --yes` writes without asking." in outcome.text


def test_a_worker_with_gateway_lists_reads_mail_addresses_too(office: Office) -> None:
    set_up(office)
    set_up(office, "--lane")
    assert_works(office, "User.ReadBasic.All")
    assert len(office.tenant.app.application.required) == 1


def test_a_certificate_instead_of_a_secret(office: Office, tmp_path: Path) -> None:
    set_up(office, "--certificate", "--days", "90")
    assert_works(office)
    before = office.snapshot()
    set_up(office, "--certificate")
    assert office.snapshot() == before


def test_the_key_is_on_disk_only_where_somebody_asked_for_it(office: Office, tmp_path: Path) -> None:
    kept = tmp_path / "worker.pem"
    set_up(office, "--certificate", "--keep-key", str(kept))
    assert kept.read_text().strip() == office.account.state.workers["risky-users"].secrets[CERTIFICATE]
    assert kept.stat().st_mode & 0o077 == 0


def test_a_key_that_takes_the_place_of_a_file_that_all_may_read_is_its_owners_alone(office: Office, tmp_path: Path) -> None:
    kept = tmp_path / "worker.pem"
    kept.touch(mode=0o644)
    with kept.open("rb") as before:
        set_up(office, "--certificate", "--keep-key", str(kept))
        assert before.read() == b""
    assert kept.stat().st_mode & 0o077 == 0
    assert "PRIVATE KEY" in kept.read_text()


def test_of_a_key_that_cannot_be_kept_after_all_nothing_is_left(office: Office, tmp_path: Path) -> None:
    kept = tmp_path / "worker.pem"
    kept.mkdir()  # after its folder was looked at
    keep = keeper(kept, certificate=True)
    with pytest.raises(OSError, match="worker"):
        keep("-----BEGIN PRIVATE KEY-----")
    assert [*tmp_path.glob("worker*")] == [kept]


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (["--keep-key", "worker.pem"], "add --certificate"),
        (["--certificate", "--keep-key", "nowhere/worker.pem"], "no folder"),
        (["--certificate", "--keep-key", f"{__file__}/worker.pem"], "no folder"),
    ],
)
def test_a_key_that_cannot_be_kept_is_said_before_anything_is_written(office: Office, options: list[str], told: str) -> None:
    before = office.snapshot()
    for command in (("setup", "worker"), ("rotate",)):
        outcome = office.run(*command, "--yes", *options)
        assert outcome.status != 0
        assert told in outcome.text
    assert office.snapshot() == before


def test_vars_that_are_no_text_are_no_reason_to_deploy_again(office: Office) -> None:
    more = "MAX_REMOVALS = 5\nDRY_RUN = false\n"
    (office.folder / "wrangler.toml").write_text(office.wrangler_toml.replace("[vars]\n", f"[vars]\n{more}"), "utf-8")
    set_up(office)
    assert "Nothing is to be written." in set_up(office)


def test_the_check_that_follows_knows_the_secret_and_finds_nothing_amiss(office: Office) -> None:
    text = set_up(office).partition("risky-users check:")[2]
    assert "AZURE_AD_CLIENT_SECRET from this run" in text
    assert "✓ Credentials" in text
    assert "✗" not in text
    assert "risky-users check:" not in set_up(office)


def test_the_groups_can_be_made_at_once(office: Office) -> None:
    set_up(office, "--groups")
    assert len([*office.tenant.directory.standing_groups()]) == 3
    assert_works(office)


def test_a_national_cloud_is_set_up_as_the_global_one(office: Office) -> None:
    office.tenant.tokens.cloud = "login.microsoftonline.us"
    set_up(office, "--cloud", "usgov")
    assert office.variables()["AZURE_CLOUD"] == "usgov"
    assert the_app(office).permissions == NEEDED
    assert "Nothing is to be written." in set_up(office)
    assert office.run("setup", "worker", "--cloud", "mars").status == 1


def test_a_credential_that_entra_does_not_know_everywhere_yet_is_waited_for(office: Office) -> None:
    office.tenant.behaviour.credential_lag = 45.0
    set_up(office)
    assert any("the new credential is not known everywhere" in line for line in office.desk.told)


# --- whoever may do only a part ---


def test_without_the_right_to_consent_all_else_is_done_and_it_is_said_who_can(tmp_path: Path) -> None:
    office = Office(tmp_path / "project", ("Cloud Application Administrator",))
    text = set_up(office, status=1)
    assert "It takes Privileged Role Administrator, which you do not seem to have; it is tried." in text
    assert "For somebody with Privileged Role Administrator: Consent." in text
    assert f"https://login.microsoftonline.com/{office.tenant.id}/adminconsent?client_id={office.tenant.app.client_id}" in text
    assert office.tenant.app.permissions == set()
    assert SECRET in office.account.state.workers["risky-users"].secrets
    office.tenant.assign_role(office.desk.ada, "Privileged Role Administrator")
    set_up(office)
    assert_works(office)


def test_somebody_who_may_only_consent_can_do_that(tmp_path: Path) -> None:
    office = Office(tmp_path / "project", ("Cloud Application Administrator",))
    set_up(office, status=1)
    office.desk.az.user = office.tenant.add_user("Grace Grant")
    office.tenant.assign_role(office.desk.az.user, "Privileged Role Administrator")
    set_up(office)
    assert_works(office)


def test_where_users_may_not_register_apps_it_is_said_who_can(tmp_path: Path) -> None:
    office = Office(tmp_path / "project", ("Security Reader",))
    office.tenant.directory.users_register_apps = False
    text = set_up(office, status=1)
    assert "For somebody with Cloud Application Administrator: App registration." in text
    assert office.tenant.apps == {}
    assert office.account.state.workers == {}
    assert not (office.folder / FILE).exists()


# --- what was there before ---


def test_a_registration_that_wranglers_file_names_is_used_and_completed(office: Office) -> None:
    app = office.tenant.register_app("our own", ["GroupMember.ReadWrite.All"])
    app.secrets.clear()
    toml = office.folder / "wrangler.toml"
    toml.write_text(office.wrangler_toml.replace("<CLIENT-ID>", app.client_id))
    set_up(office)
    assert_works(office)
    assert office.tenant.app.application.unique_name is None


def test_one_that_only_has_the_name_is_not_touched(office: Office) -> None:
    office.tenant.register_app("risky-users", [])
    before = office.tenant.snapshot()
    text = set_up(office, status=1)
    assert f"made otherwise (client id {office.tenant.app.client_id})" in text
    assert office.tenant.snapshot() == before


def test_a_deleted_one_is_restored_with_its_principal(office: Office) -> None:
    set_up(office)
    first = office.tenant.app
    office.tenant.directory.delete_application(first.application, office.desk.clock.time)
    set_up(office)
    assert office.tenant.app.object_id == first.object_id
    assert_works(office)


@pytest.mark.parametrize("elsewhere", ["00000000-0000-4000-8000-000000000009"])
def test_a_folder_of_another_tenant_is_refused(office: Office, elsewhere: str) -> None:
    toml = office.folder / "wrangler.toml"
    toml.write_text(office.wrangler_toml.replace("<TENANT-ID>", elsewhere))
    outcome = office.run("setup", "worker", "--yes")
    assert outcome.status == 1
    assert elsewhere in outcome.text
    assert office.tenant.apps == {}


def test_another_account_is_refused(office: Office) -> None:
    set_up(office)
    office.npx.account = Account(office.desk.clock.now, Random(2))
    outcome = office.run("setup", "worker", "--yes")
    assert outcome.status == 1
    assert "set up for the Cloudflare account" in outcome.text


def test_a_secret_put_by_hand_is_left_alone(office: Office) -> None:
    set_up(office)
    (office.folder / FILE).unlink()
    before = office.snapshot()
    text = set_up(office)
    assert f"the Worker has {SECRET}, put otherwise; `risky-users rotate` replaces it." in text
    assert office.snapshot() == before


# --- what goes wrong ---


def test_a_secret_that_cannot_be_put_is_withdrawn(office: Office) -> None:
    office.npx.broken = "A request to the Cloudflare API failed."
    text = set_up(office, status=1)
    assert "A request to the Cloudflare API failed." in text
    assert "The new secret is withdrawn." in text
    assert office.tenant.app.secrets == []
    office.npx.broken = ""
    set_up(office)
    assert_works(office)


@pytest.mark.parametrize("options", [[], ["--certificate"]])
def test_one_that_was_put_though_wrangler_says_it_failed_stays_in_force_until_another_is_put(office: Office, options: list[str]) -> None:
    office.npx.mistaken = "fetch failed"
    assert "The Worker may have the new" in set_up(office, *options, status=1)
    assert may_sign_in(office)
    office.npx.mistaken = ""
    set_up(office, *options)
    assert_works(office)


def test_what_cannot_be_put_and_not_be_withdrawn_either_is_told_with_its_key_id(office: Office) -> None:
    office.npx.broken = "A request to the Cloudflare API failed."
    office.tenant.faults = [Fault("status", "POST", "/applications/*/removePassword", status=503)]
    text = set_up(office, status=1)
    [left] = office.tenant.app.secrets
    assert "A request to the Cloudflare API failed." in text
    assert f"with the key id {left.key_id} be withdrawn" in text
    office.npx.broken, office.tenant.faults = "", []
    set_up(office)
    assert_works(office)


def test_without_wrangler_what_is_in_entra_is_done(office: Office) -> None:
    office.npx.logged_in = False
    text = set_up(office, status=1)
    assert "run `npx wrangler login`" in text
    assert office.tenant.app.permissions == NEEDED
    assert office.tenant.app.secrets == []


@pytest.mark.parametrize("kind", ["drop after", "status after", "drop", "truncated"])
def test_a_secret_whose_answer_is_lost_is_withdrawn_and_made_anew(office: Office, kind: Kind) -> None:
    office.tenant.faults = [Fault(kind, "POST", "/applications/*/addPassword", times=1)]
    set_up(office)
    assert_works(office)


def test_one_whose_answer_is_lost_and_which_does_not_show_yet_is_withdrawn_too(office: Office) -> None:
    office.tenant.faults = [
        Fault("drop after", "POST", "/applications/*/addPassword", times=1),
        Fault("status", "POST", "/applications/*/removePassword", status=400, message="No password credential found with keyId.", times=1),
    ]
    set_up(office)
    assert_works(office)


@pytest.mark.parametrize("refusal", ["CredentialInvalidLifetimeAsPerAppPolicy", "InvalidKeyEndDate"])
@pytest.mark.parametrize("certificate", [False, True])
def test_a_policy_that_allows_less_is_followed(office: Office, refusal: str, certificate: bool) -> None:
    office.tenant.behaviour.lifetime_refusal = refusal  # type: ignore[assignment]  # one of the two that there are
    office.tenant.directory.credential_policy = CredentialPolicy(secret_days=120, certificate_days=120)
    set_up(office, *(["--certificate"] if certificate else []))
    assert_works(office)
    expires = office.variables()["CREDENTIAL_EXPIRES"]
    assert expires == ("2026-12-20" if refusal == "CredentialInvalidLifetimeAsPerAppPolicy" else "2027-01-19")


def test_a_policy_that_forbids_secrets_leads_to_a_certificate(office: Office) -> None:
    office.tenant.directory.credential_policy = CredentialPolicy(secrets_forbidden=True)
    assert "add --certificate" in set_up(office, status=1)
    set_up(office, "--certificate")
    assert_works(office)


def test_a_credential_near_its_end_is_spoken_of_and_one_past_it_replaced(office: Office) -> None:
    set_up(office)
    office.desk.clock.time += 350 * 86_400
    assert "soon: run `risky-users rotate`" in set_up(office)
    office.desk.clock.time += 20 * 86_400
    assert "has ended; a new secret will be made and put." in set_up(office)
    assert_works(office)


@pytest.mark.parametrize("change", ["upsert_by_key", "young", "restore", "duplicates", "pause"])
def test_whatever_microsoft_leaves_open_the_worker_works(office: Office, change: str) -> None:
    behaviour = office.tenant.behaviour
    match change:
        case "upsert_by_key":
            behaviour.upsert_by_key = False
        case "young":
            behaviour.admin_lag, behaviour.young_grant, behaviour.young_application = 40.0, 400, 403
        case "restore":
            behaviour.restore_brings_principal = True
            set_up(office)
            office.tenant.directory.delete_application(office.tenant.app.application, office.desk.clock.time)
        case "duplicates":
            behaviour.admin_lag, behaviour.duplicate_grant = 30.0, "entitlement 409"
        case _:
            behaviour.credential_pause = 20.0
    set_up(office)
    assert_works(office)
