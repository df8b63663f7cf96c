"""On workerd's own Python, as wrangler would deploy it: the probe, held to the same output as the offline runtime, and the demo's story."""

import os
import re
import shutil
import tomllib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path

import pytest

from demo.__main__ import main
from runtime import Worker
from runtime.serving import serving
from tests.deployment.checkout import ROOT, check_out
from tests.deployment.wrangler import deploy
from tests.worker import probe
from tests.worker.echo import app

CONFIGURATION = tomllib.loads((ROOT / "wrangler.toml").read_text("utf-8"))
NO_BUNDLE = re.compile(r"pyodide.*(download|fetch|lookup|DNS|connect|failed)|(download|fetch|lookup|DNS|connect).*pyodide", re.I | re.S)


def compatibility_flags() -> list[str]:
    """Those of wrangler.toml, unless NATIVE_COMPATIBILITY_FLAGS names others, separated by commas."""
    named = os.environ.get("NATIVE_COMPATIBILITY_FLAGS")
    flags: list[str] = named.split(",") if named else CONFIGURATION["compatibility_flags"]
    return flags


def built(source: Path, place: Path) -> Path:
    """What wrangler uploads for a Worker of this source."""
    upload = place / "upload"
    deploy(check_out(place / "checkout", source), upload)
    (upload / "README.md").unlink()
    return upload


@contextmanager
def native(upload: Path, variables: Mapping[str, str], outbound: str) -> Iterator[Worker]:
    """The uploaded Worker, running; skips the test where Cloudflare's Pyodide bundle is out of reach."""
    worker = Worker(vars=variables, outbound=outbound, upload=upload, compatibility_flags=compatibility_flags())
    try:
        worker.__enter__()
    except RuntimeError as error:
        if NO_BUNDLE.search(str(error)):
            pytest.skip(f"workerd could not download Cloudflare's Pyodide bundle: {str(error).splitlines()[-1]}")
        raise
    try:
        yield worker
    finally:
        worker.__exit__()


def test_the_native_runtime_prints_what_every_runtime_is_held_to(tmp_path: Path) -> None:
    upload = built(probe.SOURCE, tmp_path)
    found = find_spec("pyodide_http")
    assert found is not None
    assert found.submodule_search_locations
    shutil.copytree(found.submodule_search_locations[0], upload / "python_modules" / "pyodide_http")
    with serving(app) as echo, native(upload, probe.VARS, echo) as worker:
        tick = worker.tick(scheduled_time=probe.SCHEDULED_TIME)
    expected = [[level, _bare(text)] for level, text in probe.EXPECTED["console"]]
    assert [[line.level, _bare(line.text)] for line in tick.console] == expected
    assert (tick.outcome, tick.no_retry) == (probe.EXPECTED["outcome"], probe.EXPECTED["no_retry"])


def test_the_deployed_worker_tells_the_story_of_the_demo(tmp_path: Path) -> None:
    upload = built(ROOT / "src", tmp_path)
    assert main(lambda variables, address: native(upload, variables, address)) == 0


def _bare(text: str) -> str:
    """Without the quotes and blanks in which the two differ when they print an object."""
    return re.sub(r"[\s'\"]", "", text)
