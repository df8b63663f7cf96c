"""Whoever the Worker tells: a chat that takes alerts at a webhook, and a monitor that expects a heartbeat."""

import json
from collections.abc import Callable, Mapping
from random import Random
from typing import NamedTuple
from urllib.parse import urlsplit

from simulator.faults import Fault, striking, undone
from simulator.messages import JSON, Exchange, Refusal, Request, Response, as_json
from simulator.presets import Preset
from simulator.spoil import Manner, spoil_response
from simulator.standin import StandIn

CHAT, MONITOR = "chat.example", "monitor.example"
_MANNER = Manner(Refusal(401, "unauthorized", "Unauthorized"), f"https://{CHAT}/moved", "value", next_link=None)


class Alert(NamedTuple):
    """A message as it came to the chat, at a time in epoch seconds."""

    time: float
    title: str
    text: str
    states: tuple[str, ...]


class Receivers(StandIn):
    """Both of them. `clock` gives epoch seconds."""

    hosts = frozenset({CHAT, MONITOR})

    def __init__(self, clock: Callable[[], float], random: Random | None = None) -> None:
        super().__init__(clock, random or Random(1))
        self.alerts: list[Alert] = []
        self.heartbeat: float | None = None
        """When it came last."""
        self.answer_seconds = 0.0
        """How long each request takes."""

    @property
    def worker_variables(self) -> Mapping[str, str]:
        """The secrets of a Worker that tells both, by name."""
        return {"ALERT_WEBHOOK": f"https://{CHAT}/hooks/1", "HEARTBEAT_URL": f"https://{MONITOR}/ping/1"}

    def _respond(self, request: Request, _: Exchange) -> Response:
        url = urlsplit(request.url)
        struck = striking(self.faults, request.method, url.path)
        response = Response(204, {}, b"", self.answer_seconds)
        if not undone(struck):
            response = self._taken(url.hostname or "", request, response)
        return spoil_response(response, struck, _MANNER, _refused, request.url)

    def _taken(self, host: str, request: Request, answer: Response) -> Response:
        if host == MONITOR:
            self.heartbeat = self.clock()
            return answer
        try:
            self.alerts.append(_alert(json.loads(request.body), self.clock()))
        except (ValueError, TypeError, KeyError):
            self.violations.append(f"an alert that is none: {request.body[:200]!r}")
            return _refused(Refusal(400, "invalid_payload", "That is no message."))
        return answer


def _alert(message: JSON, now: float) -> Alert:
    """Raises KeyError or TypeError where it is none."""
    if not isinstance(message, dict) or not isinstance(message["states"], list):
        raise TypeError
    title, states = str(message["title"]), tuple(map(str, message["states"]))
    return Alert(now, title, str(message["text"]).removeprefix(title).strip(), states)


def _refused(refusal: Refusal) -> Response:
    return Response(refusal.status, {"Content-Type": "application/json", **refusal.headers}, as_json({"error": refusal.code}))


PRESETS: Mapping[str, Preset[Receivers]] = {
    "withdrawn webhook": Preset(
        "A withdrawn webhook", "The chat answers 404 to every alert.", lambda: [Fault("status", "POST", status=404, code="no_service")]
    ),
    "slow chat": Preset("A slow chat", "The chat takes an alert, and 20 seconds to say so.", lambda: [Fault("slow", "POST", delay=20.0)]),
    "deaf monitor": Preset("A deaf monitor", "The monitor answers 503 to every heartbeat.", lambda: [Fault("status", "GET", status=503)]),
}
