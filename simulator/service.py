"""What all operations on Microsoft Graph share: permission, quotas, pages, and replicas that lag."""

import re
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from email.utils import formatdate
from random import Random
from uuid import UUID

from simulator import permissions
from simulator.behaviour import Behaviour
from simulator.directory import Directory, Group, Write
from simulator.messages import JSON, Answer, Refusal
from simulator.odata import invalid_filter

WRITES, WRITE_WINDOW = 3000.0, 150.0
UNIT_WINDOW = 10.0
"""Write units in seconds, and the seconds in which resource units are counted, for one app in one tenant
(https://learn.microsoft.com/graph/throttling-limits)."""

_YOUNG = "The source resource object or one of the objects being referenced do not exist."
_PAGE_SIZE = re.compile(r"[1-9][0-9]{0,5}", re.ASCII)
_SKIP_TOKEN = re.compile(r"RFNwdAIAAQ\+([0-9]{1,9})\+AAAA=")
_LIST_OPTIONS = {"$filter", "$select", "$top", "$skiptoken"}


@dataclass(frozen=True, slots=True)
class Call:
    """One request for Graph, below `/v1.0`: the query decoded, names as they came."""

    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: JSON
    roles: frozenset[str]
    now: float
    root: str
    """`https://{host}/v1.0`"""

    def object(self) -> dict[str, JSON]:
        """The body, an object; raises Refusal."""
        if not isinstance(self.body, dict):
            raise Refusal(400, "BadRequest", "Unable to read JSON request payload.")
        return self.body


class Quota:
    """Units spent within a sliding window of seconds."""

    def __init__(self, window: float) -> None:
        self._window, self._total = window, 0.0
        self._spent: deque[tuple[float, float]] = deque()

    def take(self, units: float, now: float, most: float) -> float:
        """Spend them; or, where that would be more than `most`, do not, and tell how many seconds to wait."""
        while self._spent and now - self._spent[0][0] >= self._window:
            self._total -= self._spent.popleft()[1]
        if self._total + units > most:
            return self._window - (now - self._spent[0][0]) if self._spent else self._window
        self._spent.append((now, units))
        self._total += units
        return 0.0


class Service:
    """A directory behind replicas and quotas; `on_write` hears of every change."""

    def __init__(self, directory: Directory, behaviour: Behaviour, random: Random, violate: Callable[[str], None]) -> None:
        self.directory, self.behaviour, self.random, self.violate = directory, behaviour, random, violate
        self.on_write: Callable[[Write], None] | None = None
        self.last_risky_read = -1e9
        self._writes, self._reads = Quota(WRITE_WINDOW), Quota(UNIT_WINDOW)

    def new_id(self) -> str:
        """A fresh GUID."""
        return str(UUID(int=self.random.getrandbits(128), version=4))

    def tell(self, write: Write) -> None:
        """Let `on_write` know."""
        if self.on_write:
            self.on_write(write)

    # --- permission and quotas ---

    def may(self, call: Call, allowed: frozenset[str]) -> None:
        """Raises Refusal unless the app has one of these permissions."""
        if not call.roles & allowed:
            raise Refusal(403, "Authorization_RequestDenied", "Insufficient privileges to complete the operation.")

    def may_read_groups(self, call: Call) -> None:
        """Raises Refusal unless the app may look groups up."""
        strict = self.behaviour.lookup_needs_read_permission
        self.may(call, permissions.READ_GROUPS if strict else permissions.READ_GROUPS | {"GroupMember.ReadWrite.All"})

    def spend(self, call: Call, units: float) -> None:
        """Count a write; raises Refusal beyond the quota."""
        if self.behaviour.write_quota and (wait := self._writes.take(units, call.now, WRITES)):
            raise throttled(self.behaviour, call.now, wait, "WriteLimitExceeded")

    def use(self, call: Call, units: float) -> None:
        """Count resource units; raises Refusal beyond the quota, which grows with the tenant."""
        if self.behaviour.resource_quota:
            users = len(self.directory.users)
            most = 3500.0 if users < 50 else 5000.0 if users <= 500 else 8000.0
            if wait := self._reads.take(units, call.now, most):
                raise throttled(self.behaviour, call.now, wait, "ResourceUnitLimitExceeded")

    # --- groups as a replica knows them ---

    def group(self, group_id: str, call: Call) -> Group:
        """The group; raises Refusal where there is none, or this replica does not know it yet."""
        group = self.directory.groups.get(group_id.lower())
        if not group or group.deleted is not None:
            raise missing(group_id)
        self.perhaps_young(group, call)
        return group

    def group_by_key(self, name: str) -> Group | None:
        """The group with this `uniqueName`; raises Refusal where the cloud knows no such key."""
        if not self.behaviour.unique_names:
            raise Refusal(400, "BadRequest", "Resource not found for the segment 'groups'.")
        name = name.replace("''", "'")
        return next((group for group in self.directory.standing_groups() if group.unique_name == name), None)

    def perhaps_young(self, group: Group, call: Call) -> None:
        """Raises Refusal where the group is new and the replica that happens to answer does not know it yet."""
        if call.now - group.created < self.behaviour.young_seconds and self.random.random() < 0.7:
            if self.behaviour.young_error == 404:
                raise missing(group.id)
            raise Refusal(400, "Request_BadRequest", _YOUNG)

    def lag(self, most: float) -> float:
        """How far behind the replica is that happens to answer, in seconds."""
        return self.random.uniform(0, most) if most else 0.0

    # --- pages ---

    def top(self, call: Call, default: int, most: int) -> int:
        """How many entries a page holds; raises Refusal, also for options that the lists here do not take."""
        for name in call.query:
            if name.startswith("$") and name not in _LIST_OPTIONS:
                raise Refusal(400, "Request_UnsupportedQuery", f"The query option '{name}' is not supported.")
        text = call.query.get("$top")
        if text is None:
            return default
        if not _PAGE_SIZE.fullmatch(text):
            raise Refusal(400, "BadRequest", "Invalid page size specified.")
        if int(text) > most and self.behaviour.top_beyond_maximum == "error":
            raise Refusal(400, "BadRequest", f"Invalid page size specified: '{text}'. Must be between 1 and {most} inclusive.")
        return min(int(text), most, self.behaviour.page_at_most)

    def start(self, call: Call, length: int) -> int:
        """Where the page begins; raises Refusal for a token that is not ours."""
        token = call.query.get("$skiptoken")
        if token is None:
            return 0
        match = _SKIP_TOKEN.fullmatch(token)
        if not match:
            raise invalid_filter()
        return min(int(match[1]), length)

    def page(self, call: Call, context: str, page: list[dict[str, JSON]], following: int | None, units: float) -> Answer:
        """A page, and the link to the `following` entry if there is one. The link keeps the query, as Graph's do."""
        body: dict[str, JSON] = {"@odata.context": f"{call.root}/$metadata#{context}", "value": list(page)}
        if following is not None:
            kept = "".join(f"{name}={_escaped(value)}&" for name, value in call.query.items() if name != "$skiptoken")
            body["@odata.nextLink"] = f"{call.root}{call.path}?{kept}$skiptoken=RFNwdAIAAQ%2b{following}%2bAAAA%3d"
        return Answer(200, body, resource_units=units)

    def read_units(self, call: Call, base: float) -> float:
        """What a directory read costs: one less with $select, one less for a small page, one at least."""
        few = call.query.get("$top", "")
        small = few.isdecimal() and len(few) < 3 and int(few) < 20
        return max(1.0, base - ("$select" in call.query) - small)


def missing(object_id: str) -> Refusal:
    """What Graph answers where there is no such object."""
    message = f"Resource '{object_id}' does not exist or one of its queried reference-property objects are not present."
    return Refusal(404, "Request_ResourceNotFound", message)


def throttled(behaviour: Behaviour, now: float, seconds: float, reason: str) -> Refusal:
    """429 as the directory answers it (https://learn.microsoft.com/graph/throttling)."""
    pause = {"integer": str(int(seconds) + 1), "fraction": f"{seconds:.3f}", "date": formatdate(now + seconds + 1, usegmt=True), "none": ""}
    headers = {"x-ms-throttle-information": reason, "x-ms-throttle-scope": "Tenant_Application/ReadWrite"}
    if value := pause[behaviour.retry_after]:
        headers["Retry-After"] = value
    return Refusal(429, "TooManyRequests", "Please retry again later.", headers)


def _escaped(value: str) -> str:
    for character, escape in (("%", "%25"), (" ", "%20"), ("'", "%27"), ("&", "%26"), ("+", "%2b"), ("#", "%23")):
        value = value.replace(character, escape)
    return value
