"""Where the commands find the Worker's variables: environment, `.dev.vars`, wrangler's file, in this order; the secret also by asking."""

import tomllib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import json5
from dotenv import dotenv_values

from errors import ConfigError
from settings import Settings, read_settings

SECRET, CERTIFICATE = "AZURE_AD_CLIENT_SECRET", "AZURE_AD_CLIENT_CERTIFICATE"
ACCOUNT = "CLOUDFLARE_ACCOUNT_ID"
WRANGLER = ("wrangler.json", "wrangler.jsonc", "wrangler.toml")
"""wrangler reads the first of these that exists (https://developers.cloudflare.com/workers/wrangler/configuration/)."""
DEV_VARS = ".dev.vars"
"""Where `wrangler dev` looks for secrets (https://developers.cloudflare.com/workers/configuration/secrets/#local-development-with-secrets)."""


@dataclass(slots=True)
class Variables:
    """The variables of each place, the first place to hold one winning; `found` tells which place that was."""

    places: dict[str, Mapping[str, object]]
    found: dict[str, str] = field(default_factory=dict)

    def __call__(self, name: str) -> object:
        """The variable's value as the Worker would be given it, None where no place has it."""
        for place, values in self.places.items():
            value = values.get(name)
            if value is not None and value != "":
                self.found[name] = place
                return value
        return None


def find_wrangler(configuration: Path | None = None) -> Path:
    """Wrangler's file in the current folder, which need not be there; `configuration` instead where that is given."""
    return configuration or next(filter(Path.is_file, map(Path, WRANGLER)), Path(WRANGLER[-1]))


def find_variables(environment: Mapping[str, str], configuration: Path | None = None) -> Variables:
    """The variables as they lie about, those of `configuration` instead of the current folder's. Raises ConfigError."""
    wrangler = find_wrangler(configuration)
    dev_vars = wrangler.with_name(DEV_VARS)
    files = {dev_vars.name: _dotenv(dev_vars), wrangler.name: _vars(wrangler)}
    return Variables({"the environment": _without_wranglers_own(environment, files.values()), **files})


def _without_wranglers_own(environment: Mapping[str, str], files: Iterable[Mapping[str, object]]) -> Mapping[str, str]:
    """The environment; where nothing else speaks of the direct lane, without the account that is there for wrangler's sake
    (https://developers.cloudflare.com/workers/wrangler/system-environment-variables/)."""
    if any(name.startswith("GATEWAY_") or name == ACCOUNT for place in files for name in place):
        return environment
    return environment if any(name.startswith("GATEWAY_") for name in environment) else {**environment, ACCOUNT: ""}


def complete(variables: Variables, ask: Callable[[], str]) -> Settings:
    """The Worker's settings; without a certificate, a secret found nowhere is asked for, once all else is in order. Raises ConfigError."""
    if variables(CERTIFICATE) is None and variables(SECRET) is None:
        read_settings(lambda name: "asked-for-below" if name == SECRET else variables(name))
        secret = ask()
        if not secret.strip():
            raise ConfigError([f"{SECRET} is missing: set it in the environment or in {DEV_VARS}, or type it when you are asked."])
        variables.places["your input"] = {SECRET: secret}
    return read_settings(variables)


def _dotenv(path: Path) -> Mapping[str, object]:
    return dotenv_values(path, interpolate=False) if path.is_file() else {}


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
        text = path.read_text("utf-8")
        read: object = tomllib.loads(text) if toml else json5.loads(text)  # of which JSON with comments is a part
    except ValueError as error:  # also what is no UTF-8
        raise ConfigError([f"{path} cannot be read as {'TOML' if toml else 'JSON'}: {error}."]) from error
    if not isinstance(read, dict):
        raise _no_table(path)
    return read
