"""A stand-in for one Microsoft Entra tenant: its token endpoint and the part of Microsoft Graph that concerns this project.

    tenant = Tenant.contoso(risky=12)
    answer = tenant.handle(Request("POST", "https://graph.microsoft.com/v1.0/$batch", headers, body))

It knows no sockets and never waits: an answer says how long it takes. What Microsoft leaves undecided is in
`tenant.behaviour`, what goes wrong is in `tenant.faults` or switched on by name (`tenant.switch("outage", on=True)`), and
what no client should ever do is in `tenant.violations`.
"""

from simulator.behaviour import Behaviour
from simulator.directory import App, Group, User, Write
from simulator.faults import Fault
from simulator.messages import Dropped, Exchange, ItemExchange, Request, Response
from simulator.presets import PRESETS, Preset
from simulator.tenant import Tenant

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
    "Tenant",
    "User",
    "Write",
]
