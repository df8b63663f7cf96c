"""A stand-in for one Microsoft Entra tenant: its token endpoint and the part of Microsoft Graph that concerns this project."""

from simulator.entra.app import App
from simulator.entra.behaviour import Behaviour
from simulator.entra.challenges import claims_challenge
from simulator.entra.directory import Group, User, Write
from simulator.entra.presets import PRESETS
from simulator.entra.public_clients import AZURE_CLI, GRAPH_COMMAND_LINE_TOOLS
from simulator.entra.registrations import CredentialPolicy
from simulator.entra.sign_in_errors import sign_in_fault
from simulator.entra.tenant import Tenant

__all__ = [
    "AZURE_CLI",
    "GRAPH_COMMAND_LINE_TOOLS",
    "PRESETS",
    "App",
    "Behaviour",
    "CredentialPolicy",
    "Group",
    "Tenant",
    "User",
    "Write",
    "claims_challenge",
    "sign_in_fault",
]
