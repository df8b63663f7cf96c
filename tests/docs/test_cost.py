"""The numbers in docs/cost.md are what the code's limits come to, and what tests/unit/test_cost.py counts."""

import re
from collections.abc import Mapping
from math import floor

from graph_requests import PATCH_MEMBERS, RISKY_USERS_PAGE
from scheduler import PACE_SECONDS, PARALLEL_REQUESTS, SERIAL_REQUESTS, WRITE_UNITS
from settings import MOST_SUBREQUESTS
from sync import AGREEMENT_SECONDS, LEAVING_SECONDS, TICK_SECONDS, WRITES_SHARE, WRITING_SECONDS
from tests.docs.documents import DOCUMENTS
from tests.unit.test_cost import ALL_CLEARED, FIRST_SYNC, ONE_PERCENT

COST = next(document for document in DOCUMENTS if document.name == "docs/cost.md")
TEXT = " ".join(COST.text.split())


def told(pattern: str) -> list[float]:
    """The numbers in the place of `#`."""
    found = re.search(re.escape(pattern).replace(r"\#", r"([\d,.]*\d)"), TEXT)
    assert found, pattern
    return [float(number.replace(",", "")) for number in found.groups()]


def pages_within(seconds: float, answer: float) -> int:
    """How many pages of risky users can be asked for, the last at the end of it."""
    return 1 + floor(seconds / (PACE_SECONDS + answer))


def test_what_a_minute_writes() -> None:
    joins = floor(WRITE_UNITS / (PATCH_MEMBERS / 3)) * PATCH_MEMBERS
    assert told("A tick spends at most # write units") == [WRITE_UNITS]
    assert told("That is # users added or # removed a minute") == [joins, WRITE_UNITS]
    assert told("| each user added | 1 for each # | 1 for each # |") == [SERIAL_REQUESTS * PATCH_MEMBERS, PATCH_MEMBERS]
    assert told("| each user removed | 1 for each # |") == [PARALLEL_REQUESTS]


def test_how_many_risky_users_there_may_be() -> None:
    reading = TICK_SECONDS - WRITING_SECONDS
    largest = [pages_within(reading, answer) * RISKY_USERS_PAGE for answer in (0.08, 0.25)]
    assert told("must be read within # seconds, for # of a tick's # belong") == [reading, WRITING_SECONDS, TICK_SECONDS]
    assert told("make **# risky users where Graph answers in 80 ms, # where it takes 250 ms**") == largest
    assert told("| Paid | #") == largest[:1]
    subrequests = [most - int(most * WRITES_SHARE) for most in (MOST_SUBREQUESTS, 20)]
    assert told("`MAX_SUBREQUESTS` of # stays below, and is enough for # ") == [MOST_SUBREQUESTS, largest[0]]
    assert subrequests[0] * RISKY_USERS_PAGE >= largest[0]
    assert told("the least it may be, 20, for #") == [subrequests[1] * RISKY_USERS_PAGE]


def test_how_many_risky_users_can_be_read_twice_in_a_minute() -> None:
    twice = pages_within((TICK_SECONDS - LEAVING_SECONDS) / 2, 0.08)
    [known] = told("**Above # leaves need two minutes that agree**")
    assert twice * RISKY_USERS_PAGE - 1000 <= known <= twice * RISKY_USERS_PAGE
    assert told("leaves in an isolate that is always new: #") == [known]
    assert 120 < AGREEMENT_SECONDS < 180, "a cron of two minutes is not too rare, one of three is"


def test_how_many_minutes_a_change_takes() -> None:
    rows = {row[0]: [int(cell) for cell in row[1:]] for row in COST.table("risky users") if len(row) == 4}
    counted: list[Mapping[int, list[tuple[int, int, float]]]] = [FIRST_SYNC, ONE_PERCENT, ALL_CLEARED]
    for shown, risky in {"0 to 500": 500, "1,000": 1000, "3,000": 3000}.items():
        assert rows[shown] == [len(minutes[risky]) for minutes in counted]
