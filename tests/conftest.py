"""For every test: sockets stay on this machine, and what a simulated tenant is asked and answers is as Graph has it."""

from collections.abc import Iterator
from pathlib import Path

import hypothesis
import pytest
from pytest_socket import disable_socket, enable_socket, socket_allow_hosts

from tests.conforming import conforming

hypothesis.settings.register_profile("anywhere", deadline=None)  # how long an example takes depends on what else the machine does
hypothesis.settings.load_profile("anywhere")

HERE = Path(__file__).parent
WITHOUT_SOCKETS = (HERE / "unit", HERE / "simulator", HERE / "chaos")


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "any_request: sends what no client should, so its requests need not conform; the answers must")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The longest modules come first, lest every core but one wait for them in the end."""
    items.sort(key=lambda item: not item.path.is_relative_to(HERE / "worker"))


def pytest_runtest_setup(item: pytest.Item) -> None:
    if any(item.path.is_relative_to(folder) for folder in WITHOUT_SOCKETS):
        disable_socket(allow_unix_socket=True)
    else:
        socket_allow_hosts(["127.0.0.1", "::1", "localhost"], allow_unix_socket=True)


def pytest_runtest_teardown() -> None:
    enable_socket()


@pytest.fixture(autouse=True)
def _conforming(request: pytest.FixtureRequest) -> Iterator[None]:
    with conforming(requests=request.node.get_closest_marker("any_request") is None):
        yield
