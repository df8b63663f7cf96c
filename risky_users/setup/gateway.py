"""`setup gateway`: what isolates risky users at the next page load, and the removal of it.

A list a level, an isolate rule that looks into it, a token with which the Worker keeps the lists, and the variables that tell the
Worker of them: in this order, for a Worker that knew of lists without a token would stop. TLS decryption decides about everybody's
browsing: it is looked at and left alone.
"""

from dataclasses import dataclass, field, replace
from functools import partial

from plan import RISK_LEVELS
from risky_users.admin.cloudflare import Cloudflare
from risky_users.admin.isolation import Choices
from risky_users.admin.wrangler import Wrangler
from risky_users.setup.configuration import WranglerFile
from risky_users.setup.gateway_lists import Lists
from risky_users.setup.gateway_rules import Rules
from risky_users.setup.gateway_token import WorkerToken
from risky_users.setup.gateway_variables import KEY, Told
from risky_users.setup.ledger import Ledger
from risky_users.setup.steps import Finding, Part, Step, left_alone, there, to_do
from settings import LIST_VARIABLES

WRITE = "an API token with Zero Trust Write"
MAKE_TOKENS = "an API token with Account API Tokens Write"
WORKERS = "the right to deploy the Worker"
_TOKEN, _DEPLOYMENT, _SECRET = "gateway-token", "gateway-deployment", "gateway-secret"
_TITLES = {_TOKEN: "The Worker's token", KEY: "The Worker's variables", _DEPLOYMENT: "The Worker anew"}


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
    lists: Lists = field(init=False)
    rules: Rules = field(init=False)
    token: WorkerToken = field(init=False)
    told: Told = field(init=False)
    _known: tuple[str, ...] = field(init=False)
    """Levels that have been set up before."""

    def __post_init__(self) -> None:
        given, name = self.file.variables, self.wrangler.name
        self._known = tuple(level for level in RISK_LEVELS if f"list-{level}" in self.ledger or LIST_VARIABLES[level] in given)
        chosen = self.choices.levels or self._known or ("high",)
        self.choices = replace(self.choices, levels=tuple(level for level in RISK_LEVELS if level in chosen))
        self.lists = Lists(self.cloudflare, self.ledger, name, self.file)
        self.rules = Rules(self.cloudflare, self.ledger, name, self.lists, self.choices, self.rewrite)
        self.token = WorkerToken(self.cloudflare, self.wrangler, self.ledger, self.worker_planned)
        self.told = Told(self.lists, self.choices.levels, self.wrangler, self.file, self.ledger)

    def part(self) -> Part:
        """All of it, step by step."""
        steps, levels = [Step("tls-decryption", "TLS decryption", self._look_at_decryption)], self.choices.levels
        lists = tuple(f"list-{level}" for level in levels)
        for level, key in zip(levels, lists, strict=True):
            steps.append(Step(key, f"List {level}", partial(self.lists.look, level), partial(self.lists.make, level), role=WRITE))
        for level, key in zip(levels, lists, strict=True):
            look, write = partial(self.rules.look, level), partial(self.rules.write, level)
            steps.append(Step(f"rule-{level}", f"Isolate {level}", look, write, (key,), WRITE))
        for level in self._known:
            if level not in levels:
                steps.append(Step(f"rule-{level}", f"Isolate {level}", partial(self._look_at_unchosen, level)))
        token, told = self.token, self.told
        steps += [
            Step(_TOKEN, _TITLES[_TOKEN], token.look, token.write, lists, MAKE_TOKENS),
            Step(KEY, _TITLES[KEY], told.look, told.write, (_TOKEN, *lists)),
            Step(_DEPLOYMENT, _TITLES[_DEPLOYMENT], told.look_at_deployment, told.deploy, (KEY,), WORKERS),
        ]
        return Part("gateway", "Cloudflare Gateway: isolated at the next page load", tuple(steps))

    def removal(self, *, worker_stays: bool = True) -> Part:
        """What this made and nothing else: rules first, so that nobody stays isolated; lists only once the Worker has forgotten them."""
        token, told, steps = self.token, self.told, list[Step]()
        for level in RISK_LEVELS:
            look, delete = partial(self.rules.look_for, level), partial(self.rules.delete, level)
            steps.append(Step(f"rule-{level}", f"Isolate {level}", look, delete, role=WRITE))
        if worker_stays:
            steps += [
                Step(KEY, _TITLES[KEY], told.look_for, told.drop),
                Step(_DEPLOYMENT, _TITLES[_DEPLOYMENT], told.look_whether_forgotten, told.forget, (KEY,), WORKERS),
                Step(_SECRET, "The Worker's secret", token.look_for_secret, token.delete_secret, (_DEPLOYMENT,), WORKERS),
            ]
        forgotten = (_DEPLOYMENT,) if worker_stays else ()
        for level in RISK_LEVELS:
            look, delete = partial(self._look_for_list, level), partial(self.lists.delete, level)
            steps.append(Step(f"list-{level}", f"List {level}", look, delete, (f"rule-{level}", *forgotten), WRITE))
        # the token last: what is left of it on the ledger tells that the secret in the Worker is ours
        taken_out = (*forgotten, _SECRET) if worker_stays else ()
        steps.append(Step(_TOKEN, _TITLES[_TOKEN], token.look_for, token.withdraw, taken_out, MAKE_TOKENS))
        all_of_it = tuple(step.key for step in steps)
        steps.append(Step("gateway-state", "State file", self._look_for_entries, self._forget_entries, all_of_it))
        return Part("gateway", "Cloudflare Gateway", tuple(steps))

    def _look_at_unchosen(self, level: str) -> Finding:
        chosen = " and ".join(self.choices.levels)
        return left_alone(
            f"was set up before, and stays with its list: {chosen} alone was chosen now. `risky-users remove gateway` takes all levels "
            "down; then set up those that you want."
        )

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

    def _look_for_list(self, level: str) -> Finding:
        others = [rule for rule in self.rules.read() if not any(self.rules.is_own(rule, each) for each in RISK_LEVELS)]
        return self.lists.look_for(level, others)

    def _entries(self) -> list[str]:
        """Those of this part that are left on the ledger: of things that were gone before anybody could write that down."""
        return [each for each in self.ledger.entries if each.startswith(("rule-", "list-", "gateway-"))]

    def _look_for_entries(self) -> Finding:
        return to_do("forgets what is gone.") if self._entries() else there("knows of nothing here.")

    def _forget_entries(self) -> str:
        for entry in self._entries():
            self.ledger.forget(entry)
        return "knows of nothing here any more."
