"""How the administrator comes to see: signed in to Entra, with a token of Cloudflare's, and with little patience."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace

from errors import ConfigError
from risky_users.admin.cloudflare import Cloudflare
from risky_users.admin.entra import Graph
from risky_users.admin.errors import AdminError
from risky_users.admin.machine import Machine
from risky_users.admin.sign_in import How, sign_in
from risky_users.check.account import Eyes
from risky_users.check.deployment import Wrangler
from risky_users.check.seen import Seen, Unseen
from risky_users.connection import Connection
from settings import Settings

NO_TOKEN = (
    "not seen: put an API token that may read Workers, Gateway and Access into the environment as CLOUDFLARE_API_TOKEN (docs/setup.md)."
)
NO_ACCOUNT = "not seen: tell the account's id, as CLOUDFLARE_ACCOUNT_ID in the environment or as account_id in wrangler.toml."
SCOPES = ("Directory.Read.All", "Synchronization.Read.All", "AuditLog.Read.All")
"""What a browser's sign-in consents to; the Azure CLI's token has scopes of its own."""
PATIENCE_SECONDS = 20.0
"""How long a check waits in all for services that give no usable answer."""


class OutOfPatience(AdminError):
    """The services have had time enough to answer."""


@dataclass(frozen=True, slots=True)
class Ways:
    """The Worker's way to Microsoft, and the computer of whoever is at it."""

    connection: Connection
    machine: Machine
    how: How = How.AZURE_CLI

    @contextmanager
    def opened(self, settings: Settings, wrangler: Wrangler) -> Iterator[tuple[Seen[Graph], Eyes]]:
        """Entra and the account at Cloudflare, as far as somebody is signed in."""
        machine = _hurried(self.machine)
        with ExitStack() as stack:
            yield self._graph(machine, settings, stack), _eyes(machine, settings, wrangler, stack)

    def _graph(self, machine: Machine, settings: Settings, stack: ExitStack) -> Seen[Graph]:
        try:
            person = sign_in(machine, settings.cloud, settings.tenant_id, self.how, SCOPES)
        except AdminError as error:
            return Unseen(f"not seen, for it takes an administrator of Entra. {error} `--sign-in browser` signs you in without it.")
        return stack.enter_context(Graph(machine, person))


def _eyes(machine: Machine, settings: Settings, wrangler: Wrangler, stack: ExitStack) -> Eyes:
    lane, environment = settings.gateway, machine.environment
    account_id = (lane.account_id if lane else "") or wrangler.account_id or environment.get("CLOUDFLARE_ACCOUNT_ID", "")
    token = environment.get("CLOUDFLARE_API_TOKEN", "")

    def eye(token: str) -> Seen[Cloudflare]:
        try:
            return stack.enter_context(Cloudflare(machine, account_id, token))
        except ConfigError as error:
            return Unseen(f"not seen. {error}")

    missing = NO_TOKEN if not token else NO_ACCOUNT if not account_id else ""
    return Eyes(Unseen(missing) if missing else eye(token), eye(lane.token) if lane else Unseen(missing))


def _hurried(machine: Machine) -> Machine:
    """The same machine for whoever only looks."""
    left = PATIENCE_SECONDS

    def sleep(seconds: float) -> None:
        nonlocal left
        if seconds > left:
            raise OutOfPatience("There is no usable answer: try again in a few minutes.")
        left -= seconds
        machine.sleep(seconds)

    return replace(machine, sleep=sleep)
