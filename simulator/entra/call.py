"""One request as an operation sees it."""

from collections.abc import Mapping
from dataclasses import dataclass

from simulator.entra.caller import Caller
from simulator.messages import JSON, Refusal


@dataclass(frozen=True, slots=True)
class Call:
    """One request for Graph, below `/v1.0`: the query decoded, names as they came."""

    method: str
    path: str
    named: Mapping[str, str]
    """What stands in the path for the route's `{names}`."""
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: JSON
    caller: Caller
    now: float
    root: str
    """`https://{host}/v1.0`"""

    @property
    def permissions(self) -> frozenset[str]:
        """The caller's."""
        return self.caller.permissions

    def object(self) -> dict[str, JSON]:
        """The body, an object; raises Refusal."""
        if not isinstance(self.body, dict):
            raise Refusal(400, "BadRequest", "Unable to read JSON request payload.")
        return self.body
