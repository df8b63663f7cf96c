"""An Azure Functions app that does every minute what the Worker does: docs/hosts.md."""

import json
import logging
import os
from collections.abc import Mapping
from functools import cache

import azure.functions as func

from risky_users.connection import Connection
from risky_users.ticking import Ticking
from risky_users.variables import complete, find_variables, identity, to_be_told
from settings import LOG_LEVELS

app = func.FunctionApp()

logging.getLogger("httpx").setLevel(logging.WARNING)  # it would log every address that is asked, and some are secrets
_LOGGER = logging.getLogger("risky-users")
_LEVELS = dict(zip(LOG_LEVELS, (logging.DEBUG, logging.INFO, logging.WARNING, logging.ERROR), strict=True))


# What was missed, the next minute makes good, so that nobody has to keep account.
@app.timer_trigger(arg_name="timer", schedule="0 * * * * *", use_monitor=False)  # type: ignore[untyped-decorator]  # has no types
async def every_minute(timer: func.TimerRequest) -> None:
    """One run. One that failed raises, so that its invocation shows as failed."""
    if not await _ticking().tick():
        raise RuntimeError("This run failed; what it logged says why.")


@cache
def _ticking() -> Ticking:
    """What runs have in common while the app's process lives, as in a Worker's isolate. Raises ConfigError."""
    variables = find_variables(os.environ)
    settings = complete(variables, lambda: "")

    def log(level: str, entry: str | Mapping[str, object]) -> None:
        if LOG_LEVELS.index(level) >= LOG_LEVELS.index(settings.log_level):
            _LOGGER.log(_LEVELS[level], variables.here(entry) if isinstance(entry, str) else json.dumps(entry))

    return Ticking(Connection(identity=identity(variables, settings)), settings, to_be_told(variables), log)
