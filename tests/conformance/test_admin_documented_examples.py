"""Requests and answers that Microsoft documents, or that were recorded in public, on the administrators' side: facts and shapes.

Each conforms to our description; the simulated tenant, asked the same, gives an answer of that status and shape.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass, field

import pytest

from simulator import Request, Response
from simulator.messages import JSON
from tests.conformance.description import check_request, check_response
from tests.conformance.shapes import assert_has, shape
from tests.simulator.administrators import ADDRESS, CREATE, GRAPH, RISKY, TOKEN, Provisioned, provisioned
from tests.simulator.client import ROOT

ID = "00000000-0000-4000-8000-000000000001"
OTHER = "00000000-0000-4000-8000-000000000002"
JSON_ANSWER = {"Content-Type": "application/json"}
ACCESS: JSON = [{"resourceAppId": GRAPH, "resourceAccess": [{"id": RISKY, "type": "Role"}]}]


@dataclass(frozen=True)
class Example:
    """One exchange; `page` is where it is documented, below https://learn.microsoft.com/graph/."""

    page: str
    method: str
    target: Callable[[Provisioned], str]
    status: int
    body: Callable[[Provisioned], JSON] = lambda _: None
    answer: JSON = None
    headers: dict[str, str] = field(default_factory=dict)


def application(it: Provisioned) -> str:
    return f"/applications/{it.tenant.app.application.id}"


def graph_principal(it: Provisioned) -> str:
    return it.admin.graph_principal()


EXAMPLES = [
    Example(
        "api/application-upsert",
        "PATCH",
        lambda _: "/applications(uniqueName='app-65278')",
        201,
        lambda _: {"displayName": "Display name", "signInAudience": "AzureADMyOrg", "requiredResourceAccess": ACCESS, "tags": ["a"]},
        {
            "id": ID,
            "appId": OTHER,
            "displayName": "Display name",
            "uniqueName": "app-65278",
            "signInAudience": "AzureADMyOrg",
            "createdDateTime": "2026-11-25T18:45:00Z",
            "keyCredentials": [],
            "passwordCredentials": [],
            "requiredResourceAccess": ACCESS,
            "tags": ["a"],
        },
        CREATE,
    ),
    Example(
        "api/application-addpassword",
        "POST",
        lambda it: f"{application(it)}/addPassword",
        200,
        lambda _: {"passwordCredential": {"displayName": "Password friendly name"}},
        {
            "customKeyIdentifier": None,
            "endDateTime": "2028-11-25T18:45:00Z",
            "keyId": ID,
            "startDateTime": "2026-11-25T18:45:00Z",
            "secretText": "q2a8Q~..",
            "hint": "q2a",
            "displayName": "Password friendly name",
        },
    ),
    Example(
        "api/serviceprincipal-upsert",
        "PATCH",
        lambda it: f"/servicePrincipals(appId='{it.tenant.app.client_id}')",
        204,
        lambda _: {"tags": ["WindowsAzureActiveDirectoryIntegratedApp"]},
        headers=CREATE,
    ),
    Example(
        "api/serviceprincipal-post-approleassignedto",
        "POST",
        lambda it: f"/servicePrincipals/{graph_principal(it)}/appRoleAssignedTo",
        201,
        lambda it: {
            "principalId": it.principal,
            "resourceId": graph_principal(it),
            "appRoleId": RISKY,
        },
        {
            "id": "41W1zT6z1U-kJxf62svfp1HFE8pMZhxDun-ThPczmJE",
            "createdDateTime": "2026-11-25T18:46:00Z",
            "appRoleId": RISKY,
            "principalDisplayName": "risky-users",
            "principalId": ID,
            "principalType": "ServicePrincipal",
            "resourceDisplayName": "Microsoft Graph",
            "resourceId": OTHER,
        },
    ),
    Example(
        "api/applicationtemplate-instantiate",
        "POST",
        lambda _: "/applicationTemplates/8adf8e6e-67b2-4cf2-a259-e3dc5476c621/instantiate",
        201,
        lambda _: {"displayName": "Cloudflare One SCIM"},
        {
            "application": {"id": ID, "appId": OTHER, "applicationTemplateId": "8adf8e6e-67b2-4cf2-a259-e3dc5476c621", "displayName": "x"},
            "servicePrincipal": {
                "id": ID,
                "appId": OTHER,
                "appRoles": [{"displayName": "User", "id": "18d14569-c3bd-439b-9a66-3a2aee01d14f"}],
                "tags": ["WindowsAzureActiveDirectoryIntegratedApp"],
            },
        },
    ),
    Example(
        "api/synchronization-synchronizationjob-get",
        "GET",
        lambda it: it.job_path,
        200,
        answer={
            "id": "scim.1.2",
            "templateId": "scim",
            "schedule": {"expiration": None, "interval": "PT40M", "state": "Active"},
            "status": {
                "countSuccessiveCompleteFailures": 0,
                "escrowsPruned": False,
                "code": "Active",
                "quarantine": None,
                "steadyStateFirstAchievedTime": "0001-01-01T00:00:00Z",
                "steadyStateLastAchievedTime": "0001-01-01T00:00:00Z",
                "troubleshootingUrl": None,
                "lastExecution": {
                    "activityIdentifier": ID,
                    "countEntitled": 0,
                    "countExported": 0,
                    "countImported": 0,
                    "state": "Succeeded",
                    "timeBegan": "2026-11-25T18:45:00Z",
                    "timeEnded": "2026-11-25T18:46:00Z",
                    "error": None,
                },
                "progress": [],
                "synchronizedEntryCountByType": [{"key": "User", "value": 1}],
            },
            "synchronizationJobSettings": [{"name": "LookaheadQueryEnabled", "value": "False"}],
        },
    ),
    Example(
        "api/synchronization-serviceprincipal-put-synchronization",
        "PUT",
        lambda it: f"{it.path}/secrets",
        204,
        lambda _: {"value": [{"key": "BaseAddress", "value": ADDRESS}, {"key": "SecretToken", "value": TOKEN}]},
    ),
    Example(
        "api/synchronization-synchronizationjob-validatecredentials",
        "POST",
        lambda it: f"{it.job_path}/validateCredentials",
        204,
        lambda _: {
            "useSavedCredentials": False,
            "credentials": [{"key": "BaseAddress", "value": ADDRESS}, {"key": "SecretToken", "value": TOKEN}],
        },
    ),
    Example("api/synchronization-synchronizationjob-pause", "POST", lambda it: f"{it.job_path}/pause", 204),
    Example(
        "api/synchronization-synchronizationjob-restart",
        "POST",
        lambda it: f"{it.job_path}/restart",
        204,
        lambda _: {"criteria": {"resetScope": "Watermark, Escrows, QuarantineState"}},
    ),
    Example(
        "api/synchronization-synchronizationjob-provisionondemand",
        "POST",
        lambda it: f"{it.job_path}/provisionOnDemand",
        200,
        lambda it: {
            "parameters": [
                {
                    "ruleId": "03f7d90d-bf71-41b1-bda6-aaf0ddbee5d8",
                    "subjects": [
                        {
                            "objectId": it.group.id,
                            "objectTypeName": "Group",
                            "links": {"members": [{"objectId": it.user.id, "objectTypeName": "User"}]},
                        }
                    ],
                }
            ]
        },
        {"@odata.context": "x", "key": '{"result":"Success","details":""}', "value": "{}"},
    ),
    Example(
        "api/synchronization-synchronizationschema-get",
        "GET",
        lambda it: f"{it.job_path}/schema",
        200,
        answer={
            "directories": [
                {"name": "Azure Active Directory", "objects": [{"name": "User", "attributes": [{"name": "mail", "type": "String"}]}]}
            ],
            "synchronizationRules": [
                {
                    "editable": True,
                    "id": ID,
                    "name": "USER_OUTBOUND_USER",
                    "priority": 1,
                    "sourceDirectoryName": "Azure Active Directory",
                    "targetDirectoryName": "customappsso",
                    "objectMappings": [
                        {
                            "enabled": True,
                            "flowTypes": "Add, Update, Delete",
                            "name": "x",
                            "sourceObjectName": "User",
                            "targetObjectName": "User",
                            "attributeMappings": [
                                {
                                    "defaultValue": None,
                                    "exportMissingReferences": False,
                                    "flowBehavior": "FlowWhenChanged",
                                    "flowType": "Always",
                                    "matchingPriority": 1,
                                    "targetAttributeName": "userName",
                                    "source": {"expression": "[mail]", "name": "mail", "type": "Attribute", "parameters": []},
                                }
                            ],
                        }
                    ],
                }
            ],
        },
    ),
    Example(
        "api/provisioningobjectsummary-list",
        "GET",
        lambda _: "/auditLogs/provisioning",
        200,
        answer={
            "value": [
                {
                    "id": ID,
                    "activityDateTime": "2026-11-25T18:45:00Z",
                    "tenantId": ID,
                    "jobId": "scim.1.2",
                    "cycleId": ID,
                    "changeId": ID,
                    "provisioningAction": "create",
                    "durationInMilliseconds": 100,
                    "provisioningStatusInfo": {"status": "success", "errorInformation": None},
                    "sourceIdentity": {"id": ID, "displayName": "x", "identityType": "User"},
                    "targetIdentity": {"id": ID, "displayName": "x", "identityType": "User"},
                    "servicePrincipal": {"id": ID, "displayName": "x"},
                    "provisioningSteps": [{"name": "EntryExportCreate", "provisioningStepType": "export", "status": "success"}],
                    "modifiedProperties": [],
                }
            ]
        },
    ),
    Example(
        "api/directory-deleteditems-restore",
        "POST",
        lambda it: f"/directory/deletedItems/{deleted(it)}/restore",
        200,
        answer={"@odata.type": "#microsoft.graph.application", "id": ID},
    ),
]


def deleted(it: Provisioned) -> str:
    """An application in the bin."""
    application_id = it.admin.new_application("deleted")["id"]
    it.admin.delete(f"/applications/{application_id}")
    return str(application_id)


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: f"{example.page} {example.method}")
def test_a_documented_exchange_conforms_and_the_simulated_tenant_answers_likewise(example: Example) -> None:
    it = provisioned()
    it.later(20 * 60.0)
    target, body = example.target(it), example.body(it)
    headers = {"Authorization": f"Bearer {it.admin.token}", "client-request-id": ID, **example.headers, **(JSON_ANSWER if body else {})}
    request = Request(example.method, f"{ROOT}{target}", headers, json.dumps(body).encode() if body else b"")
    documented = Response(
        example.status, JSON_ANSWER if example.answer else {}, json.dumps(example.answer).encode() if example.answer else b""
    )
    check_request(request)
    check_response(request, documented)
    reply = it.admin.send(example.method, target, body, **example.headers)
    assert reply.status == example.status, reply
    if example.answer is not None:
        assert_has(shape(reply.body), shape(example.answer))
