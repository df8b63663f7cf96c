"""From nothing, by the commands alone: the Worker that they deployed runs, and whoever is at risk is isolated within its minute."""

from dataclasses import dataclass
from pathlib import Path

import pytest

from settings import Settings, read_settings
from simulator import User
from tests.lanes import Lane
from tests.setup.office import Office

RIGHTS = ("Zero Trust Write", "Account API Tokens Write")


@dataclass
class Minutes(Lane):
    """A Worker as it is deployed: with the variables and the secrets that it was given, and nothing else."""

    office: Office | None = None

    def settings(self, **overrides: str) -> Settings:
        assert self.office
        worker = self.office.account.state.workers["risky-users"]
        return read_settings({**worker.variables, **worker.secrets, **overrides}.get)


@pytest.fixture
def minutes(tmp_path: Path) -> Minutes:
    office = Office(tmp_path / "project")
    token = office.account.create_token("administrator", *RIGHTS).value
    office.account.decrypt_tls(on=True)
    levels = [word for level in ("high", "medium", "low") for word in ("--level", level)]
    for command in (["setup", "worker", "--lane"], ["setup", "gateway", *levels]):
        done = office.run(*command, "--yes", environment={"CLOUDFLARE_API_TOKEN": token})
        assert done.status == 0, done.text
    return Minutes(office.tenant, office.clock, account=office.account, office=office)


def test_risk_rises_and_falls_and_the_browser_is_isolated_and_free_in_the_same_minute(minutes: Minutes) -> None:
    tenant, account = minutes.tenant, minutes.account
    minutes.tick()
    ada = tenant.add_user("Ada Lovelace", mail="Ada.L@contoso.com")
    browser = account.enroll("ada.l@contoso.com")
    tenant.confirm_compromised(ada)
    assert not account.page_load(browser).isolated
    minutes.tick()
    assert account.page_load(browser).isolated
    tenant.dismiss(ada)
    minutes.tick()
    assert not account.page_load(browser).isolated


def test_everybody_at_risk_is_isolated_by_the_rule_of_their_level(minutes: Minutes) -> None:
    minutes.tick()
    users: list[tuple[str, User]] = [(level, user) for level in ("high", "medium", "low") for user in minutes.tenant.risky_at(level)]
    assert users
    for level, user in users:
        decision = minutes.account.page_load(minutes.account.enroll(user.mail or user.principal_name))
        assert decision.isolated
        assert decision.rule
        assert decision.rule.name == f"risky-users: isolate {level}"


def test_once_the_lane_is_taken_down_the_worker_goes_on_without_it(minutes: Minutes) -> None:
    assert minutes.office
    minutes.tick()
    token = minutes.office.account.create_token("administrator", *RIGHTS).value
    office = minutes.office
    done = office.run("remove", "gateway", "--yes", environment={"CLOUDFLARE_API_TOKEN": token})
    assert done.status == 0, done.text
    minutes.tick()
    assert minutes.record["outcome"] == "in sync"
    assert "GATEWAY_LIST_HIGH" not in office.variables()
    assert not office.account.state.standing_lists()
