"""The budgets and the map of the house that the documents draw are those of the code."""

import re

from budget import REQUEST_SECONDS
from graph_requests import PATCH_MEMBERS, RISKY_USERS_PAGE
from plan import GUARDED_SIZE
from retry import ATTEMPTS
from scheduler import PACE_SECONDS, PARALLEL_REQUESTS, SERIAL_REQUESTS, WRITE_UNITS
from settings import Settings
from sync import TICK_SECONDS, WRITING_SECONDS
from tests.docs.documents import DOCUMENTS, README, ROOT

OPERATIONS = next(document for document in DOCUMENTS if document.name == "docs/operations.md")
CONTRIBUTING = next(document for document in DOCUMENTS if document.name == "CONTRIBUTING.md")
NUMBERS = {1: "one", 10: "ten"}


def numbers(text: str) -> list[float]:
    return [float(number.replace(",", "")) for number in re.findall(r"\d[\d,]*(?:\.\d+)?", text)]


def test_the_budgets_are_documented_as_they_are() -> None:
    rows = {row[0]: numbers(" ".join(row[1:])) for row in OPERATIONS.table("Budget")}
    joins = int(WRITE_UNITS / (PATCH_MEMBERS / 3)) * PATCH_MEMBERS
    assert rows["requests"] == [Settings("", "", "").max_subrequests]
    assert rows["time"] == [TICK_SECONDS, TICK_SECONDS - WRITING_SECONDS]
    assert rows["one request"] == [REQUEST_SECONDS, ATTEMPTS]
    assert rows["writes"][:3] == [WRITE_UNITS, joins, WRITE_UNITS]
    assert rows["risky-user requests"] == [RISKY_USERS_PAGE]


def test_what_one_request_carries_is_documented() -> None:
    told = re.search(r"One request carries (.*)\. With", OPERATIONS.text)
    assert told
    assert numbers(told[1]) == [PARALLEL_REQUESTS, SERIAL_REQUESTS * PATCH_MEMBERS, PARALLEL_REQUESTS]


def test_the_documents_know_when_the_worker_looks_twice_and_how_often_it_asks() -> None:
    assert f"a group of {NUMBERS[GUARDED_SIZE]} or more would lose over half" in " ".join(README.text.split())
    assert round(PACE_SECONDS) == 1
    assert "ID Protection bears one request a second" in OPERATIONS.text


def test_the_map_of_the_house_shows_every_module_of_the_worker() -> None:
    house = next(fence.text for fence in CONTRIBUTING.fences("text") if "src/ " in fence.text)
    assert sorted(re.findall(r"^  (\w+\.py) ", house, re.MULTILINE)) == sorted(path.name for path in (ROOT / "src").glob("*.py"))
    for folder in re.findall(r"^(\w+/) ", house, re.MULTILINE):
        assert (ROOT / folder).is_dir(), folder
