"""Microsoft's own clients, pointed at a simulated tenant: their code as it is, but for where the bytes go."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from io import BytesIO

import httpx
import msal
import requests
from azure.core.pipeline.transport import RequestsTransport
from azure.identity import ClientSecretCredential
from kiota_authentication_azure.azure_identity_authentication_provider import AzureIdentityAuthenticationProvider
from msgraph import GraphRequestAdapter, GraphServiceClient
from msgraph_core import GraphClientFactory
from requests.adapters import HTTPAdapter
from urllib3 import HTTPResponse

from simulator import Request, Tenant
from simulator.asgi import create_app


class ToTenant(HTTPAdapter):
    """Takes what `requests` would send to a tenant."""

    def __init__(self, tenant: Tenant) -> None:
        super().__init__()
        self._tenant = tenant

    def send(self, request: requests.PreparedRequest, *_: object, **__: object) -> requests.Response:
        """The tenant's answer."""
        body = request.body or b""
        body = body.encode() if isinstance(body, str) else body
        assert isinstance(body, bytes)
        assert request.method
        assert request.url
        headers = {name: str(value) for name, value in request.headers.items()}
        answer = self._tenant.handle(Request(request.method, request.url, headers, body))
        raw_answer = HTTPResponse(BytesIO(answer.body), answer.headers, answer.status, preload_content=False)
        return self.build_response(request, raw_answer)


def session(tenant: Tenant) -> requests.Session:
    """A session of `requests` that reaches nothing but the tenant."""
    session = requests.Session()
    session.mount("https://", ToTenant(tenant))
    return session


def sdk(tenant: Tenant) -> GraphServiceClient:
    """The Graph SDK with its default middleware, its token from azure-identity."""
    credential = ClientSecretCredential(
        tenant.id, tenant.app.client_id, tenant.app.secret, transport=RequestsTransport(session=session(tenant), session_owner=False)
    )
    scope = "https://graph.microsoft.com/.default"
    client = httpx.AsyncClient(transport=httpx.ASGITransport(create_app(tenant)), base_url="https://graph.microsoft.com/v1.0")
    client = GraphClientFactory.create_with_default_middleware(client=client)
    provider = AzureIdentityAuthenticationProvider(credential, scopes=[scope])
    return GraphServiceClient(request_adapter=GraphRequestAdapter(provider, client=client))


@dataclass
class SignIn:
    """What MSAL is told; by default what is right for the tenant."""

    tenant: Tenant
    tenant_id: str = ""
    client_id: str = ""
    secret: str = ""
    certificate: Mapping[str, str] | None = field(default=None, init=False)
    """MSAL's `private_key` and `thumbprint` or `public_certificate`."""
    login: str = "login.microsoftonline.com"
    scope: str = "https://graph.microsoft.com/.default"

    def app(self) -> msal.ConfidentialClientApplication:
        """MSAL's client."""
        return msal.ConfidentialClientApplication(
            self.client_id or self.tenant.app.client_id,
            client_credential=self.certificate or self.secret or self.tenant.app.secret,
            authority=f"https://{self.login}/{self.tenant_id or self.tenant.id}",
            http_client=session(self.tenant),
            instance_discovery=False,
        )

    def acquire(self) -> dict[str, object]:
        """MSAL's answer: a token, or an error with its codes."""
        answer: dict[str, object] = self.app().acquire_token_for_client([self.scope])
        return answer
