"""What the operations of any service share: fresh ids, replicas that lag, and who hears of what was done."""

from collections.abc import Callable
from random import Random
from typing import Generic, TypeVar
from uuid import UUID

W = TypeVar("W")
"""What a service calls a write."""


class Core(Generic[W]):
    """`violate` notes what no client should do; `on_write` hears of each change that a request made, right after it."""

    def __init__(self, random: Random, violate: Callable[[str], None]) -> None:
        self.random, self.violate = random, violate
        self.on_write: Callable[[W], None] | None = None

    def new_id(self) -> str:
        """A fresh UUID."""
        return str(UUID(int=self.random.getrandbits(128), version=4))

    def tell(self, write: W) -> None:
        """Let `on_write` know."""
        if self.on_write:
            self.on_write(write)

    def lag(self, most: float) -> float:
        """How far behind the replica is that happens to answer, in seconds."""
        return self.random.uniform(0, most) if most else 0.0
