"""What the administrator is to be told, and when: pure, ignorant of who is told and how.

    | condition | it begins                                      | told again                    | it ends                 |
    |-----------|------------------------------------------------|-------------------------------|-------------------------|
    | failing   | when so many minutes in a row have failed      | if it is the credential, and  | with a good minute      |
    |           | (ALERT_AFTER)                                  | that was not what it began as |                         |
    | expiring  | when the credential ends within 30 days        | at 7 days and at one          | with another credential |

Each is told once, and once more when it is over. A memory that does not reach back to its beginning, as that of a new
isolate, cannot know what has been told: it tells of a failure when the next full hour strikes, and of a credential at
the time of day and on the very days that expiry.py and _EXPIRY_DAYS name. So where no store outlives isolates, each failure
is told once and once more for each full hour that it lasts, at most, and its end may be passed over.
"""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from time import gmtime, strftime
from typing import NamedTuple

from expiry import SOON_DAYS, URGENT_DAYS, days_left, told_today, warning
from text import GUID, counted

_EXPIRY_DAYS = (SOON_DAYS, URGENT_DAYS, 1)
_HOUR_SECONDS = 3600
_FIRST_RETRY_SECONDS = 120
_SHOWN = 3


class Seen(NamedTuple):
    """What a tick has come to that was due at `now`, to the minute: however late they begin, one tick is the first of an hour.

    `refused`: Entra accepts no credential; `credential_ends` in epoch seconds, None if not known.
    """

    now: float
    problems: Sequence[str] = ()
    refused: bool = False
    credential_ends: float | None = None


class Notice(NamedTuple):
    """Something to tell: `state` is failing, refused, expiring or over. It names no user and no address."""

    condition: str
    state: str
    title: str
    text: str


@dataclass(slots=True)
class _Condition:
    """One that holds, or whose end is yet to be told. A higher stage is worth telling again."""

    since: float
    seen_to_begin: bool
    minutes: int = 0
    stage: int = 0
    minutes_at_stage: int = 0
    told: int = 0
    due: bool = False
    ended: float | None = None


@dataclass(slots=True)
class Memory:
    """What is known from earlier ticks. `last`: when the latest was; None in a memory that begins now."""

    last: float | None = None
    conditions: dict[str, _Condition] = field(default_factory=dict)
    tries: int = 0
    try_again: float = 0.0

    def to_json(self) -> str:
        """For a store."""
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> "Memory":
        """From a store. Raises ValueError where it makes no sense."""
        try:
            fields = json.loads(text)
            conditions = {str(name): _Condition(**condition) for name, condition in fields.pop("conditions").items()}
            memory = cls(conditions=conditions, **fields)
        except (AttributeError, KeyError, RecursionError, TypeError, ValueError):
            raise ValueError("no memory of alerts") from None
        numbers = [memory.last, memory.tries, memory.try_again]
        numbers += [value for each in conditions.values() for name, value in asdict(each).items() if (name, value) != ("ended", None)]
        if not conditions.keys() <= {"failing", "expiring"} or not all(isinstance(number, (int, float)) for number in numbers):
            raise ValueError("no memory of alerts")
        return memory

    def worth_keeping(self, after: int) -> object:
        """What it pays to put into a store where it has changed: not that one more minute has passed."""
        facts = {
            name: (each.stage, each.told, each.due, each.ended, min(each.minutes, after), min(each.minutes_at_stage, after))
            for name, each in self.conditions.items()
        }
        return facts, self.tries

    def observe(self, seen: Seen, after: int) -> list[Notice]:
        """What is to be told after this tick. `after`: how many failed minutes in a row are worth it."""
        before = self.last if self.last is not None else seen.now - 60
        self._failing(seen, after, told_now=before // _HOUR_SECONDS < seen.now // _HOUR_SECONDS)
        if seen.credential_ends is not None:
            self._expiring(days_left(seen.credential_ends, seen.now), seen.now, told_now=told_today(before, seen.now))
        self.last = seen.now
        if seen.now < self.try_again:
            return []
        due = {name: condition for name, condition in self.conditions.items() if condition.due}
        if seen.credential_ends is None:  # at the moment nobody knows what to say of it
            due.pop("expiring", None)
        return [_notice(name, condition, seen) for name, condition in due.items()]

    def told(self, notices: Sequence[Notice], now: float, *, delivered: bool) -> None:
        """What became of telling it: what was not delivered is tried again, after ever longer pauses."""
        if not delivered:
            self.try_again = now + min(_FIRST_RETRY_SECONDS * 2 ** min(self.tries, 9), _HOUR_SECONDS)
            self.tries += 1
            return
        self.tries, self.try_again = 0, 0.0
        for notice in notices:
            condition = self.conditions.get(notice.condition)
            if condition and (condition.ended is not None) == (notice.state == "over"):
                condition.told, condition.due = condition.stage, False
                if condition.ended is not None:
                    del self.conditions[notice.condition]

    def _failing(self, seen: Seen, after: int, *, told_now: bool) -> None:
        if not seen.problems:
            self._end("failing", seen.now)
            return
        condition = self._hold("failing", 2 if seen.refused else 1, seen.now)
        enough = condition.minutes if not condition.told else condition.minutes_at_stage
        if condition.stage > condition.told and (enough >= after if condition.seen_to_begin else told_now):
            condition.due = True

    def _expiring(self, left: int, now: float, *, told_now: bool) -> None:
        stage = sum(left <= days for days in _EXPIRY_DAYS)
        if not stage:
            self._end("expiring", now)
            return
        known = self.conditions.get("expiring")
        if known and known.stage > stage:  # this is another credential, which ends soon too
            del self.conditions["expiring"]
        condition = self._hold("expiring", stage, now)
        if stage > condition.told and (condition.seen_to_begin or (told_now and left in _EXPIRY_DAYS)):
            condition.due = True

    def _hold(self, name: str, stage: int, now: float) -> _Condition:
        condition = self.conditions.setdefault(name, _Condition(now, seen_to_begin=self.last is not None))
        condition.minutes += 1
        condition.minutes_at_stage = condition.minutes_at_stage + 1 if stage == condition.stage else 1
        condition.stage = stage
        if condition.ended is not None:  # which nobody could be told, so to them it goes on
            condition.ended, condition.due = None, False
        return condition

    def _end(self, name: str, now: float) -> None:
        condition = self.conditions.get(name)
        if condition and condition.ended is None:
            if condition.told or condition.due:
                condition.ended, condition.due = now, True
            else:
                del self.conditions[name]


def _notice(name: str, condition: _Condition, seen: Seen) -> Notice:
    since = _time(condition.since)
    if name == "expiring":
        if condition.ended is not None:
            return Notice(name, "over", "the credential is a new one", "The Worker's credential does not end soon any more.")
        return Notice(name, "expiring", "the credential ends soon", warning(seen.credential_ends or 0.0, seen.now))
    if condition.ended is not None:
        how_long = counted(max(1, round((condition.ended - condition.since) / 60)), "minute")
        return Notice(name, "over", "it works again", f"Isolation follows risk again, after {how_long} since {since} in which it did not.")
    state, title = ("refused", "Entra refuses the credential") if condition.stage > 1 else ("failing", "isolation does not follow risk")
    more = f" And {len(seen.problems) - _SHOWN} more, in the Worker's log." if len(seen.problems) > _SHOWN else ""
    problems = " ".join(GUID.sub("(id in the log)", problem) for problem in seen.problems[:_SHOWN])
    return Notice(name, state, title, f"The Worker has been failing since {since}. {problems}{more}")


def _time(seconds: float) -> str:
    return strftime("%d %B %H:%M UTC", gmtime(seconds))
