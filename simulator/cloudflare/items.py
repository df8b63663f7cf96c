"""The items of a list: what may be stored, and what a PATCH does, with every point that Cloudflare leaves open.

Only two facts are on record: a removal of an absent value is 400 "item to be removed, VALUE, not found in list", and a list
holds no duplicates (https://developers.cloudflare.com/cloudflare-one/reusable-components/lists/). The rest is in Behaviour.
"""

import re
from collections.abc import Iterator

from simulator.cloudflare.envelope import Refused
from simulator.cloudflare.service import Call, Service, invalid
from simulator.cloudflare.state import GatewayList, Item, ListWrite
from simulator.messages import JSON

_ADDRESS = re.compile(r"[^@\s\x00-\x1f\x7f]+@[^@\s\x00-\x1f\x7f]+")
_LONGEST_ADDRESS = 254


def parse_items(given: JSON, kind: str, now: float) -> list[Item]:
    """Items as they are sent; raises Refused. That an address must look like one is inferred."""
    if given is None:
        return []
    if not isinstance(given, list):
        raise invalid("items must be an array")
    items = []
    for each in given:
        value = each.get("value") if isinstance(each, dict) else None
        description = each.get("description") if isinstance(each, dict) else None
        if not isinstance(value, str) or not value or not isinstance(description, str | None):
            raise invalid("an item must be an object with a value")
        if kind == "EMAIL" and not (_ADDRESS.fullmatch(value) and len(value) <= _LONGEST_ADDRESS):
            raise invalid("an item is not a valid email address")
        items.append(Item(value, now, description))
    return items


def parse_removals(given: JSON) -> list[str]:
    """Values as they are sent, bare strings; raises Refused."""
    if given is None:
        return []
    if not isinstance(given, list) or not all(isinstance(value, str) for value in given):
        raise invalid("remove must be an array of strings")
    return [str(value) for value in given]


class Change:
    """What a request is about to do to a list: planned value by value first, then done."""

    def __init__(self, service: Service, target: GatewayList) -> None:
        self._service, self._target = service, target
        self._behaviour = service.behaviour
        self.items = dict(target.contents.value.items)
        """As they will be."""
        self._steps: list[tuple[Item, bool]] = []
        self.refused: Refused | None = None

    def plan(self, append: list[Item], remove: list[str]) -> None:
        """Raises Refused where nothing is to be done; `refused` is set where something is, and the answer is an error."""
        both = [self._removals(remove), self._appends(append)]
        for refused in (refused for part in (both if self._behaviour.removes_first else both[::-1]) for refused in part):
            if not self._behaviour.rest_applied:
                raise refused
            self.refused = self.refused or refused

    def replace(self, items: list[Item]) -> None:
        """Plan to hold exactly these; raises Refused."""
        kept = {self._key(item.value) for item in items}
        for key, item in list(self.items.items()):
            if key not in kept:
                self._take(key, item)
        for item in items:
            if self._key(item.value) not in self.items:
                for refused in self._appends([item]):
                    raise refused

    def do(self, now: float, *, told: bool = True) -> None:
        """Do it, one value after the other; `told` to whom it may concern."""
        if not self._steps:
            return
        self._target.touch(now)
        contents = self._target.contents.value
        for item, appended in self._steps:
            if appended:
                contents.items[self._key(item.value)] = item
            else:
                del contents.items[self._key(item.value)]
            if told:
                self._service.tell(ListWrite(self._target.id, "append" if appended else "remove", item.value))

    def _key(self, value: str) -> str:
        return value if self._behaviour.unique_by == "spelling" else value.casefold()

    def _stored(self, value: str) -> str:
        return value.lower() if self._behaviour.lower_cases else value

    def _take(self, key: str, item: Item) -> None:
        del self.items[key]
        self._steps.append((item, False))

    def _removals(self, values: list[str]) -> Iterator[Refused]:
        for value in values:
            key = self._key(self._stored(value))
            if key in self.items:
                self._take(key, self.items[key])
            else:
                yield invalid(f"item to be removed, {value}, not found in list")

    def _appends(self, items: list[Item]) -> Iterator[Refused]:
        for item in items:
            stored = Item(self._stored(item.value), item.created, item.description)
            key = self._key(stored.value)
            if key in self.items:
                if self._behaviour.append_of_present == 409:
                    yield Refused(409, None, "Conflict")
                elif self._behaviour.append_of_present == 400:
                    yield invalid("duplicate items are not allowed")
            elif len(self.items) >= self._service.state.list_size:
                yield invalid(f"a list holds at most {self._service.state.list_size} items")
            else:
                self.items[key] = stored
                self._steps.append((stored, True))


def patch(service: Service, call: Call, target: GatewayList) -> Change:
    """Append and remove as the body says, unless the call is only pretended; raises Refused."""
    body = call.object()
    append, remove = parse_items(body.get("append"), target.type, call.now), parse_removals(body.get("remove"))
    most = service.behaviour.values_per_patch
    if most is not None and len(append) + len(remove) > most:
        raise invalid(f"at most {most} items can be changed at once")
    if len(append) + len(remove) > 1000:
        service.violate("a PATCH of a list with more than 1,000 values")
    if {item.value for item in append} & set(remove):
        service.violate("a PATCH of a list that appends and removes the same value")
    change = Change(service, target)
    change.plan(append, remove)
    if not call.pretended:
        change.do(call.now)
    if change.refused:
        raise change.refused
    return change
