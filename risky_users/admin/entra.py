"""Microsoft Graph as an administrator has it: requests asked again where that helps, refusals with their remedy.

What may be asked again is what the table in the reference of each call allows: reads, changes and removals always; what would make
two only where it was certainly not done. https://learn.microsoft.com/graph/errors, and how terraform-provider-azuread waits.
"""

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from urllib.parse import quote, urlencode
from uuid import uuid4

import httpx

from risky_users.admin.asking import Held, patiently, seconds_to_wait
from risky_users.admin.errors import AdminError, Answer, NotAllowed, NotSignedIn, ServiceRefused, Uncertain
from risky_users.admin.machine import Machine
from risky_users.admin.sign_in import Person
from text import JSON

MOST_PAGES = 1000
_PASSING = frozenset({408, 423, 424, 500, 502, 503, 504})
_YOUNG_WORDS = (
    "does not reference a valid application object",
    "Not a valid reference update",
    "reference-property objects are not present",
    "One or more property values specified are invalid",
    "backing application",
    "objects being referenced do not exist",
)
"""How Graph says that one of its replicas does not know yet what another has just made."""

Entity = Mapping[str, JSON]


@dataclass(slots=True)
class Graph:
    """Graph, for one person. Use as a context manager."""

    machine: Machine
    person: Person
    _client: httpx.Client = field(init=False, repr=False)

    def __post_init__(self) -> None:
        self._client = self.machine.client()

    def __enter__(self) -> "Graph":
        return self

    def __exit__(self, *_: object) -> None:
        self._client.close()

    @property
    def root(self) -> str:
        """The address that all paths are below."""
        return f"https://{self.person.cloud.graph}/v1.0"

    # --- reading ---

    def get(self, path: str, *, young: str = "", **query: str) -> Entity:
        """One object. Raises ServiceRefused."""
        return self._ask("GET", _with(path, query), young=young)

    def find(self, path: str, **query: str) -> Entity | None:
        """One object, None where there is none. Raises ServiceRefused."""
        try:
            return self.get(path, **query)
        except ServiceRefused as refused:
            if refused.answer.status == HTTPStatus.NOT_FOUND:
                return None
            raise

    def all(self, path: str, *, young: str = "", **query: str) -> list[Entity]:
        """Every entry of a list, page by page. Raises ServiceRefused."""
        return [*self._entries(_with(path, query), young)]

    def _entries(self, path: str, young: str) -> Iterator[Entity]:
        seen = set[str]()
        while path and path not in seen and len(seen) < MOST_PAGES:
            seen.add(path)
            page = self._ask("GET", path, young=young, whole=lambda body: isinstance(body.get("value"), list))
            value, link = page["value"], page.get("@odata.nextLink", "")
            yield from (entry for entry in value if isinstance(entry, dict)) if isinstance(value, list) else ()
            if not link:
                return
            if not isinstance(link, str) or not link.startswith(f"{self.root}/"):
                raise AdminError(f"GET {path}: the next page is said to lie elsewhere than at {self.root}, so it is not asked for.")
            path = link.removeprefix(self.root)
        raise AdminError(f"GET {path}: the pages of this list do not end. Try again later.")

    # --- writing ---

    def post(self, path: str, body: JSON = None, *, repeat: bool = False, young: str = "", **headers: str) -> Entity:
        """Make something, or do it. Unless it may be repeated, a lost answer raises Uncertain. Raises ServiceRefused."""
        return self._ask("POST", path, body, repeat=repeat, young=young, headers=headers)

    def patch(self, path: str, body: JSON, *, young: str = "", **headers: str) -> Entity:
        """Change something; nothing is answered but where it was made by that. Raises ServiceRefused."""
        return self._ask("PATCH", path, body, young=young, headers=headers)

    def put(self, path: str, body: JSON, *, young: str = "") -> None:
        """Replace something. Raises ServiceRefused."""
        self._ask("PUT", path, body, young=young)

    def delete(self, path: str) -> None:
        """Remove something; what is gone already is gone. Raises ServiceRefused."""
        try:
            self._ask("DELETE", path)
        except ServiceRefused as refused:
            gone = refused.answer.status == HTTPStatus.NOT_FOUND or "is not found" in refused.answer.message
            if not gone:
                raise

    # --- one request ---

    def _ask(
        self,
        method: str,
        path: str,
        body: JSON = None,
        *,
        repeat: bool = True,
        young: str = "",
        headers: Mapping[str, str] | None = None,
        whole: Callable[[Entity], bool] = lambda _: True,
    ) -> Entity:
        """The answer's object. `young` names what others of Graph's replicas may not know yet, which is waited for."""
        asked, renewed = f"{method} {path.partition('?')[0]}", False

        def attempt() -> Entity:
            nonlocal renewed
            try:
                return self._once(asked, method, path, body, headers or {}, whole)
            except Uncertain as lost:
                if repeat:
                    raise Held(lost, f"no usable answer ({lost.answer})") from lost
                raise
            except ServiceRefused as refused:
                answer = refused.answer
                if answer.status == HTTPStatus.UNAUTHORIZED and answer.code == "InvalidAuthenticationToken" and not renewed:
                    renewed, self.person.token = True, self.person.renew()
                    return attempt()
                if young and _is_young(answer, path):
                    raise Held(refused, f"{young} is new, and not known everywhere in Entra yet") from refused
                raise

        return patiently(self.machine, attempt)

    def _once(self, asked: str, method: str, path: str, body: JSON, headers: Mapping[str, str], whole: Callable[[Entity], bool]) -> Entity:
        sent = {"Authorization": f"Bearer {self.person.token}", "Accept": "application/json", "client-request-id": str(uuid4()), **headers}
        content = None if body is None else json.dumps(body)
        if content is not None:
            sent["Content-Type"] = "application/json"
        try:
            response = self._client.request(method, f"{self.root}{path}", headers=sent, content=content)
        except httpx.HTTPError as error:
            raise Uncertain(asked, Answer(0, "", f"{type(error).__name__}: {error}")) from error
        if response.is_success:
            read = _object(response) if response.status_code != HTTPStatus.NO_CONTENT else {}
            if read is None or not whole(read):
                raise Uncertain(asked, Answer(response.status_code, "", "the answer cannot be read", _request_id(response)))
            return read
        raise self._refusal(asked, path, response)

    def _refusal(self, asked: str, path: str, response: httpx.Response) -> ServiceRefused | Held | NotSignedIn:
        answer = _answer(response, self.machine.now())
        if answer.status == HTTPStatus.TOO_MANY_REQUESTS or answer.code == "Directory_ConcurrencyViolation":
            return Held(ServiceRefused(asked, answer), "Entra asks to slow down")  # nothing was done, so that it can be repeated
        if answer.status in _PASSING:
            return Uncertain(asked, answer, "Try again in a few minutes: what was done stays, and the next run goes on from there.")
        if answer.status == HTTPStatus.UNAUTHORIZED and "claims=" in response.headers.get("WWW-Authenticate", ""):
            return NotSignedIn(
                "Entra wants you to sign in anew, by a policy of your tenant: run `az logout`, then "
                f"`az login --scope https://{self.person.cloud.graph}//.default`; or use --sign-in browser."
            )
        if "/synchronization" in path and answer.status in (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN):
            return NotAllowed(asked, answer, _PROVISIONING)
        if answer.status == HTTPStatus.FORBIDDEN:
            return NotAllowed(asked, answer)
        return ServiceRefused(asked, answer)


_PROVISIONING = (
    "Provisioning takes the role Cloud Application Administrator, or a token that says Synchronization.ReadWrite.All: "
    "activate the role and sign in again, or use --sign-in browser."
)
"""The Azure CLI's token has no such scope, and an administrator's role has been seen to do without
(https://github.com/microsoft/zerotrustassessment/issues/1382)."""


def text_of(entity: Entity | None, name: str) -> str:
    """A property that is text; empty where it is not there."""
    value = entity.get(name) if entity else None
    return value if isinstance(value, str) else ""


def entries_of(entity: Entity | None, name: str) -> list[Entity]:
    """A property that is a list of objects."""
    value = entity.get(name) if entity else None
    return [each for each in value if isinstance(each, dict)] if isinstance(value, list) else []


def quoted(value: str) -> str:
    """A text in a filter."""
    return "'" + value.replace("'", "''") + "'"


def key(path: str, **keys: str) -> str:
    """The path of an object by an alternate key, as `/applications(uniqueName='risky-users')`."""
    [(name, value)] = keys.items()
    return f"{path}({name}='{quote(value.replace(chr(39), chr(39) * 2), safe=chr(39))}')"


def _with(path: str, query: Mapping[str, str]) -> str:
    asked = {f"${name}": value for name, value in query.items()}
    return f"{path}?{urlencode(asked, quote_via=quote, safe='$,/')}" if asked else path


def _is_young(answer: Answer, path: str) -> bool:
    if answer.status == HTTPStatus.NOT_FOUND or any(words in answer.message for words in _YOUNG_WORDS):
        return True
    return "/synchronization" in path and answer.status in (HTTPStatus.FORBIDDEN, HTTPStatus.CONFLICT)


def _object(response: httpx.Response) -> Entity | None:
    try:
        read: object = response.json()
    except ValueError:
        return None
    return read if isinstance(read, dict) else None


def _answer(response: httpx.Response, now: float) -> Answer:
    error = (_object(response) or {}).get("error")
    told = error if isinstance(error, dict) else {}
    after = seconds_to_wait(response.headers.get("Retry-After"), now)
    return Answer(response.status_code, str(told.get("code", "")), str(told.get("message") or ""), _request_id(response), after)


def _request_id(response: httpx.Response) -> str:
    return str(response.headers.get("request-id", ""))
