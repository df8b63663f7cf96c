"""Where the variables come from, what becomes of the secret, and how the program complains."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

import risky_users.app
from plan import RISK_LEVELS
from risky_users.app import app
from tests.cli.terminal import Terminal

BIN = Path(sys.executable).parent


def write_configuration(folder: Path, terminal: Terminal) -> None:
    ids = {name: value for name, value in terminal.environment.items() if name != "AZURE_AD_CLIENT_SECRET"}
    (folder / "wrangler.toml").write_text("[vars]\n" + "".join(f'{name} = "{value}"\n' for name, value in ids.items()))


# --- variables ---


def test_each_variable_is_taken_from_the_first_place_that_has_it(terminal: Terminal, folder: Path) -> None:
    write_configuration(folder, terminal)
    secret = terminal.environment["AZURE_AD_CLIENT_SECRET"]
    (folder / ".dev.vars").write_text(f"AZURE_AD_CLIENT_SECRET='{secret}'\nAZURE_AD_CLIENT_ID=overruled\n")
    outcome = terminal.run("check", environment={"AZURE_AD_CLIENT_ID": terminal.tenant.app.client_id, "AZURE_AD_TENANT_ID": ""})
    assert outcome.status == 0
    assert outcome.line("Configuration") == (
        "✓ Configuration  well-formed: AZURE_AD_CLIENT_SECRET from .dev.vars; "
        "AZURE_AD_TENANT_ID from wrangler.toml; AZURE_AD_CLIENT_ID from the environment."
    )


def test_another_configuration_brings_its_own_dev_vars(terminal: Terminal, folder: Path) -> None:
    (folder / "elsewhere").mkdir()
    write_configuration(folder / "elsewhere", terminal)
    (folder / "elsewhere" / ".dev.vars").write_text(f'AZURE_AD_CLIENT_SECRET="{terminal.tenant.app.secret}"\n')
    assert terminal.run("check", "--config", "elsewhere/wrangler.toml", environment={}).status == 0
    assert terminal.run("check", "--config", "nowhere.toml", environment={}).status == 2


@pytest.mark.parametrize("name", ["wrangler.json", "wrangler.jsonc"])
def test_the_configuration_is_the_one_that_wrangler_reads(terminal: Terminal, folder: Path, name: str) -> None:
    variables = "".join(f'"{variable}": "{value}", ' for variable, value in terminal.environment.items())
    (folder / "wrangler.toml").write_text('[vars]\nAZURE_AD_CLIENT_ID = "overruled"\n')
    (folder / name).write_text(f'{{\n  // comments and trailing commas\n  "vars": {{ {variables} /* are allowed */ }},\n}}\n')
    outcome = terminal.run("check", environment={})
    assert outcome.status == 0
    assert outcome.line("Configuration").endswith(f"AZURE_AD_CLIENT_ID from {name}.")


@pytest.mark.parametrize(
    ("name", "text", "complaint"),
    [
        ("wrangler.toml", "[vars\n", "wrangler.toml cannot be read as TOML"),
        ("wrangler.toml", "vars = 1\n", "vars in wrangler.toml is no table: write the variables below a line [vars]."),
        ("wrangler.jsonc", '{"vars": ', "wrangler.jsonc cannot be read as JSON"),
        ("wrangler.jsonc", '{"vars": 1}', 'vars in wrangler.jsonc is no table: write the variables in an object "vars".'),
        ("wrangler.jsonc", "[]", "vars in wrangler.jsonc is no table"),
    ],
)
def test_a_configuration_that_cannot_be_read_is_told(terminal: Terminal, folder: Path, name: str, text: str, complaint: str) -> None:
    (folder / name).write_text(text)
    checked, planned = terminal.run("check", environment={}), terminal.run("plan", environment={})
    assert (checked.status, planned.status) == (1, 1)
    assert complaint in checked.line("Configuration")
    assert complaint in planned.complaints


def test_without_dev_vars_secrets_are_looked_for_where_wrangler_does(terminal: Terminal, folder: Path) -> None:
    write_configuration(folder, terminal)
    secret = terminal.environment["AZURE_AD_CLIENT_SECRET"]
    (folder / ".env").write_text("AZURE_AD_CLIENT_SECRET=overruled\n")
    (folder / ".env.local").write_text(f"AZURE_AD_CLIENT_SECRET='{secret}'\n")
    assert "AZURE_AD_CLIENT_SECRET from .env.local" in terminal.run("check", environment={}).line("Configuration")
    (folder / ".dev.vars").write_text("LOG_LEVEL=info\n")
    assert "AZURE_AD_CLIENT_SECRET is missing" in terminal.run("check", environment={}).output


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
def test_files_are_read_as_windows_tools_write_them(terminal: Terminal, folder: Path, encoding: str) -> None:
    write_configuration(folder, terminal)
    text = (folder / "wrangler.toml").read_text("utf-8")
    (folder / "wrangler.toml").write_bytes(text.replace("\n", "\r\n").encode(encoding))
    secret = terminal.environment["AZURE_AD_CLIENT_SECRET"]
    (folder / ".dev.vars").write_bytes(f"AZURE_AD_CLIENT_SECRET='{secret}'\r\n".encode(encoding))
    assert terminal.run("check", environment={}).status == 0


@pytest.mark.parametrize("name", ["wrangler.toml", ".dev.vars"])
def test_a_file_in_another_encoding_is_told(terminal: Terminal, folder: Path, name: str) -> None:
    (folder / name).write_bytes("# für alle\n".encode("cp1252"))
    outcome = terminal.run("plan")
    assert outcome.status == 1
    assert outcome.complaints.startswith(f"risky-users: {name} cannot be read")
    assert len(outcome.complaints.splitlines()) == 1


def test_variables_that_may_be_any_programs_are_not_taken_but_mentioned(terminal: Terminal, folder: Path) -> None:
    (folder / "wrangler.toml").write_text('[vars]\nMAX_SUBREQUESTS = "40"\n')
    terminal.environment |= {"LOG_LEVEL": "verbose", "DRY_RUN": "1", "MAX_SUBREQUESTS": "40", "CLOUDFLARE_ACCOUNT_ID": "0" * 32}
    outcome = terminal.run("plan")
    assert outcome.status == 0
    assert outcome.complaints == (
        "risky-users: Not taken from the environment, where it may be any program's: DRY_RUN, LOG_LEVEL. "
        "If it is meant, write RISKY_USERS_DRY_RUN and so on.\n"
    )


def test_with_the_projects_name_before_it_any_variable_is_taken_from_the_environment(terminal: Terminal) -> None:
    terminal.environment["RISKY_USERS_DRY_RUN"] = "true"
    assert "DRY_RUN from the environment" in terminal.run("check").line("Configuration")


@pytest.mark.parametrize(
    ("environment", "complaint"),
    [
        ({"RISKY_USERS_LOG_LEVEL": "loud"}, "correct it in the environment, or leave it out for info."),
        ({"AZURE_AD_CLIENT_ID": "no guid"}, "is not a GUID: set it in the environment to the Application (client) ID"),
        (
            {"AZURE_AD_CLIENT_SECRET": "two words"},
            "`npx wrangler secret put AZURE_AD_CLIENT_SECRET`. Its value comes from the environment.",
        ),
        ({"AZURE_AD_CLIENT_ID": ""}, "AZURE_AD_CLIENT_ID is missing: set it in wrangler.jsonc to the"),
        ({"RISKY_USERS_MAX_REMOVALS": "", "AZURE_AD_TENANT_ID": "<TENANT-ID>"}, "still holds its placeholder: set it in the environment"),
    ],
)
def test_what_is_wrong_with_a_variable_names_the_place_that_it_comes_from(
    terminal: Terminal, folder: Path, environment: dict[str, str], complaint: str
) -> None:
    (folder / "wrangler.jsonc").write_text("{}")
    terminal.environment |= environment
    outcome = terminal.run("plan")
    assert outcome.status == 1
    assert complaint in outcome.complaints
    assert "wrangler.toml" not in outcome.text


@pytest.mark.parametrize("command", ["check", "plan", "sync"])
def test_what_microsoft_says_of_an_id_names_the_place_that_it_comes_from(terminal: Terminal, command: str) -> None:
    terminal.environment["AZURE_AD_CLIENT_ID"] = "00000000-1111-4222-8333-444444444444"
    assert "check both ids in the environment" in terminal.run(command).text


# --- the secret ---


def test_a_secret_found_nowhere_is_read_from_standard_input(terminal: Terminal) -> None:
    secret = terminal.environment.pop("AZURE_AD_CLIENT_SECRET")
    outcome = terminal.run("check", typed=f"{secret}\nand more\n")
    assert outcome.status == 0
    assert "AZURE_AD_CLIENT_SECRET from your input" in outcome.line("Configuration")


def test_a_secret_from_powershells_pipe_comes_without_its_mark(terminal: Terminal) -> None:
    secret = terminal.environment.pop("AZURE_AD_CLIENT_SECRET")
    for mark in ("\ufeff", "\u00ef\u00bb\u00bf"):
        assert terminal.run("check", typed=f"{mark}{secret}\r\n").status == 0


def test_at_a_terminal_the_secret_is_asked_for_unseen(terminal: Terminal, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[tuple[str, bool, bool]] = []
    secret = terminal.environment.pop("AZURE_AD_CLIENT_SECRET")

    def prompt(text: str, *, hide_input: bool, err: bool) -> str:
        asked.append((text, hide_input, err))
        return secret

    monkeypatch.setattr(risky_users.app, "_interactive", lambda: True)
    monkeypatch.setattr(typer, "prompt", prompt)
    assert terminal.run("check").status == 0
    assert asked == [("AZURE_AD_CLIENT_SECRET (not shown)", True, True)]


def test_no_secret_at_all_is_a_problem_with_a_remedy(terminal: Terminal) -> None:
    del terminal.environment["AZURE_AD_CLIENT_SECRET"]
    outcome = terminal.run("check")
    assert outcome.status == 1
    assert "AZURE_AD_CLIENT_SECRET is missing: set it in the environment or in .dev.vars" in outcome.line("Configuration")


@pytest.mark.parametrize("arguments", [["check"], ["check", "--json"], ["plan"], ["plan", "--names", "--json"]])
@pytest.mark.parametrize("wrong", [False, True])
def test_the_secret_and_the_token_are_never_printed(terminal: Terminal, arguments: list[str], wrong: bool) -> None:
    secret = "wr0ng-secret~value" if wrong else terminal.tenant.app.secret
    outcome = terminal.run(*arguments, environment={**terminal.environment, "AZURE_AD_CLIENT_SECRET": secret})
    assert outcome.status == int(wrong)
    assert secret not in outcome.text
    assert not any(token in outcome.text for token in terminal.tenant.tokens.issued)
    assert "@" not in outcome.text


def test_the_secret_is_no_option() -> None:
    for command in ("check", "plan", "simulate", "sync"):
        assert "secret" not in CliRunner().invoke(app, [command, "--help"]).output.lower()


# --- complaints ---


def test_plan_tells_what_is_wrong_with_the_configuration_without_a_traceback(terminal: Terminal) -> None:
    outcome = terminal.run("plan", environment={}, typed="secret\n")
    assert outcome.status == 1
    assert outcome.output == ""
    assert [line.partition(" is missing")[0] for line in outcome.complaints.splitlines()] == [
        "risky-users: AZURE_AD_TENANT_ID",
        "risky-users: AZURE_AD_CLIENT_ID",
    ]


def test_plan_tells_why_it_cannot_sign_in(terminal: Terminal) -> None:
    terminal.tenant.expire_secrets()
    outcome = terminal.run("plan")
    assert outcome.status == 1
    assert "AADSTS7000222" in outcome.complaints
    terminal.unplugged = True
    assert "Cannot connect to login.microsoftonline.com" in terminal.run("plan").complaints
    assert "Traceback" not in outcome.text


def test_the_unforeseen_is_one_line_and_a_traceback_on_request(terminal: Terminal, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise ZeroDivisionError("out of the blue")

    monkeypatch.setattr(risky_users.app, "show_walk", fail)
    outcome = terminal.run("check")
    assert outcome.status == 1
    assert outcome.complaints.splitlines() == [
        "risky-users: ZeroDivisionError: out of the blue",
        "risky-users: This was not foreseen; --debug shows where it happened.",
    ]
    with pytest.raises(ZeroDivisionError):
        terminal.run("check", "--debug")


# --- simulate ---


def test_simulate_hands_its_options_to_the_page(monkeypatch: pytest.MonkeyPatch) -> None:
    import page

    served: list[dict[str, int]] = []
    monkeypatch.setattr(page, "serve", lambda **options: served.append(options))
    assert CliRunner().invoke(app, ["simulate"]).exit_code == 0
    assert CliRunner().invoke(app, ["simulate", "--users", "200", "--seed", "7", "--port", "0"]).exit_code == 0
    assert served == [{"users": 12, "seed": 1, "port": 8765}, {"users": 200, "seed": 7, "port": 0}]


def test_a_port_that_is_taken_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    import page

    def taken(**_: int) -> None:
        raise OSError("Address already in use")

    monkeypatch.setattr(page, "serve", taken)
    result = CliRunner().invoke(app, ["simulate"])
    assert (result.exit_code, result.stderr) == (1, "risky-users: Address already in use\n")


# --- the program as it is installed ---


def run_program(*arguments: str, **environment: str) -> "subprocess.CompletedProcess[str]":
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("AZURE_")}
    return subprocess.run(
        [BIN / "risky-users", *arguments],
        env={**inherited, "PYTHONUTF8": "1", **environment},
        input="",
        capture_output=True,
        encoding="utf-8",
        timeout=60,
        check=False,
    )


def test_the_installed_program_checks_from_any_folder() -> None:
    done = run_program("check", PYTHONPATH="")
    assert done.returncode == 1
    assert "✗ Configuration  AZURE_AD_TENANT_ID is missing" in done.stdout
    assert done.stderr == ""


def test_colour_is_for_terminals_only() -> None:
    assert "\x1b[" not in run_program("check").stdout
    assert "\x1b[31m✗\x1b[0m" in run_program("check", FORCE_COLOR="1").stdout


def test_a_terminal_without_unicode_gets_plain_marks() -> None:
    done = run_program("check", PYTHONIOENCODING="ascii:strict")
    assert done.returncode == 1
    assert done.stdout.startswith("x Configuration  AZURE_AD_TENANT_ID")


def test_names_that_an_encoding_does_not_have_do_not_end_the_command(terminal: Terminal) -> None:
    """As Windows' pipes are: what cannot be shown is a question mark to people, and an escape to machines."""
    user = terminal.tenant.risky_at("high")[0]
    user.name = "Łukasz Dvořák"
    terminal.encoding = "cp1252"
    shown = terminal.run("plan", "--names")
    assert shown.status == 0, shown.text
    assert "?ukasz Dvo?ák" in shown.output
    assert terminal.run("plan", "--names", "--json").json["names"] == {
        each.id: each.name for level in RISK_LEVELS for each in terminal.tenant.risky_at(level)
    }


def test_the_shell_can_complete_commands() -> None:
    done = run_program(_RISKY_USERS_COMPLETE="complete_bash", COMP_WORDS="risky-users ", COMP_CWORD="1")
    assert {"check", "plan", "sync", "simulate"} <= {*done.stdout.split()}


def test_help_comes_without_being_asked_for() -> None:
    done = run_program(NO_COLOR="1")
    for word in ("check", "plan", "simulate", "sync", "--install-completion"):
        assert word in done.stdout + done.stderr
