"""What the Worker knows of the lists: variables in wrangler's file, and in what runs. They come after its token, and go before it."""

from collections.abc import Mapping
from dataclasses import dataclass

from plan import RISK_LEVELS
from risky_users.admin.wrangler import Deployed, Wrangler
from risky_users.setup.configuration import WranglerFile
from risky_users.setup.gateway_lists import Lists
from risky_users.setup.ledger import Ledger
from risky_users.setup.steps import Finding, failed, there, to_do
from settings import LIST_VARIABLES

ACCOUNT = "CLOUDFLARE_ACCOUNT_ID"
KEY = "gateway-variables"


@dataclass(frozen=True, slots=True)
class Told:
    """The Worker's variables, for the lists of these levels."""

    lists: Lists
    levels: tuple[str, ...]
    wrangler: Wrangler
    file: WranglerFile
    ledger: Ledger

    # --- telling it ---

    def look(self) -> Finding:
        """Whether the file has them. Raises AdminError."""
        wanted = self._wanted()
        if self.file.variables.get(ACCOUNT, wanted[ACCOUNT]).lower() != wanted[ACCOUNT]:
            return failed(f"{ACCOUNT} names another account than this one, {wanted[ACCOUNT]}: correct it, or go to that account.")
        missing = _missing(wanted, self.file.variables)
        if not missing:
            return there(f"{', '.join(wanted)} are in {self.file.path.name}.")
        return to_do(f"write {', '.join(missing)} into {self.file.path.name}.")

    def write(self) -> str:
        """Write them into the file. Raises AdminError."""
        missing = _missing(self._wanted(), self.file.variables)
        self.ledger.made(KEY, **missing)
        self.file.write(missing)
        return f"wrote {', '.join(missing)} into {self.file.path.name}."

    def look_at_deployment(self) -> Finding:
        """Whether the Worker that runs has them. Raises AdminError."""
        deployed = self.wrangler.deployed()
        if deployed and not _missing(self._wanted(), deployed.variables):
            return there("the Worker that runs knows the lists.")
        return losing_lists(deployed, self.file) or to_do("deploy the Worker again, so that it knows the lists.")

    def deploy(self) -> str:
        """Let it have them. Raises AdminError."""
        self.wrangler.deploy()
        return (
            "deployed: from its next minute on the Worker keeps the lists. It lists mail addresses too where it may read them: "
            "`risky-users setup worker --lane` sees to that."
        )

    # --- letting it forget ---

    def look_for(self) -> Finding:
        """Whether the file has any that were written here. Raises AdminError."""
        written = self._own(self.file.variables)
        return to_do(f"take {', '.join(written)} out of {self.file.path.name}.") if written else there("none of setup's.")

    def drop(self) -> str:
        """Take these out of the file. Raises AdminError."""
        written = self._own(self.file.variables)
        self.file.write(dict.fromkeys(written, ""))
        return f"took {', '.join(written)} out of {self.file.path.name}."

    def look_whether_forgotten(self) -> Finding:
        """Whether the Worker that runs has any. Raises AdminError."""
        deployed = self.wrangler.deployed()
        own = self._own(deployed.variables) if deployed else {}
        if not own:
            return there("the Worker that runs knows of no list of setup's.")
        if self.file.keeps_variables:
            return failed(
                f"keep_vars in {self.file.path.name} would keep {', '.join(own)} in the Worker that runs: set it to false until this "
                f"is done, or delete them under Workers & Pages > {self.wrangler.name} > Settings, and run this again."
            )
        return to_do("deploy the Worker again, so that it forgets the lists.")

    def forget(self) -> str:
        """Let it run without. Raises AdminError."""
        self.wrangler.deploy()
        self.ledger.forget(KEY)
        return "deployed: the Worker keeps no lists any more."

    def _wanted(self) -> dict[str, str]:
        """The id of a list that is not there yet is empty."""
        return {ACCOUNT: self.lists.cloudflare.account_id, **{LIST_VARIABLES[level]: self.lists.id(level) for level in self.levels}}

    def _own(self, variables: Mapping[str, str]) -> dict[str, str]:
        """Those that were written here, or that name what was made here; with the last list the account, for a Worker that has one and
        no list stops."""
        made = {str(each.get("id")) for each in self.lists.made(*RISK_LEVELS)}
        own = {name: value for name, value in variables.items() if self.ledger.fact(KEY, name) == value}
        own |= {name: variables[name] for name in LIST_VARIABLES.values() if variables.get(name) in made}
        last = own and not any(name in variables and name not in own for name in LIST_VARIABLES.values())
        return own | ({ACCOUNT: variables[ACCOUNT]} if last and ACCOUNT in variables else {})


def losing_lists(deployed: Deployed | None, file: WranglerFile) -> Finding | None:
    """What is wrong where a deployment would take lists from the Worker that runs; None where it takes none."""
    known, given = deployed.variables if deployed else {}, file.variables
    lines = [f'{name} = "{known[name]}"' for name in (ACCOUNT, *LIST_VARIABLES.values()) if known.get(name) and name not in given]
    if not lines:
        return None
    return failed(
        f"the Worker that runs keeps lists that {file.path.name} does not name. Deployed from here it would leave them as they are, and "
        f"whoever is on them isolated: add {', '.join(lines)} to the vars there, or let it forget them with `npx wrangler deploy`; then "
        "run this again."
    )


def _missing(wanted: Mapping[str, str], given: Mapping[str, str]) -> dict[str, str]:
    """Those wanted that are not given so, or not known yet. Ids of lists are written with dashes and without."""

    def plain(value: str) -> str:
        return value.replace("-", "").lower()

    return {name: value for name, value in wanted.items() if not value or plain(given.get(name, "")) != plain(value)}
