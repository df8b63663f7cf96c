"""Which operation a request is for, and the permission groups of which any one suffices; None: any token."""

import re
from collections.abc import Callable
from typing import TypeAlias

from simulator.cloudflare import (
    analytics,
    configuration,
    lists,
    people,
    permissions,
    providers,
    rules,
    scim_resources,
    tokens,
    workers,
)
from simulator.cloudflare.envelope import Answer, Refused
from simulator.cloudflare.service import Call, Service

Operation: TypeAlias = "Callable[[Service, Call, re.Match[str]], Answer]"
Allowed: TypeAlias = frozenset[str] | None

_ACCOUNT = r"/accounts/(?P<account>[^/]*)"
_LIST = rf"{_ACCOUNT}/gateway/lists/(?P<list>[^/]+)"
_RULE = rf"{_ACCOUNT}/gateway/rules/(?P<rule>[^/]+)"
_PROVIDER = rf"{_ACCOUNT}/access/identity_providers/(?P<provider>[^/]+)"
_SCRIPT = rf"{_ACCOUNT}/workers/scripts/(?P<script>[^/]+)"


def _account_details(service: Service, _: Call, __: "re.Match[str]") -> Answer:
    """https://developers.cloudflare.com/api/resources/accounts/methods/get/"""
    state = service.state
    return Answer({"id": state.id, "name": state.name, "type": "enterprise" if state.enterprise else "standard", "settings": {}})


ROUTES: list[tuple[str, re.Pattern[str], Allowed, Operation]] = [
    (method, re.compile(pattern), allowed, operation)
    for method, pattern, allowed, operation in (
        ("GET", rf"{_ACCOUNT}/gateway/lists", permissions.READ_GATEWAY, lists.list_lists),
        ("POST", rf"{_ACCOUNT}/gateway/lists", permissions.WRITE_GATEWAY, lists.create_list),
        ("GET", _LIST, permissions.READ_GATEWAY, lists.get_list),
        ("PUT", _LIST, permissions.WRITE_GATEWAY, lists.put_list),
        ("PATCH", _LIST, permissions.WRITE_GATEWAY, lists.patch_list),
        ("DELETE", _LIST, permissions.WRITE_GATEWAY, lists.delete_list),
        ("GET", rf"{_LIST}/items", permissions.READ_GATEWAY, lists.list_items),
        ("GET", rf"{_ACCOUNT}/gateway/rules", permissions.READ_GATEWAY, rules.list_rules),
        ("POST", rf"{_ACCOUNT}/gateway/rules", permissions.WRITE_GATEWAY, rules.create_rule),
        ("PATCH", rf"{_ACCOUNT}/gateway/rules", permissions.WRITE_GATEWAY, rules.patch_rules),
        ("GET", _RULE, permissions.READ_GATEWAY, rules.get_rule),
        ("PUT", _RULE, permissions.WRITE_GATEWAY, rules.put_rule),
        ("PATCH", _RULE, permissions.WRITE_GATEWAY, rules.patch_rule),
        ("DELETE", _RULE, permissions.WRITE_GATEWAY, rules.delete_rule),
        ("GET", rf"{_ACCOUNT}/gateway/configuration", permissions.READ_GATEWAY, configuration.get_configuration),
        ("PATCH", rf"{_ACCOUNT}/gateway/configuration", permissions.WRITE_GATEWAY, configuration.patch_configuration),
        ("PUT", rf"{_ACCOUNT}/gateway/configuration", permissions.WRITE_GATEWAY, configuration.put_configuration),
        ("GET", rf"{_ACCOUNT}/access/identity_providers", permissions.READ_PROVIDERS, providers.list_providers),
        ("GET", _PROVIDER, permissions.READ_PROVIDERS, providers.get_provider),
        ("PUT", _PROVIDER, permissions.WRITE_PROVIDERS, providers.put_provider),
        ("GET", rf"{_PROVIDER}/scim/groups", permissions.READ_SCIM, scim_resources.list_groups),
        ("GET", rf"{_PROVIDER}/scim/users", permissions.READ_SCIM, scim_resources.list_users),
        ("GET", rf"{_ACCOUNT}/access/logs/scim/updates", permissions.READ_SCIM_LOG, scim_resources.list_log),
        ("GET", rf"{_ACCOUNT}/access/users", permissions.READ_PEOPLE, people.list_users),
        ("POST", rf"{_ACCOUNT}/access/users", permissions.CREATE_PEOPLE, people.create_user),
        ("GET", rf"{_ACCOUNT}/access/users/(?P<user>[^/]+)/last_seen_identity", permissions.READ_PEOPLE, people.last_seen_identity),
        ("GET", _ACCOUNT, permissions.READ_ACCOUNT, _account_details),
        ("GET", "/user/tokens/verify", None, tokens.verify_user_token),
        ("GET", rf"{_ACCOUNT}/tokens/verify", None, tokens.verify_account_token),
        ("GET", rf"{_ACCOUNT}/tokens/permission_groups", permissions.READ_TOKENS, tokens.list_permission_groups),
        ("GET", rf"{_ACCOUNT}/tokens", permissions.READ_TOKENS, tokens.list_tokens),
        ("POST", rf"{_ACCOUNT}/tokens", permissions.WRITE_TOKENS, tokens.create_token),
        ("DELETE", rf"{_ACCOUNT}/tokens/(?P<token>[0-9a-f]{{32}})", permissions.WRITE_TOKENS, tokens.delete_token),
        ("GET", rf"{_ACCOUNT}/workers/scripts", permissions.READ_WORKERS, workers.list_scripts),
        ("DELETE", _SCRIPT, permissions.WRITE_WORKERS, workers.delete_script),
        ("GET", rf"{_SCRIPT}/schedules", permissions.READ_WORKERS, workers.get_schedules),
        ("GET", rf"{_SCRIPT}/settings", permissions.READ_WORKERS, workers.get_settings),
        ("GET", rf"{_SCRIPT}/deployments", permissions.READ_WORKERS, workers.list_deployments),
        ("GET", rf"{_SCRIPT}/secrets", permissions.READ_WORKERS, workers.list_secrets),
        ("PUT", rf"{_SCRIPT}/secrets", permissions.WRITE_WORKERS, workers.put_secret),
        ("POST", "/graphql", None, analytics.query),
    )
]
VERIFYING = (tokens.verify_user_token, tokens.verify_account_token)
"""Operations that a dead token reaches."""

_TAG = re.compile(r"[0-9a-f]{32}")


def route(method: str, path: str) -> "tuple[re.Match[str], Allowed, Operation]":
    """What answers a request below `/client/v4`; raises Refused."""
    elsewhere = False
    for known, pattern, allowed, operation in ROUTES:
        if match := pattern.fullmatch(path):
            if not _TAG.fullmatch(match.groupdict().get("account", "0" * 32)):
                raise _unroutable(400, path)
            if known == method:
                return match, allowed, operation
            elsewhere = True
    if elsewhere:
        raise Refused(405, 10405, "Method not allowed for this endpoint")
    raise _unroutable(400 if "//" in path or path.endswith("/") else 404, path)


def _unroutable(status: int, path: str) -> Refused:
    message = f"Could not route to /client/v4{path}, perhaps your object identifier is invalid?"
    return Refused(status, 7003, message, further=[(7000, "No route for that URI")])
