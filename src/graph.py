"""The operations on Microsoft Graph that this Worker needs, one function each, and no others.

Reads: the risky users, groups by name or key, a group's members. Writes: create one of our groups, add members to a
group, remove a member from a group. `write` items come from `_create`, `_add` and `_remove` alone, so that no other
write can be expressed: no group is ever deleted, renamed or changed in anything but its direct members.

    GraphError              something could not be read or written; the message says what, why, and what to do
    AuthError               there is no token, so nothing can be read or written
    OutOfBudget             never leaves this module: what was not sent is told as left over
"""

import re
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from random import Random
from typing import Any

from batch import JSON, Answer, Batches, GraphError, Item, Operation, Steps, side_by_side
from login import AuthError, Token
from settings import GUID, Settings
from wire import Clock, Fetch, Wire, percent_encode

__all__ = ["AuthError", "Graph", "GraphError", "Group", "Members", "Memory", "Operation", "RiskyUsers", "Writes", "side_by_side"]

READ_RISK = "IdentityRiskyUser.Read.All"
READ_GROUPS = "GroupMember.Read.All"
CREATE_GROUPS = "Group.Create"
WRITE_MEMBERS = "GroupMember.ReadWrite.All"

PATCH_MEMBERS = 20
"""https://learn.microsoft.com/graph/api/group-post-members"""
YOUNG_SECONDS = 900.0
"""How long parts of the directory may not know a new group yet; 11 minutes have been seen."""
YOUNG_PAUSES = (2.0, 4.0, 8.0)

_GROUP_FIELDS = (
    "id,displayName,createdDateTime,securityEnabled,mailEnabled,groupTypes,"
    "onPremisesSyncEnabled,isAssignableToRole,isManagementRestricted"
)
_ALREADY_A_MEMBER = "added object references already exist"
_NOT_A_MEMBER = "removed object references do not exist"
_NOT_THERE_YET = "source resource object"


@dataclass(slots=True)
class Memory:
    """What is worth keeping between ticks while the isolate lives. A cache: it may be gone at any time, at no harm."""

    token: Token = field(default_factory=Token)
    group_ids: dict[str, str] = field(default_factory=dict)
    refused_users: set[str] = field(default_factory=set)
    or_filter_refused: bool = False


@dataclass(frozen=True, slots=True)
class RiskyUsers:
    """Ids of the users that still exist, by the risk level Graph reports; `error` says why the list is not complete."""

    by_level: dict[str, set[str]]
    error: GraphError | None = None


@dataclass(frozen=True, slots=True)
class Group:
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


@dataclass(frozen=True, slots=True)
class Members:
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

    def __init__(
        self, settings: Settings, memory: Memory, *, fetch: Fetch, clock: Clock, random: Random, deadline: float
    ) -> None:
        self.memory = memory
        self.clock = clock
        self.deadline = deadline
        self._settings = settings
        self._wire = Wire(
            fetch=fetch, clock=clock, random=random, max_subrequests=settings.max_subrequests, deadline=deadline
        )
        self._batches = Batches(self._wire, settings, memory.token)
        self._root = f"https://{settings.cloud.graph}/v1.0"

    @property
    def subrequests(self) -> int:
        """Requests sent so far, those for a token included."""
        return self._wire.subrequests

    async def run(self, *operations: Operation[Any], until: float | None = None) -> None:
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
        what = f"read the users of risk level {', '.join(levels)}"
        wanted = "%20or%20".join(f"riskLevel%20eq%20%27{level}%27" for level in levels)
        url = f"/identityProtection/riskyUsers?$filter={wanted}&$select=id,riskLevel,isDeleted&$top={RISKY_USERS_PAGE}"
        entries, error, last = yield from self._list(Item("GET", url, what, READ_RISK, paced=True))
        for entry in entries:
            try:
                user, level = entry["id"], entry["riskLevel"]  # type: ignore[call-overload, index]  # judged by what they raise
                if entry.get("isDeleted") is not True and level in by_level:  # type: ignore[union-attr]
                    if len(user) != 36:
                        raise ValueError
                    by_level[level].add(user.lower())
            except (KeyError, TypeError, ValueError, AttributeError):
                error = error or GraphError(f"Could not {what}: the list holds an entry without a usable id and level.", last.request_ids)
        return error, last.refused and last.status == 400 and not entries
