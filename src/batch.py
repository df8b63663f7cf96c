"""`$batch`: many small requests in one subrequest, each answered, paced and repeated for itself.

An operation is a generator of *steps*: it yields the items it wants answered, is sent their answers in the same order,
and returns what it found out. It does no I/O, so `Batches.run` can drive many operations at once and put what they ask
for into as few subrequests as possible.
"""

import json
import re
from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Generic, NamedTuple, TypeAlias, TypeVar

from login import Token, sign_in
from settings import GUID, Settings
from wire import ATTEMPTS, TRANSIENT, OutOfBudget, Reply, Wire

JSON: TypeAlias = "dict[str, JSON] | list[JSON] | str | int | float | bool | None"
T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)

PARALLEL_ITEMS = 20
"""The most a batch may hold (https://learn.microsoft.com/graph/json-batching)."""
SERIAL_ITEMS = 5
"""More PATCHes of members in one batch make Graph answer Service Unavailable (microsoftgraph/group-membership-management)."""
TOGETHER_SECONDS = 1.5
"""Items due within this of one another share a batch: a subrequest is dearer than the wait."""
PACE_SECONDS = 1.1
"""Identity Protection answers one request a second, for all apps of a tenant together
(https://learn.microsoft.com/graph/throttling-limits#identity-protection-and-conditional-access-service-limits)."""
WRITE_UNITS = 750.0
"""Write units a tick may spend. Graph allows an app 3,000 in 150 s, and no 150 s touch more than four ticks
(https://learn.microsoft.com/graph/throttling-limits#identity-and-access-service-limits)."""


class GraphError(Exception):
    """What could not be done, why, and what to do; `request_ids` are what Microsoft's support asks for."""

    def __init__(self, message: str, request_ids: tuple[str, ...] = ()) -> None:
        self.request_ids = request_ids
        super().__init__(message)


class Item(NamedTuple):
    """One request of a batch. `what` completes "Could not …" in an error, `needs` names the permission it takes.

    Serial items of one batch run one after the other. Paced ones keep Identity Protection's distance. `pause` seconds
    are waited before it is sent. `write_units` is what Graph's quota counts, 0 for a read.
    """

    method: str
    url: str
    what: str
    needs: str
    body: "JSON" = None
    prefer: str = ""
    serial: bool = False
    paced: bool = False
    pause: float = 0.0
    write_units: float = 0.0


class Answer(NamedTuple):
    """What became of an item: Graph's last answer to it, of status 0 where there was none or it made no sense.

    `whole`: the batch as a whole was answered so, not this item. `unsent`: the tick's budget ended before it was sent,
    or sent again; `attempts` tells which.
    """

    item: Item
    status: int = 0
    body: "JSON" = None
    headers: "Mapping[str, JSON]" = MappingProxyType({})
    client_request_id: str = ""
    whole: bool = False
    unsent: bool = False
    attempts: int = 0

    @property
    def ok(self) -> bool:
        """Whether it was done."""
        return 200 <= self.status < 300

    @property
    def left_over(self) -> bool:
        """Whether nothing stood in its way but the end of the budget."""
        return self.unsent and self.attempts == 0

    @property
    def refused(self) -> bool:
        """Whether Graph judged this very item and found fault with what it asks for."""
        return self.status in (400, 404) and not self.whole and not self.unsent

    @property
    def _error(self) -> "dict[str, JSON]":
        error = self.body.get("error") if isinstance(self.body, dict) else None
        return error if isinstance(error, dict) else {}

    @property
    def code(self) -> str:
        """Graph's error code where it is a plain word; of an error body nothing else is ever shown."""
        code = self._error.get("code")
        return code if isinstance(code, str) and re.fullmatch(r"[A-Za-z0-9_.]{1,64}", code, re.ASCII) else ""

    def says(self, text: str) -> bool:
        """Whether Graph's error message contains `text`. The message is not shown: it may quote user principal names."""
        message = self._error.get("message")
        return isinstance(message, str) and text.lower() in message.lower()

    def header(self, name: str) -> str | None:
        """The header called `name`, whatever its case; None where there is none."""
        return next((value for key, value in self.headers.items() if key.lower() == name and isinstance(value, str)), None)

    @property
    def request_ids(self) -> tuple[str, ...]:
        """Graph's request-id and our client-request-id."""
        inner = self._error.get("innerError") or self._error.get("innererror")
        given = self.header("request-id") or (inner.get("request-id") if isinstance(inner, dict) else None)
        ids = (given if isinstance(given, str) and GUID.fullmatch(given) else "", self.client_request_id)
        return tuple(i for i in ids if i)

    @property
    def transient(self) -> bool:
        """Whether the same item may fare better in a while. A concurrency violation is 409, or 400 with its name."""
        if self.status == 400:
            return self.code == "Directory_ConcurrencyViolation" or self.says("concurrent requests being made")
        return self.status in TRANSIENT


Steps: TypeAlias = Generator[list[Item], list[Answer], T]
"""An operation: yields items (never an empty list), is sent their answers, returns its result, may raise GraphError."""


class Operation(Generic[T_co]):
    """Steps on their way; when they have ended, `result()` returns, or raises, what came of them."""

    def __init__(self, steps: Steps[T_co]) -> None:
        self.started = False
        self._steps = steps
        self._result: list[T_co] = []
        self._error: GraphError | None = None

    def advance(self, answers: list[Answer] | None) -> list[Item]:
        """What the operation asks for after `answers` (None to begin with); nothing when it has ended."""
        self.started = True
        try:
            return self._steps.send(answers) if answers is not None else next(self._steps)
        except StopIteration as end:
            self._result.append(end.value)
        except GraphError as error:
            self._error = error
        return []

    def result(self) -> T_co:
        """The operation's result. Raises its GraphError."""
        if self._error:
            raise self._error
        return self._result[0]


def side_by_side(*operations: Operation[object]) -> Steps[None]:
    """Several operations as one, their items travelling together."""
    asked = [operation.advance(None) for operation in operations]
    while any(asked):
        answers = iter((yield [item for items in asked for item in items]))
        asked = [
            operation.advance([next(answers) for _ in items]) if items else [] for operation, items in zip(operations, asked, strict=True)
        ]


@dataclass(slots=True, eq=False)
class _Step:
    """Items one operation asked for together; it goes on when all are answered."""

    priority: int
    operation: Operation[object]
    answers: list[Answer | None]


@dataclass(slots=True, eq=False)
class _Sending:
    """An item on its way: when it is due, how often it was sent, what came of it last."""

    step: _Step
    place: int
    item: Item
    due: float
    attempts: int = 0
    last: Answer | None = None

    def given_up(self) -> Answer:
        """The last answer there was, marked as unsent."""
        return (self.last or Answer(self.item))._replace(unsent=True)


class Batches:
    """Drives operations over one tenant's `$batch` for the length of a tick."""

    def __init__(self, wire: Wire, settings: Settings, token: Token) -> None:
        self._wire = wire
        self._settings = settings
        self._token = token
        self._renewed = False
        self._pace_due = 0.0
        self._write_units = 0.0

    async def run(self, operations: Sequence[Operation[object]], until: float) -> None:
        """Drive the operations to their ends, the first ones first where they compete; nothing waits past `until`.

        A transient failure is repeated, up to ATTEMPTS times in all; a 401 once, with a new token. Raises AuthError.
        """
        queue: list[_Sending] = []
        for priority, operation in enumerate(operations):
            queue += self._asked(priority, operation, None)
        while queue:
            batch, when = self._next(queue, until)
            sent = self._within_quota(batch)
            if when > until or not sent:
                done = [(sending, sending.given_up()) for sending in batch]
            elif (answers := await self._exchange(sent, when)) is None:
                done = [(sending, sending.given_up()) for sending in queue]
            else:
                done = self._judge(sent, answers)
            for sending, answer in done:
                queue.remove(sending)
                step = sending.step
                step.answers[sending.place] = answer
                if None not in step.answers:
                    queue += self._asked(step.priority, step.operation, [each for each in step.answers if each])
            queue.sort(key=lambda sending: sending.step.priority)

    def _asked(self, priority: int, operation: Operation[object], answers: list[Answer] | None) -> list[_Sending]:
        items = operation.advance(answers)
        step = _Step(priority, operation, [None] * len(items))
        now = self._wire.clock.now()
        return [
            _Sending(step, place, item, max(now + item.pause, self._pace_due if item.paced else now)) for place, item in enumerate(items)
        ]

    def _next(self, queue: list[_Sending], until: float) -> tuple[list[_Sending], float]:
        """The items to send next, all serial or all parallel, and when."""
        soonest = max(self._wire.clock.now(), min(sending.due for sending in queue))
        ready = [sending for sending in queue if sending.due <= soonest]
        serial = ready[0].item.serial
        limit = SERIAL_ITEMS if serial else PARALLEL_ITEMS
        near = [sending for sending in queue if soonest < sending.due <= min(soonest + TOGETHER_SECONDS, until)]
        batch = [sending for sending in ready + near if sending.item.serial == serial][:limit]
        return batch, max(soonest, *(sending.due for sending in batch))

    def _within_quota(self, batch: list[_Sending]) -> list[_Sending]:
        left = WRITE_UNITS - self._write_units
        affordable = []
        for sending in batch:
            left -= sending.item.write_units
            if left < 0 and sending.item.write_units:
                break
            affordable.append(sending)
        return affordable

    async def _exchange(self, batch: list[_Sending], when: float) -> list[Answer] | None:
        """One answer an item, or None where the tick's budget ended first."""
        items = [sending.item for sending in batch]
        request_id = self._wire.new_id()
        body = json.dumps({"requests": [_entry(number, item) for number, item in enumerate(items, 1)]}, separators=(",", ":"))
        try:
            if (wait := when - self._wire.clock.now()) > 0:
                await self._wire.clock.sleep(wait)
            await sign_in(self._wire, self._settings, self._token)
            headers = {
                "authorization": f"Bearer {self._token.value}",
                "content-type": "application/json",
                "accept": "application/json",
                "client-request-id": request_id,
            }
            reply = await self._wire.send("POST", f"https://{self._settings.cloud.graph}/v1.0/$batch", headers, body)
        except OutOfBudget:
            return None
        if any(item.paced for item in items):
            self._pace_due = self._wire.clock.now() + PACE_SECONDS
        self._write_units += sum(item.write_units for item in items)
        return _read_answers(batch, reply, request_id)

    def _judge(self, batch: list[_Sending], answers: list[Answer]) -> list[tuple[_Sending, Answer]]:
        """The items that are done with; the others are due again."""
        refused_token = any(answer.status == 401 for answer in answers)
        renew = refused_token and not self._renewed
        if refused_token:
            self._renewed = True
            self._token.drop()
        chain_broke = any(answer.status >= 400 and answer.status != 424 for answer in answers)
        now = self._wire.clock.now()
        done = []
        for sending, answer in zip(batch, answers, strict=True):
            if (renew and answer.status == 401) or (chain_broke and answer.status == 424):
                sending.due = now
            elif answer.transient and sending.attempts + 1 < ATTEMPTS:
                sending.attempts += 1
                sending.last = answer
                sending.due = now + self._wire.backoff(sending.attempts, answer.header("retry-after"))
            else:
                done.append((sending, answer))
            if sending.item.paced:
                sending.due = max(sending.due, self._pace_due)
        return done


def _entry(number: int, item: Item) -> dict[str, object]:
    entry: dict[str, object] = {"id": str(number), "method": item.method, "url": item.url}
    headers = {}
    if item.body is not None:
        headers["Content-Type"] = "application/json"
        entry["body"] = item.body
    if item.prefer:
        headers["Prefer"] = item.prefer
    if headers:
        entry["headers"] = headers
    if item.serial and number > 1:
        entry["dependsOn"] = [str(number - 1)]
    return entry


def _read_answers(batch: list[_Sending], reply: Reply, request_id: str) -> list[Answer]:
    """Each item's answer, found by its id, for the order is Graph's own; what was not answered readably has status 0."""
    body = _parse(reply.body)
    responses = body.get("responses") if isinstance(body, dict) and reply.status in (200, 424) else None
    if not isinstance(responses, list):
        status = 0 if 200 <= reply.status < 300 else reply.status
        return [Answer(sent.item, status, body, reply.headers, request_id, whole=True, attempts=sent.attempts + 1) for sent in batch]
    by_id: dict[str, list[dict[str, JSON]]] = {}
    for response in responses:
        if isinstance(response, dict) and isinstance(number := response.get("id"), str):
            by_id.setdefault(number, []).append(response)
    return [_read_answer(sent, by_id.get(str(number), []), request_id) for number, sent in enumerate(batch, 1)]


def _read_answer(sent: _Sending, responses: "list[dict[str, JSON]]", request_id: str) -> Answer:
    response = responses[0] if len(responses) == 1 else {}
    status, headers = response.get("status"), response.get("headers")
    return Answer(
        sent.item,
        status if type(status) is int and 100 <= status < 600 else 0,
        response.get("body"),
        headers if isinstance(headers, dict) else {},
        request_id,
        attempts=sent.attempts + 1,
    )


def _parse(text: str) -> "JSON":
    try:
        parsed: JSON = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return parsed
