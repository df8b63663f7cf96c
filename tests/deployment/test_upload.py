"""What `npx wrangler deploy` would upload, taken apart; from a clean checkout and from one that an older version was deployed from."""

import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from tests.deployment.wrangler import Upload, deploy

ROOT = Path(__file__).resolve().parents[2]
DEPLOYED = ("package.json", "pyproject.toml", "wrangler.toml", "runtime", "src")
LARGEST_UPLOAD = 150 * 1024
SDK = "workers-runtime-sdk==1.9.5"


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The project's files as a clone has them, among others that have no business in a Worker."""
    place = tmp_path_factory.mktemp("checkout")
    for name in DEPLOYED:
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, place / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(ROOT / name, place / name)
    for stray in ("tests/test_stray.py", "simulator/stray.py", ".venv/lib/stray.py"):
        (place / stray).parent.mkdir(parents=True)
        (place / stray).write_text("")
    (place / "node_modules").symlink_to(ROOT / "node_modules", target_is_directory=True)
    return place


@pytest.fixture(scope="module")
def clean(checkout: Path) -> Upload:
    return deploy(checkout, checkout.with_name("clean"))


@pytest.fixture(scope="module")
def stale(checkout: Path, clean: Upload) -> Upload:
    """After someone, or an older version, has left other things in python_modules."""
    (checkout / "python_modules" / "left_behind.py").write_text("")
    (checkout / "python_modules" / "workers" / "fetch.py").unlink()
    return deploy(checkout, checkout.with_name("stale"))


def test_the_upload_is_the_source_and_the_sdk_and_nothing_else(clean: Upload) -> None:
    source = {path.name: path.read_bytes() for path in (ROOT / "src").glob("*.py")}
    uploaded = {name: content for name, content in clean.files.items() if not name.startswith("python_modules/")}
    assert uploaded == source
    assert "entry.py" in uploaded
    vendored = {name.split("/")[1] for name in clean.files if name.startswith("python_modules/")}
    assert {name for name in vendored if not name.startswith("_workers_sdk_")} == {"workers"}


def test_every_module_the_sdk_imports_when_it_starts_is_there(clean: Upload) -> None:
    for name, content in clean.files.items():
        if name.startswith("python_modules/workers/") and name.endswith(".py"):
            for sibling in re.findall(r"^from \.(\w+) import", content.decode(), re.MULTILINE):
                assert f"python_modules/workers/{sibling}.py" in clean.files


def test_the_upload_is_small(clean: Upload) -> None:
    assert sum(len(content) for content in clean.files.values()) < LARGEST_UPLOAD


def test_stale_vendored_modules_are_replaced(clean: Upload, stale: Upload) -> None:
    assert stale.files == clean.files


def test_vendoring_twice_asks_the_package_index_once(checkout: Path, stale: Upload) -> None:
    nowhere = {"PIP_INDEX_URL": "http://127.0.0.1:9", "UV_INDEX_URL": "http://127.0.0.1:9"}
    command: list[str | Path] = [sys.executable, checkout / "runtime" / "vendor.py"]
    done = subprocess.run(command, env=nowhere, capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stdout) == (0, "")


def test_wrangler_sees_the_vars(clean: Upload) -> None:
    assert re.search(r'env\.AZURE_AD_TENANT_ID \("<TENANT-ID>"\)', clean.report)
    assert re.search(r'env\.AZURE_AD_CLIENT_ID \("<CLIENT-ID>"\)', clean.report)


def test_the_sdk_is_pinned_to_one_version() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    assert project["project"]["dependencies"] == [SDK]
