"""Cloudflare's own Python SDK, with its retries, paging and models, does the product's jobs on a simulated account, over loopback."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Protocol

import cloudflare
import httpx
import pytest
from cloudflare import Cloudflare

from runtime.serving import serving
from simulator import Fault
from simulator.asgi import create_app
from simulator.cloudflare import Account
from simulator.cloudflare.permissions import GROUP_IDS

WORKER = "risky-users"


@dataclass
class Group:
    id: str
    name: str
    members: set[str]


@dataclass
class User:
    principal_name: str
    mail: str | None
    name: str


class Directory:
    """One group with one user."""

    def assigned_groups(self, _: float) -> list[Group]:
        return [Group("g1", "risky-high", {"ada"})]

    def user(self, _: str) -> User:
        return User("ada@contoso.com", "ada@contoso.com", "Ada")


@pytest.fixture
def account() -> Account:
    return Account.contoso()


@pytest.fixture
def address(account: Account) -> Iterator[str]:
    with serving(create_app(account, host="api.cloudflare.com")) as origin:
        yield f"{origin}/client/v4"


class Sdk(Protocol):
    """Makes the SDK's client with a token: a given one, one that has these permissions, or the account's first."""

    def __call__(self, *permissions: str, token: str = "", max_retries: int = 2) -> Cloudflare: ...


@pytest.fixture
def sdk(account: Account, address: str) -> Iterator[Sdk]:
    with httpx.Client() as http:  # one of its own the SDK closes when it is collected, if by then it still can

        def client(*permissions: str, token: str = "", max_retries: int = 2) -> Cloudflare:
            chosen = token or (account.create_token("sdk", *permissions) if permissions else account.token).value
            return Cloudflare(api_token=chosen, base_url=address, max_retries=max_retries, http_client=http)

        yield client


def test_lists_are_made_filled_read_page_by_page_and_deleted(account: Account, sdk: Sdk) -> None:
    lists = sdk().zero_trust.gateway.lists
    made = lists.create(account_id=account.id, name="mine", type="EMAIL", items=[{"value": "first@contoso.com"}])
    assert made
    assert made.id
    assert made.items
    assert made.items[0].value == "first@contoso.com"
    many = [{"value": f"user{number}@contoso.com"} for number in range(149)]
    changed = lists.edit(made.id, account_id=account.id, append=many, remove=["first@contoso.com"])  # type: ignore[arg-type]  # dicts will do
    assert changed
    assert (changed.count, changed.items) == (149, None)
    items = list(lists.items.list(made.id, account_id=account.id))
    assert [item.value for item in items] == [item["value"] for item in many]
    assert account.subrequests == 6  # three pages of items, and one without, which ends it
    read = lists.get(made.id, account_id=account.id)
    assert read
    assert len(read.items or []) == read.count == 149
    found = list(lists.list(account_id=account.id, filter=["name:MINE"]))
    assert [(each.name, each.type, each.count, each.items) for each in found] == [("mine", "EMAIL", 149, None)]
    renamed = lists.update(made.id, account_id=account.id, name="renamed", description="ours")
    assert renamed
    assert (renamed.name, renamed.description) == ("renamed", "ours")
    assert lists.delete(made.id, account_id=account.id) == {}
    with pytest.raises(cloudflare.BadRequestError) as missing:
        lists.get(made.id, account_id=account.id)
    assert [error.code for error in missing.value.errors] == [2218]


def test_rules_are_made_read_replaced_and_deleted(account: Account, sdk: Sdk) -> None:
    rules = sdk().zero_trust.gateway.rules
    identity = f"identity.email in ${account.list_named('risky-users-high').id}"
    made = rules.create(
        account_id=account.id,
        name="mine",
        action="isolate",
        enabled=True,
        filters=["http"],
        precedence=7,
        identity=identity,
        rule_settings={"biso_admin_controls": {"version": "v2", "copy": "disabled"}},
    )
    assert made
    assert made.id
    assert made.rule_settings
    assert made.rule_settings.biso_admin_controls
    assert (made.identity, made.enabled, made.rule_settings.biso_admin_controls.copy_) == (identity, True, "disabled")
    assert made.id in {rule.id for rule in rules.list(account_id=account.id)}
    put = rules.update(made.id, account_id=account.id, name="renamed", action="isolate", filters=["http"])
    assert put
    assert (put.name, put.enabled, put.precedence, put.version) == ("renamed", False, 7, 2)
    assert rules.get(made.id, account_id=account.id) == put
    rules.delete(made.id, account_id=account.id)
    with pytest.raises(cloudflare.NotFoundError, match="invalid rule id"):
        rules.get(made.id, account_id=account.id)


def test_the_configuration_is_read_and_merged(account: Account, sdk: Sdk) -> None:
    configurations = sdk().zero_trust.gateway.configurations
    account.decrypt_tls(on=False)
    configurations.edit(account_id=account.id, settings={"tls_decrypt": {"enabled": True}})
    read = configurations.get(account_id=account.id)
    assert read
    assert read.settings
    assert read.settings.tls_decrypt
    assert read.settings.tls_decrypt.enabled is True


def test_providers_and_what_scim_has_brought(account: Account, sdk: Sdk) -> None:
    permissions = ("Access: Organizations, Identity Providers, and Groups Write", "Access: SCIM Logs Read", "Access: Audit Logs Read")
    zero_trust = sdk(*permissions).zero_trust
    ada = account.enroll("ada@contoso.com", "Ada")
    account.connect(Directory())
    providers = list(zero_trust.identity_providers.list(account_id=account.id, scim_enabled="true"))
    assert [(each.name, each.type, each.id) for each in providers] == [("Entra ID", "azureAD", account.provider.id)]
    read = zero_trust.identity_providers.get(account.provider.id, account_id=account.id)
    assert read
    assert read.scim_config
    assert (read.scim_config.enabled, read.scim_config.identity_update_behavior, read.scim_config.secret) == (True, "automatic", None)
    groups = list(zero_trust.identity_providers.scim.groups.list(account.provider.id, account_id=account.id, idp_resource_id=["g1"]))
    assert [(each.display_name, each.external_id) for each in groups] == [("risky-high", "g1")]
    users = list(zero_trust.identity_providers.scim.users.list(account.provider.id, account_id=account.id, email="ada@contoso.com"))
    assert [each.active for each in users] == [True]
    log = list(zero_trust.access.logs.scim.updates.list(account_id=account.id, idp_id=[account.provider.id], direction="asc"))
    assert [(each.request_method, each.resource_type, each.status) for each in log] == [
        ("POST", "USER", "SUCCESS"),
        ("POST", "GROUP", "SUCCESS"),
    ]
    registered = list(zero_trust.access.users.list(account_id=account.id, email="ada@contoso.com"))
    assert [each.id for each in registered] == [ada.id]
    identity = zero_trust.access.users.last_seen_identity.get(ada.id, account_id=account.id)
    assert identity
    assert (identity.email, identity.is_gateway) == ("ada@contoso.com", True)


def test_scim_is_switched_on_and_its_secret_shown_once(account: Account, sdk: Sdk) -> None:
    providers = sdk("Access: Organizations, Identity Providers, and Groups Write").zero_trust.identity_providers
    account.provider.scim_enabled = False
    for shown in (True, False):
        put = providers.update(
            account.provider.id,
            account_id=account.id,
            name="Entra ID",
            type="azureAD",
            config={"client_id": "c", "client_secret": "s", "directory_id": "d", "support_groups": True},
            scim_config={"enabled": True, "identity_update_behavior": "automatic", "user_deprovision": False},
        )
        assert put
        assert put.scim_config
        assert put.scim_config.secret == (account.provider.scim_secret if shown else None)
    assert account.violations == []


@pytest.mark.parametrize("kind", ["user", "account"])
def test_tokens_are_verified_where_they_belong(account: Account, sdk: Sdk, kind: str) -> None:
    token = account.create_token("mine", kind="user" if kind == "user" else "account", expires=1_900_000_000.0)
    client = sdk(token=token.value)
    verified = client.user.tokens.verify() if kind == "user" else client.accounts.tokens.verify(account_id=account.id)
    assert verified
    assert (verified.id, verified.status, verified.expires_on) == (token.id, "active", datetime.fromtimestamp(1_900_000_000, UTC))
    with pytest.raises(cloudflare.AuthenticationError, match="Invalid API Token"):
        _ = client.accounts.tokens.verify(account_id=account.id) if kind == "user" else client.user.tokens.verify()


def test_a_token_is_made_for_the_worker_and_revoked(account: Account, sdk: Sdk) -> None:
    client = sdk("Account API Tokens Write")
    groups = client.accounts.tokens.permission_groups.list(account_id=account.id, name="Zero Trust Write")
    group_ids = [each.id for each in groups if each.id]
    assert group_ids == [GROUP_IDS["Zero Trust Write"]]
    policy = {
        "effect": "allow",
        "permission_groups": [{"id": group_ids[0]}],
        "resources": {f"com.cloudflare.api.account.{account.id}": "*"},
    }
    made = client.accounts.tokens.create(account_id=account.id, name="worker", policies=[policy])  # type: ignore[list-item]  # a dict will do
    assert made
    assert made.value
    assert made.id
    worker = sdk(token=made.value)
    assert len(list(worker.zero_trust.gateway.lists.list(account_id=account.id))) == 3
    assert made.id in {each.id for each in client.accounts.tokens.list(account_id=account.id)}
    client.accounts.tokens.delete(made.id, account_id=account.id)
    with pytest.raises(cloudflare.AuthenticationError):
        worker.zero_trust.gateway.lists.list(account_id=account.id)


def test_a_worker_is_looked_at_completed_and_removed(account: Account, sdk: Sdk) -> None:
    account.deploy_worker(WORKER, variables={"DRY_RUN": "true"})
    client = sdk("Workers Scripts Write", "Account Settings Read")
    scripts = client.workers.scripts
    assert [each.id for each in scripts.list(account_id=account.id)] == [WORKER]
    secret = scripts.secrets.update(WORKER, account_id=account.id, name="TOKEN", text="s3cret", type="secret_text")
    assert secret
    assert secret.name == "TOKEN"
    schedules = scripts.schedules.get(WORKER, account_id=account.id)
    assert schedules
    assert [each.cron for each in schedules.schedules] == ["* * * * *"]
    settings = scripts.script_and_version_settings.get(WORKER, account_id=account.id)
    assert settings
    assert [(each.name, each.type) for each in settings.bindings or []] == [("DRY_RUN", "plain_text"), ("TOKEN", "secret_text")]
    deployments = scripts.deployments.with_raw_response.list(
        WORKER, account_id=account.id
    )  # whose pages the SDK reads as others than documented
    assert len(json.loads(deployments.text())["result"]["deployments"]) == 2
    scripts.delete(WORKER, account_id=account.id, force=True)
    assert list(scripts.list(account_id=account.id)) == []
    details = client.accounts.get(account_id=account.id)
    assert details
    assert (details.id, details.type) == (account.id, "standard")


@pytest.mark.parametrize(
    ("status", "error"),
    [(400, cloudflare.BadRequestError), (403, cloudflare.PermissionDeniedError), (409, cloudflare.ConflictError)],
)
def test_refusals_are_told_by_status_and_code(account: Account, sdk: Sdk, status: int, error: type[cloudflare.APIStatusError]) -> None:
    account.faults = [Fault("status", status=status, code="10000", message="Authentication error")]
    with pytest.raises(error) as refused:
        sdk(max_retries=0).zero_trust.gateway.lists.list(account_id=account.id)
    assert [each.code for each in refused.value.errors] == [10000]


def test_what_passes_is_tried_again_by_the_sdk(account: Account, sdk: Sdk, monkeypatch: pytest.MonkeyPatch) -> None:
    pauses: list[float] = []
    monkeypatch.setattr("cloudflare._base_client.time.sleep", pauses.append)
    account.faults = [
        Fault("status", status=429, headers={"retry-after": "7"}, times=1),
        Fault("html", status=520, skip=1, times=1),
        Fault("drop", skip=2, times=1),
    ]
    client = sdk(max_retries=3)
    assert len(list(client.zero_trust.gateway.lists.list(account_id=account.id))) == 3
    assert account.subrequests == 4
    assert len(pauses) == 3


def test_cron_runs_are_asked_for_by_graphql_which_the_sdk_has_no_words_for(account: Account, address: str) -> None:
    account.record_run(account.deploy_worker(WORKER))
    query = """query ($account: String!) { viewer { accounts(filter: {accountTag: $account}) {
      workersInvocationsScheduled(limit: 10, orderBy: [datetime_DESC]) { scriptName status } } } }"""
    headers = {"Authorization": f"Bearer {account.create_token('analytics', 'Account Analytics Read').value}"}
    answer = httpx.post(f"{address}/graphql", json={"query": query, "variables": {"account": account.id}}, headers=headers)
    assert answer.json()["data"]["viewer"]["accounts"][0]["workersInvocationsScheduled"] == [{"scriptName": WORKER, "status": "success"}]
