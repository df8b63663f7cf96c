"""The Worker's service principal, and consent to its permissions (https://learn.microsoft.com/graph/api/resources/approleassignment)."""

from dataclasses import dataclass, field

from risky_users.admin.entra import Entity, key, quoted, text_of
from risky_users.admin.errors import NotAllowed, ServiceRefused
from risky_users.admin.roles import APPLICATIONS, CONSENT
from risky_users.setup.registration import Registration
from risky_users.setup.steps import Finding, Step, failed, there, to_do
from risky_users.setup.work import BIN, CREATE, MARK, Work, without_upsert
from text import JSON

_VISIBLE = "WindowsAzureActiveDirectoryIntegratedApp"
"""The tag by which the portal shows a principal under Enterprise applications."""
_PRINCIPAL = "service principal"
_CONSENT = "consent to "
"""How entries of the ledger begin: only for what was added to a registration that was made otherwise, for ours take theirs along."""
_YOUNG = "The Worker's service principal"


@dataclass(slots=True)
class Consent:
    """The principal as it was last looked at."""

    registration: Registration
    principal: Entity | None = field(default=None, init=False)

    @property
    def work(self) -> Work:
        """Where one works."""
        return self.registration.work

    def steps(self) -> tuple[Step, ...]:
        """The principal, and what is granted to it."""
        return (
            Step("principal", "Service principal", self.look, self.make, ("registration",), APPLICATIONS),
            Step("consent", "Consent", self.look_at_consent, self.consent, ("principal",), CONSENT),
        )

    # --- the principal ---

    def look(self) -> Finding:
        """The registration's shape in this tenant."""
        if not self.registration.application:
            return to_do("will be made for the registration.")
        self.principal = self.work.graph.find(self._path)
        if not self.principal:
            return to_do("will be made for the registration.")
        if self.principal.get("accountEnabled") is False:
            return failed("is disabled, so that the Worker gets no token: enable it under Enterprise applications > Properties.")
        return there(f"id {self._id}.")

    def make(self) -> str:
        """Out of the bin, from where it keeps its place taken, or new."""
        graph, client = self.work.graph, self.registration.client_id
        deleted = graph.all(f"{BIN}/microsoft.graph.servicePrincipal", filter=f"appId eq {quoted(client)}", select="id")
        if self.registration.ours:
            self._make(deleted)
        else:
            with self.work.ledger.making(_PRINCIPAL, client=client):
                self._make(deleted)
        return f"id {self._id}."

    def _make(self, deleted: list[Entity]) -> None:
        graph, young = self.work.graph, "The registration"
        made: Entity = {}
        if deleted:
            graph.post(f"{BIN}/{text_of(deleted[0], 'id')}/restore", repeat=True, young=young)
        else:
            try:
                made = graph.patch(self._path, {"tags": [_VISIBLE], "notes": MARK}, young=young, Prefer=CREATE)
            except ServiceRefused as refused:
                if not without_upsert(refused):
                    raise
                body: JSON = {"appId": self.registration.client_id, "tags": [_VISIBLE], "notes": MARK}
                made = graph.post("/servicePrincipals", body, repeat=True, young=young)  # an appId has one principal at most
        self.principal = made if "id" in made else graph.get(self._path, young=_YOUNG)

    @property
    def _id(self) -> str:
        return text_of(self.principal, "id")

    @property
    def _path(self) -> str:
        return key("/servicePrincipals", appId=self.registration.client_id)

    # --- consent ---

    def look_at_consent(self) -> Finding:
        """Which permissions are granted."""
        wanted = self.registration.permissions
        missing = self._ungranted() if self.principal else wanted
        return to_do(f"{', '.join(missing)} will be granted.") if missing else there(f"{', '.join(wanted)}.")

    def consent(self) -> str:
        """Grant what is missing."""
        missing, ids, resource = self._ungranted(), self.registration.role_ids(), self._resource
        for permission in missing:
            try:
                told = {"client": self.registration.client_id, "role": ids[permission]}
                with self.work.ledger.making_unless(self.registration.ours, f"{_CONSENT}{permission}", **told):
                    grant(self.work, self._id, resource, ids[permission], _YOUNG)
            except NotAllowed as refused:
                raise NotAllowed(refused.asked, refused.answer, f"They can also consent at {self._page}.") from refused
        return f"{', '.join(missing)} granted."

    @property
    def _page(self) -> str:
        person = self.work.graph.person
        return f"https://{person.cloud.login}/{person.tenant_id}/adminconsent?client_id={self.registration.client_id}"

    @property
    def _resource(self) -> str:
        return text_of(self.registration.graph_principal(), "id")

    def _ungranted(self) -> list[str]:
        granted, ids = {text_of(each, "appRoleId") for each in self._grants()}, self.registration.role_ids()
        return [each for each in self.registration.permissions if ids[each] not in granted]

    def _grants(self) -> list[Entity]:
        granted = self.work.graph.all(f"/servicePrincipals/{self._id}/appRoleAssignments", young=_YOUNG)
        return [each for each in granted if text_of(each, "resourceId") == self._resource]

    # --- removing ---

    def steps_to_remove(self) -> tuple[Step, ...]:
        """What was added to a registration that was made otherwise."""
        return (Step("consent", "Consent", self.look_to_remove, self.remove, ("worker",), CONSENT),)

    def look_to_remove(self) -> Finding:
        """By the ledger alone: nothing else tells whose a grant is."""
        added = self._added()
        return to_do(f"{', '.join(added)} will be taken back.") if added else there("goes with the registration.")

    def remove(self) -> str:
        """Take back exactly what was added."""
        added, ledger = self._added(), self.work.ledger
        for entry in added:
            self.principal = self.work.graph.find(key("/servicePrincipals", appId=ledger.fact(entry, "client")))
            if self.principal and entry == _PRINCIPAL:
                self.work.graph.delete(f"/servicePrincipals/{self._id}")
            elif self.principal:
                for each in self._grants():
                    if text_of(each, "appRoleId") == ledger.fact(entry, "role"):
                        self.work.graph.delete(f"/servicePrincipals/{self._resource}/appRoleAssignedTo/{text_of(each, 'id')}")
            ledger.forget(entry)
        return f"{', '.join(added)} taken back."

    def _added(self) -> list[str]:
        """Grants first, the principal last."""
        return sorted(each for each in self.work.ledger.entries if each == _PRINCIPAL or each.startswith(_CONSENT))


def grant(work: Work, principal: str, resource: str, role: str, young: str) -> None:
    """Let a principal have a role of a resource; whoever has it already has it, in whichever words Graph says so. Raises ServiceRefused."""
    body: JSON = {"principalId": principal, "resourceId": resource, "appRoleId": role}
    try:
        work.graph.post(f"/servicePrincipals/{resource}/appRoleAssignedTo", body, repeat=True, young=young)
    except ServiceRefused as refused:
        if "already exists" not in refused.answer.message:
            raise
