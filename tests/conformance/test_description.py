"""Our description agrees with Microsoft's published one, and what it does not hold is refused."""

import json
import os
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import yaml

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
JSON_HEADERS = {"content-type": "application/json"}


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


def sent(method: str, path: str, body: object = None) -> Sent:
    return Sent(method, GRAPH + path, JSON_HEADERS if body is not None else {}, json.dumps(body).encode() if body is not None else b"")


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
        if "oauth2" in path:
            continue  # the token endpoint is no part of Graph
        for method, operation in operations.items():
            theirs = {(p["name"], p["in"]): p["schema"] for p in published[path][method].get("parameters", [])}
            assert {(p["name"], p["in"]): p["schema"] for p in operation.get("parameters", [])} == theirs, (path, method)


@pytest.mark.parametrize(
    "request_",
    [
        sent("GET", "/identityProtection/riskyUsers?$filter=riskLevel%20eq%20%27high%27&$select=id&$top=500"),
        sent("DELETE", f"/groups/{GROUP}/members/{GROUP}/$ref"),
        sent("PATCH", f"/groups/{GROUP}", {"members@odata.bind": [f"{GRAPH}/directoryObjects/{GROUP}"]}),
        sent("POST", "/$batch", {"requests": [{"id": "1", "method": "GET", "url": f"/groups/{GROUP}/members?$top=999"}]}),
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
        sent("POST", "/$batch", {"requests": [{"id": "1", "method": "DELETE", "url": f"/groups/{GROUP}"}]}),
        sent("POST", "/$batch", {"requests": [{"id": str(n), "method": "GET", "url": "/groups"} for n in range(21)]}),
        Sent("GET", "https://graph.example/v1.0/groups"),
    ],
)
def test_what_graph_does_not_document_is_refused(request_: Sent) -> None:
    with pytest.raises(Nonconforming):
        check_request(request_)


def test_a_secret_is_sent_encoded() -> None:
    url = "https://login.microsoftonline.com/contoso.onmicrosoft.com/oauth2/v2.0/token"
    form = "client_id=a&scope=https%3A%2F%2Fgraph.microsoft.com%2F.default&grant_type=client_credentials&client_secret="
    check_request(Sent("POST", url, body=(form + "a%26b%3Dc").encode()))
    with pytest.raises(Nonconforming):
        check_request(Sent("POST", url, body=(form + "a&b=c").encode()))


def test_an_answer_inside_a_batch_is_held_to_its_own_operation() -> None:
    batch = sent("POST", "/$batch", {"requests": [{"id": "1", "method": "GET", "url": "/identityProtection/riskyUsers"}]})

    def answer(level: str) -> Answered:
        users = {"value": [{"id": GROUP, "riskLevel": level}]}
        return Answered(200, json.dumps({"responses": [{"id": "1", "status": 200, "body": users}]}).encode())

    check_response(batch, answer("high"))
    with pytest.raises(Nonconforming):
        check_response(batch, answer("severe"))
