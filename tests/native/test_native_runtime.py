"""The probe on workerd's own Python, built by wrangler as a deployment is, held to the same output as the offline runtime."""

import os
import re
import shutil
import tomllib
from collections.abc import Iterator
from importlib.util import find_spec

import pytest

from runtime import Worker
from runtime.serving import serving
from tests.deployment.wrangler import ROOT, deploy
from tests.worker import probe
from tests.worker.echo import app

CONFIGURATION = tomllib.loads((ROOT / "wrangler.toml").read_text("utf-8"))


def compatibility_flags() -> list[str]:
    """Those of wrangler.toml, unless NATIVE_COMPATIBILITY_FLAGS names others, separated by commas."""
    named = os.environ.get("NATIVE_COMPATIBILITY_FLAGS")
    flags: list[str] = named.split(",") if named else CONFIGURATION["compatibility_flags"]
    return flags


@pytest.fixture(scope="module")
def native_probe(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Worker]:
    checkout = tmp_path_factory.mktemp("native")
    for name in ("package.json", "pyproject.toml", "wrangler.toml"):
        shutil.copy(ROOT / name, checkout / name)
    shutil.copytree(ROOT / "runtime", checkout / "runtime")
    (checkout / "src").mkdir()
    shutil.copy(probe.SOURCE / "entry.py", checkout / "src" / "entry.py")
    (checkout / "node_modules").symlink_to(ROOT / "node_modules", target_is_directory=True)
    upload = checkout.with_name("upload")
    deploy(checkout, upload)
    (upload / "README.md").unlink()
    found = find_spec("pyodide_http")
    assert found is not None
    assert found.submodule_search_locations
    shutil.copytree(found.submodule_search_locations[0], upload / "python_modules" / "pyodide_http")
    with serving(app) as echo:
        native = Worker(vars=probe.VARS, outbound=echo, upload=upload, compatibility_flags=compatibility_flags())
        try:
            native.__enter__()
        except RuntimeError as error:
            if re.search(
                r"pyodide.*(download|fetch|lookup|DNS|connect)|(download|fetch|lookup|DNS|connect).*pyodide", str(error), re.I | re.S
            ):
                pytest.skip(f"workerd could not download Cloudflare's Pyodide bundle: {str(error).splitlines()[-1]}")
            raise
        try:
            yield native
        finally:
            native.__exit__()


def test_the_native_runtime_prints_what_every_runtime_is_held_to(native_probe: Worker) -> None:
    tick = native_probe.tick(scheduled_time=probe.SCHEDULED_TIME)
    expected = [[level, _bare(text)] for level, text in probe.EXPECTED["console"]]
    assert [[line.level, _bare(line.text)] for line in tick.console] == expected
    assert (tick.outcome, tick.no_retry) == (probe.EXPECTED["outcome"], probe.EXPECTED["no_retry"])


def _bare(text: str) -> str:
    """Without the quotes and blanks in which the two differ when they print an object."""
    return re.sub(r"[\s'\"]", "", text)
