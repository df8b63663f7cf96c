"""Zero Trust lists (https://developers.cloudflare.com/api/resources/zero_trust/subresources/gateway/subresources/lists/).

Documented: the operations, their members, the query of the listing. From recorded answers: no `count` where it is 0, null for no
items, no items in a listing or in the answer to a PATCH, 50 items a page, an unknown list as HTTP 400 with code 2218.
"""

import re

from simulator.cloudflare import expressions, items
from simulator.cloudflare.envelope import Answer, Refused, cut
from simulator.cloudflare.service import Call, Service, invalid, text, whole
from simulator.cloudflare.state import LIST_TYPES, MOST_LISTS, Contents, GatewayList, Item
from simulator.messages import JSON
from simulator.stamps import stamp

_ITEMS_PAGE = 50
_FILTER = re.compile(r"(name|id|type|item_count):(.*)", re.DOTALL)


def list_lists(service: Service, call: Call, _: "re.Match[str]") -> Answer:
    """All that this token may see, without their items. "Not listed" does not mean "not there"."""
    time = call.now - service.lag(service.behaviour.list_lag)
    seen = [each for each in service.state.lists.values() if each.stood(time) and _may_see(call, each)]
    found = [(each, _entity(service, each, each.contents.at(time))) for each in seen]
    wanted = call.one("type")
    entries = [entity for each, entity in found if wanted is None or each.type == wanted]
    if service.behaviour.listing_takes_queries:
        entries = _ordered(call, [entity for entity in entries if _matches(call, entity)])
    return service.page(call, entries, max(_ITEMS_PAGE, len(entries)), MOST_LISTS)


def create_list(service: Service, call: Call, _: "re.Match[str]") -> Answer:
    """Names need not be unique. The answer holds the items and no count."""
    body = call.object()
    name, kind, description = text(body, "name"), text(body, "type"), text(body, "description", "")
    if kind not in LIST_TYPES:
        raise invalid("type must be one of " + ", ".join(LIST_TYPES))
    if len(service.state.standing_lists()) >= MOST_LISTS:
        raise invalid(f"an account holds at most {MOST_LISTS} lists")
    made = GatewayList(service.new_id(), name, kind, description, call.now)
    change = items.Change(service, made)
    change.replace(items.parse_items(body.get("items"), kind, call.now))
    service.state.lists[made.id] = made
    change.do(call.now)
    entity = _entity(service, made, made.contents.value)
    entity.pop("count", None)
    return Answer(entity | _embedded(service, made.contents.value))


def get_list(service: Service, call: Call, match: "re.Match[str]") -> Answer:
    """One list, with its items."""
    time = call.now - service.lag(service.behaviour.list_lag)
    target = _found(service, call, match, time)
    contents = target.contents.at(time)
    return Answer(_entity(service, target, contents) | _embedded(service, contents))


def list_items(service: Service, call: Call, match: "re.Match[str]") -> Answer:
    """A page of items. `limit` works too, undocumented."""
    time = call.now - service.lag(service.behaviour.list_lag)
    entries = _item_entities(_found(service, call, match, time).contents.at(time))
    page, per_page = whole(call, "page", 1), whole(call, "per_page", _ITEMS_PAGE)
    if "limit" in call.query:
        service.violate("limit= on a list's items, which is documented nowhere")
        per_page = whole(call, "limit", _ITEMS_PAGE)
    elif per_page > service.behaviour.items_page_at_most:
        if service.behaviour.per_page_beyond == "refused":
            raise invalid(f"per_page must be at most {service.behaviour.items_page_at_most}")
        per_page = service.behaviour.items_page_at_most
    part, info = cut(entries, page, per_page)
    empty = service.behaviour.empty_items
    result: JSON = list(part) if part or empty == "[]" else None
    return Answer(result, info=info if service.behaviour.result_info else None, without_result=not part and empty == "absent")


def patch_list(service: Service, call: Call, match: "re.Match[str]") -> Answer:
    """Append and remove; the answer has the new count and no items."""
    target = _found(service, call, match)
    change = items.patch(service, call, target)
    shown = call.pretended == "expected"
    contents = Contents(change.items, call.now) if shown else target.contents.value
    return Answer(_entity(service, target, contents))


def put_list(service: Service, call: Call, match: "re.Match[str]") -> Answer:
    """Name and description; the items too where they are given and, by Behaviour, not empty."""
    target, body = _found(service, call, match), call.object()
    name, description = text(body, "name"), text(body, "description", target.description)
    if body.get("type", target.type) != target.type:
        raise invalid("the type of a list cannot be changed")
    given = items.parse_items(body.get("items"), target.type, call.now)
    change = items.Change(service, target)
    if given or (body.get("items") == [] and service.behaviour.put_of_no_items == "empties"):
        change.replace(given)
    target.name, target.description = name, description
    target.touch(call.now)
    change.do(call.now)
    return Answer(_entity(service, target, target.contents.value))


def delete_list(service: Service, call: Call, match: "re.Match[str]") -> Answer:
    """Refused while a rule names it, be the rule enabled or not."""
    target = _found(service, call, match)
    for rule in service.state.rules.value.values():
        named = expressions.lists_in(rule.identity) | expressions.lists_in(rule.traffic)
        if any(service.state.list_named_in_rule(each) is target for each in named):
            raise invalid("the list is used by a rule")
    change = items.Change(service, target)
    change.replace([])
    change.do(call.now)
    target.deleted = call.now
    return Answer({})


def _found(service: Service, call: Call, match: "re.Match[str]", time: float | None = None) -> GatewayList:
    """The list as of `time`, or now; raises Refused."""
    target = service.state.lists.get(match["list"].lower())
    if not target or not target.stood(call.now if time is None else time):
        raise Refused(400, 2218, "list not found")
    if not _may_see(call, target):
        raise service.right_missing()
    return target


def _may_see(call: Call, target: GatewayList) -> bool:
    return call.token.lists is None or target.id in call.token.lists


def _entity(service: Service, target: GatewayList, contents: Contents) -> dict[str, JSON]:
    entity: dict[str, JSON] = {
        "id": target.id,
        "name": target.name,
        "description": target.description,
        "type": target.type,
        "created_at": stamp(target.created),
        "updated_at": stamp(contents.updated),
    }
    if contents.items or service.behaviour.zero_count == "zero":
        entity["count"] = len(contents.items)
    return entity


def _item_entities(contents: Contents) -> list[JSON]:
    return [_item(each) for each in contents.items.values()]


def _item(item: Item) -> JSON:
    described: dict[str, JSON] = {} if item.description is None else {"description": item.description}
    return {"value": item.value, **described, "created_at": stamp(item.created)}


def _embedded(service: Service, contents: Contents) -> dict[str, JSON]:
    """The member `items` of a list that is read."""
    behaviour = service.behaviour
    if not contents.items:
        none: dict[str, JSON] = {"items": [] if behaviour.empty_items == "[]" else None}
        return {} if behaviour.empty_items == "absent" else none
    if len(contents.items) > behaviour.embedded_at_most and behaviour.embedded_items != "all":
        return {} if behaviour.embedded_items == "none" else {"items": _item_entities(contents)[: behaviour.embedded_at_most]}
    return {"items": _item_entities(contents)}


def _matches(call: Call, entity: dict[str, JSON]) -> bool:
    """Whether `filter` and `search` keep it; raises Refused."""
    sought = (call.one("search") or "").lower()
    if sought and sought not in str(entity["name"]).lower() and sought not in str(entity["description"]).lower():
        return False
    for each in call.query.get("filter", ()):
        match = _FILTER.fullmatch(each)
        if not match or (match[1] == "item_count" and not match[2].isdecimal()) or (match[1] == "type" and match[2] not in LIST_TYPES):
            raise invalid("filter must be field:value")
        field, value = match[1], match[2]
        kept = {
            "name": value.lower() in str(entity["name"]).lower(),
            "id": value.lower().replace("-", "") in str(entity["id"]).replace("-", ""),
            "type": value == entity["type"],
            "item_count": field == "item_count" and int(value) == entity.get("count", 0),
        }
        if not kept[field]:
            return False
    return True


def _ordered(call: Call, entries: list[dict[str, JSON]]) -> list[dict[str, JSON]]:
    """As `order_by` and `direction` have it: the oldest first, if not asked otherwise."""
    order, direction = call.one("order_by") or "created_at", call.one("direction")
    if order not in ("name", "created_at", "updated_at", "item_count") or direction not in (None, "asc", "desc"):
        raise invalid("order_by or direction is not known")
    newest_first = call.one("order_by") in ("created_at", "updated_at")
    descending = direction == "desc" if direction else newest_first

    def key(entity: dict[str, JSON]) -> tuple[int, str]:
        count = entity.get("count", 0)
        return (count, "") if order == "item_count" and isinstance(count, int) else (0, str(entity.get(order, "")))

    return sorted(entries, key=key, reverse=descending)
