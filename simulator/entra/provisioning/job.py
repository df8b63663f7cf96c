"""A provisioning job, as it is kept. Times in epoch seconds."""

from dataclasses import dataclass, field
from typing import Literal, NamedTuple, TypeAlias

from simulator.messages import JSON
from simulator.scim import ScimGroup, ScimUser

INTERVAL = 2400.0
"""Which nobody can set (https://learn.microsoft.com/entra/identity/app-provisioning/known-issues)."""

ScheduleState: TypeAlias = Literal["Active", "Disabled", "Paused"]
Kind: TypeAlias = Literal["User", "Group"]
QuarantineReason: TypeAlias = Literal["EncounteredQuarantineException", "EncounteredEscrowProportionThreshold", "TooManyDeletes"]
UNAUTHORIZED = "SystemForCrossDomainIdentityManagementInvalidCredentials"
UNREACHABLE = "SystemForCrossDomainIdentityManagementCredentialValidationUnavailable"


class Failure(NamedTuple):
    """Why a cycle, or one entry, came to nothing."""

    code: str
    message: str


@dataclass(slots=True)
class Execution:
    """One cycle that has ended."""

    id: str
    began: float
    ended: float
    state: Literal["Succeeded", "Failed", "EntryLevelErrors"]
    entitled: int = 0
    exported: int = 0
    escrowed: int = 0
    failure: Failure | None = None


@dataclass(slots=True)
class Quarantine:
    """Why a job hardly runs. `attempts` to leave it have failed since it began, the last at `imposed`."""

    began: float
    imposed: float
    reason: QuarantineReason
    failure: Failure
    attempts: int = 0


class Running(NamedTuple):
    """A cycle that has begun."""

    began: float
    ends: float


@dataclass(slots=True)
class Exported:
    """What the endpoint holds of an object, as far as this job knows: it does not look again."""

    target: str
    content: ScimUser | ScimGroup
    active: bool = True


@dataclass(slots=True)
class Job:
    """A job of one service principal (https://learn.microsoft.com/graph/api/resources/synchronization-synchronizationjob)."""

    id: str
    principal_id: str
    template: str
    created: float
    schema: dict[str, JSON]
    state: ScheduleState = "Disabled"
    next: float | None = None
    """When the next cycle begins; None while none is due."""
    running: Running | None = None
    initial: bool = True
    """Whether the next cycle reads everything anew."""
    everybody: bool = False
    """Whether all users and groups are in scope, as `SyncAll` said at the last initial cycle."""
    force_deletes: bool = False
    failures: int = 0
    quarantine: Quarantine | None = None
    last: Execution | None = None
    last_good: Execution | None = None
    last_exporting: Execution | None = None
    steady_first: float | None = None
    steady_last: float | None = None
    exported: dict[str, Exported] = field(default_factory=dict)
    """By the object's id in the directory."""
    escrows: set[str] = field(default_factory=set)
    """Ids of objects that failed and are tried again."""
