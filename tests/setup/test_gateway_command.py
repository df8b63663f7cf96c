"""`risky-users setup gateway` as it is typed: account and token, questions, plan, outcome."""

import json
from contextlib import suppress
from itertools import count
from pathlib import Path

import pytest

from simulator.cloudflare import Account
from tests.setup.office import Killed, Office, Outcome

RIGHTS = ("Zero Trust Write", "Account API Tokens Write")


class Cloud(Office):
    """An office whose Worker is deployed, with an administrator's API token."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self.account.decrypt_tls(on=True)
        self.npx(["wrangler", "deploy"], "")
        self.token = self.account.create_token("administrator", *RIGHTS).value

    def gateway(self, *options: str, typed: str = "", token: str | None = None) -> Outcome:
        environment = {} if typed else {"CLOUDFLARE_API_TOKEN": self.token if token is None else token}
        return self.run("setup", "gateway", *options, typed=typed, environment=environment)


@pytest.fixture
def office(tmp_path: Path) -> Cloud:
    return Cloud(tmp_path / "project")


def test_one_command_makes_it_all_and_a_second_one_finds_it_all_there(office: Cloud) -> None:
    done = office.gateway("--yes", "--level", "high", "--level", "medium")
    assert done.status == 0, done.text
    assert "All is done." in done.text
    assert "by an account's token" in done.text
    ada = office.account.enroll("ada@contoso.com")
    office.account.set_values(office.account.list_named("risky-users-medium"), [ada.email])
    assert office.account.page_load(ada).isolated
    assert set(office.variables()) >= {"CLOUDFLARE_ACCOUNT_ID", "GATEWAY_LIST_HIGH", "GATEWAY_LIST_MEDIUM"}
    again = office.gateway("--yes")
    assert again.status == 0
    assert "Nothing is to be written." in again.text
    assert "List medium" in again.text


def test_levels_that_are_chosen_no_more_are_shown_as_left_alone(office: Cloud) -> None:
    office.gateway("--yes", "--level", "high", "--level", "medium")
    before = office.snapshot()
    done = office.gateway("--yes", "--level", "medium")
    assert done.status == 0, done.text
    assert "! Isolate high" in done.text
    assert "`risky-users remove gateway`" in done.text
    assert office.snapshot() == before


def test_without_a_yes_and_nobody_to_ask_nothing_is_written(office: Cloud) -> None:
    before = office.snapshot()
    assert office.gateway().status == 1
    assert office.gateway("--dry-run").status == 0
    told = office.gateway("--dry-run", "--json")
    assert json.loads(told.text)["steps"][0]["part"] == "gateway"
    assert office.snapshot() == before


def test_on_a_terminal_it_asks_for_the_token_unseen_and_for_what_there_is_to_choose(office: Cloud) -> None:
    done = office.gateway("--account", office.account.id, typed=f"{office.token}\nhigh low\nexample.com\n\ndisabled\n\ny\n")
    assert done.status == 0, done.text
    rule = office.account.rule_named("risky-users: isolate low")
    assert rule.traffic == 'any(http.request.domains[*] in {"example.com"})'
    controls = rule.settings["biso_admin_controls"]
    assert isinstance(controls, dict)
    assert (controls["copy"], controls["download"]) == ("remote_only", "disabled")
    assert "groups" not in rule.identity


def test_who_answers_no_has_written_nothing(office: Cloud) -> None:
    before = office.snapshot()
    done = office.gateway(typed=f"{office.token}\n\n\n\n\n\nn\n")
    assert done.status == 1
    assert "Nothing was written." in done.text
    assert office.snapshot() == before


def test_without_a_token_it_says_which_and_where_to_put_it(office: Cloud) -> None:
    done = office.gateway(token="")
    assert done.status == 1
    assert "Zero Trust Write" in done.text
    assert "CLOUDFLARE_API_TOKEN" in done.text


@pytest.mark.parametrize("token", ["another account's", "withdrawn", "with a blank"])
def test_a_token_that_is_no_good_here_is_refused_before_anything_else(office: Cloud, token: str) -> None:
    value = {
        "another account's": Account(office.desk.clock.now).create_token("theirs", *RIGHTS).value,
        "withdrawn": "cfat_0123456789",
        "with a blank": "two words",
    }[token]
    done = office.gateway("--yes", token=value)
    assert done.status == 1
    assert "CLOUDFLARE_API_TOKEN" in done.text
    assert value not in done.text
    assert not office.account.state.standing_lists()


def test_an_account_that_is_not_the_one_of_the_folder_is_refused(office: Cloud) -> None:
    office.gateway("--yes")
    done = office.gateway("--yes", "--account", "0123456789abcdef0123456789abcdef")
    assert done.status == 1
    assert "which is it?" in done.text


def test_choices_that_cannot_be_meant_are_refused(office: Cloud) -> None:
    done = office.gateway("--yes", "--level", "severe", "--domain", "https://example.com", "--clipboard", "maybe")
    assert done.status == 1
    for words in ("severe", "https://example.com", "maybe"):
        assert words in done.text
    assert not office.account.state.standing_lists()


@pytest.mark.parametrize(("typed", "told"), [(False, "before its own login: give it Workers Scripts Write"), (True, "as somebody who may")])
def test_who_may_not_change_workers_is_told_whose_right_wrangler_takes(office: Cloud, typed: bool, told: str) -> None:
    office.npx.broken = "A request to the Cloudflare API (/workers/scripts) failed.\n  Authentication error [code: 10000]"
    done = office.gateway(typed=f"{office.token}\n\n\n\n\n\ny\n") if typed else office.gateway("--yes")
    assert done.status == 1
    assert told in done.text
    assert {token.name for token in office.account.state.tokens.values()} == {"administrator"}


@pytest.mark.parametrize("how", ["refused", "after"])
def test_setup_goes_on_wherever_a_removal_was_stopped(tmp_path: Path, how: str) -> None:
    for number in count(1):
        office = Cloud(tmp_path / str(number))
        office.gateway("--yes")
        office.befall(number, how)
        with suppress(Killed):
            office.run("remove", "gateway", "--yes", environment={"CLOUDFLARE_API_TOKEN": office.token})
        reached = office.changes >= number
        office.live_on()
        done = office.gateway("--yes")
        assert done.status == 0, (number, done.text)
        tokens = {token.value for token in office.account.state.tokens.values()}
        assert office.account.state.workers["risky-users"].secrets["GATEWAY_API_TOKEN"] in tokens, number
        if not reached:
            break
    assert number > 5


def test_while_deployments_keep_variables_no_list_is_deleted_that_the_worker_keeps(office: Cloud) -> None:
    before = office.snapshot()
    office.gateway("--yes")
    file, environment = office.folder / "wrangler.toml", {"CLOUDFLARE_API_TOKEN": office.token}
    file.write_text(f"keep_vars = true\n{office.wrangler_toml}", "utf-8")
    done = office.run("remove", "gateway", "--yes", environment=environment)
    assert done.status == 1
    assert "keep_vars in wrangler.toml would keep CLOUDFLARE_ACCOUNT_ID, GATEWAY_LIST_HIGH" in done.text
    assert office.account.list_named("risky-users-high")
    assert "GATEWAY_API_TOKEN" in office.account.state.workers["risky-users"].secrets
    file.write_text(office.wrangler_toml.replace("keep_vars = true\n", ""), "utf-8")
    done = office.run("remove", "gateway", "--yes", environment=environment)
    assert done.status == 0, done.text
    assert office.snapshot() == before


def test_remove_gateway_takes_back_what_was_made_and_asks_nothing_of_entra(office: Cloud) -> None:
    before = office.snapshot()
    office.gateway("--yes")
    office.tenant.requests.clear()
    environment = {"CLOUDFLARE_API_TOKEN": office.token}
    planned = office.run("remove", "gateway", "--dry-run", environment=environment)
    assert "delete risky-users: isolate high" in planned.text
    done = office.run("remove", "gateway", "--yes", environment=environment)
    assert done.status == 0, done.text
    assert office.snapshot() == before
    assert not office.tenant.requests
    assert "Nothing is to be written." in office.run("remove", "gateway", "--yes", environment=environment).text


def test_without_the_right_to_make_tokens_the_rest_is_done_and_the_way_on_is_told(office: Cloud) -> None:
    office.token = office.account.create_token("administrator of Zero Trust", "Zero Trust Write").value
    done = office.gateway("--yes")
    assert done.status == 1
    assert "For somebody with Account API Tokens Write" in done.text
    assert office.account.lists_named("risky-users-high")
