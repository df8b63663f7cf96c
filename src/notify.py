"""After a tick: somebody is told of what lasts, a monitor hears of a good minute, a dataset keeps the numbers.

Nothing here can fail a tick or delay the next one. Whom it is told, and where the memory lies, is passed in.
"""

import json
import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from alerts import Memory, Notice, Seen
from budget import Budget, HttpResponse
from errors import ConfigError, OutOfBudget, SyncFailed
from report import Log, Report
from settings import Watch

SECONDS = 4.0
"""How long any of the ways may take."""
_SLACK = re.compile(r"https://hooks\.slack(-gov)?\.com/", re.IGNORECASE)


class Store(Protocol):
    """Where a memory outlives isolates. Either raises OSError where it does not work."""

    async def get(self) -> str | None:
        """What was put last; None if nothing was."""

    async def put(self, text: str) -> None:
        """Keep it."""


@dataclass(slots=True)
class Ways:
    """What the host offers besides HTTP. `mail` takes subject and text, `metrics` a tick's outcome and numbers; both raise
    OSError where that does not work."""

    mail: Callable[[str, str], Awaitable[None]] | None = None
    store: Store | None = None
    metrics: Callable[[str, Sequence[float]], None] | None = None
    memory: Memory = field(default_factory=Memory)
    """For want of a store, as long as the isolate lives."""


async def notify(watch: Watch, ways: Ways, outcome: Report | Exception, due: float, budget: Budget, log: Log) -> None:
    """Tell whom it concerns what the tick that was due then (epoch seconds) has come to."""
    report = outcome.report if isinstance(outcome, SyncFailed) else outcome
    seen, record = _seen(report, due), report.written if isinstance(report, Report) else {}
    for problem in watch.problems:
        log("warn", problem)
    if ways.metrics:
        try:
            ways.metrics(str(record.get("outcome", "failed")), numbers(record))
        except OSError as error:
            log("warn", f"The data point was not taken ({error}).")
    if watch.webhook or ways.mail:
        await _tell(watch, ways, seen, budget, log)
    if watch.heartbeat and not seen.problems:
        await _sent("HEARTBEAT_URL", budget, log, "GET", watch.heartbeat)


def _seen(outcome: Report | Exception, due: float) -> Seen:
    if isinstance(outcome, Report):
        return Seen(due, outcome.problems, outcome.refused is not None, outcome.credential_ends)
    return Seen(due, outcome.problems if isinstance(outcome, ConfigError) else [f"A {type(outcome).__name__} that was not foreseen."])


def numbers(record: Mapping[str, object]) -> list[float]:
    """A tick's record as the numbers of a data point; -1 stands for what is not known.

    In this order: members of high, medium and low; users at risk of high, medium and low; joined; left; left over; problems;
    subrequests; milliseconds; days until the credential ends.
    """
    levels = ("high", "medium", "low")
    counts = {
        name: value if isinstance(value, Mapping) else {} for name in ("members", "risky", "joined", "left") for value in [record.get(name)]
    }
    risky = counts["members" if record.get("outcome") == "in sync" else "risky"]  # a quiet minute's record does not say it twice
    totals = [sum(map(_number, counts[name].values())) for name in ("joined", "left")]
    rest = [_number(record.get(name, 0)) for name in ("leftOver", "problems", "subrequests", "milliseconds")]
    known = [_number(each.get(level, -1)) for each in (counts["members"], risky) for level in levels]
    return [*known, *totals, *rest, _number(record.get("credentialDays", -1))]


def _number(value: object) -> float:
    return float(value) if isinstance(value, (int, float)) else -1.0


async def _tell(watch: Watch, ways: Ways, seen: Seen, budget: Budget, log: Log) -> None:
    memory = ways.memory = await _remembered(ways, log)
    before = memory.worth_keeping(watch.after)
    notices = memory.observe(seen, watch.after)
    known = memory.worth_keeping(watch.after)
    kept = known == before or await _keep(ways, memory, log)  # before it is told, lest an isolate that ends meanwhile leave no trace
    if notices:
        memory.told(notices, seen.now, delivered=await _delivered(watch, ways, notices, budget, log))
        if kept and memory.worth_keeping(watch.after) != known:
            await _keep(ways, memory, log)


async def _keep(ways: Ways, memory: Memory, log: Log) -> bool:
    """Whether the store, if there is one, has taken it."""
    try:
        if ways.store:
            await ways.store.put(memory.to_json())
        return True
    except OSError as error:
        log("warn", f"ALERT_STATE does not keep what it is given ({error}); until it does, an alert may come twice.")
        return False


async def _remembered(ways: Ways, log: Log) -> Memory:
    """The latest of what the isolate and the store remember."""
    if not ways.store:
        return ways.memory
    try:
        text = await ways.store.get()
        stored = Memory.from_json(text) if text else Memory(last=0.0)
    except (OSError, ValueError) as error:
        log("warn", f"ALERT_STATE does not give back what it was given ({error}); until it does, an alert may come twice.")
        return ways.memory
    return stored if ways.memory.last is None or (stored.last or 0.0) > ways.memory.last else ways.memory


async def _delivered(watch: Watch, ways: Ways, notices: Sequence[Notice], budget: Budget, log: Log) -> bool:
    """Whether at least one way has worked."""
    subject, text = "risky-users: " + ", ".join(notice.title for notice in notices), "\n\n".join(notice.text for notice in notices)
    delivered = False
    if watch.webhook:
        body = json.dumps(payload(watch.webhook, subject, text, notices))
        delivered = await _sent("ALERT_WEBHOOK", budget, log, "POST", watch.webhook, body)
    if ways.mail:
        try:
            await ways.mail(subject, text)
            delivered = True
        except OSError as error:
            log("warn", f"The alert was not taken by ALERT_EMAIL ({error}); check the sender's domain and that the address is verified.")
    return delivered


def payload(url: str, subject: str, text: str, notices: Sequence[Notice]) -> dict[str, object]:
    """One JSON object for all: Slack reads `text`, Teams' workflows the card among the `attachments`
    (https://learn.microsoft.com/connectors/teams/#microsoft-teams-webhook), others what they like."""
    message: dict[str, object] = {"text": f"{subject}\n\n{text}", "title": subject, "states": [notice.state for notice in notices]}
    if not _SLACK.match(url):  # to which `attachments` mean something else
        blocks = [
            {"type": "TextBlock", "text": subject, "weight": "bolder", "wrap": True},
            {"type": "TextBlock", "text": text, "wrap": True},
        ]
        card = {"$schema": "http://adaptivecards.io/schemas/adaptive-card.json", "type": "AdaptiveCard", "version": "1.4", "body": blocks}
        message |= {"type": "message", "attachments": [{"contentType": "application/vnd.microsoft.card.adaptive", "content": card}]}
    return message


async def _sent(name: str, budget: Budget, log: Log, method: str, url: str, body: str = "") -> bool:
    """Whether the receiver has taken it. The address is a secret, and not shown."""
    headers = {"user-agent": "risky-users"} | ({"content-type": "application/json"} if body else {})
    try:
        response = await budget.send(method, url, headers, body, longest=SECONDS)
    except OutOfBudget:
        log("warn", f"{name} was not called: this minute's subrequests or time ended first.")
        return False
    if 200 <= response.status < 300:
        return True
    log("warn", f"{name} was called, and {_answer(response)}.")
    return False


def _answer(response: HttpResponse) -> str:
    if 300 <= response.status < 400:
        return f"answers {response.status}, a redirect, which is not followed; put the address that it leads to"
    return f"answers {response.status}; check that address" if response.status else "gives no answer in time"
