"""Entra's provisioning service: jobs that carry assigned users and groups to a SCIM endpoint, on a schedule of their own.

https://learn.microsoft.com/entra/identity/app-provisioning/how-provisioning-works. Where the endpoint is, and what it does, is the
affair of whoever is at the door (simulator.scim).
"""

from simulator.entra.provisioning.job import Job
from simulator.entra.provisioning.scheduled import Scheduled
from simulator.entra.provisioning.scheduler import Provisioning

__all__ = ["Job", "Provisioning", "Scheduled"]
