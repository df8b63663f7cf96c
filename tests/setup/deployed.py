"""The Worker that an office has deployed, in this process, by the office's clock."""

from settings import Settings, read_settings
from tests.lanes import Lane
from tests.setup.office import Office


class Deployed(Lane):
    """A Worker with the variables and secrets that it was given, and nothing else."""

    def settings(self, **overrides: str) -> Settings:
        worker = self.account.state.workers["risky-users"]
        return read_settings({**worker.variables, **worker.secrets, **overrides}.get)


def worker_of(office: Office) -> Deployed:
    """The office's."""
    return Deployed(office.tenant, office.clock, account=office.account)
