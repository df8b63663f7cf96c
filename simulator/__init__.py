"""Stand-ins for the services this project talks to, with their faults and quirks. Here is what tests and demos need of them.

    tenant = Tenant.contoso(risky=12)
    answer = tenant.handle(Request("POST", "https://graph.microsoft.com/v1.0/$batch", headers, body))
    account = Account.contoso()
    chain = Chain(tenant, account)

No service knows sockets or ever waits: an answer says how long it takes. What a provider leaves undecided is in
`behaviour`, what goes wrong in `faults` or switched on by name (`Switchboard(tenant, PRESETS).switch("outage", on=True)`), and
what no client should ever do in `violations`. `Behaviour` and `PRESETS` here are the tenant's; the account's are in
`simulator.cloudflare`.
"""

from simulator.chain import Chain, Comparison, Delays, compare, measure
from simulator.cloudflare import Account, Decision, GatewayList, Ineffective, ListWrite, Person, Rule, Token
from simulator.entra import PRESETS, App, Behaviour, Group, Tenant, User, Write, sign_in_fault
from simulator.faults import Fault
from simulator.messages import Dropped, Exchange, ItemExchange, Request, Response
from simulator.presets import Preset, Switchboard

__all__ = [
    "PRESETS",
    "Account",
    "App",
    "Behaviour",
    "Chain",
    "Comparison",
    "Decision",
    "Delays",
    "Dropped",
    "Exchange",
    "Fault",
    "GatewayList",
    "Group",
    "Ineffective",
    "ItemExchange",
    "ListWrite",
    "Person",
    "Preset",
    "Request",
    "Response",
    "Rule",
    "Switchboard",
    "Tenant",
    "Token",
    "User",
    "Write",
    "compare",
    "measure",
    "sign_in_fault",
]
