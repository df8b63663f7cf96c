"""Commands run where no configuration lies about but what a test puts there."""

from pathlib import Path

import pytest

from tests.cli.terminal import Terminal


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current folder, empty."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def terminal() -> Terminal:
    """A terminal beside a tenant with twelve risky users, and no groups yet."""
    return Terminal()
