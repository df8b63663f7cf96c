"""Cloudflare's API v4 with an administrator's token, for one account: https://developers.cloudflare.com/api/

What only reads is asked again where trouble passes, what writes only where Cloudflare says that it did nothing (429): after any
other trouble the caller looks first. The token goes to api.cloudflare.com and nowhere else, no redirect is followed, and neither
it nor an address is in any message.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

import httpx

from errors import ConfigError
from risky_users.admin.asking import Held, patiently, seconds_to_wait
from risky_users.admin.errors import Answer, NotAllowed, ServiceRefused, Uncertain
from risky_users.admin.machine import Machine
from text import JSON, parse

HOST = "api.cloudflare.com"
ROOT = f"https://{HOST}/client/v4"
PATIENCE = 330.0
"""Seconds: Cloudflare refuses whoever asked too much for up to 300 (https://developers.cloudflare.com/fundamentals/api/reference/limits/)."""
MOST_TRIES = 5
"""How often a read is sent whose answer does not come or cannot be read."""
PAUSE = 30.0
"""Seconds, where a page of the edge's says that it was too much, but not when to come back."""
MOST_PAGES = 100

NEEDS = (
    ("/gateway/", "Zero Trust Read", "Zero Trust Write"),
    ("/access/identity_providers", *(f"Access: Organizations, Identity Providers, and Groups {right}" for right in ("Read", "Write"))),
    ("/access/logs/scim/", "Access: SCIM Logs Read", ""),
    ("/access/users", "Access: Audit Logs Read", ""),
    ("/tokens", "Account API Tokens Read", "Account API Tokens Write"),
    ("/workers/", "Workers Scripts Read", "Workers Scripts Write"),
    ("/graphql", "Account Analytics Read", ""),
    ("", "Account Settings Read", ""),
)
"""What a path below the account begins with, and the least permission that reads it, or writes it
(https://developers.cloudflare.com/fundamentals/api/reference/permissions/)."""

Entity: TypeAlias = Mapping[str, JSON]

_TOKEN = re.compile(r"[A-Za-z0-9_-]+", re.ASCII)
_ACCOUNT = re.compile(r"[0-9a-f]{32}", re.ASCII)
_ADDRESS = re.compile(r"\S+@\S+")
_TAGS = re.compile(r"<[^>]*>")
_RATE_LIMIT = re.compile(r"error code: 971|\b1015\b", re.ASCII)
_GONE = ("2218", "10007", "12135")
"""No such list, Worker, identity provider."""
_DENIED = ("1000", "9109", "10000")
_MALFORMED = ("6003", "6111", "9106")
_LOOK_FIRST = "It may have been done or not: run the command again, which looks first."
_LATER = "Try again in a few minutes."


def gone(refused: ServiceRefused) -> bool:
    """Whether there is no such thing, or no longer. A list that is missing is answered 400."""
    return refused.answer.status == 404 or refused.answer.code in _GONE


@dataclass(frozen=True, slots=True)
class TokenFacts:
    """What verifying a token tells: its id, whose it is, its status (active, disabled, expired), and its end as Cloudflare writes it."""

    id: str
    kind: Literal["account", "user"]
    status: str
    expires: str | None


@dataclass(slots=True)
class Cloudflare:
    """One account. Paths are those below it, but for `/user/…` and `/graphql`; `what` completes "Could not …".

    Raises ConfigError where account id or token cannot be one. Use as a context manager.
    """

    machine: Machine
    account_id: str
    token: str = field(repr=False)
    _client: httpx.Client = field(init=False, repr=False)

    def __post_init__(self) -> None:
        self.account_id, self.token = self.account_id.strip().lower(), self.token.strip()
        problems = []
        if not _ACCOUNT.fullmatch(self.account_id):
            problems.append("CLOUDFLARE_ACCOUNT_ID is not 32 hexadecimal digits: copy the account's id from Cloudflare's dashboard.")
        if not _TOKEN.fullmatch(self.token):
            problems.append(
                "CLOUDFLARE_API_TOKEN is no API token: it is empty, or holds blanks, quotes or other characters that no token has."
            )
        if problems:
            raise ConfigError(problems)
        self._client = self.machine.client()

    def __enter__(self) -> "Cloudflare":
        return self

    def __exit__(self, *_: object) -> None:
        self._client.close()

    # --- reading ---

    def one(self, path: str, what: str) -> Entity:
        """The result of a GET, an object. Raises ServiceRefused."""
        result = self._ask("GET", path, what, whole=dict).get("result")
        return result if isinstance(result, dict) else {}

    def all(self, path: str, what: str) -> list[Entity]:
        """The entries that a GET lists, page by page where there are several. Raises ServiceRefused where they are not complete."""
        found: list[Entity] = []
        for page in range(1, MOST_PAGES + 1):
            mark = "&" if "?" in path else "?"
            answer = self._ask("GET", path if page == 1 else f"{path}{mark}page={page}", what, whole=list)
            entries, total = answer["result"], _total(answer)
            found += [entry for entry in entries if isinstance(entry, dict)] if isinstance(entries, list) else []
            if total is None or len(found) >= total:
                return found
            if not entries:
                break
        raise Uncertain(f"Could not {what}", Answer(200, "", f"{len(found)} entries were shown, and more are said to be there"), _LATER)

    def analytics(self, query: str, what: str, **variables: JSON) -> Entity:
        """The data that a query of the GraphQL Analytics API selects, which reads although it is a POST. Raises ServiceRefused."""
        data = self._ask("POST", "/graphql", what, {"query": query, "variables": variables}, reads=True).get("data")
        return data if isinstance(data, dict) else {}

    def verify(self) -> TokenFacts:
        """The token's own facts. Cloudflare has one path for an account's tokens, another for a user's. Raises ServiceRefused."""
        paths: list[tuple[Literal["account", "user"], str]] = [("account", "/tokens/verify"), ("user", "/user/tokens/verify")]
        if self.token.startswith("cfut_"):  # of user tokens made since 2026; those of accounts begin with cfat_, older ones with neither
            paths.reverse()
        refusals = []
        for kind, path in paths:
            try:
                facts = self.one(path, "verify the API token")
            except NotAllowed as refused:
                refusals.append(refused)
            else:
                expires = facts.get("expires_on")
                return TokenFacts(str(facts.get("id")), kind, str(facts.get("status")), expires if isinstance(expires, str) else None)
        raise refusals[0]

    # --- writing ---

    def send(self, method: Literal["POST", "PUT", "PATCH", "DELETE"], path: str, what: str, body: JSON = None) -> Entity:
        """The result of a write, empty where something is deleted. Raises ServiceRefused; Uncertain where it may have been done."""
        result = self._ask(method, path, what, body, whole=None if method == "DELETE" else dict).get("result")
        return result if isinstance(result, dict) else {}

    # --- one request ---

    def _ask(
        self,
        method: str,
        path: str,
        what: str,
        body: JSON = None,
        *,
        reads: bool = False,
        whole: type[dict[str, JSON]] | type[list[JSON]] | None = None,
    ) -> Entity:
        """An answer that says that it is a success, its result `whole`. Of no entries there may be null."""
        reads, tries = reads or method == "GET", 0

        def attempt() -> Entity:
            nonlocal tries
            tries += 1
            try:
                answer = self._once(method, path, what, body, reads=reads)
                result = answer.get("result", ...)
                if whole and not isinstance(result, whole) and not (whole is list and result is None):
                    raise Uncertain(f"Could not {what}", Answer(200, "", "the answer is not understood"), _LATER if reads else _LOOK_FIRST)
            except Uncertain as lost:
                if reads and tries < MOST_TRIES:
                    raise Held(lost, f"Cloudflare gave no usable answer ({lost.answer})") from lost
                raise
            return answer

        return patiently(self.machine, attempt, PATIENCE)

    def _once(self, method: str, path: str, what: str, body: JSON, *, reads: bool) -> Entity:
        below = "" if path.startswith(("/user/", "/graphql")) else f"/accounts/{self.account_id}"
        headers = {"Authorization": f"Bearer {self.token}", "Accept": "application/json", "User-Agent": "risky-users"}
        content = None if body is None else json.dumps(body)
        if content is not None:
            headers["Content-Type"] = "application/json"
        later = _LATER if reads else _LOOK_FIRST
        try:
            response = self._client.request(method, f"{ROOT}{below}{path}", headers=headers, content=content)
        except httpx.HTTPError as error:
            raise Uncertain(f"Could not {what}", Answer(0, "", f"{type(error).__name__}: {error}"), later) from None
        answer = parse(response.text)
        if response.is_success and isinstance(answer, dict) and (answer.get("success") is True or isinstance(answer.get("data"), dict)):
            return answer
        raise _refusal(path, what, response, answer, now=self.machine.now(), reads=reads)


def _total(answer: Entity) -> int | None:
    """How many entries there are on all pages; None where that is not told."""
    info = answer.get("result_info")
    total = info.get("total_count") if isinstance(info, dict) else None
    return total if isinstance(total, int) else None


def _refusal(path: str, what: str, response: httpx.Response, body: JSON, *, now: float, reads: bool) -> ServiceRefused | Held:
    """What an answer that is no success means: by status, then by the first code."""
    errors = body.get("errors") if isinstance(body, dict) else None
    first = errors[0] if isinstance(errors, list) and errors else None
    code = str(first.get("code") or "") if isinstance(first, dict) else ""
    answer = Answer(response.status_code, code, _words(response, first), response.headers.get("cf-ray", ""))
    asked, status = f"Could not {what}", response.status_code
    if status == 429 or code == "971" or (first is None and _RATE_LIMIT.search(response.text[:5000])):
        after = seconds_to_wait(response.headers.get("retry-after"), now)
        answer = Answer(429, code, answer.message, answer.request_id, PAUSE if after is None else max(after, 1.0))
        return Held(ServiceRefused(asked, answer, f"Cloudflare asks for a pause of {answer.after:.0f} s."), "Cloudflare asks to slow down")
    if status in (408, 425) or status >= 500 or (response.is_success and not errors):
        return Uncertain(asked, answer, _LATER if reads else _LOOK_FIRST)
    if code in _MALFORMED:
        return NotAllowed(asked, answer, "The token in CLOUDFLARE_API_TOKEN is malformed: copy it again.")
    if code in _DENIED or status in (401, 403):
        return NotAllowed(asked, answer, _needed(path, reads=reads))
    if 300 <= status < 400:
        return ServiceRefused(asked, answer, "A redirect is not followed, because the token would go with it.")
    return ServiceRefused(asked, answer)


def _needed(path: str, *, reads: bool) -> str:
    if path.endswith("/tokens/verify"):
        return "The token in CLOUDFLARE_API_TOKEN is not valid, or belongs to another account."
    reading, writing = next(rights for prefix, *rights in NEEDS if path.startswith(prefix))
    right = (reading if reads else writing) or "the permission for this"
    return f"The token lacks {right}, is for another account, or was revoked: use one that has it."


def _words(response: httpx.Response, first: JSON) -> str:
    """What Cloudflare says, or a page of its edge's, without addresses."""
    message = str(first.get("message") or "") if isinstance(first, dict) else _TAGS.sub(" ", response.text[:2000])
    return " ".join(_ADDRESS.sub("<address>", message).split())[:200]
