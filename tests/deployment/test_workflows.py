"""The GitHub workflows: well-formed, without the usual holes, with actions pinned by digest; and what a release is made of."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
PROGRAMS = Path(sys.executable).parent


def run(*command: str | Path, cwd: Path = ROOT) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(command, cwd=cwd, capture_output=True, text=True, timeout=60, check=False)


def test_every_workflow_follows_githubs_schema() -> None:
    done = run(PROGRAMS / "check-jsonschema", "--builtin-schema", "vendor.github-workflows", *WORKFLOWS)
    assert done.returncode == 0, done.stdout


def test_no_workflow_has_a_known_hole(tmp_path: Path) -> None:
    """Actions by tag, credentials left in the checkout, rights nobody needs, expressions in scripts."""
    audit = (PROGRAMS / "zizmor", "--offline", "--no-config", "--no-progress", "--persona=pedantic", "--min-severity=low")
    done = run(*audit, *WORKFLOWS)
    assert done.returncode == 0, done.stdout
    worse = tmp_path / ".github" / "workflows" / "ci.yml"
    worse.parent.mkdir(parents=True)
    worse.write_text(
        re.sub(r"@[0-9a-f]{40} # (v\d+)\S*", r"@\1", WORKFLOWS[0].read_text("utf-8")).replace(
            "persist-credentials: false", "fetch-depth: 1"
        )
    )
    complaint = run(*audit, worse)
    assert complaint.returncode != 0
    assert "unpinned-uses" in complaint.stdout
    assert "artipacked" in complaint.stdout


@pytest.mark.parametrize("workflow", WORKFLOWS, ids=lambda workflow: workflow.name)
def test_actions_are_pinned_by_digest_and_say_their_version(workflow: Path) -> None:
    used = re.findall(r"uses: (.*)", workflow.read_text("utf-8"))
    assert used
    for action in used:
        assert re.fullmatch(r"actions/[\w-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+", action)


def test_a_deployment_is_what_the_documents_say() -> None:
    deploy = yaml.safe_load((ROOT / ".github" / "workflows" / "deploy.yml").read_text("utf-8"))
    assert deploy[True] == {"workflow_dispatch": None, "push": {"tags": ["v*"]}}  # YAML reads `on` as true
    job = deploy["jobs"]["deploy"]
    assert [step["run"] for step in job["steps"] if "run" in step] == ["npm ci", "npx wrangler deploy"]
    assert job["if"] == "vars.CLOUDFLARE_ACCOUNT_ID != ''"
    assert set(job["steps"][-1]["env"]) == {"CLOUDFLARE_ACCOUNT_ID", "CLOUDFLARE_API_TOKEN"}
    operations = (ROOT / "docs" / "operations.md").read_text("utf-8")
    for name in ("CLOUDFLARE_ACCOUNT_ID", "CLOUDFLARE_API_TOKEN", "production"):
        assert f"`{name}`" in operations


# --- a release ---


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project whose next version is ready to be released."""
    (tmp_path / ".ci").mkdir()
    shutil.copy(ROOT / ".ci" / "release.py", tmp_path / ".ci")
    (tmp_path / "pyproject.toml").write_text('[project]\nversion = "1.2.0"\n')
    (tmp_path / "package.json").write_text('{"version": "1.2.0"}')
    (tmp_path / "CHANGELOG.md").write_text(
        "# Changelog\n\n## [1.2.0] - 2027-01-02\n\n### Added\n\n- More.\n\n## [1.1.0] - 2026-12-01\n\n- Less.\n"
    )
    return tmp_path


def test_a_release_has_its_section_of_the_changelog_as_notes(project: Path) -> None:
    done = run(sys.executable, ".ci/release.py", "notes.md", cwd=project)
    assert (done.returncode, done.stdout) == (0, "1.2.0\n")
    assert (project / "notes.md").read_text("utf-8") == "### Added\n\n- More.\n"


@pytest.mark.parametrize(
    ("file", "before", "after", "sentence"),
    [
        ("package.json", "1.2.0", "1.1.0", "pyproject.toml has the version 1.2.0, package.json 1.1.0: give both the same."),
        (
            "CHANGELOG.md",
            "2027-01-02",
            "Unreleased",
            "CHANGELOG.md has no heading `## [1.2.0] - <date>`: give the version the date of its release.",
        ),
        (
            "CHANGELOG.md",
            "[1.2.0]",
            "[1.2.1]",
            "CHANGELOG.md has no heading `## [1.2.0] - <date>`: give the version the date of its release.",
        ),
    ],
)
def test_what_is_not_ready_is_not_released(project: Path, file: str, before: str, after: str, sentence: str) -> None:
    (project / file).write_text((project / file).read_text("utf-8").replace(before, after))
    done = run(sys.executable, ".ci/release.py", "notes.md", cwd=project)
    assert (done.returncode, done.stderr) == (1, f"{sentence}\n")
    assert not (project / "notes.md").exists()


def test_the_versions_of_this_project_agree() -> None:
    complaint = run(sys.executable, ".ci/release.py", "/dev/null").stderr
    assert "give both the same" not in complaint
