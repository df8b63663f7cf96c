"""The whole chain: a tenant whose groups are provisioned to an account, and the browsers of the tenant's users.

chain = Chain.contoso(clock=clock.now)
chain.tenant.set_risk(user, "high")
...                                     # let the Worker run, and the clock
chain.isolated(user), chain.since(user), chain.next_cycle
"""

from simulator.chain.assigned import AssignedGroups
from simulator.chain.chain import GROUP_NAMES, Chain
from simulator.chain.delays import Comparison, Delays, compare, measure
from simulator.chain.tenant_jobs import TenantJobs

__all__ = ["GROUP_NAMES", "AssignedGroups", "Chain", "Comparison", "Delays", "TenantJobs", "compare", "measure"]
