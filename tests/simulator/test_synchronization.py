"""Provisioning as administrators set it up: jobs, rights, address and token, schema (entra-admin.md 1.3, 5.2, 5.3, 5.5, 5.6)."""

import copy
from typing import Literal

import pytest

from simulator.entra.public_clients import GRAPH_COMMAND_LINE_TOOLS
from simulator.messages import JSON
from tests.simulator.administrators import ADDRESS, TOKEN, Administrator, Endpoint, administrator, error, provisioned
from tests.simulator.client import contoso

SECRETS: JSON = {
    "value": [{"key": "BaseAddress", "value": ADDRESS}, {"key": "SecretToken", "value": TOKEN}, {"key": "SyncAll", "value": "false"}]
}


def scim(admin: Administrator) -> str:
    """A new enterprise application's provisioning."""
    return f"/servicePrincipals/{admin.instantiate()['servicePrincipal']['id']}/synchronization"


def make_job(admin: Administrator, path: str) -> dict[str, JSON]:
    made = admin.post(f"{path}/jobs", {"templateId": "scim"})
    assert made.status == 201
    return made.body


# --- jobs ---


def test_an_application_in_no_gallery_has_one_template() -> None:
    admin = administrator()
    templates = admin.get(f"{scim(admin)}/templates").values
    assert [each["id"] for each in templates] == ["scim"]
    assert "secrettoken" in str(templates[0]["metadata"])
    registered = f"/servicePrincipals/{admin.tenant.app.principal.id}/synchronization"
    assert admin.get(f"{registered}/templates").values == []
    assert error(admin.post(f"{registered}/jobs", {"templateId": "scim"})) == (400, "BadRequest")


def test_a_new_job_waits_to_be_started() -> None:
    admin = administrator()
    path = scim(admin)
    job = make_job(admin, path)
    assert str(job["id"]).startswith(f"scim.{admin.tenant.id.replace('-', '')}.")
    assert job["schedule"] == {"expiration": None, "interval": "PT40M", "state": "Disabled"}
    status = job["status"]
    assert isinstance(status, dict)
    assert (status["code"], status["quarantine"], status["lastExecution"]) == ("Paused", None, None)
    assert status["steadyStateFirstAchievedTime"] == "0001-01-01T00:00:00Z"
    assert admin.get(f"{path}/jobs/{job['id']}").body["id"] == job["id"]
    assert admin.get(f"{path}/jobs").ids == [job["id"]]


@pytest.mark.parametrize(("shape", "status"), [("empty", 200), (404, 404)])
def test_without_a_job_the_list_is_empty_or_not_found(shape: Literal["empty", 404], status: int) -> None:
    admin = administrator()
    admin.tenant.behaviour.no_jobs = shape
    path = scim(admin)
    assert admin.get(f"{path}/jobs").status == status
    make_job(admin, path)
    assert admin.get(f"{path}/jobs").status == 200


@pytest.mark.parametrize(("shape", "status", "jobs"), [("made", 201, 2), (409, 409, 1)])
def test_a_second_post_makes_a_second_job_or_is_refused(shape: Literal["made", 409], status: int, jobs: int) -> None:
    admin = administrator()
    admin.tenant.behaviour.second_job = shape
    path = scim(admin)
    make_job(admin, path)
    assert admin.post(f"{path}/jobs", {"templateId": "scim"}).status == status
    assert len(set(admin.get(f"{path}/jobs").ids)) == jobs


def test_a_template_that_does_not_exist_is_refused() -> None:
    admin = administrator()
    assert error(admin.post(f"{scim(admin)}/jobs", {"templateId": "SCIM"})) == (400, "BadRequest")


def test_a_deleted_job_is_gone() -> None:
    it = provisioned()
    assert it.admin.delete(it.job_path).status == 204
    assert error(it.admin.get(it.job_path)) == (404, "Request_ResourceNotFound")
    assert it.admin.get(f"{it.path}/jobs").values == []


def test_starting_what_runs_is_noted() -> None:
    it = provisioned(started=False)
    assert it.admin.post(f"{it.job_path}/start").status == 204
    assert it.state() == "Active"
    assert it.tenant.violations == []
    assert it.admin.post(f"{it.job_path}/start").status == 204
    assert it.tenant.violations == ["start of a provisioning job that runs already"]


def test_a_job_of_another_application_is_not_found() -> None:
    it = provisioned()
    other = scim(it.admin)
    assert it.admin.get(f"{other}/jobs/{it.job_id}").status == 404


@pytest.mark.parametrize("status", [403, 404, 409])
def test_just_after_instantiating_provisioning_may_be_refused_in_three_ways(status: Literal[403, 404, 409]) -> None:
    admin = administrator()
    admin.tenant.behaviour.admin_lag, admin.tenant.behaviour.young_synchronization = 60.0, status
    path = scim(admin)
    assert {admin.get(f"{path}/jobs").status for _ in range(30)} == {200, status}
    admin.clock.time += 60
    assert {admin.get(f"{path}/jobs").status for _ in range(10)} == {200}


# --- rights ---


@pytest.mark.parametrize(
    ("role", "status"),
    [
        ("Cloud Application Administrator", 200),
        ("Application Administrator", 200),
        ("Global Administrator", 200),
        ("Privileged Role Administrator", 401),
        ("Global Reader", 401),
    ],
)
def test_a_lesser_role_is_answered_401_without_a_word(role: str, status: int) -> None:
    admin = administrator()
    path = scim(admin)
    answer = admin.but_as(role).get(f"{path}/jobs")
    assert answer.status == status
    if status == 401:
        assert (answer.code, answer.message) == ("UnknownError", "")


@pytest.mark.parametrize(("without", "status", "code"), [(401, 401, "UnknownError"), (403, 403, "Authorization_RequestDenied")])
def test_an_administrators_role_may_not_be_enough_without_a_scope(without: Literal[401, 403], status: int, code: str) -> None:
    admin = administrator()
    path = scim(admin)
    assert admin.get(f"{path}/jobs").status == 200
    admin.tenant.behaviour.synchronization_without_scope = without
    assert error(admin.get(f"{path}/jobs")) == (status, code)
    scopes = ("Synchronization.ReadWrite.All",)
    other = admin.but_as("Cloud Application Administrator", client=GRAPH_COMMAND_LINE_TOOLS, scopes=scopes)
    assert other.get(f"{path}/jobs").status == 200
    reader = admin.but_as("Cloud Application Administrator", client=GRAPH_COMMAND_LINE_TOOLS, scopes=("Synchronization.Read.All",))
    assert (reader.get(f"{path}/jobs").status, reader.post(f"{path}/jobs", {"templateId": "scim"}).status) == (200, status)


def test_whoever_owns_an_enterprise_application_sets_its_provisioning_up() -> None:
    owner = administrator("Application Developer")
    make_job(owner, scim(owner))


@pytest.mark.any_request
@pytest.mark.parametrize(("permission", "owns", "status"), [
    ("Synchronization.ReadWrite.All", False, 200),
    ("Application.ReadWrite.OwnedBy", True, 200),
    ("Application.ReadWrite.OwnedBy", False, 403),
    ("Application.ReadWrite.All", True, 403),
])  # fmt: skip
def test_an_app_needs_the_permission_or_to_own_the_principal(permission: str, owns: bool, status: int) -> None:
    client = contoso(3, permission)
    principal = client.tenant.add_enterprise_application()
    principal.owners = [client.app.object_id] if owns else []
    assert client.get(f"/servicePrincipals/{principal.id}/synchronization/jobs").status == status


# --- address and token ---


def test_secrets_are_replaced_as_a_set_and_shown_as_a_star() -> None:
    admin = administrator()
    path = scim(admin)
    assert admin.put(f"{path}/secrets", SECRETS).status == 204
    assert admin.get(f"{path}/secrets").values == [
        {"key": "BaseAddress", "value": ADDRESS},
        {"key": "SecretToken", "value": "*"},
        {"key": "SyncAll", "value": "false"},
    ]
    assert admin.put(f"{path}/secrets", {"value": [{"key": "BaseAddress", "value": "https://other.example"}]}).status == 204
    assert [each["key"] for each in admin.get(f"{path}/secrets").values] == ["BaseAddress"]


@pytest.mark.any_request
@pytest.mark.parametrize("operation", ["secrets", "validate"])
def test_keys_are_told_apart_by_case(operation: str) -> None:
    it = provisioned()
    wrong: JSON = [{"key": "baseAddress", "value": ADDRESS}]
    if operation == "secrets":
        answer = it.admin.put(f"{it.path}/secrets", {"value": wrong})
    else:
        answer = it.admin.post(f"{it.job_path}/validateCredentials", {"useSavedCredentials": False, "credentials": wrong})
    assert (answer.status, answer.code, answer.message) == (500, "InternalError", "Requested value 'baseAddress' was not found.")
    assert [each["value"] for each in it.admin.get(f"{it.path}/secrets").values] == [ADDRESS, "*", "false"]


@pytest.mark.parametrize(("taken", "works"), [("kept", True), ("taken literally", False)])
def test_a_star_that_is_sent_back_is_what_it_hid_or_a_star(taken: Literal["kept", "taken literally"], works: bool) -> None:
    it = provisioned()
    it.tenant.behaviour.starred_secret = taken
    read = it.admin.get(f"{it.path}/secrets").values
    value: list[JSON] = [*read, {"key": "SkipOutOfScopeDeletions", "value": "True"}]
    assert it.admin.put(f"{it.path}/secrets", {"value": value}).status == 204
    saved: JSON = {"useSavedCredentials": True, "credentials": []}
    assert (it.admin.post(f"{it.job_path}/validateCredentials", saved).status == 204) is works


def given(address: str, token: str) -> JSON:
    credentials: JSON = [{"key": "BaseAddress", "value": address}, {"key": "SecretToken", "value": token}]
    return {"useSavedCredentials": False, "credentials": credentials}


@pytest.mark.parametrize("status", [400, 500])
def test_credentials_are_tried_on_the_endpoint(status: int) -> None:
    it = provisioned()
    it.tenant.behaviour.validation_refusal = status
    validate = f"{it.job_path}/validateCredentials"
    assert it.admin.post(validate, given(ADDRESS, TOKEN)).status == 204
    unreachable = it.admin.post(validate, given("https://elsewhere.example", TOKEN))
    assert error(unreachable) == (status, "SystemForCrossDomainIdentityManagementCredentialValidationUnavailable")
    refused = it.admin.post(validate, given(ADDRESS, "old"))
    assert error(refused) == (status, "SystemForCrossDomainIdentityManagementInvalidCredentials")


def test_good_credentials_may_not_validate_all_the_same() -> None:
    it = provisioned()
    it.tenant.behaviour.validation_doubts = True
    refused = it.admin.post(f"{it.job_path}/validateCredentials", given(ADDRESS, TOKEN))
    assert error(refused) == (400, "SystemForCrossDomainIdentityManagementCredentialValidationFailure")


def test_with_nobody_at_the_door_no_credentials_validate() -> None:
    admin = administrator()
    path = scim(admin)
    job = make_job(admin, path)
    refused = admin.post(f"{path}/jobs/{job['id']}/validateCredentials", given(ADDRESS, TOKEN))
    assert error(refused) == (400, "SystemForCrossDomainIdentityManagementCredentialValidationUnavailable")


# --- schema ---


def rules(schema: dict[str, JSON]) -> list[dict[str, JSON]]:
    found = schema["synchronizationRules"]
    assert isinstance(found, list)
    return [each for each in found if isinstance(each, dict)]


def sources(schema: dict[str, JSON], kind: str) -> dict[JSON, JSON]:
    """Which source each target attribute of such objects has."""
    mappings = rules(schema)[0]["objectMappings"]
    assert isinstance(mappings, list)
    mapping = next(each for each in mappings if isinstance(each, dict) and each["sourceObjectName"] == kind)
    attributes = mapping["attributeMappings"]
    assert isinstance(attributes, list)
    return {
        each["targetAttributeName"]: each["source"]["name"]
        for each in attributes
        if isinstance(each, dict) and isinstance(each["source"], dict)
    }


def test_the_default_mapping_is_what_cloudflare_needs() -> None:
    it = provisioned()
    schema = it.admin.get(f"{it.job_path}/schema").body
    assert (rules(schema)[0]["sourceDirectoryName"], rules(schema)[0]["targetDirectoryName"]) == ("Azure Active Directory", "customappsso")
    users = sources(schema, "User")
    assert (users["userName"], users['emails[type eq "work"].value'], users["externalId"]) == ("userPrincipalName", "mail", "mailNickname")
    assert sources(schema, "Group") == {"displayName": "displayName", "externalId": "objectId", "members": "members"}


@pytest.mark.parametrize(("form", "tail"), [("guid", ""), ("versioned", "#V2")])
def test_a_rules_id_need_not_be_a_guid(form: Literal["guid", "versioned"], tail: str) -> None:
    admin = administrator()
    admin.tenant.behaviour.rule_ids = form
    path = scim(admin)
    schema = admin.get(f"{path}/jobs/{make_job(admin, path)['id']}/schema").body
    assert rules(schema)[0]["id"] == f"03f7d90d-bf71-41b1-bda6-aaf0ddbee5d8{tail}"


def test_a_schema_is_put_as_a_whole_and_reset() -> None:
    it = provisioned()
    target = f"{it.job_path}/schema"
    before = it.admin.get(target).body
    changed = copy.deepcopy(before)
    mail_as_name(changed)
    assert it.admin.put(target, {name: value for name, value in changed.items() if not name.startswith("@")}).status == 204
    assert sources(it.admin.get(target).body, "User")["userName"] == "mail"
    assert it.admin.delete(target).status == 204
    assert it.admin.get(target).body == before


def mail_as_name(schema: dict[str, JSON]) -> None:
    """Let users be called by their mailbox."""
    mappings = rules(schema)[0]["objectMappings"]
    assert isinstance(mappings, list)
    assert isinstance(mappings[0], dict)
    attributes = mappings[0]["attributeMappings"]
    assert isinstance(attributes, list)
    assert isinstance(attributes[0], dict)
    assert attributes[0]["targetAttributeName"] == "userName"
    attributes[0]["source"] = {"expression": "[mail]", "name": "mail", "type": "Attribute", "parameters": []}


def test_a_schema_without_rules_is_refused() -> None:
    it = provisioned()
    assert error(it.admin.put(f"{it.job_path}/schema", {"synchronizationRules": []})) == (400, "BadRequest")


def test_an_endpoint_is_what_a_test_gives() -> None:
    assert Endpoint().door(ADDRESS, TOKEN)
