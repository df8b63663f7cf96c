"""The requests and answers that Microsoft documents, replayed: facts and shapes, with ids and names of our own.

Each documented request conforms to our description, and so does its documented answer; the simulated tenant, asked the
same, gives an answer of that status and shape.
"""

import json
from dataclasses import dataclass, field

import pytest

from retry import backoff
from simulator import Request, Response
from simulator.messages import JSON, as_json
from tests.conformance.description import check_request, check_response
from tests.conformance.shapes import assert_has, shape
from tests.simulator.client import ROOT, Client, contoso

pytestmark = pytest.mark.any_request  # POST /groups is documented too

GROUP = "00000000-0000-4000-8000-000000000001"
USER = "00000000-0000-4000-8000-000000000002"
OTHER = "00000000-0000-4000-8000-000000000003"
NAME = "Operations group"
HEADERS = {"Authorization": "Bearer e30.e30.e30", "client-request-id": "00000000-0000-4000-8000-00000000000a"}
JSON_ANSWER = {"Content-Type": "application/json"}

RISKY_USER: dict[str, JSON] = {
    "id": USER,
    "riskLastUpdatedDateTime": "2016-01-29T20:03:57.7872426Z",
    "isProcessing": True,
    "isDeleted": True,
    "riskDetail": "adminConfirmedSigninCompromised",
    "riskLevel": "high",
    "riskState": "atRisk",
    "userDisplayName": "A user",
    "userPrincipalName": "user@contoso.com",
}
GROUP_ENTITY: dict[str, JSON] = {
    "id": GROUP,
    "deletedDateTime": None,
    "classification": None,
    "createdDateTime": "2018-12-22T00:51:37Z",
    "description": None,
    "displayName": NAME,
    "groupTypes": [],
    "mail": None,
    "mailEnabled": False,
    "mailNickname": "operations2019",
    "onPremisesSyncEnabled": None,
    "proxyAddresses": [],
    "renewedDateTime": "2018-12-22T00:51:37Z",
    "securityEnabled": True,
    "visibility": None,
}
NEW_GROUP: dict[str, JSON] = {
    "displayName": NAME,
    "groupTypes": [],
    "mailEnabled": False,
    "mailNickname": "operations2019",
    "securityEnabled": True,
}


@dataclass(frozen=True)
class Example:
    """One documented request and its answer; `page` is where, below https://learn.microsoft.com/graph/."""

    page: str
    method: str
    target: str
    status: int
    body: JSON = None
    answer: JSON = None
    headers: dict[str, str] = field(default_factory=dict)


def page_of(context: str, *entries: JSON) -> JSON:
    return {"@odata.context": f"{ROOT}/$metadata#{context}", "value": list(entries)}


EXAMPLES = [
    Example(
        "api/riskyuser-list", "GET", "/identityProtection/riskyUsers", 200, answer=page_of("identityProtection/riskyUsers", RISKY_USER)
    ),
    Example(
        "api/riskyuser-list",
        "GET",
        "/identityProtection/riskyUsers?$filter=riskLevel%20eq%20microsoft.graph.riskLevel%27high%27",
        200,
        answer=page_of("identityProtection/riskyUsers", RISKY_USER),
    ),
    Example(
        "api/user-list",
        "GET",
        "/users",
        200,
        answer=page_of(
            "users",
            {
                "businessPhones": [],
                "displayName": "A user",
                "givenName": None,
                "jobTitle": None,
                "mail": "user@contoso.com",
                "mobilePhone": None,
                "officeLocation": None,
                "preferredLanguage": None,
                "surname": None,
                "userPrincipalName": "user@contoso.com",
                "id": USER,
            },
        ),
    ),
    Example(
        "aad-advanced-queries",
        "GET",
        f"/users?$filter=id%20in%20(%27{USER}%27,%27{OTHER}%27)&$select=id,mail",
        200,
        answer=page_of("users(id,mail)", {"id": USER, "mail": "user@contoso.com"}),
    ),
    Example("api/group-list", "GET", "/groups", 200, answer=page_of("groups", GROUP_ENTITY)),
    Example(
        "api/group-list",
        "GET",
        "/groups?$filter=displayName%20in%20(%27Operations%20group%27)&$select=id,displayName",
        200,
        answer=page_of("groups(id,displayName)", {"id": GROUP, "displayName": NAME}),
    ),
    Example("api/group-get", "GET", f"/groups/{GROUP}", 200, answer={"@odata.context": f"{ROOT}/$metadata#groups/$entity", **GROUP_ENTITY}),
    Example(
        "api/group-post-groups",
        "POST",
        "/groups",
        201,
        {
            **NEW_GROUP,
            "description": "Group with designated owner and members",
            "owners@odata.bind": [f"{ROOT}/users/{USER}"],
            "members@odata.bind": [f"{ROOT}/users/{USER}", f"{ROOT}/users/{OTHER}"],
        },
        {"@odata.context": f"{ROOT}/$metadata#groups/$entity", **GROUP_ENTITY, "description": "Group with designated owner and members"},
    ),
    Example(
        "api/group-upsert",
        "PATCH",
        "/groups(uniqueName='operations-new')",
        201,
        NEW_GROUP,
        {"@odata.context": f"{ROOT}/$metadata#groups/$entity", **GROUP_ENTITY, "uniqueName": "operations-new"},
        {"Prefer": "create-if-missing"},
    ),
    Example("api/group-upsert", "PATCH", "/groups(uniqueName='operations')", 204, NEW_GROUP, headers={"Prefer": "create-if-missing"}),
    Example(
        "api/group-list-members",
        "GET",
        f"/groups/{GROUP}/members",
        200,
        answer=page_of("directoryObjects", {"@odata.type": "#microsoft.graph.user", "id": USER}),
    ),
    Example("api/group-post-members", "POST", f"/groups/{GROUP}/members/$ref", 204, {"@odata.id": f"{ROOT}/directoryObjects/{OTHER}"}),
    Example("api/group-post-members", "PATCH", f"/groups/{GROUP}", 204, {"members@odata.bind": [f"{ROOT}/directoryObjects/{OTHER}"]}),
    Example("api/group-delete-members", "DELETE", f"/groups/{GROUP}/members/{USER}/$ref", 204),
    Example(
        "json-batching",
        "POST",
        "/$batch",
        200,
        {
            "requests": [
                {"id": "1", "method": "GET", "url": f"/groups/{OTHER}"},
                {"id": "2", "dependsOn": ["1"], "method": "GET", "url": f"/groups/{GROUP}"},
                {"id": "3", "method": "GET", "url": "/groups?$filter=displayName%20eq%20%27Operations%20group%27"},
                {
                    "id": "4",
                    "method": "POST",
                    "url": f"/groups/{GROUP}/members/$ref",
                    "body": {"@odata.id": f"{ROOT}/directoryObjects/{OTHER}"},
                    "headers": {"Content-Type": "application/json"},
                },
            ]
        },
        {
            "responses": [
                {"id": "4", "status": 204, "headers": {"Cache-Control": "no-cache"}},
                {"id": "1", "status": 404, "body": {"error": {"code": "Request_ResourceNotFound", "message": "not found"}}},
                {"id": "2", "status": 424, "body": {"error": {"code": "FailedDependency", "message": "not tried"}}},
                {"id": "3", "status": 200, "headers": {"Content-Type": "application/json"}, "body": page_of("groups", GROUP_ENTITY)},
            ]
        },
    ),
    Example(
        "errors",
        "GET",
        f"/groups/{OTHER}",
        404,
        answer={
            "error": {
                "code": "Request_ResourceNotFound",
                "message": "not found",
                "innerError": {"date": "2025-02-13T10:17:06", "request-id": GROUP, "client-request-id": USER},
            }
        },
    ),
]


@pytest.fixture
def client() -> Client:
    """Signed in to a tenant that has what the examples speak of, and may do what they do."""
    client = contoso(3)
    tenant = client.tenant
    tenant.app.permissions.add("User.ReadBasic.All")
    client.token = client.sign_in()
    for user, known_as in ((tenant.risky_at("high")[0], USER), (tenant.risky_at("low")[0], OTHER)):
        del tenant.directory.users[user.id]
        user.id = known_as
        tenant.directory.users[known_as] = user
    group = tenant.create_group(NAME, unique_name="operations", mail_nickname="operations2019")
    del tenant.directory.groups[group.id]
    group.id = GROUP
    tenant.directory.groups[GROUP] = group
    tenant.add_member(group, USER)
    return client


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: f"{example.page} {example.method} {example.status}")
def test_a_documented_exchange_conforms_and_the_simulated_tenant_answers_likewise(example: Example, client: Client) -> None:
    headers = HEADERS | example.headers | (JSON_ANSWER if example.body is not None else {})
    request = Request(example.method, f"{ROOT}{example.target}", headers, b"" if example.body is None else as_json(example.body))
    documented = Response(example.status, JSON_ANSWER, b"" if example.answer is None else as_json(example.answer))
    check_request(request)
    check_response(request, documented)
    reply = client.send(example.method, example.target, example.body, **example.headers)
    assert reply.status == example.status
    if example.target == "/$batch":
        answers, expected = by_id(reply.body), by_id(example.answer)
        assert {number: answer["status"] for number, answer in answers.items()} == {
            number: each["status"] for number, each in expected.items()
        }
        assert_has(shape({**answers}), shape({**expected}))
    elif example.answer is not None:
        assert_has(shape(reply.body), shape(example.answer))


def by_id(batch: JSON) -> dict[str, dict[str, JSON]]:
    assert isinstance(batch, dict)
    responses = batch["responses"]
    assert isinstance(responses, list)
    return {str(each["id"]): each for each in responses if isinstance(each, dict)}


def test_the_documented_token_exchange() -> None:
    """https://learn.microsoft.com/graph/auth-v2-service"""
    request = Request(
        "POST",
        f"https://login.microsoftonline.com/{GROUP}/oauth2/v2.0/token",
        {"Content-Type": "application/x-www-form-urlencoded"},
        f"client_id={USER}&scope=https%3A%2F%2Fgraph.microsoft.com%2F.default&client_secret=a~b&grant_type=client_credentials".encode(),
    )
    check_request(request)
    check_response(request, Response(200, JSON_ANSWER, b'{"token_type":"Bearer","expires_in":3599,"access_token":"e30.e30.e30"}'))


def test_the_documented_answer_to_too_many_requests() -> None:
    """https://learn.microsoft.com/graph/throttling: the pause is a fraction, the code comes a second time as text."""
    headers = JSON_ANSWER | {"Retry-After": "2.128"}
    error: JSON = {
        "error": {
            "code": "TooManyRequests",
            "innerError": {"code": "429", "date": "2020-08-18T12:51:51", "message": "again", "request-id": GROUP, "status": "429"},
            "message": "again later",
        }
    }
    request = Request("GET", f"{ROOT}/groups", HEADERS)
    check_response(request, Response(429, headers, json.dumps(error).encode()))
    assert backoff(1, headers["Retry-After"], now=0.0, chance=0.0) == 2.128
