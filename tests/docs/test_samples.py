"""The samples of the log in the documents are what the Worker prints, but for times and ids."""

import re
import shlex
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from demo.__main__ import SOURCE, STORY, Minutes
from runtime import Worker
from runtime.serving import serving
from runtime.tail import render
from simulator import Tenant
from simulator.asgi import create_app
from tests.docs.documents import DOCUMENTS, README
from tests.setup.office import Office

SETUP = "setup"
"""The sample that shows what the command of its first line is about to do."""
SAMPLES = [(document.name, name, text) for document in DOCUMENTS for name, text in document.samples().items() if name != SETUP]

MINUTES = ("first", "quiet", "change")
"""Samples that show the demo's minutes, in its order."""

VARIABLES: Mapping[str, Callable[[dict[str, str]], Mapping[str, str]]] = {
    "no secret": lambda given: {name: value for name, value in given.items() if name != "AZURE_AD_CLIENT_SECRET"},
    "wrong secret": lambda given: given | {"AZURE_AD_CLIENT_SECRET": "wrong"},
    "dry run": lambda given: given | {"DRY_RUN": "true"},
}
"""Samples that show the first minute of a Worker deployed otherwise."""


def printed(variables: Callable[[dict[str, str]], Mapping[str, str]] = lambda given: given, minutes: int = 1) -> list[str]:
    """What the tail shows of the demo's first minutes."""
    clock = Minutes()
    tenant = Tenant.contoso(clock=clock.now)
    shown = []
    with serving(create_app(tenant)) as address, Worker(SOURCE, variables(tenant.worker_variables), address) as worker:
        for chapter in STORY[:minutes]:
            clock.minute += 1
            chapter.happens(tenant)
            shown.append(render(worker.tick(scheduled_time=int(clock.now() * 1000))))
    return shown


def normalised(text: str) -> str:
    """Without what differs from run to run: times, ids, and where a line is broken for its length."""
    text = re.sub(r"\d+/\d+/\d+, \d+:\d\d:\d\d [AP]M", "<time>", text)
    text = re.sub(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", "<id>", text)
    text = re.sub(r"milliseconds: \d+", "milliseconds: <n>", text)
    text = re.sub(r"PythonError: Traceback.*", "<traceback>", text, flags=re.DOTALL)
    text = re.sub(r"\b[0-9a-f]{32}\b", "<id>", text)
    return " ".join(text.split())


@pytest.fixture(scope="module")
def story() -> Mapping[str, str]:
    """The demo's minutes by the names of their samples."""
    return dict(zip(MINUTES, printed(minutes=len(MINUTES)), strict=True))


def test_the_readme_shows_a_quiet_minute() -> None:
    assert "quiet" in {name for document, name, _ in SAMPLES if document == "README.md"}


@pytest.mark.parametrize(("document", "name", "text"), SAMPLES, ids=[f"{document}: {name}" for document, name, _ in SAMPLES])
def test_a_sample_is_what_the_worker_prints(document: str, name: str, text: str, story: Mapping[str, str]) -> None:
    real = story[name] if name in story else printed(VARIABLES[name])[0]
    assert normalised(text) == normalised(real)


def test_the_readme_shows_what_setup_is_about_to_do_where_there_is_nothing_yet(tmp_path: Path) -> None:
    command, _, shown = README.samples()[SETUP].partition("\n")
    office = Office(tmp_path)
    office.tenant.create_group("Zero Trust users")
    plan, _, _ = office.run(*shlex.split(command)[2:], "--yes").text.partition("\n… ")
    assert normalised(shown) == normalised(plan.replace(f"{tmp_path}/", "").replace(office.desk.ada.principal_name.split("@")[0], "admin"))
