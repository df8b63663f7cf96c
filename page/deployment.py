"""How the Worker is deployed beyond what the services ask for: variables to be tried out, switched like troubles."""

from collections.abc import Callable, Mapping

from simulator.faults import Fault
from simulator.presets import Preset


class Deployment:
    """Variables set beside the services', or instead of them; an empty one is left out."""

    def __init__(self) -> None:
        self.variables: dict[str, str] = {}
        self.faults: list[Fault] = []
        """None ever: a deployment answers no requests."""
        self.on_change: Callable[[], None] | None = None

    def changed(self) -> None:
        """Let `on_change` know."""
        if self.on_change:
            self.on_change()


def _with(title: str, explanation: str, name: str, value: str) -> Preset[Deployment]:
    return Preset(
        title,
        explanation,
        begin=lambda deployment: deployment.variables.update({name: value}),
        end=lambda deployment: deployment.variables.__delitem__(name),
    )


PRESETS: Mapping[str, Preset[Deployment]] = {
    "dry run": _with("A dry run", "DRY_RUN is true: nothing is written.", "DRY_RUN", "true"),
    "one removal": _with("One removal a minute", "MAX_REMOVALS is 1: users leave one by one.", "MAX_REMOVALS", "1"),
    "no secret": _with("No secret", "AZURE_AD_CLIENT_SECRET was not put.", "AZURE_AD_CLIENT_SECRET", ""),
}
