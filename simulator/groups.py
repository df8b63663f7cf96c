"""Groups (https://learn.microsoft.com/graph/api/resources/group)."""

import re

from simulator import permissions
from simulator.directory import Group, Write
from simulator.entities import GROUP_FILTERS, group_entity
from simulator.messages import JSON, Answer, Refusal
from simulator.odata import Predicate, everything, parse_filter, select
from simulator.references import referenced
from simulator.service import Call, Service, missing

_MAIL_NICKNAME = re.compile(r"[!-~]{1,64}", re.ASCII)
_FORBIDDEN_IN_NICKNAME = set('@()\\[]";:<>,')
_MOST_RELATIONSHIPS = 20


def list_groups(service: Service, call: Call, _: "re.Match[str]") -> Answer:
    """Those that this replica knows and the filter keeps."""
    service.may_read_groups(call)
    top = service.top(call, 100, 999)
    units = service.read_units(call, 1.0)
    service.use(call, units)
    chosen, selected = call.query.get("$filter"), call.query.get("$select")
    keep: Predicate = everything
    if chosen is not None:
        parsed = parse_filter(chosen, GROUP_FILTERS)
        if parsed.advanced:
            # It takes ConsistencyLevel: eventual and $count (https://learn.microsoft.com/graph/aad-advanced-queries), served nowhere here.
            raise Refusal(400, "Request_UnsupportedQuery", "Unsupported Query.")
        keep = parsed.matches
    lag = service.lag(service.behaviour.lookup_lag)
    visible = []
    for group in service.directory.groups.values():
        known = not lag or group.created <= call.now - lag
        gone = group.deleted is not None and call.now - group.deleted >= lag
        if known and not gone and keep(entity := group_entity(group)):
            visible.append(entity)
    start = service.start(call, len(visible))
    end = start + top
    page = [select(entity, selected) for entity in visible[start:end]]
    return service.page(call, "groups", page, end if end < len(visible) else None, units)


def get_group(service: Service, call: Call, match: "re.Match[str]") -> Answer:
    """By id."""
    service.may_read_groups(call)
    service.use(call, 1.0)
    return _answer(call, service.group(match["group"], call), 200)


def get_group_by_key(service: Service, call: Call, match: "re.Match[str]") -> Answer:
    """By `uniqueName`."""
    service.may_read_groups(call)
    service.use(call, 1.0)
    group = service.group_by_key(match["name"])
    if not group:
        raise missing(match["name"])
    service.perhaps_young(group, call)
    return _answer(call, group, 200)


def create_group(service: Service, call: Call, _: "re.Match[str]") -> Answer:
    """POST (https://learn.microsoft.com/graph/api/group-post-groups)."""
    service.violate("POST /groups: not idempotent, two of them make two groups")
    service.may(call, permissions.CREATE_GROUPS)
    unique_name = call.object().get("uniqueName")
    if unique_name is not None and (not isinstance(unique_name, str) or service.group_by_key(unique_name)):
        raise Refusal(400, "Request_BadRequest", "Another object with the same value for property uniqueName already exists.")
    return _created(service, call, unique_name if isinstance(unique_name, str) else None)


def upsert_group(service: Service, call: Call, match: "re.Match[str]") -> Answer:
    """PATCH by key: make the group if there is none (https://learn.microsoft.com/graph/api/group-upsert)."""
    service.may(call, permissions.CREATE_GROUPS)
    group = service.group_by_key(match["name"])
    if not group:
        if "create-if-missing" not in call.headers.get("prefer", ""):
            raise missing(match["name"])
        return _created(service, call, match["name"].replace("''", "'"))
    service.use(call, 1.0)
    service.spend(call, 1.0)
    if not call.roles & permissions.WRITE_GROUPS and service.behaviour.upsert_of_existing == 403:
        raise Refusal(403, "Authorization_RequestDenied", "Insufficient privileges to complete the operation.")
    _change(service, call, group)
    return Answer(204, None, write_units=1.0)


def delete_group(service: Service, call: Call, match: "re.Match[str]") -> Answer:
    """Which really deletes the group, body or no body (https://learn.microsoft.com/graph/api/group-delete)."""
    service.violate(f"DELETE /groups/{match['group']}: it deletes the group")
    service.may(call, permissions.WRITE_GROUPS - {"Directory.ReadWrite.All"})
    group = service.group(match["group"], call)
    service.use(call, 1.0)
    service.spend(call, 1.0)
    group.deleted = call.now
    return Answer(204, None, write_units=1.0)


def change_properties(service: Service, call: Call, match: "re.Match[str]") -> Answer:
    """PATCH of anything but members."""
    service.violate(f"PATCH /groups/{match['group']} changes {', '.join(sorted(call.object()))}")
    service.may(call, permissions.WRITE_GROUPS)
    group = service.group(match["group"], call)
    service.use(call, 1.0)
    service.spend(call, 1.0)
    _change(service, call, group)
    return Answer(204, None, write_units=1.0)


def _change(service: Service, call: Call, group: Group) -> None:
    """Take the properties over that differ; no client of ours should ever bring one."""
    current = group_entity(group)
    changed = {name: value for name, value in call.object().items() if name in current and current[name] != value}
    if changed:
        service.violate(f"the group {group.name} is changed in {', '.join(sorted(changed))}")
    if "displayName" in changed:
        group.name = _display_name(changed)
    if "description" in changed:
        group.description = str(changed["description"])


def _created(service: Service, call: Call, unique_name: str | None) -> Answer:
    body = call.object()
    name, nickname = _display_name(body), body.get("mailNickname")
    if not isinstance(nickname, str) or not _MAIL_NICKNAME.fullmatch(nickname) or set(nickname) & _FORBIDDEN_IN_NICKNAME:
        raise Refusal(400, "Request_BadRequest", "Invalid value specified for property 'mailNickname' of resource 'Group'.")
    security, mail, types = body.get("securityEnabled"), body.get("mailEnabled"), body.get("groupTypes", [])
    for required in ("securityEnabled", "mailEnabled"):
        if not isinstance(body.get(required), bool):
            raise Refusal(400, "Request_BadRequest", f"A value is required for property '{required}' of resource 'Group'.")
    if not isinstance(types, list) or (mail and "Unified" not in types) or not (security or "Unified" in types):
        raise Refusal(400, "Request_BadRequest", "The service does not currently support writes of mail-enabled groups.")
    members = _bound(body, "members@odata.bind", call)
    _bound(body, "owners@odata.bind", call, beside=len(members))
    for member in members:
        if not service.directory.type_of(member):
            raise missing(member)
    service.use(call, 1.0)
    service.spend(call, 1.0)
    description = body.get("description")
    group = Group(service.new_id(), name, nickname, call.now, unique_name, bool(security), bool(mail), [str(kind) for kind in types])
    group.description = description if isinstance(description, str) else None
    service.directory.groups[group.id] = group
    service.tell(Write("create", group.id))
    for member in members:
        group.members[member] = call.now
        service.tell(Write("add", group.id, member))
    return _answer(call, group, 201)


def _bound(body: dict[str, JSON], name: str, call: Call, beside: int = 0) -> list[str]:
    urls = body.get(name, [])
    if not isinstance(urls, list) or len(urls) + beside > _MOST_RELATIONSHIPS:
        raise Refusal(400, "Request_BadRequest", "A resource cannot contain more than 20 link changes.")
    return [referenced(url, call.root) for url in urls]


def _display_name(body: dict[str, JSON]) -> str:
    name = body.get("displayName")
    if not isinstance(name, str) or not 1 <= len(name) <= 256:
        raise Refusal(400, "Request_BadRequest", "A value is required for property 'displayName' of resource 'Group'.")
    return name


def _answer(call: Call, group: Group, status: int) -> Answer:
    entity = select(group_entity(group), call.query.get("$select"))
    body: JSON = {"@odata.context": f"{call.root}/$metadata#groups/$entity", **entity}
    return Answer(status, body, write_units=1.0 if status == 201 else 0.0)
