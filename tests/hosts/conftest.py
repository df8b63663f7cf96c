"""The hosts as they are built: from what Docker takes along, and with what Azure installs."""

import shutil
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.deployment.checkout import ROOT
from tests.deployment.wheel import SCRIPTS, build, install
from tests.hosts.dockerfile import CONTEXT, copied

FUNCTIONS = ROOT / "hosts" / "azure_functions"


@dataclass(frozen=True)
class Hosted:
    """An Azure Functions app ready to be published, and an environment with what its requirements name."""

    app: Path
    environment: Path

    def program(self, name: str) -> Path:
        return self.environment / SCRIPTS / name


@pytest.fixture(scope="session")
def hosted(tmp_path_factory: pytest.TempPathFactory) -> Hosted:
    """Its wheel is made of what the Dockerfile copies, and of nothing else."""
    place = tmp_path_factory.mktemp("hosts")
    for name in copied():
        assert name in CONTEXT
        (shutil.copytree if (ROOT / name).is_dir() else shutil.copy)(ROOT / name, _made(place / "project") / name)
    shutil.copytree(FUNCTIONS, place / "app", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(build("wheel", place / "project", place / "wheel"), place / "app")
    return Hosted(place / "app", install(place / "environment", "-r", "requirements.txt", folder=place / "app"))


def _made(folder: Path) -> Path:
    folder.mkdir(exist_ok=True)
    return folder
