"""Stand-ins for the services this project talks to, with their faults and quirks. Here is what tests and demos need of them.

    tenant = Tenant.contoso(risky=12)
    answer = tenant.handle(Request("POST", "https://graph.microsoft.com/v1.0/$batch", headers, body))

No service knows sockets or ever waits: an answer says how long it takes. What a provider leaves undecided is in
`behaviour`, what goes wrong in `faults` or switched on by name (`Switchboard(tenant, PRESETS).switch("outage", on=True)`), and
what no client should ever do in `violations`.
"""

from simulator.entra import PRESETS, App, Behaviour, Group, Tenant, User, Write, sign_in_fault
from simulator.faults import Fault
from simulator.messages import Dropped, Exchange, ItemExchange, Request, Response
from simulator.presets import Preset, Switchboard

__all__ = [
    "PRESETS",
    "App",
    "Behaviour",
    "Dropped",
    "Exchange",
    "Fault",
    "Group",
    "ItemExchange",
    "Preset",
    "Request",
    "Response",
    "Switchboard",
    "Tenant",
    "User",
    "Write",
    "sign_in_fault",
]
