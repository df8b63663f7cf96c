"""Our description of the administrators' side agrees with Microsoft's published one, and what it does not hold is refused."""

import base64
import json

import pytest

from tests.conformance.description import Nonconforming, check_request, check_response, description
from tests.conformance.published import ADMIN, JSON, child, facts, read
from tests.conformance.test_description import FORM_HEADERS, GROUP, JSON_HEADERS, Answered, Sent

needs_published = pytest.mark.skipif(not ADMIN.exists(), reason="the published description is not beside this repository")
DESCRIBED = description("administrator")
SCHEMAS = child(DESCRIBED["components"], "schemas")
OURS_ALONE = {"application", "servicePrincipal", "group", "user", "error"}
"""Which have, of many properties, those that are used here; or are of the Worker's description."""
PERSON = f"e30.{base64.urlsafe_b64encode(json.dumps({'scp': 'User.Read'}).encode()).decode().rstrip('=')}.e30"
HEADERS = {"authorization": f"Bearer {PERSON}", "client-request-id": "00000000-0000-4000-8000-00000000000a"}
GRAPH = "https://graph.microsoft.com/v1.0"
SYNC = f"/servicePrincipals/{GROUP}/synchronization"
LOGIN = "https://login.microsoftonline.com/organizations/oauth2/v2.0"


def sent(method: str, path: str, body: JSON = None, **headers: str) -> Sent:
    if body is None:
        return Sent(method, GRAPH + path, HEADERS | headers)
    return Sent(method, GRAPH + path, HEADERS | JSON_HEADERS | headers, json.dumps(body).encode())


def published_schemas() -> dict[str, JSON]:
    return child(read(ADMIN), "components", "schemas")


@needs_published
def test_every_published_property_of_a_schema_that_both_have_is_described_alike() -> None:
    both = published_schemas().keys() & SCHEMAS.keys()
    assert len(both) > 60
    for name in both:
        mine, theirs = child(SCHEMAS[name]), child(published_schemas()[name])
        if "properties" not in theirs:
            assert facts(theirs) == facts(mine), name
            continue
        known = child(theirs, "properties")
        for prop, schema in child(mine, "properties").items():
            if not (name in OURS_ALONE and prop not in known) and not prop.startswith("@"):
                assert facts(schema) == facts(known[prop]), (name, prop)
        if name not in OURS_ALONE:
            missing = known.keys() - child(mine, "properties").keys()
            assert missing <= {"owners@odata.bind", "identifierUris"}, name


@needs_published
def test_every_published_operation_is_described_with_its_parameters_and_successes() -> None:
    published = read(ADMIN)
    for path, operations in child(published, "paths").items():
        if "federatedIdentityCredentials" in path:
            continue  # which nothing here uses
        for method, operation in child(operations).items():
            mine = child(DESCRIBED["paths"].get(path, {}), method)
            assert mine, (method, path)
            theirs = {(each["name"], each["in"]) for each in resolved(published, operation)}
            assert theirs <= {(each["name"], each["in"]) for each in parameters(mine)}, (method, path)
            if "groups" not in path:  # of these, the Worker's description has more
                assert theirs == {(each["name"], each["in"]) for each in parameters(mine)}, (method, path)
            successes = {status for status in child(operation, "responses") if status.startswith("2")}
            assert {status for status in child(mine, "responses") if status.startswith("2")} == successes, (method, path)


def parameters(operation: JSON) -> list[dict[str, JSON]]:
    found = child(operation).get("parameters", [])
    assert isinstance(found, list)
    return [child(each) for each in found]


def resolved(whole: dict[str, JSON], operation: JSON) -> list[dict[str, JSON]]:
    named = child(whole, "components", "parameters")
    return [child(named[str(each["$ref"]).rpartition("/")[2]]) if "$ref" in each else each for each in parameters(operation)]


def test_whatever_the_worker_may_ask_administrators_may() -> None:
    worker = description("worker")["paths"]
    for path, operations in worker.items():
        assert operations.keys() <= DESCRIBED["paths"][path].keys()


APPLICATION: JSON = {"displayName": "risky-users"}


@pytest.mark.parametrize(
    "request_",
    [
        sent("PATCH", "/applications(uniqueName='risky-users')", APPLICATION, Prefer="create-if-missing"),
        sent("GET", f"/applications/{GROUP}?$select=id,passwordCredentials"),
        sent(
            "POST",
            f"/applications/{GROUP}/addPassword",
            {"passwordCredential": {"displayName": "x", "endDateTime": "2027-11-25T00:00:00Z"}},
        ),
        sent("DELETE", f"/groups/{GROUP}"),
        sent("PATCH", f"/groups/{GROUP}", {"uniqueName": "x"}),
        sent("PUT", f"{SYNC}/secrets", {"value": [{"key": "SyncAll", "value": "false"}]}),
        sent("POST", f"{SYNC}/jobs/scim.a.b/start"),
        sent("POST", f"{SYNC}/jobs/scim.a.b/restart", {"criteria": {"resetScope": "Watermark, Escrows"}}),
        Sent("POST", f"{LOGIN}/token", FORM_HEADERS, b"client_id=a&grant_type=refresh_token&refresh_token=b"),
        Sent("POST", f"{LOGIN}/devicecode", FORM_HEADERS, b"client_id=a&scope=b"),
    ],
)
def test_a_documented_request_conforms(request_: Sent) -> None:
    check_request(request_)


@pytest.mark.parametrize(
    "request_",
    [
        sent("PATCH", f"/applications/{GROUP}", {"appId": GROUP}),
        sent("PATCH", "/applications(uniqueName='x')", {"notes": "no name"}, Prefer="create-if-missing"),
        sent("POST", f"/applications/{GROUP}/addPassword", {"passwordCredential": {"endDateTime": "tomorrow"}}),
        sent("GET", "/applications?$top=1000"),
        sent("GET", "/applications?$search=x"),
        sent("PUT", f"{SYNC}/secrets", {"value": [{"key": "baseAddress", "value": "x"}]}),
        sent("POST", f"{SYNC}/jobs/scim.a.b/start", {}),
        sent("POST", f"{SYNC}/jobs/scim.a.b/restart", {"criteria": {"resetScope": "Everything"}}),
        sent("DELETE", f"/users/{GROUP}"),
        sent("DELETE", f"/groups/{GROUP}/members/{GROUP}"),
        sent("POST", f"/servicePrincipals/{GROUP}/appRoleAssignedTo", {"principalId": GROUP, "resourceId": GROUP}),
        Sent("POST", f"{LOGIN}/token", FORM_HEADERS, b"client_id=a&grant_type=password&username=b&password=c"),
        Sent("POST", f"{LOGIN}/token", FORM_HEADERS, b"client_id=a&grant_type=authorization_code&code=b&redirect_uri=c"),
        Sent("GET", f"{LOGIN}/authorize?client_id={GROUP}&response_type=code&redirect_uri=https%3A%2F%2Fa.example&scope=x"),
        Sent("GET", f"{LOGIN}/authorize?client_id={GROUP}&response_type=token&redirect_uri=http%3A%2F%2Flocalhost&scope=x"),
    ],
)
def test_what_is_not_documented_is_refused(request_: Sent) -> None:
    with pytest.raises(Nonconforming):
        check_request(request_)


@pytest.mark.parametrize("path", ["/applications", f"/servicePrincipals/{GROUP}/synchronization/jobs", "/auditLogs/provisioning", "/me"])
def test_what_administrators_may_ask_the_worker_may_not(path: str) -> None:
    check_request(sent("GET", path))
    worker = HEADERS | {"authorization": "Bearer e30.e30.e30"}
    with pytest.raises(Nonconforming):
        check_request(Sent("GET", GRAPH + path, worker))


def test_an_answer_is_held_to_its_schema() -> None:
    asked = sent("GET", f"{SYNC}/jobs/scim.a.b")

    def answer(state: str) -> Answered:
        return Answered(200, json.dumps({"id": "scim.a.b", "schedule": {"interval": "PT40M", "state": state}}).encode())

    check_response(asked, answer("Active"))
    with pytest.raises(Nonconforming):
        check_response(asked, answer("Running"))


def test_a_page_is_an_answer_where_there_is_one() -> None:
    page = Answered(200, b"<!DOCTYPE html>", {"content-type": "text/html"})
    check_response(Sent("GET", f"{LOGIN}/authorize?client_id={GROUP}&response_type=code&redirect_uri=http://localhost&scope=x"), page)
    with pytest.raises(Nonconforming):
        check_response(sent("GET", "/me"), page)
