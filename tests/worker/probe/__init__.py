"""A Worker that prints how the runtime behaves, and what it is expected to print."""

import json
from pathlib import Path

from runtime import Tick

SOURCE = Path(__file__).parent
SCHEDULED_TIME = 1_795_595_442_000
VARS = {"PROBE": "everything", "AWKWARD": "a~+/= \"'é"}
PACKAGES = ("workers", "pyodide_http")

EXPECTED = json.loads(SOURCE.joinpath("expected.json").read_text("utf-8"))


def observed(tick: Tick) -> dict[str, object]:
    """A tick of the probe in the form of expected.json."""
    console = [[line.level, line.text] for line in tick.console]
    return {"outcome": tick.outcome, "no_retry": tick.no_retry, "console": console}
