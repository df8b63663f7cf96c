"""How much may be asked, and how the API says that it was too much.

Lists: 600 requests a minute, then none for 120 seconds (https://developers.cloudflare.com/cloudflare-one/account-limits/). All: 1,200
in five minutes for each user or account token, then none for five minutes; 200 a second from one address
(https://developers.cloudflare.com/fundamentals/api/reference/limits/). Observed: the forms of the answer.
"""

from dataclasses import dataclass

from simulator.cloudflare.behaviour import Behaviour
from simulator.cloudflare.state import Token
from simulator.quotas import Quota


class Window:
    """At most `most` requests in `seconds`; whoever asks for more gets nothing for `penalty` seconds, which are no fewer."""

    def __init__(self, most: int, seconds: float, penalty: float) -> None:
        self.most, self.seconds, self._penalty = most, seconds, penalty
        self._asked = Quota(seconds)
        self._blocked_until = 0.0

    def take(self, now: float) -> float:
        """Count a request; 0, or how many seconds to wait."""
        if now < self._blocked_until:
            return self._blocked_until - now
        if self._asked.take(1, now, self.most):
            self._blocked_until = now + self._penalty
            return self._penalty
        return 0.0

    def left(self, now: float) -> int:
        """How many requests are left."""
        return 0 if now < self._blocked_until else self.most - int(self._asked.used(now))

    def reset(self, now: float) -> int:
        """Seconds until there is one more."""
        return int(self._blocked_until - now if now < self._blocked_until else self._asked.wait(now))


@dataclass(frozen=True, slots=True)
class Throttled:
    """Too much was asked: how many seconds to wait, and whether the edge says so rather than the API."""

    seconds: float
    at_edge: bool = False


class Limits:
    """The windows of every bucket."""

    def __init__(self, behaviour: Behaviour) -> None:
        self._behaviour = behaviour
        self._edge = Window(200, 1.0, 1.0)
        self._all: dict[str, Window] = {}
        self._lists: dict[str, Window] = {}

    def at_edge(self, now: float) -> Throttled | None:
        """Count a request of this machine's."""
        wait = self._edge.take(now) if self._behaviour.rate_limits else 0.0
        return Throttled(wait, at_edge=True) if wait else None

    def take(self, token: Token, path: str, now: float) -> Throttled | None:
        """Count a request of a token's."""
        if not self._behaviour.rate_limits:
            return None
        wait = self._window(token).take(now)
        if not wait and "/gateway/lists" in path:
            wait = self._lists.setdefault(token.owner, Window(600, 60.0, 120.0)).take(now)
        return Throttled(wait) if wait else None

    def headers(self, token: Token | None, now: float) -> dict[str, str]:
        """What every answer of the API's tells (https://developers.cloudflare.com/changelog/, 2025-09-03)."""
        window = self._window(token) if token else Window(1200, 300.0, 300.0)
        return {
            "Ratelimit": f'"default";r={window.left(now)};t={window.reset(now)}',
            "Ratelimit-Policy": f'"default";q={window.most};w={window.seconds:.0f}',
        }

    def _window(self, token: Token) -> Window:
        return self._all.setdefault(token.owner, Window(1200, 300.0, 300.0))
