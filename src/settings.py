"""The Worker's vars and secrets, read once a tick into a `Settings`, or one `ConfigError` that names every problem.

No request is made before this succeeds, so a deployment that is not finished yet costs nothing but its error line.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import NamedTuple

GUID = re.compile(r"[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}", re.ASCII)
_DOMAIN = re.compile(r"(?!-)[A-Za-z0-9-]{1,63}(\.[A-Za-z0-9-]{1,63})+", re.ASCII)

LOG_LEVELS = ("debug", "info", "warn", "error")


class Cloud(NamedTuple):
    """One of Microsoft's clouds: the host that issues tokens and the host of Graph.

    Tokens of one are worthless in another (https://learn.microsoft.com/graph/deployments).
    """

    login: str
    graph: str


CLOUDS = {
    "global": Cloud("login.microsoftonline.com", "graph.microsoft.com"),
    "usgov": Cloud("login.microsoftonline.us", "graph.microsoft.us"),
    "usgov-dod": Cloud("login.microsoftonline.us", "dod-graph.microsoft.us"),
}


class ConfigError(Exception):
    """The deployment is not configured as it must be; `problems` holds a sentence for each thing to mend."""

    def __init__(self, problems: list[str]) -> None:
        self.problems = problems
        super().__init__(" ".join(problems))


@dataclass(frozen=True, slots=True)
class Settings:
    """What the administrator decides.

    `max_subrequests` bounds the requests of one tick: Cloudflare's Free plan allows 50, Paid 10,000
    (https://developers.cloudflare.com/workers/platform/limits/#subrequests). `max_removals` caps how many
    users may leave the groups in one tick; None is no cap.
    """

    tenant_id: str
    client_id: str
    client_secret: str = field(repr=False)
    cloud: Cloud = CLOUDS["global"]
    dry_run: bool = False
    log_level: str = "info"
    max_subrequests: int = 45
    max_removals: int | None = None


def read_settings(variable: Callable[[str], object]) -> Settings:
    """Settings from `variable(name)`, which gives a var's or secret's text, or None where there is none.

    Raises ConfigError with every problem at once.
    """
    read = _Reader(variable)
    settings = Settings(
        tenant_id=read.tenant("AZURE_AD_TENANT_ID"),
        client_id=read.client("AZURE_AD_CLIENT_ID"),
        client_secret=read.secret("AZURE_AD_CLIENT_SECRET"),
        cloud=CLOUDS[read.one_of("AZURE_CLOUD", tuple(CLOUDS), "global")],
        dry_run=read.one_of("DRY_RUN", ("true", "false"), "false") == "true",
        log_level=read.one_of("LOG_LEVEL", LOG_LEVELS, "info"),
        max_subrequests=read.number("MAX_SUBREQUESTS", at_least=5) or 45,
        max_removals=read.number("MAX_REMOVALS", at_least=0),
    )
    if read.problems:
        raise ConfigError(read.problems)
    return settings


class _Reader:
    """Reads one variable at a time and remembers what was wrong with it."""

    def __init__(self, variable: Callable[[str], object]) -> None:
        self._variable = variable
        self.problems: list[str] = []

    def _text(self, name: str) -> str:
        value = self._variable(name)
        return value.strip() if isinstance(value, str) else ""

    def _unquoted(self, name: str) -> str:
        """As `_text`, and what stands in wrangler.toml without quotes: `DRY_RUN = true` arrives as True and not as text."""
        value = self._variable(name)
        return str(value) if isinstance(value, int) else self._text(name)

    def _required(self, name: str, how: str) -> str:
        value = self._text(name)
        if not value:
            self.problems.append(f"{name} is missing: {how}.")
        elif value.startswith("<") and value.endswith(">"):
            self.problems.append(f"{name} still holds its placeholder: {how}.")
            return ""
        return value

    def tenant(self, name: str) -> str:
        value = self._required(name, "set it in wrangler.toml to your tenant's ID (Entra admin center > Overview)")
        if value and not (GUID.fullmatch(value) or _DOMAIN.fullmatch(value)):
            self.problems.append(
                f"{name} is neither a tenant ID (a GUID) nor a verified domain: copy the Tenant ID from "
                "Entra admin center > Overview into wrangler.toml."
            )
        return value

    def client(self, name: str) -> str:
        value = self._required(name, "set it in wrangler.toml to the app registration's Application (client) ID")
        if value and not GUID.fullmatch(value):
            self.problems.append(
                f"{name} is not a GUID: copy the Application (client) ID from the app registration's Overview into wrangler.toml."
            )
        return value

    def secret(self, name: str) -> str:
        return self._required(name, f"put the client secret's value with `npx wrangler secret put {name}`")

    def one_of(self, name: str, allowed: tuple[str, ...], default: str) -> str:
        value = self._unquoted(name).lower() or default
        if value not in allowed:
            self.problems.append(f"{name} must be one of {', '.join(allowed)}: correct it in wrangler.toml, or leave it out for {default}.")
            return default
        return value

    def number(self, name: str, *, at_least: int) -> int | None:
        value = self._unquoted(name)
        if not value:
            return None
        if not (value.isascii() and value.isdigit()) or len(value) > 9 or int(value) < at_least:
            self.problems.append(f"{name} must be a whole number of at least {at_least}: correct it in wrangler.toml, or leave it out.")
            return None
        return int(value)
