"""Provisioning of one user, or of one group with a few members, at once.

https://learn.microsoft.com/graph/api/synchronization-synchronizationjob-provisionondemand; verdicts as seen there and in scripts.
"""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Literal

from simulator.entra.directory import Directory
from simulator.entra.provisioning.cycle import NO_NAME, Cycle
from simulator.entra.provisioning.job import Failure, Job, Kind
from simulator.entra.provisioning.log import Status
from simulator.entra.provisioning.scheduler import Provisioning, refusal
from simulator.entra.provisioning.schema import UnusableSchema
from simulator.entra.provisioning.scope import in_scope
from simulator.scim import ScimGroup, Unauthorized, Unreachable

MOST_MEMBERS = 5
NOT_ENTITLED = Failure("NotEffectivelyEntitled", "The object is not assigned to the application.")
REDUNDANT = Failure("RedundantExport", "The target is up to date.")
REJECTED = Failure("EntryRejected", "The target did not accept the object.")


@dataclass(frozen=True, slots=True)
class Verdict:
    """What came of it."""

    result: Literal["Success", "Skipped", "Failure"]
    failure: Failure | None = None


@dataclass(frozen=True, slots=True)
class Subject:
    """What to provision: a user, or a group with these of its members."""

    kind: Kind
    id: str
    members: Collection[str] = ()


def provision(
    provisioning: Provisioning, directory: Directory, job: Job, subject: Subject, now: float, *, lag: float, removes: bool
) -> Verdict:
    """Do it, whether the job runs or not. Assignments count `lag` seconds late; `removes` members who are named but none any more."""
    scope = in_scope(directory, job, now, lag)
    if subject.id not in (scope.users if subject.kind == "User" else scope.groups):
        return Verdict("Skipped", NOT_ENTITLED)
    settings = provisioning.settings[job.principal_id]
    try:
        endpoint = provisioning.door(settings.address, settings.token)
        cycle = Cycle(directory, job, settings, endpoint, scope, now, provisioning.new_id(), provisioning.new_id)
        status = cycle.put_user(subject.id) if subject.kind == "User" else _put_group(cycle, subject, removes=removes)
    except (Unauthorized, Unreachable) as refused:
        return Verdict("Failure", refusal(refused))
    except UnusableSchema as unusable:
        return Verdict("Failure", Failure("SchemaError", str(unusable)))
    provisioning.log.extend(cycle.events)
    if any(event.failure == NO_NAME and event.source == subject.id for event in cycle.events):
        return Verdict("Skipped", NO_NAME)
    if status == "failure":
        return Verdict("Failure", REJECTED)
    return Verdict("Success") if status == "success" else Verdict("Skipped", REDUNDANT)


def _put_group(cycle: Cycle, subject: Subject, *, removes: bool) -> Status:
    """The group with the members that it is known to have at the target, and those named."""
    now_in, held = cycle.scope.members[subject.id], cycle.job.exported
    named = set(subject.members)
    for member in sorted(named & now_in):
        cycle.put_user(member)
    before = held.get(subject.id)
    targets = before.content.members if before and isinstance(before.content, ScimGroup) else frozenset()
    known = {user for user, exported in held.items() if exported.target in targets}
    return cycle.put_group(subject.id, frozenset((known | (named & now_in)) - ((named - now_in) if removes else set())))
