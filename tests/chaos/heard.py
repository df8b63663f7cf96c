"""What Graph has told one tick, read off its answers as they arrived, independently of how the Worker reads them."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from plan import RISK_LEVELS

_LEVEL = re.compile(r"%27(high|medium|low)%27")
_MEMBERS = re.compile(r"/groups/([0-9a-f-]{36})/members\?")
_REMOVAL = re.compile(r"/groups/[0-9a-f-]{36}/members/[0-9a-f-]{36}/\$ref")


@dataclass
class Listing:
    """One list of risky users: the levels asked for, who was on its pages at which levels, how many pages, and whether that is all."""

    asked: frozenset[str]
    users: dict[str, set[str]] = field(default_factory=dict)
    pages: int = 0
    whole: bool = False


@dataclass
class Read:
    """All risky users, read to the end: their levels, the highest one counting, and how many answers that took."""

    levels: dict[str, str]
    answers: int


@dataclass
class Heard:
    """`reported` are pairs of user and level, `members` the users listed in each group, `whole` the groups read to the end."""

    reported: set[tuple[str, str]] = field(default_factory=set)
    listings: list[Listing] = field(default_factory=list)
    members: dict[str, set[str]] = field(default_factory=dict)
    whole: set[str] = field(default_factory=set)
    addresses: dict[str, set[str]] = field(default_factory=dict)
    """In lower case, by user."""
    removals: set[str] = field(default_factory=set)
    """The removals that were sent, without those that were forbidden. One whose token was refused counts: a tick ends with that."""
    repeated: set[str] = field(default_factory=set)
    """Those that were sent more than once: whatever the last answer says, an earlier attempt may have done it."""

    def levels(self, user: str) -> set[str]:
        """The levels that were reported for a user."""
        return {level for each, level in self.reported if each == user}

    def reads(self) -> Iterator[Read]:
        """Each time that all risky users were read to the end, in whole lists that together ask for every level."""
        parts: list[Listing] = []
        for listing in self.listings:
            if listing.whole:
                parts.append(listing)
                if frozenset[str]().union(*(part.asked for part in parts)) == set(RISK_LEVELS):
                    yield _read(parts)
                    parts = []

    def ask(self, request: str) -> None:
        """Take note of what a batch asks for."""
        for item in json.loads(request)["requests"] if request.startswith("{") else ():
            if item["method"] == "DELETE" and _REMOVAL.fullmatch(item["url"]):
                (self.repeated if item["url"] in self.removals else self.removals).add(item["url"])

    def answer(self, request: str, status: int, body: str) -> None:
        """Take note of what a batch was answered."""
        try:
            items = {item["id"]: item for item in json.loads(request)["requests"]}
            responses = json.loads(body)["responses"]
        except (ValueError, TypeError, KeyError):
            return
        for response in _objects(responses) if status in (200, 424) else ():
            item, page, code = items.get(str(response.get("id"))), response.get("body"), response.get("status")
            if item and code == 403 and item["url"] not in self.repeated:
                self.removals.discard(item["url"])
            if item and code == 200 and isinstance(page, dict) and isinstance(page.get("value"), list):
                self._page(item["url"], _objects(page["value"]), last=page.get("@odata.nextLink") is None)

    def _page(self, url: str, entries: list[dict[str, object]], *, last: bool) -> None:
        for entry in entries:
            told = {str(entry.get(name)).strip().lower() for name in ("mail", "userPrincipalName") if entry.get(name)}
            self.addresses.setdefault(str(entry.get("id")), set()).update(told)
        if url.startswith("/identityProtection/riskyUsers"):
            self._risky(url, entries, last=last)
        elif match := _MEMBERS.match(url):
            users = {str(entry.get("id")) for entry in entries if entry.get("@odata.type") == "#microsoft.graph.user"}
            self.members.setdefault(match[1], set()).update(users)
            if last:
                self.whole.add(match[1])

    def _risky(self, url: str, entries: list[dict[str, object]], *, last: bool) -> None:
        if "$skiptoken" not in url:
            self.listings.append(Listing(frozenset(_LEVEL.findall(url))))
        listing = self.listings[-1]
        listing.pages += 1
        listing.whole = last
        for entry in entries:
            if entry.get("isDeleted") is not True:
                user, level = str(entry.get("id")), str(entry.get("riskLevel"))
                self.reported.add((user, level))
                listing.users.setdefault(user, set()).add(level)


def _read(parts: list[Listing]) -> Read:
    seen: dict[str, set[str]] = {}
    for part in parts:
        for user, levels in part.users.items():
            seen.setdefault(user, set()).update(levels)
    highest = {user: next((level for level in RISK_LEVELS if level in levels), "none") for user, levels in seen.items()}
    return Read(highest, sum(part.pages for part in parts))


def _objects(values: object) -> list[dict[str, object]]:
    return [value for value in values if isinstance(value, dict)] if isinstance(values, list) else []
