"""Owners of groups (https://learn.microsoft.com/graph/api/group-list-owners, group-post-owners, group-delete-owners)."""

from simulator.entra import access, permissions
from simulator.entra.answers import Answer
from simulator.entra.call import Call
from simulator.entra.entities import MEMBER_PROPERTIES, member_entity
from simulator.entra.operations.lists import done, listed
from simulator.entra.references import referenced
from simulator.entra.routes import route
from simulator.entra.service import Service, missing
from simulator.messages import Refusal

_ALREADY = "One or more added object references already exist for the following modified properties: 'owners'."


def list_owners(service: Service, call: Call) -> Answer:
    """Users and service principals."""
    service.may(call, permissions.READ_GROUPS | permissions.READ_MEMBERS)
    group, directory = service.group(call.named["group"], call), service.directory
    known = [(each, kind) for each in group.owners if (kind := directory.type_of(each))]
    return listed(
        service,
        call,
        "directoryObjects",
        known,
        lambda each: member_entity(each[0], each[1], directory.users.get(each[0])),
        known=MEMBER_PROPERTIES,
    )


def add_owner(service: Service, call: Call) -> Answer:
    """POST of one reference."""
    service.admit(call, access.WRITE_GROUPS, service.owners_of_group(call.named["group"]))
    group = service.group(call.named["group"], call)
    owner = referenced(call.object().get("@odata.id"), call.root)
    service.write(call)
    if service.directory.type_of(owner) not in ("#microsoft.graph.user", "#microsoft.graph.servicePrincipal"):
        raise missing(owner)
    if owner in group.owners:
        raise Refusal(400, "Request_BadRequest", _ALREADY)
    group.owners.append(owner)
    return done()


def remove_owner(service: Service, call: Call) -> Answer:
    """DELETE of one reference."""
    service.admit(call, access.WRITE_GROUPS, service.owners_of_group(call.named["group"]))
    group = service.group(call.named["group"], call)
    service.write(call)
    if call.named["owner"].lower() not in group.owners:
        raise missing(group.id)
    group.owners.remove(call.named["owner"].lower())
    return done()


ROUTES = [
    route("GET", "/groups/{group}/owners", list_owners),
    route("POST", "/groups/{group}/owners/$ref", add_owner),
    route("DELETE", "/groups/{group}/owners/{owner}/$ref", remove_owner),
]
