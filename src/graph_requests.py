"""Every request to Graph that this Worker can express.

Three kinds of them write: create one of our groups, add members to a group, remove a member from a group. No group can be
deleted, renamed or changed in anything but its direct members.
"""

from collections.abc import Sequence
from functools import cache

from errors import GraphError
from exchange import GraphRequest
from permissions import CREATE_GROUPS, READ_GROUPS, READ_RISK, READ_USERS, WRITE_MEMBERS
from security_group import FIELDS, SecurityGroup
from text import GUID, counted, percent_encode

RISKY_USERS_PAGE = 500
"""https://learn.microsoft.com/graph/api/riskyuser-list"""
DIRECTORY_PAGE = 999
"""https://learn.microsoft.com/graph/api/group-list and https://learn.microsoft.com/graph/api/group-list-members"""
USERS_AT_ONCE = 15
"""https://learn.microsoft.com/graph/filter-query-parameter"""
PATCH_MEMBERS = 20
"""https://learn.microsoft.com/graph/api/group-post-members"""

# --- reads; those of every minute are made once ---


@cache
def risky_users(levels: tuple[str, ...], page: int | None, more: str = "") -> GraphRequest:
    """The users at any of these risk levels, so many a page; None lets Graph decide. `more` are further properties."""
    wanted = "%20or%20".join(f"riskLevel%20eq%20%27{level}%27" for level in levels)
    url = f"/identityProtection/riskyUsers?$filter={wanted}&$select=id,riskLevel,isDeleted{more}" + (f"&$top={page}" if page else "")
    return GraphRequest("GET", url, f"read the risky users of level {', '.join(levels)}", READ_RISK, paced=True)


@cache
def groups_named(*names: str) -> GraphRequest:
    """The groups of these names, which Graph compares without case."""
    url = f"/groups?$filter=displayName%20in%20({','.join(map(_quoted, names))})&$select={FIELDS}&$top={DIRECTORY_PAGE}"
    return GraphRequest("GET", url, f"look for {names[0] if len(names) == 1 else 'the groups'} by name", READ_GROUPS)


@cache
def members(group: SecurityGroup, more: str = "") -> GraphRequest:
    """The direct members of a group. `more` are further properties."""
    url = f"/groups/{checked(group.id)}/members?$select=id{more}&$top={DIRECTORY_PAGE}"
    return GraphRequest("GET", url, f"read the members of {group.name} ({group.id})", WRITE_MEMBERS)


def group_by_key(name: str) -> GraphRequest:
    """The group made with this `uniqueName`."""
    url = f"/groups(uniqueName={_quoted(name)})?$select={FIELDS}"
    return GraphRequest("GET", url, f"look for the group {name} by its unique name", READ_GROUPS)


def group_by_id(group: SecurityGroup) -> GraphRequest:
    """A group known from before."""
    url = f"/groups/{checked(group.id)}?$select={FIELDS}"
    return GraphRequest("GET", url, f"look for the group {group.name} by its id {group.id}", READ_GROUPS)


def users(ids: Sequence[str]) -> GraphRequest:
    """The addresses of up to USERS_AT_ONCE users."""
    wanted = ",".join(f"%27{checked(user)}%27" for user in ids)
    url = f"/users?$filter=id%20in%20({wanted})&$select=id,mail,userPrincipalName"
    return GraphRequest("GET", url, "read mail addresses", READ_USERS)


def one_user(user: str) -> GraphRequest:
    """The addresses of one user (https://learn.microsoft.com/graph/api/user-get)."""
    return GraphRequest("GET", f"/users/{checked(user)}?$select=id,mail,userPrincipalName", "read a mail address", READ_USERS)


def own_registration(client_id: str) -> GraphRequest:
    """The secrets of the app that signs in, as far as they are shown: it has been seen to be allowed to read its own
    registration without any permission (https://github.com/microsoftgraph/microsoft-graph-docs/issues/15879)."""
    url = f"/applications(appId='{checked(client_id)}')?$select=passwordCredentials"
    return GraphRequest("GET", url, "read the app's own registration", needs="")


# --- writes: these three kinds and no others ---


def create_group(name: str) -> GraphRequest:
    """A security group, made by its unique name so that sending this twice cannot make two
    (https://learn.microsoft.com/graph/api/group-upsert).

    It holds what a new security group must have and no more: of a group that exists unseen it would change the rest.
    """
    url, what = f"/groups(uniqueName={_quoted(name)})", f"create the group {name}"
    body = {"displayName": name, "mailEnabled": False, "mailNickname": name, "securityEnabled": True}
    return GraphRequest("PATCH", url, what, CREATE_GROUPS, body, prefer="create-if-missing", write_units=1)


def add_together(group: SecurityGroup, users: Sequence[str], root: str, pause: float) -> GraphRequest:
    """Up to PATCH_MEMBERS users into the group, all of them or none; Microsoft counts a third of a write for each."""
    url, body = f"/groups/{checked(group.id)}", {"members@odata.bind": [_directory_object(user, root) for user in users]}
    what, units = f"add {counted(len(users), 'user')} to {group.name} ({group.id})", max(1.0, len(users) / 3)
    return GraphRequest("PATCH", url, what, WRITE_MEMBERS, body, serial=True, pause=pause, write_units=units)


def add_one(group: SecurityGroup, user: str, root: str) -> GraphRequest:
    """One user into the group."""
    url, body = f"/groups/{checked(group.id)}/members/$ref", {"@odata.id": _directory_object(user, root)}
    return GraphRequest("POST", url, f"add user {user} to {group.name} ({group.id})", WRITE_MEMBERS, body, write_units=1)


def remove_one(group: SecurityGroup, user: str) -> GraphRequest:
    """One user out of the group. Without the `/$ref` at its end this would delete the *user*
    (https://learn.microsoft.com/graph/api/group-delete-members)."""
    url = f"/groups/{checked(group.id)}/members/{checked(user)}/$ref"
    return GraphRequest("DELETE", url, f"remove user {user} from {group.name} ({group.id})", WRITE_MEMBERS, write_units=1)


# --- what goes into a URL ---


def checked(object_id: str) -> str:
    """An object id on its way into a URL: a GUID, which cannot reshape it. Raises GraphError."""
    if not GUID.fullmatch(object_id):
        raise GraphError("An object id is not a GUID, so it is put into no request.")
    return object_id


def _directory_object(object_id: str, root: str) -> str:
    return f"{root}/directoryObjects/{checked(object_id)}"


def _quoted(text: str) -> str:
    """An OData string literal, its quotes plain as Microsoft's own SDK sends them."""
    return f"'{percent_encode(text.replace(chr(39), chr(39) * 2))}'"
