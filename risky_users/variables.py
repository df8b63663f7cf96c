"""Where the commands find the Worker's variables: environment, `.dev.vars`, wrangler's file, in this order; the secret also by asking."""

import tomllib
from codecs import BOM_UTF16_BE, BOM_UTF16_LE
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from io import StringIO
from pathlib import Path

import json5
from dotenv import dotenv_values

from errors import ConfigError
from risky_users.managed_identity import PLACE, STAND_INS, ManagedIdentity, has_identity
from settings import Settings, Watch, read_settings, read_watch

SECRET, CERTIFICATE = "AZURE_AD_CLIENT_SECRET", "AZURE_AD_CLIENT_CERTIFICATE"
ACCOUNT = "CLOUDFLARE_ACCOUNT_ID"
WRANGLER = ("wrangler.json", "wrangler.jsonc", "wrangler.toml")
"""wrangler reads the first of these that exists (https://developers.cloudflare.com/workers/wrangler/configuration/)."""
DEV_VARS = ".dev.vars"
DOT_ENV = (".env.local", ".env")
"""Where `wrangler dev` looks for secrets: in the first, or if there is none in the others
(https://developers.cloudflare.com/workers/configuration/secrets/#local-development-with-secrets)."""
ENVIRONMENT = "the environment"
OWN = ("AZURE_AD_", "AZURE_CLOUD", "GATEWAY_")
"""What a variable of the environment begins with that is the Worker's. LOG_LEVEL or DRY_RUN may be any program's there."""
PREFIX = "RISKY_USERS_"
"""What stands before any of the Worker's names in the environment, where it would be taken for another's."""


@dataclass(slots=True)
class Variables:
    """The variables of each place, the first place to hold one winning; `found` tells which place that was.

    `passed_over`: names that were asked for and are set in the environment, where they may be another program's.
    """

    places: dict[str, Mapping[str, object]]
    wrangler: str = WRANGLER[-1]
    generic: Mapping[str, str] = field(default_factory=dict)
    found: dict[str, str] = field(default_factory=dict)
    passed_over: list[str] = field(default_factory=list)

    def __call__(self, name: str) -> object:
        """The variable's value as the Worker would be given it, None where no place has it."""
        value = None
        for place, values in self.places.items():
            if value is None and values.get(name) not in (None, ""):
                self.found[name], value = place, values[name]
        if self.generic.get(name, value) != value and name not in self.passed_over:
            self.passed_over.append(name)
        return value

    def here(self, message: str) -> str:
        """A message of the Worker's, which takes every variable for one of wrangler.toml's, as it is true here."""
        places = dict.fromkeys(place for name, place in self.found.items() if name in message)
        return message.replace("in wrangler.toml", f"in {' and '.join(places) or self.wrangler}")

    def problem(self, message: str) -> str:
        """What is wrong with the variable with whose name the message begins, and where that value comes from."""
        place = self.found.get(message.partition(" ")[0])
        return f"{message} Its value comes from {place}." if place and "wrangler.toml" not in message else self.here(message)


def find_wrangler(configuration: Path | None = None) -> Path:
    """Wrangler's file in the current folder, which need not be there; `configuration` instead where that is given."""
    return configuration or next(filter(Path.is_file, map(Path, WRANGLER)), Path(WRANGLER[-1]))


def find_variables(environment: Mapping[str, str], configuration: Path | None = None) -> Variables:
    """The variables as they lie about, those of `configuration` instead of the current folder's. Raises ConfigError."""
    wrangler = find_wrangler(configuration)
    secrets = [DEV_VARS] if wrangler.with_name(DEV_VARS).is_file() else DOT_ENV
    files = {**{name: _dotenv(wrangler.with_name(name)) for name in secrets}, wrangler.name: _vars(wrangler)}
    own = _own(environment, files.values())
    named = {name.removeprefix(PREFIX): value for name, value in environment.items() if name.startswith(PREFIX)}
    generic = {name: value for name, value in environment.items() if value and name not in own and name != ACCOUNT}
    places: dict[str, Mapping[str, object]] = {ENVIRONMENT: own | named, **files}
    credentials = any(place.get(name) for place in places.values() for name in (SECRET, CERTIFICATE))
    if not credentials and has_identity(environment, named.get("MANAGED_IDENTITY", "")):
        places[PLACE] = STAND_INS
    return Variables(places, wrangler.name, generic)


def _own(environment: Mapping[str, str], files: Iterable[Mapping[str, object]]) -> dict[str, str]:
    """What of the environment is the Worker's: the account only where something else speaks of the direct lane, for it is there for
    wrangler's sake (https://developers.cloudflare.com/workers/wrangler/system-environment-variables/)."""
    own = {name: value for name, value in environment.items() if name.startswith(OWN)}
    lane = any(name.startswith("GATEWAY_") or name == ACCOUNT for place in (own, *files) for name in place)
    return {**own, ACCOUNT: environment[ACCOUNT]} if lane and ACCOUNT in environment else own


def complete(variables: Variables, ask: Callable[[], str]) -> Settings:
    """The Worker's settings; a secret found nowhere is asked for, once all else is in order, unless there is a certificate. Raises
    ConfigError."""
    try:
        if variables(CERTIFICATE) is None and variables(SECRET) is None:
            read_settings(lambda name: "asked-for-below" if name == SECRET else variables(name))
            secret = ask()
            if not secret.strip():
                raise ConfigError([f"{SECRET} is missing: set it in the environment or in {DEV_VARS}, or type it when you are asked."])
            variables.places["your input"] = {SECRET: secret}
        return read_settings(variables)
    except ConfigError as error:
        raise ConfigError([variables.problem(problem) for problem in error.problems]) from error


def identity(variables: Variables, settings: Settings) -> ManagedIdentity | None:
    """Where access tokens come from, if it is Azure."""
    return ManagedIdentity(settings) if variables.found.get(SECRET) == PLACE else None


def to_be_told(variables: Variables) -> Watch:
    """Who is told of a run's outcome besides the log."""
    watch = read_watch(variables)
    return replace(watch, problems=tuple(variables.problem(problem) for problem in watch.problems))


def _dotenv(path: Path) -> Mapping[str, object]:
    try:
        return dotenv_values(stream=StringIO(_text(path)), interpolate=False) if path.is_file() else {}
    except ValueError as error:
        raise ConfigError([f"{path} cannot be read: {error}. Save it as UTF-8."]) from error


def _text(path: Path) -> str:
    """Text in UTF-8, or in UTF-16 as PowerShell likes to write it, whatever marks its beginning. Raises ValueError."""
    content = path.read_bytes()
    return content.decode("utf-16" if content.startswith((BOM_UTF16_LE, BOM_UTF16_BE)) else "utf-8-sig")


def _vars(path: Path) -> Mapping[str, object]:
    values = read_wrangler(path).get("vars", {})
    if not isinstance(values, dict):
        raise _no_table(path)
    return values


def _no_table(path: Path) -> ConfigError:
    remedy = "below a line [vars]" if path.suffix == ".toml" else 'in an object "vars"'
    return ConfigError([f"vars in {path} is no table: write the variables {remedy}."])


def read_wrangler(path: Path) -> Mapping[str, object]:
    """All that wrangler's file says, nothing where there is none. Raises ConfigError."""
    if not path.is_file():
        return {}
    toml = path.suffix == ".toml"
    try:
        text = _text(path)
        read: object = tomllib.loads(text) if toml else json5.loads(text)  # of which JSON with comments is a part
    except ValueError as error:  # also what is neither UTF-8 nor UTF-16
        raise ConfigError([f"{path} cannot be read as {'TOML' if toml else 'JSON'}: {error}."]) from error
    if not isinstance(read, dict):
        raise _no_table(path)
    return read
