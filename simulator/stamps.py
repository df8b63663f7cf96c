"""Times as services write and read them."""

from datetime import UTC, datetime
from functools import lru_cache


@lru_cache(maxsize=10_000)
def stamp(time: float) -> str:
    """Epoch seconds as `2026-11-25T18:45:00Z`."""
    return datetime.fromtimestamp(time, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def parse_stamp(text: str) -> float:
    """Epoch seconds; a time without a zone is UTC. Raises ValueError."""
    parsed = datetime.fromisoformat(text)
    return (parsed if parsed.tzinfo else parsed.replace(tzinfo=UTC)).timestamp()
