"""Who is signed in, with which rights, and what they may see of the tenant (entra-admin.md 1.2, 1.4, 1.6 and 3.2)."""

import base64
import json

import pytest

from simulator.entra import challenges
from simulator.entra.directory_roles import EVERYBODY, ROLE_TEMPLATES
from simulator.entra.public_clients import AZURE_CLI, GRAPH_COMMAND_LINE_TOOLS
from simulator.entra.registrations import CredentialPolicy
from tests.simulator.administrators import administrator, error
from tests.simulator.client import contoso
from tests.simulator.test_token import claims

ROLES = "/me/transitiveMemberOf/microsoft.graph.directoryRole?$select=displayName,roleTemplateId"


def test_the_azure_clis_token_says_who_by_what_with_its_fixed_scopes() -> None:
    admin = administrator("Cloud Application Administrator")
    said, me = claims(admin.token), admin.get("/me").body
    assert (said["appid"], said["tid"], said["idtyp"]) == (AZURE_CLI.id, admin.tenant.id, "user")
    assert (said["oid"], said["upn"]) == (me["id"], me["userPrincipalName"])
    assert AZURE_CLI.preauthorized
    assert set(str(said["scp"]).split()) == AZURE_CLI.preauthorized | {"email", "openid", "profile"}
    assert said["wids"] == [ROLE_TEMPLATES["Cloud Application Administrator"], EVERYBODY]
    assert "roles" not in said


def test_another_clients_token_has_what_was_consented_to_and_that_adds_up() -> None:
    admin = administrator()
    user = admin.tenant.directory.users[str(claims(admin.token)["oid"])]
    tools = GRAPH_COMMAND_LINE_TOOLS
    for scope, expected in (("User.Read", {"User.Read"}), ("Policy.Read.All", {"User.Read", "Policy.Read.All"})):
        token = admin.tenant.sign_in_as(user=user, client=tools, scopes=[scope])
        assert set(str(claims(token)["scp"]).split()) - {"email", "openid", "profile"} == expected
    assert admin.tenant.snapshot()["oauth2PermissionGrants"] == [
        {"clientId": tools.id, "principalId": user.id, "scope": "Policy.Read.All User.Read"}
    ]


def test_roles_are_listed_and_one_that_somebody_is_eligible_for_shows_once_activated() -> None:
    admin = administrator("Global Reader")
    user = admin.tenant.directory.users[str(claims(admin.token)["oid"])]
    admin.tenant.assign_role(user, "Privileged Role Administrator", eligible=True)
    assert [each["displayName"] for each in admin.get(ROLES).values] == ["Global Reader"]
    admin.tenant.activate_role(user, "Privileged Role Administrator")
    listed = admin.get(ROLES).values
    assert {each["roleTemplateId"] for each in listed} == {
        ROLE_TEMPLATES[name] for name in ("Global Reader", "Privileged Role Administrator")
    }


def test_an_activated_role_takes_a_new_token() -> None:
    admin = administrator("Global Reader")
    user = admin.tenant.directory.users[str(claims(admin.token)["oid"])]
    target = f"/applications/{admin.tenant.app.application.id}"
    admin.tenant.assign_role(user, "Application Administrator", eligible=True)
    admin.tenant.activate_role(user, "Application Administrator")
    assert error(admin.patch(target, {"notes": "x"})) == (403, "Authorization_RequestDenied")
    admin.token = admin.tenant.sign_in_as(user=user)
    assert admin.patch(target, {"notes": "x"}).status == 204


def test_a_role_that_does_not_exist_is_an_error() -> None:
    admin = administrator()
    with pytest.raises(KeyError):
        admin.but_as("Global Administrater")


@pytest.mark.any_request
def test_an_app_is_nobody() -> None:
    worker = contoso()
    assert error(worker.get("/me")) == (400, "BadRequest")
    assert error(worker.get(ROLES)) == (400, "BadRequest")


@pytest.mark.parametrize("premium", [True, False])
def test_the_organization_tells_its_plans_and_domains(premium: bool) -> None:
    admin = administrator("Global Reader")
    admin.tenant.premium = premium
    organization = admin.get("/organization?$select=id,displayName,assignedPlans,verifiedDomains").values[0]
    assert organization["id"] == admin.tenant.id
    plans, domains = organization["assignedPlans"], organization["verifiedDomains"]
    assert isinstance(plans, list)
    assert isinstance(domains, list)
    enabled = [plan["servicePlanId"] for plan in plans if isinstance(plan, dict) and plan["capabilityStatus"] == "Enabled"]
    assert ("eec0eb4f-6444-4f95-aba0-50c24d67f998" in enabled) is premium
    assert [domain["name"] for domain in domains if isinstance(domain, dict)] == [admin.tenant.domain]


def test_the_policy_on_credentials_is_not_for_the_azure_cli() -> None:
    admin = administrator()
    assert error(admin.get("/policies/defaultAppManagementPolicy")) == (403, "Authorization_RequestDenied")
    other = admin.but_as("Global Administrator", client=GRAPH_COMMAND_LINE_TOOLS, scopes=["Policy.Read.All"])
    assert other.get("/policies/defaultAppManagementPolicy").body["isEnabled"] is False
    admin.tenant.directory.credential_policy = CredentialPolicy(secrets_forbidden=True, secret_days=90, certificate_days=180)
    policy = other.get("/policies/defaultAppManagementPolicy").body
    restrictions = policy["applicationRestrictions"]
    assert policy["isEnabled"] is True
    assert isinstance(restrictions, dict)
    passwords, keys = restrictions["passwordCredentials"], restrictions["keyCredentials"]
    assert isinstance(passwords, list)
    assert isinstance(keys, list)
    limits = [(each["restrictionType"], each["maxLifetime"]) for each in (*passwords, *keys) if isinstance(each, dict)]
    assert limits == [("passwordAddition", None), ("passwordLifetime", "P90D"), ("asymmetricKeyLifetime", "P180D")]


def test_risky_users_are_not_for_the_azure_cli() -> None:
    assert error(administrator().get("/identityProtection/riskyUsers")) == (403, "Forbidden")


def test_a_scope_alone_is_not_enough_where_a_role_is_asked_for() -> None:
    admin = administrator("Global Reader", client=GRAPH_COMMAND_LINE_TOOLS, scopes=["Application.ReadWrite.All"])
    assert error(admin.patch(f"/applications/{admin.tenant.app.application.id}", {"notes": "x"})) == (403, "Authorization_RequestDenied")


def test_a_role_alone_is_not_enough_where_a_scope_is_asked_for() -> None:
    admin = administrator(client=GRAPH_COMMAND_LINE_TOOLS, scopes=["Application.Read.All"])
    application = admin.tenant.app.application.id
    assert admin.get(f"/applications/{application}").status == 200
    assert error(admin.patch(f"/applications/{application}", {"notes": "x"})) == (403, "Authorization_RequestDenied")


def test_graph_may_want_a_newer_sign_in_than_a_tokens() -> None:
    admin = administrator()
    admin.tenant.faults = [challenges.claims_challenge(times=1)]
    refused = admin.get("/organization")
    assert error(refused) == (401, "InvalidAuthenticationToken")
    assert "TokenIssuedBeforeRevocationTimestamp" in str(refused.message)
    challenge = refused.headers["WWW-Authenticate"]
    assert 'error="insufficient_claims"' in challenge
    assert "access_token" in json.loads(base64.b64decode(challenge.partition('claims="')[2].rstrip('"')))
    assert admin.get("/organization").status == 200


def test_one_clients_quota_is_not_anothers() -> None:
    admin = administrator()
    admin.tenant.behaviour.retry_after = "integer"
    answers = [admin.get("/organization").status for _ in range(3501)]
    assert answers[-1] == 429
    other = admin.but_as("Global Administrator", client=GRAPH_COMMAND_LINE_TOOLS, scopes=["User.Read"])
    assert other.get("/organization").status == 200
