"""The schema of a job: which attributes of users and groups go where.

Shapes of https://learn.microsoft.com/graph/api/synchronization-synchronizationschema-get; the default mappings are those of an
application that is in no gallery (https://learn.microsoft.com/entra/identity/app-provisioning/customize-application-attributes).
"""

import copy
from collections.abc import Mapping
from typing import NamedTuple

from simulator.entra.directory import Group, User
from simulator.messages import JSON
from simulator.scim import ScimGroup, ScimUser

_RULE = "03f7d90d-bf71-41b1-bda6-aaf0ddbee5d8"
_EMAIL = 'emails[type eq "work"].value'
_USERS = [
    ("userName", "userPrincipalName", 1),
    ("active", 'Switch([IsSoftDeleted], , "False", "True", "True", "False")', 0),
    ("displayName", "displayName", 0),
    (_EMAIL, "mail", 0),
    ("name.givenName", "givenName", 0),
    ("name.familyName", "surname", 0),
    ("externalId", "mailNickname", 0),
]
_GROUPS = [("displayName", "displayName", 1), ("externalId", "objectId", 0), ("members", "members", 0)]


class UnusableSchema(Exception):
    """The mapping gives a user no name, or a group none."""


class Source(NamedTuple):
    """Where an attribute comes from: a property of the object's, or a constant."""

    kind: str
    text: str


def default_schema(job_id: str, rule_ids: str) -> dict[str, JSON]:
    """What a new job maps, and a reset one."""
    rule = _RULE if rule_ids == "guid" else f"{_RULE}#V2"
    mappings: list[JSON] = [_object_mapping("User", "Users", _USERS), _object_mapping("Group", "Groups", _GROUPS)]
    return {
        "id": job_id,
        "version": "Date:2026-01-01T00:00:00.0000000Z, Sequence:1",
        "synchronizationRules": [
            {
                "id": rule,
                "name": "USER_OUTBOUND_USER",
                "priority": 1,
                "editable": True,
                "sourceDirectoryName": "Azure Active Directory",
                "targetDirectoryName": "customappsso",
                "containerFilter": None,
                "groupFilter": None,
                "metadata": [],
                "objectMappings": mappings,
            }
        ],
        "directories": [
            _directory("Azure Active Directory", _sources(_USERS), _sources(_GROUPS)),
            _directory("customappsso", _targets(_USERS), _targets(_GROUPS)),
        ],
    }


def rule_id(schema: Mapping[str, JSON]) -> str:
    """The id of the rule that holds the mappings."""
    return str(_rule(schema).get("id"))


def map_user(schema: Mapping[str, JSON], user: User) -> ScimUser | None:
    """The user as it goes over; None without what it is matched by. Raises UnusableSchema."""
    sources = _attributes(schema, "User")
    if "userName" not in sources:
        raise UnusableSchema("userName is not mapped")
    values = {name: _user_value(source, user) for name, source in sources.items()}
    user_name = values["userName"]
    return ScimUser(values.get("externalId"), user_name, values.get("displayName") or "", values.get(_EMAIL)) if user_name else None


def map_group(schema: Mapping[str, JSON], group: Group, members: frozenset[str]) -> ScimGroup:
    """The group as it goes over. Raises UnusableSchema."""
    sources = _attributes(schema, "Group")
    if "displayName" not in sources:
        raise UnusableSchema("displayName is not mapped")
    return ScimGroup(group.id, group.name, members if "members" in sources else frozenset())


def maps(schema: Mapping[str, JSON], kind: str) -> bool:
    """Whether objects of this kind, `User` or `Group`, are provisioned at all."""
    mapping = _mapping(schema, kind)
    return mapping is not None and mapping.get("enabled") is not False


def replaced(schema: Mapping[str, JSON], body: Mapping[str, JSON]) -> dict[str, JSON]:
    """The schema with what a PUT brings, which is all of it but the id."""
    return {**copy.deepcopy(dict(body)), "id": schema["id"]}


def _rule(schema: Mapping[str, JSON]) -> dict[str, JSON]:
    rules = schema.get("synchronizationRules")
    first = rules[0] if isinstance(rules, list) and rules else None
    return first if isinstance(first, dict) else {}


def _mapping(schema: Mapping[str, JSON], kind: str) -> dict[str, JSON] | None:
    mappings = _rule(schema).get("objectMappings")
    for mapping in mappings if isinstance(mappings, list) else []:
        if isinstance(mapping, dict) and mapping.get("sourceObjectName") == kind:
            return mapping
    return None


def _attributes(schema: Mapping[str, JSON], kind: str) -> dict[str, Source]:
    mapping = _mapping(schema, kind) or {}
    attributes = mapping.get("attributeMappings")
    found = {}
    for each in attributes if isinstance(attributes, list) else []:
        if isinstance(each, dict) and isinstance(source := each.get("source"), dict):
            name = source.get("name") or source.get("expression") or ""
            found[str(each.get("targetAttributeName"))] = Source(str(source.get("type")), str(name))
    return found


def _user_value(source: Source, user: User) -> str | None:
    """A value; empty ones are skipped. Of functions only those of the default mapping are known, whose value is not looked at."""
    given, _, surname = user.name.partition(" ")
    nickname = (user.mail or user.principal_name).partition("@")[0]
    values = {
        "userPrincipalName": user.principal_name,
        "mail": user.mail,
        "displayName": user.name,
        "givenName": given,
        "surname": surname,
        "mailNickname": nickname,
        "objectId": user.id,
    }
    if source.kind == "Constant":
        return source.text.strip('"')
    return values.get(source.text) or None


def _object_mapping(kind: str, plural: str, attributes: list[tuple[str, str, int]]) -> JSON:
    return {
        "enabled": True,
        "flowTypes": "Add, Update, Delete",
        "name": f"Provision Microsoft Entra ID {plural}",
        "sourceObjectName": kind,
        "targetObjectName": kind,
        "scope": None,
        "metadata": [],
        "attributeMappings": [_attribute_mapping(*each) for each in attributes],
    }


def _attribute_mapping(target: str, source: str, priority: int) -> JSON:
    function = "(" in source
    return {
        "defaultValue": None,
        "exportMissingReferences": False,
        "flowBehavior": "FlowWhenChanged",
        "flowType": "Always",
        "matchingPriority": priority,
        "targetAttributeName": target,
        "source": {
            "expression": source if function else f"[{source}]",
            "name": "Switch" if function else source,
            "type": "Function" if function else "Attribute",
            "parameters": [],
        },
    }


def _directory(name: str, users: list[str], groups: list[str]) -> JSON:
    objects: list[JSON] = [_object("User", users), _object("Group", groups)]
    return {
        "id": name.replace(" ", ""),
        "name": name,
        "readOnly": False,
        "version": "1",
        "discoverabilities": "None",
        "discoveryDateTime": None,
        "objects": objects,
    }


def _object(name: str, attributes: list[str]) -> JSON:
    return {"name": name, "metadata": [], "supportedApis": [], "attributes": [_definition(each) for each in attributes]}


def _definition(name: str) -> JSON:
    kind = {"members": "Reference", "active": "Boolean", "IsSoftDeleted": "Boolean"}.get(name, "String")
    return {
        "name": name,
        "type": kind,
        "anchor": name in ("id", "objectId"),
        "caseExact": False,
        "required": False,
        "multivalued": name == "members",
        "mutability": "ReadWrite",
        "flowNullValues": False,
        "defaultValue": None,
        "apiExpressions": [],
        "metadata": [],
        "referencedObjects": [],
    }


def _sources(attributes: list[tuple[str, str, int]]) -> list[str]:
    return ["IsSoftDeleted" if "(" in source else source for _, source, _ in attributes]


def _targets(attributes: list[tuple[str, str, int]]) -> list[str]:
    return ["id", *(target for target, _, _ in attributes)]
