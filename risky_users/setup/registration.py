"""The Worker's app registration: made, restored or adopted, with the permissions that it asks for.

It is known by its `uniqueName`, which nobody else's can have; one that was made otherwise by the client id in wrangler's file. A
display name alone is never enough (https://learn.microsoft.com/graph/api/application-upsert).
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

from permissions import CREATE_GROUPS, READ_RISK, READ_USERS, WRITE_MEMBERS
from risky_users.admin.entra import Entity, entries_of, key, quoted, text_of
from risky_users.admin.errors import AdminError, ServiceRefused
from risky_users.admin.roles import APPLICATIONS
from risky_users.setup.steps import Finding, Step, failed, there, to_do
from risky_users.setup.work import BIN, CREATE, MARK, VARS, Work, without_upsert
from text import GUID, JSON

GRAPH_APP = "00000003-0000-0000-c000-000000000000"
NEEDED = (READ_RISK, WRITE_MEMBERS, CREATE_GROUPS)
OURS = "registration"
"""Its entry in the ledger, where it was made here."""
_ASKED = "permissions asked for"
_YOUNG = "The registration"


def wanted_permissions(*, lane: bool) -> tuple[str, ...]:
    """What the Worker needs; the direct lane reads mail addresses besides."""
    return (*NEEDED, READ_USERS) if lane else NEEDED


@dataclass(slots=True)
class Registration:
    """The registration as it was last looked at."""

    work: Work
    permissions: tuple[str, ...] = NEEDED
    application: Entity | None = field(default=None, init=False)
    _graph: Entity | None = field(default=None, init=False)
    _deleted: str = field(default="", init=False)
    """The object id of ours where it lies in the bin."""

    @property
    def client_id(self) -> str:
        """What the Worker signs in as; empty until it is there."""
        return text_of(self.application, "appId")

    @property
    def object_id(self) -> str:
        """The registration's own id."""
        return text_of(self.application, "id")

    @property
    def ours(self) -> bool:
        """Whether it was made here."""
        return OURS in self.work.ledger

    def steps(self) -> tuple[Step, ...]:
        """The registration, and what it asks for."""
        return (
            Step("registration", "App registration", self.look, self.make, role=APPLICATIONS),
            Step("asked", "Permissions asked for", self.look_at_asked, self.ask, ("registration",), APPLICATIONS),
        )

    # --- the registration ---

    def look(self) -> Finding:
        """By the ledger's id, the unique name, the client id in wrangler's file, the bin."""
        graph, file, named = self.work.graph, self.work.file.path.name, self.client_id_in_file
        self._deleted = ""
        self.application = self.find()
        if self.application:
            if named and named.lower() != self.client_id.lower():
                return failed(
                    f"{file} has AZURE_AD_CLIENT_ID {named}, but {self.work.name} is {self.client_id}: take the line out to use that, "
                    "or give this Worker another name."
                )
            return there(f"{text_of(self.application, 'displayName')}, client id {self.client_id}.")
        self.application = self.named()
        if self.application:
            return there(f"{text_of(self.application, 'displayName')}, client id {named}, which {file} names.")
        filtered = f"displayName eq {quoted(self.work.name)}"
        deleted = graph.all(f"{BIN}/microsoft.graph.application", filter=filtered, select="id,uniqueName")
        self._deleted = next((text_of(each, "id") for each in deleted if text_of(each, "uniqueName") == self.work.name), "")
        if self._deleted:
            return to_do(f"{self.work.name} lies among the deleted applications, and will be restored.")
        if named and not self.work.ledger.fact(VARS, "AZURE_AD_CLIENT_ID"):
            return failed(f"{file} has AZURE_AD_CLIENT_ID {named}, which this tenant does not know: take the line out.")
        if alike := graph.all("/applications", filter=filtered, select="id,appId"):
            ids = ", ".join(text_of(each, "appId") for each in alike)
            return failed(
                f"There is an app registration {self.work.name} that was made otherwise (client id {ids}): to use it, write its client id "
                f"into {file} as AZURE_AD_CLIENT_ID; or give this Worker another name there."
            )
        return to_do(f"{self.work.name} will be registered, for this tenant only.")

    def find(self) -> Entity | None:
        """Ours, if it is there."""
        known = self.work.ledger.id(OURS)
        return (self.work.graph.find(f"/applications/{known}") if known else None) or self.work.graph.find(self._path)

    @property
    def client_id_in_file(self) -> str:
        """The client id that wrangler's file has, empty where it has none."""
        named = self.work.file.variables.get("AZURE_AD_CLIENT_ID", "")
        return named if GUID.fullmatch(named) else ""

    def named(self) -> Entity | None:
        """The one that wrangler's file names."""
        named = self.client_id_in_file
        return self.work.graph.find(key("/applications", appId=named)) if named else None

    def make(self) -> str:
        """Restore it, or register it."""
        graph, ledger, name = self.work.graph, self.work.ledger, self.work.name
        with ledger.making(OURS, name=name):
            if self._deleted:
                graph.post(f"{BIN}/{self._deleted}/restore", repeat=True)
                self.application = graph.get(f"/applications/{self._deleted}", young=_YOUNG)
            else:
                self.application = self._register(name)
        ledger.made(OURS, id=self.object_id)
        return f"{name}, client id {self.client_id}."

    def _register(self, name: str) -> Entity:
        graph = self.work.graph
        wanted: dict[str, JSON] = {
            "displayName": name,
            "signInAudience": "AzureADMyOrg",
            "tags": [name],
            "notes": MARK,
            "requiredResourceAccess": [self._access(self.permissions)],
        }
        try:
            made = graph.patch(self._path, wanted, Prefer=CREATE)
        except ServiceRefused as refused:
            if not without_upsert(refused):
                raise
            made = graph.post("/applications", {**wanted, "uniqueName": name}, repeat=True)  # the name keeps it from making two
        return made if "id" in made else graph.get(self._path, young=_YOUNG)

    @property
    def _path(self) -> str:
        return key("/applications", uniqueName=self.work.name)

    # --- which permissions it asks for ---

    def look_at_asked(self) -> Finding:
        """What its API permissions page shows; nothing is granted by that."""
        if not self.application:
            return to_do(f"{', '.join(self.permissions)}.")
        missing = self._unasked()
        return to_do(f"{', '.join(missing)} besides.") if missing else there(f"{', '.join(self.permissions)}.")

    def ask(self) -> str:
        """Ask for those that are missing beside all others: the list is written as a whole."""
        missing, ids = self._unasked(), self.role_ids()
        others = [each for each in self._required() if text_of(each, "resourceAppId") != GRAPH_APP]
        of_graph: list[JSON] = [*map(dict, self._asked())]
        of_graph += [{"id": ids[each], "type": "Role"} for each in missing]
        access: list[JSON] = [*(dict(each) for each in others), {"resourceAppId": GRAPH_APP, "resourceAccess": of_graph}]
        before = self.work.ledger.fact(_ASKED, "ids").split()
        told = {"client": self.client_id, "ids": " ".join(dict.fromkeys([*before, *(ids[each] for each in missing)]))}
        with self.work.ledger.making_unless(self.ours, _ASKED, **told):
            self.work.graph.patch(f"/applications/{self.object_id}", {"requiredResourceAccess": access}, young=_YOUNG)
        return f"{', '.join(missing)} besides."

    def _required(self) -> list[Entity]:
        return entries_of(self.application, "requiredResourceAccess")

    def _asked(self) -> list[Entity]:
        of_graph = (each for each in self._required() if text_of(each, "resourceAppId") == GRAPH_APP)
        return [one for each in of_graph for one in entries_of(each, "resourceAccess")]

    def _unasked(self) -> list[str]:
        asked, ids = {text_of(each, "id") for each in self._asked()}, self.role_ids()
        return [each for each in self.permissions if ids[each] not in asked]

    def _access(self, permissions: Collection[str]) -> dict[str, JSON]:
        ids = self.role_ids()
        return {"resourceAppId": GRAPH_APP, "resourceAccess": [{"id": ids[each], "type": "Role"} for each in permissions]}

    def graph_principal(self) -> Entity:
        """Microsoft Graph, as this tenant has it."""
        if not self._graph:
            self._graph = self.work.graph.get(key("/servicePrincipals", appId=GRAPH_APP), select="id,appRoles")
        return self._graph

    def role_ids(self) -> Mapping[str, str]:
        """The ids of the permissions by their names, as this tenant has them. Raises AdminError."""
        ids = {text_of(each, "value"): text_of(each, "id") for each in entries_of(self.graph_principal(), "appRoles")}
        if unknown := [each for each in self.permissions if each not in ids]:
            raise AdminError(f"Microsoft Graph has no permission {', '.join(unknown)} in this cloud.")
        return ids

    # --- removing ---

    def steps_to_remove(self) -> tuple[Step, ...]:
        """The registration where it was made here; of one that was made otherwise, what it was made to ask for."""
        return (
            Step("asked", "Permissions asked for", self.look_to_unask, self.unask, ("worker",), APPLICATIONS),
            Step("registration", "App registration", self.look_to_remove, self.remove, ("worker",), APPLICATIONS),
        )

    def look_to_remove(self) -> Finding:
        """Ours by the ledger, or by its unique name and mark."""
        found = self.find()
        self.application = found if found and (self.ours or text_of(found, "notes") == MARK) else None
        if self.application:
            return to_do(
                f"{text_of(found, 'displayName')}, client id {self.client_id}, will be deleted, with its consent and credentials. "
                "It can be restored for 30 days."
            )
        return to_do("is gone; the state file is told.") if self.ours else there("none was made here.")

    def remove(self) -> str:
        """Into the bin, with its principal, credentials and consent."""
        if self.application:
            self.work.graph.delete(f"/applications/{self.object_id}")
        self.work.ledger.forget(OURS)
        return "deleted." if self.application else "was gone."

    def look_to_unask(self) -> Finding:
        """Whether another's registration was made to ask for more."""
        return to_do("what was added will be taken back.") if _ASKED in self.work.ledger else there("none were added.")

    def unask(self) -> str:
        """Take back what was added, and no more."""
        graph, ledger = self.work.graph, self.work.ledger
        added = set(ledger.fact(_ASKED, "ids").split())
        self.application = graph.find(key("/applications", appId=ledger.fact(_ASKED, "client")))
        access: list[JSON] = []
        for each in self._required():
            ours = added if text_of(each, "resourceAppId") == GRAPH_APP else set()
            kept: list[JSON] = [dict(one) for one in entries_of(each, "resourceAccess") if text_of(one, "id") not in ours]
            access += [{**each, "resourceAccess": kept}] if kept else []
        if self.application:
            graph.patch(f"/applications/{self.object_id}", {"requiredResourceAccess": access})
        ledger.forget(_ASKED)
        return "taken back."
