"""Every command, link and block of code in the documents is one that works."""

import json
import os
import re
import shutil
import subprocess
import tomllib
from collections.abc import Callable, Mapping
from functools import cache
from importlib import import_module
from pathlib import Path

import hcl2
import pytest

from tests.docs.documents import DOCUMENTS, ROOT, SHELL, Document

MODULES = ROOT / "node_modules" / ".bin"
FROM_OUTSIDE = {"CLOUDFLARE_API_TOKEN", "HOME", "PATH", "PWD"}
"""Variables that a block may take from where it runs."""
ALL = pytest.mark.parametrize("document", DOCUMENTS, ids=lambda document: document.name)


def words_after(command: str, document: Document) -> list[list[str]]:
    """What follows a command wherever it is set as code: its words, up to the next command or a comment."""
    found = []
    for code in document.code():
        for match in re.finditer(rf"(?:^|[\s|;&(`]){re.escape(command)}((?: [^\s|;&)#<>]+)*)", code):
            found.append(match[1].split())
    return found


@ALL
def test_every_make_target_exists(document: Document) -> None:
    makefile = (ROOT / "Makefile").read_text("utf-8")
    for target, *_ in filter(None, words_after("make", document)):
        assert re.search(rf"^{re.escape(target)}:", makefile, re.MULTILINE), f"make {target}"


@ALL
def test_every_npm_script_exists(document: Document) -> None:
    scripts = json.loads((ROOT / "package.json").read_text("utf-8"))["scripts"]
    for script, *_ in words_after("npm run", document):
        assert script in scripts, f"npm run {script}"


@ALL
def test_every_program_that_npx_runs_is_installed(document: Document) -> None:
    for program, *_ in words_after("npx", document):
        assert (MODULES / program).exists(), f"npx {program}"


@cache
def help_of(words: tuple[str, ...]) -> str:
    environment = os.environ | {"PATH": f"{MODULES}{os.pathsep}{os.environ['PATH']}", "WRANGLER_SEND_METRICS": "false", "CI": "true"}
    command: list[str | Path] = [MODULES / "wrangler", *words, "--help"]
    return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=60, check=True).stdout


def wrangler_knows(words: list[str]) -> bool:
    """Whether wrangler has this command with these options. Its help begins with the command that it understood."""
    plain = [word for word in words if re.fullmatch(r"[a-z][a-z-]*", word)]
    options = [word.split("=")[0] for word in words if word.startswith("-")]
    text = help_of(tuple(plain))
    understood = [word for word in text.strip().splitlines()[0].split()[1:] if re.fullmatch(r"[a-z][a-z-]*", word)]
    group = "\nCOMMANDS" in text
    return plain[: len(understood)] == understood and not (group and plain != understood) and all(option in text for option in options)


def test_an_unknown_wrangler_command_is_told_apart() -> None:
    assert wrangler_knows(["secret", "put", "NAME"])
    assert not wrangler_knows(["secret", "putt", "NAME"])
    assert not wrangler_knows(["tail", "--formatt", "pretty"])


@ALL
def test_every_wrangler_command_exists_with_its_options(document: Document) -> None:
    for words in filter(None, words_after("wrangler", document)):
        assert wrangler_knows(words), f"wrangler {' '.join(words)}"


@ALL
def test_every_command_of_risky_users_exists(document: Document) -> None:
    asked = [words for words in words_after("risky-users", document) if words and not words[0].startswith("-")]
    if not asked:
        return
    scripts = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"].get("scripts", {})
    if "risky-users" not in scripts:
        pytest.skip("the project has no command line yet")
    module, _, name = scripts["risky-users"].partition(":")
    from typer.main import get_command

    command = get_command(getattr(import_module(module), name))
    for word, *_ in asked:
        assert word in getattr(command, "commands", {}), f"risky-users {word}"


@ALL
def test_every_link_within_the_project_leads_somewhere(document: Document) -> None:
    for link in document.links():
        if re.match(r"https?:", link):
            assert link.startswith("https:"), link
            continue
        target, _, anchor = link.partition("#")
        path = (document.path.parent / target).resolve() if target else document.path
        assert path.exists(), f"{document.name} links to {link}"
        if anchor:
            assert anchor in Document(path).anchors(), f"{document.name} links to {link}"


@ALL
def test_shell_blocks_parse(document: Document) -> None:
    for fence in document.fences(*SHELL):
        shell = shutil.which("bash" if fence.language == "bash" else "sh")
        assert shell
        done = subprocess.run([shell, "-n"], input=fence.text, capture_output=True, text=True, timeout=10, check=False)
        assert not done.returncode, f"{document.name}:{fence.line}: {done.stderr}"


@ALL
def test_shell_blocks_stand_on_their_own(document: Document) -> None:
    for fence in document.fences(*SHELL):
        used = set(re.findall(r"\$\{?([A-Z][A-Z_0-9]*)", fence.text))
        given = set(re.findall(r"(?:^|[\s(;])(?:for |export |read -\w+ (?:\"[^\"]*\" )?)?([A-Z][A-Z_0-9]*)(?==| in |\n| &&)", fence.text))
        assert used <= given | FROM_OUTSIDE, f"{document.name}:{fence.line}: {', '.join(sorted(used - given - FROM_OUTSIDE))}"


@ALL
def test_json_toml_and_terraform_blocks_parse(document: Document) -> None:
    parsers: Mapping[str, Callable[[str], object]] = {"json": json.loads, "toml": tomllib.loads, "hcl": hcl2.loads, "terraform": hcl2.loads}
    for fence in document.fences(*parsers):
        try:
            parsers[fence.language](fence.text)
        except Exception as error:
            raise AssertionError(f"{document.name}:{fence.line}: {error}") from error


@ALL
def test_json_written_by_shell_blocks_parses(document: Document) -> None:
    for fence in document.fences(*SHELL):
        for text in re.findall(r"<<\s*'?JSON'?\n(.*?)\nJSON\n", fence.text, re.DOTALL):
            json.loads(re.sub(r"\$\{?\w+\}?", "0", text))


@ALL
def test_files_that_are_named_exist(document: Document) -> None:
    folders = "src|deploy|hosts|simulator|runtime|tests|demo|docs|bench"
    for code in document.code():
        if re.fullmatch(rf"(?:{folders})/[\w./-]*", code):
            assert Path(ROOT / code).exists(), f"{document.name} names {code}"
