"""Cloudflare's wrangler, run as `npx wrangler`: what is deployed, deploying, secrets. Values of secrets go through its standard input.

https://developers.cloudflare.com/workers/wrangler/commands/
"""

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

from risky_users.admin.errors import AdminError, EndedBadly, NoProgram
from risky_users.admin.machine import Machine
from text import JSON, parse

_MISSING = ("10007", "does not exist", "has no deployments")
_DENIED = ("code: 10000", "code: 9109", "Authentication error")
_LOGIN = "run `npx wrangler login`, or set CLOUDFLARE_API_TOKEN"
_TOKEN = "CLOUDFLARE_API_TOKEN"
"""Which wrangler takes before its own login, although it may be meant for lists and rules and not be allowed to deploy. So it is kept
from wrangler where that is logged in by itself (https://developers.cloudflare.com/workers/wrangler/system-environment-variables/)."""
_FRESH_SECONDS = 15.0
_VARIABLES = {"plain_text": "text", "json": "json"}
"""Where a variable's value lies, by its binding's type."""
_QUIET = {"CI": "true", "NO_COLOR": "1", "WRANGLER_SEND_METRICS": "false"}
_TOP_LEVEL = {"CLOUDFLARE_ENV": ""}
"""Of the file's environments: what is read of it here is what is to be deployed, whatever the shell names."""


@dataclass(frozen=True, slots=True)
class Deployed:
    """What runs at Cloudflare: variables with their values, secrets by name."""

    variables: Mapping[str, str]
    secrets: frozenset[str]
    scheduled: bool
    """Whether it has a handler for cron events; a draft, to which only a secret was put, has none."""


@dataclass(slots=True)
class Wrangler:
    """wrangler in a project's folder, for one Worker. Raises NoProgram wherever it does not do what it is asked."""

    machine: Machine
    name: str
    configuration: Path
    account: str = ""
    """The id of the account, where wrangler is logged in to several."""
    put: dict[str, str] = field(default_factory=dict, init=False, repr=False)
    """The secrets that were put by this, for whoever tries them in the same run."""
    _seen: "tuple[float, Deployed | None] | None" = field(default=None, init=False, repr=False)
    _around: Mapping[str, str] | None = field(default=None, init=False, repr=False)

    def accounts(self) -> dict[str, str]:
        """The accounts that whoever is logged in may use, names by id."""
        if own := self._own_login():
            return own
        found = _accounts(self._json("whoami", "--json", named=False))
        if found is None:
            raise NoProgram(f"wrangler is not logged in to Cloudflare: {_LOGIN}.")
        return found

    def _own_login(self) -> dict[str, str]:
        """The accounts of a login of wrangler's own beside a token in the environment, which from then on is kept from it; none where
        it has no such login, or one that is not this account's."""
        if not self.machine.environment.get(_TOKEN):
            return {}
        self._around = {_TOKEN: ""}
        try:
            found = _accounts(self._json("whoami", "--json", named=False)) or {}
        except NoProgram:
            found = {}
        if not found or (self.account and self.account not in found):
            self._around = {}
            return {}
        return found

    def deployed(self) -> Deployed | None:
        """What is deployed, None where nothing is; as it was some seconds ago at most, for asking takes as long."""
        if not self._seen or self.machine.now() - self._seen[0] > _FRESH_SECONDS:
            self._seen = self.machine.now(), self._look()
        return self._seen[1]

    def secrets(self) -> frozenset[str]:
        """The names of the secrets that the Worker has, none where nothing is deployed."""
        deployed = self.deployed()
        return deployed.secrets if deployed else frozenset()

    def _look(self) -> Deployed | None:
        status = self._json("deployments", "status", "--json", missing=True)
        versions = status.get("versions") if isinstance(status, dict) else None
        if not isinstance(versions, list) or not versions or not isinstance(versions[0], dict):
            return None
        version = self._json("versions", "view", str(versions[0].get("version_id")), "--json")
        resources = version.get("resources") if isinstance(version, dict) else None
        if not isinstance(resources, dict):
            raise NoProgram("`npx wrangler versions view` answered something that is not understood: update the project's wrangler.")
        listed, script = resources.get("bindings"), resources.get("script")
        bindings = [each for each in listed if isinstance(each, dict)] if isinstance(listed, list) else []
        handlers = script.get("handlers") if isinstance(script, dict) else None
        return Deployed(
            variables_of(bindings),
            frozenset(str(each.get("name")) for each in bindings if each.get("type") == "secret_text"),
            isinstance(handlers, list) and "scheduled" in handlers,
        )

    def deploy(self) -> None:
        """Upload the project."""
        self._change("deploy", named=False)

    def put_secret(self, name: str, value: str) -> None:
        """Give the Worker a secret, which acts at once; a Worker that is not there yet is made, as a draft. Raises AdminError for an
        empty one, for wrangler takes nothing from standard input and reports success."""
        if not value.strip():
            raise AdminError(f"The value for {name} is empty, so that it is not put: the one before would be lost.")
        self._change("secret", "put", name, given=value)
        self.put[name] = value

    def may_hold(self, secret: str, error: Exception) -> bool:
        """Whether the Worker may have a new value for a secret all the same, although putting it ended in this error."""
        return isinstance(error, EndedBadly | OSError) and secret in self.secrets()

    def delete_secret(self, name: str) -> None:
        """Take a secret away."""
        self._change("secret", "delete", name, given="y\n")

    def delete(self) -> None:
        """Take the Worker away, with its secrets and its clock; what is gone already is gone."""
        self._change("delete", "--force", missing=True)

    @property
    def _whose_right(self) -> str:
        if self.machine.environment.get("CLOUDFLARE_API_TOKEN"):
            return (
                "wrangler takes the token in CLOUDFLARE_API_TOKEN before its own login: give it Workers Scripts Write, or unset the "
                "variable, run `npx wrangler login`, and type the token when you are asked for it."
            )
        return "Whoever is logged in may not change Workers in this account: run `npx wrangler login` as somebody who may."

    # --- running it ---

    def _change(self, *arguments: str, given: str = "", missing: bool = False, named: bool = True) -> None:
        """Something after which what was seen before is no longer so, whether or not it fails."""
        self._seen = None
        self._run(*arguments, given=given, missing=missing, named=named)

    def _json(self, *arguments: str, missing: bool = False, named: bool = True) -> JSON:
        return _json_in(self._run(*arguments, missing=missing, named=named))

    def _run(self, *arguments: str, given: str = "", missing: bool = False, named: bool = True) -> str:
        """What it prints; nothing where there is no such Worker, and that is `missing`."""
        what = " ".join(arguments[:2] if arguments[0] in ("secret", "versions", "deployments") else arguments[:1])
        command = ["npx", "wrangler", *arguments, *(["--name", self.name] if named else []), "--config", self.configuration.name]
        chosen = {"CLOUDFLARE_ACCOUNT_ID": self.account} if self.account else {}
        if self._around is None and arguments[0] != "whoami":
            self._own_login()
        around = {**_QUIET, **_TOP_LEVEL, **chosen, **(self._around or {})}
        done = self.machine.run(command, given=given, folder=self.configuration.parent, environment=around)
        if done.status == 0:
            return done.output
        said = _said(done.complaints + done.output, given)
        if done.status == 127:
            raise NoProgram("npx is not installed: install Node.js with npm, then run `npm ci` in the project's folder.")
        if missing and any(sign in said for sign in _MISSING):
            return ""
        if any(sign in said for sign in _DENIED):
            raise NoProgram(f"`npx wrangler {what}` was refused: {said}. {self._whose_right}")
        if (
            _LOGGED_OUT.search(done.output)
            or "wrangler login" in said
            or "not authenticated" in said.lower()
            or "CLOUDFLARE_API_TOKEN" in said
        ):
            raise NoProgram(f"wrangler is not logged in to Cloudflare: {_LOGIN}.")
        raise EndedBadly(
            f"`npx wrangler {what}` failed: {said or f'status {done.status}'}. Run it by hand to see more, then run this again."
        )


def variables_of(bindings: Iterable[Mapping[str, JSON]]) -> dict[str, str]:
    """The vars among a Worker's bindings by name, as they are compared."""
    return {str(each.get("name")): as_text(each.get(kind)) for each in bindings if (kind := _VARIABLES.get(str(each.get("type"))))}


def as_text(value: object) -> str:
    """A variable as it is compared: what is no text by its JSON, in which JavaScript knows no 1.0; a date of TOML's is text there."""
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return str(value) if isinstance(value, str | date) else json.dumps(value, default=str)


def _accounts(told: JSON) -> dict[str, str] | None:
    """Names by id; None where nobody is logged in."""
    entries = told.get("accounts") if isinstance(told, dict) else None
    if not isinstance(entries, list):
        return None
    return {str(each.get("id")): str(each.get("name")) for each in entries if isinstance(each, dict)}


def _json_in(output: str) -> JSON:
    """The JSON that comes after whatever else is said, of an update for example; None where there is none."""
    for line in re.finditer(r"^[{\[]", output, re.MULTILINE):
        if (found := parse(output[line.start() :])) is not None:
            return found
    return None


_LOGGED_OUT = re.compile(r'"loggedIn":\s*false')
_COLOURS = re.compile(r"\x1b\[[0-9;]*m")
"""Of which it leaves some whatever NO_COLOR says."""
_DECORATION = re.compile(r"^\W*(\[?ERROR\]?\s*)?")


def _said(text: str, secret: str) -> str:
    """Its first words that are no decoration, without the secret that it was given."""
    lines = (_DECORATION.sub("", line).strip() for line in _COLOURS.sub("", text).splitlines())
    told = " ".join(line for line in lines if line)[:400].rstrip(". ")
    return told.replace(secret.strip(), "…") if secret.strip() else told
