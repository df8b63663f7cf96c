"""Sockets stay on this machine: every test may reach the loopback, those that need no server may reach nothing."""

from pathlib import Path

import pytest
from pytest_socket import disable_socket, enable_socket, socket_allow_hosts

HERE = Path(__file__).parent
WITHOUT_SOCKETS = (HERE / "unit", HERE / "simulator")


def pytest_runtest_setup(item: pytest.Item) -> None:
    if any(item.path.is_relative_to(folder) for folder in WITHOUT_SOCKETS):
        disable_socket(allow_unix_socket=True)
    else:
        socket_allow_hosts(["127.0.0.1", "::1", "localhost"], allow_unix_socket=True)


def pytest_runtest_teardown() -> None:
    enable_socket()
