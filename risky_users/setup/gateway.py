"""`setup gateway`: what isolates risky users at the next page load, and the removal of it.

A list a level, an isolate rule that looks into it, a token with which the Worker keeps the lists, and the variables that tell the
Worker of them: in this order, for a Worker that knew of lists without a token would stop. TLS decryption decides about everybody's
browsing: it is looked at and left alone.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import partial

from plan import RISK_LEVELS
from risky_users.admin.cloudflare import Cloudflare
from risky_users.admin.isolation import Choices
from risky_users.admin.wrangler import Wrangler
from risky_users.setup.configuration import WranglerFile
from risky_users.setup.gateway_lists import VARIABLES, Lists
from risky_users.setup.gateway_rules import Rules
from risky_users.setup.gateway_token import WorkerToken
from risky_users.setup.ledger import Ledger
from risky_users.setup.steps import Finding, Part, Step, failed, left_alone, there, to_do

ACCOUNT = "CLOUDFLARE_ACCOUNT_ID"
WRITE = "an API token with Zero Trust Write"
MAKE_TOKENS = "an API token with Account API Tokens Write"
WORKERS = "the right to deploy the Worker"
_KEY = "gateway-variables"


@dataclass(slots=True)
class Gateway:
    """Cloudflare's side of the direct lane, for the Worker of this folder."""

    cloudflare: Cloudflare
    wrangler: Wrangler
    file: WranglerFile
    ledger: Ledger
    choices: Choices
    rewrite: bool = False
    """Whether rules of setup's own that differ are written anew."""
    worker_planned: bool = False
    """Whether the same run deploys the Worker before."""

    def __post_init__(self) -> None:
        given = self.file.variables
        known = tuple(level for level in RISK_LEVELS if f"list-{level}" in self.ledger or VARIABLES[level] in given)
        self.choices = replace(self.choices, levels=self.choices.levels or known or ("high",))

    @property
    def lists(self) -> Lists:
        """The lists."""
        return Lists(self.cloudflare, self.ledger, self.wrangler.name, self.file.variables)

    @property
    def rules(self) -> Rules:
        """The rules."""
        return Rules(self.cloudflare, self.ledger, self.wrangler.name, self.choices, rewrite=self.rewrite)

    @property
    def token(self) -> WorkerToken:
        """The Worker's token."""
        return WorkerToken(self.cloudflare, self.wrangler, self.ledger)

    # --- making ---

    def part(self) -> Part:
        """All of it, step by step."""
        levels = [level for level in RISK_LEVELS if level in self.choices.levels]
        steps = [Step("tls-decryption", "TLS decryption", self._look_at_decryption)]
        for level in levels:
            made = f"list-{level}"
            steps.append(Step(made, f"List {level}", partial(self._look_at_list, level), partial(self._make_list, level), role=WRITE))
        for level in levels:
            look, write = partial(self._look_at_rule, level), partial(self._write_rule, level)
            steps.append(Step(f"rule-{level}", f"Isolate {level}", look, write, after=(f"list-{level}",), role=WRITE))
        lists = tuple(f"list-{level}" for level in levels)
        steps.append(Step("gateway-token", "The Worker's token", self._look_at_token, self._make_token, after=lists, role=MAKE_TOKENS))
        told = ("gateway-token", *lists)
        steps.append(Step(_KEY, "The Worker's variables", self._look_at_variables, self._write_variables, after=told))
        steps.append(Step("gateway-deployment", "The Worker anew", self._look_at_deployment, self._deploy, after=(_KEY,), role=WORKERS))
        return Part("gateway", "Cloudflare Gateway: isolated at the next page load", tuple(steps))

    def _look_at_decryption(self) -> Finding:
        settings = self.cloudflare.one("/gateway/configuration", "read the Gateway configuration").get("settings")
        block = settings.get("tls_decrypt") if isinstance(settings, dict) else None
        if isinstance(block, dict) and block.get("enabled") is True:
            return there("on, as isolation needs it.")
        return left_alone(
            "off, and without it nobody is isolated. It is not switched on here, because browsing breaks on every device that does not "
            "trust Cloudflare's root certificate: first deploy the certificate and Cloudflare's client, then switch it on under Traffic "
            "policies > Traffic settings > Proxy and inspection > Inspect HTTPS requests with TLS decryption."
        )

    def _look_at_list(self, level: str) -> Finding:
        return self.lists.look(level)

    def _make_list(self, level: str) -> str:
        return self.lists.make(level)

    def _look_at_rule(self, level: str) -> Finding:
        return self.rules.look(level, self.lists.id(level))

    def _write_rule(self, level: str) -> str:
        return self.rules.write(level, self.lists.id(level))

    def _look_at_token(self) -> Finding:
        return self.token.look(worker_planned=self.worker_planned)

    def _make_token(self) -> str:
        return self.token.write()

    def _wanted(self) -> dict[str, str]:
        """The variables; the id of a list that is not there yet is empty."""
        lists = self.lists
        return {ACCOUNT: self.cloudflare.account_id, **{VARIABLES[level]: lists.id(level) for level in self.choices.levels}}

    def _look_at_variables(self) -> Finding:
        given, wanted = self.file.variables, self._wanted()
        if given.get(ACCOUNT, wanted[ACCOUNT]).lower() != wanted[ACCOUNT]:
            return failed(f"{ACCOUNT} names another account than this one, {wanted[ACCOUNT]}: correct it, or go to that account.")
        missing = [name for name, value in wanted.items() if not value or not _same(given.get(name), value)]
        if not missing:
            return there(f"{', '.join(wanted)} are in {self.file.path.name}.")
        return to_do(f"write {', '.join(missing)} into {self.file.path.name}.")

    def _write_variables(self) -> str:
        given, wanted = self.file.variables, self._wanted()
        missing = {name: value for name, value in wanted.items() if not _same(given.get(name), value)}
        self.ledger.made(_KEY, **missing)
        self.file.write(missing)
        return f"wrote {', '.join(missing)} into {self.file.path.name}."

    def _look_at_deployment(self) -> Finding:
        deployed, wanted = self.wrangler.deployed(), self._wanted()
        if deployed and all(value and _same(deployed.variables.get(name), value) for name, value in wanted.items()):
            return there("the Worker that runs knows the lists.")
        return to_do("deploy the Worker again, so that it knows the lists.")

    def _deploy(self) -> str:
        self.wrangler.deploy()
        return (
            "deployed: from its next minute on the Worker keeps the lists. It lists mail addresses too where it may read them: "
            "`risky-users setup worker --lane` sees to that."
        )

    # --- taking away ---

    def removal(self, *, worker_stays: bool = True) -> Part:
        """What this made and nothing else: rules first, so that nobody stays isolated; lists only once the Worker has forgotten them."""
        steps = [
            Step(f"rule-{level}", f"Isolate {level}", partial(self._look_for_rule, level), partial(self._delete_rule, level), role=WRITE)
            for level in RISK_LEVELS
        ]
        before: tuple[str, ...] = ()
        if worker_stays:
            steps.append(Step(_KEY, "The Worker's variables", self._look_for_variables, self._drop_variables))
            anew, forget = self._look_whether_forgotten, self._forget
            steps.append(Step("gateway-deployment", "The Worker anew", anew, forget, after=(_KEY,), role=WORKERS))
            before = ("gateway-deployment",)
            held, drop = self._look_for_secret, self._delete_secret
            steps.append(Step("gateway-secret", "The Worker's secret", held, drop, after=before, role=WORKERS))
        for level in RISK_LEVELS:
            look, write = partial(self._look_for_list, level), partial(self._delete_list, level)
            steps.append(Step(f"list-{level}", f"List {level}", look, write, after=(f"rule-{level}", *before), role=WRITE))
        steps.append(Step("gateway-token", "The Worker's token", self._look_for_token, self._withdraw, after=before, role=MAKE_TOKENS))
        all_of_it = tuple(step.key for step in steps)
        steps.append(Step("gateway-state", "State file", self._look_for_entries, self._forget_entries, after=all_of_it))
        return Part("gateway", "Cloudflare Gateway", tuple(steps))

    def _entries(self) -> list[str]:
        """Those of this part that are left on the ledger: of things that were gone before anybody could write that down."""
        return [each for each in self.ledger.entries if each.startswith(("rule-", "list-", "gateway-"))]

    def _look_for_entries(self) -> Finding:
        return to_do("forgets what is gone.") if self._entries() else there("knows of nothing here.")

    def _forget_entries(self) -> str:
        for entry in self._entries():
            self.ledger.forget(entry)
        return "knows of nothing here any more."

    def _look_for_rule(self, level: str) -> Finding:
        return self.rules.look_for(level)

    def _delete_rule(self, level: str) -> str:
        return self.rules.delete(level)

    def _look_for_list(self, level: str) -> Finding:
        rules = self.rules
        others = [rule for rule in rules.read() if not any(rules.is_own(rule, each) for each in RISK_LEVELS)]
        return self.lists.look_for(level, others)

    def _delete_list(self, level: str) -> str:
        return self.lists.delete(level)

    def _look_for_secret(self) -> Finding:
        return self.token.look_for_secret()

    def _delete_secret(self) -> str:
        return self.token.delete_secret()

    def _look_for_token(self) -> Finding:
        return self.token.look_for()

    def _withdraw(self) -> str:
        return self.token.withdraw()

    def _written(self) -> dict[str, str]:
        """The variables in wrangler's file that were written here, or that name what was made here."""
        return self._own(self.file.variables)

    def _own(self, variables: Mapping[str, str]) -> dict[str, str]:
        lists = {str(each.get("id")) for each in self.lists.made(*RISK_LEVELS)}
        noted = {name: value for name, value in variables.items() if self.ledger.fact(_KEY, name) == value}
        return noted | {name: variables[name] for name in VARIABLES.values() if variables.get(name) in lists}

    def _look_for_variables(self) -> Finding:
        written = self._written()
        if not written:
            return there("none of setup's.")
        return to_do(f"take {', '.join(written)} out of {self.file.path.name}.")

    def _drop_variables(self) -> str:
        written = self._written()
        self.file.write(dict.fromkeys(written, ""))
        return f"took {', '.join(written)} out of {self.file.path.name}."

    def _look_whether_forgotten(self) -> Finding:
        deployed = self.wrangler.deployed()
        if not deployed or not self._own(deployed.variables):
            return there("the Worker that runs knows of no list of setup's.")
        return to_do("deploy the Worker again, so that it forgets the lists.")

    def _forget(self) -> str:
        self.wrangler.deploy()
        self.ledger.forget(_KEY)
        return "deployed: the Worker keeps no lists any more."


def _same(one: str | None, other: str) -> bool:
    """Whether two ids are the same: of lists there are spellings with and without dashes."""
    return one is not None and one.replace("-", "").lower() == other.replace("-", "").lower()
