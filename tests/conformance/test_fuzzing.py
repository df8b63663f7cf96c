"""Whatever the description allows, and what it does not, is answered as the description has it: schemathesis makes the requests up."""

import json
from collections import Counter
from collections.abc import Callable
from itertools import count
from typing import Never, TypeAlias
from urllib.parse import quote, urlencode

import pytest
import schemathesis
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import content_type_conformance, response_schema_conformance, status_code_conformance

from simulator import Request, Tenant
from simulator.asgi import create_app
from tests.conformance.description import DESCRIPTION, TOKEN
from tests.conformance.microsoft import SignIn

pytestmark = pytest.mark.any_request

Case: TypeAlias = schemathesis.Case[Never]  # of whatever operation
BRIEF = settings(max_examples=8, deadline=None, database=None, derandomize=True, suppress_health_check=list(HealthCheck))
CHECKS = [not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance]
NAME = "IdentityProtection-RiskyUser-RiskLevel-high"
DESCRIBED = yaml.safe_load(DESCRIPTION.read_text())
SCHEMA = schemathesis.openapi.from_dict(DESCRIBED)
OPERATIONS = [(method.upper(), path) for path, operations in DESCRIBED["paths"].items() for method in operations if method != "servers"]


@pytest.fixture(scope="module")
def tenant() -> Tenant:
    """A tenant for which a minute passes with every request, so that nothing is throttled."""
    seconds = count(1_790_000_000, 60)
    tenant = Tenant.contoso(clock=lambda: float(next(seconds)))
    tenant.app.permissions |= {"Group.ReadWrite.All", "User.ReadBasic.All"}
    tenant.behaviour.token_seconds = 10**8
    return tenant


@pytest.fixture(scope="module")
def token(tenant: Tenant) -> str:
    return str(SignIn(tenant).acquire()["access_token"])


@pytest.fixture(scope="module")
def known(tenant: Tenant) -> dict[str, str]:
    """Path parameters that name something there is."""
    group = tenant.create_group(NAME, unique_name=NAME)
    return {
        "group-id": group.id,
        "directoryObject-id": tenant.risky_at("high")[0].id,
        "user-id": tenant.risky_at("high")[0].id,
        "uniqueName": NAME,
        "tenant": tenant.id,
        "appId": tenant.app.client_id,
    }


@pytest.fixture(scope="module")
def send(known: dict[str, str], token: str) -> Callable[[Case], None]:
    """Sends a request to the tenant's ASGI app, and holds the answer to the description."""

    def send(case: Case) -> None:
        name_what_is_there(case, known)
        host = "login.microsoftonline.com" if case.path == TOKEN else "graph.microsoft.com"
        headers = {"X-Forwarded-Host": host, "Authorization": f"Bearer {token}"}
        response = case.call(base_url=f"https://{host}{'' if case.path == TOKEN else '/v1.0'}", headers=headers)
        case.validate_response(response, checks=CHECKS)

    return send


def name_what_is_there(case: Case, known: dict[str, str]) -> None:
    if case.path_parameters and len(str(case.body)) % 2:  # every other time
        case.path_parameters |= {name: known[name] for name in case.path_parameters}


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


def test_whatever_a_batch_holds_each_answer_conforms(tenant: Tenant, known: dict[str, str], token: str) -> None:
    items = [SCHEMA[path][method].as_strategy() for method, path in OPERATIONS if path not in ("/$batch", TOKEN)]
    headers = {"Authorization": f"Bearer {token}", "client-request-id": tenant.id, "Content-Type": "application/json"}
    statuses = Counter[int]()

    @BRIEF
    @given(cases=st.lists(st.one_of(items), min_size=1, max_size=20))
    def fuzz(cases: list[Case]) -> None:
        batch = {"requests": [item(number, case) for number, case in enumerate(cases)]}
        answer = tenant.handle(Request("POST", "https://graph.microsoft.com/v1.0/$batch", headers, json.dumps(batch).encode()))
        assert answer.status == 200
        statuses.update(each["status"] for each in json.loads(answer.body)["responses"])

    def item(number: int, case: Case) -> dict[str, object]:
        name_what_is_there(case, known)
        url = f"{quote(case.formatted_path)}?{urlencode(case.query)}" if case.query else quote(case.formatted_path)
        entry: dict[str, object] = {"id": str(number), "method": case.method, "url": url}
        if isinstance(case.body, dict):
            prefer = {"Prefer": "create-if-missing"} if "uniqueName" in url else {}
            entry |= {"headers": {"Content-Type": "application/json", **prefer}, "body": case.body}
        return entry

    fuzz()
    assert {200, 400, 404} <= set(statuses)
