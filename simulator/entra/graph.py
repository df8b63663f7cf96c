"""The Graph host: who asks, one request or a batch of them, and the form of every answer."""

import json
import time
from collections.abc import Callable, Mapping
from email.utils import formatdate
from urllib.parse import parse_qsl, unquote

from simulator.entra.answers import CONTENT_TYPE, Answer
from simulator.entra.batch import Item, answer_items, one_slash, read_batch, together
from simulator.entra.call import Call
from simulator.entra.caller import Caller
from simulator.entra.operations import ROUTES
from simulator.entra.routes import find
from simulator.entra.service import Service
from simulator.entra.token import IssuedToken
from simulator.faults import Fault, undone
from simulator.messages import JSON, Exchange, ItemExchange, Refusal, Request, Response
from simulator.spoil import Manner, spoil_response

EXPIRED = Refusal(401, "InvalidAuthenticationToken", "Lifetime validation failed, the token is expired.")
MANNER = Manner(EXPIRED, "https://graph.microsoft.com.attacker.example/v1.0/groups?$skiptoken=x", "value", "@odata.nextLink")
_DIAGNOSTIC = '{"ServerInfo":{"DataCenter":"West Europe","Slice":"E","Ring":"5","ScaleUnit":"003","RoleInstance":"AM2PEPF0001"}}'


class GraphHost:
    """Answers for graph.microsoft.com. `strike` tells which faults hit a request, `count` hears of each operation's answer."""

    def __init__(
        self,
        service: Service,
        issued: Mapping[str, IssuedToken],
        clock: Callable[[], float],
        strike: Callable[[str, str], list[Fault]],
        count: Callable[[Answer], None],
    ) -> None:
        self._service, self._issued, self._clock, self._strike, self._count = service, issued, clock, strike, count

    def handle(self, request: Request, host: str, headers: Mapping[str, str], exchange: Exchange) -> Response:
        """The answer; `headers` in lower case, `exchange` to note a batch's items in. Raises Dropped."""
        root = f"https://{host}/v1.0"
        try:
            caller = self._caller(headers, host)
            target = request.url.removeprefix(root)
            if not target.startswith("/"):
                self._service.violate(f"a request beside v1.0: {request.url}")
                raise Refusal(400, "BadRequest", "Invalid version.")
            item = Item(request.method, one_slash(target), headers, _parsed(request.body, headers))
            if item.path == "/$batch" and item.method == "POST":
                answer = self._batch(item, caller, root, exchange)
            else:
                answer = self._one(item, caller, root)
        except Refusal as refusal:
            answer = self._refused(refusal, headers)
        return self._response(answer, headers)

    def refuse(self, refusal: Refusal, headers: Mapping[str, str]) -> Response:
        """An error for a whole request (https://learn.microsoft.com/graph/errors)."""
        return self._response(self._refused(refusal, headers), headers)

    # --- batches ---

    def _batch(self, batch: Item, caller: Caller, root: str, exchange: Exchange) -> Answer:
        items = read_batch(batch.body, root, self._service.violate)
        answers = answer_items(
            items,
            self._service.behaviour,
            answer=lambda item: self._perhaps_spoiled(item, caller, root),
            refuse=lambda item, refusal: self._refused(refusal, item.headers),
        )
        exchange.items += [
            ItemExchange(item.method, item.target, answer.status, answer.resource_units, answer.write_units)
            for item, answer in zip(items, answers, strict=True)
        ]
        return together(items, answers, self._service.behaviour, self._service.random)

    def _perhaps_spoiled(self, item: Item, caller: Caller, root: str) -> Answer:
        """One item of a batch, with the faults that strike it."""
        struck = self._strike(item.method, item.path)
        if undone(struck):
            answer = Answer(200, resource_units=0.0)
            self._count(answer)
        else:
            answer = self._one(item, caller, root)
        if not struck:
            return answer
        whole = spoil_response(
            answer.as_response(),
            struck,
            MANNER,
            lambda refusal: self._refused(refusal, item.headers).as_response(),
            f"{root}{item.target}",
        )
        if any(fault.kind == "unanswered" for fault in struck):
            return Answer(0, delay=whole.delay)
        return answer.spoiled(whole)

    # --- one request ---

    def _one(self, item: Item, caller: Caller, root: str) -> Answer:
        """One operation, whether it came alone or in a batch."""
        options = dict(parse_qsl(item.target.partition("?")[2].replace("+", "%2b"), keep_blank_values=True))
        try:
            answer = self._operate(item, options, caller, root)
        except Refusal as refusal:
            answer = self._refused(refusal, item.headers)
        self._count(answer)
        return answer

    def _operate(self, item: Item, options: Mapping[str, str], caller: Caller, root: str) -> Answer:
        path = unquote(item.path)
        found = find(ROUTES, item.method, path)
        if not caller.permissions and not self._concerns_itself(item.method, path):
            raise Refusal(403, "AccessDenied", "Required roles claim values are not provided.")
        if found:
            operation, named = found
            call = Call(item.method, item.path, named, options, item.headers, item.body, caller, self._clock(), root)
            return operation(self._service, call)
        self._service.violate(f"unknown request: {item.method} {path}")
        if any(route.path.fullmatch(path) for route in ROUTES):
            raise Refusal(405, "Request_BadRequest", "Specified HTTP method is not allowed for the request target.")
        raise Refusal(404, "BadRequest", "Resource not found for the segment.")

    def _caller(self, headers: Mapping[str, str], host: str) -> Caller:
        scheme, _, token = headers.get("authorization", "").partition(" ")
        issued = self._issued.get(token)
        if scheme != "Bearer" or not token:
            raise Refusal(401, "InvalidAuthenticationToken", "Access token is empty.")
        if issued is None or issued.host != host:
            raise Refusal(401, "InvalidAuthenticationToken", "Access token validation failure. Invalid audience.")
        if issued.expires <= self._clock():
            raise EXPIRED
        return issued.caller

    def _concerns_itself(self, method: str, path: str) -> bool:
        """Whether it may be a request that an app makes of its own registration, without any permission."""
        rolls_a_key = method == "POST" and path.endswith(("/addKey", "/removeKey"))
        reads = method == "GET" and path.startswith(("/applications", "/servicePrincipals")) and "(" in path
        return rolls_a_key or (reads and self._service.behaviour.own_registration_readable)

    # --- the form of answers ---

    def _refused(self, refusal: Refusal, headers: Mapping[str, str]) -> Answer:
        request_id = self._service.new_id()
        inner: JSON = {
            "date": time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(self._clock())),
            "request-id": request_id,
            "client-request-id": headers.get("client-request-id", request_id),
        }
        body: JSON = {"error": {"code": refusal.code, "message": refusal.message, self._service.behaviour.inner_error: inner}}
        return Answer(refusal.status, body, {"request-id": request_id, **refusal.headers})

    def _response(self, answer: Answer, headers: Mapping[str, str]) -> Response:
        request_id = self._service.new_id()
        common = {
            "Cache-Control": "no-cache",
            "Date": formatdate(self._clock(), usegmt=True),
            "request-id": request_id,
            "client-request-id": headers.get("client-request-id", request_id),
            "x-ms-ags-diagnostic": _DIAGNOSTIC,
            "OData-Version": "4.0",
        }
        if answer.resource_units:
            common["x-ms-resource-unit"] = f"{answer.resource_units:g}"
        if answer.body is not None:
            common["Content-Type"] = CONTENT_TYPE
        whole = answer.as_response()
        return Response(whole.status, {**common, **whole.headers}, whole.body, whole.delay)


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
