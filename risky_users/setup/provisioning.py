"""The SCIM application's provisioning: its job, where it writes to, and whether it runs.

https://learn.microsoft.com/graph/api/resources/synchronization-overview. The secrets are written as one whole, and the token is never
read back.
"""

import json
from collections.abc import Callable, Collection
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from http import HTTPStatus

from risky_users.admin.asking import Held, patiently
from risky_users.admin.entra import Entity, entries_of, key, text_of
from risky_users.admin.errors import AdminError, NotAllowed, ServiceRefused, Uncertain
from risky_users.admin.roles import APPLICATIONS
from risky_users.setup.assignments import ASSIGNED, Assignments
from risky_users.setup.mapping import look_at_mapping
from risky_users.setup.scim_application import ScimApplication, same_address
from risky_users.setup.steps import Finding, State, Step, failed, there, to_do
from risky_users.setup.work import Work
from text import JSON

JOB, STARTED, SECRETS = "provisioning job", "provisioning started", "endpoint and token"
"""In the ledger; for an application that was made otherwise only."""
_SETTLES_SECONDS = 60.0
_YOUNG = "The SCIM application"


@dataclass(slots=True)
class ScimChoices:
    """What there is to choose. `token` gives Cloudflare's SCIM secret, empty where nobody has it; `notify` is a mailbox."""

    token: Callable[[], str] = str
    notify: str = ""


@dataclass(slots=True)
class ProvisioningJob:
    """The job, as it was last looked at."""

    application: ScimApplication
    assignments: Assignments
    choices: ScimChoices = field(default_factory=ScimChoices)
    job: Entity | None = field(default=None, init=False)

    @property
    def work(self) -> Work:
        """Where one works."""
        return self.application.work

    def steps(self) -> tuple[Step, ...]:
        """From an application to a job that runs."""
        return (
            Step("job", "Provisioning job", self.look_at_job, self.make_job, ("scim",), APPLICATIONS),
            Step("secrets", "Endpoint and token", self.look_at_secrets, self.write_secrets, ("job",), APPLICATIONS),
            Step("mapping", "Mapping", self.look_at_mapping, after=("job",), role=APPLICATIONS),
            *self.assignments.steps(),
            Step("start", "Provisioning", self.look_at_start, self.start, ("job", "secrets", "base", "assignments"), APPLICATIONS),
        )

    # --- the job ---

    def look_at_job(self) -> Finding:
        """The one that there is."""
        jobs = self._jobs() if self.application.principal else []
        self.job = jobs[0] if jobs else None
        if len(jobs) > 1:
            return failed(f"there are {len(jobs)}, which undo each other's work: delete all but one.")
        return there(f"{text_of(self.job, 'id')}.") if self.job else to_do("will be made.")

    def make_job(self) -> str:
        """One, unless there is one after all: asking twice makes two."""
        graph, path = self.work.graph, f"{self.application.path}/synchronization"
        self.job = self._settled()
        if not self.job:
            templates = [text_of(each, "id") for each in graph.all(f"{path}/templates", young=_YOUNG)]
            template = "scim" if "scim" in templates else templates[0] if len(templates) == 1 else ""
            if not template:
                raise AdminError(f"The application offers {', '.join(templates) or 'nothing'} to provision with, and not SCIM.")
            try:
                with self._noting(JOB):
                    self.job = graph.post(f"{path}/jobs", {"templateId": template}, young=_YOUNG)
            except ServiceRefused as refused:
                open_question = isinstance(refused, Uncertain) or refused.answer.status == HTTPStatus.CONFLICT
                self.job = self._settled() if open_question else None
                if not self.job:
                    raise
        if JOB in self.work.ledger:
            self.work.ledger.made(JOB, id=text_of(self.job, "id"))
        return f"{text_of(self.job, 'id')}."

    def _jobs(self) -> list[Entity]:
        """All; that there are none may be said by 404."""
        try:
            return self.work.graph.all(f"{self.application.path}/synchronization/jobs")
        except ServiceRefused as refused:
            status = refused.answer.status
            if status == HTTPStatus.NOT_FOUND or (self.application.new and status in (HTTPStatus.FORBIDDEN, HTTPStatus.CONFLICT)):
                return []
            raise

    def _settled(self) -> Entity | None:
        """The job there is, if any, asked of Entra until it is sure: 404 may mean a replica that knows nothing of the application yet."""

        def look() -> Entity | None:
            try:
                return next(iter(self.work.graph.all(f"{self.application.path}/synchronization/jobs")), None)
            except ServiceRefused as refused:
                if refused.answer.status in (HTTPStatus.FORBIDDEN, HTTPStatus.NOT_FOUND, HTTPStatus.CONFLICT):
                    raise Held(refused, "the SCIM application is new, and its provisioning not known everywhere in Entra yet") from refused
                raise

        try:
            return patiently(self.work.machine, look, _SETTLES_SECONDS)
        except ServiceRefused as refused:
            if refused.answer.status == HTTPStatus.NOT_FOUND:
                return None
            raise

    @property
    def _path(self) -> str:
        return f"{self.application.path}/synchronization/jobs/{text_of(self.job, 'id')}"

    # --- endpoint and token ---

    def look_at_secrets(self) -> Finding:
        """What can be read of them, and whether Cloudflare accepts them."""
        endpoint = self.application.endpoint
        held = self._secrets() if self.job else {}
        address, token = held.get("BaseAddress", ""), held.get("SecretToken", "")
        if not endpoint and not address:
            return failed("Cloudflare's SCIM endpoint is not known: see the step before, or give it with --scim-endpoint.")
        if not self.application.ours and self.application.principal and address:
            return there(f"{address}, as it was set up otherwise.")
        if not (token and same_address(address, endpoint or address) and held.get("SyncAll", "").lower() == "false"):
            return to_do(f"{endpoint or address}, with Cloudflare's SCIM secret, for assigned users and groups only.")
        if self._refused(saved=True):
            return to_do("Cloudflare does not accept the token that Entra has; it will be replaced.")
        return there(f"{address}, for assigned users and groups only.")

    def write_secrets(self) -> str:
        """The whole set, tried before. Raises AdminError."""
        endpoint, token = self.application.endpoint or self._secrets().get("BaseAddress", ""), self.choices.token().strip()
        if not token:
            raise AdminError(
                "Cloudflare's SCIM secret is not known. It is shown once: regenerate it under Integrations > Identity providers > "
                "Microsoft Entra > Edit, and run this again with it in CLOUDFLARE_SCIM_SECRET, or type it when you are asked."
            )
        pairs = {"BaseAddress": endpoint, "SecretToken": token, "SyncAll": "false"}
        if refused := self._refused(endpoint, token):
            if "InvalidCredentials" in refused.answer.code or "Unavailable" in refused.answer.code:
                remedy = "Check Cloudflare's SCIM endpoint and secret: is SCIM on there, and is it the newest secret?"
                raise ServiceRefused(refused.asked, refused.answer, remedy) from refused
            self.work.machine.tell(f"  … Entra doubts the endpoint ({refused.answer.code}); that has been seen of good ones, so it is set")
        if self.choices.notify:
            chosen = {"Enabled": True, "Recipients": self.choices.notify, "DeleteThresholdEnabled": True, "DeleteThresholdValue": 500}
            pairs["SyncNotificationSettings"] = json.dumps(chosen)
        value: list[JSON] = [{"key": name, "value": value} for name, value in pairs.items()]
        with self._noting(SECRETS, keys=" ".join(pairs), endpoint=endpoint):
            self.work.graph.put(f"{self.application.path}/synchronization/secrets", {"value": value}, young=_YOUNG)
        return f"{endpoint}, for assigned users and groups only."

    def _noting(self, entry: str, **facts: str) -> AbstractContextManager[None]:
        return self.work.ledger.making_unless(self.application.ours, entry, principal=self.application.id, **facts)

    def _secrets(self) -> dict[str, str]:
        return _secrets_in(self.work.graph.get(f"{self.application.path}/synchronization/secrets", young=_YOUNG))

    def _refused(self, endpoint: str = "", token: str = "", *, saved: bool = False) -> ServiceRefused | None:
        """What Entra says of endpoint and token, those given or those it has; None where they are good."""
        given: list[JSON] = [{"key": "BaseAddress", "value": endpoint}, {"key": "SecretToken", "value": token}]
        body: JSON = {"useSavedCredentials": saved, "credentials": [] if saved else given}
        try:
            self.work.graph.post(f"{self._path}/validateCredentials", body, repeat=True, young=_YOUNG)
        except NotAllowed:
            raise
        except ServiceRefused as refused:
            if saved and "InvalidCredentials" not in refused.answer.code:
                return None  # it may be on its way back, and a token is not replaced for that
            return refused
        return None

    def look_at_mapping(self) -> Finding:
        """Whether users and groups arrive as Cloudflare knows them; a mapping is nothing to be written unasked."""
        if not self.job:
            return there("the default one fits.")
        return look_at_mapping(self.work.graph.get(f"{self._path}/schema", young=_YOUNG))

    # --- whether it runs ---

    def look_at_start(self) -> Finding:
        """The job's schedule, and whether it is in quarantine."""
        if not self.job:
            return to_do("will be started; the first cycle takes 20 minutes to hours.")
        self.job = self.work.graph.get(self._path, young=_YOUNG)
        status, schedule = self.job.get("status"), self.job.get("schedule")
        quarantine = status.get("quarantine") if isinstance(status, dict) else None
        state = text_of(schedule, "state") if isinstance(schedule, dict) else ""
        if isinstance(quarantine, dict):
            return failed(
                f"the job is in quarantine ({text_of(quarantine, 'reason') or 'no reason given'}), and isolation does not follow risk: "
                "see its provisioning logs in Entra, mend that, and choose Restart provisioning."
            )
        return there("runs.") if state == "Active" else to_do("will be started; the first cycle takes 20 minutes to hours.")

    def start(self) -> str:
        """Start it, which is done only where it does not run."""
        with nullcontext() if JOB in self.work.ledger else self._noting(STARTED, id=text_of(self.job, "id")):
            try:
                self.work.graph.post(f"{self._path}/start", young=_YOUNG)
            except Uncertain:
                if self.look_at_start().state is not State.THERE:  # Microsoft asks not to start what runs
                    raise
        return "started; the first cycle takes 20 minutes to hours, later ones come every 40 minutes."

    # --- removing ---

    def steps_to_remove(self) -> tuple[Step, ...]:
        """Rest first: what is unassigned while a job runs is deprovisioned at Cloudflare."""
        return (
            Step("pause", "Provisioning", self.look_to_pause, self.pause, role=APPLICATIONS),
            *self.assignments.steps_to_remove(),
            Step("job", "Provisioning job", self.look_to_remove_job, self.remove_job, ("pause",), APPLICATIONS),
        )

    def look_to_pause(self) -> Finding:
        """Those that were made or started here, and any whose application groups were assigned to here."""
        running = [path for path in self._paths() if self._runs(path)]
        if not running:
            return there("nothing that was made here runs.")
        return to_do(f"will be paused: from then on groups and members stay at Cloudflare as they are.{self._others(running)}")

    def pause(self) -> str:
        """Let them rest."""
        running = [path for path in self._paths() if self._runs(path)]
        others = self._others(running)
        for path in running:
            self.work.graph.post(f"{path}/pause", repeat=True)
        self.work.ledger.forget(STARTED)
        return f"paused.{others}"

    def _others(self, running: Collection[str]) -> str:
        """What is to be said of jobs that ran before."""
        if set(running) <= {*self._started(), *self._jobs_of(self._own_principal())}:
            return ""
        return (
            " It ran before, and groups are to be unassigned: start it again in Entra once whoever is provisioned by those groups "
            "alone may be taken away at Cloudflare."
        )

    def look_to_remove_job(self) -> Finding:
        """One that was made here, or was given endpoint and token here, for an application that was made otherwise."""
        made = [entry for entry in (JOB, SECRETS) if entry in self.work.ledger]
        return to_do(f"{' and '.join(made)} will be taken away.") if made else there("goes with the application.")

    def remove_job(self) -> str:
        """Take both away, secrets by empty values as terraform-provider-azuread does; what was provisioned stays."""
        told = [told for told in (self._empty_secrets(), self._delete_job()) if told]
        return " ".join(told) or "taken away."

    def _empty_secrets(self) -> str:
        """What stays, if anything does."""
        ledger, graph = self.work.ledger, self.work.graph
        if SECRETS not in ledger:
            return ""
        principal, endpoint = ledger.fact(SECRETS, "principal"), ledger.fact(SECRETS, "endpoint")
        value: list[JSON] = [{"key": each, "value": ""} for each in ledger.fact(SECRETS, "keys").split()]
        told, path = "", f"/servicePrincipals/{principal}"
        if graph.find(path, select="id"):
            address = _secrets_in(graph.get(f"{path}/synchronization/secrets")).get("BaseAddress", "")
            if address and endpoint and not same_address(address, endpoint):
                told = f"Endpoint and token stay: somebody has written {address} there since."
            else:
                graph.put(f"{path}/synchronization/secrets", {"value": value})
        ledger.forget(SECRETS)
        return told

    def _delete_job(self) -> str:
        """What stays, if anything does."""
        ledger = self.work.ledger
        if JOB not in ledger:
            return ""
        path, known = f"/servicePrincipals/{ledger.fact(JOB, 'principal')}/synchronization/jobs", ledger.id(JOB)
        told = ""
        if known:
            self.work.graph.delete(f"{path}/{known}")
        elif self._jobs_of(ledger.fact(JOB, "principal")):
            told = "The provisioning job stays: whether it was made here was not written down. Delete it by hand if nothing else needs it."
        ledger.forget(JOB)
        return told

    def _paths(self) -> list[str]:
        """Of the jobs that may not run while anything is taken away."""
        assigned = {self.work.ledger.fact(entry, "principal") for entry in self.work.ledger.entries if entry.startswith(ASSIGNED)}
        principals = sorted({*assigned, self._own_principal()} - {""})
        return [*dict.fromkeys([*self._started(), *(path for each in principals for path in self._jobs_of(each))])]

    def _started(self) -> list[str]:
        """Paths of the jobs that were made or started here."""
        ledger = self.work.ledger
        started = [entry for entry in (JOB, STARTED) if ledger.id(entry)]
        return [f"/servicePrincipals/{ledger.fact(each, 'principal')}/synchronization/jobs/{ledger.id(each)}" for each in started]

    def _own_principal(self) -> str:
        """The id of the principal that was made here, if it is there."""
        found = self.application.find()
        return text_of(self.work.graph.find(key("/servicePrincipals", appId=text_of(found, "appId"))), "id") if found else ""

    def _jobs_of(self, principal: str) -> list[str]:
        """Paths of a principal's jobs."""
        root = f"/servicePrincipals/{principal}/synchronization/jobs"
        try:
            return [f"{root}/{text_of(each, 'id')}" for each in self.work.graph.all(root)] if principal else []
        except NotAllowed:
            raise
        except ServiceRefused as refused:
            if refused.answer.status != HTTPStatus.NOT_FOUND:  # which may mean that there is none
                raise
            return []

    def _runs(self, path: str) -> bool:
        schedule = (self.work.graph.find(path) or {}).get("schedule")
        return isinstance(schedule, dict) and text_of(schedule, "state") == "Active"


def _secrets_in(held: Entity) -> dict[str, str]:
    return {text_of(each, "key"): text_of(each, "value") for each in entries_of(held, "value")}
