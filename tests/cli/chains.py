"""A whole chain, set up as it should be: a tenant, an account, the Worker deployed between them, and an administrator of both."""

from dataclasses import dataclass, field

from groups import GROUP_NAMES
from simulator import Group, User
from simulator.chain import Chain, TenantJobs
from simulator.cloudflare import Account
from simulator.cloudflare.deployed import Worker
from simulator.cloudflare.permissions import ANYTHING
from simulator.entra.azure_cli import AzureCli
from simulator.entra.provisioning.job import Job
from simulator.entra.registrations import ServicePrincipal
from tests.cli.terminal import Terminal
from tests.lanes import Lane, lane

MINUTE, HOUR, DAY = 60.0, 3600.0, 86_400.0
READING = sorted(name for name in ANYTHING if name.endswith("Read"))


@dataclass
class Whole(Terminal):
    """A terminal beside a chain that holds; `given` are the Worker's vars beyond the two ids and the lists."""

    lists: bool = True
    """Whether the direct lane is on."""
    chain: Chain = field(init=False)
    worker: Worker = field(init=False)
    scim: ServicePrincipal = field(init=False)
    job: Job = field(init=False)
    everybody: Group = field(init=False)
    ada: User = field(init=False)

    def __post_init__(self) -> None:
        super().__post_init__()
        tenant, account = self.tenant, self.cloudflare
        tenant.behaviour.token_seconds = 10**8  # for tests of weeks
        account.provider.config["directory_id"] = tenant.id
        self.ada = tenant.add_user("Ada Lovelace", mail="Ada.L@contoso.com")
        self.everybody = tenant.create_group("Zero Trust users")
        administrator = tenant.add_user("Grace Hopper")
        tenant.assign_role(administrator, "Cloud Application Administrator")
        self.az = AzureCli(tenant, administrator)
        self.chain = Chain(tenant, account, job=TenantJobs(tenant), base_group=self.everybody)
        self.chain.use_lane(on=self.lists)
        tenant.on_change = account.on_change = None  # who browses how is looked at when time has passed, not at each request
        self.environment |= dict(account.worker_variables) if self.lists else {}
        self.environment["CLOUDFLARE_ACCOUNT_ID"] = account.id
        self.environment["CLOUDFLARE_API_TOKEN"] = account.create_token("administrator", *READING).value
        self.worker = account.deploy_worker("risky-users", variables=self.plain)
        self.worker.secrets |= dict.fromkeys(self.secret, "a secret")
        self.ticks.tick()
        self.scim = tenant.add_enterprise_application()
        tenant.assign(self.scim, *self.groups.values(), self.everybody)
        self.job = tenant.provision(self.scim, account.provider.scim_base_url, account.provider.scim_secret or "")
        self.later(HOUR + MINUTE)

    @property
    def cloudflare(self) -> Account:
        assert self.account
        return self.account

    @property
    def groups(self) -> dict[str, Group]:
        return {level: self.tenant.group_named(name) for level, name in GROUP_NAMES.items()}

    @property
    def secret(self) -> list[str]:
        return ["AZURE_AD_CLIENT_SECRET", *["GATEWAY_API_TOKEN"] * self.lists]

    @property
    def plain(self) -> dict[str, str]:
        """The Worker's vars."""
        return {name: value for name, value in self.environment.items() if name not in (*self.secret, "CLOUDFLARE_API_TOKEN")}

    def minute(self, status: str = "success") -> None:
        """A tick of the Worker, which Cloudflare notes."""
        self.ticks.tick()
        self.cloudflare.record_run(self.worker, status)

    def later(self, seconds: float) -> None:
        """Time that passes, with the provisioning cycles that are due, and a tick at its end."""
        self.ticks.clock.time += seconds
        self.tenant.catch_up()
        self.minute()
        self.chain.look()


def whole(*, lists: bool = True) -> Whole:
    ticks: Lane = lane(mail=lists)
    return Whole(ticks=ticks, account=ticks.account, lists=lists)
