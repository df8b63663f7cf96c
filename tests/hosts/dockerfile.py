"""The Dockerfile, taken apart (https://docs.docker.com/reference/dockerfile/)."""

import json
import re

from tests.deployment.checkout import ROOT

DOCKERFILE = ROOT / "hosts" / "docker" / "Dockerfile"
CONTEXT = {
    line.removeprefix("!")
    for line in DOCKERFILE.with_name("Dockerfile.dockerignore").read_text("utf-8").splitlines()
    if line.startswith("!")
}
"""All that Docker is handed."""


def instructions(name: str) -> list[str]:
    """The arguments of every instruction of this name."""
    joined = re.sub(r"\\\n\s*", "", re.sub(r"^#.*\n", "", DOCKERFILE.read_text("utf-8"), flags=re.MULTILINE))
    return [line.partition(" ")[2] for line in joined.splitlines() if line.startswith(f"{name} ")]


def words(text: str) -> list[str]:
    """A command in JSON notation."""
    parsed: list[str] = json.loads(text)
    return parsed


def copied() -> list[str]:
    """What of the project is copied."""
    return [source for each in instructions("COPY") if not each.startswith("--from") for source in each.split()[:-1]]
