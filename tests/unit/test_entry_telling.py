"""The entry when somebody is to be told: beside the tick, after it, and out of its budget; the runtime is stood in for by a few names."""

import asyncio
import importlib
import sys
from collections.abc import Awaitable, Callable, Iterator, Mapping
from dataclasses import dataclass, field
from types import ModuleType, SimpleNamespace

import pytest

from budget import HttpRequest, HttpResponse
from errors import SyncFailed
from plan import RISK_LEVELS
from simulator import Fault
from tests.ticks import Ticks, contoso, variables
from tests.watching import HEARTBEAT, WEBHOOK, Receiver

OPTIONAL = ("alerts", "bindings", "certificate", "notify", "webcrypto")


class JsError(Exception):
    """What JavaScript throws."""

    def __init__(self, name: str = "Error") -> None:
        super().__init__(f"{name}: ada.adler@contoso.example")
        self.name = name


class Values(list[object]):
    """A JavaScript array."""

    @classmethod
    def of(cls, *values: object) -> "Values":
        return cls(values)

    def map(self, function: Callable[[object], object]) -> "Values":
        return Values(map(function, self))


class Reflected:
    """JavaScript's `Reflect.get`."""

    def bind(self, _: None, target: object) -> Callable[[str], object]:
        return lambda name: getattr(target, name)


@dataclass
class Deployed:
    """The entry's module as one isolate has it, beside a tenant and a receiver."""

    ticks: Ticks
    receiver: Receiver
    given: dict[str, object]
    entry: ModuleType = field(init=False)
    console: list[tuple[str, object]] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)

    async def fetch(self, request: HttpRequest) -> HttpResponse:
        self.requests.append(request.url)
        told = request.url in (WEBHOOK, HEARTBEAT)
        return await (self.receiver.fetch(request) if told else self.ticks.fetch(request))

    def minute(self, late: float = 0.0) -> list[object]:
        """A cron event so many seconds late; the console's entries. Raises what the runtime would be shown."""
        self.console.clear()
        self.requests.clear()
        worker = self.entry.Default()
        worker.env = SimpleNamespace(**self.given)
        began = self.ticks.clock.time
        try:
            controller = SimpleNamespace(noRetry=lambda: None, scheduledTime=1000 * (began - late))
            asyncio.run(worker.scheduled(controller, None, None))
        finally:
            self.ticks.clock.time = max(self.ticks.clock.time, began + 60)
        return [entry for _, entry in self.console]


@pytest.fixture
def deployed(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., Deployed]]:
    def deploy(**given: object) -> Deployed:
        ticks = contoso()
        it = Deployed(ticks, Receiver(ticks.clock), {**variables(ticks.tenant), **given})

        def module(name: str, **names: object) -> None:
            stand_in = ModuleType(name)
            stand_in.__dict__.update(names)
            monkeypatch.setitem(sys.modules, name, stand_in)

        def writer(level: str) -> Callable[[object], None]:
            return lambda entry: it.console.append((level, entry))

        console = SimpleNamespace(debug=writer("debug"), log=writer("log"), warn=writer("warn"), error=writer("error"))
        reflect = SimpleNamespace(get=Reflected(), apply=lambda method, _, arguments: method(*arguments))
        module("js", console=console, Object=SimpleNamespace(fromEntries=dict), Reflect=reflect, Array=Values)
        module("pyodide")
        module("pyodide.ffi", JsException=JsError, JsProxy=object, to_js=lambda value, **_: value)
        module("workers", WorkerEntrypoint=object)
        for name in ("entry", *OPTIONAL):
            monkeypatch.delitem(sys.modules, name, raising=False)
        it.entry = importlib.import_module("entry")
        monkeypatch.setattr(it.entry, "fetch", it.fetch)
        monkeypatch.setattr(it.entry, "time", SimpleNamespace(time=ticks.clock.now))
        monkeypatch.setattr(it.entry.WorkersClock, "now", staticmethod(ticks.clock.now))
        monkeypatch.setattr(it.entry.WorkersClock, "sleep", staticmethod(ticks.clock.sleep))
        return it

    yield deploy
    for name in ("entry", *OPTIONAL):
        sys.modules.pop(name, None)


def test_nothing_is_imported_sent_or_said_for_whoever_has_configured_nothing(deployed: Callable[..., Deployed]) -> None:
    it = deployed()
    it.minute()
    said = it.minute()
    assert [str(entry).split(":")[0] for entry in said] == ["In sync", "{'outcome'"]
    assert len(it.requests) == 1
    assert [name for name in OPTIONAL if name in sys.modules] == []
    it.ticks.tenant.faults = [Fault("status", path="/$batch")]
    with pytest.raises(SyncFailed):
        it.minute()
    assert [name for name in OPTIONAL if name in sys.modules] == []


def test_a_failing_tick_is_told_and_raises_as_it_always_does(deployed: Callable[..., Deployed]) -> None:
    it = deployed(ALERT_WEBHOOK=WEBHOOK, HEARTBEAT_URL=HEARTBEAT)
    it.minute()
    it.ticks.tenant.premium = False
    for _ in range(6):
        with pytest.raises(SyncFailed, match="P2"):
            it.minute()
    it.ticks.tenant.premium = True
    it.minute()
    assert it.receiver.states == ["failing", "over"]
    assert it.receiver.beats == 2


def test_a_configuration_that_is_wrong_is_told_too(deployed: Callable[..., Deployed]) -> None:
    it = deployed(ALERT_WEBHOOK=WEBHOOK, ALERT_AFTER="2")
    it.minute()
    it.entry.Isolate.settings = None
    it.given["AZURE_AD_CLIENT_ID"] = "<CLIENT-ID>"
    for _ in range(3):
        with pytest.raises(Exception, match="placeholder"):
            it.minute()
    assert it.receiver.states == ["failing"]


def busy(it: Deployed) -> None:
    """Let there be more to do than a minute can."""
    for number in range(2100):
        it.ticks.tenant.set_risk(it.ticks.tenant.add_user(), RISK_LEVELS[number % 3])


@pytest.mark.parametrize(("most", "of_the_tick"), [(20, 19), (21, 19), (22, 20), (23, 21)])
def test_what_is_told_comes_out_of_the_same_budget_and_the_tick_has_nineteen_at_least(
    deployed: Callable[..., Deployed], most: int, of_the_tick: int
) -> None:
    it = deployed(ALERT_WEBHOOK=WEBHOOK, HEARTBEAT_URL=HEARTBEAT, MAX_SUBREQUESTS=str(most), ALERT_AFTER="1")
    busy(it)
    it.minute()
    assert len([url for url in it.requests if url != HEARTBEAT]) == of_the_tick
    assert it.receiver.beats == 1
    it.ticks.tenant.premium = False
    with pytest.raises(SyncFailed):
        it.minute()
    assert it.requests[-1] == WEBHOOK


def test_in_a_busy_minute_of_the_smallest_budget_an_alert_is_told_and_its_end_before_the_heartbeat(
    deployed: Callable[..., Deployed],
) -> None:
    it = deployed(ALERT_WEBHOOK=WEBHOOK, HEARTBEAT_URL=HEARTBEAT, MAX_SUBREQUESTS="20", ALERT_AFTER="1")
    it.minute()
    busy(it)
    it.ticks.tenant.faults = [Fault("status", "GET", "/groups/*/members", status=403, times=1)]
    with pytest.raises(SyncFailed):
        it.minute()
    assert (len(it.requests), it.requests[-1]) == (20, WEBHOOK)
    said = it.minute()
    assert (len(it.requests), it.requests[-1]) == (20, WEBHOOK)
    assert it.receiver.states == ["failing", "over"]
    assert "HEARTBEAT_URL was not called: this minute's subrequests or time ended first." in said


@pytest.mark.parametrize("late", [[0.0] * 6, [58.0] * 6, [0.0, 0.0, 58.0, 58.0, 0.0, 0.0], [0.0, 0.0, 0.0, 58.0, 0.0, 0.0]])
def test_the_full_hour_strikes_once_for_isolates_without_memory_however_late_their_events_come(
    deployed: Callable[..., Deployed], late: list[float]
) -> None:
    it = deployed(ALERT_WEBHOOK=WEBHOOK)
    it.ticks.tenant.premium, it.ticks.tenant.behaviour.answer_seconds = False, 2.0
    hour = it.ticks.clock.time // 3600 * 3600 + 3600
    for minute, seconds in enumerate(late, -3):
        it.ticks.clock.time = hour + 60 * minute + seconds
        it.entry.Isolate.memory = None
        with pytest.raises(SyncFailed):
            it.minute(late=seconds)
    assert it.receiver.states == ["failing"]


class Namespace:
    """Workers KV."""

    def __init__(self) -> None:
        self.texts: dict[str, str] = {}
        self.gets = 0

    async def get(self, key: str) -> str | None:
        self.gets += 1
        return self.texts.get(key)

    async def put(self, key: str, text: str) -> None:
        self.texts[key] = text


def test_a_store_outlives_isolates(deployed: Callable[..., Deployed]) -> None:
    store, states = Namespace(), []
    for working in (True, False, False, False, True):
        it = deployed(ALERT_WEBHOOK=WEBHOOK, ALERT_STATE=store, ALERT_AFTER="2")
        it.ticks.clock.time += 60 * store.gets
        it.ticks.tenant.premium = working
        if working:
            it.minute()
        else:
            with pytest.raises(SyncFailed):
                it.minute()
        states.append(it.receiver.states)
    assert states == [[], [], ["failing"], [], ["over"]]


def test_mail_and_data_points_go_through_their_bindings(deployed: Callable[..., Deployed]) -> None:
    sent: list[Mapping[str, str]] = []
    points: list[Mapping[str, list[object]]] = []

    async def send(message: Mapping[str, str]) -> None:
        sent.append(message)

    addresses = {"ALERT_EMAIL_FROM": "worker@contoso.example", "ALERT_EMAIL_TO": "admin@contoso.example"}
    email, metrics = SimpleNamespace(send=send), SimpleNamespace(writeDataPoint=points.append)
    it = deployed(ALERT_EMAIL=email, METRICS=metrics, ALERT_AFTER="1", **addresses)
    it.minute()
    it.ticks.tenant.premium = False
    with pytest.raises(SyncFailed):
        it.minute()
    [message] = sent
    assert (message["from"], message["to"]) == ("worker@contoso.example", "admin@contoso.example")
    assert message["subject"] == "risky-users: isolation does not follow risk"
    assert [point["blobs"] for point in points] == [["changed"], ["failed"]]
    assert [len(point["doubles"]) for point in points] == [13, 13]
    assert [point["indexes"] for point in points] == [["tick"]] * 2


def hanging(*_: object) -> Awaitable[None]:
    return asyncio.sleep(3600)


def throwing(*_: object) -> Awaitable[None]:
    raise JsError


async def rejecting(*_: object) -> None:
    raise JsError


@pytest.mark.parametrize(
    "broken",
    [
        object(),
        SimpleNamespace(**dict.fromkeys(("send", "get", "put", "writeDataPoint"), throwing)),
        SimpleNamespace(**dict.fromkeys(("send", "get", "put"), rejecting), writeDataPoint=throwing),
        "text",
    ],
    ids=["another kind", "throws", "rejects", "text"],
)
def test_bindings_that_do_not_work_are_lines_in_the_log_and_what_does_work_is_told_once(
    deployed: Callable[..., Deployed], broken: object
) -> None:
    addresses = {"ALERT_EMAIL_FROM": "worker@contoso.example", "ALERT_EMAIL_TO": "admin@contoso.example"}
    it = deployed(ALERT_WEBHOOK=WEBHOOK, ALERT_EMAIL=broken, METRICS=broken, ALERT_STATE=broken, ALERT_AFTER="1", **addresses)
    it.minute()
    it.ticks.tenant.premium = False
    for _ in range(5):
        with pytest.raises(SyncFailed):
            it.minute()
    assert it.receiver.states == ["failing"]
    said = [str(entry) for level, entry in it.console if level == "warn"]
    assert any(line.startswith("The data point was not taken (") for line in said)
    assert any(line.startswith("ALERT_STATE does not give back") for line in said)
    assert not any("ada.adler" in line for line in said)


def test_bindings_that_hang_hold_nothing_up(deployed: Callable[..., Deployed], monkeypatch: pytest.MonkeyPatch) -> None:
    it = deployed(ALERT_WEBHOOK=WEBHOOK, ALERT_STATE=SimpleNamespace(get=hanging, put=hanging), ALERT_AFTER="1")
    monkeypatch.setattr(importlib.import_module("bindings"), "_STORE_SECONDS", 0.01)
    it.minute()
    it.ticks.tenant.premium = False
    with pytest.raises(SyncFailed):
        it.minute()
    assert it.receiver.states == ["failing"]
    assert "ALERT_STATE does not give back what it was given (no answer in time); until it does, an alert may come twice." in [
        entry for _, entry in it.console
    ]


def test_whatever_goes_wrong_in_telling_the_ticks_own_outcome_stands(
    deployed: Callable[..., Deployed], monkeypatch: pytest.MonkeyPatch
) -> None:
    it = deployed(ALERT_WEBHOOK=WEBHOOK)

    async def notify(*_: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(importlib.import_module("notify"), "notify", notify)
    assert it.minute()[-1] == "Nobody could be told: ZeroDivisionError."
    it.ticks.tenant.premium = False
    with pytest.raises(SyncFailed):
        it.minute()


def test_a_minute_that_leaves_its_work_to_the_one_before_tells_nobody_and_telling_keeps_no_minute_waiting(
    deployed: Callable[..., Deployed],
) -> None:
    it = deployed(HEARTBEAT_URL=HEARTBEAT)
    busy = []
    fetch = it.receiver.fetch

    async def watched(request: HttpRequest) -> HttpResponse:
        busy.append(it.entry.Isolate.busy_until)
        return await fetch(request)

    it.receiver.fetch = watched  # type: ignore[method-assign]  # the same, observed
    it.minute()
    assert busy == [0.0]
    it.entry.Isolate.busy_until = it.ticks.clock.time + 40
    assert it.minute()[-1] == {"outcome": "skipped"}
    assert it.receiver.beats == 1
