"""Prints the version to be released and writes its section of the changelog, as the release's notes, to the file that is named.

Ends with a sentence where pyproject.toml and package.json do not agree, or the changelog does not say when that version is released.
"""

import json
import re
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def release(root: Path) -> tuple[str, str]:
    """The version, and its notes in Markdown. Raises ValueError where the project is not ready."""
    version: str = tomllib.loads((root / "pyproject.toml").read_text("utf-8"))["project"]["version"]
    npms: str = json.loads((root / "package.json").read_text("utf-8"))["version"]
    if npms != version:
        raise ValueError(f"pyproject.toml has the version {version}, package.json {npms}: give both the same.")
    sections = re.split(r"^## ", (root / "CHANGELOG.md").read_text("utf-8"), flags=re.MULTILINE)[1:]
    section = next((section for section in sections if section.startswith(f"[{version}]")), "")
    heading, _, notes = section.partition("\n")
    if not re.fullmatch(rf"\[{re.escape(version)}\] - \d{{4}}-\d\d-\d\d", heading.strip()):
        raise ValueError(f"CHANGELOG.md has no heading `## [{version}] - <date>`: give the version the date of its release.")
    return version, notes.strip() + "\n"


if __name__ == "__main__":
    try:
        version, notes = release(ROOT)
    except ValueError as error:
        sys.exit(str(error))
    Path(sys.argv[1]).write_text(notes, "utf-8")
    print(version)
