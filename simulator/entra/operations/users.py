"""Users (https://learn.microsoft.com/graph/api/user-list, https://learn.microsoft.com/graph/api/user-get)."""

from simulator.entra import permissions
from simulator.entra.answers import Answer
from simulator.entra.call import Call
from simulator.entra.entities import USER_FILTERS, user_entity, user_filterable
from simulator.entra.odata import select
from simulator.entra.paging import page, page_size, position
from simulator.entra.routes import route
from simulator.entra.service import Service, missing


def list_users(service: Service, call: Call) -> Answer:
    """Those that the filter keeps; the deleted are in another list."""
    service.may(call, permissions.READ_USERS)
    top = page_size(call, service.behaviour, 100, 999)
    units = service.read(call, 2.0)
    chosen, selected = service.filter(call, USER_FILTERS), call.query.get("$select")
    standing = (user for user in service.directory.users.values() if not user.deleted)
    users = [user for user in standing if not chosen or chosen.matches(user_filterable(user))]
    start = position(call)
    end = start + top
    shown = [select(user_entity(user.id, user), selected) for user in users[start:end]]
    return page(call, "users", shown, end if end < len(users) else None, units)


def get_user(service: Service, call: Call) -> Answer:
    """By id. Whoever is deleted is not there any more."""
    service.may(call, permissions.READ_USERS)
    service.use(call, 1.0)
    user_id = call.named["user"].lower()
    user = service.directory.users.get(user_id)
    if not user or user.deleted:
        raise missing(call.named["user"])
    entity = select(user_entity(user_id, user), call.query.get("$select"))
    return Answer(200, {"@odata.context": f"{call.root}/$metadata#users/$entity", **entity})


ROUTES = [route("GET", "/users", list_users), route("GET", "/users/{user}", get_user)]
