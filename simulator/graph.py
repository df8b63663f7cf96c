"""Microsoft Graph v1.0, as far as this project touches it: which operation a request is for."""

import re
from collections.abc import Callable
from typing import TypeAlias
from urllib.parse import unquote

from simulator import groups, members, risk
from simulator.messages import Answer, Refusal
from simulator.service import Call, Service

Operation: TypeAlias = "Callable[[Service, Call, re.Match[str]], Answer]"

_GROUP = r"/groups/(?P<group>[^/()]+)"
_KEY = r"/groups\(uniqueName='(?P<name>(?:[^']|'')+)'\)"
_RISK = r"/identityProtection/riskyUsers"

ROUTES: list[tuple[str, re.Pattern[str], Operation]] = [
    (method, re.compile(pattern), operation)
    for method, pattern, operation in (
        ("GET", _RISK, risk.list_risky_users),
        ("POST", rf"{_RISK}/(?:microsoft\.graph\.)?(?P<action>dismiss|confirmCompromised|confirmSafe)", risk.change_risky_users),
        ("GET", rf"{_RISK}/(?P<user>[^/]+)", risk.get_risky_user),
        ("GET", "/groups", groups.list_groups),
        ("POST", "/groups", groups.create_group),
        ("GET", _KEY, groups.get_group_by_key),
        ("PATCH", _KEY, groups.upsert_group),
        ("GET", _GROUP, groups.get_group),
        ("PATCH", _GROUP, members.change_group),
        ("DELETE", _GROUP, groups.delete_group),
        ("GET", rf"{_GROUP}/members", members.list_members),
        ("POST", rf"{_GROUP}/members/\$ref", members.add_member),
        ("DELETE", rf"{_GROUP}/members/(?P<member>[^/]+)/\$ref", members.remove_member),
        ("DELETE", rf"{_GROUP}/members/(?P<member>[^/]+)", members.delete_member),
    )
]


class Graph(Service):
    """The operations over a directory."""

    def handle(self, call: Call) -> Answer:
        """The answer; raises Refusal."""
        path = unquote(call.path)
        for method, pattern, operation in ROUTES:
            if method == call.method and (match := pattern.fullmatch(path)):
                return operation(self, call, match)
        self.violate(f"unknown request: {call.method} {path}")
        if any(pattern.fullmatch(path) for _, pattern, _ in ROUTES):
            raise Refusal(405, "Request_BadRequest", "Specified HTTP method is not allowed for the request target.")
        raise Refusal(404, "BadRequest", "Resource not found for the segment.")
