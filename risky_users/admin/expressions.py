"""Expressions of Gateway rules, which the API stores in its own way: without dashes in list ids, in parentheses, with other blanks.

https://developers.cloudflare.com/cloudflare-one/traffic-policies/expression-syntax/
"""

import re

_QUOTED = re.compile(r'("(?:[^"\\]|\\.)*")')
_LIST = re.compile(r"\$([0-9a-fA-F]{8}-?(?:[0-9a-fA-F]{4}-?){3}[0-9a-fA-F]{12})")
"""Without blanks a word may follow that begins like hexadecimal digits: `and`."""
_NOT = re.compile(r"not\(")
_AND = re.compile(r"(?<=[^(])(?:and|&&)(?!and|&&|or|\)|$)")
"""Between two conditions: where an exception was taken out, it stands at an end."""


def plain(expression: object) -> str:
    """Without what the API changes; what is quoted stays as it is. Two that are equal so mean the same."""
    parts = _QUOTED.split(expression if isinstance(expression, str) else "")
    text = "".join(part if part.startswith('"') else _plain_ids(re.sub(r"\s", "", part)) for part in parts)
    while text.startswith("(") and _closing(text, 0) == len(text) - 1:
        text = text[1:-1]
    return text


def without_exceptions(expression: str) -> str:
    """What a plain expression says of those it is for, without what stands in `not(…)`."""
    while exception := _NOT.search(_masked(expression)):
        expression = expression[: exception.start()] + expression[_closing(expression, exception.end() - 1) + 1 :]
    return expression


def conditional(expression: str) -> bool:
    """Whether a plain expression joins two conditions that both have to be met."""
    return _AND.search(_masked(expression)) is not None


def lists(expression: str) -> set[str]:
    """The ids of the lists that it looks into, without dashes and in lower case."""
    return {found.replace("-", "").lower() for found in _LIST.findall(_masked(expression))}


def quoted(expression: str) -> set[str]:
    """The texts that it names."""
    return {found[1:-1] for found in _QUOTED.findall(expression)}


def _plain_ids(text: str) -> str:
    return _LIST.sub(lambda found: found[0].replace("-", "").lower(), text)


def _closing(expression: str, opening: int) -> int:
    """Where the parenthesis that opens there closes; the end where it does not."""
    masked, depth = _masked(expression), 0
    for place in range(opening, len(masked)):
        depth += {"(": 1, ")": -1}.get(masked[place], 0)
        if not depth:
            return place
    return len(masked) - 1


def _masked(expression: str) -> str:
    """The same, with nothing to read in what is quoted."""
    return _QUOTED.sub(lambda found: "_" * len(found[0]), expression)
