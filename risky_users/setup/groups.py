"""The three security groups, made as the Worker makes them: by a unique name, so that two at once cannot make two."""

from dataclasses import dataclass, field
from http import HTTPStatus

from groups import GROUP_NAMES
from risky_users.admin.asking import Held, patiently
from risky_users.admin.entra import Entity, key, quoted, text_of
from risky_users.admin.errors import AdminError, ServiceRefused, Uncertain
from risky_users.admin.roles import GROUPS
from risky_users.setup.steps import Finding, Step, failed, left_alone, there, to_do
from risky_users.setup.work import Work, without_upsert
from security_group import FIELDS, SecurityGroup, read_group
from text import JSON

_ENTRY = "group "
"""How its entries in the ledger begin."""

_FIELDS = f"{FIELDS},description"
_APPEARS_SECONDS = 30.0
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
            entry = f"{_ENTRY}{level}"
            with self.work.ledger.making(entry, name=name):
                entity = self._make(name)
            group = read_group({**entity})
            if group is None:
                raise AdminError(f"Entra does not show {name} although it was made. Run this again.")
            self.found[level] = group
            if self._marked(entity):
                self.work.ledger.made(entry, id=group.id)
            else:
                self.work.ledger.forget(entry)  # somebody else was faster
        return f"{', '.join(missing.values())}."

    def _make(self, name: str) -> Entity:
        """The group, whoever made it. Not by PATCH, which would write the mark onto one that somebody else made a moment ago."""
        graph = self.work.graph
        body: dict[str, JSON] = {"displayName": name, "mailEnabled": False, "mailNickname": name, "securityEnabled": True}
        body["description"] = self._mark
        try:
            return graph.post("/groups", {**body, "uniqueName": name}, repeat=True)  # the name keeps it from making two
        except ServiceRefused as refused:
            if "uniqueName" not in refused.answer.message:
                raise
        if holder := self._holder(name):
            return holder
        try:
            return graph.post("/groups", body)  # for 30 days a deleted group may keep its unique name
        except Uncertain:
            if again := [each for each in self._entities(name) if self._marked(each)]:
                return again[0]
            raise

    def _holder(self, name: str) -> Entity | None:
        """The group that has this unique name, once it shows; None where it never does."""
        path = key("/groups", uniqueName=name)

        def look() -> Entity:
            try:
                return self.work.graph.get(path, select=_FIELDS)
            except ServiceRefused as refused:
                if refused.answer.status != HTTPStatus.NOT_FOUND:
                    raise
                raise Held(refused, f"{name} was made a moment ago, or lies among the deleted groups") from refused

        try:
            return patiently(self.work.machine, look, _APPEARS_SECONDS)
        except ServiceRefused as refused:
            if refused.answer.status == HTTPStatus.NOT_FOUND or without_upsert(refused):
                return None
            raise

    @property
    def _mark(self) -> str:
        return f"Made by `risky-users setup` for the Worker {self.work.name}; `risky-users remove --groups` takes it away."

    def _marked(self, entity: Entity) -> bool:
        return text_of(entity, "description") == self._mark

    def _oldest(self, name: str) -> SecurityGroup | None:
        groups = [group for each in self._entities(name) if (group := read_group({**each}))]
        return min(groups, key=lambda group: (group.created, group.id), default=None)

    def _ours(self, level: str) -> SecurityGroup | None:
        """The one that was made here, which the look-up by name may not show yet."""
        known = self.work.ledger.id(f"{_ENTRY}{level}")
        return read_group({**(self.work.graph.find(f"/groups/{known}", select=FIELDS) or {})}) if known else None

    def _entities(self, name: str) -> list[Entity]:
        return self.work.graph.all("/groups", filter=f"displayName eq {quoted(name)}", select=_FIELDS)

    # --- removing ---

    def steps_to_remove(self, *, asked: bool) -> tuple[Step, ...]:
        """Only where that is asked for by name: rules and assignments of others may go by them."""
        return (Step("groups", "The three groups", self.look_to_remove if asked else self.look_to_leave, self.remove, _AFTER, GROUPS),)

    def look_to_leave(self) -> Finding:
        """They stay."""
        return there("stay; --groups deletes those that were made here.")

    def look_to_remove(self) -> Finding:
        """Those on the ledger that are known to have been made here."""
        if not self._entries():
            return there("none was made here.")
        ours, others = self._known()
        if others and not ours:
            return left_alone(_told([], others))
        return to_do(_told([f"{', '.join(ours.values())} will be deleted; they can be restored for 30 days."], others))

    def remove(self) -> str:
        """Into the bin."""
        ours, others = self._known()
        for group in ours:
            self.work.graph.delete(f"/groups/{group}")
        for entry in self._entries():
            if self.work.ledger.fact(entry, "name") not in others:
                self.work.ledger.forget(entry)
        return _told(["deleted."], others)

    def _known(self) -> tuple[dict[str, str], list[str]]:
        """Names by id of the groups that were made here, and the names of those of which nobody knows: whoever was stopped while
        making a group may find one that somebody else made."""
        ours, others = dict[str, str](), list[str]()
        for entry in self._entries():
            known, name = self.work.ledger.id(entry), self.work.ledger.fact(entry, "name")
            standing = [] if known else self._entities(name)
            marked = [known] if known else [text_of(each, "id") for each in standing if self._marked(each)]
            ours |= dict.fromkeys(marked, name)
            others += [name] if standing and not marked else []
        return ours, others

    def _entries(self) -> list[str]:
        return [each for each in self.work.ledger.entries if each.startswith(_ENTRY)]


def _told(ours: list[str], others: list[str]) -> str:
    stays = (f"{name} stays: it does not say that it was made here. Delete it by hand if nothing else needs it." for name in others)
    return " ".join([*ours, *stays])
