"""A stand-in for the Azure CLI, as far as tools ask it for tokens (https://learn.microsoft.com/cli/azure/account#az-account-get-access-token).

    az = AzureCli(tenant, administrator)
    environment["PATH"] = f"{az.install(folder)}:{environment['PATH']}"

It is a script that answers from a file beside it: whoever it is signed in as has their tokens made before, at `install`. Nothing is put
into PATH by itself.
"""

import json
import sys
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from simulator.entra.directory import User
from simulator.entra.tenant import Tenant
from simulator.entra.token import CLOUDS
from simulator.messages import JSON

SIGNED_OUT = "ERROR: Please run 'az login' to setup account.\n"
_SCRIPT = """#!{python}
import json, pathlib, sys
told = json.loads(pathlib.Path(__file__).with_name("az.json").read_text())
arguments = sys.argv[1:]
options = dict(zip(arguments[2::2], arguments[3::2]))
if arguments[:2] != ["account", "get-access-token"] or options.get("--output") != "json":
    sys.exit("ERROR: '" + " ".join(arguments) + "' is misspelled or not recognized by the system.")
if told["failure"]:
    sys.stderr.write(told["failure"])
    sys.exit(1)
if options.get("--tenant", told["tenant"]) not in (told["tenant"], told["domain"]):
    sys.exit("ERROR: AADSTS90002: Tenant '" + options["--tenant"] + "' not found.\\nTo re-authenticate, please run: az login")
answer = told["answers"].get(options.get("--resource", "").rstrip("/"))
if answer is None:
    sys.exit("ERROR: AADSTS500011: The resource principal was not found in the tenant.")
print(json.dumps(answer, indent=2))
"""


@dataclass(slots=True)
class AzureCli:
    """The CLI on somebody's computer, signed in as `user`, or signed out where that is None."""

    tenant: Tenant
    user: User | None
    has_epoch: bool = True
    """Whether its version tells `expires_on`, in epoch seconds, besides `expiresOn`, in local time without a zone."""
    failure: str = ""
    """What it says in place of a token."""

    def install(self, folder: Path) -> Path:
        """Write `az` into a folder, for a PATH; the folder. To be called again after a change."""
        folder.mkdir(parents=True, exist_ok=True)
        told: JSON = {
            "tenant": self.tenant.id,
            "domain": self.tenant.domain,
            "failure": self.failure or ("" if self.user else SIGNED_OUT),
            "answers": {f"https://{graph}": self.answer(graph) for graph in CLOUDS[self.tenant.tokens.cloud]} if self.user else {},
        }
        (folder / "az.json").write_text(json.dumps(told))
        script = folder / "az"
        script.write_text(_SCRIPT.replace("{python}", sys.executable))
        script.chmod(0o755)
        return folder

    def answer(self, graph: str) -> dict[str, JSON]:
        """A new token for one of the Graphs, as `--output json` shows it. Raises ValueError where nobody is signed in."""
        if self.user is None:
            raise ValueError("nobody is signed in")
        token = self.tenant.sign_in_as(user=self.user, graph=graph)
        expires = int(self.tenant.tokens.issued[token].expires)
        answer: dict[str, JSON] = {
            "accessToken": token,
            "expiresOn": datetime.fromtimestamp(expires).strftime("%Y-%m-%d %H:%M:%S.%f"),  # local, as the CLI has it
            "subscription": self.tenant.id,
            "tenant": self.tenant.id,
            "tokenType": "Bearer",
        }
        return {**answer, "expires_on": expires} if self.has_epoch else answer
