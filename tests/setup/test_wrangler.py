"""wrangler as the commands run it: a program of its own, whose secrets come by standard input and whose words reach people, not secrets."""

import json
import os
import sys
from pathlib import Path

import pytest

from risky_users.admin.errors import AdminError, NoProgram
from risky_users.admin.machine import Finished, Machine, run_program
from risky_users.admin.wrangler import Wrangler

_NPX = """#!{python}
import json, os, pathlib, sys
told = {{"arguments": sys.argv[1:], "given": sys.stdin.read(), "folder": os.getcwd(), "environment": dict(os.environ)}}
pathlib.Path(__file__).with_name("told.json").write_text(json.dumps(told))
print("▲ [WARNING] a newer version is there\\n[WARNING] really")
print(json.dumps({{"loggedIn": True, "accounts": [{{"id": "a1", "name": "Contoso"}}]}}))
"""


def wrangler(answers: dict[str, Finished] | Finished, environment: dict[str, str] | None = None, account: str = "") -> Wrangler:
    """wrangler that answers so, by its command."""

    def run(arguments: object, *, environment: object = None, **_: object) -> Finished:
        assert isinstance(arguments, list)
        if isinstance(answers, Finished):
            return answers
        own = isinstance(environment, dict) and environment.get("CLOUDFLARE_API_TOKEN") == ""
        return answers.get(f"{arguments[2]} {'own' if own else 'token'}") or answers[str(arguments[2])]

    machine = Machine(environment=environment or {}, run=run)
    return Wrangler(machine, "risky-users", Path("wrangler.toml").resolve(), account)


def accounts(*ids: str) -> Finished:
    return Finished(0, json.dumps({"accounts": [{"id": each, "name": "Contoso"} for each in ids]}), "")


@pytest.mark.skipif(sys.platform == "win32", reason="a script with a first line")
def test_the_program_is_run_in_the_projects_folder_and_gets_the_secret_on_its_standard_input(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "npx").write_text(_NPX.format(python=sys.executable), "utf-8")
    (tmp_path / "npx").chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setenv("CLOUDFLARE_ENV", "production")  # whose Worker is another than the one that is set up
    project = tmp_path / "project"
    project.mkdir()
    it = Wrangler(Machine(environment={}, run=run_program), "risky-users", project / "wrangler.toml", "a1")
    it.put_secret("AZURE_AD_CLIENT_SECRET", "very~secret")
    told = json.loads((tmp_path / "told.json").read_text("utf-8"))
    assert told["arguments"] == [
        *("wrangler", "secret", "put", "AZURE_AD_CLIENT_SECRET", "--name", "risky-users", "--config", "wrangler.toml")
    ]
    assert told["given"] == "very~secret"
    assert Path(told["folder"]) == project
    assert told["environment"]["CLOUDFLARE_ACCOUNT_ID"] == "a1"
    assert told["environment"]["CLOUDFLARE_ENV"] == ""
    assert it.accounts() == {"a1": "Contoso"}
    assert "very~secret" not in repr(it)


def test_nothing_is_never_put() -> None:
    with pytest.raises(AdminError, match="is empty, so that it is not put"):
        wrangler(Finished(0, "", "")).put_secret("AZURE_AD_CLIENT_SECRET", " \n")


@pytest.mark.parametrize(
    ("finished", "told"),
    [
        (Finished(127, "", "npx is not installed"), "npx is not installed: install Node.js"),
        (Finished(1, "", "✘ [ERROR] You are not authenticated. Please run `wrangler login`."), "run `npx wrangler login`"),
        (
            Finished(1, "", "\x1b[31m✘ \x1b[41;31m[\x1b[41;97mERROR\x1b[41;31m]\x1b[0m \x1b[1mA request failed for very~secret.\x1b[0m"),
            "A request failed for …. Run it by hand",
        ),
        (Finished(1, "", ""), "status 1"),
    ],
)
def test_what_goes_wrong_is_said_without_the_secret(finished: Finished, told: str) -> None:
    with pytest.raises(NoProgram) as error:
        wrangler(finished).put_secret("AZURE_AD_CLIENT_SECRET", "very~secret")
    assert told in str(error.value)
    assert "very~secret" not in str(error.value)


def test_a_worker_that_is_not_there_is_none_and_gone() -> None:
    missing = wrangler(Finished(1, "", "✘ [ERROR] This Worker does not exist on your account. [code: 10007]"))
    assert missing.deployed() is None
    missing.delete()


def test_a_login_of_wranglers_own_goes_before_a_token_that_is_meant_for_lists_and_rules() -> None:
    token = {"CLOUDFLARE_API_TOKEN": "narrow"}
    both = wrangler({"whoami own": accounts("a1"), "whoami": accounts("a2")}, token)
    assert set(both.accounts()) == {"a1"}
    other = wrangler({"whoami own": accounts("a1"), "whoami": accounts("a2")}, token, "a2")
    assert set(other.accounts()) == {"a2"}
    alone = wrangler({"whoami own": Finished(1, '{"loggedIn": false}', ""), "whoami": accounts("a2")}, token)
    assert set(alone.accounts()) == {"a2"}


def test_whoever_is_logged_out_is_told() -> None:
    for status in (0, 1):
        with pytest.raises(NoProgram, match="not logged in"):
            wrangler(Finished(status, '{\n  "loggedIn": false\n}', "")).accounts()
