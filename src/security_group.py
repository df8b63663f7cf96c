"""A security group as Graph describes it, and whether the Worker can keep its members."""

from datetime import datetime
from typing import NamedTuple

from text import GUID, JSON

YOUNG_SECONDS = 900.0
"""How long parts of the directory may not know a new group yet; 11 minutes have been seen."""

FIELDS = (
    "id,displayName,createdDateTime,securityEnabled,mailEnabled,groupTypes,onPremisesSyncEnabled,isAssignableToRole,isManagementRestricted"
)
"""What is asked for of each group."""
_RENAME = "rename it and let the Worker make another"
_MAIL = f"it is a Microsoft 365 or mail-enabled group; {_RENAME}"
_ON_PREMISES = "it is synchronised from on-premises Active Directory; rename it there and let the Worker make one in the cloud"
_HINDERED_BY_TYPE = {"DynamicMembership": "its membership is dynamic; change its membership type to assigned", "Unified": _MAIL}
_HINDERED_BY_FLAG = (
    ("onPremisesSyncEnabled", True, _ON_PREMISES),
    ("mailEnabled", True, _MAIL),
    ("securityEnabled", False, f"it is not a security group; {_RENAME}"),
    ("isAssignableToRole", True, f"it is role-assignable, which takes rights this app should not have; {_RENAME}"),
    ("isManagementRestricted", True, "it is in a restricted management administrative unit; take it out of there"),
)


class SecurityGroup(NamedTuple):
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


def read_group(entry: "JSON") -> SecurityGroup | None:
    """The group that an entry describes; None where it makes no sense."""
    if not isinstance(entry, dict):
        return None
    group_id, name, created = entry.get("id"), entry.get("displayName"), entry.get("createdDateTime")
    if not isinstance(group_id, str) or not GUID.fullmatch(group_id) or not isinstance(name, str):
        return None
    return SecurityGroup(group_id.lower(), name, created if isinstance(created, str) else "", _unwritable(entry))


def _unwritable(entry: "dict[str, JSON]") -> str:
    types = entry.get("groupTypes")
    reasons = [why for name, why in _HINDERED_BY_TYPE.items() if isinstance(types, list) and name in types]
    reasons += [why for name, hindrance, why in _HINDERED_BY_FLAG if entry.get(name) is hindrance]
    return reasons[0] if reasons else ""
