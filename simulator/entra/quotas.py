"""What an app may use up, and what it is told beyond that (https://learn.microsoft.com/graph/throttling-limits)."""

from email.utils import formatdate
from typing import Literal

from simulator.messages import Refusal

WRITES, WRITE_WINDOW = 3000.0, 150.0
UNIT_WINDOW = 10.0
"""Write units in seconds, and the seconds in which resource units are counted, for one app in one tenant."""
ON_DEMAND, ON_DEMAND_WINDOW = 5.0, 10.0
"""Requests for provisioning on demand (https://learn.microsoft.com/graph/api/synchronization-synchronizationjob-provisionondemand)."""


def resource_units(users: int) -> float:
    """How many resource units an app may use up in UNIT_WINDOW: the more, the larger the tenant."""
    return 3500.0 if users < 50 else 5000.0 if users <= 500 else 8000.0


def throttled(form: Literal["integer", "fraction", "date", "none"], now: float, seconds: float, reason: str) -> Refusal:
    """429 as the directory answers it, with Retry-After in this form (https://learn.microsoft.com/graph/throttling)."""
    pause = {"integer": str(int(seconds) + 1), "fraction": f"{seconds:.3f}", "date": formatdate(now + seconds + 1, usegmt=True), "none": ""}
    headers = {"x-ms-throttle-information": reason, "x-ms-throttle-scope": "Tenant_Application/ReadWrite"}
    if value := pause[form]:
        headers["Retry-After"] = value
    return Refusal(429, "TooManyRequests", "Please retry again later.", headers)
