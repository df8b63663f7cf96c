"""What all operations on Microsoft Graph share: the directory, permission, quotas, and replicas that lag."""

from collections import defaultdict
from collections.abc import Callable, Collection
from random import Random

from simulator.core import Core
from simulator.entra.access import Access
from simulator.entra.behaviour import Behaviour
from simulator.entra.call import Call
from simulator.entra.directory import Directory, Group, Write
from simulator.entra.odata import Filter, parse_filter
from simulator.entra.provisioning import Provisioning
from simulator.entra.quotas import ON_DEMAND_WINDOW, UNIT_WINDOW, WRITE_WINDOW, WRITES, resource_units, throttled
from simulator.entra.registrations import Application, ServicePrincipal
from simulator.messages import Refusal
from simulator.quotas import Quota

_YOUNG = "The source resource object or one of the objects being referenced do not exist."
_INVALID = "One or more property values specified are invalid."
_TOO_MANY_CLAUSES = "Too many child clauses specified in search filter expression containing 'OR' operators: {}. Max allowed: {}."


class Service(Core[Write]):
    """A directory behind replicas and quotas."""

    def __init__(self, directory: Directory, behaviour: Behaviour, random: Random, violate: Callable[[str], None]) -> None:
        super().__init__(random, violate)
        self.directory, self.behaviour = directory, behaviour
        self.last_risky_read = -1e9
        self.tenant_id, self.domain = "", "contoso.onmicrosoft.com"
        self.provisioning = Provisioning(directory, behaviour, self.new_id)
        self.on_demand = Quota(ON_DEMAND_WINDOW)
        self._writes: defaultdict[str, Quota] = defaultdict(lambda: Quota(WRITE_WINDOW))
        self._reads: defaultdict[str, Quota] = defaultdict(lambda: Quota(UNIT_WINDOW))

    def beware(self, call: Call, violation: str) -> None:
        """Note what no app of ours should do; administrators may."""
        if not call.caller.is_person:
            self.violate(violation)

    # --- permission and quotas ---

    def may(self, call: Call, allowed: frozenset[str]) -> None:
        """Raises Refusal unless the caller has one of these permissions."""
        if not call.permissions & allowed:
            raise denied()

    def admit(self, call: Call, access: Access, owners: Collection[str] = ()) -> None:
        """Raises Refusal unless the caller may do such a thing to an object of these owners."""
        if not access.admits(call.caller, owners):
            raise denied()

    def read(self, call: Call, base: float) -> float:
        """Count a directory read, and tell its units: one less with $select, one less for a small page, one at least."""
        few = call.query.get("$top", "")
        small = few.isdecimal() and len(few) < 3 and int(few) < 20
        units = max(1.0, base - ("$select" in call.query) - small)
        self.use(call, units)
        return units

    def write(self, call: Call, units: float = 1.0) -> None:
        """Count a write, which is a request besides; raises Refusal beyond the quotas."""
        self.use(call, 1.0)
        if self.behaviour.write_quota and (wait := self._writes[call.caller.client_id].take(units, call.now, WRITES)):
            raise throttled(self.behaviour.retry_after, call.now, wait, "WriteLimitExceeded")

    def use(self, call: Call, units: float) -> None:
        """Count resource units; raises Refusal beyond the quota."""
        most = resource_units(len(self.directory.users))
        if self.behaviour.resource_quota and (wait := self._reads[call.caller.client_id].take(units, call.now, most)):
            raise throttled(self.behaviour.retry_after, call.now, wait, "ResourceUnitLimitExceeded")

    # --- the directory as a replica knows it ---

    def filter(self, call: Call, properties: frozenset[str]) -> Filter | None:
        """The filter of a directory list, if any; raises Refusal for what only an index answers, which nothing here asks.

        That takes ConsistencyLevel: eventual and $count (https://learn.microsoft.com/graph/aad-advanced-queries).
        """
        text = call.query.get("$filter")
        if text is None:
            return None
        parsed = parse_filter(text, properties)
        if parsed.advanced:
            raise Refusal(400, "Request_UnsupportedQuery", "Unsupported Query.")
        if parsed.alternatives > self.behaviour.or_clauses:
            message = _TOO_MANY_CLAUSES.format(parsed.alternatives, self.behaviour.or_clauses)
            raise Refusal(400, "Request_UnsupportedQuery", message)
        return parsed

    def group(self, group_id: str, call: Call) -> Group:
        """The group; raises Refusal where there is none, or this replica does not know it yet."""
        group = self.directory.groups.get(group_id.lower())
        if not group or group.deleted is not None:
            raise missing(group_id)
        self.perhaps_young(group, call)
        return group

    def perhaps_young(self, group: Group, call: Call) -> None:
        """Raises Refusal where the group is new and the replica that happens to answer does not know it yet."""
        if call.now - group.created < self.behaviour.young_seconds and self.random.random() < 0.7:
            if self.behaviour.young_error == 404:
                raise missing(group.id)
            raise Refusal(400, "Request_BadRequest", _YOUNG if self.behaviour.young_error == 400 else _INVALID)

    def owners_of_group(self, group_id: str) -> list[str]:
        """Who owns the group, if there is one."""
        group = self.directory.groups.get(group_id.lower())
        return group.owners if group else []

    def application(self, object_id: str, call: Call) -> Application:
        """The application; raises Refusal where there is none, or this replica does not know it yet."""
        found = self.directory.applications.get(object_id.lower())
        if not found or found.deleted is not None or self.unknown_yet(found.created, call):
            raise missing(object_id)
        return found

    def principal(self, object_id: str, call: Call) -> ServicePrincipal:
        """The service principal; raises Refusal where there is none, or this replica does not know it yet."""
        found = self.directory.principals.get(object_id.lower())
        if not found or found.deleted is not None or self.unknown_yet(found.created, call):
            raise missing(object_id)
        return found

    def unknown_yet(self, made: float, call: Call) -> bool:
        """Whether the replica that happens to answer does not know what was made then."""
        return call.now - made < self.behaviour.admin_lag and self.random.random() < 0.7


def denied() -> Refusal:
    """What Graph answers to whoever may not."""
    return Refusal(403, "Authorization_RequestDenied", "Insufficient privileges to complete the operation.")


def missing(object_id: str) -> Refusal:
    """What Graph answers where there is no such object."""
    message = f"Resource '{object_id}' does not exist or one of its queried reference-property objects are not present."
    return Refusal(404, "Request_ResourceNotFound", message)
