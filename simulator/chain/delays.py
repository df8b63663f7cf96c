"""How long a change of risk takes to be felt at the user's browser."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

from simulator.chain.chain import Chain
from simulator.entra import User

PATIENCE = 4 * 3600.0


@dataclass(frozen=True, slots=True)
class Delays:
    """Seconds from a user's risk to the isolation of their browser, and from the end of it to its release; None: not in PATIENCE."""

    isolated: float | None
    released: float | None


class Comparison(NamedTuple):
    """The same with the direct lane and without."""

    with_lane: Delays
    without: Delays


def measure(chain: Chain, user: User, minute: Callable[[], object], level: str = "high") -> Delays:
    """Put the user at risk and, once their browser is isolated, dismiss that.

    `minute` is called as often as it takes: it lets the chain's clock go on by a minute and runs a tick of the Worker. Raises
    ValueError for a user whose browser is isolated already, or a clock that stands still.
    """
    if chain.isolated(user):
        raise ValueError(f"the browser of {user.name} is isolated already")
    chain.tenant.set_risk(user, level)
    isolated = _seconds_until(chain, user, minute, isolated=True)
    chain.tenant.dismiss(user)
    return Delays(isolated, _seconds_until(chain, user, minute, isolated=False))


def compare(chain: Chain, user: User, minute: Callable[[], object], level: str = "high") -> Comparison:
    """Measure twice, on contoso's account, with a Worker that keeps the groups in any case; raises as `measure` does."""
    chain.use_lane(on=False)  # first, for groups that SCIM has brought while the lane was measured would isolate for a while
    without = measure(chain, user, minute, level)
    chain.use_lane(on=True)
    return Comparison(measure(chain, user, minute, level), without)


def _seconds_until(chain: Chain, user: User, minute: Callable[[], object], *, isolated: bool) -> float | None:
    began = now = chain.clock()
    while chain.isolated(user) != isolated:
        if now - began > PATIENCE:
            return None
        minute()
        if chain.clock() <= now:
            raise ValueError("the clock stands still")
        now = chain.clock()
    return max(0.0, chain.since(user) - began)
