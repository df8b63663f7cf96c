"""What all parts work with: who is signed in, the project's folder, and what was made before."""

from dataclasses import dataclass

from risky_users.admin.entra import Graph
from risky_users.admin.errors import ServiceRefused
from risky_users.admin.machine import Machine
from risky_users.admin.wrangler import Wrangler
from risky_users.setup.configuration import WranglerFile
from risky_users.setup.ledger import Ledger

MARK = "Made by `risky-users setup`; `risky-users remove` takes it away."
"""In the notes of what was made, for whoever meets it in the portal."""

VARS, WRITTEN = "vars", "vars as written"
"""The ledger's entries for the vars that were written here: by name, what was there before, and what was put in its place."""
BIN = "/directory/deletedItems"
CREATE = "create-if-missing"
"""The preference with which PATCH by key makes what is missing (https://learn.microsoft.com/graph/api/application-upsert)."""


@dataclass(frozen=True, slots=True)
class Work:
    """The place of work. `name` is the Worker's, and what is made in Entra is named after it."""

    machine: Machine
    graph: Graph
    wrangler: Wrangler
    file: WranglerFile
    ledger: Ledger

    @property
    def name(self) -> str:
        """The Worker's name."""
        return self.wrangler.name


def without_upsert(refused: ServiceRefused) -> bool:
    """Whether this cloud does not know PATCH by key for such a thing."""
    return "Resource not found for the segment" in refused.answer.message
