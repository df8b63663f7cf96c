"""`setup scim`: the groups on their way to Cloudflare."""

from dataclasses import dataclass, field

from risky_users.admin.cloudflare import Cloudflare
from risky_users.admin.errors import AdminError
from risky_users.admin.identity_provider import the_provider
from risky_users.setup.assignments import Assignments
from risky_users.setup.groups import Groups
from risky_users.setup.provisioning import ProvisioningJob, ScimChoices
from risky_users.setup.scim_application import ScimApplication
from risky_users.setup.steps import Finding, Part, Step, failed, left_alone, there
from risky_users.setup.work import Work


@dataclass(slots=True)
class ScimPart:
    """Everything between the groups and Cloudflare's registry. `endpoint` and `application`, where given, are taken as they are;
    without `cloudflare` the endpoint has to be given."""

    work: Work
    cloudflare: Cloudflare | None = None
    choices: ScimChoices = field(default_factory=ScimChoices)
    base_group: str = ""
    endpoint: str = ""
    provider: str = ""
    application: str = ""
    groups: Groups = field(init=False)
    scim: ScimApplication = field(init=False)
    job: ProvisioningJob = field(init=False)

    def __post_init__(self) -> None:
        self.groups = Groups(self.work)
        self.scim = ScimApplication(self.work, self.endpoint, self.application)
        self.job = ProvisioningJob(self.scim, Assignments(self.scim, self.groups, self.base_group), self.choices)

    def setting_up(self) -> Part:
        """From nothing to a job that runs."""
        first = Step("endpoint", "Cloudflare's side", self.look_at_endpoint)
        return Part("scim", "Provisioning to Cloudflare", (first, *self.groups.steps(), *self.scim.steps(), *self.job.steps()))

    def removing(self, *, with_groups: bool) -> Part:
        """Back to what was there before."""
        steps = (*self.job.steps_to_remove(), *self.scim.steps_to_remove(), *self.groups.steps_to_remove(asked=with_groups))
        return Part("scim", "Provisioning to Cloudflare", steps)

    def look_at_endpoint(self) -> Finding:
        """Where Entra is to write, and whether what it writes acts; changing that is not done unasked, for a mistake locks people out."""
        if self.endpoint:
            return there(f"{self.endpoint}, as given.")
        if not self.cloudflare:
            return left_alone("not looked at without an API token in CLOUDFLARE_API_TOKEN; --scim-endpoint gives the SCIM endpoint.")
        try:
            provider = the_provider(self.cloudflare, self.provider)
        except AdminError as error:
            return left_alone(f"{error} Without it, --scim-endpoint gives the SCIM endpoint.")
        self.scim.endpoint = provider.endpoint
        if not provider.scim:
            return failed(f"SCIM is off for {provider.name}. Switch it on {provider.by_hand}. Then run this again.")
        shortcomings = provider.shortcomings(base_group=bool(self.base_group))
        told = f"{provider.name}, {provider.endpoint}"
        return left_alone(f"{told}: {'; '.join(shortcomings)}. Change it {provider.by_hand}.") if shortcomings else there(f"{told}.")
