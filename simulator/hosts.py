"""The two hosts that a tenant answers on, login and Graph: requests in, answers out, a log of both."""

import json
import random
import time
from collections import deque
from collections.abc import Callable, Mapping
from email.utils import formatdate
from urllib.parse import parse_qsl, urlsplit

from simulator.batch import Item, answer_batch, one_slash
from simulator.behaviour import Behaviour
from simulator.directory import App, Directory
from simulator.faults import UNDONE, Fault
from simulator.graph import Graph
from simulator.messages import CONTENT_TYPE, JSON, Answer, Exchange, Refusal, Request, Response, as_json
from simulator.service import Call
from simulator.spoil import spoil_answer, spoil_response
from simulator.token import CLOUDS, GRAPH_HOSTS, TokenEndpoint

REMEMBERED = 5000
_DIAGNOSTIC = '{"ServerInfo":{"DataCenter":"West Europe","Slice":"E","Ring":"5","ScaleUnit":"003","RoleInstance":"AM2PEPF0001"}}'


class Hosts:
    """Answers requests out of a directory. `clock` gives epoch seconds."""

    def __init__(self, clock: Callable[[], float], randomness: random.Random) -> None:
        self.clock, self.random = clock, randomness
        self.behaviour = Behaviour()
        self.faults: list[Fault] = []
        self.violations: list[str] = []
        self.requests: deque[Exchange] = deque(maxlen=REMEMBERED)
        self.directory = Directory()
        self.apps: dict[str, App] = {}
        self.on_change: Callable[[], None] | None = None
        self.graph = Graph(self.directory, self.behaviour, self.random, self.violations.append)
        self.id = self.graph.new_id()
        self.domain = "contoso.onmicrosoft.com"
        self.tokens = TokenEndpoint(self.id, self.domain, self.apps, self.random)
        self.reset_counters()

    def reset_counters(self) -> None:
        """Start counting anew."""
        self.subrequests = self.graph_requests = 0
        self.resource_units = self.write_units = 0.0

    def handle(self, request: Request) -> Response:
        """The answer of whichever host the URL names. Raises Dropped."""
        self.subrequests += 1
        exchange = Exchange(self.clock(), request.method, request.url, 0)
        self.requests.append(exchange)
        try:
            response = self._respond(request, exchange)
            exchange.status, exchange.delay = response.status, response.delay
            return response
        finally:
            self.changed()

    def changed(self) -> None:
        """Let `on_change` know."""
        if self.on_change:
            self.on_change()

    def refused(self, refusal: Refusal, headers: Mapping[str, str]) -> Answer:
        """The error body (https://learn.microsoft.com/graph/errors)."""
        request_id = self.graph.new_id()
        inner: JSON = {
            "date": time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(self.clock())),
            "request-id": request_id,
            "client-request-id": headers.get("client-request-id", request_id),
        }
        body: JSON = {"error": {"code": refusal.code, "message": refusal.message, self.behaviour.inner_error: inner}}
        return Answer(refusal.status, body, {"request-id": request_id, **refusal.headers})

    # --- one request ---

    def _respond(self, request: Request, exchange: Exchange) -> Response:
        url = urlsplit(request.url)
        host = url.hostname or ""
        headers = {name.lower(): value for name, value in request.headers.items()}
        if url.scheme != "https" or (host not in CLOUDS and host not in GRAPH_HOSTS):
            bearer = ", with the access token" if "authorization" in headers else ""
            self.violations.append(f"a request to {url.scheme}://{host}{bearer}")
        if host in CLOUDS and "authorization" in headers:
            self.violations.append("the access token is sent to the login host")
        path = one_slash(url.path.removeprefix("/v1.0")) if host in GRAPH_HOSTS else url.path
        struck = self._struck(request.method, path)

        def refuse(refusal: Refusal) -> Response:
            if host in CLOUDS:
                return self.tokens.unavailable(refusal, self.clock())
            return self._response(self.refused(refusal, headers), headers)

        if any(fault.kind in UNDONE for fault in struck):
            response = Response(200, {}, b"", self.behaviour.answer_seconds)
        elif url.scheme != "https":
            response = Response(404, {}, b"", self.behaviour.answer_seconds)
        elif host in CLOUDS:
            answered = self.tokens.handle(request, host, url.path, self.clock(), self.behaviour.token_seconds)
            response = Response(answered.status, answered.headers, answered.body, self.behaviour.answer_seconds)
        elif host in GRAPH_HOSTS:
            response = self._response(self._graph_answer(request, host, headers, exchange), headers)
        else:
            response = Response(404, {}, b"", self.behaviour.answer_seconds)
        return spoil_response(response, struck, refuse, request.url)

    def _graph_answer(self, request: Request, host: str, headers: Mapping[str, str], exchange: Exchange) -> Answer:
        root = f"https://{host}/v1.0"
        target = request.url.removeprefix(root)
        try:
            roles = self._roles(headers, host)
            if not target.startswith("/"):
                self.violations.append(f"a request beside v1.0: {request.url}")
                raise Refusal(400, "BadRequest", "Invalid version.")
            item = Item(request.method, one_slash(target), headers, _parsed(request.body, headers))
            if item.target.partition("?")[0] == "/$batch" and request.method == "POST":
                return answer_batch(self, item.body, lambda one: self._spoiled(one, roles, root), exchange, root)
            return self._one(item, roles, root)
        except Refusal as refusal:
            return self.refused(refusal, headers)

    def _spoiled(self, item: Item, roles: frozenset[str], root: str) -> Answer:
        """One item of a batch, with the faults that strike it."""
        struck = self._struck(item.method, item.target.partition("?")[0])
        if any(fault.kind in UNDONE for fault in struck):
            self.graph_requests += 1
            answer = Answer(200)
        else:
            answer = self._one(item, roles, root)
        return spoil_answer(answer, struck, lambda refusal: self.refused(refusal, item.headers), f"{root}{item.target}")

    def _one(self, item: Item, roles: frozenset[str], root: str) -> Answer:
        """One operation, whether it came alone or in a batch."""
        path, _, query = item.target.partition("?")
        self.graph_requests += 1
        options = dict(parse_qsl(query.replace("+", "%2b"), keep_blank_values=True))
        call = Call(item.method, path, options, item.headers, item.body, roles, self.clock(), root)
        try:
            answer = self.graph.handle(call)
        except Refusal as refusal:
            answer = self.refused(refusal, item.headers)
        self.resource_units += answer.resource_units
        self.write_units += answer.write_units
        return answer

    def _struck(self, method: str, path: str) -> list[Fault]:
        return [fault for fault in self.faults if fault.strikes(method, path)]

    def _roles(self, headers: Mapping[str, str], host: str) -> frozenset[str]:
        scheme, _, token = headers.get("authorization", "").partition(" ")
        issued = self.tokens.issued.get(token)
        if scheme != "Bearer" or not token:
            raise Refusal(401, "InvalidAuthenticationToken", "Access token is empty.")
        if issued is None or issued.host != host:
            raise Refusal(401, "InvalidAuthenticationToken", "Access token validation failure. Invalid audience.")
        if issued.expires <= self.clock():
            raise Refusal(401, "InvalidAuthenticationToken", "Lifetime validation failed, the token is expired.")
        if not issued.roles:
            raise Refusal(403, "AccessDenied", "Required roles claim values are not provided.")
        return issued.roles

    def _response(self, answer: Answer, headers: Mapping[str, str]) -> Response:
        request_id = self.graph.new_id()
        common = {
            "Cache-Control": "no-cache",
            "Date": formatdate(self.clock(), usegmt=True),
            "request-id": request_id,
            "client-request-id": headers.get("client-request-id", request_id),
            "x-ms-ags-diagnostic": _DIAGNOSTIC,
            "OData-Version": "4.0",
        }
        if answer.resource_units:
            common["x-ms-resource-unit"] = f"{answer.resource_units:g}"
        if answer.body is not None:
            common["Content-Type"] = CONTENT_TYPE
        body = b"" if answer.body is None else as_json(answer.body)
        return Response(answer.status, {**common, **answer.headers}, body, self.behaviour.answer_seconds + answer.delay)


def _parsed(body: bytes, headers: Mapping[str, str]) -> JSON:
    if not body:
        return None
    if not headers.get("content-type", "").lower().startswith("application/json"):
        raise Refusal(415, "Request_BadRequest", "The request's Content-Type is not supported.")
    try:
        parsed: JSON = json.loads(body)
    except (ValueError, RecursionError):
        raise Refusal(400, "BadRequest", "Unable to read JSON request payload.") from None
    return parsed
