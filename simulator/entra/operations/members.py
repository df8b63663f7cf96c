"""Direct members of groups (https://learn.microsoft.com/graph/api/group-list-members, group-post-members, group-delete-members)."""

from simulator.entra import access, permissions
from simulator.entra.answers import Answer
from simulator.entra.call import Call
from simulator.entra.directory import Group, Write
from simulator.entra.entities import MEMBER_PROPERTIES, member_entity
from simulator.entra.odata import select
from simulator.entra.operations.groups import change_properties
from simulator.entra.paging import page, page_size, position
from simulator.entra.references import referenced
from simulator.entra.routes import route
from simulator.entra.service import Service, missing
from simulator.messages import Refusal

_MOST_IN_A_PATCH = 20
_ALREADY = "One or more added object references already exist for the following modified properties: 'members'."
_NOT_A_MEMBER = "One or more removed object references do not exist for the following modified properties: 'members'."


def list_members(service: Service, call: Call) -> Answer:
    """Members of every kind, perhaps a while ago."""
    service.may(call, permissions.READ_MEMBERS)
    group = service.group(call.named["group"], call)
    if "$filter" in call.query:
        raise Refusal(400, "Request_UnsupportedQuery", "Unsupported Query.")
    top = page_size(call, service.behaviour, 100, 999)
    units = service.read(call, 3.0)
    directory = service.directory
    members = group.members_at(call.now - service.lag(service.behaviour.member_lag))
    known = [(member, kind) for member in members if (kind := directory.type_of(member))]
    start = position(call)
    end = start + top
    readable, selected = bool(call.permissions & permissions.READ_USERS), call.query.get("$select")
    shown = [
        select(member_entity(member, kind, directory.users.get(member) if readable else None), selected, MEMBER_PROPERTIES)
        for member, kind in known[start:end]
    ]
    return page(call, "directoryObjects", shown, end if end < len(known) else None, units)


def change_group(service: Service, call: Call) -> Answer:
    """PATCH: members are added, all or none; anything else changes the group itself."""
    body = call.object()
    if {name for name in body if not name.startswith("@odata.")} != {"members@odata.bind"}:
        return change_properties(service, call)
    group = _writable(service, call)
    urls = body["members@odata.bind"]
    if not isinstance(urls, list) or len(urls) > _MOST_IN_A_PATCH:
        service.violate("more than 20 members in a PATCH")
        raise Refusal(400, "Request_BadRequest", "The request contains more than 20 link changes.")
    members = [referenced(url, call.root) for url in urls]
    units = max(1.0, len(members) / 3)
    service.write(call, units)
    if len(set(members)) < len(members):
        raise Refusal(400, "Request_BadRequest", "Request contains a property with duplicate values.")
    for member in members:
        _may_join(service, call, member, group.id if service.behaviour.patch_404_names == "group" else member)
    if any(member in group.members for member in members):
        raise Refusal(400, "Request_BadRequest", _ALREADY)
    for member in members:
        _add(service, group, member, call.now)
    return Answer(204, None, write_units=units)


def add_member(service: Service, call: Call) -> Answer:
    """POST of one reference."""
    group = _writable(service, call)
    member = referenced(call.object().get("@odata.id"), call.root)
    service.write(call)
    _may_join(service, call, member, member)
    if member in group.members:
        raise Refusal(400, "Request_BadRequest", _ALREADY)
    _add(service, group, member, call.now)
    return Answer(204, None, write_units=1.0)


def remove_member(service: Service, call: Call) -> Answer:
    """DELETE of one reference. Whoever is no member is not found, under the group's name."""
    group = _writable(service, call)
    member = call.named["member"].lower()
    service.write(call)
    if member not in group.members:
        if service.behaviour.not_a_member == 404:
            raise missing(group.id)
        raise Refusal(400, "Request_BadRequest", _NOT_A_MEMBER)
    del group.members[member]
    group.left[member] = call.now
    service.tell(Write("remove", group.id, member))
    return Answer(204, None, write_units=1.0)


def delete_member(service: Service, call: Call) -> Answer:
    """DELETE without `/$ref`, which deletes the user where the app may do that."""
    service.violate(f"DELETE /groups/{call.named['group']}/members/{call.named['member']}: without /$ref it deletes the member itself")
    service.may(call, permissions.DELETE_USERS)
    user = service.directory.users.get(call.named["member"].lower())
    if not user or user.deleted:
        raise missing(call.named["member"])
    service.directory.delete_user(user, call.now)
    return Answer(204, None, write_units=1.0)


def _add(service: Service, group: Group, member: str, now: float) -> None:
    group.left.pop(member, None)
    group.members[member] = now
    service.tell(Write("add", group.id, member))


def _may_join(service: Service, call: Call, member: str, named: str) -> None:
    kind = service.directory.type_of(member)
    if not kind:
        raise missing(named)
    status = service.directory.users[member].joining_answers if member in service.directory.users else None
    if status is not None:
        raise Refusal(status, "Authorization_RequestDenied" if status == 403 else "UnknownError", "The member cannot be added.")
    if kind == "#microsoft.graph.user" and service.behaviour.adding_needs_user_permission:
        service.may(call, permissions.READ_USERS)


def _writable(service: Service, call: Call) -> Group:
    service.admit(call, access.WRITE_MEMBERS, service.owners_of_group(call.named["group"]))
    group = service.group(call.named["group"], call)
    if group.fixed:
        raise Refusal(400, "Request_BadRequest", "Unable to update the members of an on-premises mastered or dynamic group.")
    if group.role_assignable or group.management_restricted or group.mail_enabled:
        raise Refusal(403, "Authorization_RequestDenied", "Insufficient privileges to complete the operation.")
    return group


ROUTES = [
    route("GET", "/groups/{group}/members", list_members),
    route("PATCH", "/groups/{group}", change_group),
    route("POST", "/groups/{group}/members/$ref", add_member),
    route("DELETE", "/groups/{group}/members/{member}/$ref", remove_member),
    route("DELETE", "/groups/{group}/members/{member}", delete_member),
]
