"""What the commands set up is what the check wants: it finds nothing amiss, to the isolated browser."""

from pathlib import Path

import pytest

from risky_users.check import CHECKS
from tests.cli.chains import HOUR, MINUTE, READING
from tests.setup.deployed import worker_of
from tests.setup.office import Office, Outcome

DEPLOYED = ("AZURE_AD_CLIENT_SECRET", "GATEWAY_API_TOKEN")


@pytest.fixture
def office(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Office:
    office = Office(tmp_path / "project")
    monkeypatch.chdir(office.folder)
    office.tenant.create_group("Zero Trust users")
    office.token = office.account.create_token("all", "Zero Trust Write", "Account API Tokens Write", *READING).value
    done = office.run("setup", "--yes", "--base-group", "Zero Trust users")
    assert done.status == 0, done.text
    return office


def an_hour_of_work(office: Office) -> None:
    """Ticks, whose runs Cloudflare notes, and a provisioning cycle."""
    worker = worker_of(office)
    for pause in (MINUTE, HOUR, MINUTE):
        worker.tick()
        office.clock.time += pause
        office.account.record_run(office.account.state.workers["risky-users"])
        office.tenant.catch_up()


def check(office: Office, *options: str) -> Outcome:
    worker = office.account.state.workers.get("risky-users")
    secrets = {name: value for name, value in (worker.secrets if worker else {}).items() if name in DEPLOYED}
    return office.run("check", *options, environment={**office.environment, **secrets})


def test_what_was_set_up_is_ticked_off_to_the_last_link(office: Office) -> None:
    an_hour_of_work(office)
    ada = office.tenant.add_user("Ada Lovelace", mail="ada.l@contoso.com")
    office.account.enroll("ada.l@contoso.com")
    outcome = check(office, "--user", str(ada.mail))
    assert outcome.status == 0, outcome.text
    lines = [line for line in outcome.text.splitlines() if line[2:].startswith(tuple(CHECKS.values()))]
    marks = "".join(line[0] for line in lines)
    assert (marks.count("✓"), marks.count("·")) == (len(CHECKS) - 4, 4 - 1), outcome.text  # levels below high have neither list nor rule
    assert "!" not in marks


def test_right_after_the_set_up_nothing_is_wrong_and_what_is_yet_to_come_is_said(office: Office) -> None:
    outcome = check(office)
    assert outcome.status == 0, outcome.text
    assert "a new cron trigger takes up to 15 minutes" in outcome.text
    assert "its first cycle has not ended yet" in outcome.text
    assert "the Worker has not kept it yet" in outcome.text
