"""git, as an administrator has it: with a name, and without settings of this machine's."""

import os
import subprocess
from pathlib import Path

IDENTITY = {
    "GIT_CONFIG_GLOBAL": os.devnull,
    **{f"GIT_{who}_{what}": "a@example.com" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")},
}


def git(place: Path, *arguments: str | Path) -> str:
    """Run it in a folder; what it prints."""
    command = ["git", "-c", "protocol.file.allow=always", "-c", "safe.directory=*", *arguments]
    done = subprocess.run(command, cwd=place, env=os.environ | IDENTITY, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def commit_all(place: Path, message: str) -> None:
    """Everything in the folder, new files too; the first time, in a new repository."""
    if not (place / ".git").exists():
        git(place, "init", "--quiet")
    git(place, "add", ".")
    git(place, "commit", "--quiet", "--message", message)
