"""Directory objects in the words of Microsoft Graph: every property that its reference shows by default."""

from uuid import UUID

from simulator.entra.directory import Group, User
from simulator.entra.stamps import stamp
from simulator.messages import JSON

RISKY_USER_PROPERTIES = frozenset(
    {
        "id",
        "isDeleted",
        "isProcessing",
        "riskDetail",
        "riskLastUpdatedDateTime",
        "riskLevel",
        "riskState",
        "userDisplayName",
        "userPrincipalName",
    }
)


def risky_user(user: User) -> dict[str, JSON]:
    """The riskyUser of a user (https://learn.microsoft.com/graph/api/resources/riskyuser)."""
    return {
        "id": user.id,
        "isDeleted": user.deleted and user.listed_as_deleted,
        "isProcessing": user.risk_processing,
        "riskLevel": user.risk_level,
        "riskState": user.risk_state,
        "riskDetail": user.risk_detail,
        "riskLastUpdatedDateTime": stamp(user.risk_updated),
        "userDisplayName": user.name,
        "userPrincipalName": user.principal_name,
    }


def group_entity(group: Group) -> dict[str, JSON]:
    """The group (https://learn.microsoft.com/graph/api/resources/group)."""
    return {
        "id": group.id,
        "deletedDateTime": None,
        "classification": None,
        "createdDateTime": stamp(group.created),
        "creationOptions": [],
        "description": group.description,
        "displayName": group.name,
        "expirationDateTime": None,
        "groupTypes": list(group.types),
        "isAssignableToRole": group.role_assignable or None,
        "isManagementRestricted": group.management_restricted or None,
        "mail": f"{group.mail_nickname}@contoso.onmicrosoft.com" if group.mail_enabled else None,
        "mailEnabled": group.mail_enabled,
        "mailNickname": group.mail_nickname,
        "membershipRule": "user.accountEnabled -eq true" if "DynamicMembership" in group.types else None,
        "membershipRuleProcessingState": "On" if "DynamicMembership" in group.types else None,
        "onPremisesDomainName": None,
        "onPremisesLastSyncDateTime": stamp(group.created) if group.on_premises else None,
        "onPremisesNetBiosName": None,
        "onPremisesProvisioningErrors": [],
        "onPremisesSamAccountName": None,
        "onPremisesSecurityIdentifier": None,
        "onPremisesSyncEnabled": group.on_premises or None,
        "preferredDataLocation": None,
        "preferredLanguage": None,
        "proxyAddresses": [],
        "renewedDateTime": stamp(group.created),
        "resourceBehaviorOptions": [],
        "resourceProvisioningOptions": [],
        "securityEnabled": group.security_enabled,
        "securityIdentifier": "S-1-12-1-"
        + "-".join(str(int.from_bytes(UUID(group.id).bytes_le[at : at + 4], "little")) for at in (0, 4, 8, 12)),
        "serviceProvisioningErrors": [],
        "theme": None,
        "uniqueName": group.unique_name,
        "visibility": None,
    }


def group_filterable(group: Group) -> dict[str, JSON]:
    """The properties that groups are filtered by: there may be thousands, of which a page shows few."""
    return {
        "id": group.id,
        "displayName": group.name,
        "mailNickname": group.mail_nickname,
        "mailEnabled": group.mail_enabled,
        "securityEnabled": group.security_enabled,
        "uniqueName": group.unique_name,
    }


def user_filterable(user: User) -> dict[str, JSON]:
    """The properties that users are filtered by."""
    return {"id": user.id, "displayName": user.name, "mail": user.mail, "userPrincipalName": user.principal_name}


def user_entity(user_id: str, user: User | None) -> dict[str, JSON]:
    """The user (https://learn.microsoft.com/graph/api/resources/user); None where the caller may not read who it is."""
    given, _, surname = user.name.partition(" ") if user else ("", "", "")
    return {
        "businessPhones": [],
        "displayName": user.name if user else None,
        "givenName": given or None,
        "jobTitle": None,
        "mail": user.mail if user else None,
        "mobilePhone": None,
        "officeLocation": None,
        "preferredLanguage": None,
        "surname": surname or None,
        "userPrincipalName": user.principal_name if user else None,
        "id": user_id,
    }


def member_entity(object_id: str, kind: str, user: User | None) -> dict[str, JSON]:
    """A member as a directoryObject; `user` None where the caller may not read who it is, which leaves all but the id null.

    https://learn.microsoft.com/graph/permissions-overview#limited-information-returned-for-inaccessible-member-objects
    """
    if kind == "#microsoft.graph.user":
        return {"@odata.type": kind, **user_entity(object_id, user)}
    of_its_kind: dict[str, JSON] = {"mail": None} if kind == "#microsoft.graph.group" else {}
    return {"@odata.type": kind, "id": object_id, "displayName": None, **of_its_kind}


GROUP_FILTERS = frozenset(group_filterable(Group("", "", "", 0.0)))
USER_FILTERS = frozenset(user_filterable(User("", "", "")))
MEMBER_PROPERTIES = frozenset(user_entity("", None))
"""What a list of members can be asked for, of whichever kind they are."""
