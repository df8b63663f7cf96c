"""A Worker that imports the module its cron expression names."""

import importlib
from typing import Protocol

from workers import WorkerEntrypoint


class Controller(Protocol):
    """The cron event."""

    cron: str


class Default(WorkerEntrypoint):
    """What the runtime instantiates for each event."""

    async def scheduled(self, controller: Controller, env: object, ctx: object) -> None:
        """Import it."""
        importlib.import_module(controller.cron)
