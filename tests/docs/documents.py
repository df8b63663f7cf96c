"""The project's documents, taken apart: headings, links, tables, code and samples of the log."""

import re
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from pathlib import Path

from markdown_it import MarkdownIt
from markdown_it.token import Token

ROOT = Path(__file__).resolve().parents[2]

SHELL = ("sh", "bash", "shell", "console")

_SAMPLE = re.compile(r"<!-- sample: ([a-z -]+) -->")


@dataclass(frozen=True)
class Fence:
    """A fenced block: its language, its text, and the line it begins on (from 1)."""

    language: str
    text: str
    line: int


@dataclass(frozen=True)
class Document:
    """A Markdown file of the project."""

    path: Path

    @property
    def name(self) -> str:
        """The path from the project's root."""
        return self.path.relative_to(ROOT).as_posix()

    @cached_property
    def text(self) -> str:
        """All of it."""
        return self.path.read_text("utf-8")

    @cached_property
    def _tokens(self) -> list[Token]:
        return MarkdownIt("commonmark").enable("table").parse(self.text)

    @cached_property
    def _inline(self) -> list[Token]:
        return [child for token in self._tokens if token.type == "inline" for child in token.children or ()]

    def fences(self, *languages: str) -> list[Fence]:
        """The fenced blocks in these languages; all, if none is named."""
        found = [
            Fence(token.info.split(" ")[0], token.content, token.map[0] + 1)
            for token in self._tokens
            if token.type == "fence" and token.map
        ]
        return [fence for fence in found if not languages or fence.language in languages]

    def code(self) -> list[str]:
        """Whatever is set as code in running text and tables, and the commands of shell blocks, one each."""
        commands = [line for fence in self.fences(*SHELL) for line in fence.text.replace("\\\n", " ").splitlines()]
        return [child.content for child in self._inline if child.type == "code_inline"] + commands

    def links(self) -> list[str]:
        """Where the links and the pictures lead."""
        targets = [child.attrs.get("href") or child.attrs.get("src") for child in self._inline]
        return [target for target in targets if isinstance(target, str)]

    def anchors(self) -> set[str]:
        """The fragments that GitHub gives to the headings."""
        titles = [after.content for token, after in pairwise(self._tokens) if token.type == "heading_open"]
        anchors: set[str] = set()
        for slug in (re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles):
            number = sum(1 for known in anchors if re.fullmatch(rf"{re.escape(slug)}(-\d+)?", known))
            anchors.add(f"{slug}-{number}" if number else slug)
        return anchors

    def table(self, first_heading: str) -> list[list[str]]:
        """The rows of all tables whose first column is headed so; cells are Markdown."""
        rows: list[list[str]] = []
        current: list[list[str]] = []
        for token, after in pairwise(self._tokens):
            if token.type == "table_open":
                current = []
            elif token.type == "tr_open":
                current.append([])
            elif token.type in ("th_open", "td_open"):
                current[-1].append(after.content)
            elif token.type == "table_close" and current[0][0] == first_heading:
                rows += current[1:]
        return rows

    def samples(self) -> dict[str, str]:
        """The blocks that show what the Worker prints, by the name in the comment before them."""
        found = {}
        for token, after in pairwise(self._tokens):
            marker = _SAMPLE.search(token.content) if token.type == "html_block" else None
            if marker and after.type == "fence":
                found[marker[1]] = after.content
        return found


def in_code(cell: str) -> list[str]:
    """What a cell sets as code."""
    return re.findall(r"`([^`]+)`", cell)


README = Document(ROOT / "README.md")
DOCUMENTS = [README, *(Document(path) for path in sorted([*ROOT.glob("C*.md"), *ROOT.glob("docs/*.md")]))]
