"""`setup worker`: the Worker's identity, its credential, and the Worker itself."""

from collections.abc import Callable
from dataclasses import dataclass, field

from risky_users.connection import Connection
from risky_users.setup.consent import Consent
from risky_users.setup.credential import YEAR_DAYS, Credential
from risky_users.setup.deployment import Deployment
from risky_users.setup.groups import Groups
from risky_users.setup.registration import Registration, wanted_permissions
from risky_users.setup.steps import Part
from risky_users.setup.trial import Trial
from risky_users.setup.work import Work
from settings import CLOUDS


@dataclass(slots=True)
class WorkerChoices:
    """What there is to choose. `lane`: whether the Worker keeps Gateway lists, too, and so has to read mail addresses."""

    lane: bool = False
    certificate: bool = False
    days: int = YEAR_DAYS
    keep: Callable[[str], None] = lambda _: None
    groups: bool = False
    """Whether the groups are made at once, instead of in the Worker's first minute."""


@dataclass(slots=True)
class WorkerPart:
    """Everything that makes a Worker that can sign in."""

    work: Work
    connection: Connection
    choices: WorkerChoices = field(default_factory=WorkerChoices)
    registration: Registration = field(init=False)
    consent: Consent = field(init=False)
    deployment: Deployment = field(init=False)
    credential: Credential = field(init=False)
    groups: Groups = field(init=False)

    def __post_init__(self) -> None:
        self.registration = Registration(self.work, wanted_permissions(lane=self.choices.lane))
        self.consent = Consent(self.registration)
        self.deployment = Deployment(self.work, self._wanted)
        trial = Trial(self.registration, self.connection)
        choices = self.choices
        self.credential = Credential(self.registration, self.deployment, trial, choices.certificate, choices.days, choices.keep)
        self.groups = Groups(self.work)

    def setting_up(self) -> Part:
        """From nothing to a Worker that runs."""
        steps = (
            *self.registration.steps(),
            *self.consent.steps(),
            *(self.groups.steps() if self.choices.groups else ()),
            *self.credential.steps(),
            *self.deployment.steps("credential"),
        )
        return Part("worker", "The Worker", steps)

    def removing(self) -> Part:
        """From a Worker that runs to what was there before."""
        return Part(
            "worker",
            "The Worker",
            (
                *self.deployment.steps_to_remove(),
                *self.consent.steps_to_remove(),
                *self.credential.steps_to_remove(),
                *self.registration.steps_to_remove(),
                *self.deployment.steps_to_restore(),
            ),
        )

    def _wanted(self) -> dict[str, str]:
        person = self.work.graph.person
        cloud = next(name for name, cloud in CLOUDS.items() if cloud == person.cloud)
        named = self.work.file.variables.get("AZURE_AD_TENANT_ID", "")
        return {
            "AZURE_AD_TENANT_ID": named if "." in named else person.tenant_id,  # a verified domain says the same
            "AZURE_AD_CLIENT_ID": self.registration.client_id,
            **({"AZURE_CLOUD": cloud} if cloud != "global" else {}),
            **({"CREDENTIAL_EXPIRES": self.credential.ends} if self.credential.ends else {}),
        }
