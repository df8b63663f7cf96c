"""Cloudflare Zero Trust lists: what they hold is read, appended to and removed from. No other write can be expressed.

The token goes to api.cloudflare.com and nowhere else, and no redirect is followed. Of Cloudflare's messages nothing is
shown but the code, for they quote addresses (https://developers.cloudflare.com/api/resources/zero_trust/subresources/gateway/subresources/lists/).
"""

import json
import re
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from budget import Budget, HttpResponse
from errors import Cause, GatewayError, OutOfBudget
from settings import GatewaySettings
from text import JSON, parse

HOST = "api.cloudflare.com"
ITEMS_PAGE = 1000
MOST_PAGES = 10
VALUES_AT_ONCE = 1000
"""How many values a PATCH appends and removes: no maximum is documented, and so many are common."""
ANSWER_SECONDS = 4.0
"""How long Cloudflare may take for an answer: the groups wait for it."""
LANE_SECONDS = 8.0
"""How long all of a tick's requests to Cloudflare may take together."""

_PUT_TOKEN = "put another with `npx wrangler secret put GATEWAY_API_TOKEN`"
_MALFORMED = f"the token is malformed, with blanks, quotes or a line break in it; {_PUT_TOKEN}"
_NO_ROUTE = "check CLOUDFLARE_ACCOUNT_ID and the list ids in wrangler.toml"
_REMEDIES = {
    1000: f"the token is not valid any more, or never was; {_PUT_TOKEN}",
    2218: "there is no list with this id; make one with `risky-users setup gateway`, or correct the id in wrangler.toml",
    6003: _MALFORMED,
    6111: _MALFORMED,
    7000: _NO_ROUTE,
    7003: _NO_ROUTE,
    9106: _MALFORMED,
    9109: f"the token was revoked, is another account's or lacks Zero Trust Write; {_PUT_TOKEN}",
    10000: (
        "the token lacks Zero Trust Write on the account in CLOUDFLARE_ACCOUNT_ID, or something passes at Cloudflare: "
        f"if this lasts for minutes, {_PUT_TOKEN}"
    ),
}
"""What to do about codes that are known."""
_RATE_LIMIT = re.compile(r"error code: 971|\b1015\b", re.ASCII)
"""What the edge writes where no JSON comes."""
_RAY = re.compile(r"[0-9a-f]{16}(-[A-Z]{3})?", re.ASCII)


class ListFacts(NamedTuple):
    """What Cloudflare tells of a list: its type, how many items it holds and when it last changed, as Cloudflare writes it."""

    kind: str
    size: int
    updated: str


class GatewayClient:
    """One account's lists for the length of a tick, within a share of its subrequests and LANE_SECONDS."""

    def __init__(self, settings: GatewaySettings, budget: Budget) -> None:
        self._settings, self._budget = settings, budget
        self._path = f"/client/v4/accounts/{settings.account_id}/gateway/lists"
        self._most = budget.subrequests + budget.max_subrequests // 2
        self._seconds = 0.0
        self._throttled: GatewayError | None = None

    async def listing(self) -> dict[str, ListFacts]:
        """The account's lists by id, without dashes, as far as the token may see them. Raises GatewayError."""
        answer = await self._call("GET", "", "read the lists' counts")
        entries = answer.get("result")
        found = {}
        for entry in entries if isinstance(entries, list) else []:
            if isinstance(entry, dict) and isinstance(list_id := entry.get("id"), str):
                found[list_id.replace("-", "").lower()] = _facts(entry)
        return found

    async def items(self, list_id: str) -> tuple[ListFacts, list[tuple[str, str]]]:
        """A list and all its items, each with its description. Raises GatewayError where they are not complete."""
        what = f"read the list {list_id}"
        answer = await self._call("GET", f"/{list_id}", what)
        result = answer.get("result")
        facts = _facts(result) if isinstance(result, dict) else ListFacts("", 0, "")
        if facts.kind != "EMAIL":
            raise GatewayError(f"Could not {what}: it is of type {facts.kind or 'unknown'}, and only one of type EMAIL holds addresses.")
        items = _items(result.get("items") if isinstance(result, dict) else None)
        if items is None or len(items) != facts.size:
            items = await self._pages(list_id, what, facts.size)
        if len(items) != facts.size:
            why = f"it is said to hold {facts.size} items and {len(items)} were read; nothing is changed on that account"
            raise GatewayError(f"Could not {what}: {why}.")
        return facts, items

    async def _pages(self, list_id: str, what: str, count: int) -> list[tuple[str, str]]:
        items: list[tuple[str, str]] = []
        for page in range(1, MOST_PAGES + 1):
            answer = await self._call("GET", f"/{list_id}/items?page={page}&per_page={ITEMS_PAGE}", what)
            entries = _items(answer.get("result"))
            if entries is None:
                raise GatewayError(f"Could not {what}: Cloudflare's answer is not understood.")
            items += entries
            if not entries or len(items) >= count:
                break
        return items

    async def patch(self, list_id: str, append: Mapping[str, str], remove: Sequence[str]) -> int:
        """Append addresses, each with a description, and remove some as they are spelled; how many items there are then.

        Raises GatewayError, whose cause is "conflict" where a value was there already, or was not.
        """
        body = {"append": [{"value": value, "description": each} for value, each in append.items()], "remove": [*remove]}
        what = f"change the list {list_id}"
        answer = await self._call("PATCH", f"/{list_id}", what, {name: values for name, values in body.items() if values})
        result = answer.get("result")
        return _facts(result).size if isinstance(result, dict) else -1

    async def _call(self, method: str, path: str, what: str, body: Mapping[str, object] | None = None) -> "dict[str, JSON]":
        """The answer to a request that succeeded. Raises GatewayError."""
        clock, seconds = self._budget.clock, min(ANSWER_SECONDS, LANE_SECONDS - self._seconds)
        if self._throttled:
            raise self._throttled
        if seconds <= 0 or self._budget.subrequests >= self._most:
            raise _left_over(what)
        headers = {"authorization": f"Bearer {self._settings.token}", "accept": "application/json", "user-agent": "risky-users"}
        if body is not None:
            headers["content-type"] = "application/json"
        began = clock.now()
        try:
            url = f"https://{HOST}{self._path}{path}"
            response = await self._budget.send(method, url, headers, "" if body is None else json.dumps(body), longest=seconds)
        except OutOfBudget:
            raise _left_over(what) from None
        finally:
            self._seconds += clock.now() - began
        answer = parse(response.body)
        if 200 <= response.status < 300 and isinstance(answer, dict) and answer.get("success") is True:
            return answer
        error = _refusal(what, response, answer)
        if error.cause == "throttled":
            self._throttled = error
        raise error


def _left_over(what: str) -> GatewayError:
    why = "this tick's subrequests or time for Cloudflare ended first; the next minute goes on"
    return GatewayError(f"Could not {what}: {why}.", cause="budget")


def _facts(entry: "dict[str, JSON]") -> ListFacts:
    count, updated = entry.get("count", 0), entry.get("updated_at")
    return ListFacts(str(entry.get("type")), count if isinstance(count, int) else 0, updated if isinstance(updated, str) else "")


def _items(entries: "JSON") -> list[tuple[str, str]] | None:
    """Values and descriptions; of no items there is null, nothing or an empty list. None where it makes no sense."""
    found = []
    for entry in entries if isinstance(entries, list) else []:
        value = entry.get("value") if isinstance(entry, dict) else None
        if not isinstance(entry, dict) or not isinstance(value, str):
            return None
        found.append((value, str(entry.get("description") or "")))
    return found if entries is None or isinstance(entries, list) else None


def _refusal(what: str, response: HttpResponse, answer: "JSON") -> GatewayError:
    """What an answer that is no success means: by status, then by the first code, then by the few messages known."""
    errors = answer.get("errors") if isinstance(answer, dict) else None
    first = errors[0] if isinstance(errors, list) and errors else None
    code = first.get("code") if isinstance(first, dict) else None
    code = code if type(code) is int and 0 < code < 10**6 else 0
    message = str(first.get("message") or "").lower() if isinstance(first, dict) else ""
    limited = not isinstance(first, dict) and bool(_RATE_LIMIT.search(response.body[:5000]))
    reason, cause = _reason(429 if limited else response.status, code, message)
    ray = response.headers.get("cf-ray", "")
    return GatewayError(
        f"Could not {what}: {reason}{f' ({code})' if code else ''}.", (ray,) if _RAY.fullmatch(ray) else (), code=code, cause=cause
    )


def _reason(status: int, code: int, message: str) -> tuple[str, Cause]:
    if status == 429 or code == 971:
        return "Cloudflare is throttling this token or account; the next minutes try again", "throttled"
    if code in _REMEDIES:
        return _REMEDIES[code], "permission" if code not in (2218, 7000, 7003) else ""
    if status in (401, 403):
        return f"Cloudflare answers {status}: {_REMEDIES[10000]}", "permission"
    if status == 0 or status == 408 or status >= 500 or 200 <= status < 300:
        told = "gave no answer in time" if status == 0 else f"answers {status}" + (", and nothing that can be read" if status < 300 else "")
        return f"Cloudflare {told}; the next minute tries again", "passing"
    if 300 <= status < 400:
        return f"Cloudflare answers {status}, a redirect, which is not followed because the token would go with it", ""
    if status == 409 or "not found in list" in message or any(word in message for word in ("duplicate", "already", "conflict")):
        return "another change was in its way; the next minute tries again", "conflict"
    return (_REMEDIES[2218] if status == 404 else f"Cloudflare refuses the request with status {status}"), "refused"
