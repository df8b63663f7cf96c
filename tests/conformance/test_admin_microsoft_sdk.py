"""Microsoft's Graph SDK, signed in by azure-identity, does an administrator's whole set-up on the simulated tenant, over loopback."""

import asyncio
import json
import os
from collections.abc import Awaitable, Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TypeAlias
from uuid import UUID

import httpx
import pytest
from azure.identity import AzureCliCredential
from kiota_abstractions.base_request_configuration import RequestConfiguration
from kiota_abstractions.default_query_parameters import QueryParameters
from kiota_authentication_azure.azure_identity_authentication_provider import AzureIdentityAuthenticationProvider
from msgraph import GraphRequestAdapter, GraphServiceClient
from msgraph.generated.application_templates.item.instantiate.instantiate_post_request_body import InstantiatePostRequestBody
from msgraph.generated.applications.item.add_password.add_password_post_request_body import AddPasswordPostRequestBody
from msgraph.generated.applications.item.remove_password.remove_password_post_request_body import RemovePasswordPostRequestBody
from msgraph.generated.models.app_role_assignment import AppRoleAssignment
from msgraph.generated.models.application import Application
from msgraph.generated.models.group import Group
from msgraph.generated.models.key_credential import KeyCredential
from msgraph.generated.models.o_data_errors.o_data_error import ODataError
from msgraph.generated.models.password_credential import PasswordCredential
from msgraph.generated.models.required_resource_access import RequiredResourceAccess
from msgraph.generated.models.resource_access import ResourceAccess
from msgraph.generated.models.service_principal import ServicePrincipal
from msgraph.generated.models.synchronization_job import SynchronizationJob
from msgraph.generated.models.synchronization_job_application_parameters import SynchronizationJobApplicationParameters
from msgraph.generated.models.synchronization_job_restart_criteria import SynchronizationJobRestartCriteria
from msgraph.generated.models.synchronization_job_restart_scope import SynchronizationJobRestartScope
from msgraph.generated.models.synchronization_job_subject import SynchronizationJobSubject
from msgraph.generated.models.synchronization_linked_objects import SynchronizationLinkedObjects
from msgraph.generated.models.synchronization_schedule_state import SynchronizationScheduleState
from msgraph.generated.models.synchronization_secret import SynchronizationSecret
from msgraph.generated.models.synchronization_secret_key_string_value_pair import SynchronizationSecretKeyStringValuePair
from msgraph.generated.models.synchronization_status_code import SynchronizationStatusCode
from msgraph.generated.service_principals.item.synchronization.jobs.item.provision_on_demand import (
    provision_on_demand_post_request_body as on_demand,
)
from msgraph.generated.service_principals.item.synchronization.jobs.item.restart.restart_post_request_body import RestartPostRequestBody
from msgraph.generated.service_principals.item.synchronization.jobs.item.validate_credentials import (
    validate_credentials_post_request_body as validation,
)
from msgraph.generated.service_principals.item.synchronization.secrets.secrets_put_request_body import SecretsPutRequestBody
from msgraph.graph_request_adapter import options
from msgraph_core import GraphClientFactory

from runtime.serving import serving
from simulator import Tenant
from simulator.asgi import create_app
from simulator.entra.azure_cli import AzureCli
from simulator.entra.operations.templates import NON_GALLERY
from tests.conformance.test_microsoft_people import said
from tests.simulator.administrators import ADDRESS, CREATE, GRAPH, RISKY, TOKEN, Endpoint, certificate, key_entry
from tests.simulator.client import Clock, sign_in

pytestmark = pytest.mark.any_request  # the SDK sends properties that are null, and types

NAME = "risky-users"
Job: TypeAlias = Callable[[GraphServiceClient], Awaitable[None]]
Run: TypeAlias = Callable[[Job], None]


class OverLoopback(httpx.AsyncHTTPTransport):
    """Sends what is meant for any host to one on this machine, and says which was meant."""

    def __init__(self, address: str) -> None:
        super().__init__()
        self._address = httpx.URL(address)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        request.headers["X-Forwarded-Host"] = request.url.host
        request.url = request.url.copy_with(scheme="http", host=self._address.host, port=self._address.port)
        request.headers["Host"] = self._address.netloc.decode()
        return await super().handle_async_request(request)


@pytest.fixture
def tenant() -> Tenant:
    return Tenant.contoso(3)


@pytest.fixture
def run(tenant: Tenant, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Run]:
    """Runs what takes the SDK, as somebody has it who is signed in with the Azure CLI."""
    ada = tenant.add_user("Ada Admin")
    tenant.assign_role(ada, "Global Administrator")
    folder = AzureCli(tenant, ada).install(tmp_path / "bin")
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")
    with serving(create_app(tenant)) as address:

        def run(job: Job) -> None:
            asyncio.run(with_sdk(address, job))

        yield run


async def with_sdk(address: str, job: Job) -> None:
    async with OverLoopback(address) as transport:  # which the SDK's own wrapping would not close
        client = httpx.AsyncClient(transport=transport, base_url="https://graph.microsoft.com/v1.0")
        client = GraphClientFactory.create_with_default_middleware(client=client, options=options)
        provider = AzureIdentityAuthenticationProvider(AzureCliCredential(), scopes=["https://graph.microsoft.com/.default"])
        await job(GraphServiceClient(request_adapter=GraphRequestAdapter(provider, client=client)))


def create_if_missing() -> RequestConfiguration[QueryParameters]:
    configuration = RequestConfiguration[QueryParameters]()
    configuration.headers.add("Prefer", CREATE["Prefer"])
    return configuration


def secret(key: SynchronizationSecret, value: str) -> SynchronizationSecretKeyStringValuePair:
    return SynchronizationSecretKeyStringValuePair(key=key, value=value)


CREDENTIALS = [secret(SynchronizationSecret.BaseAddress, ADDRESS), secret(SynchronizationSecret.SecretToken, TOKEN)]


def test_the_workers_side_is_set_up_and_taken_down(tenant: Tenant, run: Run) -> None:
    before = tenant.snapshot()

    async def set_up(graph: GraphServiceClient) -> None:
        access = RequiredResourceAccess(resource_app_id=GRAPH, resource_access=[ResourceAccess(id=UUID(RISKY), type="Role")])
        wanted = Application(display_name=NAME, sign_in_audience="AzureADMyOrg", tags=[NAME], required_resource_access=[access])
        by_name = graph.applications_with_unique_name(NAME)
        made = await by_name.patch(wanted, create_if_missing())
        assert made.unique_name == NAME
        assert await by_name.patch(wanted, create_if_missing()) is None
        assert (await by_name.get()).id == made.id
        principal = await graph.service_principals_with_app_id(made.app_id).patch(ServicePrincipal(tags=["x"]), create_if_missing())
        resource = await graph.service_principals_with_app_id(GRAPH).get()
        role = next(role.id for role in resource.app_roles if role.value == "IdentityRiskyUser.Read.All")
        granted = await graph.service_principals.by_service_principal_id(resource.id).app_role_assigned_to.post(
            AppRoleAssignment(principal_id=UUID(principal.id), resource_id=UUID(resource.id), app_role_id=role)
        )
        assert granted.principal_type == "ServicePrincipal"
        application = graph.applications.by_application_id(made.id)
        end = datetime.now(UTC) + timedelta(days=90)
        body = AddPasswordPostRequestBody(password_credential=PasswordCredential(display_name="worker", end_date_time=end))
        password = await application.add_password.post(body)
        app = tenant.apps[made.app_id]
        token = sign_in(tenant, app, client_secret=password.secret_text).body["access_token"]
        assert said(str(token))["roles"] == ["IdentityRiskyUser.Read.All"]
        entry = key_entry(certificate(Clock(tenant.clock())))
        key = KeyCredential(type=entry["type"], usage=entry["usage"], display_name="worker", additional_data={"key": entry["key"]})
        await application.patch(Application(key_credentials=[key]))
        read = await application.get()
        assert [each.display_name for each in read.key_credentials] == ["worker"]
        assert read.key_credentials[0].custom_key_identifier
        await application.remove_password.post(RemovePasswordPostRequestBody(key_id=password.key_id))
        assert (await application.get()).password_credentials == []
        await application.delete()
        deleted = await graph.directory.deleted_items.graph_application.get()
        assert [each.id for each in deleted.value] == [made.id]

    run(set_up)
    after = tenant.snapshot()
    assert {kind: value for kind, value in after.items() if kind != "deleted"} == {
        kind: value for kind, value in before.items() if kind != "deleted"
    }


def test_the_scim_side_is_set_up_started_and_watched(tenant: Tenant, run: Run) -> None:
    endpoint = Endpoint()
    tenant.door = endpoint.door
    tenant.behaviour.first_cycle_seconds = 0.0

    async def set_up(graph: GraphServiceClient) -> None:
        group = await graph.groups.post(Group(display_name=NAME, mail_nickname=NAME, mail_enabled=False, security_enabled=True))
        tenant.add_member(tenant.directory.groups[group.id], tenant.users[0])
        template = graph.application_templates.by_application_template_id(NON_GALLERY)
        made = await template.instantiate.post(InstantiatePostRequestBody(display_name="Cloudflare One SCIM"))
        await graph.applications.by_application_id(made.application.id).patch(Application(unique_name="risky-users-scim"))
        principal = graph.service_principals.by_service_principal_id(made.service_principal.id)
        role = next(role.id for role in made.service_principal.app_roles if role.display_name == "User")
        assignment = AppRoleAssignment(principal_id=UUID(group.id), resource_id=UUID(made.service_principal.id), app_role_id=role)
        assert (await principal.app_role_assigned_to.post(assignment)).principal_type == "Group"
        synchronization = principal.synchronization
        assert [each.id for each in (await synchronization.templates.get()).value] == ["scim"]
        job_id = (await synchronization.jobs.post(SynchronizationJob(template_id="scim"))).id
        scope = secret(SynchronizationSecret.SyncAll, "false")
        await synchronization.secrets.put(SecretsPutRequestBody(value=[*CREDENTIALS, scope]))
        job = synchronization.jobs.by_synchronization_job_id(job_id)
        asked = validation.ValidateCredentialsPostRequestBody(use_saved_credentials=False, credentials=CREDENTIALS)
        await job.validate_credentials.post(asked)
        schema = await job.schema.get()
        mapping = next(each for each in schema.synchronization_rules[0].object_mappings if each.source_object_name == "User")
        assert {each.target_attribute_name: each.source.name for each in mapping.attribute_mappings}["userName"] == "userPrincipalName"
        await job.start.post()
        await on_demand_of(job, schema.synchronization_rules[0].id, group.id)
        watched = await job.get()
        assert watched.schedule.state == SynchronizationScheduleState.Active
        assert watched.status.code == SynchronizationStatusCode.Active
        assert watched.status.quarantine is None
        log = await graph.audit_logs.provisioning.get()
        assert {each.job_id for each in log.value} == {job_id}
        await job.pause.post()
        criteria = SynchronizationJobRestartCriteria(reset_scope=SynchronizationJobRestartScope.Watermark)
        await job.restart.post(RestartPostRequestBody(criteria=criteria))

    async def on_demand_of(job: object, rule: str, group: str) -> None:
        member = SynchronizationJobSubject(object_id=tenant.users[0].id, object_type_name="User")
        links = SynchronizationLinkedObjects(members=[member])
        subject = SynchronizationJobSubject(object_id=group, object_type_name="Group", links=links)
        parameters = SynchronizationJobApplicationParameters(rule_id=rule, subjects=[subject])
        body = on_demand.ProvisionOnDemandPostRequestBody(parameters=[parameters])
        answer = await job.provision_on_demand.post(body)  # type: ignore[attr-defined]  # the SDK's builders have no types here
        assert json.loads(answer.key)["result"] in ("Success", "Skipped")

    run(set_up)
    assert endpoint.members(NAME) == {tenant.users[0].principal_name}


def test_what_somebody_may_not_is_an_error_of_the_sdks(tenant: Tenant, run: Run) -> None:
    async def ask(graph: GraphServiceClient) -> None:
        with pytest.raises(ODataError) as refused:
            await graph.policies.default_app_management_policy.get()
        assert refused.value.error.code == "Authorization_RequestDenied"

    run(ask)


def test_who_is_signed_in_is_read(tenant: Tenant, run: Run) -> None:
    async def ask(graph: GraphServiceClient) -> None:
        assert (await graph.me.get()).display_name == "Ada Admin"
        roles = await graph.me.transitive_member_of.graph_directory_role.get()
        assert [role.display_name for role in roles.value] == ["Global Administrator"]
        organization = (await graph.organization.get()).value[0]
        assert organization.id == tenant.id
        assert {plan.capability_status for plan in organization.assigned_plans} == {"Enabled"}

    run(ask)
