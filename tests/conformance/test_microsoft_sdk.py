"""Microsoft's Graph SDK, with its own authentication, retries and paging, does the Worker's job on the simulated tenant."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest
from kiota_abstractions.api_error import APIError
from kiota_abstractions.base_request_configuration import RequestConfiguration
from msgraph.generated.groups.groups_request_builder import GroupsRequestBuilder
from msgraph.generated.groups.item.members.members_request_builder import MembersRequestBuilder
from msgraph.generated.identity_protection.risky_users.risky_users_request_builder import RiskyUsersRequestBuilder
from msgraph.generated.models.group import Group
from msgraph.generated.models.o_data_errors.o_data_error import ODataError
from msgraph.generated.models.reference_create import ReferenceCreate
from msgraph.generated.models.risk_level import RiskLevel
from msgraph.generated.models.user import User
from msgraph.generated.users.users_request_builder import UsersRequestBuilder
from msgraph.graph_service_client import GraphServiceClient
from msgraph_core.requests.batch_request_content import BatchRequestContent
from msgraph_core.requests.batch_request_item import BatchRequestItem
from msgraph_core.tasks.page_iterator import PageIterator

from simulator import Fault, Tenant
from tests.conformance.microsoft import sdk

pytestmark = pytest.mark.any_request  # MSAL asks for the login host's metadata first, which the Worker does without

DIRECTORY_OBJECTS = "https://graph.microsoft.com/v1.0/directoryObjects"
NAME = "IdentityProtection-RiskyUser-RiskLevel-high"


@pytest.fixture
def tenant() -> Tenant:
    tenant = Tenant.contoso(60)
    tenant.behaviour.one_risky_read_a_second = False  # so that its pages need no pause
    return tenant


def run(job: Callable[[], Awaitable[None]]) -> None:
    async def awaited() -> None:
        await job()

    asyncio.run(awaited())


async def collect(page: object, client: GraphServiceClient) -> list[User]:
    entries = []

    def take(entry: object) -> bool:
        entries.append(entry)
        return True

    await PageIterator(page, client.request_adapter).iterate(take)
    return entries


def test_risky_users_are_listed_page_by_page(tenant: Tenant) -> None:
    async def job() -> None:
        query = RiskyUsersRequestBuilder.RiskyUsersRequestBuilderGetQueryParameters(
            filter="riskLevel eq 'high' or riskLevel eq 'medium'", select=["id", "riskLevel", "isDeleted"], top=7
        )
        client = sdk(tenant)
        first = await client.identity_protection.risky_users.get(RequestConfiguration(query_parameters=query))
        users = await collect(first, client)
        for level in (RiskLevel.High, RiskLevel.Medium):
            risky = {user.id for user in tenant.risky_at(level.value)}
            assert {user.id for user in users if user.risk_level == level} == risky
        assert len(users) == 40
        assert not any(user.is_deleted for user in users)

    run(job)
    assert tenant.graph_requests == 6


def test_groups_are_created_found_filled_listed_and_emptied(tenant: Tenant) -> None:
    high = [user.id for user in tenant.risky_at("high")]

    async def job() -> None:
        client = sdk(tenant)
        made = await client.groups.post(
            Group(display_name=NAME, mail_nickname=NAME, mail_enabled=False, security_enabled=True, group_types=[])
        )
        assert made.created_date_time
        query = GroupsRequestBuilder.GroupsRequestBuilderGetQueryParameters(
            filter=f"displayName in ('{NAME}','other')", select=["id", "displayName", "securityEnabled"]
        )
        found = await client.groups.get(RequestConfiguration(query_parameters=query))
        assert [(group.id, group.display_name, group.security_enabled) for group in found.value] == [(made.id, NAME, True)]
        group = client.groups.by_group_id(made.id)
        assert (await group.get()).mail_nickname == NAME
        await group.patch(Group(additional_data={"members@odata.bind": [f"{DIRECTORY_OBJECTS}/{user}" for user in high[:-1]]}))
        await group.members.ref.post(ReferenceCreate(odata_id=f"{DIRECTORY_OBJECTS}/{high[-1]}"))
        first_page = MembersRequestBuilder.MembersRequestBuilderGetQueryParameters(select=["id"], top=15)
        page = await group.members.get(RequestConfiguration(query_parameters=first_page))
        members = await collect(page, client)
        assert {member.id for member in members} == set(high)
        assert all(isinstance(member, User) for member in members)
        for member in high:
            await group.members.by_directory_object_id(member).ref.delete()

    run(job)
    assert tenant.members_of(NAME) == frozenset()
    assert tenant.violations == ["POST /groups: not idempotent, two of them make two groups"]


def test_mail_is_read_by_id_and_of_members_and_of_nobody_without_the_right(tenant: Tenant) -> None:
    tenant.app.permissions.add("User.ReadBasic.All")
    guest = tenant.add_guest("Grace@Partner.example", "Grace Example")
    users = [*tenant.risky_at("high")[:13], guest, tenant.add_user(mail=None)]
    group = tenant.create_group(NAME)
    for user in users:
        tenant.add_member(group, user)
    expected = {user.id: (user.mail, user.principal_name) for user in users}
    select = ["id", "mail", "userPrincipalName"]

    async def looked_up() -> dict[str, tuple[str | None, str | None]]:
        chosen = f"id in ({','.join(repr(user.id) for user in users)})"
        query = UsersRequestBuilder.UsersRequestBuilderGetQueryParameters(filter=chosen, select=select)
        client = sdk(tenant)
        found = await collect(await client.users.get(RequestConfiguration(query_parameters=query)), client)
        return {user.id: (user.mail, user.user_principal_name) for user in found}

    async def listed() -> dict[str, tuple[str | None, str | None]]:
        query = MembersRequestBuilder.MembersRequestBuilderGetQueryParameters(select=select, top=10)
        client = sdk(tenant)
        page = await client.groups.by_group_id(group.id).members.get(RequestConfiguration(query_parameters=query))
        return {member.id: (member.mail, member.user_principal_name) for member in await collect(page, client)}

    async def job() -> None:
        assert await looked_up() == expected
        assert await listed() == expected
        tenant.app.permissions.remove("User.ReadBasic.All")
        with pytest.raises(ODataError) as refused:
            await looked_up()
        assert refused.value.response_status_code == 403
        assert refused.value.error.code == "Authorization_RequestDenied"
        assert await listed() == {user.id: (None, None) for user in users}

    run(job)
    assert not tenant.violations


def test_a_read_whose_last_page_is_full_may_end_in_an_error(tenant: Tenant) -> None:
    tenant.behaviour.full_last_page_links = True

    async def read(top: int) -> int:
        query = RiskyUsersRequestBuilder.RiskyUsersRequestBuilderGetQueryParameters(filter="riskLevel eq 'high'", top=top)
        client = sdk(tenant)
        return len(await collect(await client.identity_protection.risky_users.get(RequestConfiguration(query_parameters=query)), client))

    async def job() -> None:
        with pytest.raises(APIError) as refused:
            await read(10)
        assert refused.value.response_status_code == 400
        assert await read(11) == 20

    run(job)


def test_a_group_is_made_by_its_unique_name_once(tenant: Tenant) -> None:
    async def job() -> None:
        by_key = sdk(tenant).groups_with_unique_name(NAME)
        group = Group(display_name=NAME, mail_nickname=NAME, mail_enabled=False, security_enabled=True)
        with pytest.raises(ODataError) as missing:
            await by_key.get()
        assert missing.value.error.code == "Request_ResourceNotFound"
        prefer: RequestConfiguration[object] = RequestConfiguration()
        prefer.headers.add("Prefer", "create-if-missing")
        made = await by_key.patch(group, prefer)
        assert await by_key.patch(group, prefer) is None
        assert (await by_key.get()).id == made.id
        assert made.unique_name == NAME

    run(job)
    assert len(tenant.groups_named(NAME)) == 1


def test_a_batch_is_answered_item_by_item(tenant: Tenant) -> None:
    group = tenant.create_group(NAME)
    user = tenant.risky_at("high")[0]

    async def job() -> None:
        client = sdk(tenant)
        members = client.groups.by_group_id(group.id).members
        reference = ReferenceCreate(odata_id=f"{DIRECTORY_OBJECTS}/{user.id}")
        requests = {
            "add": members.ref.to_post_request_information(reference),
            "remove": members.by_directory_object_id(tenant.risky_at("low")[0].id).ref.to_delete_request_information(),
            "list": members.to_get_request_information(),
        }
        content = BatchRequestContent()
        for name, request in requests.items():
            request.path_parameters["baseurl"] = client.request_adapter.base_url
            content.add_request(name, BatchRequestItem(request, name, ["add"] if name == "list" else None))
        answers = await client.batch.post(content)
        assert answers.get_response_status_codes() == {"add": 204, "remove": 404, "list": 200}

    run(job)
    assert tenant.members_of(group) == {user.id}


def test_throttled_requests_are_sent_again_by_the_sdk(tenant: Tenant, monkeypatch: pytest.MonkeyPatch) -> None:
    pauses: list[float] = []

    async def sleep(seconds: float) -> None:
        pauses.append(seconds)

    monkeypatch.setattr("kiota_http.middleware.retry_handler.asyncio.sleep", sleep)
    tenant.faults = [
        Fault("status", path="/groups", status=429, code="TooManyRequests", headers={"Retry-After": "7"}, times=1),
        Fault("status", path="/groups", status=503, skip=1, times=1),
    ]

    async def job() -> None:
        assert (await sdk(tenant).groups.get()).value == []

    run(job)
    assert pauses[0] == 7
    assert len(pauses) == 2


@pytest.mark.parametrize(
    ("lacking", "code"), [("IdentityRiskyUser.Read.All", "Forbidden"), ("GroupMember.ReadWrite.All", "Authorization_RequestDenied")]
)
def test_the_sdk_reads_errors_with_their_codes_and_ids(tenant: Tenant, lacking: str, code: str) -> None:
    tenant.app.permissions.remove(lacking)
    tenant.app.permissions.add("Directory.Read.All")
    group = tenant.create_group(NAME)

    async def job() -> None:
        client = sdk(tenant)
        forbidden = {
            "IdentityRiskyUser.Read.All": client.identity_protection.risky_users.get,
            "GroupMember.ReadWrite.All": client.groups.by_group_id(group.id).members.by_directory_object_id(group.id).ref.delete,
        }
        with pytest.raises(ODataError) as caught:
            await forbidden[lacking]()
        assert caught.value.response_status_code == 403
        assert caught.value.error.code == code
        assert caught.value.error.inner_error.request_id
        assert caught.value.error.inner_error.client_request_id
        assert caught.value.error.inner_error.date

    run(job)
