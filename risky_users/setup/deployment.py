"""The Worker at Cloudflare: its vars in wrangler's file, and what is deployed of them."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass

from risky_users.admin.errors import AdminError
from risky_users.setup.gateway_token import SECRET as TOKEN
from risky_users.setup.gateway_variables import ACCOUNT, losing_lists
from risky_users.setup.ledger import WORKER
from risky_users.setup.steps import Finding, State, Step, left_alone, there, to_do
from risky_users.setup.work import VARS, WRITTEN, Work


@dataclass(slots=True)
class Deployment:
    """The Worker, and the vars that are `wanted`, by name: an empty text for one that is not known yet."""

    work: Work
    wanted: Callable[[], Mapping[str, str]] = dict

    def steps(self, *after: str) -> tuple[Step, ...]:
        """The vars, then the Worker with them, once what comes before is there."""
        return (
            Step("vars", "wrangler's vars", self.look_at_vars, self.write_vars, after),
            Step("worker", "Worker", self.look, self.deploy, ("vars", *after)),
        )

    @contextmanager
    def uploading(self) -> Iterator[None]:
        """Around whatever uploads something: a Worker that was not there before is one that was made here."""
        ledger, wrangler = self.work.ledger, self.work.wrangler
        first = not wrangler.deployed()
        if first:
            ledger.about_to_make(WORKER, id=self.work.name)
        try:
            yield
        except (AdminError, OSError):
            with suppress(AdminError, OSError):
                if first and not wrangler.deployed():
                    ledger.forget(WORKER)
            raise

    # --- the vars ---

    def look_at_vars(self) -> Finding:
        """Those that setting up knows."""
        wanted, have = self.wanted(), self.work.file.variables
        known = self.work.file.differing({name: value for name, value in wanted.items() if value})
        differing = [name for name, value in wanted.items() if name in known or (not value and have.get(name, "<").startswith("<"))]
        if differing:
            return to_do(f"{', '.join(differing)} will be written into {self.work.file.path.name}.")
        return there(f"{', '.join(wanted)} in {self.work.file.path.name}.")

    def write_vars(self) -> str:
        """Write what differs, having noted what was there."""
        wanted = {name: value for name, value in self.wanted().items() if value}
        differing, before = self.work.file.differing(wanted), self.work.file.variables
        noted = {name: self.work.ledger.fact(VARS, name) or before.get(name, "") or "-" for name in differing}
        self.work.ledger.made(VARS, **noted)
        self.work.ledger.made(WRITTEN, **{name: wanted[name] for name in differing})
        self.work.file.write(wanted)
        return f"{', '.join(differing)} written into {self.work.file.path.name}."

    # --- the Worker ---

    def look(self) -> Finding:
        """Whether it runs with the vars that the file has; a deployment must not take lists from it that only it knows of."""
        finding = self._look()
        losing = losing_lists(self.work.wrangler.deployed(), self.work.file) if finding.state is State.TO_DO else None
        return losing or finding

    def _look(self) -> Finding:
        name, seen = self.work.name, self.work.wrangler.deployed()
        if self.look_at_vars().state is State.TO_DO:
            return to_do(f"{name} will be deployed with them.")
        if not seen or not seen.scheduled:
            return to_do(f"{name} will be deployed.")
        variables = self.work.file.variables
        if differing := [each for each, value in variables.items() if seen.variables.get(each) != value]:
            return to_do(f"{name} will be deployed anew, for {', '.join(differing)} differ.")
        if lacking := self._without_token():
            return left_alone(f"{name} is deployed with these vars.{lacking}")
        return there(f"{name} is deployed with these vars.")

    def deploy(self) -> str | Finding:
        """Upload the project as it lies in the folder."""
        with self.uploading():
            self.work.wrangler.deploy()
        deployed = f"{self.work.name} is deployed; its clock may take up to 15 minutes to begin."
        return left_alone(f"{deployed}{lacking}") if (lacking := self._without_token()) else deployed

    def _without_token(self) -> str:
        """What is to be said of a Worker that knows of lists and has nothing to keep them with."""
        lacking = ACCOUNT in self.work.file.variables and TOKEN not in self.work.wrangler.secrets()
        return f" It has no {TOKEN}, without which it stops: run `risky-users setup gateway`." if lacking else ""

    # --- removing ---

    def steps_to_remove(self) -> tuple[Step, ...]:
        """The Worker, where its first deployment was made here."""
        return (Step("worker", "Worker", self.look_to_remove, self.remove),)

    def steps_to_restore(self) -> tuple[Step, ...]:
        """The vars, last of all: other steps go by them."""
        return (Step("vars", "wrangler's vars", self.look_to_restore, self.restore, ("worker",)),)

    def look_to_remove(self) -> Finding:
        """By the ledger alone: a Worker of this name may be anybody's."""
        if WORKER not in self.work.ledger:
            return there(f"{self.work.name} was not first deployed here, and stays.") if self.work.wrangler.deployed() else there("none.")
        return to_do(f"{self.work.name} will be deleted, with its secrets and its clock.")

    def remove(self) -> str:
        """Delete it."""
        self.work.wrangler.delete()
        self.work.ledger.forget(WORKER)
        return "deleted."

    def look_to_restore(self) -> Finding:
        """Those that were written here, and not changed since."""
        if VARS not in self.work.ledger:
            return there("none were written.")
        return to_do(self._told("will be", self._before()))

    def restore(self) -> str:
        """Give them the values that they had; what was changed since is nobody's business here."""
        before = self._before()
        told = self._told("are", before)
        self.work.file.write({name: "" if value == "-" else value for name, value in before.items()})
        self.work.ledger.forget(VARS)
        self.work.ledger.forget(WRITTEN)
        return told

    def _before(self) -> dict[str, str]:
        """What to put back: one that has neither the value that was written here nor the one before was changed by somebody."""
        ledger, have = self.work.ledger, self.work.file.variables
        known = {name: (ledger.fact(WRITTEN, name), "" if value == "-" else value) for name, value in ledger.entries[VARS].items()}
        return {name: ledger.fact(VARS, name) for name, values in known.items() if have.get(name, "") in values}

    def _told(self, become: str, before: Mapping[str, str]) -> str:
        changed = [name for name in self.work.ledger.entries[VARS] if name not in before]
        told = [f"{', '.join(before)} {become} as before."] if before else []
        told += [f"{', '.join(changed)} changed since setup wrote it: left as it is in {self.work.file.path.name}."] if changed else []
        return " ".join(told)
