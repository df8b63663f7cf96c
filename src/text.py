"""Text on its way into a request, and out of an answer."""

import json
import re
from collections.abc import Sequence
from typing import TypeAlias

JSON: TypeAlias = "dict[str, JSON] | list[JSON] | str | int | float | bool | None"

GUID = re.compile(r"[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}", re.ASCII)

NAMED = 20
"""How many ids a line of the log names before it only counts."""

_RESERVED = re.compile(r"[^A-Za-z0-9._~-]", re.ASCII)


def percent_encode(text: str) -> str:
    """`text` with all but unreserved characters percent-encoded (`urllib.parse` would cost 94 ms of a cold start)."""
    return _RESERVED.sub(lambda found: "".join(f"%{byte:02X}" for byte in found[0].encode()), text)


def parse(text: str) -> "JSON":
    """What the JSON says; None where it is none, as for `null`."""
    try:
        parsed: JSON = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return parsed


def named(ids: Sequence[str]) -> str:
    """The first NAMED ids, and how many there are besides."""
    return ", ".join(ids[:NAMED]) + (f" and {len(ids) - NAMED} more" if len(ids) > NAMED else "")


def counted(number: int, noun: str) -> str:
    """`1 user`, `2 users`, `2 addresses`."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}{'e' if noun.endswith('s') else ''}s"
