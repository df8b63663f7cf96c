"""Cloudflare Zero Trust lists: what they hold is read, appended to and removed from. No other write can be expressed.

The token goes to api.cloudflare.com and nowhere else, and no redirect is followed. Of Cloudflare's answers nothing is shown
but codes, for messages quote addresses
(https://developers.cloudflare.com/api/resources/zero_trust/subresources/gateway/subresources/lists/).
"""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from budget import SHORTEST_SECONDS, Begun, Budget, HttpResponse
from errors import Cause, CutOff, GatewayError, OutOfBudget
from settings import GatewaySettings
from text import JSON, parse

HOST = "api.cloudflare.com"
PAGE_SIZES = (1000, 100, 50)
"""How many items to ask for at once, one after the other where Cloudflare refuses: its maximum is documented nowhere."""
VALUES_AT_ONCE = 1000
"""How many values a PATCH appends and removes: no maximum is documented, and so many are common."""
ANSWER_SECONDS = 4.0
"""How long Cloudflare may take for an answer: the groups wait for it."""
LANE_SECONDS = 8.0
"""How long all of a tick's requests to Cloudflare may take together."""

_READ_COUNTS = "read the lists' counts"
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
_QUOTED = re.compile(r"\S*@\S*")
"""Addresses in a message, whose words mean nothing."""
_WORD = re.compile(r"[A-Z]{1,16}", re.ASCII)
_RAY = re.compile(r"[0-9a-f]{16}(-[A-Z]{3})?", re.ASCII)


class ListFacts(NamedTuple):
    """What Cloudflare tells of a list: its type, how many items it holds and when it last changed, as Cloudflare writes it."""

    kind: str
    size: int
    updated: str


@dataclass(slots=True)
class Pages:
    """The items of a list that is on its way page by page, over several minutes where one does not suffice for it."""

    facts: ListFacts
    items: list[tuple[str, str]] = field(default_factory=list)
    read: int = 0
    ended: bool = False
    sizes: Sequence[int] = PAGE_SIZES


class GatewayClient:
    """One account's lists for the length of a tick, within LANE_SECONDS and so many requests.

    `pages` are the lists that the ticks before have begun to read, by id.
    """

    def __init__(self, settings: GatewaySettings, budget: Budget, requests: int, pages: dict[str, Pages]) -> None:
        self._settings, self._budget, self._pages = settings, budget, pages
        self._path = f"/client/v4/accounts/{settings.account_id}/gateway/lists"
        self.left, self.kept_back = requests, 0
        """How many requests are left, and how many of these are for what comes later."""
        self._seconds, self._slowest = LANE_SECONDS, SHORTEST_SECONDS
        self._throttled: GatewayError | None = None
        self._listing: Begun | None = None

    def begin_listing(self) -> None:
        """Ask for the account's lists now, so that Cloudflare answers while something else is waited for. Raises GatewayError."""
        self._listing = self._begin("GET", "", _READ_COUNTS, later=True)

    async def listing(self) -> dict[str, ListFacts]:
        """The account's lists by id, without dashes, as far as the token may see them. Raises GatewayError."""
        begun, self._listing = self._listing or self._begin("GET", "", _READ_COUNTS), None
        entries = (await self._answer(begun, _READ_COUNTS)).get("result")
        if not isinstance(entries, list):
            raise _not_understood(_READ_COUNTS)
        found = {}
        for entry in entries:
            if isinstance(entry, dict) and isinstance(list_id := entry.get("id"), str) and (facts := _facts(entry)):
                found[list_id.replace("-", "").lower()] = facts
        return found

    async def items(self, list_id: str, facts: ListFacts | None) -> tuple[ListFacts, list[tuple[str, str]]]:
        """A list and all its items, each with its description; `facts` is what the listing tells of it.

        Raises GatewayError where they are not complete. Up to 1,000 come with the list itself, of more maybe not all: then
        they are paged, and as long as the list does not change what was read of it is kept for the next minute. Pages make
        a whole once Cloudflare says afterwards that the list is as it was when the first of them was read.
        """
        what, begun = f"read the list {list_id}", self._pages.get(list_id)
        if facts is None or not begun or begun.facts != facts:
            facts, items = await self._one_list(list_id, what)
            if items is not None and len(items) == facts.size:
                self._pages.pop(list_id, None)
                return facts, items
            if not begun or begun.facts != facts:
                begun = self._pages[list_id] = Pages(facts)
        if not begun.ended:
            await self._read_pages(list_id, what, begun)
            facts, _ = await self._one_list(list_id, what)
        del self._pages[list_id]
        if begun.facts != facts:
            why = "it changed while its pages were read; the next minute reads it again"
            raise GatewayError(f"Could not {what}: {why}.", cause="passing")
        if len(begun.items) != facts.size:
            why = f"it is said to hold {facts.size} items and {len(begun.items)} were read; nothing is changed on that account"
            raise GatewayError(f"Could not {what}: {why}.")
        return facts, begun.items

    async def _one_list(self, list_id: str, what: str) -> tuple[ListFacts, list[tuple[str, str]] | None]:
        """What a list is, and the items that come with it; None where these make no sense."""
        result = (await self._call("GET", f"/{list_id}", what)).get("result")
        facts = _facts(result)
        if not facts or not isinstance(result, dict):
            raise _not_understood(what)
        if facts.kind != "EMAIL":
            raise GatewayError(f"Could not {what}: it is of type {facts.kind or 'unknown'}, and only one of type EMAIL holds addresses.")
        return facts, _items(result.get("items"))

    async def _read_pages(self, list_id: str, what: str, begun: Pages) -> None:
        while len(begun.items) < begun.facts.size:
            path = f"/{list_id}/items?page={begun.read + 1}&per_page={begun.sizes[0]}"
            try:
                answer = await self._call("GET", path, what)
            except GatewayError as error:
                if error.cause == "refused" and not begun.read and len(begun.sizes) > 1:
                    begun.sizes = begun.sizes[1:]
                    continue
                raise
            entries = _items(answer.get("result"))
            if entries is None:
                raise _not_understood(what)
            if not entries:
                break
            begun.items += entries
            begun.read += 1
        begun.ended = True

    async def patch(self, list_id: str, append: Mapping[str, str], remove: Sequence[str]) -> ListFacts:
        """Append addresses, each with a description, and remove some as they are spelled; what the list is then.

        Raises GatewayError, whose cause is "conflict" where a value was there already, or was not, and "passing" where the
        change may have been made all the same.
        """
        body = {"append": [{"value": value, "description": each} for value, each in append.items()], "remove": [*remove]}
        what = f"change the list {list_id}"
        answer = await self._call("PATCH", f"/{list_id}", what, {name: values for name, values in body.items() if values})
        if not (facts := _facts(answer.get("result"))):
            raise _not_understood(what)
        return facts

    async def _call(self, method: str, path: str, what: str, body: Mapping[str, object] | None = None) -> "dict[str, JSON]":
        """The answer to a request that succeeded. Raises GatewayError."""
        return await self._answer(self._begin(method, path, what, body), what)

    def _begin(self, method: str, path: str, what: str, body: Mapping[str, object] | None = None, *, later: bool = False) -> Begun:
        """Send a request. Raises GatewayError where it has no place in this tick."""
        if self._throttled:
            raise self._throttled
        if self._seconds < self._slowest or self.left <= self.kept_back:
            raise _left_over(what)
        headers = {"authorization": f"Bearer {self._settings.token}", "accept": "application/json", "user-agent": "risky-users"}
        if body is not None:
            headers["content-type"] = "application/json"
        url, longest = f"https://{HOST}{self._path}{path}", min(ANSWER_SECONDS, self._seconds)
        self.left -= 1
        try:
            return self._budget.begin(method, url, headers, "" if body is None else json.dumps(body), longest=longest, later=later)
        except OutOfBudget:
            raise _left_over(what) from None

    async def _answer(self, begun: Begun, what: str) -> "dict[str, JSON]":
        """What the answer holds; from now on the lane waits for it. Raises GatewayError where it is no success."""
        waits_since = self._budget.clock.now()
        try:
            response = await self._budget.answer(begun)
        except CutOff:
            response = HttpResponse(0, {}, "")
        finally:
            took = self._budget.clock.now() - waits_since
            self._seconds, self._slowest = self._seconds - took, max(self._slowest, took)
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


def _not_understood(what: str) -> GatewayError:
    return GatewayError(f"Could not {what}: Cloudflare's answer is not understood; the next minute tries again.", cause="passing")


def _facts(entry: "JSON") -> ListFacts | None:
    """What an entry tells of a list, without a count where it holds nothing; None where that makes no sense."""
    if not isinstance(entry, dict):
        return None
    kind, count, updated = entry.get("type"), entry.get("count", 0), entry.get("updated_at")
    if type(count) is not int or count < 0:
        return None
    known = isinstance(kind, str) and _WORD.fullmatch(kind)
    return ListFacts(str(kind) if known else "", count, updated if isinstance(updated, str) else "")


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
    message = _QUOTED.sub("", str(first.get("message")).lower()) if isinstance(first, dict) else ""
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
    if status == 404:
        return _REMEDIES[2218], ""
    if status == 409 or "not found in list" in message or any(word in message for word in ("duplicate", "already", "conflict")):
        return "another change was in its way; the next minute tries again", "conflict"
    return f"Cloudflare refuses the request with status {status}", "refused"
