"""The enterprise application through which Entra provisions: made from the template for what is in no gallery, or the one there is.

Instantiating a template is done anew each time it is asked for, and may be answered 404 although it was done
(terraform-provider-azuread polls for it). So a new one has a name of its own until it is known by id: it is looked for by that before
anything is asked for again.
"""

from dataclasses import dataclass, field
from http import HTTPStatus
from secrets import token_hex

from expiry import timestamp
from risky_users.admin.asking import Held, patiently
from risky_users.admin.entra import Entity, entries_of, key, quoted, text_of
from risky_users.admin.errors import AdminError, Answer, ServiceRefused, Uncertain
from risky_users.admin.roles import APPLICATIONS
from risky_users.setup.steps import Finding, Step, failed, there, to_do
from risky_users.setup.work import MARK, Work

TEMPLATE = "8adf8e6e-67b2-4cf2-a259-e3dc5476c621"
"""https://learn.microsoft.com/graph/api/applicationtemplate-instantiate"""
NAME = "Cloudflare One SCIM"
ENTRY = "scim application"
APPEARS_SECONDS = 120.0
"""How long a new one may take to appear in lists."""
_NEW_SECONDS = 600.0
_YOUNG = "The SCIM application"


@dataclass(slots=True)
class ScimApplication:
    """The application as it was last looked at. `chosen` is the client id of one that is to be used; `endpoint` where it is to write."""

    work: Work
    endpoint: str = ""
    chosen: str = ""
    application: Entity | None = field(default=None, init=False)
    principal: Entity | None = field(default=None, init=False)

    @property
    def id(self) -> str:
        """The service principal's id, which assignments and provisioning belong to."""
        return text_of(self.principal, "id")

    @property
    def ours(self) -> bool:
        """Whether it was made here."""
        return ENTRY in self.work.ledger

    @property
    def new(self) -> bool:
        """Whether it is so new that parts of Entra may answer for it as though it were not there, or somebody else's."""
        try:
            return self.work.machine.now() - timestamp(text_of(self.application, "createdDateTime")) < _NEW_SECONDS
        except ValueError:
            return False

    @property
    def path(self) -> str:
        """The principal's."""
        return f"/servicePrincipals/{self.id}"

    @property
    def user_role(self) -> str:
        """The id of the role with which groups are assigned. Raises AdminError."""
        for role in entries_of(self.principal, "appRoles"):
            if text_of(role, "displayName") == "User":
                return text_of(role, "id")
        raise AdminError(f"The enterprise application {text_of(self.application, 'displayName')} has no role User to assign groups with.")

    def steps(self) -> tuple[Step, ...]:
        """The application with its principal."""
        return (Step("scim", "SCIM application", self.look, self.make, role=APPLICATIONS),)

    def look(self) -> Finding:
        """By the ledger, the unique name, the choice, and then by where it writes: two that write to one place undo each other's work."""
        self.application, self.principal = self.find() or self._chosen() or self._writing_there(), None
        if not self.application:
            return to_do(f"{NAME} will be made, an enterprise application of its own.")
        name = text_of(self.application, "displayName")
        self.principal = self._read(key("/servicePrincipals", appId=text_of(self.application, "appId")), wait=self.new)
        if not self.principal:
            return failed(f"{name} has no service principal: restore it under Enterprise applications, or delete the app registration.")
        names = {name, text_of(self.principal, "displayName")}
        if self.ours and (not self.work.ledger.id(ENTRY) or self.work.ledger.fact(ENTRY, "name") in names):
            return to_do(f"{name}, which an earlier run left unfinished, will be finished.")
        return there(f"{name}, object id {self.id}.")

    def find(self) -> Entity | None:
        """Ours, if it is there."""
        graph, ledger = self.work.graph, self.work.ledger
        known, name = ledger.id(ENTRY), ledger.fact(ENTRY, "name")
        found = self._read(f"/applications/{known}", wait=self._lately) if known else None
        found = found or graph.find(key("/applications", uniqueName=self._unique_name))
        return found or (self._named(name) if name else None)

    @property
    def _lately(self) -> bool:
        """Whether ours was begun so lately that parts of Entra may not know it."""
        begun = self.work.ledger.fact(ENTRY, "begun")
        return bool(begun) and self.work.machine.now() - float(begun) < _NEW_SECONDS

    def _read(self, path: str, *, wait: bool) -> Entity | None:
        """What is there; where it was made a moment ago, that it is not is believed only after a while."""
        if not wait:
            return self.work.graph.find(path)
        try:
            return self.work.graph.get(path, young=_YOUNG)
        except ServiceRefused as refused:
            if refused.answer.status == HTTPStatus.NOT_FOUND:
                return None
            raise

    def _chosen(self) -> Entity | None:
        if not self.chosen:
            return None
        found = self.work.graph.find(key("/applications", appId=self.chosen))
        if not found:
            raise AdminError(f"There is no enterprise application with the client id {self.chosen} in this tenant: check --scim-app.")
        return found

    def _writing_there(self) -> Entity | None:
        """One that was made otherwise and writes to our endpoint."""
        if not self.endpoint:
            return None
        graph = self.work.graph
        for each in graph.all("/applications", filter=f"applicationTemplateId eq {quoted(TEMPLATE)}", select="id,appId,displayName"):
            principal = graph.find(key("/servicePrincipals", appId=text_of(each, "appId")), select="id")
            secrets = graph.find(f"/servicePrincipals/{text_of(principal, 'id')}/synchronization/secrets") if principal else None
            if any(same_address(text_of(pair, "value"), self.endpoint) for pair in entries_of(secrets, "value")):
                return each
        return None

    def make(self) -> str:
        """Ask for it once, find it, and give it its names once its id is written down."""
        ledger = self.work.ledger
        name = ledger.fact(ENTRY, "name")
        if not self.application and name and self._lately:
            self.application = self._await(name)  # which whoever was stopped may have asked for
        if not self.application:
            name = name or f"{NAME} {token_hex(4)}"
            ledger.about_to_make(ENTRY, name=name, begun=str(int(self.work.machine.now())))
            self.application = self._instantiate(name)
        ledger.made(ENTRY, id=text_of(self.application, "id"))
        self.principal = self.work.graph.get(key("/servicePrincipals", appId=text_of(self.application, "appId")), young=_YOUNG)
        self._name()
        return f"{NAME}, object id {self.id}."

    def _instantiate(self, name: str) -> Entity:
        path, lost = f"/applicationTemplates/{TEMPLATE}/instantiate", None
        for _ in range(2):
            try:
                made = self.work.graph.post(path, {"displayName": name}).get("application")
                if isinstance(made, dict):
                    return made
            except ServiceRefused as refused:
                if not isinstance(refused, Uncertain) and refused.answer.status != HTTPStatus.NOT_FOUND:
                    self.work.ledger.forget(ENTRY)
                    raise
                lost = refused
            if found := self._await(name):
                return found
        raise lost or AdminError(f"Entra does not show {name} although it was made. Run this again.")

    def _await(self, name: str) -> Entity | None:
        """The application of this name, once lists show it; None where they never do."""

        def look() -> Entity:
            found = self._named(name)
            if not found:
                raise Held(ServiceRefused(f"GET {name}", Answer(404)), "whether the SCIM application was made is not to be seen yet")
            return found

        try:
            return patiently(self.work.machine, look, APPEARS_SECONDS)
        except ServiceRefused as refused:
            if refused.answer.status == HTTPStatus.NOT_FOUND:
                return None
            raise

    def _named(self, name: str) -> Entity | None:
        filtered = f"applicationTemplateId eq {quoted(TEMPLATE)} and displayName eq {quoted(name)}"
        return next(iter(self.work.graph.all("/applications", filter=filtered)), None)

    def _name(self) -> None:
        """Its final names; that such an application takes a unique name is not documented, and it does without."""
        path = f"/applications/{text_of(self.application, 'id')}"
        try:
            self.work.graph.patch(path, {"displayName": NAME, "notes": MARK, "uniqueName": self._unique_name}, young=_YOUNG)
        except ServiceRefused as refused:
            if "uniqueName" not in refused.answer.message:
                raise
            self.work.graph.patch(path, {"displayName": NAME, "notes": MARK}, young=_YOUNG)
        self.work.graph.patch(self.path, {"displayName": NAME}, young=_YOUNG)  # the portal shows the principal's

    @property
    def _unique_name(self) -> str:
        return f"{self.work.name}-scim"

    # --- removing ---

    def steps_to_remove(self) -> tuple[Step, ...]:
        """The application where it was made here, with its job and its assignments."""
        return (Step("scim", "SCIM application", self.look_to_remove, self.remove, ("pause",), APPLICATIONS),)

    def look_to_remove(self) -> Finding:
        """By the ledger, or the unique name and the mark."""
        found = self.find()
        self.application = found if found and (self.ours or text_of(found, "notes") == MARK) else None
        if self.application:
            return to_do(f"{text_of(found, 'displayName')} will be deleted, with its provisioning. It can be restored for 30 days.")
        return to_do("is gone; the state file is told.") if self.ours else there("none was made here.")

    def remove(self) -> str:
        """Into the bin."""
        if self.application:
            self.work.graph.delete(f"/applications/{text_of(self.application, 'id')}")
        self.work.ledger.forget(ENTRY)
        return "deleted." if self.application else "was gone."


def same_address(one: str, other: str) -> bool:
    """Whether two addresses are one; a slash at the end means nothing."""
    return one.rstrip("/").lower() == other.rstrip("/").lower()
