"""Drives operations: puts what they ask for into as few batches as Graph's rules allow, paced, repeated, within quotas."""

from collections import Counter
from dataclasses import dataclass
from functools import partial
from math import inf
from typing import TypeAlias, TypeVar, cast

from access_token import AccessToken, Sign, sign_in, unable_to_sign
from budget import Budget
from errors import AuthError, CutOff, OutOfBudget
from exchange import GraphRequest, GraphResponse, decode, encode
from operations import Operation, Outcome, Then, drive
from retry import ATTEMPTS, backoff
from settings import Settings

T = TypeVar("T")

PARALLEL_REQUESTS = 20
"""The most a batch may hold (https://learn.microsoft.com/graph/json-batching)."""
SERIAL_REQUESTS = 5
"""More PATCHes of members in one batch make Graph answer Service Unavailable (microsoftgraph/group-membership-management)."""
TOGETHER_SECONDS = 1.5
"""Requests due within this of one another share a batch: a subrequest is dearer than the wait."""
PACE_SECONDS = 1.1
"""Identity Protection answers one request a second, for all apps of a tenant together
(https://learn.microsoft.com/graph/throttling-limits#identity-protection-and-conditional-access-service-limits)."""
WRITE_UNITS = 750.0
"""Write units a tick may spend. Graph allows an app 3,000 in 150 s, and no 150 s touch more than four ticks
(https://learn.microsoft.com/graph/throttling-limits#identity-and-access-service-limits)."""


Running: TypeAlias = list[Outcome[T]]
"""What has come of an operation: nothing until it has ended, then its outcome."""


@dataclass(slots=True, eq=False)
class _Sending:
    """A request on its way: whose it is, when it is due and until when it may be, how often it was sent, what came of it last."""

    operation: int
    request: GraphRequest
    then: Then
    due: float
    until: float
    attempts: int = 0
    last: GraphResponse | None = None


class Scheduler:
    """Sends one tenant's batches for the length of a tick."""

    def __init__(self, budget: Budget, settings: Settings, token: AccessToken, sign: Sign = unable_to_sign) -> None:
        self._budget, self._settings, self._token, self._sign = budget, settings, token, sign
        self._clock, self._host = budget.clock, settings.cloud.graph
        self._queue: list[_Sending] = []
        self._begun = 0
        self._renewed = False
        self._over = False
        """Whether nothing more can be sent: there is no token, or the budget has ended."""
        self.no_token: AuthError | None = None
        self._pace_due = 0.0
        self._write_units = 0.0
        self._kept_back = (0, 0.0)
        """Subrequests and write units."""
        self._served: Counter[int] = Counter()
        """In how many batches each operation had a part."""

    def keep_back(self, share: float) -> None:
        """Leave this share of what is left of the tick's subrequests and write units to what comes later."""
        budget = self._budget
        self._kept_back = (int((budget.max_subrequests - budget.subrequests) * share), (WRITE_UNITS - self._write_units) * share)

    def begin(self, operation: "Operation[T]", until: float = inf) -> Running[T]:
        """Set the operation on its way: it goes on whenever any is finished, and waits for nothing past `until` (epoch seconds)."""
        self._begun += 1
        running: Running[T] = []
        drive(operation, partial(self._ask, self._begun, until), cast("Then", running.append))
        return running

    async def run(self, *operations: "Operation[T]") -> "list[Outcome[T]]":
        """What comes of each of these operations."""
        begun: list[Running[T]] = [self.begin(operation) for operation in operations]
        return [await self.finish(running) for running in begun]

    async def finish(self, running: Running[T]) -> "Outcome[T]":
        """What comes of the operation. Others that were begun get as far as they get meanwhile, the first ones first.

        A passing failure is repeated, up to ATTEMPTS times in all; a 401 once, with a new token.
        """
        while not running:
            batch, when = self._next()
            late = [sending for sending in self._queue if sending.due > sending.until]
            if not self._allows(when):
                self._give_up(self._queue)
            elif hopeless := late or self._beyond_quota(batch):
                self._give_up(hopeless)
            else:
                await self._send(batch, when)
        return running[0]

    async def go_on(self, running: Running[T], until: float) -> None:
        """Let the operation get as far as it gets without waiting past `until` (epoch seconds)."""
        while not running and not self._over:
            batch, when = self._next()
            if when > until or not self._allows(when) or self._beyond_quota(batch):
                break
            await self._send(batch, when)

    def _allows(self, when: float) -> bool:
        return not self._over and self._budget.allows(self._host, when, leaving=self._kept_back[0])

    def _ask(self, operation: int, until: float, request: GraphRequest, then: Then) -> None:
        now = self._clock.now()
        due = max(now + request.pause, self._pace_due if request.paced else now)
        self._queue.append(_Sending(operation, request, then, due, until))

    def _settle(self, sending: _Sending, response: GraphResponse) -> None:
        self._queue.remove(sending)
        sending.then(response)

    def _give_up(self, sendings: list[_Sending]) -> None:
        for sending in [*sendings]:
            self._settle(sending, (sending.last or GraphResponse(sending.request))._replace(no_token=self.no_token))

    def _next(self) -> tuple[list[_Sending], float]:
        """The requests to send next, all serial or all parallel, and when (epoch seconds).

        The operation that had the fewest parts so far decides which, and where not all fit, each operation has a place
        before the first ones have more: none starves another.
        """
        soonest = max(self._clock.now(), min(sending.due for sending in self._queue))
        due = [sending for sending in self._queue if sending.due <= soonest]
        first = min(due, key=lambda sending: (self._served[sending.operation], sending.operation))
        latest = max(soonest, min(soonest + TOGETHER_SECONDS, first.until))
        together = [sending for sending in self._queue if sending.due <= latest and sending.request.serial == first.request.serial]
        firsts = {sending.operation: sending for sending in reversed(together)}
        together.sort(key=lambda sending: (sending is not firsts[sending.operation], sending.operation))
        batch = together[: SERIAL_REQUESTS if first.request.serial else PARALLEL_REQUESTS]
        return batch, max(soonest, *(sending.due for sending in batch))

    def _beyond_quota(self, batch: list[_Sending]) -> list[_Sending]:
        """What of the batch the tick's write units do not suffice for."""
        spent, beyond = self._write_units + self._kept_back[1], []
        for sending in batch:
            spent += sending.request.write_units
            beyond += [sending] if sending.request.write_units and spent > WRITE_UNITS else []
        return beyond

    async def _send(self, batch: list[_Sending], when: float) -> None:
        """Send a batch."""
        requests = [sending.request for sending in batch]
        self._served.update({sending.operation for sending in batch})
        request_id = self._budget.new_id()
        if (wait := when - self._clock.now()) > 0:
            await self._clock.sleep(wait)
        headers = {"content-type": "application/json", "accept": "application/json", "client-request-id": request_id}
        try:
            await sign_in(self._budget, self._settings, self._token, self._sign)
        except (AuthError, OutOfBudget) as end:
            self._over, self.no_token = True, end if isinstance(end, AuthError) else None
            return
        headers["authorization"] = f"Bearer {self._token.value}"
        try:
            answer = await self._budget.send("POST", f"https://{self._host}/v1.0/$batch", headers, encode(requests))
        except OutOfBudget as end:
            self._over = True
            for sending in batch if isinstance(end, CutOff) else ():
                self._settle(sending, GraphResponse(sending.request, attempts=sending.attempts + 1, cut_off=True))
            return
        if any(request.paced for request in requests):
            self._pace_due = self._clock.now() + PACE_SECONDS
        self._write_units += sum(request.write_units for request in requests)
        self._judge(batch, decode(requests, answer, request_id))

    def _judge(self, batch: list[_Sending], responses: list[GraphResponse]) -> None:
        """Let those go on whose requests are done with; the others are due again."""
        statuses = {response.status for response in responses}
        renew = 401 in statuses and not self._renewed
        if 401 in statuses:
            self._renewed = True
            self._token.renew(0.0)
        if any(response.status == 403 and response.request.needs for response in responses):
            # a consent given from now on shows in a new token only: the next tick asks for one
            self._token.renew(self._budget.deadline)
        chain_broke = any(status >= 400 and status != 424 for status in statuses)
        now = self._clock.now()
        for sending, response in zip(batch, responses, strict=True):
            if chain_broke and response.status == 424:  # it was not done, and does not count
                sending.due = now
                self._write_units -= sending.request.write_units
            elif renew and response.status == 401:
                sending.due = now
            elif response.passing and sending.attempts + 1 < ATTEMPTS:
                sending.attempts += 1
                sending.last = response._replace(attempts=sending.attempts)
                wait = backoff(sending.attempts, response.header("retry-after"), now=now, chance=self._budget.random.random())
                sending.due = now + wait
            else:
                self._settle(sending, response._replace(attempts=sending.attempts + 1) if sending.attempts else response)
            if sending.request.paced:
                sending.due = max(sending.due, self._pace_due)
