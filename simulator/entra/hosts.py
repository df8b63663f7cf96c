"""The hosts that a tenant answers on, login and Graph: requests in, answers out, a log of both."""

import random
from collections.abc import Callable, Collection, Mapping
from dataclasses import replace
from urllib.parse import urlsplit

from simulator.entra.answers import Answer
from simulator.entra.batch import one_slash
from simulator.entra.behaviour import Behaviour
from simulator.entra.directory import Directory
from simulator.entra.graph import MANNER, GraphHost
from simulator.entra.login import LoginHost
from simulator.entra.service import Service
from simulator.entra.token import CLOUDS, GRAPH_HOSTS, Tokens
from simulator.faults import Fault, striking, undone
from simulator.messages import Exchange, Refusal, Request, Response
from simulator.spoil import spoil_response
from simulator.standin import StandIn


class Hosts(StandIn):
    """Answers requests out of a directory. `clock` gives epoch seconds."""

    hosts: Collection[str] = frozenset({*CLOUDS, *GRAPH_HOSTS})

    def __init__(self, clock: Callable[[], float], randomness: random.Random) -> None:
        super().__init__(clock, randomness)
        self.behaviour = Behaviour()
        self.directory = Directory()
        self.service = Service(self.directory, self.behaviour, self.random, self.violations.append)
        self.id = self.service.tenant_id = self.service.new_id()
        self.domain = self.service.domain
        self.directory.add_microsoft_graph(self.id)
        self.tokens = Tokens(self.id, self.random)
        self.login = LoginHost(self.id, self.domain, self.directory, self.behaviour, self.tokens, self.random)
        self._graph = GraphHost(self.service, self.tokens.issued, clock, self._struck, self._count)

    def reset_counters(self) -> None:
        """Start counting anew."""
        super().reset_counters()
        self.graph_requests = 0
        self.resource_units = self.write_units = 0.0

    def catch_up(self) -> None:
        """Let provisioning do what is due by now."""
        self.service.provisioning.run_due(self.clock())

    def _respond(self, request: Request, exchange: Exchange) -> Response:
        url = urlsplit(request.url)
        host = url.hostname or ""
        headers = {name.lower(): value for name, value in request.headers.items()}
        self._notice(url.scheme, host, headers)
        struck = self._struck(request.method, one_slash(url.path.removeprefix("/v1.0")) if host in GRAPH_HOSTS else url.path)
        if undone(struck):
            response = Response(200, {})
        elif url.scheme == "https" and host in CLOUDS:
            response = self.login.handle(request, host, url.path, self.clock())
        elif url.scheme == "https" and host in GRAPH_HOSTS:
            response = self._graph.handle(request, host, headers, exchange)
        else:
            response = Response(404, {})

        def refuse(refusal: Refusal) -> Response:
            return self.login.refuse(refusal, request, self.clock()) if host in CLOUDS else self._graph.refuse(refusal, headers)

        response = replace(response, delay=self.behaviour.answer_seconds + response.delay)
        return spoil_response(response, struck, MANNER, refuse, request.url)

    def _notice(self, scheme: str, host: str, headers: Mapping[str, str]) -> None:
        """What goes where nothing should."""
        if scheme != "https" or host not in self.hosts:
            bearer = ", with the access token" if "authorization" in headers else ""
            self.violations.append(f"a request to {scheme}://{host}{bearer}")
        if host in CLOUDS and "authorization" in headers:
            self.violations.append("the access token is sent to the login host")

    def _struck(self, method: str, path: str) -> list[Fault]:
        return striking(self.faults, method, path)

    def _count(self, answer: Answer) -> None:
        self.graph_requests += 1
        self.resource_units += answer.resource_units
        self.write_units += answer.write_units
