"""A stand-in for one Microsoft Entra tenant: its token endpoint and the part of Microsoft Graph that concerns this project."""

from simulator.entra.app import App
from simulator.entra.behaviour import Behaviour
from simulator.entra.directory import Group, User, Write
from simulator.entra.presets import PRESETS
from simulator.entra.sign_in_errors import sign_in_fault
from simulator.entra.tenant import Tenant

__all__ = ["PRESETS", "App", "Behaviour", "Group", "Tenant", "User", "Write", "sign_in_fault"]
