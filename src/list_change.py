"""A change of a Cloudflare list on its way, which one stale or odd value is not to hold up."""

from collections import deque
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

from errors import GatewayError
from gateway import VALUES_AT_ONCE, GatewayClient, ListFacts
from graph import Writes

ENTRY = "entry"
"""How the name begins of what stands for an address that is nobody's."""
HALVINGS = 10
"""How often parts of a change that are refused are halved, to find what they are refused for: enough to find one of a thousand."""

RETRIED = 2
"""How many addresses that are refused together are tried alone in a minute: each takes a request."""

_FULL = "If the list is full, set GATEWAY_LIST_SIZE to what the account allows."

_Kind: TypeAlias = Literal["append", "retry", "remove", "prove"]


@dataclass(slots=True)
class ListState:
    """A list as it was read at a time (epoch seconds): for each address in lower case its spellings, and its description.

    Once it was `changed` it is due to be read again; it is not `certain` while the answer to a change is missing.
    """

    facts: ListFacts
    read: float
    spellings: dict[str, list[str]] = field(default_factory=dict)
    descriptions: dict[str, str] = field(default_factory=dict)
    changed: bool = False
    certain: bool = True

    @classmethod
    def of(cls, facts: ListFacts, items: Iterable[tuple[str, str]], now: float) -> "ListState":
        """The list with these items."""
        state = cls(facts, now)
        state.hold(facts, items)
        return state

    def hold(self, facts: ListFacts, items: Iterable[tuple[str, str]]) -> None:
        """It was read again."""
        self.facts, self.certain = facts, True
        self.spellings.clear()
        self.descriptions.clear()
        for value, description in items:
            address = value.lower()
            self.spellings.setdefault(address, []).append(value)
            self.descriptions[address] = description

    def change(self, appended: Mapping[str, str], removed: Iterable[str], facts: ListFacts) -> None:
        """It was changed, and is like this now."""
        self.facts, self.changed, self.certain = facts, True, True
        for address in removed:
            self.spellings.pop(address, None)
            self.descriptions.pop(address, None)
        for address, description in appended.items():
            self.spellings.setdefault(address, [address])
            self.descriptions.setdefault(address, description)


class ListChange:
    """A change of one list, given in parts: what is removed to make room comes before what is appended.

    `refused`: addresses that Cloudflare does not take, and why; `tried` are all that anything was tried of.
    """

    def __init__(self, client: GatewayClient, list_id: str, state: ListState) -> None:
        self._client, self._list_id, self._state = client, list_id, state
        self._parts: deque[tuple[_Kind, Sequence[str]]] = deque()
        self._descriptions: dict[str, str] = {}
        self._done: set[str] = set()
        self._already: set[str] = set()
        self._unsure: set[str] = set()
        self._stopped: GatewayError | None = None
        self._set_aside: GatewayError | None = None
        """Why parts are left for later minutes, while others go on."""
        self._halvings = HALVINGS
        self._read_again = False
        self.refused: dict[str, GatewayError] = {}
        self.tried: dict[str, None] = {}

    def append(self, addresses: Mapping[str, str]) -> None:
        """Have these appended, with their descriptions."""
        self._descriptions |= addresses
        self._plan("append", [*addresses])

    def retry(self, addresses: Mapping[str, str]) -> None:
        """Have these appended, which were refused before: together, and where that is refused the first of them alone."""
        if len(addresses) > RETRIED:
            self._descriptions |= addresses
            self._plan("retry", [*addresses])
            return
        for address, description in addresses.items():
            self.append({address: description})

    def prove(self, addresses: Mapping[str, str]) -> None:
        """Have these appended although they seem to be there."""
        self._descriptions |= addresses
        self._plan("prove", [*addresses])

    def remove(self, addresses: Iterable[str]) -> None:
        """Have these removed, in every spelling that is stored."""
        self._plan("remove", [*addresses])

    def _plan(self, kind: _Kind, addresses: Sequence[str]) -> None:
        for start in range(0, len(addresses), VALUES_AT_ONCE):
            self._parts.append((kind, addresses[start : start + VALUES_AT_ONCE]))

    @property
    def pending(self) -> bool:
        """Whether anything is still to be tried."""
        return bool(self._parts) and not self._stopped

    @property
    def settled(self) -> set[str]:
        """The addresses of which Cloudflare has said what was to be heard."""
        return self._done | self._already

    async def step(self) -> None:
        """Try the next part; what is to be tried again of it comes next, so that what is small enough gets in before the halvings end."""
        kind, addresses = self._parts.popleft()
        spellings = self._state.spellings
        if kind != "prove":  # the list may have been read again since this was planned
            part = [address for address in addresses if (address in spellings) == (kind == "remove")]
            settled = set(addresses) - set(part)
            if kind == "remove":
                self._done |= settled & self.tried.keys()  # gone since it was tried: a refused change may have been made in part
                self._already |= settled - self.tried.keys()
            else:
                self._plan("prove", [*settled])
            addresses = part
        if not addresses:
            return
        if kind != "retry":
            self.tried |= dict.fromkeys(addresses)
        append = {} if kind == "remove" else {address: self._descriptions[address] for address in addresses}
        remove = [spelling for address in addresses for spelling in spellings[address]] if kind == "remove" else []
        try:
            facts = await self._client.patch(self._list_id, append, remove)
        except GatewayError as error:
            await self._refusal(kind, addresses, error)
            return
        self.tried |= dict.fromkeys(addresses)
        new = [address for address in append if address not in spellings]
        agrees = facts.size == self._state.facts.size + len(new) - len(remove)
        (self._already if kind == "prove" else self._done if agrees else self._unsure).update(addresses)
        for address in addresses:
            self.refused.pop(address, None)
        self._state.change(append, addresses if kind == "remove" else (), facts)

    async def _refusal(self, kind: _Kind, addresses: Sequence[str], error: GatewayError) -> None:
        if error.cause == "refused":
            error = GatewayError(f"{error} {_FULL}", error.request_ids, code=error.code, cause="refused")
        if error.cause != "budget":  # whatever was answered, it may have been done
            self._state.certain, self._state.changed = False, True
        if error.cause not in ("conflict", "refused"):
            self._stopped = error
            if error.cause != "budget":
                self._unsure.update(addresses)
        elif kind == "retry":
            self._parts.extendleft(("append", [address]) for address in reversed(addresses[:RETRIED]))
        elif kind == "prove" and len(addresses) > 1:  # where no value is taken twice, that is said of all together, and not of which
            self._parts.extendleft(("prove", [address]) for address in reversed(addresses))
        elif kind == "prove" and error.cause == "conflict":
            self._already.update(addresses)
        elif not self._read_again and (error.cause == "conflict" or (kind == "remove" and len(addresses) == 1)):
            self._read_again = True
            await self._look_again()
            if self._stopped:  # so that nobody knows what became of them
                self._unsure.update(addresses)
            self._parts.appendleft((kind, addresses))
        elif len(addresses) > 1 and self._halvings:
            self._halvings -= 1
            middle = len(addresses) // 2
            self._parts.extendleft([(kind, addresses[middle:]), (kind, addresses[:middle])])
        elif len(addresses) > 1:
            self._set_aside = error
        elif error.cause == "refused" or kind == "remove":
            self.refused[addresses[0]] = error
            if error.cause == "conflict":  # a change that was refused may have been made, and what is read of it be of before
                self._unsure.update(addresses)

    async def _look_again(self) -> None:
        """The list is not as it was when it was read."""
        try:
            self._state.hold(*await self._client.items(self._list_id, None))
        except GatewayError as error:
            self._stopped = error

    def outcome(self, needed: Mapping[str, Collection[str]]) -> Writes:
        """What became of each user, whose addresses are these."""
        writes, settled = Writes(stopped=self._stopped or self._set_aside), self.settled
        for user, addresses in needed.items():
            refused = next((self.refused[address] for address in addresses if address in self.refused), None)
            if refused:
                named = user if user.startswith(ENTRY) else f"user {user}"
                writes.refused[user] = GatewayError(f"An address of {named} is refused. {refused}", refused.request_ids)
            elif settled.issuperset(addresses):
                (writes.done if self._done.intersection(addresses) else writes.already).append(user)
            else:
                writes.unfinished.append(user)
            if self._unsure.intersection(addresses) and not settled.issuperset(addresses):
                writes.unsure.append(user)
        return writes


async def make(changes: Collection[ListChange]) -> None:
    """Make these changes, a request each in turn: the trouble of one is not to use up what the others need."""
    while pending := [change for change in changes if change.pending]:
        for change in pending:
            await change.step()
