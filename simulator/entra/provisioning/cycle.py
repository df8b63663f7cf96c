"""One cycle of a job: what differs between the scope and what was written before is written."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from simulator.entra.directory import Directory
from simulator.entra.provisioning.job import Exported, Failure, Job, Kind
from simulator.entra.provisioning.log import Action, Event, Status
from simulator.entra.provisioning.schema import map_group, map_user, maps
from simulator.entra.provisioning.scope import Scope
from simulator.entra.provisioning.settings import Settings
from simulator.scim import Rejected, ScimEndpoint, ScimGroup, ScimUser

NO_NAME = Failure("MissingMatchingAttribute", "The attribute that users are matched by has no value.")


class TooManyDeletes(Exception):
    """The cycle would deprovision more than it may, and has done nothing."""


@dataclass(slots=True)
class Cycle:
    """One cycle, or a part of one on demand. `failed` are ids of objects that the endpoint did not take."""

    directory: Directory
    job: Job
    settings: Settings
    endpoint: ScimEndpoint
    scope: Scope
    time: float
    id: str
    new_id: Callable[[], str]
    events: list[Event] = field(default_factory=list)
    exported: int = 0
    failed: set[str] = field(default_factory=set)

    def run(self) -> None:
        """All of it: users, then groups, then those who have left. Raises TooManyDeletes, UnusableSchema."""
        most = self.settings.most_deletes
        leaving = list(self._leaving())
        if most is not None and len(leaving) > most and not self.job.force_deletes:
            raise TooManyDeletes
        for user_id in sorted(self.scope.users):
            self.put_user(user_id)
        for group_id in sorted(self.scope.groups):
            self.put_group(group_id, self.scope.members[group_id])
        for object_id in leaving:
            self._drop(object_id)
        self.job.escrows = set(self.failed)

    def put_user(self, user_id: str) -> Status:
        """One user."""
        user = self.scope.users[user_id]
        content = map_user(self.job.schema, user)
        if not maps(self.job.schema, "User") or content is None:
            self._tell(user_id, "User", user.name, "other", "skipped", NO_NAME)
            return "skipped"
        return self._put(user_id, "User", user.name, content, lambda known: self.endpoint.put_user(content, known, self.time))

    def put_group(self, group_id: str, members: frozenset[str]) -> Status:
        """One group with these of its members, by id, who have arrived before."""
        group = self.scope.groups[group_id]
        if not maps(self.job.schema, "Group"):
            return "skipped"
        there = {each: self.job.exported[each].target for each in members if each in self.job.exported}
        content = map_group(self.job.schema, group, frozenset(there.values()))
        return self._put(group_id, "Group", group.name, content, lambda known: self.endpoint.put_group(content, known, self.time))

    def _put(self, object_id: str, kind: Kind, name: str, content: ScimUser | ScimGroup, put: Callable[[str | None], str]) -> Status:
        before = self.job.exported.get(object_id)
        if before and before.active and before.content == content:
            return "skipped"
        action: Action = "update" if before else "create"
        try:
            target = put(before.target if before else None)
        except Rejected as rejected:
            self.failed.add(object_id)
            self._tell(object_id, kind, name, action, "failure", Failure("EntryRejected", str(rejected)))
            return "failure"
        self.job.exported[object_id] = Exported(target, content)
        self._tell(object_id, kind, name, action, "success")
        return "success"

    def _leaving(self) -> Iterator[str]:
        """Whom the endpoint holds though they are out of scope; deleted ones leave whatever the settings say."""
        for object_id, exported in self.job.exported.items():
            gone = object_id not in self.scope.users and object_id not in self.scope.groups
            kept = self.settings.keeps_those_out_of_scope and self.directory.type_of(object_id) == "#microsoft.graph.user"
            if gone and exported.active and not kept:
                yield object_id

    def _drop(self, object_id: str) -> None:
        exported = self.job.exported[object_id]
        name = self.directory.name_of(object_id)
        is_user = isinstance(exported.content, ScimUser)
        kind: Kind = "User" if is_user else "Group"
        action: Action = "disable" if is_user else "delete"
        try:
            if is_user:
                self.endpoint.deactivate_user(exported.target, self.time)
            else:
                self.endpoint.delete_group(exported.target, self.time)
        except Rejected as rejected:
            self.failed.add(object_id)
            self._tell(object_id, kind, name, action, "failure", Failure("EntryRejected", str(rejected)))
            return
        self._tell(object_id, kind, name, action, "success")
        if is_user:
            exported.active = False
        else:
            del self.job.exported[object_id]

    def _tell(self, object_id: str, kind: Kind, name: str, action: Action, status: Status, failure: Failure | None = None) -> None:
        held = self.job.exported.get(object_id)
        self.exported += status == "success"
        self.events.append(
            Event(
                self.new_id(),
                self.time,
                self.job.id,
                self.job.principal_id,
                self.id,
                action,
                status,
                kind,
                object_id,
                name,
                held.target if held else "",
                failure,
            )
        )
