"""Directory roles, and which include which as far as this project's steps go.

https://learn.microsoft.com/entra/identity/role-based-access-control/permissions-reference
"""

from collections.abc import Collection

APPLICATIONS = "Cloud Application Administrator"
CONSENT = "Privileged Role Administrator"
GROUPS = "Groups Administrator"

_AS_GOOD_AS = {
    APPLICATIONS: frozenset({APPLICATIONS, "Application Administrator", "Global Administrator"}),
    CONSENT: frozenset({CONSENT, "Global Administrator"}),
    GROUPS: frozenset({GROUPS, "User Administrator", "Global Administrator", "Directory Writers", "Identity Governance Administrator"}),
}


def holds(role: str, held: Collection[str]) -> bool:
    """Whether whoever holds these roles may do what takes this one; true where it takes none that is known here."""
    return role not in _AS_GOOD_AS or not _AS_GOOD_AS[role].isdisjoint(held)
