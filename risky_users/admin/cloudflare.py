"""Cloudflare's API v4 with an administrator's token, for one account: https://developers.cloudflare.com/api/

What only reads is asked again where trouble passes, what writes only where Cloudflare says that it did nothing (429): after any
other trouble the caller looks first. The token goes to api.cloudflare.com and nowhere else, no redirect is followed, and neither
it nor an address is in any message.
"""

import asyncio
import json
import re
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Literal

import httpx
from tenacity import AsyncRetrying, RetryCallState, retry_if_exception, stop_after_attempt

from budget import Clock
from errors import Cause, ConfigError, ServiceError
from risky_users.connection import Connection
from text import JSON, parse

HOST = "api.cloudflare.com"
ROOT = f"https://{HOST}/client/v4"
ANSWER_SECONDS = 30.0
MOST_TRIES = 4
LONGEST_PAUSE = 300.0
"""Seconds that Cloudflare refuses whoever asked too much (https://developers.cloudflare.com/fundamentals/api/reference/limits/)."""
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
    ("/graphql", "Account Analytics Read", "Account Analytics Read"),
    ("", "Account Settings Read", ""),
)
"""What a path below the account begins with, and the least permission that reads it, or writes it
(https://developers.cloudflare.com/fundamentals/api/reference/permissions/)."""

_TOKEN = re.compile(r"[A-Za-z0-9_-]+", re.ASCII)
_ACCOUNT = re.compile(r"[0-9a-f]{32}", re.ASCII)
_ADDRESS = re.compile(r"\S+@\S+")
_TAGS = re.compile(r"<[^>]*>")
_RATE_LIMIT = re.compile(r"error code: 971|\b1015\b", re.ASCII)
_GONE = (2218, 10007, 12135)
"""No such list, Worker, identity provider."""
_DENIED = (1000, 9109, 10000)
_MALFORMED = (6003, 6111, 9106)


class CloudflareError(ServiceError):
    """Cloudflare did not do what it was asked. `status` is 0 where no answer came; `pause` says after how many seconds the same
    request may be sent again, None never."""

    def __init__(
        self,
        message: str,
        request_ids: tuple[str, ...] = (),
        *,
        status: int = 0,
        code: int = 0,
        cause: Cause = "",
        pause: float | None = None,
    ) -> None:
        super().__init__(message, request_ids, code=code, cause=cause)
        self.status, self.pause = status, pause

    @property
    def gone(self) -> bool:
        """Whether there is no such thing, or no longer. A list that is missing is answered 400."""
        return self.status == 404 or self.code in _GONE

    @property
    def denied(self) -> bool:
        """Whether the token may not do this."""
        return self.cause == "permission"


@dataclass(frozen=True, slots=True)
class TokenFacts:
    """What verifying a token tells: its id, whose it is, its status (active, disabled, expired), and its end as Cloudflare writes it."""

    id: str
    kind: Literal["account", "user"]
    status: str
    expires: str | None


class Cloudflare:
    """One account. Paths are those below it, but for `/user/…` and `/graphql`; `what` completes "Could not …".

    `told` hears why it takes longer.
    """

    def __init__(
        self, client: httpx.AsyncClient, account_id: str, token: str, clock: Clock, told: Callable[[str], None] = lambda _: None
    ) -> None:
        """Raises ConfigError where account id or token cannot be one."""
        self.account_id = account_id.strip().lower()
        self._client, self._token, self._clock, self._told = client, token.strip(), clock, told
        problems = []
        if not _ACCOUNT.fullmatch(self.account_id):
            problems.append(
                "The Cloudflare account id is not 32 hexadecimal digits: copy it from the dashboard, Account home > … > Copy account ID."
            )
        if not _TOKEN.fullmatch(self._token):
            problems.append(
                "CLOUDFLARE_API_TOKEN is no API token: it is empty, or holds blanks, quotes or other characters that no token has."
            )
        if problems:
            raise ConfigError(problems)

    # --- reading ---

    async def one(self, path: str, what: str) -> "dict[str, JSON]":
        """The result of a GET, an object. Raises CloudflareError."""
        answer = await self._call("GET", path, what)
        result = answer.get("result")
        if not isinstance(result, dict):
            raise _not_understood(what)
        return result

    async def all(self, path: str, what: str) -> "list[dict[str, JSON]]":
        """The entries that a GET lists, page by page where there are several. Raises CloudflareError where they are not complete."""
        found: list[dict[str, JSON]] = []
        for page in range(1, MOST_PAGES + 1):
            mark = "&" if "?" in path else "?"
            answer = await self._call("GET", path if page == 1 else f"{path}{mark}page={page}", what)
            entries, total = answer.get("result", 0), _total(answer)
            if entries is not None and not isinstance(entries, list):
                raise _not_understood(what)
            found += [entry for entry in entries or () if isinstance(entry, dict)]
            if total is None or len(found) >= total:
                return found
            if not entries:
                break
        raise CloudflareError(
            f"Could not {what}: Cloudflare shows {len(found)} entries of more than it shows. Run the command again.", cause="passing"
        )

    async def analytics(self, query: str, what: str, **variables: "JSON") -> "dict[str, JSON]":
        """The data that a query of the GraphQL Analytics API selects, which reads although it is a POST. Raises CloudflareError."""
        answer = await self._call("POST", "/graphql", what, {"query": query, "variables": variables}, reads=True)
        data = answer.get("data")
        if not isinstance(data, dict):
            raise _not_understood(what)
        return data

    async def verify(self) -> TokenFacts:
        """The token's own facts. Cloudflare has one path for an account's tokens, another for a user's. Raises CloudflareError."""
        paths: list[tuple[Literal["account", "user"], str]] = [("account", "/tokens/verify"), ("user", "/user/tokens/verify")]
        if self._token.startswith("cfut_"):  # of user tokens made since 2026; those of accounts begin with cfat_, older ones with neither
            paths.reverse()
        refusal = None
        for kind, path in paths:
            try:
                facts = await self.one(path, "verify the API token")
            except CloudflareError as error:
                if not error.denied:
                    raise
                refusal = refusal or error
                continue
            expires = facts.get("expires_on")
            return TokenFacts(str(facts.get("id")), kind, str(facts.get("status")), expires if isinstance(expires, str) else None)
        raise refusal or _not_understood("verify the API token")

    # --- writing ---

    async def send(self, method: Literal["POST", "PUT", "PATCH", "DELETE"], path: str, what: str, body: "JSON" = None) -> "dict[str, JSON]":
        """The result of a write, empty where there is none. Raises CloudflareError."""
        result = (await self._call(method, path, what, body)).get("result")
        return result if isinstance(result, dict) else {}

    # --- one request ---

    async def _call(self, method: str, path: str, what: str, body: "JSON" = None, *, reads: bool = False) -> "dict[str, JSON]":
        retrying = AsyncRetrying(
            sleep=self._clock.sleep,
            retry=retry_if_exception(lambda error: isinstance(error, CloudflareError) and error.pause is not None),
            wait=_pause,
            stop=stop_after_attempt(MOST_TRIES),
            before_sleep=self._tell,
            reraise=True,
        )
        return await retrying(self._once, method, path, what, body, reads=reads or method == "GET")

    def _tell(self, state: RetryCallState) -> None:
        error, seconds = state.outcome and state.outcome.exception(), state.next_action.sleep if state.next_action else 0
        self._told(f"{error} Trying again in {seconds:.0f} s.")

    async def _once(self, method: str, path: str, what: str, body: "JSON", *, reads: bool) -> "dict[str, JSON]":
        below = "" if path.startswith(("/user/", "/graphql")) else f"/accounts/{self.account_id}"
        headers = {"Authorization": f"Bearer {self._token}", "Accept": "application/json", "User-Agent": "risky-users"}
        content = None
        if body is not None:
            headers["Content-Type"], content = "application/json", json.dumps(body)
        try:
            async with asyncio.timeout(ANSWER_SECONDS):
                url = f"{ROOT}{below}{path}"
                response = await self._client.request(method, url, headers=headers, content=content, follow_redirects=False)
        except (TimeoutError, httpx.HTTPError) as error:
            why = f"{type(error).__name__}: {error}" if str(error) else f"no answer within {ANSWER_SECONDS:.0f} s"
            raise _passing(what, f"Cloudflare gave no answer ({why})", reads=reads) from None
        answer = parse(response.text)
        if (
            response.is_success
            and isinstance(answer, dict)
            and (answer.get("success") is True or ("data" in answer and not answer.get("errors")))
        ):
            return answer
        raise _refusal(method, path, what, response, answer, reads=reads)


@asynccontextmanager
async def connect(
    connection: Connection, account_id: str, token: str, told: Callable[[str], None] = lambda _: None
) -> AsyncIterator[Cloudflare]:
    """An account, by the way to the internet that all commands share. Raises ConfigError."""
    async with httpx.AsyncClient(transport=connection.transport, timeout=ANSWER_SECONDS) as client:
        yield Cloudflare(client, account_id, token, connection.clock, told)


def _pause(state: RetryCallState) -> float:
    """Seconds: what Cloudflare asks for, or a pause that grows."""
    error = state.outcome.exception() if state.outcome else None
    asked = error.pause if isinstance(error, CloudflareError) else None
    return asked or float(2 ** (state.attempt_number - 1))


def _total(answer: "Mapping[str, JSON]") -> int | None:
    """How many entries there are on all pages; None where that is not told."""
    info = answer.get("result_info")
    total = info.get("total_count") if isinstance(info, dict) else None
    return total if isinstance(total, int) else None


def _passing(what: str, trouble: str, *, reads: bool, status: int = 0, request_ids: tuple[str, ...] = ()) -> CloudflareError:
    """An error that is over by and by, after which a write may have been done or not."""
    how = "try again in a few minutes" if reads else "it may have been done or not: run the command again, which looks first"
    return CloudflareError(
        f"Could not {what}: {trouble}; {how}.", request_ids, status=status, cause="passing", pause=0.0 if reads else None
    )


def _not_understood(what: str) -> CloudflareError:
    return CloudflareError(f"Could not {what}: Cloudflare's answer is not understood; try again in a few minutes.", cause="passing")


def _refusal(method: str, path: str, what: str, response: httpx.Response, answer: "JSON", *, reads: bool) -> CloudflareError:
    """What an answer that is no success means: by status, then by the first code."""
    errors = answer.get("errors") if isinstance(answer, dict) else None
    first = errors[0] if isinstance(errors, list) and errors else None
    number = first.get("code") if isinstance(first, dict) else None
    code, status = number if isinstance(number, int) else 0, response.status_code
    ids = (ray,) if (ray := response.headers.get("cf-ray")) else ()
    if status == 429 or code == 971 or (first is None and _RATE_LIMIT.search(response.text[:5000])):
        pause = _retry_after(response)
        later = f"it asks for a pause of {pause:.0f} s"
        again = pause if pause <= LONGEST_PAUSE else None
        return CloudflareError(
            f"Could not {what}: Cloudflare is throttling ({status}); {later}.", ids, status=429, code=code, cause="throttled", pause=again
        )
    if status in (408, 425) or status >= 500 or (response.is_success and not errors):
        return _passing(what, f"Cloudflare answers {status}" + _said(response, first), reads=reads, status=status, request_ids=ids)
    reason, cause = _reason(method, path, status, code, reads=reads)
    numbered = f" ({code})" if code else ""
    return CloudflareError(f"Could not {what}: {reason}{numbered}{_said(response, first)}.", ids, status=status, code=code, cause=cause)


def _reason(method: str, path: str, status: int, code: int, *, reads: bool) -> tuple[str, Cause]:
    if code in _MALFORMED:
        return "the token in CLOUDFLARE_API_TOKEN is malformed; copy it again", "permission"
    if "/tokens/verify" in path and code in _DENIED:
        return "the token in CLOUDFLARE_API_TOKEN is not valid, or belongs to another account", "permission"
    if code in _DENIED or status in (401, 403):
        reading, writing = next(rights for prefix, *rights in NEEDS if path.startswith(prefix))
        right = f" {reading if reads else writing}" if (reading if reads else writing) else " the permission for this"
        return f"Cloudflare refuses the token: it lacks{right}, is another account's, or was revoked; use a token that has it", "permission"
    if status == 404 or code in _GONE:
        return "Cloudflare knows no such thing (any more)", "refused"
    if 300 <= status < 400:
        return f"Cloudflare answers {status}, a redirect, which is not followed because the token would go with it", ""
    if status == 409:
        return "another change was in its way", "conflict"
    return f"Cloudflare refuses {method} with status {status}", "refused"


def _said(response: httpx.Response, first: "JSON") -> str:
    """Cloudflare's own words, without addresses, as an addition to a sentence."""
    message = str(first.get("message") or "") if isinstance(first, dict) else _TAGS.sub(" ", response.text[:2000])
    words = " ".join(_ADDRESS.sub("<address>", message).split())[:200].rstrip(".")
    return f'; it says "{words}"' if words else ""


def _retry_after(response: httpx.Response) -> float:
    text = response.headers.get("retry-after", "")
    return max(float(text), 1.0) if text.isascii() and text.isdigit() else PAUSE
