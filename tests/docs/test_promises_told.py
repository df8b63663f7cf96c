"""docs/reliability.md promises what the chaos judge checks, in the judge's own words, and leaves none of its checks out."""

import ast
import re
from collections.abc import Iterator

from tests.docs.documents import DOCUMENTS, ROOT

RELIABILITY = next(document for document in DOCUMENTS if document.name == "docs/reliability.md")


def test_the_promises_are_those_that_the_judge_checks() -> None:
    told = {sentence for row in RELIABILITY.table("Promise") for sentence in re.findall(r"\*([^*]{12,})\*", row[1])}
    assert told == set(judgements())


def judgements() -> Iterator[str]:
    """What the judge says of a promise that is broken, with `…` for what is filled in."""
    for path in (ROOT / "tests" / "chaos").glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            said = node.msg if isinstance(node, ast.Assert) else _raised(node)
            if isinstance(said, ast.Constant) and isinstance(said.value, str):
                yield said.value
            elif isinstance(said, ast.JoinedStr):
                text = "".join(str(part.value) if isinstance(part, ast.Constant) else "…" for part in said.values)
                yield text.split(":")[0]


def _raised(node: ast.AST) -> ast.expr | None:
    if isinstance(node, ast.Raise) and isinstance(node.exc, ast.Call) and node.exc.args:
        return node.exc.args[0]
    return None
