"""Workers that are booted once and used by many tests: a boot takes seconds, a tick milliseconds."""

from collections.abc import Iterator

import pytest

from runtime import Worker
from runtime.serving import serving
from tests.worker import probe
from tests.worker.echo import app


@pytest.fixture(scope="session")
def echo() -> Iterator[str]:
    """The address of a server that shows what arrives."""
    with serving(app) as address:
        yield address


@pytest.fixture(scope="session")
def probe_worker(echo: str) -> Iterator[Worker]:
    """The probe Worker, able to reach the echo server under any name."""
    with Worker(probe.SOURCE, probe.VARS, echo, packages=probe.PACKAGES) as worker:
        yield worker
