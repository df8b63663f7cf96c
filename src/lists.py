"""The direct lane: Cloudflare lists kept in step as the groups are, in the same tick, by the same plan.

A list holds addresses, the plan speaks of users. Who is in a list: a user all of whose addresses are in it; somebody else
whose address is in it; and for an address that is nobody's, an entry that stands for it, since no address is to be logged.
Gateway acts on a list at the next page load, hence the lists come before the groups.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from addresses import AddressBook, Mailbox
from errors import GatewayError, GraphError, ServiceError
from gateway import VALUES_AT_ONCE, GatewayClient, ListFacts
from graph import GraphClient, Members, RiskyUsers, Writes
from plan import Risk
from settings import GatewaySettings
from text import counted

REREAD_SECONDS = 900.0
"""So long a list is believed to hold what it held, if its size and date of change say so."""
LOOKED_UP = 1200
"""How many users' mail addresses a tick looks up at most: four batches of Graph's. The others follow in the next ones."""
LOOK_UP_SECONDS = 4.0
"""How long that may wait."""
NAMED = 20
"""How many ids a line of the log names before it only counts."""
HALVINGS = 10
"""How often a change that is refused is halved, to find what it is refused for."""

_NO_MAIL = "Mail addresses cannot be read without the application permission User.ReadBasic.All"
_GRANT = "Add it to the app registration and grant admin consent"
PRINCIPAL_NAME, MAIL = "user principal name", "mail"
"""What an item is described as. Where mail cannot be read any more, this tells whose absence is certain all the same."""


@dataclass(slots=True)
class ListState:
    """A list as it was read at a time (epoch seconds): for each address in lower case its spellings, and its description."""

    facts: ListFacts
    read: float
    spellings: dict[str, list[str]] = field(default_factory=dict)
    descriptions: dict[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, facts: ListFacts, items: Sequence[tuple[str, str]], now: float) -> "ListState":
        """The list with these items."""
        state = cls(facts, now)
        for value, description in items:
            address = value.strip().lower()
            state.spellings.setdefault(address, []).append(value)
            state.descriptions[address] = description
        return state

    def change(self, appended: Mapping[str, str], removed: Sequence[str], size: int) -> None:
        """What it holds after a change, by which it has this size."""
        self.facts = self.facts._replace(size=size)
        for address in removed:
            del self.spellings[address], self.descriptions[address]
        for address, description in appended.items():
            self.spellings[address], self.descriptions[address] = [address], description


@dataclass(slots=True)
class ListCache:
    """What the isolate remembers of the lists: a cache like all of it."""

    states: dict[str, ListState] = field(default_factory=dict)
    owners: dict[str, str] = field(default_factory=dict)
    """Whose an address was when it was last known, by object id."""
    entries: dict[str, str] = field(default_factory=dict)
    """What stands for an address that is nobody's: it is not to be logged."""
    told_of_permission: bool = False


@dataclass(slots=True)
class _Level:
    """One level's list: as it was read, what it is to hold, and for each who is to leave the addresses that go with them."""

    list_id: str
    users: frozenset[str]
    state: ListState
    wanted: dict[str, set[str]]
    displaced: list[str]
    """Addresses of users at this level, in the list and not wanted there: second forms that there is no room for."""
    strangers: dict[str, list[str]]


class ListTarget:
    """The lists as what the plan is for."""

    name = "lists"
    missing = ()

    def __init__(self, client: GatewayClient, settings: GatewaySettings, cache: ListCache, book: AddressBook) -> None:
        self._client, self._settings, self._cache, self._book = client, settings, cache, book
        self._levels: dict[str, _Level] = {}
        self.members: dict[str, frozenset[str] | None] = dict.fromkeys(settings.lists)
        self.unknown: dict[str, frozenset[str]] = {}
        self.totals: dict[str, int] = {}
        self.problems: list[ServiceError] = []
        self.warnings: list[str] = []

    async def read(self, risk: Risk, now: float) -> None:
        """Read all lists: a request for their sizes and dates of change, and one for each that is not as it was."""
        try:
            listing = await self._client.listing()
        except GatewayError as error:
            self.problems.append(error)
            return
        for level, list_id in self._settings.lists.items():
            try:
                self._take(level, risk.users[level], await self._state(list_id, listing.get(_key(list_id)), now))
            except GatewayError as error:
                self.problems.append(error)
        self._look_for_trouble()

    async def _state(self, list_id: str, facts: ListFacts | None, now: float) -> ListState:
        known = self._cache.states.get(list_id)
        if known and known.facts == facts and now - known.read < REREAD_SECONDS:
            return known
        state = self._cache.states[list_id] = ListState.of(*await self._client.items(list_id), now)
        return state

    def _look_for_trouble(self) -> None:
        """What the administrator is to know although nothing failed, or because a permission was withdrawn."""
        book, levels = self._book, self._levels
        if nameless := sorted(user for user, forms in book.forms.items() if not forms):
            ids = ", ".join(nameless[:NAMED]) + (f" and {len(nameless) - NAMED} more" if len(nameless) > NAMED else "")
            self.warnings.append(f"{counted(len(nameless), 'risky user')} without any address by which Cloudflare could know them: {ids}.")
        for level, each in levels.items():
            if left_out := sum(bool(book.forms[user]) and book.forms[user][0] not in each.wanted for user in each.users):
                full = f"it is to hold {self._settings.list_size} addresses at most (GATEWAY_LIST_SIZE)"
                self.warnings.append(f"{level} list: no room for {counted(left_out, 'user')}, since {full}; the group has them all.")
        described = {text for each in levels.values() for text in each.state.descriptions.values()}
        if book.forbidden and described - {PRINCIPAL_NAME}:
            self.problems.append(GraphError(f"{_NO_MAIL}, and whoever may be in a list by mail stays there. {_GRANT}."))
        elif book.forbidden and not self._cache.told_of_permission:
            self.warnings.append(f"{_NO_MAIL}: the lists hold user principal names alone. {_GRANT}.")
        self._cache.told_of_permission = book.forbidden

    def _take(self, level: str, users: frozenset[str], state: ListState) -> None:
        """A level's list as it was read, and the users at the level."""
        book, cache = self._book, self._cache
        wanted = book.wanted(users, self._settings.list_size, state.spellings)
        theirs = {address for user in users for address in book.forms[user]}
        displaced = [address for address in state.spellings if address in theirs and address not in wanted]
        strangers: dict[str, list[str]] = {}
        for address in state.spellings:
            if address not in theirs:
                strangers.setdefault(self._whose(address, users), []).append(address)
        inside = {user for user in users if all(address in state.spellings for address in book.forms[user] if address in wanted)}
        self._levels[level] = _Level(self._settings.lists[level], users, state, wanted, displaced, strangers)
        self.totals[level] = state.facts.size
        self.members[level] = frozenset(inside | strangers.keys())
        self.unknown[level] = frozenset(user for user, addresses in strangers.items() if self._unknown(state, addresses))
        cache.owners |= {address: min(owners) for address, owners in wanted.items()}

    def _whose(self, address: str, users: frozenset[str]) -> str:
        """Who leaves with this address: whoever has it and is not at the level, else an entry that stands for it."""
        owners = self._book.owners.get(address) or {self._cache.owners.get(address, "")}
        others = sorted(owners - users - {""}, key=lambda user: user not in self._book.forms)
        return others[0] if others else self._cache.entries.setdefault(address, f"entry {len(self._cache.entries) + 1}")

    def _unknown(self, state: ListState, addresses: Sequence[str]) -> bool:
        """Whether one of these may be the address of somebody whose mail was not read.

        Where mail is not told of anybody, what was put there as a principal name is nobody's whose name is another.
        """
        if not self._book.unread:
            return False
        return not self._book.forbidden or any(state.descriptions[address] != PRINCIPAL_NAME for address in addresses)

    async def let_in(self, users: Mapping[str, Sequence[str]]) -> dict[str, Writes]:
        """Append the addresses of these users that are not there yet."""
        return {level: await self._let_in(self._levels[level], users[level]) for level in users}

    async def _let_in(self, level: _Level, users: Sequence[str]) -> Writes:
        spellings, book = level.state.spellings, self._book
        needed = {user: [each for each in book.forms[user] if each in level.wanted and each not in spellings] for user in users}
        append = dict.fromkeys(address for addresses in needed.values() for address in addresses)
        for user in users:
            if book.forms[user][:1] and book.forms[user][0] not in level.wanted:  # there is no room, so they are not inside
                needed[user] = [book.forms[user][0]]
        room = self._settings.list_size - level.state.facts.size
        make_room = level.displaced[: max(0, len(append) - room)]
        change = _Change(self._client, level, {a: self._description(a) for a in [*append][: room + len(make_room)]}, make_room)
        await change.make()
        self._cache.states.pop(level.list_id, None)
        return change.outcome(needed)

    def _description(self, address: str) -> str:
        return PRINCIPAL_NAME if address in self._book.principal_names else MAIL

    async def let_out(self, users: Mapping[str, Sequence[str]]) -> dict[str, Writes]:
        """Remove the addresses of these users, and of nobody else."""
        written = {}
        for level, leaving in users.items():
            needed = {user: self._levels[level].strangers[user] for user in leaving}
            change = _Change(self._client, self._levels[level], {}, [address for addresses in needed.values() for address in addresses])
            await change.make()
            self._cache.states.pop(self._levels[level].list_id, None)
            written[level] = change.outcome(needed)
        return written


class _Change:
    """A change of one list on its way: addresses to append, with their descriptions, and addresses to remove."""

    def __init__(self, client: GatewayClient, level: _Level, append: Mapping[str, str], remove: Sequence[str]) -> None:
        self._client, self._level = client, level
        self._append, self._remove = append, frozenset(remove)
        self._done: set[str] = set()
        self._already: set[str] = set()
        self._refused: dict[str, GatewayError] = {}
        self._unsure: set[str] = set()
        self._stopped: GatewayError | None = None
        self._halvings = HALVINGS
        self._read_again = False

    async def make(self) -> None:
        """Make it, removals that make room first; what one value is refused for keeps the others out no longer than it takes to find."""
        values = [*sorted(self._remove), *self._append]
        chunks = [values[start : start + VALUES_AT_ONCE] for start in range(0, len(values), VALUES_AT_ONCE)]
        while chunks and not self._stopped:
            chunks[:1] = await self._try(chunks[0])

    async def _try(self, chunk: list[str]) -> list[list[str]]:
        """What is still to be tried of a chunk, in parts."""
        spellings = self._level.state.spellings
        append = {address: self._append[address] for address in chunk if address not in self._remove}
        remove = [spelling for address in chunk if address in self._remove for spelling in spellings[address]]
        try:
            total = await self._client.patch(self._level.list_id, append, remove)
        except GatewayError as error:
            return await self._refusal(chunk, error)
        agrees = total == self._level.state.facts.size + len(append) - len(remove)
        (self._done if agrees else self._unsure).update(chunk)
        self._level.state.change(append, [address for address in chunk if address in self._remove], total)
        return []

    async def _refusal(self, chunk: list[str], error: GatewayError) -> list[list[str]]:
        if error.cause == "conflict" and not self._read_again:
            return await self._compare_again(chunk)
        if error.cause not in ("conflict", "refused") or (len(chunk) > 1 and not self._halvings):
            self._stopped = error
            self._unsure.update(chunk if error.cause == "passing" else ())
        elif len(chunk) > 1:
            self._halvings -= 1
            return [chunk[: len(chunk) // 2], chunk[len(chunk) // 2 :]]
        elif error.cause == "conflict":
            self._already.update(chunk)
        else:
            self._refused[chunk[0]] = error
        return []

    async def _compare_again(self, chunk: list[str]) -> list[list[str]]:
        """The list has changed since it was read: what of the chunk is still to be done by what it holds now."""
        self._read_again = True
        try:
            facts, items = await self._client.items(self._level.list_id)
        except GatewayError as error:
            self._stopped = error
            return []
        state = self._level.state = ListState.of(facts, items, self._level.state.read)
        rest = [address for address in chunk if (address in state.spellings) == (address in self._remove)]
        self._already.update(set(chunk) - set(rest))
        return [rest] if rest else []

    def outcome(self, needed: Mapping[str, Sequence[str]]) -> Writes:
        """What became of each user, whose addresses are these."""
        writes = Writes(total=None if self._unsure else self._level.state.facts.size, stopped=self._stopped)
        for user, addresses in needed.items():
            refused = next((self._refused[address] for address in addresses if address in self._refused), None)
            if refused:
                writes.refused[user] = GatewayError(f"An address of {_named(user)} is refused. {refused}", refused.request_ids)
            elif self._done.union(self._already).issuperset(addresses):
                (writes.done if self._done.intersection(addresses) else writes.already).append(user)
            else:
                writes.unfinished.append(user)
                if self._unsure.intersection(addresses):
                    writes.unsure.append(user)
        return writes


def _named(user: str) -> str:
    return user if user.startswith("entry ") else f"user {user}"


async def open_lists(graph: GraphClient, settings: GatewaySettings, read: RiskyUsers, risk: Risk, members: Sequence[Members]) -> ListTarget:
    """The lists as they are. `members` are those of the groups, as far as they have been read."""
    cache = graph.cache.lists if isinstance(graph.cache.lists, ListCache) else ListCache()
    graph.cache.lists = cache
    users = [user for level in settings.lists for user in sorted(risk.users[level])]
    book, problem = await _address_book(graph, settings, read, users, members)
    target = ListTarget(GatewayClient(settings, graph.budget), settings, cache, book)
    await target.read(risk, graph.clock.now())
    target.problems += [problem] if problem else []
    return target


async def _address_book(
    graph: GraphClient, settings: GatewaySettings, read: RiskyUsers, users: Sequence[str], members: Sequence[Members]
) -> tuple[AddressBook, ServiceError | None]:
    """Everybody's addresses, and what stood in the way. Mail comes with the groups' members; that of others is looked up."""
    boxes, problem = dict(read.mailboxes), None
    told = {user: box for each in members for user, box in each.mailboxes.items() if not box.unread}
    forbidden = not told and any(each.mailboxes for each in members)
    boxes |= told
    missing = [user for user in users if boxes.get(user, _UNREAD).unread]
    if missing and settings.addresses != "upn" and not forbidden:
        looking_up = graph.begin(graph.mailboxes(missing[:LOOKED_UP]), graph.clock.now() + LOOK_UP_SECONDS)
        outcome = await graph.finish(looking_up)
        found, problem = ({}, outcome) if isinstance(outcome, ServiceError) else outcome
        for user, box in found.items():  # who is deleted has no mailbox, but still a principal name among the risky users
            boxes[user] = box._replace(principal_name=box.principal_name or boxes.get(user, _UNREAD).principal_name)
        forbidden = problem is not None and problem.cause == "permission"
        if not problem and len(missing) > LOOKED_UP:
            problem = GraphError(f"Could not look up more than {LOOKED_UP} mail addresses; the next minute goes on.", cause="budget")
    return AddressBook.of(users, boxes, settings.addresses, forbidden=forbidden), None if forbidden else problem


_UNREAD = Mailbox(unread=True)


def _key(list_id: str) -> str:
    return list_id.replace("-", "").lower()
