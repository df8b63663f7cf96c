"""wrangler's configuration of the project, read and written with its comments and order kept."""

import json
import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import json5
import tomlkit

from risky_users.admin.errors import AdminError
from risky_users.admin.wrangler import as_text
from risky_users.variables import WRANGLER
from text import JSON


@dataclass(frozen=True, slots=True)
class WranglerFile:
    """wrangler.toml, wrangler.json or wrangler.jsonc."""

    path: Path

    @classmethod
    def find(cls, folder: Path, given: Path | None = None) -> "WranglerFile":
        """The one that wrangler reads, or the one given. Raises AdminError where there is none, or none that can be read."""
        path = given or next((folder / name for name in WRANGLER if (folder / name).is_file()), None)
        if path is None:
            raise AdminError(
                f"There is no wrangler.toml in {folder.resolve()}: run this in the project's folder, or name the file with --config."
            )
        file = cls(path.resolve())
        if not file.name:
            raise AdminError(f'{path} gives the Worker no name: add name = "risky-users", or what you call it.')
        return file

    @property
    def name(self) -> str:
        """The Worker's."""
        name = self._parsed(self._text()).get("name")
        return name if isinstance(name, str) else ""

    @property
    def variables(self) -> dict[str, str]:
        """The vars as the Worker gets them, in text. Raises AdminError where they are no table."""
        return self._variables_in(self._text())

    @property
    def keeps_variables(self) -> bool:
        """Whether a deployment leaves the Worker those that the file does not name
        (https://developers.cloudflare.com/workers/wrangler/configuration/#source-of-truth)."""
        return self._parsed(self._text()).get("keep_vars") is True

    def _variables_in(self, text: str) -> dict[str, str]:
        found = self._parsed(text).get("vars") or {}
        if not isinstance(found, dict):
            raise AdminError(f'vars in {self.path} is no table: write the variables below [vars], or in an object "vars".')
        return {name: as_text(value) for name, value in found.items()}

    def differing(self, wanted: Mapping[str, str]) -> list[str]:
        """The names of those vars that are not as wanted; those to be empty should not be there."""
        return _differing(self.variables, wanted)

    def write(self, wanted: Mapping[str, str]) -> None:
        """Give vars these values; an empty one is taken out. All else stays, comments too. Raises AdminError."""
        changed = {name: wanted[name] for name in self.differing(wanted)}
        text = self._text()
        new = _with_toml_vars(text, changed) if self.path.suffix == ".toml" else _with_json_vars(text, changed)
        if not self._says(new, wanted):
            lines = ", ".join(f'{name} = "{value}"' if value else f"no {name}" for name, value in changed.items())
            raise AdminError(f"{self.path.name} is written in a way that cannot be changed from here: by hand, let its vars have {lines}.")
        beside = self.path.with_name(f"{self.path.name}.new")
        beside.write_text(new, "utf-8", newline="")
        beside.replace(self.path)

    def _says(self, text: str, wanted: Mapping[str, str]) -> bool:
        try:
            return not _differing(self._variables_in(text), wanted)
        except AdminError:
            return False

    def _text(self) -> str:
        try:
            with self.path.open(encoding="utf-8-sig", newline="") as file:
                return file.read()
        except (OSError, ValueError) as error:
            raise AdminError(f"{self.path} cannot be read: {error}.") from error

    def _parsed(self, text: str) -> dict[str, JSON]:
        try:
            read: JSON = tomllib.loads(text) if self.path.suffix == ".toml" else json5.loads(text)
        except ValueError as error:
            raise AdminError(f"{self.path} cannot be read: {error}.") from error
        if not isinstance(read, dict):
            raise AdminError(f"{self.path} is no table of settings.")
        return read


def _differing(have: Mapping[str, str], wanted: Mapping[str, str]) -> list[str]:
    return [name for name, value in wanted.items() if have.get(name, "") != value]


def _with_toml_vars(text: str, changed: Mapping[str, str]) -> str:
    document = tomlkit.parse(text)
    if "vars" not in document:
        document["vars"] = tomlkit.table()
    table = document["vars"]
    if not isinstance(table, tomlkit.items.AbstractTable):
        return text
    for name, value in changed.items():
        if value:
            table[name] = value
        else:
            table.pop(name, None)
    return tomlkit.dumps(document)


# --- JSON with comments, of which no library keeps them ---

_TOKEN = re.compile(
    r'(?P<text>"(?:\\.|[^"\\])*"|\'(?:\\.|[^\'\\])*\')|(?P<comment>//[^\n]*|/\*.*?\*/)|(?P<mark>[{}\[\]:,])|(?P<word>[^\s{}\[\]:,"\'/]+)',
    re.DOTALL,
)


@dataclass(frozen=True, slots=True)
class _Member:
    """A member of an object in the text: where its name begins, where its value does, and where that ends."""

    path: tuple[str, ...]
    begins: int
    value: int
    ends: int


def _members(text: str) -> Iterator[_Member]:
    """Every member whose value is no list's, innermost first."""
    open_: list[tuple[tuple[str, ...], int, int]] = []  # path, where the name begins, where the value does
    name, name_begins, after_colon = "", 0, False
    for token in _TOKEN.finditer(text):
        match token.lastgroup:
            case "comment":
                continue
            case "mark" if token[0] in "{[":
                path_here = (*(open_[-1][0] if open_ else ()), *([name] if after_colon else []))
                open_.append((path_here, name_begins, token.start()))
                after_colon = False
            case "mark" if token[0] in "}]":
                path, begins, value = open_.pop()
                yield _Member(path, begins, value, token.end())
            case "mark":
                after_colon = token[0] == ":"
            case _ if after_colon:
                yield _Member((*(open_[-1][0] if open_ else ()), name), name_begins, token.start(), token.end())
                after_colon = False
            case _:
                name, name_begins = (str(json5.loads(token[0])) if token.lastgroup == "text" else token[0]), token.start()


def _with_json_vars(text: str, changed: Mapping[str, str]) -> str:
    for name, value in changed.items():
        text = _with_json_var(text, name, value)
    return text


def _with_json_var(text: str, name: str, value: str) -> str:
    members = {member.path: member for member in _members(text)}
    if member := members.get(("vars", name)):
        if value:
            return text[: member.value] + json.dumps(value) + text[member.ends :]
        rest = re.match(r"\s*,", text[member.ends :])
        return text[: member.begins] + text[member.ends + (rest.end() if rest else 0) :].lstrip()
    if not value:
        return text
    if (table := members.get(("vars",))) and text[table.value : table.ends] == "null":
        return f"{text[: table.value]}{{ {json.dumps(name)}: {json.dumps(value)} }}{text[table.ends :]}"
    if table:
        return _inserted(text, table, f"{json.dumps(name)}: {json.dumps(value)}", "\t\t" if "\n\t" in text else "    ")
    whole = members[()]
    return _inserted(text, whole, f'"vars": {{ {json.dumps(name)}: {json.dumps(value)} }}', "\t" if "\n\t" in text else "  ")


def _inserted(text: str, table: _Member, member: str, indent: str) -> str:
    """The member first in the table, on a line of its own."""
    start = table.value + 1
    empty = not text[start : table.ends - 1].strip()
    return f"{text[:start]}\n{indent}{member}{'' if empty else ','}{text[start:]}"
