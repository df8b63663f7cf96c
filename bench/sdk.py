"""The same job with Microsoft's Graph SDK on CPython, a tick for each line of the input (msgraph-sdk, azure-identity).

As its documentation has it: one client for good, typed models, its own paging, one request after the other. Bytes go to the
address given, with the host they were meant for in `X-Forwarded-Host`.
"""

import asyncio
import json
import sys
import time

import httpx
from azure.core.credentials import AccessToken
from kiota_abstractions.base_request_configuration import RequestConfiguration
from kiota_authentication_azure.azure_identity_authentication_provider import AzureIdentityAuthenticationProvider
from msgraph import GraphRequestAdapter, GraphServiceClient
from msgraph.generated.groups.groups_request_builder import GroupsRequestBuilder
from msgraph.generated.groups.item.members.members_request_builder import MembersRequestBuilder
from msgraph.generated.identity_protection.risky_users.risky_users_request_builder import RiskyUsersRequestBuilder
from msgraph.generated.models.group import Group
from msgraph_core import GraphClientFactory
from msgraph_core.tasks.page_iterator import PageIterator

SCOPE = "https://graph.microsoft.com/.default"
DIRECTORY_OBJECTS = "https://graph.microsoft.com/v1.0/directoryObjects"


class Forwarding(httpx.AsyncHTTPTransport):
    """Takes everything to the stand-in."""

    def __init__(self, address: str) -> None:
        super().__init__()
        self._address = httpx.URL(address)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """One request."""
        request.headers["x-forwarded-host"] = request.url.host
        request.url = request.url.copy_with(scheme="http", host=self._address.host, port=self._address.port)
        return await super().handle_async_request(request)


class Credential:
    """A token of the client-credentials flow, kept while it is good, as azure-identity keeps it."""

    def __init__(self, address: str, tenant_id: str, client_id: str, secret: str) -> None:
        self._url = f"{address}/{tenant_id}/oauth2/v2.0/token"
        self._form = {"client_id": client_id, "client_secret": secret, "scope": SCOPE, "grant_type": "client_credentials"}
        self._token = AccessToken("", 0)

    def get_token(
        self,
        *scopes: str,
        claims: str | None = None,
        tenant_id: str | None = None,
        enable_cae: bool = False,
        **_: object,
    ) -> AccessToken:
        """The token."""
        if self._token.expires_on < time.time() + 300:
            headers = {"x-forwarded-host": "login.microsoftonline.com"}
            answer = httpx.post(self._url, data=self._form, headers=headers).json()
            self._token = AccessToken(answer["access_token"], int(time.time()) + answer["expires_in"])
        return self._token


class Job:
    """The Worker's job."""

    def __init__(self, address: str, tenant_id: str, client_id: str, secret: str) -> None:
        client = httpx.AsyncClient(transport=Forwarding(address), base_url="https://graph.microsoft.com/v1.0")
        client = GraphClientFactory.create_with_default_middleware(client=client)
        provider = AzureIdentityAuthenticationProvider(Credential(address, tenant_id, client_id, secret), scopes=[SCOPE])
        self._graph = GraphServiceClient(request_adapter=GraphRequestAdapter(provider, client=client))

    async def tick(self) -> None:
        """Each level after the other."""
        for level in ("high", "medium", "low"):
            await self._level(level)

    async def _level(self, level: str) -> None:
        name = f"IdentityProtection-RiskyUser-RiskLevel-{level}"
        by_name = GroupsRequestBuilder.GroupsRequestBuilderGetQueryParameters(filter=f"displayName eq '{name}'")
        [group] = await self._all(await self._graph.groups.get(RequestConfiguration(query_parameters=by_name)))
        at_level = RiskyUsersRequestBuilder.RiskyUsersRequestBuilderGetQueryParameters(filter=f"riskLevel eq '{level}'", top=500)
        listed = await self._graph.identity_protection.risky_users.get(RequestConfiguration(query_parameters=at_level))
        risky = await self._all(listed)
        page = MembersRequestBuilder.MembersRequestBuilderGetQueryParameters(select=["id"], top=999)
        members = await self._all(await self._graph.groups.by_group_id(group).members.get(RequestConfiguration(query_parameters=page)))
        joining = sorted(set(risky) - set(members))
        for start in range(0, len(joining), 20):
            users = [f"{DIRECTORY_OBJECTS}/{user}" for user in joining[start : start + 20]]
            await self._graph.groups.by_group_id(group).patch(Group(additional_data={"members@odata.bind": users}))
        for user in sorted(set(members) - set(risky)):
            await self._graph.groups.by_group_id(group).members.by_directory_object_id(user).ref.delete()

    async def _all(self, page: object) -> list[str]:
        """The ids on this page and all that follow."""
        ids: list[str] = []

        def take(entry: object) -> bool:
            ids.append(str(getattr(entry, "id", "")))
            return True

        await PageIterator(page, self._graph.request_adapter).iterate(take)
        return ids


async def main() -> None:
    """Ticks until the input ends."""
    job = Job(*sys.argv[1:])
    while await asyncio.to_thread(sys.stdin.readline):
        wall, cpu = time.perf_counter(), time.process_time()
        await job.tick()
        times = {"wall_ms": (time.perf_counter() - wall) * 1000, "cpu_ms": (time.process_time() - cpu) * 1000}
        print(json.dumps(times), flush=True)


if __name__ == "__main__":
    asyncio.run(main())
