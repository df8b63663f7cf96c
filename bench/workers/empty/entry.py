"""A Worker that does nothing: what an event costs by itself."""

from workers import WorkerEntrypoint


class Default(WorkerEntrypoint):
    """What the runtime instantiates for each event."""

    async def scheduled(self, controller: object, env: object, ctx: object) -> None:
        """Nothing."""
