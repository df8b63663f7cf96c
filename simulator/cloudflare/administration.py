"""What an account's administrators do, in the dashboard or by hand."""

from collections.abc import Callable, Iterable, Mapping
from random import Random

from simulator.cloudflare import rules, tokens, workers
from simulator.cloudflare.deployed import Run, Worker
from simulator.cloudflare.front import Front
from simulator.cloudflare.items import Change
from simulator.cloudflare.permissions import GROUP_IDS
from simulator.cloudflare.provisioned import IdentityProvider, UpdateBehaviour
from simulator.cloudflare.registry import Registry
from simulator.cloudflare.scim import INTERVAL, Directory, ScimCycle
from simulator.cloudflare.state import GatewayList, Item, ListWrite, Rule, Token, TokenKind
from simulator.messages import JSON
from simulator.scim import ProvisioningJob, ScimEndpoint, Unauthorized, Unreachable

EVERY_MINUTE = "* * * * *"


class Administration(Front):
    """An account in its administrators' hands."""

    def __init__(self, clock: Callable[[], float], random: Random) -> None:
        super().__init__(clock, random)
        self.jobs: list[ProvisioningJob] = []
        """Whoever provisions to this account, and has no clock but the account's to be woken by."""

    def catch_up(self) -> None:
        """Let the provisioning run that is due."""
        for job in self.jobs:
            job.run_due()

    @property
    def id(self) -> str:
        """The account's id."""
        return self.state.id

    @property
    def on_write(self) -> Callable[[ListWrite], None] | None:
        """Hears of each value that a request appended to a list or removed from one, right after it."""
        return self.service.on_write

    @on_write.setter
    def on_write(self, listener: Callable[[ListWrite], None] | None) -> None:
        self.service.on_write = listener

    def create_token(self, name: str, *permissions: str, kind: TokenKind = "account", expires: float | None = None) -> Token:
        """A token with these permission groups, by name. Raises KeyError for one that is not known here."""
        if unknown := set(permissions) - GROUP_IDS.keys():
            raise KeyError(*unknown)
        token = tokens.new_token(self.service, name, kind, set(permissions), self.clock())
        token.expires = expires
        self.changed()
        return token

    @property
    def token(self) -> Token:
        """The token made first."""
        return next(iter(self.state.tokens.values()))

    def add_list(self, name: str, values: Iterable[str] = (), kind: str = "EMAIL") -> GatewayList:
        """A list made by hand."""
        made = GatewayList(self.service.new_id(), name, kind, "", self.clock())
        self.state.lists[made.id] = made
        self.set_values(made, values)
        return made

    def set_values(self, target: GatewayList, values: Iterable[str]) -> None:
        """Let a list hold exactly these, by hand. Raises Refused where it cannot."""
        change = Change(self.service, target)
        change.replace([Item(value, self.clock()) for value in values])
        change.do(self.clock(), told=False)
        self.changed()

    def add_rule(self, name: str, action: str = "isolate", *, enabled: bool = True, **members: JSON) -> Rule:
        """A rule made by hand; `members` are those of a rule in the API. Raises Refused where the API would."""
        body: dict[str, JSON] = {"name": name, "action": action, "enabled": enabled, "filters": ["http"], **members}
        made = rules.make_rule(self.service, body, self.clock())
        self.changed()
        return made

    def put_rule(self, rule: Rule) -> None:
        """Change a rule, or share one from another account, by hand."""
        self.state.put_rule(rule, self.clock())
        self.changed()

    def decrypt_tls(self, *, on: bool) -> None:
        """Switch TLS decryption."""
        self.configure(tls_decrypt={"enabled": on})

    def configure(self, **blocks: JSON) -> None:
        """Set blocks of the Gateway configuration."""
        self.state.set_settings({**self.state.settings.value, **blocks}, self.clock())
        self.changed()

    def add_provider(
        self,
        name: str = "Entra ID",
        *,
        scim: bool = False,
        updates: UpdateBehaviour = "automatic",
        user_deprovision: bool = False,
        email_claim_name: str = "email",
    ) -> IdentityProvider:
        """An identity provider of type azureAD."""
        config: dict[str, JSON] = {
            "client_id": self.service.new_id(),
            "directory_id": self.service.new_id(),
            "support_groups": True,
            "conditional_access_enabled": False,
            "email_claim_name": email_claim_name,
            "claims": [],
            "prompt": "select_account",
        }
        made = IdentityProvider(self.service.new_id(), name, config, self.service.new_tag(), scim_enabled=scim)
        made.identity_update_behavior, made.user_deprovision = updates, user_deprovision
        made.scim_secret = self.service.new_tag() if scim else None
        self.state.providers[made.id] = made
        self.changed()
        return made

    @property
    def provider(self) -> IdentityProvider:
        """The identity provider made first."""
        return next(iter(self.state.providers.values()))

    def connect(self, directory: Directory, *, interval: float = INTERVAL, first: float | None = None) -> ScimCycle:
        """A provisioning job from a directory into the first provider; `first` is when it first runs, else at once.

        It runs when it is due by the account's clock, as soon as anything is asked of the account.
        """
        provider = self.provider
        job = ScimCycle(
            directory, self.door, provider.scim_base_url, provider.scim_secret or "", self.clock, interval=interval, first=first
        )
        self.jobs.append(job)
        return job

    def door(self, address: str, token: str) -> ScimEndpoint:
        """The SCIM endpoint at this base address (a simulator.scim.Door). Raises Unreachable or Unauthorized."""
        provider = next((each for each in self.state.providers.values() if each.scim_base_url == address.rstrip("/")), None)
        if provider is None or not provider.scim_enabled:
            raise Unreachable(address)
        if token != provider.scim_secret:
            raise Unauthorized
        return Registry(self.service, provider)

    def deploy_worker(self, name: str, *, crons: Iterable[str] = (EVERY_MINUTE,), variables: Mapping[str, str] | None = None) -> Worker:
        """Deploy a Worker, or a new version of one, whose secrets stay."""
        now = self.clock()
        worker = self.state.workers.setdefault(name, Worker(name, [], {}, {}, now, now))
        worker.crons, worker.variables = list(crons), dict(variables or {})
        workers.deploy(self.service, worker, "deployment", now)
        self.changed()
        return worker

    def record_run(self, worker: Worker, status: str = "success", *, cpu_us: int = 20_000) -> Run:
        """A run of a Worker's first cron trigger, due at the last full minute."""
        now = self.clock()
        run = Run(now, now - now % 60, worker.crons[0], status, cpu_us)
        worker.runs.append(run)
        self.changed()
        return run
