"""What every command has: options of its own kind, what lies around it, and errors told in a sentence."""

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, NoReturn

import typer

from errors import AuthError, ConfigError
from risky_users.admin.errors import AdminError
from risky_users.admin.machine import Machine
from risky_users.connection import Connection

Configuration = Annotated[
    Path | None,
    typer.Option(
        "--config",
        "-c",
        help="Instead of wrangler's configuration in this folder; .dev.vars is looked for beside it.",
        exists=True,
        dir_okay=False,
    ),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object instead of text.")]
Debug = Annotated[bool, typer.Option("--debug", help="Show errors with their tracebacks.")]


@dataclass
class Surroundings:
    """What lies around the program: the way to Microsoft, the environment's variables, and the computer of whoever is at it."""

    connection: Connection = field(default_factory=Connection)
    environment: Mapping[str, str] = field(default_factory=lambda: os.environ)
    machine: Machine = field(default_factory=Machine)


def surroundings_of(context: typer.Context) -> Surroundings:
    """What a test put there, or this computer."""
    return context.obj if isinstance(context.obj, Surroundings) else Surroundings()


@contextmanager
def plainly(debug: bool) -> Iterator[None]:
    """Errors in a sentence each and no traceback, unless one debugs."""
    try:
        yield
    except (typer.Exit, typer.Abort):
        raise
    except Exception as error:
        if debug:
            raise
        if isinstance(error, ConfigError):
            complain(error.problems)
        if isinstance(error, (AdminError, AuthError, OSError)):
            complain([str(error)])
        complain([f"{type(error).__name__}: {error}", "This was not foreseen; --debug shows where it happened."])


def complain(problems: list[str]) -> NoReturn:
    """Say what is wrong, and end with status 1."""
    for problem in problems:
        typer.echo(f"risky-users: {problem}", err=True)
    raise typer.Exit(1)
