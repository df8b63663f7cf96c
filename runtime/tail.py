"""Shows a tick as `npx wrangler tail --format pretty` shows it: a heading, the console as Node prints it, the exception that escaped.

The layout is that of wrangler's own src/tail/printing.ts (https://github.com/cloudflare/workers-sdk).
"""

from collections.abc import Iterator
from datetime import datetime

from runtime import Tick

OUTCOMES = {"ok": "Ok", "exception": "Exception Thrown", "canceled": "Canceled", "exceededCpu": "Exceeded CPU Limit"}


def render(tick: Tick) -> str:
    """The tick's part of the tail, without the final newline."""
    return "\n".join(_lines(tick))


def _lines(tick: Tick) -> Iterator[str]:
    when = datetime.fromtimestamp(tick.scheduled_time / 1000)  # local time, as wrangler shows it
    clock = f"{when.month}/{when.day}/{when.year}, {when.hour % 12 or 12}:{when:%M:%S %p}"
    yield f'"{tick.cron}" @ {clock} - {OUTCOMES.get(tick.outcome, "Unknown")}'
    for line in tick.console:
        yield line.shown
    if tick.exception:
        yield f"PythonError: {tick.exception}"
