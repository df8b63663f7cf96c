"""The engine: looks before it writes, says whose the rest is, can be stopped anywhere; and the ledger of what was made."""

import io
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from rich.console import Console

from risky_users.admin.errors import AdminError, Answer, NotAllowed
from risky_users.admin.roles import CONSENT
from risky_users.setup.ledger import FILE, Ledger
from risky_users.setup.run import INTERRUPTED, Manner, Terminal, run
from risky_users.setup.steps import Finding, Part, Step, left_alone, there, to_do


@dataclass
class Things:
    """Two things, the second of which stands on the first."""

    made: list[str] = field(default_factory=list)
    looks: int = 0
    meets: Callable[[str], None] = lambda _: None
    """Raises what writing a thing meets."""

    def look(self, name: str) -> Finding:
        self.looks += 1
        return there(f"{name} is there.") if name in self.made else to_do(f"{name} will be made.")

    def write(self, name: str) -> str:
        self.meets(name)
        self.made.append(name)
        return f"{name} was made."

    def parts(self) -> list[Part]:
        first = Step("first", "First thing", lambda: self.look("one"), lambda: self.write("one"), role=CONSENT)
        second = Step("second", "Second thing", lambda: self.look("two"), lambda: self.write("two"), after=("first",))
        third = Step("third", "Third thing", lambda: self.look("three"), lambda: self.write("three"))
        return [Part("things", "Things", (first, second, third))]


@dataclass
class Desk:
    answers: bool = True
    questions: list[str] = field(default_factory=list)
    out: io.StringIO = field(default_factory=io.StringIO)

    def run(self, things: Things, manner: Manner | None = None, roles: tuple[str, ...] = (CONSENT,), aside: Part | None = None) -> int:
        self.out.seek(0)
        self.out.truncate()
        console = Console(file=self.out, width=200)
        parts = [*([aside] if aside else []), *things.parts()]
        return run(parts, {"Tenant": "Contoso"}, roles, manner or Manner(), Terminal(console, self._asked, lambda: True))

    def _asked(self, question: str) -> bool:
        self.questions.append(question)
        return self.answers

    @property
    def text(self) -> str:
        return self.out.getvalue()


@pytest.fixture
def desk() -> Desk:
    return Desk()


def test_what_is_missing_is_shown_asked_about_and_made(desk: Desk) -> None:
    things = Things()
    assert desk.run(things) == 0
    assert things.made == ["one", "two", "three"]
    assert desk.text.index("Contoso") < desk.text.index("one will be made.") < desk.text.index("three was made.")
    assert desk.questions == ["\nWrite 3 things?"]


def test_a_second_run_asks_nothing_and_writes_nothing(desk: Desk) -> None:
    things = Things()
    desk.run(things)
    assert desk.run(things) == 0
    assert len(desk.questions) == 1
    assert "Nothing is to be written." in desk.text


@pytest.mark.parametrize(("manner", "answers", "status"), [(Manner(dry_run=True), True, 0), (Manner(), False, 1)])
def test_nothing_is_written_by_a_dry_run_or_after_a_no(desk: Desk, manner: Manner, answers: bool, status: int) -> None:
    things, desk.answers = Things(), answers
    assert desk.run(things, manner) == status
    assert things.made == []


def test_yes_goes_on_without_asking(desk: Desk) -> None:
    things, desk.answers = Things(), False
    assert desk.run(things, Manner(yes=True)) == 0
    assert desk.questions == []


def test_each_thing_is_looked_at_again_before_it_is_written(desk: Desk) -> None:
    things = Things()

    def meanwhile(name: str) -> None:
        if name == "one":
            things.made.append("two")  # somebody else's doing

    things.meets = meanwhile
    desk.run(things)
    assert things.made == ["two", "one", "three"]


def test_what_takes_another_right_is_said_with_whose_and_all_else_is_done(desk: Desk) -> None:
    things = Things()

    def refuse(name: str) -> None:
        if name == "one":
            raise NotAllowed("POST /things", Answer(403, "Authorization_RequestDenied"))

    things.meets = refuse
    assert desk.run(things, roles=()) == 1
    assert things.made == ["three"]
    assert f"It takes {CONSENT}, which you do not seem to have; it is tried." in desk.text
    assert f"For somebody with {CONSENT}: First thing." in desk.text
    assert "waits for First thing." in desk.text
    assert "What is done stays." in desk.text


def test_what_fails_stops_what_stands_on_it_and_nothing_else(desk: Desk) -> None:
    things = Things()

    def fail(name: str) -> None:
        if name == "one":
            raise AdminError("POST /things: 400 no such thing. Do this.")

    things.meets = fail
    assert desk.run(things) == 1
    assert things.made == ["three"]
    assert "400 no such thing. Do this." in desk.text


def test_ctrl_c_says_what_was_done_and_the_next_run_goes_on(desk: Desk) -> None:
    things = Things()

    def interrupt(name: str) -> None:
        if name == "two":
            raise KeyboardInterrupt

    things.meets = interrupt
    assert desk.run(things) == INTERRUPTED
    assert things.made == ["one"]
    assert "Second thing, Third thing" in desk.text
    things.meets = lambda _: None
    assert desk.run(things) == 0
    assert things.made == ["one", "two", "three"]


def test_machines_get_one_object_and_no_question(desk: Desk) -> None:
    things = Things()
    assert desk.run(things, Manner(yes=True, as_json=True)) == 0
    told = json.loads(desk.text)
    assert (told["ok"], told["who"]) == (True, {"Tenant": "Contoso"})
    assert [(each["part"], each["step"], each["state"]) for each in told["steps"]] == [
        ("things", "first", "done"),
        ("things", "second", "done"),
        ("things", "third", "done"),
    ]
    assert desk.questions == []


def test_a_dry_run_for_machines_is_the_plan(desk: Desk) -> None:
    assert desk.run(Things(), Manner(dry_run=True, as_json=True)) == 0
    assert {each["state"] for each in json.loads(desk.text)["steps"]} == {"to do"}


def test_for_machines_without_a_yes_the_plan_is_one_object_and_nothing_is_written(desk: Desk, capsys: pytest.CaptureFixture[str]) -> None:
    things = Things()
    assert desk.run(things, Manner(as_json=True)) == 1
    told = json.loads(desk.text)
    assert told["ok"] is False
    assert {each["state"] for each in told["steps"]} == {"to do"}
    assert "--yes" in capsys.readouterr().err
    assert things.made == []


def test_what_is_left_alone_is_no_failure_and_is_not_called_done(desk: Desk) -> None:
    things = Things()
    aside = Part("x", "X", (Step("x", "TLS decryption", lambda: left_alone("Do it by hand, so.")),))
    for _ in range(2):
        assert desk.run(things, Manner(yes=True), aside=aside) == 0
        assert "Do it by hand, so." in desk.text
        assert "what is left as it is, and what that means: TLS decryption." in desk.text
        assert "All is done." not in desk.text


def test_what_this_machine_refuses_fails_that_step_and_what_was_done_is_still_told(desk: Desk) -> None:
    things = Things()

    def full(name: str) -> None:
        if name == "two":
            raise OSError(28, "No space left on device")

    things.meets = full
    assert desk.run(things) == 1
    assert things.made == ["one", "three"]
    assert "No space left on device. Mend that on this machine" in desk.text
    assert "What is done stays." in desk.text


# --- the ledger ---


def test_the_ledger_keeps_what_was_made_and_goes_with_the_last_of_it(tmp_path: Path) -> None:
    ledger = Ledger.open(tmp_path)
    ledger.claim(tenant="t1")
    ledger.about_to_make("registration", name="risky-users")
    assert "registration" in Ledger.open(tmp_path)
    assert Ledger.open(tmp_path).id("registration") == ""
    ledger.made("registration", id="7")
    again = Ledger.open(tmp_path)
    assert (again.id("registration"), again.fact("registration", "name"), again.tenant) == ("7", "risky-users", "t1")
    again.forget("registration")
    assert not (tmp_path / FILE).exists()
    assert list(tmp_path.iterdir()) == []


def test_a_folder_belongs_to_one_tenant_and_one_account(tmp_path: Path) -> None:
    ledger = Ledger.open(tmp_path)
    ledger.claim(tenant="t1", account="a1")
    ledger.made("registration", id="7")
    again = Ledger.open(tmp_path)
    again.claim(tenant="T1")
    with pytest.raises(AdminError, match="set up for the tenant t1, and you are at t2"):
        again.claim(tenant="t2")
    with pytest.raises(AdminError, match="Cloudflare account a1"):
        again.claim(account="a2")


def test_a_folder_belongs_to_one_worker_from_its_first_entry_on(tmp_path: Path) -> None:
    ledger = Ledger.open(tmp_path)
    ledger.claim(worker="risky-users")
    Ledger.open(tmp_path).claim(worker="staging")  # nothing was made yet
    ledger.about_to_make("registration")
    with pytest.raises(AdminError, match="set up for the Worker risky-users, and wrangler's file names staging"):
        Ledger.open(tmp_path).claim(worker="staging")


@pytest.mark.parametrize("content", ["", "{", "[]", '{"made": 7}'])
def test_a_ledger_that_cannot_be_read_is_not_written_over(tmp_path: Path, content: str) -> None:
    (tmp_path / FILE).write_text(content)
    with pytest.raises(AdminError, match="cannot be read"):
        Ledger.open(tmp_path)
    assert (tmp_path / FILE).read_text() == content
