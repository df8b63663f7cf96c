"""The three security groups, made as the Worker makes them: by a unique name, so that two at once cannot make two."""

from dataclasses import dataclass, field

from groups import GROUP_NAMES
from risky_users.admin.entra import Entity, key, quoted
from risky_users.admin.errors import AdminError, ServiceRefused, Uncertain
from risky_users.admin.roles import GROUPS
from risky_users.setup.steps import Finding, Step, failed, there, to_do
from risky_users.setup.work import CREATE, Work, without_upsert
from security_group import FIELDS, SecurityGroup, read_group
from text import JSON

_ENTRY = "group "
"""How its entries in the ledger begin."""

_AFTER = ("pause", "assignments", "scim")
"""Groups that vanish while provisioning runs vanish at Cloudflare, too."""


@dataclass(slots=True)
class Groups:
    """The groups as they were last looked at, by level."""

    work: Work
    found: dict[str, SecurityGroup] = field(default_factory=dict, init=False)

    def steps(self) -> tuple[Step, ...]:
        """All three in one."""
        return (Step("groups", "The three groups", self.look, self.make, role=GROUPS),)

    def look(self) -> Finding:
        """By name, as the Worker finds them; of several with a name the oldest."""
        self.found = {level: group for level, name in GROUP_NAMES.items() if (group := self._oldest(name) or self._ours(level))}
        if unwritable := [f"{group.name}: {group.unwritable}" for group in self.found.values() if group.unwritable]:
            return failed(f"{'; '.join(unwritable)}.")
        missing = [name for level, name in GROUP_NAMES.items() if level not in self.found]
        return to_do(f"{', '.join(missing)} will be made.") if missing else there(f"{', '.join(GROUP_NAMES.values())}.")

    def make(self) -> str:
        """Those that are missing."""
        missing = {level: name for level, name in GROUP_NAMES.items() if level not in self.found}
        for level, name in missing.items():
            with self.work.ledger.making(f"{_ENTRY}{level}", name=name):
                made = read_group({**self._make(name)})
            if made is None:
                raise AdminError(f"Entra does not show {name} although it was made. Run this again.")
            self.found[level] = made
            self.work.ledger.made(f"{_ENTRY}{level}", id=made.id)
        return f"{', '.join(missing.values())}."

    def _make(self, name: str) -> Entity:
        graph, path = self.work.graph, key("/groups", uniqueName=name)
        body: dict[str, JSON] = {"displayName": name, "mailEnabled": False, "mailNickname": name, "securityEnabled": True}
        try:
            made = graph.patch(path, body, Prefer=CREATE)
            return made if "id" in made else graph.get(path, young=f"The group {name}", select=FIELDS)
        except ServiceRefused as refused:
            taken = "uniqueName already exists" in refused.answer.message  # by a deleted group, for 30 days
            if not taken and not without_upsert(refused):
                raise
        try:
            return graph.post("/groups", body)
        except Uncertain:
            if again := self._entities(name):
                return again[0]
            raise

    def _oldest(self, name: str) -> SecurityGroup | None:
        groups = [group for each in self._entities(name) if (group := read_group({**each}))]
        return min(groups, key=lambda group: (group.created, group.id), default=None)

    def _ours(self, level: str) -> SecurityGroup | None:
        """The one that was made here, which the look-up by name may not show yet."""
        known = self.work.ledger.id(f"{_ENTRY}{level}")
        return read_group({**(self.work.graph.find(f"/groups/{known}", select=FIELDS) or {})}) if known else None

    def _entities(self, name: str) -> list[Entity]:
        return self.work.graph.all("/groups", filter=f"displayName eq {quoted(name)}", select=FIELDS)

    # --- removing ---

    def steps_to_remove(self, *, asked: bool) -> tuple[Step, ...]:
        """Only where that is asked for by name: rules and assignments of others may go by them."""
        return (Step("groups", "The three groups", self.look_to_remove if asked else self.look_to_leave, self.remove, _AFTER, GROUPS),)

    def look_to_leave(self) -> Finding:
        """They stay."""
        return there("stay; --groups deletes those that were made here.")

    def look_to_remove(self) -> Finding:
        """Those on the ledger."""
        names = [self.work.ledger.fact(entry, "name") for entry in self._entries()]
        return to_do(f"{', '.join(names)} will be deleted; they can be restored for 30 days.") if names else there("none was made here.")

    def remove(self) -> str:
        """Into the bin."""
        for entry in self._entries():
            known, name = self.work.ledger.id(entry), self.work.ledger.fact(entry, "name")
            group = self._oldest(name) if not known else None  # whoever was stopped while making it
            if known or group:
                self.work.graph.delete(f"/groups/{known or (group.id if group else '')}")
            self.work.ledger.forget(entry)
        return "deleted."

    def _entries(self) -> list[str]:
        return [each for each in self.work.ledger.entries if each.startswith(_ENTRY)]
