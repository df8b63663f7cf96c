"""api.cloudflare.com as one account sees it: requests in, answers out, a log of both."""

import json
from collections.abc import Callable, Mapping
from email.utils import formatdate
from random import Random
from urllib.parse import parse_qsl, unquote, urlsplit

from simulator.cloudflare import tokens
from simulator.cloudflare.behaviour import Behaviour
from simulator.cloudflare.envelope import Refused, error_page, failure, success
from simulator.cloudflare.faults import Ineffective
from simulator.cloudflare.limits import Limits, Throttled
from simulator.cloudflare.routes import VERIFYING, route
from simulator.cloudflare.service import Call, Service
from simulator.cloudflare.state import State, Token
from simulator.faults import striking, undone
from simulator.messages import JSON, Exchange, Refusal, Request, Response, as_json
from simulator.spoil import Manner, spoil_response
from simulator.standin import StandIn

HOST = "api.cloudflare.com"
ROOT = "/client/v4"
EXPIRED = Refusal(401, "9109", "Invalid access token")
MANNER = Manner(EXPIRED, f"https://{HOST}.attacker.example{ROOT}/accounts", "result", next_link=None)


class Front(StandIn):
    """Answers requests out of an account's state. `clock` gives epoch seconds."""

    hosts = frozenset({HOST})

    def __init__(self, clock: Callable[[], float], random: Random) -> None:
        super().__init__(clock, random)
        self.behaviour = Behaviour()
        self.state = State(f"{random.getrandbits(128):032x}", clock())
        self.service = Service(self.state, self.behaviour, random, self.violations.append)
        self._limits = Limits(self.behaviour)
        self._unknown_code = random.choice([code for code in range(2000, 3000) if code != 2218])

    def reset_counters(self) -> None:
        """Start counting anew."""
        super().reset_counters()
        self.writes = 0

    # --- one request ---

    def _respond(self, request: Request, _: Exchange) -> Response:
        self.writes += request.method != "GET" and not request.url.endswith("/graphql")
        url = urlsplit(request.url)
        headers = {name.lower(): value for name, value in request.headers.items()}
        if url.scheme != "https" or url.hostname != HOST:
            bearer = ", with the token" if "authorization" in headers else ""
            self.violations.append(f"a request to {url.scheme}://{url.hostname}{bearer}")
            return Response(404, {}, b"", self.behaviour.answer_seconds)
        path = url.path.removeprefix(ROOT)
        struck = striking(self.faults, request.method, path)
        if undone(struck):
            response = self._response(200, {}, b"")
        else:
            ineffective = next((fault for fault in struck if isinstance(fault, Ineffective)), None)
            response = self._answer(request, path, url.query, headers, ineffective)
        return spoil_response(response, struck, MANNER, self._by_fault, request.url)

    def _answer(self, request: Request, path: str, query: str, headers: Mapping[str, str], ineffective: Ineffective | None) -> Response:
        now = self.clock()
        token: Token | None = None
        if throttled := self._limits.at_edge(now):
            return self._throttled(throttled, {})
        try:
            match, allowed, operation = route(request.method, unquote(path))
            if not request.url.startswith(f"https://{HOST}{ROOT}/"):
                raise Refused(404, 7000, "No route for that URI")
            token = tokens.authenticate(self.service, headers, now, verifying=operation in VERIFYING)
            if throttled := self._limits.take(token, path, now):
                return self._throttled(throttled, self._limits.headers(token, now))
            elsewhere = match.groupdict().get("account", self.state.id) != self.state.id
            if elsewhere or (allowed is not None and not token.permissions & allowed):
                raise self.service.right_missing()
            body = self._parsed(request.body, headers)
            options: dict[str, tuple[str, ...]] = {}
            for name, value in parse_qsl(query, keep_blank_values=True):
                options[name] = (*options.get(name, ()), value)
            pretended = ineffective.shows if ineffective else None
            answer = operation(self.service, Call(request.method, path, options, body, token, now, pretended), match)
        except Refused as refused:
            return self._refused(refused, token)
        return self._json(answer.status, success(answer), self._limits.headers(token, now))

    def _parsed(self, body: bytes, headers: Mapping[str, str]) -> JSON:
        """The body; raises Refused. That it must come as JSON is inferred."""
        most = self.behaviour.body_at_most
        if most is not None and len(body) > most:
            raise Refused(413, None, "the request body is too large")
        if not body:
            return None
        if not headers.get("content-type", "").lower().startswith("application/json"):
            raise Refused(415, None, "the content type must be application/json")
        try:
            parsed: JSON = json.loads(body)
        except (ValueError, RecursionError):
            raise Refused(400, None, "the request body is malformed") from None
        return parsed

    # --- answers ---

    def _refused(self, refused: Refused, token: Token | None = None) -> Response:
        unknown = self._unknown_code if self.behaviour.unknown_codes == "number" else None
        headers = {**self._limits.headers(token, self.clock()), **refused.headers}
        return self._json(refused.status, failure(refused, unknown), headers)

    def _throttled(self, throttled: Throttled, headers: Mapping[str, str]) -> Response:
        """429 in one of the forms seen; a page of the edge's says nothing of when to come back."""
        if throttled.at_edge or self.behaviour.throttled_as == "html":
            return self._page(429, 1015)
        pause = {"retry-after": str(int(throttled.seconds) + 1)} if self.behaviour.retry_after else {}
        if self.behaviour.throttled_as == "text":
            return self._response(429, {**pause, **headers, "Content-Type": "text/plain"}, b"error code: 971")
        refused = Refused(429, 971, "Too many requests. Please consider throttling your request speed.")
        return self._json(429, failure(refused, None), {**pause, **headers})

    def _by_fault(self, refusal: Refusal) -> Response:
        """What a fault's status looks like here: `code` is a number, or text where none is meant."""
        if refusal is MANNER.expired:
            return self._refused(tokens.dead(self.service))
        code = int(refusal.code) if refusal.code.isdecimal() else None
        if refusal.status == 429:
            return self._throttled(Throttled(60.0, at_edge=code == 1015), refusal.headers)
        if refusal.status >= 500:
            return self._page(refusal.status, refusal.status)
        return self._refused(Refused(refusal.status, code, refusal.message, headers=refusal.headers))

    def _json(self, status: int, body: JSON, headers: Mapping[str, str]) -> Response:
        return self._response(status, {**headers, "Content-Type": "application/json"}, as_json(body))

    def _page(self, status: int, code: int) -> Response:
        ray = f"{self.random.getrandbits(64):016x}"
        return self._response(status, {"Content-Type": "text/html; charset=UTF-8"}, error_page(code, ray).encode())

    def _response(self, status: int, headers: Mapping[str, str], body: bytes) -> Response:
        common = {
            "Date": formatdate(self.clock(), usegmt=True),
            "cf-ray": f"{self.random.getrandbits(64):016x}-FRA",
            "Cf-Auditlog-Id": self.service.new_id(),
            "Server": "cloudflare",
        }
        return Response(status, {**common, **headers}, body, self.behaviour.answer_seconds)
