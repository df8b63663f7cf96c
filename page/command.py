"""The command with which this program was started, as it is typed."""

import os
import shlex
import shutil
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path


def as_typed(arguments: Sequence[str] = sys.argv, environment: Mapping[str, str] = os.environ) -> str:
    """That of these arguments, the program's path first, in this environment."""
    program, *options = arguments
    name = Path(program).stem  # on Windows it is an .exe
    if "UV" in environment:  # as `uv run` sets it (https://docs.astral.sh/uv/reference/environment/#uv)
        return shlex.join(["uv", "run", name, *options])
    found = shutil.which(name, path=environment.get("PATH"))
    on_path = found is not None and Path(found).resolve() == Path(program).resolve()
    path, here = Path(program).resolve(), Path.cwd()
    return shlex.join([name if on_path else str(path.relative_to(here) if path.is_relative_to(here) else path), *options])
