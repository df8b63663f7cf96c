"""Troubles to choose from by name, to be switched on and off while a service is watched."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Generic, Protocol, TypeVar

from simulator.faults import Fault


class Troubled(Protocol):
    """Whoever can be given faults, and tells others that something has changed."""

    faults: list[Fault]

    def changed(self) -> None: ...


T = TypeVar("T", bound=Troubled)


@dataclass(frozen=True, slots=True)
class Preset(Generic[T]):
    """One trouble, what it is, and how it begins and ends; its faults are there in between."""

    title: str
    explanation: str
    new_faults: Callable[[], list[Fault]] = list
    """Faults that have not struck yet."""
    begin: Callable[[T], None] = lambda service: None
    end: Callable[[T], None] = lambda service: None


@dataclass(slots=True)
class Switchboard(Generic[T]):
    """A service's presets, each on or off."""

    service: T
    presets: Mapping[str, Preset[T]]
    _begun: dict[str, list[Fault]] = field(default_factory=dict)

    @property
    def on(self) -> frozenset[str]:
        """The presets now on."""
        return frozenset(self._begun)

    def switch(self, name: str, *, on: bool) -> None:
        """Begin or end one of the presets; no matter if it has already. Raises KeyError."""
        preset = self.presets[name]
        if on and name not in self._begun:
            self._begun[name] = preset.new_faults()
            self.service.faults = [*self.service.faults, *self._begun[name]]
            preset.begin(self.service)
        elif not on and name in self._begun:
            ended = self._begun.pop(name)
            self.service.faults = [fault for fault in self.service.faults if not any(fault is each for each in ended)]
            preset.end(self.service)
        self.service.changed()
