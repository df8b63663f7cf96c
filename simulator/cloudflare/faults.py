"""What goes wrong at Cloudflare beyond what goes wrong everywhere (simulator.faults)."""

from dataclasses import dataclass

from simulator.cloudflare.service import Pretence
from simulator.faults import Fault


@dataclass(slots=True)
class Ineffective(Fault):
    """A PATCH of a list is answered as if it were done, and nothing was; the answer's count `shows` what was expected, or what is."""

    kind: str = "slow"  # type: ignore[assignment]  # by no seconds, so that the answer stays as it is
    method: str = "PATCH"
    path: str = "/accounts/*/gateway/lists/*"
    shows: Pretence = "expected"
