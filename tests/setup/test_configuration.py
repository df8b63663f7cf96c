"""wrangler's file is changed in what is asked for and in nothing else, comments and line ends included."""

from pathlib import Path

import pytest

from risky_users.admin.errors import AdminError
from risky_users.setup.configuration import WranglerFile
from tests.deployment.checkout import ROOT

JSONC = """// ours
{
  "name": "risky-users", // "vars": { "A": "x" }
  "triggers": { "crons": ["* * * * *"] },
  "vars": {
    /* the tenant */ "AZURE_AD_TENANT_ID": "<TENANT-ID>", // here
    "LOG_LEVEL": "info",
  },
}
"""


def file(folder: Path, name: str, content: str) -> WranglerFile:
    (folder / name).write_bytes(content.encode())
    return WranglerFile.find(folder)


def test_the_projects_own_file_is_filled_in_and_keeps_every_other_line(tmp_path: Path) -> None:
    before = (ROOT / "wrangler.toml").read_text("utf-8")
    wrangler = file(tmp_path, "wrangler.toml", before)
    wrangler.write({"AZURE_AD_TENANT_ID": "t", "AZURE_AD_CLIENT_ID": "c", "CREDENTIAL_EXPIRES": "2027-11-25"})
    assert wrangler.name == "risky-users"
    assert wrangler.variables == {"AZURE_AD_TENANT_ID": "t", "AZURE_AD_CLIENT_ID": "c", "CREDENTIAL_EXPIRES": "2027-11-25"}
    lines = wrangler.path.read_text("utf-8").splitlines()
    written = ("AZURE_AD", "CREDENTIAL")
    assert [line for line in lines if not line.startswith(written)] == [
        line for line in before.splitlines() if not line.startswith(written)
    ]


def test_writing_back_what_was_there_leaves_not_a_byte_changed(tmp_path: Path) -> None:
    before = (ROOT / "wrangler.toml").read_text("utf-8")
    wrangler = file(tmp_path, "wrangler.toml", before)
    wrangler.write({"AZURE_AD_TENANT_ID": "t", "EXTRA": "x"})
    wrangler.write({"AZURE_AD_TENANT_ID": "<TENANT-ID>", "EXTRA": ""})
    assert wrangler.path.read_text("utf-8") == before


@pytest.mark.parametrize("name", ["wrangler.jsonc", "wrangler.json"])
def test_json_keeps_its_comments(tmp_path: Path, name: str) -> None:
    wrangler = file(tmp_path, name, JSONC)
    wrangler.write({"AZURE_AD_TENANT_ID": 't"1', "AZURE_AD_CLIENT_ID": "c"})
    assert wrangler.variables == {"AZURE_AD_TENANT_ID": 't"1', "LOG_LEVEL": "info", "AZURE_AD_CLIENT_ID": "c"}
    text = wrangler.path.read_text("utf-8")
    assert all(comment in text for comment in ("// ours", '// "vars": { "A": "x" }', "/* the tenant */", "// here"))
    wrangler.write({"AZURE_AD_CLIENT_ID": "", "LOG_LEVEL": ""})
    assert wrangler.variables == {"AZURE_AD_TENANT_ID": 't"1'}


@pytest.mark.parametrize("content", ['{"name": "x"}', '{\n  "name": "x",\n  "vars": {}\n}', "{name: 'x', vars: {DRY_RUN: true}}"])
def test_json_gets_its_vars_where_there_are_none(tmp_path: Path, content: str) -> None:
    wrangler = file(tmp_path, "wrangler.jsonc", content)
    wrangler.write({"A": "1", "B": "2"})
    assert {name: wrangler.variables[name] for name in ("A", "B")} == {"A": "1", "B": "2"}
    assert wrangler.name == "x"


@pytest.mark.parametrize("vars_", ["null", "null // none yet", "/* none */ null"])
def test_json_whose_vars_are_null_gets_some(tmp_path: Path, vars_: str) -> None:
    wrangler = file(tmp_path, "wrangler.jsonc", f'{{\n  "vars": {vars_}\n, "name": "x"}}')
    wrangler.write({"A": "1", "B": "2"})
    assert wrangler.variables == {"A": "1", "B": "2"}
    assert wrangler.name == "x"


@pytest.mark.parametrize("vars_", ["[1]", '"A=1"', "5", "true"])
@pytest.mark.parametrize("name", ["wrangler.jsonc", "wrangler.toml"])
def test_vars_that_are_no_table_are_said_and_not_touched(tmp_path: Path, name: str, vars_: str) -> None:
    before = f'name = "x"\nvars = {vars_}\n' if name.endswith("toml") else f'{{"name": "x", "vars": {vars_}}}'
    wrangler = file(tmp_path, name, before)
    for attempt in (lambda: wrangler.variables, lambda: wrangler.write({"A": "1"})):
        with pytest.raises(AdminError, match="is no table"):
            attempt()
    assert wrangler.path.read_text("utf-8") == before


@pytest.mark.parametrize("between", [" /* ours */, ", " // ours\n, "])
def test_a_file_that_cannot_be_changed_so_that_it_says_what_is_wanted_stays_as_it_is(tmp_path: Path, between: str) -> None:
    before = f'{{"name": "x", "vars": {{"A": "1"{between}"B": "2"}}}}'
    wrangler = file(tmp_path, "wrangler.jsonc", before)
    with pytest.raises(AdminError, match='let its vars have no A, C = "3"'):
        wrangler.write({"A": "", "C": "3"})
    assert wrangler.path.read_text("utf-8") == before


def test_toml_gets_its_vars_where_there_are_none(tmp_path: Path) -> None:
    wrangler = file(tmp_path, "wrangler.toml", 'name = "x"\r\n# a comment\r\n')
    wrangler.write({"A": "1"})
    assert wrangler.variables == {"A": "1"}
    assert wrangler.path.read_bytes().startswith(b'name = "x"\r\n# a comment\r\n')


def test_values_that_are_no_text_are_read_as_wrangler_passes_them_on(tmp_path: Path) -> None:
    assert file(tmp_path, "wrangler.toml", 'name = "x"\n[vars]\nDRY_RUN = true\nMAX_REMOVALS = 5\nA = 1.0\nB = 2026-01-01\n').variables == {
        "DRY_RUN": "true",
        "MAX_REMOVALS": "5",
        "A": "1",
        "B": "2026-01-01",
    }


@pytest.mark.parametrize(
    ("name", "content"), [("wrangler.toml", "name = "), ("wrangler.jsonc", "{"), ("wrangler.json", "[]"), ("wrangler.toml", "x = 1")]
)
def test_what_cannot_be_read_is_said_and_not_touched(tmp_path: Path, name: str, content: str) -> None:
    with pytest.raises(AdminError, match=name.replace(".", r"\.")):
        file(tmp_path, name, content)
    assert (tmp_path / name).read_text() == content


def test_a_folder_without_one_is_said(tmp_path: Path) -> None:
    with pytest.raises(AdminError, match="run this in the project's folder"):
        WranglerFile.find(tmp_path)
