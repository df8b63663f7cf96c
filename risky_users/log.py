"""A tick's log on a stream, a line an entry, as text or as JSON."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from budget import Clock
from settings import LOG_LEVELS


@dataclass(frozen=True, slots=True)
class StreamLog:
    """A `report.Log` that hands each line to `write`: entries from `level` on, in the words that `wording` finds for them."""

    write: Callable[[str], object]
    clock: Clock
    level: str
    as_json: bool
    wording: Callable[[str], str]

    def __call__(self, level: str, entry: str | Mapping[str, object]) -> None:
        if LOG_LEVELS.index(level) < LOG_LEVELS.index(self.level):
            return
        time = datetime.fromtimestamp(int(self.clock.now()), UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        said = self.wording(entry) if isinstance(entry, str) else entry
        if self.as_json:
            self.write(json.dumps({"time": time, "level": level, **({"message": said} if isinstance(said, str) else said)}))
        else:
            self.write(f"{time} {level:<5} {said if isinstance(said, str) else json.dumps(said)}")
