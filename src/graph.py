"""The operations on Microsoft Graph that this Worker needs, one function each, and no others.

Reads: the risky users, groups by name or key, a group's members. Writes: create one of our groups, add members to a
group, remove a member from a group. No other write can be expressed: no group is ever deleted, renamed or changed in
anything but its direct members.

Each operation is a generator of steps (batch.py); `Graph.run` carries several out at once.

    GraphError              something could not be read or written; the message says what, why, and what to do
    AuthError               there is no token, so nothing can be read or written
    OutOfBudget             never leaves this module: what was not sent is told as left over
"""

from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache
from random import Random
from typing import NamedTuple, cast

from batch import JSON, PARALLEL_ITEMS, SERIAL_ITEMS, Answer, Batches, GraphError, Item, Operation, Steps, side_by_side
from login import AuthError, Token
from settings import GUID, Settings
from trouble import CREATE_GROUPS, READ_GROUPS, READ_RISK, WRITE_MEMBERS, explain, lacks_permission
from wire import Clock, Fetch, Wire, percent_encode

__all__ = ["AuthError", "Graph", "GraphError", "Group", "Members", "Memory", "Operation", "RiskyUsers", "Steps", "Writes", "side_by_side"]

RISKY_USERS_PAGE = 500
"""https://learn.microsoft.com/graph/api/riskyuser-list"""
MEMBERS_PAGE = 999
"""https://learn.microsoft.com/graph/api/group-list-members"""
PATCH_MEMBERS = 20
"""https://learn.microsoft.com/graph/api/group-post-members"""
YOUNG_SECONDS = 900.0
"""How long parts of the directory may not know a new group yet; 11 minutes have been seen."""
YOUNG_PAUSES = (2.0, 4.0, 8.0)

_GROUP_FIELDS = (
    "id,displayName,createdDateTime,securityEnabled,mailEnabled,groupTypes,onPremisesSyncEnabled,isAssignableToRole,isManagementRestricted"
)
_ALREADY_A_MEMBER = "added object references already exist"
_NOT_A_MEMBER = "removed object references do not exist"
_NOT_THERE_YET = "source resource object"


class RiskyUsers(NamedTuple):
    """Ids of the users that still exist, by the risk level Graph reports; `error` says why the list is not complete."""

    by_level: dict[str, set[str]]
    error: GraphError | None = None


class Group(NamedTuple):
    """A group. `unwritable` says why the Worker cannot keep its members, and what to do about it."""

    id: str
    name: str
    created: str = ""
    unwritable: str = ""

    def young(self, now: float) -> bool:
        """Whether it is so new that parts of the directory may not know it yet."""
        try:
            return now - datetime.fromisoformat(self.created).timestamp() < YOUNG_SECONDS
        except (ValueError, OverflowError, OSError):
            return False


@dataclass(slots=True)
class Memory:
    """What is worth keeping between ticks while the isolate lives. A cache: it may be gone at any time, at no harm."""

    token: Token = field(default_factory=Token)
    groups: dict[str, Group] = field(default_factory=dict)
    """The groups last used, by their names."""
    refused_users: set[str] = field(default_factory=set)
    user_ids: frozenset[str] = frozenset()
    """The risky users last read: ids that need no second check."""
    or_filter_refused: bool = False


class Members(NamedTuple):
    """The direct members of a group: the ids of those that are users, and how many are something else."""

    users: frozenset[str]
    others: int = 0


@dataclass(slots=True)
class Writes:
    """What became of each user to be added or removed."""

    done: list[str] = field(default_factory=list)
    already: list[str] = field(default_factory=list)
    refused: dict[str, GraphError] = field(default_factory=dict)
    left_over: list[str] = field(default_factory=list)
    stopped: GraphError | None = None
    """Why the rest, in `left_over`, was not tried: what one write met, the others would have met too."""


class Graph:
    """One tenant's Graph for the length of a tick. No request follows a redirect or goes to any host but the cloud's own."""

    def __init__(self, settings: Settings, memory: Memory, *, fetch: Fetch, clock: Clock, random: Random, deadline: float) -> None:
        self.memory = memory
        self.clock = clock
        self.deadline = deadline
        self._settings = settings
        self._wire = Wire(fetch=fetch, clock=clock, random=random, max_subrequests=settings.max_subrequests, deadline=deadline)
        self._batches = Batches(self._wire, settings, memory.token)
        self._root = f"https://{settings.cloud.graph}/v1.0"

    @property
    def subrequests(self) -> int:
        """Requests sent so far, those for a token included."""
        return self._wire.subrequests

    async def run(self, *operations: Operation[object], until: float | None = None) -> None:
        """Carry the operations out, the first ones first where they compete; no wait goes past `until` (epoch seconds).

        What came of each, its `result()` tells. Raises AuthError.
        """
        await self._batches.run(operations, self.deadline if until is None else min(until, self.deadline))

    # --- reads ---

    def risky_users(self, levels: Sequence[str]) -> Steps[RiskyUsers]:
        """The users at these risk levels, without those marked deleted.

        By level alone: confirmed-compromised users are high, but not `atRisk`. Deleted users stay listed for ever
        (https://learn.microsoft.com/graph/api/resources/riskyuser). One query asks for all levels, since Identity
        Protection bears one request a second; a query a level is the fallback, should it refuse the `or`.
        """
        by_level: dict[str, set[str]] = {level: set() for level in levels}
        if not self.memory.or_filter_refused:
            error, refused = yield from self._risky_users_at(levels, by_level)
            if not refused:
                return RiskyUsers(by_level, error)
        errors = []
        for level in levels:
            error, _ = yield from self._risky_users_at([level], by_level)
            errors += [error] if error else []
        self.memory.or_filter_refused = not errors
        return RiskyUsers(by_level, errors[0] if errors else None)

    def _risky_users_at(self, levels: Sequence[str], by_level: dict[str, set[str]]) -> Steps[tuple[GraphError | None, bool]]:
        """Put them into `by_level`; why not all, and whether the query itself was refused."""
        entries, error, last = yield from self._list(_risky_users_item(*levels))
        ids, sound = _ids_by("riskLevel", entries, self.memory.user_ids)
        for level, users in by_level.items():
            users.update(map(str.lower, ids.get(level, ())))
        self.memory.user_ids = frozenset().union(*by_level.values())
        return error or (None if sound else self._error(last)), last.refused and last.status == 400 and not entries

    def groups_named(self, names: Collection[str]) -> Steps[list[Group]]:
        """All groups whose display name is exactly one of `names`: it need not be unique, and Graph ignores case.

        The look-up may not know a group yet that was made a moment ago (https://learn.microsoft.com/graph/api/group-list).
        """
        entries, error, last = yield from self._list(_groups_item(*names))
        groups = [_group(entry) for entry in entries]
        if error or None in groups:
            raise error or self._error(last)
        return [group for group in groups if group and group.name in names]

    def group_by_key(self, name: str) -> Steps[Group | None]:
        """The group made with this `uniqueName`, None where there is none or the cloud knows no such key."""
        return (yield from self._one_group(f"/groups(uniqueName={_quoted(name)})", f"look for the group {name} by its unique name"))

    def group_by_id(self, group_id: str, name: str) -> Steps[Group | None]:
        """The group with this id, once found as `name`; None where it is gone."""
        return (yield from self._one_group(f"/groups/{_checked(group_id)}", f"look for the group {name} by its id {group_id}"))

    def _one_group(self, url: str, what: str) -> Steps[Group | None]:
        [answer] = yield [Item("GET", f"{url}?$select={_GROUP_FIELDS}", what=what, needs=READ_GROUPS)]
        if answer.refused:
            return None
        group = _group(answer.body) if answer.ok else None
        if not group:
            raise self._error(answer)
        return group

    def members(self, group: Group) -> Steps[Members | None]:
        """The direct members; None where the group is new and this part of the directory does not know it yet.

        May lag behind the latest writes (https://learn.microsoft.com/graph/api/group-list-members).
        """
        item = _members_item(group.id, group.name)
        entries, error, last = yield from self._list(item)
        pauses = self._pauses(group) if last.status == 404 else []
        while last.status == 404 and not entries and pauses:
            entries, error, last = yield from self._list(item._replace(pause=pauses.pop(0)))
        if last.status == 404 and last.refused and group.young(self.clock.now()):
            return None
        ids, sound = _ids_by("@odata.type", entries, self.memory.user_ids)
        if error or not sound:
            raise error or self._error(last)
        users = frozenset(map(str.lower, ids.pop("#microsoft.graph.user", ())))
        return Members(users, sum(map(len, ids.values())))

    def _list(self, item: Item) -> "Steps[tuple[list[JSON], GraphError | None, Answer]]":
        """The entries of all pages; why they are not all, if so; and the last answer.

        A next link is Graph's own and is sent on as it came, byte for byte, but only below the origin and version that
        everything else goes to, and never twice (https://learn.microsoft.com/graph/paging).
        """
        entries: list[JSON] = []
        followed = set()
        while True:
            [answer] = yield [item]
            body = answer.body if isinstance(answer.body, dict) else {}
            page = body.get("value")
            if not answer.ok or not isinstance(page, list):
                return entries, self._error(answer), answer
            entries += page
            link = body.get("@odata.nextLink")
            if link is None:
                return entries, None, answer
            if not isinstance(link, str) or not link.startswith(f"{self._root}/") or link in followed:
                return entries, self._strange_link(answer), answer
            followed.add(link)
            item = item._replace(url=link.removeprefix(self._root), pause=0.0)

    # --- writes: these three and no others ---

    def create_group(self, name: str) -> Steps[Group | None]:
        """Create a security group of this name unless its unique name is taken; None where it was just made by somebody else.

        Creating it by its key cannot make two, however often it is sent (https://learn.microsoft.com/graph/api/group-upsert).
        It holds what a new security group must have and no more: it would change a group that exists unseen.
        """
        properties: dict[str, JSON] = {
            "displayName": name,
            "mailEnabled": False,
            "mailNickname": name,
            "securityEnabled": True,
        }
        item = Item(
            "PATCH",
            f"/groups(uniqueName={_quoted(name)})",
            what=f"create the group {name}",
            needs=CREATE_GROUPS,
            body=properties,
            prefer="create-if-missing",
            write_units=1,
        )
        [answer] = yield [item]
        group = _group(answer.body) if answer.status == 201 else None
        if not group and not answer.ok:
            raise self._error(answer)
        return group

    def add_members(self, group: Group, users: Sequence[str]) -> Steps[Writes]:
        """Add users to the group, 20 a request; where one of 20 is refused, one by one.

        A PATCH adds all or none, and tells of one fault only, not reliably of whose
        (https://learn.microsoft.com/graph/api/group-post-members). "Already a member" is as good as done.
        """
        writes = Writes()
        chunks = [list(users[start : start + PATCH_MEMBERS]) for start in range(0, len(users), PATCH_MEMBERS)]
        pauses, pause = self._pauses(group), 0.0
        probing = bool(pauses)
        while chunks and not writes.stopped:
            batch = chunks[: 1 if probing else SERIAL_ITEMS]
            answers = yield [self._add_together(group, chunk, pause) for chunk in batch]
            if probing and pauses and not answers[0].ok and _not_there_yet(answers[0], group):
                pause = pauses.pop(0)
                continue
            probing, pause = False, 0.0
            del chunks[: len(batch)]
            for chunk, answer in zip(batch, answers, strict=True):
                if answer.ok:
                    writes.done += chunk
                elif answer.refused and not writes.stopped:
                    yield from self._add_singly(group, chunk, writes)
                else:
                    self._put_off(answer, chunk, writes)
        writes.left_over += [user for chunk in chunks for user in chunk]
        return writes

    def _add_singly(self, group: Group, users: Sequence[str], writes: Writes) -> Steps[None]:
        answers = yield [self._add_one(group, user) for user in users]
        refusals = {}
        served = 0
        for user, answer in zip(users, answers, strict=True):
            if answer.ok:
                writes.done.append(user)
            elif answer.refused and answer.says(_ALREADY_A_MEMBER):
                writes.already.append(user)
            elif answer.refused:
                refusals[user] = answer
                continue
            else:
                self._put_off(answer, [user], writes)
                continue
            served += 1
        if refusals and not served and group.young(self.clock.now()):
            writes.left_over += refusals
        elif not served and len(refusals) > 1 and all(answer.status == 400 for answer in refusals.values()):
            self._put_off(next(iter(refusals.values())), list(refusals), writes)
        else:
            writes.refused |= {user: self._error(answer) for user, answer in refusals.items()}

    def remove_members(self, group: Group, users: Sequence[str]) -> Steps[Writes]:
        """Remove users from the group, one a request as Graph has it, 20 requests a batch.

        Somebody who is no member any more makes Graph say 404, naming the group, or 400: as good as done
        (https://learn.microsoft.com/graph/api/group-delete-members). It says the same where it does not know a new group
        yet, so that of a young group it proves nothing.
        """
        writes = Writes()
        for start in range(0, len(users), PARALLEL_ITEMS):
            chunk = users[start : start + PARALLEL_ITEMS]
            if writes.stopped:
                writes.left_over += chunk
                continue
            answers = yield [self._remove_one(group, user) for user in chunk]
            for user, answer in zip(chunk, answers, strict=True):
                if answer.ok:
                    writes.done.append(user)
                elif answer.refused and _not_there_yet(answer, group) and group.young(self.clock.now()):
                    writes.left_over.append(user)
                elif answer.refused and (answer.status == 404 or answer.says(_NOT_A_MEMBER)):
                    writes.already.append(user)
                elif answer.refused:
                    writes.refused[user] = self._error(answer)
                else:
                    self._put_off(answer, [user], writes)
        return writes

    def _add_together(self, group: Group, users: Sequence[str], pause: float) -> Item:
        return Item(
            "PATCH",
            f"/groups/{_checked(group.id)}",
            what=f"add {len(users)} users to {group.name} ({group.id})",
            needs=WRITE_MEMBERS,
            body={"members@odata.bind": [self._directory_object(user) for user in users]},
            serial=True,
            pause=pause,
            write_units=max(1.0, len(users) / 3),
        )

    def _add_one(self, group: Group, user: str) -> Item:
        return Item(
            "POST",
            f"/groups/{_checked(group.id)}/members/$ref",
            what=f"add user {user} to {group.name} ({group.id})",
            needs=WRITE_MEMBERS,
            body={"@odata.id": self._directory_object(user)},
            write_units=1,
        )

    def _remove_one(self, group: Group, user: str) -> Item:
        return Item(
            "DELETE",
            f"/groups/{_checked(group.id)}/members/{_checked(user)}/$ref",
            what=f"remove user {user} from {group.name} ({group.id})",
            needs=WRITE_MEMBERS,
            write_units=1,
        )

    def _directory_object(self, user: str) -> str:
        return f"{self._root}/directoryObjects/{_checked(user)}"

    def _put_off(self, answer: Answer, users: Sequence[str], writes: Writes) -> None:
        writes.left_over += users
        if not answer.left_over:
            writes.stopped = writes.stopped or self._error(answer)

    def _pauses(self, group: Group) -> list[float]:
        return list(YOUNG_PAUSES) if group.young(self.clock.now()) else []

    # --- errors ---

    def _error(self, answer: Answer) -> GraphError:
        token = self.memory.token
        roles = token.roles if answer.status == 403 else None
        if lacks_permission(answer, roles):  # a consent given now shows in a new token only: the next tick asks for one
            token.use_until = min(token.use_until, self.deadline)
        return GraphError(f"Could not {answer.item.what}: {explain(answer, roles)}.", answer.request_ids)

    def _strange_link(self, answer: Answer) -> GraphError:
        return GraphError(
            f"Could not {answer.item.what}: the next page lies outside {self._root} or was read already, so it is not followed; "
            "if this repeats every minute, report it with the request ids.",
            answer.request_ids,
        )


# --- the reads of every minute, made once ---


@cache
def _risky_users_item(*levels: str) -> Item:
    wanted = "%20or%20".join(f"riskLevel%20eq%20%27{level}%27" for level in levels)
    url = f"/identityProtection/riskyUsers?$filter={wanted}&$select=id,riskLevel,isDeleted&$top={RISKY_USERS_PAGE}"
    return Item("GET", url, what=f"read the risky users of level {', '.join(levels)}", needs=READ_RISK, paced=True)


@cache
def _groups_item(*names: str) -> Item:
    wanted = ",".join(_quoted(name) for name in names)
    url = f"/groups?$filter=displayName%20in%20({wanted})&$select={_GROUP_FIELDS}"
    return Item("GET", url, what="look the groups up by name", needs=READ_GROUPS)


@cache
def _members_item(group_id: str, name: str) -> Item:
    url = f"/groups/{_checked(group_id)}/members?$select=id&$top={MEMBERS_PAGE}"
    return Item("GET", url, what=f"read the members of {name} ({group_id})", needs=WRITE_MEMBERS)


# --- what goes into a request, and what comes out of an answer ---


def _quoted(text: str) -> str:
    """An OData string literal, encoded for a URL."""
    return f"%27{percent_encode(text.replace(chr(39), chr(39) * 2))}%27"


def _checked(object_id: str) -> str:
    """An object id on its way into a URL: a GUID, which cannot reshape it."""
    if not GUID.fullmatch(object_id):
        raise GraphError("An object id is not a GUID, so it is put into no request.")
    return object_id


def _ids_by(fact: str, entries: "Sequence[JSON]", known: Collection[str]) -> tuple[dict[str, list[str]], bool]:
    """Object ids by what their entries give as `fact`, without those marked deleted; and whether every entry made sense.

    Here a large tenant's tick spends its time, hence no calls: `known` ids are spared the pattern, and what is not as
    Graph promises is noticed by the exception it raises.
    """
    ids: defaultdict[str, list[str]] = defaultdict(list)
    sound = True
    for entry in cast("Sequence[dict[str, str]]", entries):
        try:
            object_id, alike = entry["id"], ids[entry[fact]]
            if object_id not in known and not GUID.fullmatch(object_id):
                sound = False
            elif "isDeleted" not in entry or entry["isDeleted"] is not True:  # type: ignore[comparison-overlap]  # the cast tells of ids
                alike.append(object_id)
        except (KeyError, TypeError):
            sound = False
    return ids, sound and all(isinstance(value, str) and value for value in ids)


def _not_there_yet(answer: Answer, group: Group) -> bool:
    """Whether a part of the directory does not know the group: 400, or 404 with the group's id."""
    return answer.refused and (answer.says(_NOT_THERE_YET) or answer.says(group.id))


def _group(entry: "JSON") -> Group | None:
    if not isinstance(entry, dict):
        return None
    group_id, name, created = entry.get("id"), entry.get("displayName"), entry.get("createdDateTime")
    if not isinstance(group_id, str) or not GUID.fullmatch(group_id) or not isinstance(name, str):
        return None
    return Group(group_id.lower(), name, created if isinstance(created, str) else "", _unwritable(entry))


def _unwritable(entry: "dict[str, JSON]") -> str:
    types = entry.get("groupTypes")
    types = types if isinstance(types, list) else []
    if "DynamicMembership" in types:
        return "its membership is dynamic; change its membership type to assigned"
    if entry.get("onPremisesSyncEnabled") is True:
        return "it is synchronised from on-premises Active Directory; rename it there and let the Worker make one in the cloud"
    if "Unified" in types or entry.get("mailEnabled") is True:
        return "it is a Microsoft 365 or mail-enabled group; rename it and let the Worker make a security group"
    if entry.get("securityEnabled") is False:
        return "it is not a security group; rename it and let the Worker make one"
    if entry.get("isAssignableToRole") is True:
        return "it is role-assignable, which takes rights this app should not have; rename it and let the Worker make another"
    if entry.get("isManagementRestricted") is True:
        return "it is in a restricted management administrative unit; take it out of there"
    return ""
