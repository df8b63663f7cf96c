"""Our description agrees with Microsoft's published one, and what it does not hold is refused."""

import json
import os
from dataclasses import dataclass, field, fields
from pathlib import Path

import pytest
import yaml
from msgraph.generated.models.user import User
from msgraph.generated.users.users_request_builder import UsersRequestBuilder

from tests.conformance.description import DESCRIPTION, Nonconforming, check_request, check_response

PUBLISHED = Path(os.environ.get("GRAPH_DESCRIPTION") or Path(__file__).parents[3] / "shared/graph-v1.0/openapi.json")
PAIRS = {
    "riskyUser": "microsoft.graph.riskyUser",
    "riskLevel": "microsoft.graph.riskLevel",
    "riskState": "microsoft.graph.riskState",
    "riskDetail": "microsoft.graph.riskDetail",
    "group": "microsoft.graph.group",
    "directoryObject": "microsoft.graph.directoryObject",
    "riskyUsers": "microsoft.graph.riskyUserCollectionResponse",
    "reference": "ReferenceCreate",
    "newMembers": "GroupPatchMembers",
    "batchRequest": "BatchRequest",
    "batchResponse": "BatchResponse",
}
FACTS = ("type", "enum", "maxItems", "maximum", "nullable")
GRAPH = "https://graph.microsoft.com/v1.0"
GROUP = "00000000-0000-4000-8000-000000000001"
HEADERS = {"authorization": "Bearer a.b.c", "client-request-id": "00000000-0000-4000-8000-00000000000a"}
JSON_HEADERS = {"content-type": "application/json"}
NEW_GROUP = {"displayName": "it's", "mailEnabled": False, "mailNickname": "its", "securityEnabled": True}
FORM_HEADERS = {"content-type": "application/x-www-form-urlencoded"}


@dataclass(frozen=True)
class Sent:
    method: str
    url: str
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""


@dataclass(frozen=True)
class Answered:
    status: int
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=lambda: JSON_HEADERS)


def sent(method: str, path: str, body: object = None) -> Sent:
    if body is None:
        return Sent(method, GRAPH + path, HEADERS)
    return Sent(method, GRAPH + path, HEADERS | JSON_HEADERS, json.dumps(body).encode())


def in_batch(*items: dict[str, object]) -> Sent:
    return sent("POST", "/$batch", {"requests": [{"id": str(number), **item} for number, item in enumerate(items, 1)]})


def upsert(**headers: str) -> dict[str, object]:
    return {"method": "PATCH", "url": "/groups(uniqueName=%27it%27%27s%27)", "headers": JSON_HEADERS | headers, "body": NEW_GROUP}


def facts(schema: dict[str, object]) -> object:
    """What counts of a schema: types, enums, maxima, of its properties too."""
    if isinstance(schema.get("allOf"), list):
        return "enum"
    own: dict[str, object] = {key: schema[key] for key in FACTS if key in schema}
    items = schema.get("items")
    if isinstance(items, dict) and "$ref" not in items:
        own["items"] = facts(items)
    properties = schema.get("properties")
    if isinstance(properties, dict):
        own["properties"] = {name: facts(each) for name, each in properties.items() if name != "body"}
    return own


@pytest.mark.skipif(not PUBLISHED.exists(), reason="the published description is not beside this repository")
@pytest.mark.parametrize(("ours", "theirs"), PAIRS.items())
def test_a_schema_has_the_published_properties_types_enums_and_maxima(ours: str, theirs: str) -> None:
    mine = facts(yaml.safe_load(DESCRIPTION.read_text())["components"]["schemas"][ours])
    published = facts(json.loads(PUBLISHED.read_text())["components"]["schemas"][theirs])
    if ours == "group":  # of its many properties, ours has those that are used
        assert isinstance(mine, dict)
        assert isinstance(published, dict)
        published["properties"] = {name: published["properties"][name] for name in mine["properties"]}
    assert mine == published


@pytest.mark.skipif(not PUBLISHED.exists(), reason="the published description is not beside this repository")
def test_every_operation_and_query_parameter_is_published_alike() -> None:
    published = json.loads(PUBLISHED.read_text())["paths"]
    for path, operations in yaml.safe_load(DESCRIPTION.read_text())["paths"].items():
        if "oauth2" in path or path.startswith("/users") or "/applications" in path:
            continue  # of no part of Graph, of users and of applications, other tests tell
        for method, operation in operations.items():
            theirs = {(p["name"], p["in"]): p["schema"] for p in published[path][method].get("parameters", [])}
            assert {(p["name"], p["in"]): p["schema"] for p in operation.get("parameters", [])} == theirs, (path, method)
            successes = {status for status in published[path][method]["responses"] if status.startswith("2")}
            assert {status for status in operation["responses"] if status.startswith("2")} == successes, (path, method)


def test_users_have_the_options_and_properties_that_microsofts_sdk_has() -> None:
    described = yaml.safe_load(DESCRIPTION.read_text())
    options = {f"${field.name}" for field in fields(UsersRequestBuilder.UsersRequestBuilderGetQueryParameters)}
    assert {each["name"] for each in described["paths"]["/users"]["get"]["parameters"] if each["in"] == "query"} == options
    assert set(described["components"]["schemas"]["user"]["properties"]) - {"@odata.type"} <= set(User().get_field_deserializers())


@pytest.mark.parametrize(
    "request_",
    [
        sent("GET", "/identityProtection/riskyUsers?$filter=riskLevel%20eq%20%27high%27&$select=id&$top=500"),
        sent("DELETE", f"/groups/{GROUP}/members/{GROUP}/$ref"),
        sent("PATCH", f"/groups/{GROUP}", {"members@odata.bind": [f"{GRAPH}/directoryObjects/{GROUP}"]}),
        sent("GET", f"/users?$filter=id%20in%20('{GROUP}')&$select=id,mail,userPrincipalName"),
        sent("GET", f"/users/{GROUP}?$select=id,mail,userPrincipalName"),
        sent("GET", "/groups(uniqueName='its')"),
        in_batch({"method": "GET", "url": f"/groups/{GROUP}/members?$top=999"}),
        in_batch({"method": "GET", "url": f"/users?$filter=id in ('{GROUP}')&$top=15"}),
        in_batch({"method": "GET", "url": "/groups(uniqueName=%27it%27%27s%27)?$select=id"}, upsert(Prefer="create-if-missing")),
    ],
)
def test_a_documented_request_conforms(request_: Sent) -> None:
    check_request(request_)


@pytest.mark.parametrize(
    "request_",
    [
        sent("DELETE", f"/groups/{GROUP}"),
        sent("DELETE", f"/groups/{GROUP}/members/{GROUP}"),
        sent("PATCH", f"/groups/{GROUP}", {"displayName": "other"}),
        sent("PATCH", f"/groups/{GROUP}", {"members@odata.bind": ["x"] * 21}),
        sent("GET", "/identityProtection/riskyUsers?$top=501"),
        sent("GET", "/groups?$skip=1"),
        sent("GET", "/users?$skip=1"),
        sent("GET", "/users?$top=1000"),
        sent("GET", f"/users/{GROUP}?$top=1"),
        sent("PATCH", "/users", {}),
        sent("GET", "/groups?$select=id&$select=displayName"),
        sent("PATCH", f"/groups/{GROUP}", {"members@odata.bind": [f"{GRAPH}/groups/{GROUP}"]}),
        in_batch(),
        in_batch({"method": "DELETE", "url": f"/groups/{GROUP}"}),
        in_batch({"id": "a", "method": "GET", "url": "/groups"}, {"id": "A", "method": "GET", "url": "/groups"}),
        in_batch({"method": "POST", "url": "/$batch", "headers": JSON_HEADERS, "body": {"requests": []}}),
        in_batch({"method": "GET", "url": "https://graph.microsoft.com/v1.0/groups"}),
        in_batch({"method": "GET", "url": "/groups", "headers": HEADERS}),
        in_batch({"method": "PATCH", "url": f"/groups/{GROUP}", "body": {"members@odata.bind": [f"{GRAPH}/users/{GROUP}"]}}),
        in_batch(*[dict[str, object](method="GET", url="/groups")] * 21),
        in_batch(upsert()),
        in_batch(upsert(Prefer="return=minimal")),
        Sent("GET", "https://graph.example/v1.0/groups", HEADERS),
        Sent("GET", f"{GRAPH}/groups", {"client-request-id": GROUP}),
        Sent("GET", f"{GRAPH}/groups", {"authorization": "Bearer a.b.c"}),
        Sent("GET", f"{GRAPH}/groups", HEADERS | {"authorization": "a.b.c"}),
        Sent("POST", f"{GRAPH}/$batch", HEADERS | JSON_HEADERS, b"{"),
    ],
)
def test_what_graph_does_not_document_is_refused(request_: Sent) -> None:
    with pytest.raises(Nonconforming):
        check_request(request_)


def test_a_secret_is_sent_encoded_in_a_form() -> None:
    url = "https://login.microsoftonline.com/contoso.onmicrosoft.com/oauth2/v2.0/token"
    form = "client_id=a&scope=https%3A%2F%2Fgraph.microsoft.com%2F.default&grant_type=client_credentials&client_secret="
    check_request(Sent("POST", url, FORM_HEADERS, (form + "a%26b%3Dc").encode()))
    for headers, secret in ((FORM_HEADERS, "a&b=c"), (JSON_HEADERS, "a%26b%3Dc"), ({}, "a%26b%3Dc")):
        with pytest.raises(Nonconforming):
            check_request(Sent("POST", url, headers, (form + secret).encode()))


def answered(*answers: dict[str, object]) -> Answered:
    return Answered(200, json.dumps({"responses": answers}).encode())


def risky_users(level: str) -> dict[str, object]:
    return {"id": "1", "status": 200, "body": {"value": [{"id": GROUP, "riskLevel": level}]}}


def test_an_answer_inside_a_batch_is_held_to_its_own_operation() -> None:
    batch = in_batch({"method": "GET", "url": "/identityProtection/riskyUsers"})
    check_response(batch, answered(risky_users("high")))
    check_response(batch, answered({"id": "1", "status": 403, "body": {"error": {"code": "Forbidden", "message": ""}}}))
    for wrong in ({"id": "1", "status": 403}, {"id": "1", "status": 204}, {"id": "1", "status": 200, "body": {}}, risky_users("severe")):
        with pytest.raises(Nonconforming):
            check_response(batch, answered(wrong))


@pytest.mark.parametrize("path", ["/users", f"/groups/{GROUP}/members"])
def test_mail_is_text_or_null(path: str) -> None:
    listed = sent("GET", path)

    def answer(mail: object) -> Answered:
        return Answered(200, json.dumps({"value": [{"id": GROUP, "mail": mail}]}).encode())

    check_response(listed, answer("ada@contoso.com"))
    check_response(listed, answer(None))
    with pytest.raises(Nonconforming):
        check_response(listed, answer(["ada@contoso.com"]))


def test_each_item_of_a_batch_is_answered_once() -> None:
    batch = in_batch({"method": "GET", "url": "/identityProtection/riskyUsers"})
    for answer in (answered(), answered(risky_users("low"), risky_users("low")), answered({**risky_users("low"), "id": "2"})):
        with pytest.raises(Nonconforming):
            check_response(batch, answer)


def test_a_date_is_a_date() -> None:
    listed = sent("GET", "/identityProtection/riskyUsers")

    def answer(date: str) -> Answered:
        return Answered(200, json.dumps({"value": [{"id": GROUP, "riskLastUpdatedDateTime": date}]}).encode())

    check_response(listed, answer("2026-01-01T00:00:00Z"))
    with pytest.raises(Nonconforming):
        check_response(listed, answer("yesterday"))
