"""An administrator pulls a new version: the two ids stay, and what has changed upstream arrives, without a conflict."""

import tomllib
from pathlib import Path

import pytest

from tests.deployment.checkout import IDS, ROOT, fill_in
from tests.deployment.git import commit_all, git


@pytest.fixture
def upstream(tmp_path: Path) -> Path:
    """The repository, as far as it matters here."""
    place = tmp_path / "upstream"
    place.mkdir()
    (place / "wrangler.toml").write_text((ROOT / "wrangler.toml").read_text("utf-8"), "utf-8")
    commit_all(place, "1.0.0")
    return place


@pytest.fixture
def clone(upstream: Path) -> Path:
    place = upstream.with_name("clone")
    git(upstream.parent, "clone", "--quiet", str(upstream), str(place))
    return place


def release(upstream: Path) -> dict[str, object]:
    """A new version that changes the configuration above, below and beside the ids; what it is then."""
    file = upstream / "wrangler.toml"
    text = file.read_text("utf-8")
    for old, new in {
        'compatibility_date = "2026-11-01"': 'compatibility_date = "2027-03-01"',
        "[vars]\n": "[limits]\ncpu_ms = 30000\n\n[vars]\n# All of them are strings.\n",
        "\n[observability]": 'NEW_VARIABLE = "new"\n\n[observability]',
        "node deploy/build.mjs": "node deploy/newer.mjs",
    }.items():
        assert text.count(old) == 1, old
        text = text.replace(old, new)
    file.write_text(text, "utf-8")
    commit_all(upstream, "1.1.0")
    return tomllib.loads(text)


def test_ids_that_were_only_written_into_the_file_stay(upstream: Path, clone: Path) -> None:
    fill_in(clone / "wrangler.toml")
    expected = release(upstream)
    git(clone, "pull", "--quiet", "--autostash")
    assert configuration(clone) == with_ids(expected)


def test_ids_that_were_committed_stay(upstream: Path, clone: Path) -> None:
    fill_in(clone / "wrangler.toml")
    commit_all(clone, "Our ids")
    expected = release(upstream)
    git(clone, "pull", "--quiet", "--no-rebase")
    assert configuration(clone) == with_ids(expected)


def test_ids_that_are_secrets_do_not_come_back_as_placeholders(upstream: Path, clone: Path) -> None:
    lines = (clone / "wrangler.toml").read_text("utf-8").splitlines(keepends=True)
    (clone / "wrangler.toml").write_text("".join(line for line in lines if not line.startswith("AZURE_AD_")), "utf-8")
    commit_all(clone, "Our ids are secrets")
    expected = release(upstream)
    git(clone, "pull", "--quiet", "--no-rebase")
    assert configuration(clone) == expected | {"vars": {"NEW_VARIABLE": "new"}}


def configuration(place: Path) -> dict[str, object]:
    assert git(place, "diff", "--name-only", "--diff-filter=U") == ""
    return tomllib.loads((place / "wrangler.toml").read_text("utf-8"))


def with_ids(expected: dict[str, object]) -> dict[str, object]:
    tenant, client = IDS.values()
    variables = expected["vars"]
    assert isinstance(variables, dict)
    return expected | {"vars": variables | {"AZURE_AD_TENANT_ID": tenant, "AZURE_AD_CLIENT_ID": client}}
