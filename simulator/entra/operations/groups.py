"""Groups (https://learn.microsoft.com/graph/api/resources/group)."""

import re
from operator import attrgetter

from simulator.entra import access, permissions
from simulator.entra.answers import Answer
from simulator.entra.call import Call
from simulator.entra.directory import Group, Write
from simulator.entra.directory_roles import GROUP_ADMINISTRATORS
from simulator.entra.entities import GROUP_FILTERS, group_entity, group_filterable
from simulator.entra.odata import select
from simulator.entra.paging import page, page_size, position
from simulator.entra.references import referenced
from simulator.entra.routes import route
from simulator.entra.service import Service, denied, missing
from simulator.messages import JSON, Refusal

_MAIL_NICKNAME = re.compile(r"[!-~]{1,64}", re.ASCII)
_FORBIDDEN_IN_NICKNAME = set('@()\\[]";:<>,')
_MOST_RELATIONSHIPS = 20
_BY_KEY = "/groups(uniqueName='{name}')"


def list_groups(service: Service, call: Call) -> Answer:
    """Those that this replica knows and the filter keeps, in an order that tells nothing of their age."""
    _may_read(service, call)
    top = page_size(call, service.behaviour, 100, 999)
    units = service.read(call, 1.0)
    chosen, selected = service.filter(call, GROUP_FILTERS), call.query.get("$select")
    lag = service.lag(service.behaviour.lookup_lag)
    groups = []
    for group in sorted(service.directory.groups.values(), key=attrgetter("id")):
        known = not lag or group.created <= call.now - lag
        gone = group.deleted is not None and call.now - group.deleted >= lag
        if known and not gone and (not chosen or chosen.matches(group_filterable(group))):
            groups.append(group)
    start = position(call)
    end = start + top
    shown = [select(group_entity(group), selected) for group in groups[start:end]]
    return page(call, "groups", shown, end if end < len(groups) else None, units)


def get_group(service: Service, call: Call) -> Answer:
    """By id."""
    _may_read(service, call)
    service.use(call, 1.0)
    return _answer(call, service.group(call.named["group"], call), 200)


def get_group_by_key(service: Service, call: Call) -> Answer:
    """By `uniqueName`."""
    _may_read(service, call)
    service.use(call, 1.0)
    name = _key(service, call)
    group = service.directory.by_unique_name(name)
    if not group:
        raise missing(name)
    service.perhaps_young(group, call)
    return _answer(call, group, 200)


def create_group(service: Service, call: Call) -> Answer:
    """POST (https://learn.microsoft.com/graph/api/group-post-groups)."""
    service.beware(call, "POST /groups: not idempotent, two of them make two groups")
    _may_create(service, call)
    unique_name = call.object().get("uniqueName")
    return _created(service, call, None if unique_name is None else _free_name(service, unique_name))


def upsert_group(service: Service, call: Call) -> Answer:
    """PATCH by key: make the group if there is none (https://learn.microsoft.com/graph/api/group-upsert)."""
    _may_create(service, call)
    name = _key(service, call)
    group = service.directory.by_unique_name(name)
    if not group:
        if "create-if-missing" not in call.headers.get("prefer", ""):
            raise missing(name)
        return _created(service, call, name)
    service.write(call)
    if call.caller.is_person or service.behaviour.upsert_of_existing == 403:
        service.admit(call, access.WRITE_GROUPS, group.owners)
    _change(service, call, group)
    return Answer(204, None, write_units=1.0)


def delete_group(service: Service, call: Call) -> Answer:
    """Which really deletes the group, body or no body (https://learn.microsoft.com/graph/api/group-delete)."""
    service.beware(call, f"DELETE /groups/{call.named['group']}: it deletes the group")
    service.admit(call, access.DELETE_GROUPS, service.owners_of_group(call.named["group"]))
    group = service.group(call.named["group"], call)
    service.write(call)
    group.deleted = call.now
    return Answer(204, None, write_units=1.0)


def change_properties(service: Service, call: Call) -> Answer:
    """PATCH of anything but members."""
    service.beware(call, f"PATCH /groups/{call.named['group']} changes {', '.join(sorted(call.object()))}")
    service.admit(call, access.WRITE_GROUPS, service.owners_of_group(call.named["group"]))
    group = service.group(call.named["group"], call)
    service.write(call)
    _change(service, call, group)
    return Answer(204, None, write_units=1.0)


def _change(service: Service, call: Call, group: Group) -> None:
    """Take the properties over that differ; no app of ours should ever bring one."""
    current = group_entity(group)
    changed = {name: value for name, value in call.object().items() if name in current and current[name] != value}
    if changed:
        service.beware(call, f"the group {group.name} is changed in {', '.join(sorted(changed))}")
    if "uniqueName" in changed:
        if group.unique_name is not None or not service.behaviour.group_takes_unique_name:
            raise Refusal(400, "Request_BadRequest", "Property 'uniqueName' is immutable.")
        group.unique_name = _free_name(service, changed["uniqueName"])
    if "displayName" in changed:
        group.name = _display_name(changed)
    if "description" in changed:
        group.description = str(changed["description"])


def _may_read(service: Service, call: Call) -> None:
    strict = service.behaviour.lookup_needs_read_permission
    service.may(call, permissions.READ_GROUPS if strict else permissions.READ_GROUPS | {"GroupMember.ReadWrite.All"})


def _key(service: Service, call: Call) -> str:
    """The `uniqueName` in the path; raises Refusal where the cloud knows no such key."""
    if not service.behaviour.unique_names:
        raise Refusal(400, "BadRequest", "Resource not found for the segment 'groups'.")
    return call.named["name"].replace("''", "'")


def _may_create(service: Service, call: Call) -> None:
    """Raises Refusal. For people the tenant decides whether any may."""
    service.admit(call, access.CREATE_GROUPS)
    if call.caller.is_person and not service.directory.users_create_groups and not call.caller.directory_roles & GROUP_ADMINISTRATORS:
        raise denied()


def _free_name(service: Service, name: JSON) -> str:
    """The name, if no other group has it as its key. Raises Refusal."""
    if not isinstance(name, str) or service.directory.by_unique_name(name):
        raise _name_taken()
    return name


def _name_taken() -> Refusal:
    return Refusal(400, "Request_BadRequest", "Another object with the same value for property uniqueName already exists.")


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
    owners = _bound(body, "owners@odata.bind", call, beside=len(members))
    for each in (*members, *owners):
        if not service.directory.type_of(each):
            raise missing(each)
    if call.caller.is_person and service.behaviour.creator_owns_group:
        owners.append(call.caller.object_id)
    if len(set(owners)) < len(owners):
        raise Refusal(400, "Request_BadRequest", "Request contains a property with duplicate values.")
    service.write(call)
    kept = (group.unique_name for group in service.directory.restorable(call.now))
    if service.behaviour.unique_names_kept and unique_name is not None and unique_name in kept:
        raise _name_taken()
    description = body.get("description")
    group = Group(service.new_id(), name, nickname, call.now, unique_name, bool(security), bool(mail), [str(kind) for kind in types])
    group.description = description if isinstance(description, str) else None
    group.owners = owners
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


ROUTES = [
    route("GET", "/groups", list_groups),
    route("POST", "/groups", create_group),
    route("GET", _BY_KEY, get_group_by_key),
    route("PATCH", _BY_KEY, upsert_group),
    route("GET", "/groups/{group}", get_group),
    route("DELETE", "/groups/{group}", delete_group),
]
