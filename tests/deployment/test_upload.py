"""What `npx wrangler deploy` would upload, taken apart; or what it says instead, before anything is uploaded."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.deployment.checkout import IDS, ROOT, check_out
from tests.deployment.wrangler import QUIET, Upload, bare_path, deploy, try_to_deploy

LARGEST_UPLOAD = 320 * 1024  # the free plan takes ten times as much


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The project's files as a clone has them, among others that have no business in a Worker."""
    place = check_out(tmp_path_factory.mktemp("clone") / "checkout")
    for stray in ("tests/test_stray.py", "simulator/stray.py", ".venv/lib/stray.py"):
        (place / stray).parent.mkdir(parents=True)
        (place / stray).write_text("")
    return place


@pytest.fixture(scope="module")
def clean(checkout: Path) -> Upload:
    return deploy(checkout, checkout.with_name("clean"))


def test_the_upload_is_the_source_and_the_sdk_and_nothing_else(clean: Upload) -> None:
    source = {path.name: path.read_bytes() for path in (ROOT / "src").glob("*.py")}
    uploaded = {name: content for name, content in clean.files.items() if not name.startswith("python_modules/")}
    assert uploaded == source
    assert "entry.py" in uploaded
    listed = (ROOT / "deploy" / "python_modules.sha256").read_text("utf-8").split()[1::2]
    assert sorted(clean.files.keys() - source.keys()) == sorted(f"python_modules/{name}" for name in listed)


def test_every_module_the_sdk_imports_when_it_starts_is_there(clean: Upload) -> None:
    for name, content in clean.files.items():
        if name.startswith("python_modules/workers/") and name.endswith(".py"):
            for sibling in re.findall(r"^from \.(\w+) import", content.decode(), re.MULTILINE):
                assert f"python_modules/workers/{sibling}.py" in clean.files


def test_the_upload_is_small(clean: Upload) -> None:
    assert sum(len(content) for content in clean.files.values()) < LARGEST_UPLOAD


def test_wrangler_sees_the_vars(clean: Upload) -> None:
    tenant, client = IDS.values()
    assert f'env.AZURE_AD_TENANT_ID ("{tenant}")' in clean.report
    assert f'env.AZURE_AD_CLIENT_ID ("{client}")' in clean.report


def test_the_ids_may_be_secrets_and_lie_in_no_tracked_file(checkout: Path, clean: Upload, tmp_path: Path) -> None:
    """As docs/operations.md has it: the two lines deleted, all three values in .dev.vars."""
    place = tmp_path / "checkout"
    shutil.copytree(checkout, place, symlinks=True)
    lines = (place / "wrangler.toml").read_text().splitlines()
    (place / "wrangler.toml").write_text("\n".join(line for line in lines if not line.startswith("AZURE_AD_")))
    (place / ".dev.vars").write_text('AZURE_AD_TENANT_ID="a"\nAZURE_AD_CLIENT_ID="b"\nAZURE_AD_CLIENT_SECRET="c"\n')
    upload = deploy(place, tmp_path / "out", "--secrets-file", ".dev.vars")
    assert upload.files == clean.files
    for name in ("TENANT_ID", "CLIENT_ID", "CLIENT_SECRET"):
        assert f'env.AZURE_AD_{name} ("(hidden)")' in upload.report


def test_it_takes_neither_make_nor_bash_nor_a_program_called_python3(clean: Upload, checkout: Path) -> None:
    path = bare_path(checkout.with_name("checkout-path"))
    assert clean.files
    assert all(shutil.which(program, path=path) for program in ("node", "npm", "npx", "python3.27"))
    assert not any(shutil.which(program, path=path) for program in ("make", "bash", "python3", "python", "uv", "py"))


def test_our_sentence_comes_first_and_nothing_is_uploaded(checkout: Path, tmp_path: Path) -> None:
    """What wrangler adds to a failed build step, a hundred lines of its own, comes after it."""
    place, out = tmp_path / "checkout", tmp_path / "out"
    shutil.copytree(checkout, place, symlinks=True)
    shutil.copy(ROOT / "wrangler.toml", place)
    done = try_to_deploy(place, out, {"PATH": bare_path(tmp_path / "path")})
    told = done.stdout[done.stdout.index("[custom build]") :].splitlines()
    assert done.returncode == 1
    assert told[0] == "[custom build] Running: node deploy/build.mjs"
    assert told[1].startswith("[custom build] wrangler.toml still holds placeholders (AZURE_AD_TENANT_ID is <TENANT-ID>, ")
    assert not out.exists()


@pytest.mark.skipif(sys.platform == "win32", reason="PATH there has all that the machine has")
def test_without_python_nothing_is_uploaded_either(checkout: Path, tmp_path: Path) -> None:
    place, out = tmp_path / "checkout", tmp_path / "out"
    shutil.copytree(checkout, place, symlinks=True, ignore=shutil.ignore_patterns("python_modules"))
    done = try_to_deploy(place, out, {"PATH": bare_path(tmp_path / "path", python="snake")})
    told = [line for line in done.stdout.splitlines() if re.match(r"\[custom build\] .", line)]
    assert done.returncode == 1
    assert "Fetching workers-runtime-sdk" in told[1]
    assert "Python 3.11 or newer, or uv, is needed to fetch" in told[2]
    assert not out.exists()


def test_npm_run_deploy_ends_in_our_sentence(checkout: Path, tmp_path: Path) -> None:
    place = tmp_path / "checkout"
    shutil.copytree(checkout, place, symlinks=True)
    shutil.copy(ROOT / "wrangler.toml", place)
    path = bare_path(tmp_path / "path")
    npm = shutil.which("npm", path=path)
    assert npm
    done = subprocess.run(
        [npm, "run", "deploy"],
        cwd=place,
        env={**os.environ, **QUIET, "PATH": path},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1].startswith("wrangler.toml still holds placeholders")
    assert "    at " not in done.stdout + done.stderr
