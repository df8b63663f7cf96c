"""`npm create cloudflare`, the real one, with npm 12, from a git repository on this machine: the project that it makes deploys."""

import json
import os
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner

from risky_users.app import app
from risky_users.connection import Connection
from risky_users.surroundings import Surroundings
from tests.deployment import registry
from tests.deployment.checkout import ROOT, fill_in
from tests.deployment.git import commit_all, git
from tests.deployment.wrangler import deploy
from tests.docs.test_check import Beside
from tests.ticks import contoso, variables

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="its way to clone from a server of one's own needs rm")

TOOLS = Path(__file__).with_name("node_modules") / ".bin"
ADDRESS = "https://github.com/acme/risky-users"
KEPT = {
    *(".gitattributes", ".github", ".gitignore", ".npmrc", "CHANGELOG.md", "LICENSE", "README.md", "deploy", "docs"),
    *("package-lock.json", "package.json", "pyproject.toml", "risky_users", "src", "wrangler.toml"),
}


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The project's files as they are now, in a repository of their own."""
    place = tmp_path_factory.mktemp("template")
    for name in git(ROOT, "ls-files", "--cached", "--others", "--exclude-standard").splitlines():
        if (ROOT / name).exists():
            (place / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, place / name)
    commit_all(place, "Template")
    return place


@pytest.fixture(scope="module")
def project(template: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """What it makes, in a home without any settings."""
    home = tmp_path_factory.mktemp("home")
    (home / ".gitconfig").write_text(f'[url "file://{template}"]\n  insteadOf = git@github.com:acme/risky-users\n')
    options = ["--template", ADDRESS, "--template-mode", "git", "--no-deploy", "--no-agents", "--no-git", "--no-auto-update"]
    with registry.serve() as address:
        environment = {
            "PATH": os.pathsep.join([str(TOOLS), str(ROOT / "node_modules" / ".bin"), os.environ["PATH"]]),
            "HOME": str(home),
            "CI": "true",
            "CREATE_CLOUDFLARE_TELEMETRY_DISABLED": "1",
            "npm_config_registry": address,
            "npm_config_update_notifier": "false",
        }
        made = subprocess.run(
            [TOOLS / "create-cloudflare", "my-risky-users", *options],
            cwd=home,
            env=environment,
            capture_output=True,
            text=True,
            timeout=110,
            check=False,
        )
    assert made.returncode == 0, made.stdout + made.stderr
    yield home / "my-risky-users"
    shutil.rmtree(home)  # half a gigabyte


def test_it_is_npm_12_that_installs() -> None:
    told = subprocess.run(
        [ROOT / "node_modules" / ".bin" / "node", TOOLS / "npm", "--version"], capture_output=True, text=True, timeout=60, check=True
    )
    assert told.stdout.startswith("12.")


def test_the_project_carries_what_an_administrator_needs_and_no_more(project: Path) -> None:
    assert {path.name for path in project.iterdir()} - {"node_modules"} == KEPT
    assert [path.name for path in (project / ".github" / "workflows").iterdir()] == ["deploy.yml"]


def test_what_it_changes_is_what_the_documents_say(project: Path) -> None:
    made = tomllib.loads((project / "wrangler.toml").read_text("utf-8"))
    ours = tomllib.loads((ROOT / "wrangler.toml").read_text("utf-8"))
    assert made == ours | {"name": "my-risky-users", "upload_source_maps": True}
    assert "Its secret does not belong in a file" not in (project / "wrangler.toml").read_text("utf-8")
    manifest, original = (json.loads((place / "package.json").read_text("utf-8")) for place in (project, ROOT))
    pinned = original["devDependencies"].pop("wrangler")
    assert manifest["devDependencies"].pop("wrangler") == f"^{pinned}"
    assert f"--save-exact wrangler@{pinned}`" in (ROOT / "docs" / "setup.md").read_text("utf-8")
    assert manifest == original


def test_the_bundled_node_is_there_although_npm_12_runs_no_install_script(project: Path) -> None:
    told = subprocess.run([project / "node_modules" / ".bin" / "node", "--version"], capture_output=True, text=True, timeout=60, check=True)
    assert told.stdout.startswith("v26.")


def test_the_project_deploys(project: Path, tmp_path: Path) -> None:
    shutil.copy(project / "wrangler.toml", tmp_path / "as made")
    fill_in(project / "wrangler.toml")
    upload = deploy(project, tmp_path / "out")
    shutil.copy(tmp_path / "as made", project / "wrangler.toml")
    sources = {path.name: path.read_bytes() for path in (ROOT / "src").glob("*.py")}
    assert {name: content for name, content in upload.files.items() if not name.startswith("python_modules/")} == sources
    assert "python_modules/workers/__init__.py" in upload.files


def test_the_check_reads_the_projects_configuration(project: Path, tmp_path: Path) -> None:
    ticks = contoso()
    ticks.tick()
    given = variables(ticks.tenant)
    text = (project / "wrangler.toml").read_text("utf-8")
    text = text.replace("<TENANT-ID>", given["AZURE_AD_TENANT_ID"]).replace("<CLIENT-ID>", given["AZURE_AD_CLIENT_ID"])
    (tmp_path / "wrangler.toml").write_text(text, "utf-8")
    around = Surroundings(Connection(Beside(ticks.tenant), ticks.clock), {"AZURE_AD_CLIENT_SECRET": given["AZURE_AD_CLIENT_SECRET"]})
    checked = CliRunner().invoke(app, ["check", "--config", str(tmp_path / "wrangler.toml")], obj=around)
    assert checked.exit_code == 0, checked.output


def test_the_repositorys_address_is_a_placeholder_in_one_place(template: Path) -> None:
    texts = [
        path.read_text("utf-8")
        for path in template.rglob("*")
        if path.is_file() and path.suffix in (".md", ".json", ".toml", ".yml", ".mjs", ".py")
    ]
    assert sum(text.count("<" + "OWNER>") for text in texts) == 1
    [command] = [line for line in (template / "README.md").read_text("utf-8").splitlines() if "<" + "OWNER>" in line]
    assert command.startswith("npm create cloudflare@latest risky-users -- --template https://github.com/<")
