"""Whoever the Worker tells, simulated: a chat and a monitor."""

import json

import pytest

from simulator import Dropped, Request, Switchboard
from simulator.receivers import PRESETS, Receivers

MESSAGE = {"title": "risky-users: it works again", "text": "risky-users: it works again\n\nAfter 5 minutes.", "states": ["over"]}


@pytest.fixture
def receivers() -> Receivers:
    return Receivers(clock=lambda: 1000.0)


def tell(receivers: Receivers, message: object) -> int:
    webhook = receivers.worker_variables["ALERT_WEBHOOK"]
    return receivers.handle(Request("POST", webhook, {"content-type": "application/json"}, json.dumps(message).encode())).status


def beat(receivers: Receivers) -> int:
    return receivers.handle(Request("GET", receivers.worker_variables["HEARTBEAT_URL"], {})).status


def test_an_alert_arrives_with_its_title_once(receivers: Receivers) -> None:
    assert tell(receivers, MESSAGE) == 204
    [alert] = receivers.alerts
    assert alert == (1000.0, "risky-users: it works again", "After 5 minutes.", ("over",))


@pytest.mark.parametrize("message", [[], "text", {"text": "no title"}, {**MESSAGE, "states": "over"}])
def test_what_is_no_alert_is_refused_and_noted(receivers: Receivers, message: object) -> None:
    assert tell(receivers, message) == 400
    assert (receivers.alerts, len(receivers.violations)) == ([], 1)


def test_a_heartbeat_is_heard(receivers: Receivers) -> None:
    assert (receivers.heartbeat, beat(receivers), receivers.heartbeat) == (None, 204, 1000.0)


@pytest.mark.parametrize("name", PRESETS)
def test_a_preset_spoils_one_of_them_until_it_ends(receivers: Receivers, name: str) -> None:
    board = Switchboard(receivers, PRESETS)

    def spoilt() -> list[bool]:
        answers = []
        for request in (
            Request("POST", receivers.worker_variables["ALERT_WEBHOOK"], {}, json.dumps(MESSAGE).encode()),
            Request("GET", receivers.worker_variables["HEARTBEAT_URL"], {}),
        ):
            try:
                answer = receivers.handle(request)
                answers.append(answer.status != 204 or answer.delay > 4)
            except Dropped:
                answers.append(True)
        return answers

    board.switch(name, on=True)
    assert sorted(spoilt()) == [False, True]
    board.switch(name, on=False)
    assert spoilt() == [False, False]
