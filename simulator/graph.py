"""Microsoft Graph v1.0, as far as this project touches it: each operation with its permission, its errors and its cost."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from random import Random
from typing import TypeAlias
from urllib.parse import unquote
from uuid import UUID

from simulator import permissions
from simulator.behaviour import Behaviour
from simulator.directory import Directory, Group, User, Write, is_guid
from simulator.messages import JSON, Answer, Refusal
from simulator.odata import invalid_filter, parse_filter, select

RISKY_USER_PROPERTIES = {
    "id",
    "isDeleted",
    "isProcessing",
    "riskDetail",
    "riskLastUpdatedDateTime",
    "riskLevel",
    "riskState",
    "userDisplayName",
    "userPrincipalName",
}
GROUP_FILTERS = {"id", "displayName", "mailNickname", "mailEnabled", "securityEnabled", "uniqueName"}

_ALREADY = "One or more added object references already exist for the following modified properties: 'members'."
_NOT_A_MEMBER = "One or more removed object references do not exist for the following modified properties: 'members'."
_YOUNG = "The source resource object or one of the objects being referenced do not exist."
_MAIL_NICKNAME = re.compile(r"[!-~]{1,64}", re.ASCII)


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


Operation: TypeAlias = "Callable[[Graph, Call, re.Match[str]], Answer]"


class Graph:
    """The operations over a directory; `on_write` hears of every change."""

    def __init__(self, directory: Directory, behaviour: Behaviour, random: Random, violate: Callable[[str], None]) -> None:
        self.directory, self.behaviour, self.random, self.violate = directory, behaviour, random, violate
        self.on_write: Callable[[Write], None] | None = None
        self._last_risky_read = -1e9
        self._written: list[tuple[float, float]] = []

    def handle(self, call: Call) -> Answer:
        """The answer; raises Refusal."""
        path = unquote(call.path)
        for method, pattern, operation in _ROUTES:
            match = pattern.fullmatch(path)
            if match and method == call.method:
                return operation(self, call, match)
        self.violate(f"unknown request: {call.method} {path}")
        if any(pattern.fullmatch(path) for _, pattern, _ in _ROUTES):
            raise Refusal(405, "Request_BadRequest", "Specified HTTP method is not allowed for the request target.")
        raise Refusal(404, "BadRequest", "Resource not found for the segment.")

    # --- Identity Protection ---

    def list_risky_users(self, call: Call, _: "re.Match[str]") -> Answer:
        self._may_read_risk(call)
        if self.behaviour.one_risky_read_a_second and call.now - self._last_risky_read < 1.0:
            raise Refusal(429, "TooManyRequests", "Too many requests.")
        self._last_risky_read = call.now
        top = self._top(call, self.behaviour.risky_users_page, 500)
        chosen = call.query.get("$filter")
        keep = parse_filter(chosen, RISKY_USER_PROPERTIES, allow_or=self.behaviour.or_filter) if chosen else _everything
        users = [user for user in self.directory.users.values() if user.risk_level is not None and keep(risky_user(user))]
        start = self._start(call, len(users))
        end = start + top
        page = [select(risky_user(user), call.query.get("$select")) for user in users[max(0, start - self._again(start)) : end]]
        return self._page(call, "identityProtection/riskyUsers", page, end if end < len(users) else None)

    def get_risky_user(self, call: Call, match: "re.Match[str]") -> Answer:
        self._may_read_risk(call)
        user = self.directory.users.get(match["user"].lower())
        if not user or user.risk_level is None:
            raise Refusal(404, "Request_ResourceNotFound", f"Resource '{match['user']}' does not exist.")
        return Answer(200, {"@odata.context": f"{call.root}/$metadata#identityProtection/riskyUsers/$entity", **risky_user(user)})

    def _may_read_risk(self, call: Call) -> None:
        if not call.roles & permissions.LIST_RISKY_USERS:
            raise Refusal(403, "Forbidden", "You cannot perform the requested operation, required scopes are missing in the token.")
        if not self.directory.premium:
            raise Refusal(403, "Forbidden", "Your tenant is not licensed for this feature.")

    def _again(self, start: int) -> int:
        return 1 if start and self.behaviour.listed_twice else 0

    # --- groups ---

    def list_groups(self, call: Call, _: "re.Match[str]") -> Answer:
        self._may_read_groups(call)
        top = self._top(call, 100, 999)
        chosen = call.query.get("$filter")
        keep = parse_filter(chosen, GROUP_FILTERS) if chosen else _everything
        lag = self._lag(self.behaviour.lookup_lag)
        visible = []
        for group in self.directory.groups.values():
            known = group.created <= call.now - lag or not lag
            gone = group.deleted is not None and call.now - group.deleted >= lag
            if known and not gone and keep(entity := group_entity(group)):
                visible.append(entity)
        start = self._start(call, len(visible))
        page = [select(entity, call.query.get("$select")) for entity in visible[start : start + top]]
        return self._page(call, "groups", page, start + top if start + top < len(visible) else None)

    def get_group(self, call: Call, match: "re.Match[str]") -> Answer:
        self._may_read_groups(call)
        return self._group_answer(call, self._group(match["group"], call), 200)

    def get_group_by_key(self, call: Call, match: "re.Match[str]") -> Answer:
        self._may_read_groups(call)
        group = self._by_key(match["name"])
        if not group:
            raise Refusal(404, "Request_ResourceNotFound", f"Resource '{match['name']}' does not exist.")
        self._perhaps_young(group, call)
        return self._group_answer(call, group, 200)

    def create_group(self, call: Call, _: "re.Match[str]") -> Answer:
        self.violate("POST /groups: not idempotent, two of them make two groups")
        self._may(call, permissions.CREATE_GROUPS)
        self._spend(call, 1)
        return self._group_answer(call, self._create(call, None), 201)

    def upsert_group(self, call: Call, match: "re.Match[str]") -> Answer:
        self._may(call, permissions.CREATE_GROUPS)
        group = self._by_key(match["name"])
        self._spend(call, 1)
        if not group:
            if "create-if-missing" not in call.headers.get("prefer", ""):
                raise Refusal(404, "Request_ResourceNotFound", f"Resource '{match['name']}' does not exist.")
            return self._group_answer(call, self._create(call, match["name"]), 201)
        if not call.roles & permissions.WRITE_GROUPS and self.behaviour.upsert_of_existing == 403:
            raise Refusal(403, "Authorization_RequestDenied", "Insufficient privileges to complete the operation.")
        if _object(call.body).get("displayName", group.name) != group.name:
            self.violate(f"the group {group.name} is renamed")
            group.name = str(_object(call.body)["displayName"])
        return Answer(204, None, write_units=1)

    def delete_group(self, call: Call, match: "re.Match[str]") -> Answer:
        self.violate(f"DELETE /groups/{match['group']}: it deletes the group")
        self._may(call, permissions.WRITE_GROUPS)
        self._group(match["group"], call).deleted = call.now
        return Answer(204, None, write_units=1)

    def _create(self, call: Call, unique_name: str | None) -> Group:
        body = _object(call.body)
        name, nickname = body.get("displayName"), body.get("mailNickname")
        if not isinstance(name, str) or not 1 <= len(name) <= 256:
            raise Refusal(400, "Request_BadRequest", "A value is required for property 'displayName' of resource 'Group'.")
        if not isinstance(nickname, str) or not _MAIL_NICKNAME.fullmatch(nickname) or set(nickname) & set('@()\\[]";:<>,'):
            raise Refusal(400, "Request_BadRequest", "Invalid value specified for property 'mailNickname' of resource 'Group'.")
        security, mail, types = body.get("securityEnabled"), body.get("mailEnabled"), body.get("groupTypes", [])
        if not isinstance(security, bool) or not isinstance(mail, bool) or not isinstance(types, list):
            raise Refusal(400, "Request_BadRequest", "A value is required for property 'securityEnabled' of resource 'Group'.")
        group = Group(self.new_id(), name, nickname, call.now, unique_name, security, mail, [str(kind) for kind in types])
        self.directory.groups[group.id] = group
        self._tell(Write("create", group.id))
        return group

    def _group_answer(self, call: Call, group: Group, status: int) -> Answer:
        entity = select(group_entity(group), call.query.get("$select"))
        body: JSON = {"@odata.context": f"{call.root}/$metadata#groups/$entity", **entity}
        return Answer(status, body, write_units=1 if status == 201 else 0)

    # --- members ---

    def list_members(self, call: Call, match: "re.Match[str]") -> Answer:
        self._may(call, permissions.READ_MEMBERS)
        group = self._group(match["group"], call)
        top = self._top(call, 100, 999)
        members = group.members_at(call.now - self._lag(self.behaviour.member_lag))
        known = [(member, kind) for member in members if (kind := self.directory.type_of(member))]
        start = self._start(call, len(known))
        page: list[dict[str, JSON]] = [
            select({"@odata.type": kind, "id": member, "displayName": None}, call.query.get("$select"))
            for member, kind in known[start : start + top]
        ]
        answer = self._page(call, "directoryObjects", page, start + top if start + top < len(known) else None)
        answer.resource_units = 2.0 if "$select" in call.query else 3.0
        return answer

    def change_group(self, call: Call, match: "re.Match[str]") -> Answer:
        body = _object(call.body)
        if set(body) != {"members@odata.bind"}:
            self.violate(f"PATCH /groups/{match['group']} changes {', '.join(sorted(body))}")
            self._may(call, permissions.WRITE_GROUPS)
            return Answer(204, None, write_units=1)
        self._may(call, permissions.WRITE_MEMBERS)
        group = self._writable(match["group"], call)
        urls = body["members@odata.bind"]
        if not isinstance(urls, list) or len(urls) > 20:
            self.violate("more than 20 members in a PATCH")
            raise Refusal(400, "Request_BadRequest", "The request contains more than 20 link changes.")
        members = [self._referenced(url, call) for url in urls]
        self._spend(call, max(1.0, len(members) / 3))
        if len(set(members)) < len(members):
            raise Refusal(400, "Request_BadRequest", "Request contains a property with duplicate values.")
        for member in members:
            if not self.directory.type_of(member):
                raise _missing(group.id if self.behaviour.patch_404_names == "group" else member)
        if any(member in group.members for member in members):
            raise Refusal(400, "Request_BadRequest", _ALREADY)
        for member in members:
            self._add(group, member, call.now)
        return Answer(204, None, write_units=max(1.0, len(members) / 3))

    def add_member(self, call: Call, match: "re.Match[str]") -> Answer:
        self._may(call, permissions.WRITE_MEMBERS)
        group = self._writable(match["group"], call)
        member = self._referenced(_object(call.body).get("@odata.id"), call)
        self._spend(call, 1)
        if not self.directory.type_of(member):
            raise _missing(member)
        if member in group.members:
            raise Refusal(400, "Request_BadRequest", _ALREADY)
        self._add(group, member, call.now)
        return Answer(204, None, write_units=1)

    def remove_member(self, call: Call, match: "re.Match[str]") -> Answer:
        self._may(call, permissions.WRITE_MEMBERS)
        group = self._writable(match["group"], call)
        member = match["member"].lower()
        self._spend(call, 1)
        if member not in group.members:
            if self.behaviour.not_a_member == 404:
                raise _missing(group.id)
            raise Refusal(400, "Request_BadRequest", _NOT_A_MEMBER)
        del group.members[member]
        group.left[member] = call.now
        self._tell(Write("remove", group.id, member))
        return Answer(204, None, write_units=1)

    def delete_member(self, call: Call, match: "re.Match[str]") -> Answer:
        self.violate(f"DELETE /groups/{match['group']}/members/{match['member']}: without /$ref it deletes the member itself")
        raise Refusal(403, "Authorization_RequestDenied", "Insufficient privileges to complete the operation.")

    def _add(self, group: Group, member: str, now: float) -> None:
        group.left.pop(member, None)
        group.members[member] = now
        self._tell(Write("add", group.id, member))

    # --- what they share ---

    def new_id(self) -> str:
        """A fresh GUID."""
        return str(UUID(int=self.random.getrandbits(128), version=4))

    def _tell(self, write: Write) -> None:
        if self.on_write:
            self.on_write(write)

    def _may(self, call: Call, allowed: frozenset[str]) -> None:
        if not call.roles & allowed:
            raise Refusal(403, "Authorization_RequestDenied", "Insufficient privileges to complete the operation.")

    def _may_read_groups(self, call: Call) -> None:
        strict = self.behaviour.lookup_needs_read_permission
        self._may(call, permissions.READ_GROUPS_STRICTLY if strict else permissions.READ_GROUPS)

    def _by_key(self, name: str) -> Group | None:
        if not self.behaviour.unique_names:
            raise Refusal(400, "BadRequest", "Resource not found for the segment 'groups'.")
        name = name.replace("''", "'")
        return next((group for group in self.directory.standing_groups() if group.unique_name == name), None)

    def _group(self, group_id: str, call: Call) -> Group:
        group = self.directory.groups.get(group_id.lower())
        if not group or group.deleted is not None:
            raise _missing(group_id)
        self._perhaps_young(group, call)
        return group

    def _perhaps_young(self, group: Group, call: Call) -> None:
        if call.now - group.created < self.behaviour.young_seconds and self.random.random() < 0.7:
            if self.behaviour.young_error == 404:
                raise _missing(group.id)
            raise Refusal(400, "Request_BadRequest", _YOUNG)

    def _writable(self, group_id: str, call: Call) -> Group:
        group = self._group(group_id, call)
        if group.fixed:
            raise Refusal(400, "Request_BadRequest", "Unable to update the members of an on-premises mastered or dynamic group.")
        if group.role_assignable or group.management_restricted or group.mail_enabled:
            raise Refusal(403, "Authorization_RequestDenied", "Insufficient privileges to complete the operation.")
        return group

    def _referenced(self, url: JSON, call: Call) -> str:
        match = re.fullmatch(r"(https://[^/]+/v1\.0)/(?:directoryObjects|users)/([^/]+)", url) if isinstance(url, str) else None
        if not match or match[1] != call.root or not is_guid(match[2]):
            raise Refusal(400, "Request_BadRequest", "Unsupported resource type or invalid reference.")
        return match[2].lower()

    def _spend(self, call: Call, units: float) -> None:
        if not self.behaviour.write_quota:
            return
        self._written = [(time, cost) for time, cost in self._written if call.now - time < 150.0]
        if sum(cost for _, cost in self._written) + units > 3000:
            retry = str(int(150 - (call.now - self._written[0][0])) + 1)
            raise Refusal(429, "TooManyRequests", "Please retry again later.", {"Retry-After": retry})
        self._written.append((call.now, units))

    def _lag(self, most: float) -> float:
        return self.random.uniform(0, most) if most else 0.0

    def _top(self, call: Call, default: int, most: int) -> int:
        text = call.query.get("$top")
        if text is None:
            return default
        if not text.isdigit() or int(text) < 1:
            raise Refusal(400, "BadRequest", "Invalid page size specified.")
        if int(text) > most and self.behaviour.top_beyond_maximum == "error":
            raise Refusal(400, "BadRequest", f"Invalid page size specified: '{text}'. Must be between 1 and {most} inclusive.")
        return min(int(text), most)

    def _start(self, call: Call, length: int) -> int:
        token = call.query.get("$skiptoken")
        if token is None:
            return 0
        match = re.fullmatch(r"RFNwdAIAAQ\+(\d+)\+AAAA=", token)
        if not match:
            raise invalid_filter()
        return min(int(match[1]), length)

    def _page(self, call: Call, context: str, page: list[dict[str, JSON]], following: int | None) -> Answer:
        body: dict[str, JSON] = {"@odata.context": f"{call.root}/$metadata#{context}", "value": list(page)}
        if following is not None:
            kept = "&".join(f"{name}={_escaped(value)}" for name, value in call.query.items() if name != "$skiptoken")
            token = f"$skiptoken=RFNwdAIAAQ%2b{following}%2bAAAA%3d"
            body["@odata.nextLink"] = f"{call.root}{call.path}?{kept}{'&' if kept else ''}{token}"
        return Answer(200, body)


_USER = r"(?P<user>[^/]+)"
_GROUP = r"(?P<group>[^/()]+)"
_ROUTES: list[tuple[str, re.Pattern[str], Operation]] = [
    ("GET", re.compile(r"/identityProtection/riskyUsers"), Graph.list_risky_users),
    ("GET", re.compile(rf"/identityProtection/riskyUsers/{_USER}"), Graph.get_risky_user),
    ("GET", re.compile(r"/groups"), Graph.list_groups),
    ("POST", re.compile(r"/groups"), Graph.create_group),
    ("GET", re.compile(r"/groups\(uniqueName='(?P<name>.+)'\)"), Graph.get_group_by_key),
    ("PATCH", re.compile(r"/groups\(uniqueName='(?P<name>.+)'\)"), Graph.upsert_group),
    ("GET", re.compile(rf"/groups/{_GROUP}"), Graph.get_group),
    ("PATCH", re.compile(rf"/groups/{_GROUP}"), Graph.change_group),
    ("DELETE", re.compile(rf"/groups/{_GROUP}"), Graph.delete_group),
    ("GET", re.compile(rf"/groups/{_GROUP}/members"), Graph.list_members),
    ("POST", re.compile(rf"/groups/{_GROUP}/members/\$ref"), Graph.add_member),
    ("DELETE", re.compile(rf"/groups/{_GROUP}/members/(?P<member>[^/]+)/\$ref"), Graph.remove_member),
    ("DELETE", re.compile(rf"/groups/{_GROUP}/members/(?P<member>[^/]+)"), Graph.delete_member),
]


def _everything(_: Mapping[str, JSON]) -> bool:
    return True


def risky_user(user: User) -> dict[str, JSON]:
    """The riskyUser of a user (https://learn.microsoft.com/graph/api/resources/riskyuser)."""
    return {
        "id": user.id,
        "isDeleted": user.deleted and user.listed_as_deleted,
        "isProcessing": False,
        "riskLevel": user.risk_level,
        "riskState": user.risk_state,
        "riskDetail": user.risk_detail,
        "riskLastUpdatedDateTime": _stamp(user.risk_updated),
        "userDisplayName": user.name,
        "userPrincipalName": user.principal_name,
    }


def group_entity(group: Group) -> dict[str, JSON]:
    """The group (https://learn.microsoft.com/graph/api/resources/group)."""
    return {
        "id": group.id,
        "deletedDateTime": None,
        "classification": None,
        "createdDateTime": _stamp(group.created),
        "description": None,
        "displayName": group.name,
        "expirationDateTime": None,
        "groupTypes": list(group.types),
        "isAssignableToRole": group.role_assignable or None,
        "isManagementRestricted": group.management_restricted or None,
        "mail": None,
        "mailEnabled": group.mail_enabled,
        "mailNickname": group.mail_nickname,
        "membershipRule": None,
        "membershipRuleProcessingState": None,
        "onPremisesSyncEnabled": group.on_premises or None,
        "proxyAddresses": [],
        "renewedDateTime": _stamp(group.created),
        "securityEnabled": group.security_enabled,
        "securityIdentifier": "S-1-12-1-" + "-".join(str(part) for part in UUID(group.id).fields[:4]),
        "theme": None,
        "uniqueName": group.unique_name,
        "visibility": None,
    }


def _stamp(time: float) -> str:
    return datetime.fromtimestamp(time, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _escaped(value: str) -> str:
    return value.replace("%", "%25").replace(" ", "%20").replace("'", "%27").replace("&", "%26").replace("+", "%2b")


def _object(body: JSON) -> dict[str, JSON]:
    if not isinstance(body, dict):
        raise Refusal(400, "BadRequest", "Unable to read JSON request payload.")
    return body


def _missing(object_id: str) -> Refusal:
    message = f"Resource '{object_id}' does not exist or one of its queried reference-property objects are not present."
    return Refusal(404, "Request_ResourceNotFound", message)
