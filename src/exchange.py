"""Requests to Graph, many of which travel as one `$batch`, and what became of each.

    | what became of the request                          | status                | ok | refused | passing | left over |
    |-----------------------------------------------------|-----------------------|----|---------|---------|-----------|
    | it was done                                         | 2xx                   | x  |         |         |           |
    | Graph judged it and found fault with what it asks   | 400, 404              |    | x       |         |           |
    | another write was in its way                        | 409, 400 with a name  |    |         | x       |           |
    | it was sent, and no answer came that makes sense    | 0                     |    |         | x       |           |
    | throttled, or the service is unwell                 | 408, 424, 429, 5xx    |    |         | x       |           |
    | a new token is refused too, no right, a redirect    | 401, 403, 3xx …       |    |         |         |           |
    | the whole batch was refused                         | 400, 404 …            |    |         |         |           |
    | the tick's budget ended before, or in flight        | 0                     |    |         |         | x         |
    | there is no access token to send it with            | 0                     |    |         |         |           |

A request that met something passing is sent again; the response tells of the last attempt. What was sent and met
something passing, or was cut off in flight, may have been done all the same.
"""

import json
import re
from collections.abc import Mapping, Sequence
from typing import NamedTuple, Never

from budget import HttpResponse
from errors import AuthError
from retry import TRANSIENT
from text import GUID, JSON, parse

_NONE: Mapping[str, Never] = {}
_CODE = re.compile(r"[A-Za-z0-9_.]{1,64}", re.ASCII)


class GraphRequest(NamedTuple):
    """One request. `what` completes "Could not …" in an error, `needs` names the permission it takes, empty where it does not matter.

    Serial ones in one batch run one after the other. Paced ones keep Identity Protection's distance. `pause` seconds are
    waited before it is sent. `write_units` is what Graph's quota counts, 0 for a read.
    """

    method: str
    url: str
    what: str
    needs: str
    body: Mapping[str, object] | None = None
    prefer: str = ""
    serial: bool = False
    paced: bool = False
    pause: float = 0.0
    write_units: float = 0.0


class GraphResponse(NamedTuple):
    """What became of a request, see above. `whole`: the batch as a whole was answered so, not this request.

    `attempts` counts how often it was sent; `cut_off`: the tick ended while the last answer was waited for.
    """

    request: GraphRequest
    status: int = 0
    body: "JSON" = None
    headers: "Mapping[str, JSON]" = _NONE
    client_request_id: str = ""
    whole: bool = False
    attempts: int = 0
    cut_off: bool = False
    no_token: AuthError | None = None

    @property
    def ok(self) -> bool:
        """Whether it was done."""
        return 200 <= self.status < 300

    @property
    def refused(self) -> bool:
        """Whether Graph judged this very request and found fault with what it asks for."""
        return self.status in (400, 404) and not self.whole and not self.passing

    @property
    def judged(self) -> bool:
        """Whether Graph judged this very request, and refused or forbade it."""
        return self.refused or (self.status == 403 and not self.whole)

    @property
    def passing(self) -> bool:
        """Whether the same request may fare better in a while. A conflict of writers is 409, or 400 with its name."""
        if self.status == 400:
            return self.code == "Directory_ConcurrencyViolation" or self.says("concurrent requests being made")
        return self.status in TRANSIENT and self.attempts > 0 and not self.cut_off

    @property
    def left_over(self) -> bool:
        """Whether nothing stood in its way but the end of the budget."""
        return (self.attempts == 0 or self.cut_off) and not self.no_token

    @property
    def _error(self) -> "dict[str, JSON]":
        error = self.body.get("error") if isinstance(self.body, dict) else None
        return error if isinstance(error, dict) else {}

    @property
    def code(self) -> str:
        """Graph's error code where it is a plain word; of an error body nothing else is ever shown."""
        code = self._error.get("code")
        return code if isinstance(code, str) and _CODE.fullmatch(code) else ""

    def says(self, text: str) -> bool:
        """Whether Graph's error message contains `text`. The message is not shown: it may quote user principal names."""
        message = self._error.get("message")
        return isinstance(message, str) and text.lower() in message.lower()

    def header(self, name: str) -> str | None:
        """The header called `name`, whatever its case; None where there is none."""
        return next(
            (str(value) for key, value in self.headers.items() if key.lower() == name and isinstance(value, (str, float, int))), None
        )

    @property
    def request_ids(self) -> tuple[str, ...]:
        """Graph's request-id and our client-request-id."""
        inner = self._error.get("innerError") or self._error.get("innererror")
        given = self.header("request-id") or (inner.get("request-id") if isinstance(inner, dict) else None)
        ids = (given if isinstance(given, str) and GUID.fullmatch(given) else "", self.client_request_id)
        return tuple(i for i in ids if i)


def encode(requests: Sequence[GraphRequest]) -> str:
    """The body of a `$batch`: ids count from 1, and each serial request waits for the one before it
    (https://learn.microsoft.com/graph/json-batching)."""
    return json.dumps({"requests": [_entry(number, request) for number, request in enumerate(requests, 1)]})


def _entry(number: int, request: GraphRequest) -> dict[str, object]:
    entry: dict[str, object] = {"id": str(number), "method": request.method, "url": request.url}
    if request.body is not None:
        entry["body"] = request.body
        entry["headers"] = {"Content-Type": "application/json"} | ({"Prefer": request.prefer} if request.prefer else {})
    if request.serial and number > 1:
        entry["dependsOn"] = [str(number - 1)]
    return entry


def decode(requests: Sequence[GraphRequest], answer: HttpResponse, client_request_id: str) -> list[GraphResponse]:
    """Each request's response, found by its id, for the order is Graph's own; what was not answered readably has status 0."""
    body = parse(answer.body)
    found = body.get("responses") if isinstance(body, dict) and answer.status in (200, 424) else None
    if not isinstance(found, list):
        status = 0 if 200 <= answer.status < 300 else answer.status
        return [GraphResponse(request, status, body, answer.headers, client_request_id, whole=True, attempts=1) for request in requests]
    by_id: dict[str, dict[str, JSON]] = {}
    for response in found:
        if isinstance(response, dict) and isinstance(number := response.get("id"), str):
            by_id[number] = {} if number in by_id else response  # of two nobody knows which it is
    return [_response(request, by_id.get(str(number), {}), client_request_id) for number, request in enumerate(requests, 1)]


def _response(request: GraphRequest, response: "dict[str, JSON]", client_request_id: str) -> GraphResponse:
    status, headers = response.get("status"), response.get("headers")
    sensible = status if type(status) is int and 100 <= status < 600 else 0
    headers = headers if isinstance(headers, dict) else {}
    return GraphResponse(request, sensible, response.get("body"), headers, client_request_id, attempts=1)
