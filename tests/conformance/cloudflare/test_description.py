"""Our description agrees with Cloudflare's published one, and what it does not hold is refused."""

import json
import os
import re
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import cast

import pytest
import yaml

from simulator.cloudflare.permissions import GROUP_IDS
from simulator.cloudflare.routes import route
from tests.conformance.cloudflare.description import DESCRIPTION, JSON, check_request, check_response, operations, resolved
from tests.conformance.description import Nonconforming

PUBLISHED = Path(os.environ.get("CLOUDFLARE_DESCRIPTION") or Path(__file__).parents[4] / "shared/cloudflare-v4/openapi.json")
PAIRS = {
    "listType": "zero-trust-gateway_type",
    "newItem": "zero-trust-gateway_item-input",
    "item": "zero-trust-gateway_item",
    "items": "zero-trust-gateway_items",
    "list": "zero-trust-gateway_lists",
    "action": "zero-trust-gateway_action",
    "filters": "zero-trust-gateway_filters",
    "isolationControls": "zero-trust-gateway_biso_admin_controls",
    "ruleWrite": "zero-trust-gateway_rule-write",
    "rulePatch": "zero-trust-gateway_rule-patch",
    "rule": "zero-trust-gateway_rules",
    "settings": "zero-trust-gateway_settings",
    "providerType": "access_identity-provider-type",
    "providerConfig": "access_azureAD_config",
    "scimConfigWrite": "access_scim_config-write",
    "scimConfig": "access_scim_config",
    "providerWrite": "access_identity-provider-write",
    "provider": "access_identity-provider",
    "scimGroup": "access_scim_group",
    "scimUser": "access_scim_user",
    "scimEvent": "access_scim_update_log",
    "user": "access_user",
    "identity": "access_identity",
    "account": "iam_account",
    "verified": "iam_token_verify",
    "permissionGroup": "iam_permission_group",
    "resultInfo": "result_info",
}
WHOLE = frozenset(PAIRS) - {"settings", "identity", "rule"}
"""Those of which we have every property."""
BEYOND_PUBLISHED = ("/workers/", "/tokens", "/graphql")
"""Where operations are that the published part leaves out; the SDK knows them, or the documentation does."""
FACTS = ("type", "enum", "maxItems", "maxLength", "maximum", "nullable")
ACCOUNT, LIST = "0" * 32, "00000000-0000-4000-8000-000000000000"
ROOT = f"https://api.cloudflare.com/client/v4/accounts/{ACCOUNT}"
HEADERS = {"authorization": "Bearer cfat_x"}
JSON_HEADERS = {"content-type": "application/json"}

needs_published = pytest.mark.skipif(not PUBLISHED.exists(), reason="the published description is not beside this repository")


@dataclass(frozen=True)
class Sent:
    method: str
    url: str
    headers: dict[str, str] = field(default_factory=lambda: dict(HEADERS))
    body: bytes = b""


@dataclass(frozen=True)
class Answered:
    status: int
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=lambda: dict(JSON_HEADERS))


def sent(method: str, path: str, body: JSON = None) -> Sent:
    if body is None:
        return Sent(method, ROOT + path)
    return Sent(method, ROOT + path, HEADERS | JSON_HEADERS, json.dumps(body).encode())


def answered(status: int, body: JSON) -> Answered:
    return Answered(status, json.dumps(body).encode())


def success(result: JSON, **more: JSON) -> Answered:
    return answered(200, {"result": result, "success": True, "errors": [], "messages": [], **more})


class Description:
    """A description whose references can be followed."""

    def __init__(self, whole: dict[str, JSON]) -> None:
        self.whole = whole

    def schema(self, name: str) -> dict[str, JSON]:
        return self.follow({"$ref": f"#/components/schemas/{name}"})

    def follow(self, node: JSON) -> dict[str, JSON]:
        found = node
        while isinstance(found, dict) and isinstance(reference := found.get("$ref"), str):
            found = self.whole
            for part in reference.removeprefix("#/").split("/"):
                found = cast(dict[str, JSON], found)[part]
        return cast(dict[str, JSON], found)

    def facts(self, node: JSON, own: frozenset[str] | None = None) -> dict[str, JSON]:
        """What counts of a schema: types, enums and maxima, of its properties too, `own` of them where not all."""
        schema = self.follow(node)
        known: dict[str, JSON] = {key: schema[key] for key in FACTS if key in schema}
        if "x-null-observed" in schema:
            del known["nullable"]  # which nobody has published
        if isinstance(schema.get("enum"), list):
            known["enum"] = [*sorted(map(str, cast(list[JSON], schema["enum"])))]
        if schema.get("items"):
            known["items"] = self.facts(schema["items"])
        for name, each in cast(dict[str, JSON], schema.get("properties", {})).items():
            if own is None or name in own:
                known[f"properties/{name}"] = self.facts(each)
        return known


@cache
def ours() -> Description:
    return Description(yaml.safe_load(DESCRIPTION.read_text()))


@cache
def published() -> Description:
    return Description(json.loads(PUBLISHED.read_text()))


@needs_published
@pytest.mark.parametrize(("name", "theirs"), PAIRS.items())
def test_a_schema_has_the_published_properties_types_enums_and_maxima(name: str, theirs: str) -> None:
    mine, other = ours().schema(name), published().schema(theirs)
    properties = frozenset(cast(dict[str, JSON], mine.get("properties", {})))
    told = frozenset(cast(dict[str, JSON], other.get("properties", {})))
    assert properties <= told
    assert properties == told or name not in WHOLE
    compared = properties - ({"rule_settings"} if name == "rule" else set())
    if name == "settings":  # of whose blocks we have the members that are used
        for block in compared:
            inner = frozenset(cast(dict[str, JSON], ours().follow(cast(dict[str, JSON], mine["properties"])[block])["properties"]))
            assert ours().facts(cast(dict[str, JSON], mine["properties"])[block]) == published().facts(
                cast(dict[str, JSON], other["properties"])[block], inner
            )
        return
    assert ours().facts(mine, compared) == published().facts(other, compared)
    assert set(cast(list[str], other.get("required", []))) <= set(cast(list[str], mine.get("required", [])))


@needs_published
def test_every_operation_and_query_parameter_is_published_alike() -> None:
    known = cast(dict[str, dict[str, JSON]], published().whole["paths"])
    compared = 0
    for (method, path), operation in operations().items():
        if path not in known or method not in known[path]:
            assert any(part in path for part in BEYOND_PUBLISHED), (method, path)
            continue
        theirs = published().follow(known[path][method])
        compared += 1
        assert parameters(ours(), operation) == parameters(published(), theirs), (method, path)
        assert successes(operation) == successes(theirs), (method, path)
        assert ("requestBody" in operation) == ("requestBody" in theirs), (method, path)
    assert compared == sum(len(each) for each in known.values())


def parameters(description: Description, operation: dict[str, JSON]) -> dict[tuple[str, str], tuple[JSON, JSON]]:
    listed = [description.follow(each) for each in cast(list[JSON], operation.get("parameters", []))]
    return {(str(each["name"]), str(each["in"])): (description.facts(each["schema"]), each.get("required", False)) for each in listed}


def successes(operation: dict[str, JSON]) -> set[str]:
    return {status for status in cast(dict[str, JSON], operation["responses"]) if status.startswith("2")}


@pytest.mark.parametrize(
    "request_",
    [
        sent("GET", "/gateway/lists?filter=name:a&filter=type:EMAIL"),
        sent("GET", f"/gateway/lists/{LIST}/items?page=2&per_page=1000"),
        sent("PATCH", f"/gateway/lists/{LIST}", {"append": [{"value": "ada@contoso.com"}], "remove": ["bob@contoso.com"]}),
        sent("POST", "/gateway/rules", {"name": "a", "action": "isolate", "identity": f"identity.email in ${LIST}"}),
        sent("GET", f"/access/logs/scim/updates?idp_id={LIST}&status=SUCCESS&since=2026-01-01T00:00:00Z"),
        sent("GET", "/tokens/verify"),
        sent("DELETE", "/workers/scripts/risky-users?force=true"),
        Sent("GET", "https://api.cloudflare.com/client/v4/user/tokens/verify"),
    ],
)
def test_a_documented_request_conforms(request_: Sent) -> None:
    check_request(request_)


@pytest.mark.parametrize(
    "request_",
    [
        Sent("GET", f"{ROOT}/gateway/lists", {}),
        Sent("GET", f"{ROOT}/gateway/lists", {"authorization": "Bearer a b"}),
        Sent("GET", f"https://api.cloudflare.com/accounts/{ACCOUNT}/gateway/lists"),
        Sent("GET", f"https://api.cloudflare.com.attacker.example/client/v4/accounts/{ACCOUNT}/gateway/lists"),
        Sent("PATCH", f"{ROOT}/gateway/lists/{LIST}", HEADERS, b'{"remove": []}'),
        Sent("PATCH", f"{ROOT}/gateway/lists/{LIST}", HEADERS | JSON_HEADERS, b"{"),
        sent("PATCH", f"/gateway/lists/{LIST}"),
        sent("PATCH", f"/gateway/lists/{LIST}", {"append": ["ada@contoso.com"]}),
        sent("PATCH", f"/gateway/lists/{LIST}", {"remove": [{"value": "ada@contoso.com"}]}),
        sent("PATCH", f"/gateway/lists/{LIST}", {"name": "a"}),
        sent("GET", f"/gateway/lists/{LIST}", {}),
        sent("GET", f"/gateway/lists/{LIST}/items?limit=1000"),
        sent("GET", f"/gateway/lists/{LIST}/items?page=1&page=2"),
        sent("GET", f"/gateway/lists/{LIST}/items?page=first"),
        sent("GET", "/gateway/lists?order_by=colour"),
        sent("GET", "/access/logs/scim/updates"),
        sent("GET", f"/access/identity_providers/{LIST}/scim/groups?per_page=101"),
        sent("GET", f"/access/identity_providers/{LIST}/scim/groups?" + "&".join(["idp_resource_id=a"] * 51)),
        sent("DELETE", "/workers/scripts/risky-users?force=perhaps"),
        sent("PUT", "/gateway/configuration", {"settings": {}}),
        sent("PUT", f"/gateway/lists/{LIST}", {"items": []}),
        sent("DELETE", "/gateway/lists"),
        sent("POST", "/rules/lists", {"name": "a"}),
    ],
)
def test_what_cloudflare_does_not_document_is_refused(request_: Sent) -> None:
    with pytest.raises(Nonconforming):
        check_request(request_)


ONE: dict[str, JSON] = {
    "id": LIST,
    "name": "a",
    "type": "EMAIL",
    "description": "",
    "created_at": "2026-01-01T00:00:00Z",
    "updated_at": "2026-01-01T00:00:00Z",
}
REFUSED: JSON = {"result": None, "success": False, "errors": [{"code": 2218, "message": "list not found"}], "messages": []}


@pytest.mark.parametrize(
    "answer",
    [
        success(ONE),
        success({**ONE, "count": 1, "items": [{"value": "a@b", "created_at": "2026-01-01T00:00:00Z"}]}),
        success({**ONE, "items": None}),
        answered(400, REFUSED),
        answered(429, REFUSED),
        Answered(429, b"error code: 971", {"content-type": "text/plain"}),
        Answered(429, b"<!DOCTYPE html>", {"content-type": "text/html; charset=UTF-8"}),
        Answered(520, b"<!DOCTYPE html>", {"content-type": "text/html"}),
    ],
)
def test_a_documented_answer_conforms(answer: Answered) -> None:
    check_response(sent("GET", f"/gateway/lists/{LIST}"), answer)


@pytest.mark.parametrize(
    "answer",
    [
        success([ONE]),
        success({**ONE, "type": "CARS"}),
        success({**ONE, "colour": "red"}),
        success({**ONE, "created_at": "yesterday"}),
        success({**ONE, "items": [{"value": "a@b"}]}),
        answered(200, {"result": ONE}),
        answered(200, REFUSED),
        answered(201, {"result": ONE, "success": True, "errors": [], "messages": []}),
        answered(400, {"result": ONE, "success": True, "errors": [], "messages": []}),
        answered(500, REFUSED),
        Answered(200, b"<!DOCTYPE html>", {"content-type": "text/html"}),
        Answered(200, b"", {}),
        Answered(200, b"{"),
    ],
)
def test_an_answer_that_is_not_documented_is_refused(answer: Answered) -> None:
    with pytest.raises(Nonconforming):
        check_response(sent("GET", f"/gateway/lists/{LIST}"), answer)


def test_a_reference_is_followed() -> None:
    assert resolved({"$ref": "#/components/schemas/tag"}) == {"type": "string", "maxLength": 32}
    assert resolved({"type": "string"}) == {"type": "string"}


PERMISSIONS = PUBLISHED.with_name("permissions.json")


@pytest.mark.skipif(not PERMISSIONS.exists(), reason="the published permissions are not beside this repository")
def test_each_operation_takes_the_published_permissions() -> None:
    published_groups = json.loads(PERMISSIONS.read_text())
    assert published_groups["permissionGroupIds"].items() <= GROUP_IDS.items()
    for each in published_groups["operations"]:
        method, _, path = each["operation"].partition(" ")
        concrete = path.replace("{account_id}", ACCOUNT).replace("{list_id}", LIST)
        _, allowed, _ = route(method, re.sub(r"\{[^}]*\}", LIST, concrete))
        if each["accepted"] is None:
            continue  # unknown: ours is inferred
        accepted = {*each["accepted"], *each.get("alsoDocumented", [])} & GROUP_IDS.keys()
        assert (allowed or set()) == accepted, each["operation"]
