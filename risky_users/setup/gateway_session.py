"""Cloudflare's side of a place of work: which account, and with whose token. Entra has no part in it."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from plan import RISK_LEVELS
from risky_users.admin.cloudflare import Cloudflare
from risky_users.admin.errors import AdminError, NoProgram, ServiceRefused
from risky_users.admin.isolation import CLIPBOARD, Choices
from risky_users.admin.machine import Machine
from risky_users.admin.wrangler import Wrangler
from risky_users.setup.configuration import WranglerFile
from risky_users.setup.gateway import Gateway
from risky_users.setup.gateway_variables import ACCOUNT
from risky_users.setup.ledger import Ledger

TOKEN = "CLOUDFLARE_API_TOKEN"


@dataclass(frozen=True, slots=True)
class GatewaySession:
    """An account, opened with an administrator's token, and the Worker's project; `who` is what is shown of it."""

    cloudflare: Cloudflare
    wrangler: Wrangler
    file: WranglerFile
    ledger: Ledger
    who: Mapping[str, str]

    def gateway(self, choices: Choices, *, rewrite: bool = False) -> Gateway:
        """What there is to make or to take away."""
        return Gateway(self.cloudflare, self.wrangler, self.file, self.ledger, choices, rewrite)


@contextmanager
def gateway_session(machine: Machine, config: Path | None, account: str, ask: Callable[[str], str]) -> Iterator[GatewaySession]:
    """Find the account, and open it. Raises AdminError, before anything else is done, where folder and account disagree."""
    file = WranglerFile.find(machine.folder, config)
    ledger = Ledger.open(file.path.parent)
    ledger.claim(worker=file.name)
    named = file.variables.get(ACCOUNT, "")
    chosen = (
        account or machine.environment.get(ACCOUNT, "") or named or ledger.account or _only_one(Wrangler(machine, file.name, file.path))
    )
    if named and named.lower() != chosen.lower():
        raise AdminError(f"{file.path.name} has {ACCOUNT} {named}, and you mean {chosen}: which is it?")
    ledger.claim(account=chosen.lower())
    with open_account(machine, chosen, ask) as cloudflare:
        wrangler = Wrangler(machine, file.name, file.path, cloudflare.account_id)
        who = {**who_is(cloudflare), "Worker": f"{file.name}, by {file.path}"}
        yield GatewaySession(cloudflare, wrangler, file, ledger, who)


def open_account(machine: Machine, account: str, ask: Callable[[str], str]) -> Cloudflare:
    """The account, with the token of the environment or else one that is asked for, unseen. Raises AdminError where there is none."""
    token = machine.environment.get(TOKEN, "")
    if not token and machine.interactive():
        machine.tell(f"Cloudflare takes an API token with Zero Trust Write; to make the Worker's, Account API Tokens Write too: {_PAGE}")
        token = ask(TOKEN)
    if not token.strip():
        raise AdminError(f"Cloudflare takes an API token: make one with Zero Trust Write at {_PAGE}, and put it into {TOKEN}.")
    return Cloudflare(machine, account, token)


def who_is(cloudflare: Cloudflare) -> dict[str, str]:
    """Whose token it is, and until when. Raises ServiceRefused where it is nobody's, or another account's."""
    facts = cloudflare.verify()
    if facts.status != "active":
        raise AdminError(f"The token in {TOKEN} is {facts.status}: make another at {_PAGE}.")
    try:
        name = f"{cloudflare.one('', 'read the account').get('name')}, "
    except ServiceRefused:
        name = ""  # few tokens may, and it is only for showing
    until = f" until {facts.expires[:10]}" if facts.expires else ""
    return {"Cloudflare": f"{name}{cloudflare.account_id}, by {'an account' if facts.kind == 'account' else 'a user'}'s token{until}"}


def asked_for(choices: Choices, question: Callable[[str, str], str]) -> Choices:
    """The choices, those that are open put as questions, each with its default."""
    levels = choices.levels or tuple(question(f"Levels to isolate, of {', '.join(RISK_LEVELS)}", "high").replace(",", " ").split())
    domains = choices.domains
    if domains is None:
        said = question("Where: everywhere, or domains (then also those where your users sign in)", "everywhere").replace(",", " ").split()
        domains = () if said == ["everywhere"] else tuple(said)
    clipboard = choices.clipboard or question(f"Clipboard, of {', '.join(CLIPBOARD)}", CLIPBOARD[0])
    download = choices.download or question(f"Downloads, of {', '.join(CLIPBOARD)}", CLIPBOARD[0])
    group_too = choices.group_too
    if group_too is None:
        whom = question("By list (releases at once), or by either, list or group (releases with Entra's cycle)", "list")
        group_too = whom.strip() != "list"
    return Choices(levels, domains, clipboard, download, group_too)


_PAGE = "https://dash.cloudflare.com/?to=/:account/api-tokens"


def _only_one(wrangler: Wrangler) -> str:
    try:
        accounts = wrangler.accounts()
    except NoProgram:
        accounts = {}
    if len(accounts) == 1:
        return next(iter(accounts))
    listed = f" wrangler is logged in to {', '.join(f'{each} ({name})' for each, name in accounts.items())}." if accounts else ""
    raise AdminError(f"Which Cloudflare account? Name it with --account, by the id that the dashboard shows.{listed}")
