"""The login host: tokens for apps and for people, with the errors that administrators meet.

https://learn.microsoft.com/entra/identity-platform/v2-protocols
"""

from simulator.entra.login.host import LoginHost
from simulator.entra.login.people import People

__all__ = ["LoginHost", "People"]
