"""The operations on Microsoft Graph that this Worker needs, and no others: see graph_requests.py for what they can send.

Each is an operation in the sense of operations.py. Its outcome is its result, or the ServiceError that it met: a
GraphError, whose message says what could not be done, why, and what to do; or an AuthError, where there is no token.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from math import inf
from typing import NamedTuple, Never

import graph_requests as requests
from access_token import AccessToken, Sign, unable_to_sign
from addresses import Mailbox
from budget import Budget
from errors import AuthError, GraphError, ServiceError
from exchange import GraphRequest, GraphResponse
from explain import explain
from listing import Listing, ids_by, mailboxes, read_pages
from operations import ask, each
from plan import Departures
from scheduler import PARALLEL_REQUESTS, SERIAL_REQUESTS, Scheduler
from security_group import SecurityGroup, read_group
from settings import Settings

RISK_PAGES = (requests.RISKY_USERS_PAGE, requests.RISKY_USERS_PAGE - 1, 100, 99, None)
"""Page sizes to ask for, one after the other where Identity Protection refuses: a full last page has been seen to link to
one that is refused (https://github.com/microsoftgraph/microsoft-graph-docs/issues/16332), and the limit to be
lowered overnight (https://github.com/microsoftgraph/msgraph-sdk-powershell/issues/1898)."""
FEWER_PAGES = RISK_PAGES[::2]
"""Those to try where the query for all levels was refused in each size."""
RISK_PAGE_SECONDS = 3600.0
"""How long a page size that was refused is not tried again."""
YOUNG_PAUSES = (2.0, 4.0, 8.0)
"""Seconds to wait, one after the other, for a new group to be known everywhere."""

_NONE: Mapping[str, Never] = {}
_NO_LEVEL = "none"
"""Of a user whose risk was dismissed while the list was made."""
_WORD = re.compile(r"[A-Za-z]{1,32}", re.ASCII)
_ALREADY_A_MEMBER = "added object references already exist"
_NOT_A_MEMBER = "removed object references do not exist"
_NOT_THERE_YET = "source resource object"
_UNIQUE_NAME_TAKEN = "same value for property uniqueName"


@dataclass(slots=True)
class IsolateCache:
    """What is worth keeping from tick to tick while the isolate lives. A cache, never a store: its loss costs a subrequest, or a minute."""

    token: AccessToken = field(default_factory=AccessToken)
    groups: dict[str, SecurityGroup] = field(default_factory=dict)
    """The groups last used, by their names."""
    refused_users: dict[str, None] = field(default_factory=dict)
    """Who could not be added, those first whose last attempt is longest ago."""
    risk_page: int | None = None
    """The page size with which lists of risky users begin until then, since larger ones were refused."""
    risk_page_until: float = -inf
    members: dict[str, frozenset[str]] = field(default_factory=dict)
    """Who was in each group, by its id, when that was last read to the end."""
    user_ids: frozenset[str] = frozenset()
    """The risky users last read: ids that need no second check."""
    departures: dict[str, Departures] = field(default_factory=dict)
    """Whose leave the last complete read called for beyond doubt, for the groups and the lists; until when that is the minute before."""
    departures_until: float = 0.0
    lists: object = None
    """What lists.py remembers, where there are any."""
    secret_ends: float | None = None
    """When the client secret ends, by the app's registration, which was asked for last at `end_asked`."""
    end_asked: float = -inf
    last_tick: float = -inf


class RiskyUsers(NamedTuple):
    """Ids of the users that still exist, by the risk level Graph reports; for each level that was not read in full, why.

    `answers`: how many it took, for a list that comes in several can shift in between. `mailboxes`, where they are wanted,
    tell principal names and no mail.
    """

    by_level: dict[str, set[str]]
    unread: dict[str, ServiceError]
    answers: int
    mailboxes: Mapping[str, Mailbox] = _NONE


class Members(NamedTuple):
    """The direct members of a group: the ids of those that are users, and how many are something else."""

    users: frozenset[str]
    others: int = 0
    mailboxes: Mapping[str, Mailbox] = _NONE


@dataclass(slots=True)
class Writes:
    """What became of each user to be added or removed."""

    done: list[str] = field(default_factory=list)
    already: list[str] = field(default_factory=list)
    refused: dict[str, ServiceError] = field(default_factory=dict)
    unfinished: list[str] = field(default_factory=list)
    unsure: list[str] = field(default_factory=list)
    """Of the unfinished and refused those for whom it may have been done all the same, by a request that was not judged by itself."""
    stopped: ServiceError | None = None
    """Why the unfinished were not tried, or not again: what one write met, the others would have met too."""

    def add(self, later: "Writes") -> None:
        """What became of further users."""
        self.done += later.done
        self.already += later.already
        self.refused |= later.refused
        self.unfinished += later.unfinished
        self.unsure += later.unsure
        self.stopped = self.stopped or later.stopped


class GraphClient:
    """One tenant's Graph for the length of a tick. No request follows a redirect or goes to any host but the cloud's own."""

    def __init__(self, settings: Settings, cache: IsolateCache, budget: Budget, sign: Sign = unable_to_sign) -> None:
        self._settings, self.cache, self.budget, self.clock = settings, cache, budget, budget.clock
        self.root = f"https://{settings.cloud.graph}/v1.0"
        self._with_addresses = settings.gateway is not None
        self._scheduler = scheduler = Scheduler(budget, settings, cache.token, sign)
        self.begin, self.finish, self.run = scheduler.begin, scheduler.finish, scheduler.run
        self.go_on, self.keep_back = scheduler.go_on, scheduler.keep_back

    @property
    def shut_out(self) -> AuthError | None:
        """Why there is no access token, if so."""
        return self._scheduler.no_token

    # --- reads ---

    async def risky_users(self, levels: Sequence[str]) -> RiskyUsers:
        """The users at these risk levels, without those marked deleted.

        By level alone: confirmed-compromised users are high, but not `atRisk`. Deleted users stay listed for ever
        (https://learn.microsoft.com/graph/api/resources/riskyuser). One query asks for all levels, since Identity
        Protection bears one request a second; a query a level is the fallback, should it refuse the `or`.
        """
        query = tuple(levels)
        listings = {query: await self._list_risky_users(query, RISK_PAGES)}
        if _query_refused(listings[query].last):
            sizes = RISK_PAGES if _filter_refused(listings[query].last) else FEWER_PAGES
            listings = {(level,): await self._list_risky_users((level,), sizes) for level in levels}
        by_level: dict[str, set[str]] = {level: set() for level in levels}
        unread: dict[str, ServiceError] = {}
        for query, listing in listings.items():
            ids, sound = ids_by("riskLevel", listing.entries, self.cache.user_ids)
            for level, users in by_level.items():
                users |= ids.pop(level, set())
            ids.pop(_NO_LEVEL, None)
            if listing.end != "complete" or not sound:
                unread |= dict.fromkeys(query, self._list_error(listing))
            elif ids:
                unread |= dict.fromkeys(query, _strange_level(listing, next(iter(ids))))
        self.cache.user_ids = frozenset().union(*by_level.values())
        entries = [entry for listing in listings.values() for entry in listing.entries] if self._with_addresses else []
        named = {user: mailbox._replace(unread=True) for user, mailbox in mailboxes(entries).items()}  # of mail nothing is told here
        return RiskyUsers(by_level, unread, sum(listing.pages for listing in listings.values()), named)

    async def _list_risky_users(self, levels: tuple[str, ...], sizes: Sequence[int | None]) -> Listing:
        """The list, in the first of these page sizes that is not refused; for a while the next lists begin with that one."""
        cache, now = self.cache, self.clock.now()
        if cache.risk_page in sizes and now < cache.risk_page_until:
            sizes = sizes[sizes.index(cache.risk_page) :]
        for size in sizes:
            listing = await read_pages(requests.risky_users(levels, size, ",userPrincipalName" * self._with_addresses), self.root)
            if not _query_refused(listing.last) or (len(levels) > 1 and _filter_refused(listing.last)):
                if listing.last.left_over and size == sizes[0]:  # its pages may be too small for a tick
                    cache.risk_page_until = -inf
                elif size != cache.risk_page or now >= cache.risk_page_until:
                    cache.risk_page, cache.risk_page_until = size, now + RISK_PAGE_SECONDS
                return listing
        cache.risk_page_until = -inf
        return listing

    async def groups_named(self, *names: str) -> tuple[list[SecurityGroup], Listing]:
        """The groups whose display name is one of these, the oldest first, and the list they come from.

        Names need not be unique, and Graph ignores case. The look-up may not know a group yet that was made a moment ago (https://learn.microsoft.com/graph/api/group-list).
        Thousands may share a name, hence a quarter of the tick's subrequests at most. The list is not "complete" where one
        of its entries makes no sense.
        """
        listing = await read_pages(requests.groups_named(*names), self.root, at_most=self.budget.max_subrequests // 4)
        groups = [group for entry in listing.entries if (group := read_group(entry))]
        if listing.end not in ("complete", "more") or (listing.entries and not groups):
            raise self._list_error(listing)
        if len(groups) < len(listing.entries):
            listing = listing._replace(end="strange")
        return sorted(groups, key=lambda group: (group.created, group.id)), listing

    async def one_group(self, request: GraphRequest) -> SecurityGroup | None:
        """The group asked for by its key or its id; None where there is none, or the cloud knows no such key."""
        [response] = await ask(request)
        group = read_group(response.body) if response.ok else None
        if not group and not response.refused:
            raise self._error(response)
        return group

    async def members(self, group: SecurityGroup) -> Members | None:
        """The direct members; None where the group is new and this part of the directory does not know it yet.

        May lag behind the latest writes (https://learn.microsoft.com/graph/api/group-list-members).
        """
        request = requests.members(group, ",mail,userPrincipalName" * self._with_addresses)
        for pause in (0.0, *YOUNG_PAUSES):
            listing = await read_pages(request._replace(pause=pause), self.root)
            if listing.last.status != 404 or not group.young(self.clock.now()):
                break
        if listing.last.status == 404 and listing.last.refused and group.young(self.clock.now()):
            return None
        ids, sound = ids_by("@odata.type", listing.entries, self.cache.user_ids)
        if listing.end != "complete" or not sound:
            raise self._list_error(listing)
        users = self.cache.members[group.id] = frozenset(ids.pop("#microsoft.graph.user", ()))
        return Members(users, sum(map(len, ids.values())), mailboxes(listing.entries) if self._with_addresses else _NONE)

    async def mailboxes(self, users: Sequence[str]) -> tuple[dict[str, Mailbox], ServiceError | None]:
        """The mailboxes of these users, as far as they can be read, and what stood in the way of the others.

        Whoever is not among those that were asked for together, or all of them where Graph takes fewer ids at once than it
        says, is asked for alone: only that tells a user who is deleted, and has none, from one who was left out.
        """
        chunks = [tuple(users[start : start + requests.USERS_AT_ONCE]) for start in range(0, len(users), requests.USERS_AT_ONCE)]
        found: dict[str, Mailbox] = {}
        error: ServiceError | None = None
        alone: list[str] = []
        for chunk, listing in (await each({chunk: read_pages(requests.users(chunk), self.root) for chunk in chunks})).items():
            if isinstance(listing, ServiceError):
                error = listing
            elif listing.end == "complete":
                found |= (told := mailboxes(listing.entries))
                alone += [user for user in chunk if user not in told]
            elif _query_refused(listing.last):
                alone += chunk
            else:
                error = self._list_error(listing)
        for user, mailbox in (await each({user: self._mailbox(user) for user in alone})).items():
            if isinstance(mailbox, ServiceError):
                error = mailbox
            else:
                found[user] = mailbox
        return found, error

    async def _mailbox(self, user: str) -> Mailbox:
        """The mailbox of one user; none of a user who is deleted."""
        [response] = await ask(requests.one_user(user))
        if response.refused and response.code == "Request_ResourceNotFound":
            return Mailbox()
        told = mailboxes([response.body]) if response.status == 200 else {}
        if user not in told:
            raise self._error(response)
        return told[user]

    async def secret_end(self) -> float | None:
        """When the client secret ends; None where Graph does not tell."""
        [response] = await ask(requests.own_registration(self._settings.client_id))
        if response.status != 200:
            return None
        from expiry import end_of_secret  # in most tenants not needed

        return end_of_secret(response.body, self._settings.client_secret, self.clock.now())

    # --- writes ---

    async def create_group(self, name: str) -> tuple[SecurityGroup, bool]:
        """The group of this unique name, and whether it was made just now.

        Another tick may have made it, or a request of this one whose answer was lost.
        """
        [response] = await ask(requests.create_group(name))
        group = read_group(response.body) if response.status == 201 else None
        if group:
            return group, True
        if group := await self.one_group(requests.group_by_key(name)):
            return group, False
        if response.says(_UNIQUE_NAME_TAKEN):
            remedy = "restore it in the Entra admin center under Groups > Deleted groups, and it keeps its id and its SCIM assignment"
            raise GraphError(f"Could not create the group {name}: a deleted group has its unique name; {remedy}.", response.request_ids)
        if response.ok:
            why = "the directory does not know it everywhere yet; the next minute looks again"
            raise GraphError(f"Could not find the group {name} that was created a moment ago: {why}.", cause="budget")
        raise self._error(response, " You can also create a security group of this name by hand: it is adopted.")

    async def add_members(self, group: SecurityGroup, users: Sequence[str]) -> Writes:
        """Add users to the group, 20 a request; where one of 20 is refused, one by one.

        A PATCH adds all or none, and tells of one fault only, not reliably of whose
        (https://learn.microsoft.com/graph/api/group-post-members). "Already a member" is as good as done. A new group is
        written to once, until that is not refused for being new.
        """
        writes = Writes()
        chunks = [users[start : start + requests.PATCH_MEMBERS] for start in range(0, len(users), requests.PATCH_MEMBERS)]
        probing, pauses, pause = group.young(self.clock.now()), iter(YOUNG_PAUSES), 0.0
        while chunks and not writes.stopped:
            batch = chunks[: 1 if probing else SERIAL_REQUESTS]
            responses = await ask(*(requests.add_together(group, chunk, self.root, pause) for chunk in batch))
            if probing and _not_there_yet(responses[0], group) and (pause := next(pauses, 0.0)):
                continue
            probing, pause = False, 0.0
            del chunks[: len(batch)]
            for chunk, response in zip(batch, responses, strict=True):
                if response.ok:
                    writes.done += chunk
                elif response.judged and not writes.stopped:
                    singly = await self.add_singly(group, chunk)
                    singly.unsure = singly.unfinished  # for all that is known they are in there already
                    writes.add(singly)
                else:
                    self._put_off(response, chunk, writes)
        writes.unfinished += [user for chunk in chunks for user in chunk]
        return writes

    async def add_singly(self, group: SecurityGroup, users: Sequence[str]) -> Writes:
        """Add up to 20 users to the group, one a request. Where each of them is refused alike, the group refuses, not they."""
        writes = Writes()
        responses = await ask(*(requests.add_one(group, user, self.root) for user in users))
        refused: dict[str, GraphResponse] = {}
        for user, response in zip(users, responses, strict=True):
            if response.ok:
                writes.done.append(user)
            elif response.refused and response.says(_ALREADY_A_MEMBER):
                writes.already.append(user)
            elif response.judged:
                refused[user] = response
            else:
                self._put_off(response, [user], writes)
        alike = {response.status for response in responses} if len(refused) == len(users) else set()
        if alike == {403} or (alike == {400} and len(users) > 1 and not group.young(self.clock.now())):
            self._put_off(responses[0], users, writes)
        elif alike and group.young(self.clock.now()):
            writes.unfinished += refused
        else:
            writes.refused |= {user: self._error(response) for user, response in refused.items()}
        return writes

    async def remove_members(self, group: SecurityGroup, users: Sequence[str]) -> Writes:
        """Remove users from the group, one a request as Graph has it, 20 requests a batch.

        Somebody who is no member any more makes Graph say 404, naming the group, or 400: as good as done
        (https://learn.microsoft.com/graph/api/group-delete-members). It says the same where it does not know a new group
        yet, so that of a young group it proves nothing.
        """
        writes, start = Writes(), 0
        while start < len(users) and not writes.stopped:
            chunk = users[start : start + PARALLEL_REQUESTS]
            start += len(chunk)
            responses = await ask(*(requests.remove_one(group, user) for user in chunk))
            for user, response in zip(chunk, responses, strict=True):
                if response.refused and response.attempts > 1:  # an attempt whose answer was lost may have done it
                    writes.unsure.append(user)
                if response.ok:
                    writes.done.append(user)
                elif _not_there_yet(response, group) and group.young(self.clock.now()):
                    writes.unfinished.append(user)
                elif response.refused and (response.status == 404 or response.says(_NOT_A_MEMBER)):
                    writes.already.append(user)
                elif response.refused:
                    writes.refused[user] = self._error(response)
                else:
                    self._put_off(response, [user], writes)
        writes.unfinished += users[start:]
        return writes

    def _put_off(self, response: GraphResponse, users: Sequence[str], writes: Writes) -> None:
        writes.unfinished += users
        if response.attempts > 1 or (response.attempts and not response.judged):
            writes.unsure += users
        if not response.left_over:
            writes.stopped = writes.stopped or self._error(response)

    # --- errors ---

    def _error(self, response: GraphResponse, more: str = "") -> ServiceError:
        if error := response.no_token or (self.cache.token.not_renewed if response.status == 401 else None):
            return error
        reason, cause = explain(response, self.cache.token.roles if response.status == 403 else None)
        return GraphError(f"Could not {response.request.what}: {reason}.{more}", response.request_ids, cause=cause)

    def _list_error(self, listing: Listing) -> ServiceError:
        if listing.end != "strange":
            return self._error(listing.last)
        why = f"the next page lies outside {self.root} or was read already; if this repeats every minute, report it with the request ids"
        return GraphError(f"Could not {listing.last.request.what}: {why}.", listing.last.request_ids)


def _strange_level(listing: Listing, level: str) -> GraphError:
    named = f"the level '{level}'" if _WORD.fullmatch(level) else "a level of a strange name"
    why = f"Graph reports {named}, which was not asked for; without a Microsoft Entra ID P2 licence it hides levels"
    return GraphError(f"Could not {listing.last.request.what}: {why}.", listing.last.request_ids)


def _query_refused(response: GraphResponse) -> bool:
    return response.refused and response.status == 400


def _filter_refused(response: GraphResponse) -> bool:
    return _query_refused(response) and (response.code == "Request_UnsupportedQuery" or response.says("filter"))


def _not_there_yet(response: GraphResponse, group: SecurityGroup) -> bool:
    """Whether a part of the directory does not know the group: 400, or 404 with the group's id."""
    return response.refused and (response.says(_NOT_THERE_YET) or response.says(group.id))
