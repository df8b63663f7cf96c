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
    """Writes each record to the console: its message if there is one, and the object that it may carry as `record`."""

    def __init__(self, console: Console, as_object: Callable[[Mapping[str, object]], object]) -> None:
        super().__init__()
        self._console = console
        self._as_object = as_object

    def emit(self, record: logging.LogRecord) -> None:
        """Write one record."""
        write = self._writer(record.levelno)
        if message := record.getMessage():
            write(message)
        fields = getattr(record, "record", None)
        if isinstance(fields, dict):
            write(self._as_object(fields))

    def _writer(self, level: int) -> Callable[[object], None]:
        if level >= logging.ERROR:
            return self._console.error
        if level >= logging.WARNING:
            return self._console.warn
        return self._console.log if level >= logging.INFO else self._console.debug


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
