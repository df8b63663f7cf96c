"""An end-to-end trial: a test user's risk on its way to the isolated browser, station by station, with times. Only reads."""

from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass, field

from errors import AuthError, ServiceError
from graph import IsolateCache
from groups import GROUP_NAMES
from risky_users.admin.cloudflare import Cloudflare
from risky_users.admin.entra import Graph
from risky_users.check.account import Eyes, by_either, read_list
from risky_users.check.people import read_identity, read_person, values_of
from risky_users.check.rules import Marks, acting, hidden, http_rules
from risky_users.check.seen import Seen, Unseen, entries_at, text_at
from risky_users.connection import Connection
from risky_users.facts import TenantFacts, read_tenant
from settings import Settings
from text import GUID

PAUSE_SECONDS = 10.0
"""Between two looks: the Worker itself asks once a minute, and Identity Protection bears one request a second."""
STATIONS = {"risk": "Risk", "group": "Group", "list": "List", "cloudflare": "Cloudflare", "policy": "Policy"}
"""In their order, and their titles; the last one is the isolated browser."""

_NO_ADDRESS = "which addresses the user has is not seen."


@dataclass(frozen=True, slots=True)
class Step:
    """A station that was reached, or a word on the way (no `station`). `time` in epoch seconds, `after` seconds after the risk."""

    station: str
    time: float
    message: str
    after: float = 0.0


@dataclass(frozen=True, slots=True)
class Tested:
    """The test user: their id in Entra, and their addresses in lower case."""

    id: str
    addresses: frozenset[str]


@dataclass(slots=True)
class Trial:
    """One user's way; with `user` None that of whoever comes to be at risk first, whom `identify` then tells by their id."""

    connection: Connection
    settings: Settings
    eyes: Eyes
    user: Tested | None
    identify: Callable[[str], Seen[Tested]]
    reached: dict[str, float] = field(default_factory=dict)
    """When each station was, in epoch seconds."""
    _before: frozenset[str] | None = None
    """Who was at risk when it began."""
    _cache: IsolateCache = field(default_factory=IsolateCache)

    @property
    def unseen(self) -> Mapping[str, str]:
        """The stations that cannot be seen from here, and why."""
        administrator, worker = self.eyes.administrator, self.eyes.worker
        why = dict.fromkeys(("list", "cloudflare", "policy"), _NO_ADDRESS) if self.user and not self.user.addresses else {}
        if not self.settings.gateway:
            why["list"] = "the direct lane is off."
        if isinstance(administrator, Unseen):
            why |= {"cloudflare": administrator.why} | ({"policy": administrator.why} if isinstance(worker, Unseen) else {})
        return why

    @property
    def ahead(self) -> list[str]:
        """The stations that are still waited for: no others than the policy, once that has been reached."""
        return [] if "policy" in self.reached else [each for each in STATIONS if each not in self.reached and each not in self.unseen]

    async def run(self) -> AsyncIterator[Step]:
        """Each station as it is reached, until there is nothing more to wait for, or the risk is gone."""
        clock = self.connection.clock
        while self.ahead:
            now = clock.now()
            try:
                there = self._look(await self._read())
            except AuthError as error:
                yield Step("", now, self.connection.told(str(error)))
                there = None
            if there is not None and "risk" in self.reached and "risk" not in there:
                yield Step("", now, "The risk is gone.", now - self.reached["risk"])
                return
            for station in [each for each in STATIONS if there and each in there and each not in self.reached]:
                self.reached[station] = now
                yield Step(station, now, (there or {})[station], now - self.reached["risk"])
            if self.ahead:
                await clock.sleep(PAUSE_SECONDS)

    async def _read(self) -> TenantFacts:
        async with self.connection.graph(self.settings, self._cache) as graph:
            return await read_tenant(graph)

    def _look(self, facts: TenantFacts) -> dict[str, str] | None:
        """The stations at which the user is now, in words; None where the risky users could not be read."""
        user = self.user = self.user or self._newcomer(facts)
        if not user:
            return None
        level = next((level for level, users in facts.risky_users.by_level.items() if user.id in users), "")
        if not level:
            return None if facts.risky_users.unread else {}
        name, state = GROUP_NAMES[level], None if isinstance(facts.groups, ServiceError) else facts.groups[level]
        there = {"risk": f"{level}, says Identity Protection"}
        if state and state.members and user.id in state.members.users:
            there["group"] = f"in {name}"
        addresses, carried = self._identity(user, name)
        if listed := self._listed(level, addresses):
            there["list"] = "on the list of this level"
        if carried:
            there["cloudflare"] = f"Cloudflare's identity of the user has {name}"
        marks = Marks(self._list_id(level), name, state.group.id if state and state.group else "")
        if rule := self._acting(marks, listed=listed, grouped=carried):
            there["policy"] = f"{rule} isolates the user's next page load"
        return there

    def _newcomer(self, facts: TenantFacts) -> Tested | None:
        """Somebody who is at risk and was not when this began."""
        if facts.risky_users.unread:
            return None
        at_risk = frozenset[str]().union(*facts.risky_users.by_level.values())
        self._before = at_risk if self._before is None else self._before
        new = min(at_risk - self._before, default="")
        found = self.identify(new) if new else None
        return None if isinstance(found, Unseen) else found

    def _list_id(self, level: str) -> str:
        return self.settings.gateway.lists.get(level, "") if self.settings.gateway else ""

    def _listed(self, level: str, addresses: frozenset[str]) -> bool:
        if isinstance(self.eyes.worker, Unseen) or not self._list_id(level):
            return False
        return not addresses.isdisjoint(values_of(read_list(self.eyes.worker, self._list_id(level))))

    def _identity(self, user: Tested, group: str) -> tuple[frozenset[str], bool]:
        """By which addresses Cloudflare may know the user, by which it does where that is seen; and whether it has the group."""
        identity = read_identity(self.eyes.administrator, user.addresses)
        if isinstance(identity, Unseen) or not identity:
            return user.addresses, False
        groups = {text_at(each, "name") for each in entries_at(identity, "groups")}
        return frozenset({text_at(identity, "email").lower()}), group in groups

    def _acting(self, marks: Marks, *, listed: bool, grouped: bool) -> str:
        """The rule that isolates the user, empty where none does."""
        rules = by_either(self.eyes, Cloudflare.all, "/gateway/rules", "read the Gateway rules")
        if isinstance(rules, Unseen):
            return ""
        known = http_rules(rules)
        is_in = Marks(marks.list_id if listed else "", marks.group_name if grouped else "", marks.group_id if grouped else "")
        rule = acting(known, is_in)
        return f"“{rule.name}”" if rule and not hidden(rule, known) else ""


def find(eyes: Eyes, graph: Seen[Graph], address: str) -> Seen[Tested]:
    """The test user, by a mail address, a user principal name or an object id."""
    person = read_person(eyes.administrator, graph, address)
    entra = None if isinstance(person.entra, Unseen) else person.entra
    forms = {address, text_at(entra, "mail"), text_at(entra, "userPrincipalName")}
    user_id = address if GUID.fullmatch(address) else text_at(entra, "id")
    if user_id:
        return Tested(user_id.lower(), frozenset(form.lower() for form in forms if "@" in form))
    if isinstance(person.entra, Unseen):
        return Unseen(f"The user's object id is needed, which can be told in the place of the address. {person.entra.why}")
    return Unseen("Entra knows nobody by this address: check it, or tell the user's object id in its place.")
