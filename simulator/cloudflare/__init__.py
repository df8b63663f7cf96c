"""A stand-in for one Cloudflare account: the part of the API that concerns this project, and what Gateway makes of it.

    account = Account.contoso()
    answer = account.handle(Request("GET", f"https://api.cloudflare.com/client/v4/accounts/{account.id}/gateway/lists", headers))
    person = account.enroll("ada@contoso.com")
    account.page_load(person).isolated

It knows no sockets and never waits: an answer says how long it takes. What Cloudflare leaves undecided is in `account.behaviour`,
what goes wrong in `account.faults` (a path is that below `/client/v4`, a code a number) or switched on by name
(`Switchboard(account, PRESETS).switch("outage", on=True)`), and what no client should ever do in `account.violations`.
`account.connect(directory)` lets a tenant's groups arrive by SCIM, every 40 minutes.
"""

from simulator.cloudflare.account import Account
from simulator.cloudflare.behaviour import Behaviour
from simulator.cloudflare.deployed import Worker
from simulator.cloudflare.enforcement import Decision
from simulator.cloudflare.faults import Ineffective
from simulator.cloudflare.presets import PRESETS
from simulator.cloudflare.provisioned import IdentityProvider
from simulator.cloudflare.scim import Directory, DirectoryGroup, DirectoryUser, ScimCycle
from simulator.cloudflare.state import GatewayList, ListWrite, Person, Rule, Token

__all__ = [
    "PRESETS",
    "Account",
    "Behaviour",
    "Decision",
    "Directory",
    "DirectoryGroup",
    "DirectoryUser",
    "GatewayList",
    "IdentityProvider",
    "Ineffective",
    "ListWrite",
    "Person",
    "Rule",
    "ScimCycle",
    "Token",
    "Worker",
]
