"""Whatever the description allows, and what it does not, is answered as the description has it: schemathesis makes the requests up."""

from collections import Counter
from collections.abc import Callable
from itertools import count
from typing import Never, TypeAlias

import pytest
import schemathesis
import yaml
from hypothesis import HealthCheck, given, settings
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import content_type_conformance, response_schema_conformance, status_code_conformance

from simulator.asgi import create_app
from simulator.cloudflare import Account
from simulator.cloudflare.permissions import GROUP_IDS
from tests.conformance.cloudflare.description import DESCRIPTION, operations

pytestmark = pytest.mark.any_request

Case: TypeAlias = schemathesis.Case[Never]  # of whatever operation
BRIEF = settings(max_examples=8, deadline=None, database=None, derandomize=True, suppress_health_check=list(HealthCheck))
CHECKS = [not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance]
SCHEMA = schemathesis.openapi.from_dict(yaml.safe_load(DESCRIPTION.read_text()))
STATUSES = Counter[int]()


@pytest.fixture(scope="module")
def account() -> Account:
    """An account for which a minute passes with every request, so that nothing is throttled."""
    seconds = count(1_790_000_000, 60)
    account = Account.contoso(clock=lambda: float(next(seconds)))
    account.create_token("everything", *GROUP_IDS)
    account.set_values(account.list_named("risky-users-high"), ["ada@contoso.com"])
    account.enroll("ada@contoso.com")
    account.deploy_worker("risky-users")
    return account


@pytest.fixture(scope="module")
def send(account: Account) -> Callable[[Case], None]:
    """Sends a request to the account's ASGI app, and holds the answer to the description."""
    token = next(each for each in account.state.tokens.values() if each.name == "everything")

    def send(case: Case) -> None:
        there = known(account) if len(str(case.body)) % 2 else {"account_id": account.id}  # the rest every other time
        case.path_parameters |= {name: value for name, value in there.items() if name in case.path_parameters}
        response = case.call(base_url="http://127.0.0.1/client/v4", headers={"Authorization": f"Bearer {token.value}"})
        case.validate_response(response, checks=CHECKS)
        STATUSES[response.status_code] += 1
        if token.id not in account.state.tokens:  # it may have been deleted
            account.state.tokens[token.id] = token

    return send


def known(account: Account) -> dict[str, str]:
    """Path parameters that name something there is."""
    state = account.state
    return {
        "account_id": account.id,
        "list_id": next(iter(state.standing_lists())).id,
        "rule_id": next(iter(state.rules.value), ""),
        "identity_provider_id": account.provider.id,
        "user_id": next(iter(state.people)),
        "token_id": account.token.id,
        "script_name": account.deploy_worker("risky-users").name,
    }


@pytest.mark.parametrize("mode", GenerationMode)
@pytest.mark.parametrize(("method", "path"), operations())
def test_whatever_is_asked_the_answer_conforms(
    method: str, path: str, mode: GenerationMode, account: Account, send: Callable[[Case], None]
) -> None:
    SCHEMA.app = create_app(account, host="api.cloudflare.com")

    @BRIEF
    @given(case=SCHEMA[path][method].as_strategy(generation_mode=mode))
    def fuzz(case: Case) -> None:
        send(case)

    fuzz()


def test_all_sorts_of_answers_were_among_them() -> None:
    assert {200, 201, 400, 401, 404} <= set(STATUSES), STATUSES
