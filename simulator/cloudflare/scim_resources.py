"""What Entra has provisioned, as it can be read: SCIM groups and users, and the log of their changes.

https://developers.cloudflare.com/api/resources/zero_trust/subresources/identity_providers/subresources/scim/ and
https://developers.cloudflare.com/api/resources/zero_trust/subresources/access/subresources/logs/. A group is shown without its members.
"""

import re

from simulator.cloudflare.envelope import Answer
from simulator.cloudflare.providers import found
from simulator.cloudflare.provisioned import ProvisionedGroup, ProvisionedUser, ScimEvent
from simulator.cloudflare.service import Call, Service, invalid
from simulator.messages import JSON
from simulator.stamps import parse_stamp, stamp

_MOST_IDS = 50
_PAGE = 100


def list_groups(service: Service, call: Call, match: "re.Match[str]") -> Answer:
    """Those that the ids or the name choose."""
    _population(service, call)
    groups = [each for each in found(service, match["provider"]).groups.values() if _chosen(call, each)]
    name = call.one("name")
    return service.page(call, [_group(each) for each in groups if name in (None, each.content.name)], _PAGE, _PAGE)


def list_users(service: Service, call: Call, match: "re.Match[str]") -> Answer:
    """Those that the ids, the username, the e-mail address or the name choose."""
    _population(service, call)
    wanted = {name: call.one(name) for name in ("username", "email", "name")}

    def kept(user: ProvisionedUser) -> bool:
        has = {"username": user.content.user_name, "email": user.content.email or "", "name": user.content.name}
        return all(value is None or value.lower() == has[name].lower() for name, value in wanted.items())

    users = [each for each in found(service, match["provider"]).users.values() if _chosen(call, each) and kept(each)]
    return service.page(call, [_user(each) for each in users], _PAGE, _PAGE)


def list_log(service: Service, call: Call, _: "re.Match[str]") -> Answer:
    """The log of the providers named by `idp_id`, the latest first if not asked otherwise."""
    if not service.behaviour.scim_log_by_token:
        raise service.right_missing()
    if not call.query.get("idp_id"):
        raise invalid("idp_id is required")
    logged = [(provider, event) for provider in call.query["idp_id"] for event in found(service, provider).log if _kept(call, event)]
    logged.sort(key=lambda each: each[1].logged, reverse=call.one("direction") != "asc")
    entries = [_event(provider, event) for provider, event in logged]
    limit = call.one("limit")
    if limit and limit.isdecimal():
        entries = entries[: int(limit)]
    return service.page(call, entries, 20, 1000)


def _population(service: Service, call: Call) -> None:
    """Raises Refused where "Access: Population Read" is all the token has, and it is not enough."""
    if not service.behaviour.population_reads_scim and not any("Identity Providers" in each for each in call.token.permissions):
        raise service.right_missing()


def _chosen(call: Call, resource: ProvisionedGroup | ProvisionedUser) -> bool:
    """Whether the ids choose it; raises Refused where they are too many or not alone."""
    own, directory = call.query.get("cf_resource_id", ()), call.query.get("idp_resource_id", ())
    others = call.query.keys() & {"name", "username", "email"}
    if len(own) > _MOST_IDS or len(directory) > _MOST_IDS or ((own or directory) and others) or (own and directory):
        raise invalid(f"at most {_MOST_IDS} ids of one kind, and no other filter beside them")
    return not (own or directory) or resource.id in own or resource.content.external_id in directory


def _kept(call: Call, event: ScimEvent) -> bool:
    has = {
        "status": event.status,
        "resource_type": event.resource_type,
        "request_method": event.method,
        "resource_group_name": event.group_name,
        "resource_user_email": event.user_email,
        "cf_resource_id": event.cf_resource_id,
        "idp_resource_id": event.idp_resource_id,
    }
    try:
        since, until = parse_stamp(call.one("since") or "1970-01-01"), parse_stamp(call.one("until") or "9999-01-01")
    except ValueError:
        raise invalid("since and until must be dates") from None
    within = since <= event.logged <= until
    return within and all(value in call.query[name] for name, value in has.items() if name in call.query)


def _group(group: ProvisionedGroup) -> dict[str, JSON]:
    return {
        "id": group.id,
        "displayName": group.content.name,
        "externalId": group.content.external_id,
        "meta": {"created": stamp(group.created), "lastModified": stamp(group.modified)},
        "schemas": ["urn:ietf:params:scim:schemas:core:2.0:Group"],
    }


def _user(user: ProvisionedUser) -> dict[str, JSON]:
    return {
        "id": user.id,
        "active": user.active,
        "displayName": user.content.name,
        "externalId": user.content.external_id,
        "emails": [] if user.content.email is None else [{"value": user.content.email, "type": "work", "primary": True}],
        "meta": {"created": stamp(user.created), "lastModified": stamp(user.modified)},
        "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"],
    }


def _event(provider: str, event: ScimEvent) -> dict[str, JSON]:
    return {
        "idp_id": provider,
        "logged_at": stamp(event.logged),
        "status": event.status,
        "error_description": event.error,
        "request_method": event.method,
        "resource_type": event.resource_type,
        "resource_group_name": event.group_name,
        "resource_user_email": event.user_email,
        "cf_resource_id": event.cf_resource_id,
        "idp_resource_id": event.idp_resource_id,
        "request_body": event.body,
    }
