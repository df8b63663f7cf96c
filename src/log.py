"""Python's logging, sent to the Workers console at its own level.

Left to itself logging writes to stderr, all of which the Workers runtime shows as an error.
"""

import logging
from collections.abc import Callable, Mapping
from typing import Protocol

LEVELS = {"debug": logging.DEBUG, "info": logging.INFO, "warn": logging.WARNING, "error": logging.ERROR}


class Console(Protocol):
    """JavaScript's console."""

    debug: Callable[[object], None]
    log: Callable[[object], None]
    warn: Callable[[object], None]
    error: Callable[[object], None]


class ConsoleHandler(logging.Handler):
    """Writes each record to the console: its message, or the object that it carries as `record`, as `as_object` makes it."""

    def __init__(self, console: Console, as_object: Callable[[Mapping[str, object]], object]) -> None:
        super().__init__()
        self._console = console
        self._as_object = as_object

    def emit(self, record: logging.LogRecord) -> None:
        """Write one record."""
        fields = getattr(record, "record", None)
        message = self._as_object(fields) if isinstance(fields, dict) else record.getMessage()
        if record.levelno >= logging.ERROR:
            self._console.error(message)
        elif record.levelno >= logging.WARNING:
            self._console.warn(message)
        elif record.levelno >= logging.INFO:
            self._console.log(message)
        else:
            self._console.debug(message)


def log_to(console: Console, as_object: Callable[[Mapping[str, object]], object]) -> logging.Logger:
    """The Worker's logger, writing to the console and nowhere else."""
    logger = logging.getLogger("risky-users")
    logger.handlers = [ConsoleHandler(console, as_object)]
    logger.propagate = False
    # What no line shows need not be found out for each: https://docs.python.org/3/howto/logging.html#optimization
    logging.logThreads = logging.logProcesses = logging.logMultiprocessing = False
    logging.logAsyncioTasks = False  # type: ignore[attr-defined]  # there since Python 3.12
    logging._srcfile = None
    return logger
