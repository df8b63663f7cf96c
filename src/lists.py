"""The direct lane: Cloudflare lists kept in step as the groups are, in the same tick, by the same plan.

A list holds addresses, the plan speaks of users. Who is in a list: a user all of whose addresses are in it; somebody else
who alone has an address in it; and for an address that several users have, that was a user's of this level before, or that
is nobody's, an entry that stands for it, since no address is to be logged. It leaves once each of its owners is where they
are to be, and that is by the first of their addresses: by that one Cloudflare knows them.
Gateway acts on a list at the next page load, hence the lists come before the groups.
"""

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence, Set
from dataclasses import dataclass, field
from functools import partial
from typing import TypeAlias

from addresses import UNREAD, AddressBook, Mailbox
from errors import GatewayError, GraphError, ServiceError
from gateway import GatewayClient, ListFacts, Pages
from graph import GraphClient, Members, RiskyUsers, Writes
from list_change import ENTRY, RETRIED, ListChange, ListState, make
from plan import Risk
from settings import GatewaySettings
from text import counted, named

REREAD_SECONDS = 900.0
"""So long a list is believed to hold what it held, if its size and date of change say so."""
READS_LEAVE = 1 / 3
"""What the lists' reads leave of the lane's requests for their writes."""
PROOFS_LEAVE = 1 / 2
"""What the proofs of who moves leave for those who have been proven to leave."""
WRITES_A_LIST = 2
"""How many requests a list takes that somebody joins and somebody leaves."""
LOOKED_UP = 1200
"""How many users' mail addresses a tick looks up at most: four batches of Graph's. The others follow in the next ones."""
LOOKED_UP_LASTS = 600.0
"""How long what was looked up counts where there are more than can be looked up in a minute, in seconds."""
LOOK_UP_SECONDS = 4.0
"""How long that may wait."""

_NO_MAIL = "Mail addresses cannot be read without the application permission User.ReadBasic.All"
_GRANT = "Add it to the app registration and grant admin consent, or set GATEWAY_ADDRESSES to upn"
PRINCIPAL_NAME, MAIL, BESIDE_MAIL = "user principal name", "mail", "user principal name beside mail"
"""What an item is described as. Where mail cannot be read any more, this tells whose absence is certain all the same."""


@dataclass(slots=True)
class ListCache:
    """What the isolate remembers of the lists: a cache like all of it."""

    states: dict[str, ListState] = field(default_factory=dict)
    pages: dict[str, Pages] = field(default_factory=dict)
    """Lists of which a part was read."""
    owners: dict[str, set[str]] = field(default_factory=dict)
    """Whose an address was when it was last wanted, by object id."""
    entries: dict[str, str] = field(default_factory=dict)
    """What stands for an address that is not one user's alone: it is not to be logged."""
    refused: dict[tuple[str, str], GatewayError] = field(default_factory=dict)
    """Addresses that Cloudflare does not take, those first whose last attempt is longest ago."""
    looked_up: dict[str, tuple[float, Mailbox]] = field(default_factory=dict)
    """Mailboxes that did not come with the groups' members, and when they were read."""
    told_of_permission: bool = False
    book: AddressBook = field(default_factory=AddressBook)
    made_of: tuple[Sequence[str], Mapping[str, Mailbox], str, bool] | None = None
    """What the book was made of."""


@dataclass(slots=True)
class _Level:
    """One level's list: as it was read, what it is to hold, and for each who is to leave the addresses that go with them."""

    list_id: str
    users: frozenset[str]
    state: ListState
    wanted: dict[str, set[str]]
    displaced: list[str]
    """Second forms that there is no room for any more, of users at this level whose first ones are in the list."""
    strangers: dict[str, list[str]]


class ListTarget:
    """The lists as what the plan is for."""

    name = "lists"
    missing = ()
    known: Mapping[str, frozenset[str]] = {}
    """Nobody: what does not fit is seen only in a list that was read."""

    def __init__(self, client: GatewayClient, settings: GatewaySettings, cache: ListCache, book: AddressBook) -> None:
        self._client, self._settings, self._cache, self._book = client, settings, cache, book
        self._levels: dict[str, _Level] = {}
        self.members: dict[str, frozenset[str] | None] = dict.fromkeys(settings.lists)
        self.unknown: dict[str, frozenset[str]] = {}
        self.owners: dict[str, dict[str, set[str]]] = {}
        self.left_out: dict[str, int] = {}
        """How many users there is no room for."""
        self.problems: list[ServiceError] = []
        self.warnings: list[str] = []

    @property
    def totals(self) -> dict[str, int | None]:
        """How many addresses each list holds, None where that is not certain."""
        return {level: each.state.facts.size if each.state.certain else None for level, each in self._levels.items()}

    def keep_back(self, share: float) -> None:
        """Leave this share of what is left of the lane's requests to what comes later."""
        self._client.kept_back = int(self._client.left * share)

    # --- reads ---

    async def read(self, risk: Risk, now: float) -> None:
        """Read all lists: a request for their sizes and dates of change, and one for each that is not as it was."""
        lists = self._settings.lists
        self.keep_back(READS_LEAVE)
        try:
            listing = await self._client.listing()
        except GatewayError as error:
            self.problems.append(error)
            return
        facts = {level: listing.get(_key(list_id)) for level, list_id in lists.items()}
        for level in sorted(lists, key=lambda level: self._order(lists[level], facts[level])):
            try:
                state = await self._state(lists[level], facts[level], now)
            except GatewayError as error:
                self.problems.append(error)
            else:
                self._take(level, risk.users[level], state, complete=not risk.unread)
        self._look_for_trouble()

    def _order(self, list_id: str, facts: ListFacts | None) -> tuple[bool, float]:
        """Those that are not known come before those that are only looked at again; short ones first, or those read longest ago."""
        known = self._cache.states.get(list_id)
        if known and known.facts == facts:
            return True, known.read
        return False, facts.size if facts else 0

    async def _state(self, list_id: str, facts: ListFacts | None, now: float) -> ListState:
        known = self._cache.states.get(list_id)
        same = known is not None and known.facts == facts
        if known and same and not known.changed and now - known.read < REREAD_SECONDS:
            return known
        if same:
            self._client.kept_back = max(self._client.kept_back, WRITES_A_LIST * len(self._settings.lists))
        try:
            state = self._cache.states[list_id] = ListState.of(*await self._client.items(list_id, facts), now)
        except GatewayError as error:
            if known and same and error.cause == "budget":
                return known  # all that is known speaks for it, and there is no room to look again
            raise
        return state

    def _take(self, level: str, users: frozenset[str], state: ListState, *, complete: bool) -> None:
        """A level's list as it was read, and the users at the level."""
        book, cache = self._book, self._cache
        wanted = book.wanted(users, self._settings.list_size, state.spellings)
        theirs = {address for user in users for address in book.forms[user]}
        unwanted = [address for address in state.spellings if address in theirs and address not in wanted]
        doubtful = self._doubtful(state)
        displaced = [a for a in unwanted if complete and a not in doubtful and self._gives_way(state, a, users)]
        strangers: dict[str, list[str]] = {}
        owners = self.owners[level] = {}
        for address in state.spellings:
            if address not in theirs:
                whose = self._owners(address.strip())  # with blanks around it Gateway may match it, or not
                alone = len(whose) == 1 and whose.isdisjoint(users)
                who = min(whose) if alone else cache.entries.setdefault(address, f"{ENTRY} {len(cache.entries) + 1}")
                strangers.setdefault(who, []).append(address)
                if not alone:
                    owners[who] = whose
        inside = {user for user in users if all(address in state.spellings for address in book.forms[user] if address in wanted)}
        self._levels[level] = _Level(self._settings.lists[level], users, state, wanted, displaced, strangers)
        self.members[level] = frozenset(inside | strangers.keys())
        self.unknown[level] = frozenset(user for user, addresses in strangers.items() if not doubtful.isdisjoint(addresses))
        if left_out := sum(self._has_no_room(user, wanted) for user in users):
            self.left_out[level] = left_out
        if further := len({address for user in users for address in book.forms[user][1:]} - wanted.keys()):
            size = f"GATEWAY_LIST_SIZE is {self._settings.list_size}"
            self.warnings.append(f"{level} list: {counted(further, 'further address')} of users who are listed do not fit; {size}.")
        cache.owners |= wanted

    def _has_no_room(self, user: str, wanted: Mapping[str, set[str]]) -> bool:
        forms = self._book.forms[user]
        return bool(forms) and forms[0] not in wanted

    def _owners(self, address: str) -> set[str]:
        """Whose it is or was, as far as anybody knows."""
        return self._book.owners.get(address, set()) | self._cache.owners.get(address, set())

    def _gives_way(self, state: ListState, address: str, users: frozenset[str]) -> bool:
        """Whether all whose it is are at this level, and in the list by what they are known by."""
        whose, forms = self._owners(address), self._book.forms
        return whose <= users and all(first in state.spellings for user in whose for first in forms[user][:1])

    def _doubtful(self, state: ListState) -> Set[str]:
        """What in a list may be an address, not read, of a risky user: of this level or of one who moves to another.

        Where mail is told of nobody, what was put there as a principal name is nobody's whose name is another, with two
        exceptions: mail was told of when other addresses were put there, since when it may have become somebody's; or it was the
        name of somebody at risk before, whose mail it may still be.
        """
        book, described, held = self._book, state.descriptions, state.spellings.keys()
        if not book.unread:
            return frozenset()
        if not book.forbidden or book.nameless or not {MAIL, BESIDE_MAIL}.isdisjoint(described.values()):
            return held
        return {a for a in held if described[a] != PRINCIPAL_NAME or any(a not in book.forms.get(user, [a]) for user in self._owners(a))}

    def _look_for_trouble(self) -> None:
        """What the administrator is to know although nothing failed, or because a permission was withdrawn."""
        book, cache = self._book, self._cache
        if without := sorted(user for user, forms in book.forms.items() if not forms):
            who = f"{counted(len(without), 'risky user')} without any address by which Cloudflare could know them"
            self.warnings.append(f"{who}: {named(without)}.")
        described = {text for each in self._levels.values() for text in each.state.descriptions.values()}
        if book.forbidden and described - {PRINCIPAL_NAME}:
            self.problems.append(GraphError(f"{_NO_MAIL}, and whoever may be in a list by mail stays there. {_GRANT}."))
        elif book.forbidden and not cache.told_of_permission:
            self.warnings.append(f"{_NO_MAIL}: the lists hold user principal names alone. {_GRANT}.")
        cache.told_of_permission = book.forbidden or (cache.told_of_permission and not book.mails)

    # --- writes ---

    async def let_in(self, users: Mapping[str, Sequence[str]]) -> dict[str, Writes]:
        """Append the addresses of these users that are not there yet.

        Who is in there by the first of two is in there, and so is who is by all that is to leave elsewhere.
        """
        forms, leaving, needed, changes = self._book.forms, self._leaving(), {}, {}
        for level, joining in users.items():
            each, present = self._levels[level], self._levels[level].state.spellings
            needed[level] = {
                user: [a for a in forms[user] if a in each.wanted and (a not in present or user in leaving)] for user in joining
            }
            addresses = dict.fromkeys(a for theirs in needed[level].values() for a in theirs)
            changes[level] = self._appending(each, (a for a in addresses if a not in present))
            changes[level].prove(self._described(a for a in addresses if a in present))
        await make(changes.values())
        written = {}
        for level, change in changes.items():
            self._remember_refused(self._levels[level].list_id, change)
            outcome, settled = change.outcome(needed[level]), change.settled
            for user in outcome.refused:
                by_first, by_leaving = forms[user][:1], leaving.get(user)
                if settled.issuperset(by_first) or (by_leaving and settled.issuperset(by_leaving)):
                    outcome.already.append(user)
            written[level] = outcome
        return written

    def _leaving(self) -> dict[str, set[str]]:
        """The addresses that are to leave a list, for each user whose they are."""
        leaving: dict[str, set[str]] = {}
        for level, each in self._levels.items():
            for who, addresses in each.strangers.items():
                for user in self.owners[level].get(who, (who,)):
                    leaving.setdefault(user, set()).update(addresses)
        return leaving

    def _appending(self, level: _Level, addresses: Iterable[str]) -> ListChange:
        """The change that appends as many of these as there is room for, second forms of others giving way to first ones."""
        wanted = dict.fromkeys(addresses)
        refused = {address: error for (list_id, address), error in self._cache.refused.items() if list_id == level.list_id}
        append = [address for address in wanted if address not in refused]
        again = [address for address in refused if address in wanted]
        room = max(0, self._settings.list_size - level.state.facts.size)
        make_room = level.displaced[: max(0, len(append) - room)]
        room += len(make_room)
        change = ListChange(self._client, level.list_id, level.state)
        change.refused = {address: refused[address] for address in again}
        change.remove(make_room)
        change.append(self._described(append[:room]))
        change.retry(self._described(again[: max(RETRIED, room - len(append))]))
        return change

    def _remember_refused(self, list_id: str, change: ListChange) -> None:
        for address in change.tried.keys() & (change.settled | change.refused.keys()):
            self._cache.refused.pop((list_id, address), None)
        self._cache.refused |= {(list_id, address): change.refused[address] for address in change.tried if address in change.refused}

    def _described(self, addresses: Iterable[str]) -> dict[str, str]:
        """Each with its description."""
        return {address: self._description(address) for address in addresses}

    def _description(self, address: str) -> str:
        book = self._book
        if address in book.mails:
            return MAIL
        return BESIDE_MAIL if any(address in book.forms.get(user, ())[1:] for user in book.owners[address]) else PRINCIPAL_NAME

    async def prove(self, users: Mapping[str, Sequence[str]]) -> dict[str, Writes]:
        """Append what is there already, for only a write tells what is there now: the first address of each.

        Whoever there is no room for is not in there, and whoever has no address is as much in there as can be.
        """
        self.keep_back(PROOFS_LEAVE)
        proven = {}
        for level, moving in users.items():
            each = self._levels[level]
            needed = {user: self._book.forms[user][:1] for user in moving}
            first = dict.fromkeys(a for addresses in needed.values() for a in addresses if a in each.wanted)
            change = ListChange(self._client, each.list_id, each.state)
            change.prove(self._described(sorted(first, key=lambda a: (each.list_id, a) in self._cache.refused)))
            await make([change])
            self._remember_refused(each.list_id, change)
            proven[level] = change.outcome(needed)
        self.keep_back(0.0)
        return proven

    async def let_out(self, users: Mapping[str, Sequence[str]]) -> dict[str, Writes]:
        """Remove the addresses of these users, and of nobody else."""
        changes = {}
        for level, leaving in users.items():
            each = self._levels[level]
            changes[level] = ListChange(self._client, each.list_id, each.state)
            changes[level].remove(address for user in leaving for address in each.strangers[user])
        await make(changes.values())
        return {
            level: change.outcome({user: self._levels[level].strangers[user] for user in users[level]}) for level, change in changes.items()
        }


Opening: TypeAlias = Callable[[RiskyUsers, Risk, Sequence[Members]], Awaitable[ListTarget]]
"""The lists as they are, for these risky users and the groups' members as far as they have been read."""


def begin(graph: GraphClient, settings: GatewaySettings) -> Opening:
    """Ask for the lists' sizes and dates of change, so that Cloudflare answers while Graph is read; how to go on from there."""
    cache = graph.cache.lists = graph.cache.lists if isinstance(graph.cache.lists, ListCache) else ListCache()
    client = GatewayClient(settings, graph.budget, 1, cache.pages)
    client.begin_listing()
    return partial(_open, graph, settings, cache, client)


async def _open(
    graph: GraphClient,
    settings: GatewaySettings,
    cache: ListCache,
    client: GatewayClient,
    read: RiskyUsers,
    risk: Risk,
    members: Sequence[Members],
) -> ListTarget:
    users = [user for level in settings.lists for user in sorted(risk.users[level])]
    book, problem = await _address_book(graph, settings, cache, read, users, members)
    client.left = (graph.budget.max_subrequests - graph.budget.subrequests) // 2
    target = ListTarget(client, settings, cache, book)
    await target.read(risk, graph.clock.now())
    target.problems += [problem] if problem else []
    return target


async def _address_book(
    graph: GraphClient, settings: GatewaySettings, cache: ListCache, read: RiskyUsers, users: Sequence[str], members: Sequence[Members]
) -> tuple[AddressBook, ServiceError | None]:
    """Everybody's addresses, and what stood in the way. Mail comes with the groups' members; that of others is looked up."""
    which, boxes, problem = settings.addresses, dict(read.mailboxes), None
    told = {user: box for each in members for user, box in each.mailboxes.items() if not box.unread}
    forbidden = which != "upn" and not told and any(each.mailboxes for each in members)
    boxes |= told
    missing = [user for user in users if boxes.get(user, UNREAD).lacks(which)]
    if missing and not forbidden:
        now, last = graph.clock.now(), cache.looked_up
        missing.sort(key=lambda user: last[user][0] if user in last else 0.0)
        outcome = await graph.finish(graph.begin(graph.mailboxes(missing[:LOOKED_UP]), now + LOOK_UP_SECONDS))
        found: dict[str, Mailbox]
        found, problem = ({}, outcome) if isinstance(outcome, ServiceError) else outcome
        for user, box in found.items():  # who is deleted has no mailbox, but still a principal name among the risky users
            boxes[user] = box._replace(principal_name=box.principal_name or boxes.get(user, UNREAD).principal_name)
        forbidden = which != "upn" and problem is not None and problem.cause == "permission"
        last |= {user: (now, boxes[user]) for user in found}
        cache.looked_up = {user: last[user] for user in missing if user in last and now - last[user][0] < LOOKED_UP_LASTS}
        boxes |= {user: cache.looked_up[user][1] for user in missing[LOOKED_UP:] if user in cache.looked_up}
        if not problem and any(boxes.get(user, UNREAD).lacks(which) for user in missing):
            problem = GraphError(f"Could not look up more than {LOOKED_UP} mail addresses; the next minute goes on.", cause="budget")
    made_of = users, boxes, which, forbidden
    if cache.made_of != made_of:  # of a long list this takes longer than all else in a quiet minute
        cache.made_of, cache.book = made_of, AddressBook.of(users, boxes, which, forbidden=forbidden)
    return cache.book, None if forbidden else problem


def _key(list_id: str) -> str:
    return list_id.replace("-", "").lower()
