"""Direct members of groups (https://learn.microsoft.com/graph/api/group-list-members, group-post-members, group-delete-members)."""

import re

from simulator import permissions
from simulator.directory import Group, Write
from simulator.entities import member_entity
from simulator.groups import change_properties
from simulator.messages import Answer, Refusal
from simulator.odata import select
from simulator.references import referenced
from simulator.service import Call, Service, missing

_MOST_IN_A_PATCH = 20
_ALREADY = "One or more added object references already exist for the following modified properties: 'members'."
_NOT_A_MEMBER = "One or more removed object references do not exist for the following modified properties: 'members'."


def list_members(service: Service, call: Call, match: "re.Match[str]") -> Answer:
    """Members of every kind, perhaps a while ago."""
    service.may(call, permissions.READ_MEMBERS)
    group = service.group(match["group"], call)
    if "$filter" in call.query:
        raise Refusal(400, "Request_UnsupportedQuery", "Unsupported Query.")
    top = service.top(call, 100, 999)
    units = service.read_units(call, 3.0)
    service.use(call, units)
    directory = service.directory
    members = group.members_at(call.now - service.lag(service.behaviour.member_lag))
    known = [(member, kind) for member in members if (kind := directory.type_of(member))]
    start = service.start(call, len(known))
    end = start + top
    readable, selected = bool(call.roles & permissions.READ_USERS), call.query.get("$select")
    page = [
        select(member_entity(member, kind, directory.users.get(member) if readable else None), selected)
        for member, kind in known[start:end]
    ]
    return service.page(call, "directoryObjects", page, end if end < len(known) else None, units)


def change_group(service: Service, call: Call, match: "re.Match[str]") -> Answer:
    """PATCH: members are added, all or none; anything else changes the group itself."""
    body = call.object()
    if {name for name in body if not name.startswith("@odata.")} != {"members@odata.bind"}:
        return change_properties(service, call, match)
    service.may(call, permissions.WRITE_MEMBERS)
    group = _writable(service, call, match["group"])
    urls = body["members@odata.bind"]
    if not isinstance(urls, list) or len(urls) > _MOST_IN_A_PATCH:
        service.violate("more than 20 members in a PATCH")
        raise Refusal(400, "Request_BadRequest", "The request contains more than 20 link changes.")
    members = [referenced(url, call.root) for url in urls]
    units = max(1.0, len(members) / 3)
    service.use(call, 1.0)
    service.spend(call, units)
    if len(set(members)) < len(members):
        raise Refusal(400, "Request_BadRequest", "Request contains a property with duplicate values.")
    for member in members:
        _may_join(service, call, member, group.id if service.behaviour.patch_404_names == "group" else member)
    if any(member in group.members for member in members):
        raise Refusal(400, "Request_BadRequest", _ALREADY)
    for member in members:
        _add(service, group, member, call.now)
    return Answer(204, None, write_units=units)


def add_member(service: Service, call: Call, match: "re.Match[str]") -> Answer:
    """POST of one reference."""
    service.may(call, permissions.WRITE_MEMBERS)
    group = _writable(service, call, match["group"])
    member = referenced(call.object().get("@odata.id"), call.root)
    service.use(call, 1.0)
    service.spend(call, 1.0)
    _may_join(service, call, member, member)
    if member in group.members:
        raise Refusal(400, "Request_BadRequest", _ALREADY)
    _add(service, group, member, call.now)
    return Answer(204, None, write_units=1.0)


def remove_member(service: Service, call: Call, match: "re.Match[str]") -> Answer:
    """DELETE of one reference. Whoever is no member is not found, under the group's name."""
    service.may(call, permissions.WRITE_MEMBERS)
    group = _writable(service, call, match["group"])
    member = match["member"].lower()
    service.use(call, 1.0)
    service.spend(call, 1.0)
    if member not in group.members:
        if service.behaviour.not_a_member == 404:
            raise missing(group.id)
        raise Refusal(400, "Request_BadRequest", _NOT_A_MEMBER)
    del group.members[member]
    group.left[member] = call.now
    service.tell(Write("remove", group.id, member))
    return Answer(204, None, write_units=1.0)


def delete_member(service: Service, call: Call, match: "re.Match[str]") -> Answer:
    """DELETE without `/$ref`, which deletes the user where the app may do that."""
    service.violate(f"DELETE /groups/{match['group']}/members/{match['member']}: without /$ref it deletes the member itself")
    service.may(call, permissions.DELETE_USERS)
    user = service.directory.users.get(match["member"].lower())
    if not user or user.deleted:
        raise missing(match["member"])
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
    if kind == "#microsoft.graph.user" and service.behaviour.adding_needs_user_permission:
        service.may(call, permissions.READ_USERS)


def _writable(service: Service, call: Call, group_id: str) -> Group:
    group = service.group(group_id, call)
    if group.fixed:
        raise Refusal(400, "Request_BadRequest", "Unable to update the members of an on-premises mastered or dynamic group.")
    if group.role_assignable or group.management_restricted or group.mail_enabled:
        raise Refusal(403, "Authorization_RequestDenied", "Insufficient privileges to complete the operation.")
    return group
