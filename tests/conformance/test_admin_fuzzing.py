"""Whatever administrators may ask, and what nobody may, is answered as the description has it: schemathesis makes the requests up."""

from collections.abc import Callable
from itertools import count
from typing import cast

import pytest
import schemathesis
from hypothesis import HealthCheck, assume, given, settings
from schemathesis import GenerationMode

from simulator import Tenant
from simulator.asgi import create_app
from simulator.entra.operations.templates import NON_GALLERY
from simulator.entra.public_clients import GRAPH_COMMAND_LINE_TOOLS
from tests.conformance.description import description
from tests.conformance.test_fuzzing import CHECKS, Case
from tests.simulator.administrators import ADDRESS, TOKEN, Endpoint

pytestmark = pytest.mark.any_request

BRIEF = settings(max_examples=5, deadline=None, database=None, derandomize=True, suppress_health_check=list(HealthCheck))
DESCRIBED = description("administrator")
LOGIN = "/oauth2/v2.0/"
ABOUT_THE_WORKER = description("worker")["paths"]
OPERATIONS = [
    (method.upper(), path)
    for path, operations in DESCRIBED["paths"].items()
    for method in operations
    if method != "servers" and method not in ABOUT_THE_WORKER.get(path, {})
]
SCHEMA = schemathesis.openapi.from_dict(cast("dict[str, object]", DESCRIBED))
SCOPES = ("Application.ReadWrite.All", "AppRoleAssignment.ReadWrite.All", "Group.ReadWrite.All", "Synchronization.ReadWrite.All")


@pytest.fixture
def tenant() -> Tenant:
    """A tenant for which a minute passes with every look at the clock, so that nothing is throttled."""
    seconds = count(1_790_000_000, 60)
    tenant = Tenant.contoso(clock=lambda: float(next(seconds)))
    tenant.behaviour.token_seconds = 10**8
    tenant.door = Endpoint().door
    return tenant


@pytest.fixture
def known(tenant: Tenant) -> dict[str, str]:
    """Path parameters that name something there is."""
    group = tenant.create_group("risky-high")
    tenant.app.application.unique_name = "risky-users"
    principal = tenant.add_enterprise_application()
    tenant.assign(principal, group)
    return {
        "application-id": tenant.app.application.id,
        "appId": tenant.app.client_id,
        "servicePrincipal-id": principal.id,
        "group-id": group.id,
        "uniqueName": "risky-users",
        "job-id": tenant.provision(principal, ADDRESS, TOKEN).id,
        "applicationTemplate-id": NON_GALLERY,
        "appRoleAssignment-id": next(iter(tenant.directory.grants)),
        "directoryObject-id": tenant.users[0].id,
        "tenant": tenant.id,
    }


@pytest.fixture
def send(tenant: Tenant, known: dict[str, str]) -> Callable[[Case], None]:
    """Sends a request to the tenant's ASGI app, and holds the answer to the description."""
    token = tenant.sign_in_as(
        "Global Administrator", client=GRAPH_COMMAND_LINE_TOOLS, scopes=(*SCOPES, "Policy.Read.All", "AuditLog.Read.All", "User.Read.All")
    )

    turns = count()

    def send(case: Case) -> None:
        if case.path_parameters and next(turns) % 4:  # mostly
            case.path_parameters |= {name: known[name] for name in case.path_parameters}
        assume("%0A" not in case.formatted_path)  # a line break, which no router takes
        login = LOGIN in case.path
        host = "login.microsoftonline.com" if login else "graph.microsoft.com"
        headers = {"X-Forwarded-Host": host, **({} if login else {"Authorization": f"Bearer {token}"})}
        response = case.call(base_url=f"https://{host}{'' if login else '/v1.0'}", headers=headers)
        case.validate_response(response, checks=CHECKS)

    return send


@pytest.mark.parametrize("mode", GenerationMode)
@pytest.mark.parametrize(("method", "path"), OPERATIONS)
def test_whatever_is_asked_the_answer_conforms(
    method: str, path: str, mode: GenerationMode, tenant: Tenant, send: Callable[[Case], None]
) -> None:
    SCHEMA.app = create_app(tenant)

    @BRIEF
    @given(case=SCHEMA[path][method].as_strategy(generation_mode=mode))
    def fuzz(case: Case) -> None:
        send(case)

    fuzz()
