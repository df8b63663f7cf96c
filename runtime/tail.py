"""Shows a tick as `npx wrangler tail --format pretty` shows it.

The layout is that of wrangler's own src/tail/printing.ts (https://github.com/cloudflare/workers-sdk): a heading, the console
indented with its level, objects as Node prints them, then the exception that escaped.
"""

import json
import re
from collections.abc import Iterator
from datetime import datetime

from runtime import Json, Tick

OUTCOMES = {"ok": "Ok", "exception": "Exception Thrown", "canceled": "Canceled", "exceededCpu": "Exceeded CPU Limit"}

_LONGEST_LINE = 72  # Node breaks an object that would be longer
_BARE_KEY = re.compile(r"[A-Za-z_$][A-Za-z0-9_$]*", re.ASCII)


def render(tick: Tick) -> str:
    """The tick's part of the tail, without the final newline."""
    return "\n".join(_lines(tick))


def _lines(tick: Tick) -> Iterator[str]:
    when = datetime.fromtimestamp(tick.scheduled_time / 1000)  # local time, as wrangler shows it
    clock = f"{when.month}/{when.day}/{when.year}, {when.hour % 12 or 12}:{when:%M:%S %p}"
    yield f'"{tick.cron}" @ {clock} - {OUTCOMES.get(tick.outcome, "Unknown")}'
    for line in tick.console:
        yield " ".join([f"  ({line.level})", *(value if isinstance(value, str) else inspect(value) for value in line.values)])
    if tick.exception:
        yield f"PythonError: {tick.exception}"


def inspect(value: Json, indent: int = 0) -> str:
    """A JSON value as Node's util.inspect writes it: on one line where it fits, else a line an entry."""
    if isinstance(value, str):
        return "'" + json.dumps(value, ensure_ascii=False)[1:-1].replace('\\"', '"').replace("'", "\\'") + "'"
    if not isinstance(value, list | dict):
        return json.dumps(value)
    if isinstance(value, list):
        opening, closing = "[", "]"
        entries = [inspect(entry, indent + 2) for entry in value]
    else:
        opening, closing = "{", "}"
        entries = [f"{key if _BARE_KEY.fullmatch(key) else inspect(key)}: {inspect(entry, indent + 2)}" for key, entry in value.items()]
    if not entries:
        return opening + closing
    one_line = f"{opening} {', '.join(entries)} {closing}"
    if len(one_line) + indent <= _LONGEST_LINE and "\n" not in one_line:
        return one_line
    margin = "\n" + " " * (indent + 2)
    return f"{opening}{margin}{(',' + margin).join(entries)}\n{' ' * indent}{closing}"
