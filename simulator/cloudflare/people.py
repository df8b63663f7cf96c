"""The user registry (https://developers.cloudflare.com/api/resources/zero_trust/subresources/access/subresources/users/).

Documented: the operations and the members of a user and an identity. Observed: an identity shows groups besides the published members.
"""

import re

from simulator.cloudflare.envelope import Answer, Refused
from simulator.cloudflare.service import Call, Service, invalid, text
from simulator.cloudflare.state import Person, State
from simulator.messages import JSON
from simulator.stamps import stamp

_PAGE, _MOST = 25, 1000
"""Inferred: the schema publishes neither."""


def list_users(service: Service, call: Call, _: "re.Match[str]") -> Answer:
    """Those with this e-mail address or name, or with `search` in either."""
    email, name, search = call.one("email"), call.one("name"), (call.one("search") or "").lower()
    chosen = [
        _user(each)
        for each in service.state.people.values()
        if (email is None or each.email.lower() == email.lower())
        and (name is None or each.name == name)
        and (search in each.email.lower() or search in each.name.lower())
    ]
    return service.page(call, chosen, _PAGE, _MOST)


def create_user(service: Service, call: Call, _: "re.Match[str]") -> Answer:
    """Somebody who has not logged in yet; on seats it has no effect, which is inferred."""
    body = call.object()
    email = text(body, "email")
    if "@" not in email:
        raise invalid("email must be an address")
    if any(each.email.lower() == email.lower() for each in service.state.people.values()):
        raise Refused(409, None, "the user exists already")
    person = Person(service.new_id(), email, text(body, "name", ""), call.now)
    service.state.people[person.id] = person
    return Answer(_user(person), status=201)


def last_seen_identity(service: Service, _: Call, match: "re.Match[str]") -> Answer:
    """What Gateway compares with its rules."""
    person = service.state.people.get(match["user"].lower())
    if not person or person.last_login is None:
        raise Refused(404, 12135, "access.api.error.not_found")
    return Answer(_identity(service.state, person))


def _user(person: Person) -> dict[str, JSON]:
    user: dict[str, JSON] = {
        "id": person.id,
        "uid": person.id,
        "name": person.name,
        "email": person.email,
        "access_seat": person.seats,
        "gateway_seat": person.seats,
        "active_device_count": int(person.enrolled),
        "created_at": stamp(person.created),
        "updated_at": stamp(person.identity_updated or person.created),
    }
    if person.last_login is not None:
        user["last_successful_login"] = stamp(person.last_login)
    return user


def _identity(state: State, person: Person) -> dict[str, JSON]:
    provider = next(iter(state.providers), "")
    groups: list[JSON] = [{"id": "", "name": name} for name in person.groups]
    groups += [{"id": group, "name": ""} for group in person.group_ids]
    return {
        "account_id": state.id,
        "email": person.email,
        "user_uuid": person.id,
        "idp": {"id": provider, "type": "azureAD"},
        "is_gateway": person.enrolled,
        "is_warp": person.enrolled,
        "iat": person.identity_updated or person.last_login,
        "geo": {"country": "DE"},
        "devicePosture": {},
        "groups": groups,
        "version": 2,
    }
