"""The command line: options in; text or JSON out, and an exit status: 0 all is well, 1 something is not, 2 it was called wrongly."""

import asyncio
import json
import signal
import sys
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict
from functools import partial
from importlib.metadata import version
from io import TextIOWrapper
from pathlib import Path
from typing import Annotated, TypeVar

import typer
from rich.console import Console
from typer.core import TyperGroup

from errors import AuthError, ConfigError
from risky_users import check as checking
from risky_users.admin.sign_in import How
from risky_users.check.seen import Unseen
from risky_users.connection import Connection
from risky_users.forecast import Forecast, foresee
from risky_users.log import StreamLog
from risky_users.output import forecast_as_json, show_forecast, show_step, show_trial_begins, show_trial_ends, show_walk, walk_as_json
from risky_users.setup.commands import remove, rotate, setup
from risky_users.surroundings import AsJson, Configuration, Debug, Surroundings, complain, plainly, surroundings_of
from risky_users.ticking import Ticking
from risky_users.variables import PREFIX, SECRET, Variables, complete, find_variables, find_wrangler, identity, read_wrangler, to_be_told
from risky_users.wording import for_minutes, for_once, for_runs
from settings import Settings

T = TypeVar("T")


class InOrder(TyperGroup):
    """Lists the commands as an administrator comes to need them."""

    def list_commands(self, _: object) -> list[str]:
        """The commands' names."""
        return sorted(self.commands, key=("setup", "check", "plan", "sync", "rotate", "remove", "simulate").index)


app = typer.Typer(
    name="risky-users",
    help="""Tools for the administrator of the risky-users Worker. check and plan only read; sync does what the Worker does.

    They take the Worker's variables from the environment, from .dev.vars and from wrangler.toml (or .json, .jsonc),
    in this order. The client secret is no option, lest it end in the shell's history: found nowhere, it is asked for, or read from
    standard input where that is no terminal.""",
    no_args_is_help=True,
    rich_markup_mode="markdown",
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    cls=InOrder,
)

app.add_typer(setup)
app.command()(rotate)
app.command()(remove)

SIMULATE_NEEDS = (
    "simulate runs the Worker in workerd, which is not part of the installed command. In a clone of the repository run `make install` "
    "(or `npm ci`, then `npm ci --prefix runtime`) and `uv run risky-users simulate`."
)


EVERY_MINUTE = 60
_BOM_IN_CP1252 = "\u00ef\u00bb\u00bf"
"""What PowerShell writes before whatever it pipes, as a Python that expects cp1252 reads it."""


def _show_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"risky-users {version('risky-users')}")
        raise typer.Exit


@app.callback()
def main(_: Annotated[bool, typer.Option("--version", help="Show the version.", callback=_show_version, is_eager=True)] = False) -> None:
    """What comes before a command's name; the help of it all is `app`'s own."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):  # in Windows' pipes it may have no ł
            stream.reconfigure(errors="replace")


@app.command()
def check(
    context: typer.Context,
    config: Configuration = None,
    user: Annotated[
        str, typer.Option("--user", metavar="ADDRESS|ID", help="Somebody's own links too: how Cloudflare knows them, on which device.")
    ] = "",
    watch: Annotated[
        bool,
        typer.Option(
            "--watch", help="Wait for somebody's risk to rise, or that of --user, and tell when it has reached group, list and browser."
        ),
    ] = False,
    how: Annotated[How, typer.Option("--sign-in", help="How to sign in to Entra as an administrator.")] = How.AZURE_CLI,
    as_json: AsJson = False,
    debug: Debug = False,
) -> None:
    """Walk the chain from the configuration to the isolated browser, and say what is wrong with each link and how to mend it.

    Only reads. It uses the Worker's own client, so that what it meets is what the Worker will meet; what lies behind the groups it
    sees as an administrator does: of Entra by the Azure CLI, of Cloudflare by an API token in CLOUDFLARE_API_TOKEN. Exit status 1
    if anything keeps users at risk from being isolated.
    """
    with plainly(debug):
        if watch:
            raise typer.Exit(0 if _watch(surroundings_of(context), config, user, how, as_json) else 1)
        walk = _check(surroundings_of(context), config, user, how)
        if as_json:
            _print_json(walk_as_json(walk))
        else:
            show_walk(Console(highlight=False), walk)
        raise typer.Exit(0 if walk.passed else 1)


@app.command()
def plan(
    context: typer.Context,
    config: Configuration = None,
    names: Annotated[bool, typer.Option("--names", help="Show the display names of risky users beside their ids.")] = False,
    as_json: AsJson = False,
    debug: Debug = False,
) -> None:
    """Show what the Worker's next tick would do: who would join and leave which group, and whom it would hold back.

    Only reads. Exit status 1 if the tick would fail, wholly or in part.
    """
    with plainly(debug):
        surroundings = surroundings_of(context)
        variables = find_variables(surroundings.environment, config)
        settings = _complete(surroundings, variables)
        forecast = _waiting("Reading the tenant …", _foresee(surroundings.connection, variables, settings, names))
        forecast.problems = [variables.here(problem) for problem in forecast.problems]
        if as_json:
            _print_json(forecast_as_json(forecast, dry_run=settings.dry_run))
        else:
            show_forecast(Console(highlight=False), forecast)
        raise typer.Exit(1 if forecast.problems else 0)


@app.command()
def sync(
    context: typer.Context,
    config: Configuration = None,
    every: Annotated[
        int | None, typer.Option(help="Seconds from one run to the next, until Ctrl-C; once, if not given.", min=60, max=86400)
    ] = None,
    touch: Annotated[
        Path | None, typer.Option(help="A file whose time is set after each run that did not fail, for a health check to look at.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print each entry of the log as a JSON object on a line.")] = False,
    debug: Debug = False,
) -> None:
    """Do from here what the Worker does in a minute: make the groups hold the risky users.

    **Writes**, unless DRY_RUN is true. For those who run it from a timer or in a container instead of Cloudflare Workers. Exit
    status 1 if the run failed, wholly or in part.
    """
    with plainly(debug):
        surroundings = surroundings_of(context)
        variables = find_variables(surroundings.environment, config)
        settings, watch = _complete(surroundings, variables), to_be_told(variables)
        wording = for_minutes if every == EVERY_MINUTE else for_runs
        clock, write = surroundings.connection.clock, partial(print, flush=True)
        log = StreamLog(write, clock, settings.log_level, as_json, lambda message: variables.here(wording(message)))
        ticking = Ticking(surroundings.connection, settings, watch, log, touch.touch if touch else lambda: None)
        if not every:
            raise typer.Exit(0 if asyncio.run(ticking.tick()) else 1)
        with _ended_by_signals():
            asyncio.run(ticking.every(every))


@app.command()
def simulate(
    users: Annotated[int, typer.Option(help="How many risky users the tenant begins with.", min=0, max=5000)] = 12,
    seed: Annotated[int, typer.Option(help="Another seed is another tenant; the same one is the same.")] = 1,
    port: Annotated[
        int, typer.Option(help="Where the page listens, on this machine only; 0 takes any free port.", min=0, max=65535)
    ] = 8765,
    debug: Debug = False,
) -> None:
    """Run the Worker between a simulated tenant and a simulated Cloudflare account, with a page to watch and poke, until Ctrl-C.

    Needs no account and no licence: nothing leaves this machine.
    """
    with plainly(debug):
        try:
            from page import serve  # brings a web server along, which the other commands do without
        except ModuleNotFoundError:
            complain([SIMULATE_NEEDS])
        serve(users=users, seed=seed, port=port)


def _check(surroundings: Surroundings, config: Path | None, user: str, how: How) -> checking.Walk:
    """All links of the chain."""
    try:
        variables = find_variables(surroundings.environment, config)
        settings = _complete(surroundings, variables)
        wrangler = checking.Wrangler.of(read_wrangler(find_wrangler(config)))
    except ConfigError as error:
        return checking.misconfigured(error.problems)
    ways = checking.Ways(surroundings.connection, surroundings.machine, how)
    return _waiting("Reading …", checking.walk(ways, settings, variables, wrangler, user))


def _watch(surroundings: Surroundings, config: Path | None, user: str, how: How, as_json: bool) -> bool:
    """One trial, told as it goes on; whether the risk has reached all that can be seen."""
    settings = _complete(surroundings, find_variables(surroundings.environment, config))
    wrangler = checking.Wrangler.of(read_wrangler(find_wrangler(config)))
    ways = checking.Ways(surroundings.connection, surroundings.machine, how)
    console = Console(highlight=False)
    with checking.trial(ways, settings, wrangler, user) as trial:
        if isinstance(trial, Unseen):
            complain([trial.why])

        async def watch() -> None:
            async for step in trial.run():
                if as_json:
                    typer.echo(json.dumps(asdict(step)))
                else:
                    show_step(console, step)

        if not as_json:
            show_trial_begins(console, trial)
        with _ended_by_signals():
            asyncio.run(watch())
        if not as_json:
            show_trial_ends(console, trial)
        return not trial.ahead


async def _foresee(connection: Connection, variables: Variables, settings: Settings, names: bool) -> Forecast:
    async with connection.graph(settings) as graph:
        try:
            return await foresee(graph, settings, names=names)
        except AuthError as error:
            raise AuthError(connection.told(variables.here(for_once(str(error)))), error.request_ids, code=error.code) from error


def _waiting(what: str, reading: Coroutine[object, None, T]) -> T:
    """The outcome, and until it is there a sign that something happens, if anybody looks."""
    with Console(stderr=True).status(what):
        return asyncio.run(reading)


def _complete(surroundings: Surroundings, variables: Variables) -> Settings:
    """The settings; what the environment holds and is not taken is mentioned, lest somebody counts on it."""
    try:
        settings = complete(variables, _ask)
        surroundings.connection.identity = identity(variables, settings)
        return settings
    finally:
        if variables.passed_over:
            names = ", ".join(variables.passed_over)
            meant = f"If it is meant, write {PREFIX}{variables.passed_over[0]}{' and so on' if ', ' in names else ''}."
            typer.echo(f"risky-users: Not taken from the environment, where it may be any program's: {names}. {meant}", err=True)


def _ask() -> str:
    """The client secret, typed unseen; or the first line of standard input where that is no terminal."""
    if not _interactive():
        return sys.stdin.readline().removeprefix(_BOM_IN_CP1252).strip()
    secret: str = typer.prompt(f"{SECRET} (not shown)", hide_input=True, err=True)
    return secret


def _interactive() -> bool:
    return sys.stdin.isatty()


def _print_json(result: dict[str, object]) -> None:
    unicode = (sys.stdout.encoding or "").lower().startswith("utf")
    typer.echo(json.dumps(result, indent=2, ensure_ascii=not unicode))


@contextmanager
def _ended_by_signals() -> Iterator[None]:
    """Until Ctrl-C, or until a container or a service manager ends it, which is how it is meant to end."""
    before = signal.signal(signal.SIGTERM, lambda *_: signal.raise_signal(signal.SIGINT))
    try:
        with suppress(KeyboardInterrupt):
            yield
    finally:
        signal.signal(signal.SIGTERM, before)
