"""The lane's side of a world: an account, what it has told each isolate, and the judge of each change of its lists."""

import json
import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import simulator
from addresses import Mailbox, forms
from plan import GUARDED_SIZE, RISK_LEVELS
from simulator.cloudflare.faults import Ineffective
from simulator.cloudflare.state import GatewayList, ListWrite

if TYPE_CHECKING:
    from tests.chaos.heard import Read
    from tests.chaos.world import Tick, World

NEVER = -1.0
HOST = "api.cloudflare.com"
ADDRESS = re.compile(r"[^\s@'\"]+@[^\s@'\"]+\.[a-z]{2,}", re.IGNORECASE)
_LISTS = re.compile(r"/gateway/lists(?:/([0-9a-f-]{36}))?(/items)?(?:\?page=(\d+)|$)")


@dataclass
class Told:
    """What Cloudflare has told an isolate, as long as that lives: the values of each list at its last whole read, and what is
    known to have been changed since; pages that make no whole yet, and how many items there were said to be when, before them."""

    whole: dict[str, set[str]] = field(default_factory=dict)
    pages: dict[str, list[str]] = field(default_factory=dict)
    facts: dict[str, tuple[object, object]] = field(default_factory=dict)
    listings: int = 0
    """How many listings were answered."""

    def answer(self, request: simulator.Request, status: int, body: str) -> None:
        """Take note of an answer."""
        match = _LISTS.search(request.url)
        try:
            answer = json.loads(body)
        except ValueError:
            return
        if not match or status != 200 or not isinstance(answer, dict) or answer.get("success") is not True:
            return
        list_id, items, page = match[1], match[2], int(match[3] or 1)
        result = answer.get("result")
        if not list_id:
            self.listings += 1
            for entry in result if isinstance(result, list) else []:
                self._told(entry)
        elif request.method == "PATCH":
            self._changed(list_id, json.loads(request.body))
        elif items:
            begun = [] if page == 1 else self.pages.get(list_id, [])
            self.pages[list_id] = begun + _values(result)
        elif isinstance(result, dict):
            self._told({**result, "id": list_id})
            if len(found := _values(result.get("items"))) == result.get("count", 0):
                self.whole[list_id] = set(found)
            self.facts[list_id] = result.get("count", 0), result.get("updated_at")

    def _told(self, entry: object) -> None:
        """A list's count and date: what came in pages is whole if they are what they were before the first."""
        if isinstance(entry, dict) and (pages := self.pages.get(list_id := str(entry.get("id")))) is not None:
            count = entry.get("count", 0)
            if self.facts.get(list_id) == (count, entry.get("updated_at")) and len(pages) == count:
                self.whole[list_id] = set(self.pages.pop(list_id))

    def _changed(self, list_id: str, body: Mapping[str, list[object]]) -> None:
        appended = {str(each["value"]) for each in body.get("append", ()) if isinstance(each, dict)}
        self.whole[list_id] = self.whole.get(list_id, set()) | appended


def _values(items: object) -> list[str]:
    return [str(each.get("value")) for each in items if isinstance(each, dict)] if isinstance(items, list) else []


class Lists:
    """An account's three lists beside a tenant's users, and the truth about whose an address is."""

    def __init__(self, tenant: simulator.Tenant, seed: int, clock: Callable[[], float], written: Callable[[ListWrite], None]) -> None:
        self.tenant = tenant
        self.account = simulator.Account.contoso(seed, clock=clock)
        self.lists: dict[str, GatewayList] = {level: self.account.list_named(f"risky-users-{level}") for level in RISK_LEVELS}
        self.account.on_write = written
        self.variables = self.account.worker_variables
        self._had: dict[str, set[str]] = {}
        """Who has, or has had, an address."""

    def level_of(self, list_id: str) -> str | None:
        """The level of a list."""
        return next((level for level, each in self.lists.items() if each.id == list_id), None)

    def held(self, level: str) -> set[str]:
        """What a level's list holds, in lower case."""
        return {value.lower() for value in self.lists[level].values}

    def theirs(self, user: str, which: str = "both") -> tuple[str, ...]:
        """The addresses of a user, in truth."""
        entry = self.tenant.directory.users.get(user)
        if not entry:
            return ()
        found = forms(Mailbox(None if entry.deleted else entry.mail, entry.principal_name), which)
        for address in found:
            self._had.setdefault(address, set()).add(user)
        return found

    def remember(self) -> None:
        """Whose the addresses are now, before that changes."""
        for user in self.tenant.directory.users:
            self.theirs(user)

    def owners(self, address: str) -> set[str]:
        """Who has an address, or has had it."""
        self.remember()
        return self._had.get(address, set())

    def wanted(self, level: str) -> set[str]:
        """What a level's list should hold, in truth."""
        return {address for user in self.tenant.risky_at(level) for address in self.theirs(user.id)}

    def right(self, level: str) -> bool:
        """Whether it holds that; whoever was deleted and is still called risky may be in there."""
        called = [user.id for user in self.tenant.users if user.deleted and user.risk_level == level and not user.listed_as_deleted]
        wanted = self.wanted(level)
        return wanted <= self.held(level) <= wanted.union(*map(self.theirs, called))

    @property
    def calm(self) -> bool:
        """Whether nothing stands between a tick and the truth of the lists."""
        return not (self.account.faults or self.account.behaviour.list_lag or self.account.token.disabled)

    @property
    def lying(self) -> bool:
        """Whether a change may be said to be made that is not."""
        return any(isinstance(fault, Ineffective) for fault in self.account.faults)

    def units(self, values: Collection[str]) -> int:
        """How many users these values stand for, at the least: those that one user may have had are one."""
        together: list[set[str]] = []
        for value in values:
            whose = {*self.owners(value.strip().lower())} or {value.lower()}
            joined = [each for each in together if each & whose]
            together = [each for each in together if each not in joined] + [whose.union(*joined)]
        return len(together)


def too_many(lists: Lists, seen: Collection[str], gone: Collection[str]) -> bool:
    """Whether so much of a list has left that it may be a mistake. A user of two addresses may count as two."""
    size = lists.units(seen)
    return size >= GUARDED_SIZE + 2 and 2 * lists.units(gone) > len(seen)


# --- what must never happen ---


def judge(world: "World", lane: Lists, tick: "Tick", write: ListWrite) -> None:
    """Whether a change of a list may be: raises AssertionError."""
    level = lane.level_of(write.list_id)
    assert level, "only the three lists are ever written to"
    assert tick.settings.gateway, "without an account no list is written to"
    assert level in tick.settings.gateway.lists, "a list that is not configured is left alone"
    assert not tick.settings.dry_run, "a dry run writes nothing"
    if write.kind == "append":
        assert write.value == write.value.strip().lower(), "addresses are written in lower case"
        assert "#ext#" not in write.value, "a guest's principal name is nobody's address"
        told = [user for user, each in tick.heard.reported if each == level and write.value in tick.heard.addresses.get(user, ())]
        assert told, "nobody's address is appended whom Graph did not report at that level"
    else:
        _taken_out(world, lane, tick, level, write)


def _taken_out(world: "World", lane: Lists, tick: "Tick", level: str, write: ListWrite) -> None:
    gateway, address, told = tick.settings.gateway, write.value.strip().lower(), tick.told
    assert gateway
    assert write.value in told.whole.get(write.list_id, ()), "nothing is removed that was not seen in a whole read of the list"
    assert told.listings > tick.listings, "nothing is removed from a list of which nothing is known in this minute"
    reads = [*tick.heard.reads()]
    assert reads, "nothing is removed unless the risky users were read to the end"
    first, *later = reads
    for user in (user for user, each in first.levels.items() if each == level):
        if _mailbox_is_old(world, user, tick.started) and world.forge is str:
            theirs = lane.theirs(user, gateway.addresses)[: 2 if gateway.list_size >= 1000 else 1]
            spelled_otherwise = address != write.value.lower() and address in lane.held(level)
            assert address not in theirs or spelled_otherwise or tick.lied_to, "an address stays while somebody at the level has it"
    gone = tick.taken_out.setdefault(write.list_id, [])
    gone.append(write.value)
    owners = lane.owners(address)
    if gateway.list_size < 1000:
        return  # second forms give way to first ones
    looks = [(read, owners) for read in later]
    wanting = [user for user in owners if first.levels.get(user, "none") == level]
    if too_many(lane, told.whole[write.list_id], gone) or (first.answers > 1 and _targets(first, owners) <= {"none"}):
        if before := world.minute_before(tick):  # whoever had another mailbox by then was not among those whose it was
            then = {user for user in owners if address in lane.theirs(user) or not _mailbox_is_old(world, user, before.started)}
            looks.append((next(before.heard.reads()), then))
        agreeing = [read for read, users in looks if _targets(read, users) == _targets(first, users)]
        assert agreeing or wanting, "what may be an error is read twice"
    cap = tick.settings.max_removals
    assert cap is None or lane.units([each for values in tick.taken_out.values() for each in values]) <= cap, (
        "MAX_REMOVALS caps what leaves the lists"
    )
    _never_in_no_list(world, lane, tick, level, address, first, seen=len(looks) + 1)


def _targets(read: "Read", users: Collection[str]) -> set[str]:
    """Where they are to be, as it was read."""
    return {read.levels.get(user, "none") for user in users}


def _never_in_no_list(world: "World", lane: Lists, tick: "Tick", level: str, address: str, first: "Read", *, seen: int) -> None:
    """`seen` tells how many reads there were."""
    assert tick.settings.gateway
    for user in lane.owners(address):
        reported, theirs = first.levels.get(user, "none"), lane.theirs(user, tick.settings.gateway.addresses)
        if not theirs or tick.lied_to or world.others_at_work(tick):
            continue
        enough, since = {theirs[0], address}, tick.started
        moves = reported in tick.settings.gateway.lists and (reported != level or address not in theirs)
        if moves and not _lists_disturbed(world, lane, user, since) and _mailbox_is_old(world, user, since):
            assert lane.held(reported).intersection(enough), "whoever moves is in the new list before leaving the old one"
        entry, since = world.tenant.directory.users[user], world.oldest(tick)
        always = entry.risk_level in RISK_LEVELS and not entry.deleted and world.at_ease.get(user, NEVER) < since
        undisturbed = not _lists_disturbed(world, lane, user, since) and _mailbox_is_old(world, user, since)
        everywhere = len(tick.settings.gateway.lists) == len(RISK_LEVELS)
        if world.forge is str and always and undisturbed and everywhere and (seen < 2 or reported in RISK_LEVELS):
            inside = any(lane.held(each).intersection(enough) for each in RISK_LEVELS)
            assert inside, "a risky user is in a list at all times, unless two reads in a row missed them"


def _mailbox_is_old(world: "World", user: str, since: float) -> bool:
    """Whether nobody has changed the user's mailbox in this time."""
    return world.touched.get(mailbox(user), NEVER) < since


def _lists_disturbed(world: "World", lane: Lists, user: str, since: float) -> bool:
    """Whether somebody else changed a list, or the user's mailbox, in this time."""
    ids = [mailbox(user), *(each.id for each in lane.lists.values())]
    return any(world.touched.get(each, NEVER) >= since for each in ids)


def mailbox(user: str) -> str:
    """What stands for the user's mailbox among what somebody touches."""
    return f"mailbox of {user}"
