"""The Worker's vars and secrets, read once a tick into a `Settings`, or one `ConfigError` that names every problem.

No request is made before this succeeds, so a deployment that is not finished yet costs nothing but its error line.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from errors import ConfigError
from plan import RISK_LEVELS
from text import GUID

MOST_SUBREQUESTS = 45
"""Of the 50 that Cloudflare's Free plan allows an event (https://developers.cloudflare.com/workers/platform/limits/#subrequests)."""
FEWEST_SUBREQUESTS = 20
"""With fewer a busy tick could not do of everything a little; one of them may be for an alert."""
LOG_LEVELS = ("debug", "info", "warn", "error")
LIST_VARIABLES = {level: f"GATEWAY_LIST_{level.upper()}" for level in RISK_LEVELS}
"""Which variable holds the id of a level's list."""

_DOMAIN = re.compile(r"(?!-)[A-Za-z0-9-]{1,63}(\.[A-Za-z0-9-]{1,63})+", re.ASCII)
_HEX = re.compile(r"[0-9a-fA-F]{32}", re.ASCII)
_HTTPS = re.compile(r"https://[A-Za-z0-9.-]+(:[0-9]+)?(/[!-~]*)?", re.ASCII)
_ADDRESS = re.compile(r"[!-?A-~]+@[A-Za-z0-9.-]+", re.ASCII)
_UNSEEN = dict.fromkeys((0xAD, 0x180E, *range(0x200B, 0x2010), *range(0x202A, 0x202F), *range(0x2060, 0x2070), 0xFEFF))
"""Characters of no width that come along when a value is copied: soft hyphens, joiners, marks of direction, a byte order mark."""


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


@dataclass(frozen=True, slots=True)
class Certificate:
    """A certificate (DER), its private key (PKCS#8) and when it ends, in epoch seconds."""

    private_key: bytes = field(repr=False)
    der: bytes = field(repr=False)
    ends: float


@dataclass(frozen=True, slots=True)
class GatewaySettings:
    """The direct lane: a Cloudflare account, the ids of its lists by risk level, and a token that may write them.

    `list_size` is how many addresses a list holds (https://developers.cloudflare.com/cloudflare-one/account-limits/);
    `addresses` says which of a user's are written: both, mail or upn.
    """

    account_id: str
    lists: Mapping[str, str]
    token: str = field(repr=False)
    list_size: int = 1000
    addresses: str = "both"


@dataclass(frozen=True, slots=True)
class Settings:
    """What the administrator decides.

    Of certificate and client secret one is there, and both while one takes the other's place. `credential_expires` says in
    epoch seconds when the secret ends, where nothing knows better. `max_subrequests` bounds the
    requests of one tick. `max_removals` caps how many
    users may leave the groups in one tick; None is no cap.
    """

    tenant_id: str
    client_id: str
    client_secret: str = field(default="", repr=False)
    certificate: Certificate | None = None
    credential_expires: float | None = None
    cloud: Cloud = CLOUDS["global"]
    dry_run: bool = False
    log_level: str = "info"
    max_subrequests: int = MOST_SUBREQUESTS
    max_removals: int | None = None
    gateway: GatewaySettings | None = None
    """None: there are no lists to keep."""


@dataclass(frozen=True, slots=True)
class Watch:
    """Who is told of what: addresses that are secrets; how many failed minutes in a row are told; from whom and to whom mail
    goes. `problems` are what is wrong with these, which keeps nothing else from its work."""

    webhook: str = field(default="", repr=False)
    heartbeat: str = field(default="", repr=False)
    after: int = 5
    mail_from: str = ""
    mail_to: str = ""
    bindings: frozenset[str] = frozenset()
    """Those of BINDINGS that there are."""
    problems: tuple[str, ...] = ()

    @property
    def on(self) -> bool:
        """Whether there is anything to do after a tick."""
        return bool(self.webhook or self.heartbeat or self.bindings or self.problems)

    @property
    def subrequests(self) -> int:
        """How many it may take in a tick."""
        return bool(self.webhook) + bool(self.heartbeat)

    def leaves(self, subrequests: int) -> int:
        """How many of these the tick itself may take: one is left for an alert whatever happens, and where there are more than
        the fewest one for the heartbeat of the same minute."""
        return max(subrequests - self.subrequests, FEWEST_SUBREQUESTS - min(1, self.subrequests))


BINDINGS = ("ALERT_EMAIL", "ALERT_STATE", "METRICS")
"""Of Email Service, Workers KV and Analytics Engine."""


def read_watch(variable: Callable[[str], object]) -> Watch:
    """Who is to be told of what. `variable` as for `read_settings`; of a binding it gives any object."""
    read = _Reader(variable)
    bindings = {name for name in BINDINGS if variable(name) is not None}
    webhook, heartbeat = (read.optional(name, _URL, _wrong_url) for name in ("ALERT_WEBHOOK", "HEARTBEAT_URL"))
    after = read.number("ALERT_AFTER", at_least=1) or 5
    mail_from = mail_to = ""
    if "ALERT_EMAIL" in bindings:
        mail_from, mail_to = (read.required(name, _MAIL, _wrong_address) for name in ("ALERT_EMAIL_FROM", "ALERT_EMAIL_TO"))
        bindings -= set() if mail_from and mail_to else {"ALERT_EMAIL"}
    return Watch(webhook, heartbeat, after, mail_from, mail_to, frozenset(bindings), tuple(read.problems))


def read_settings(variable: Callable[[str], object]) -> Settings:
    """Settings from `variable(name)`, which gives a var's or secret's text, or None where there is none.

    Raises ConfigError with every problem at once.
    """
    read = _Reader(variable)
    tenant_id = read.required("AZURE_AD_TENANT_ID", _TENANT_ID, _wrong_tenant)
    client_id = read.required("AZURE_AD_CLIENT_ID", _CLIENT_ID, _wrong_client)
    certificate, secret = read.credentials("AZURE_AD_CLIENT_CERTIFICATE", "AZURE_AD_CLIENT_SECRET")
    settings = Settings(
        tenant_id=tenant_id,
        client_id=client_id,
        client_secret=secret,
        certificate=certificate,
        credential_expires=read.time("CREDENTIAL_EXPIRES"),
        cloud=CLOUDS[read.one_of("AZURE_CLOUD", tuple(CLOUDS), "global")],
        dry_run=read.one_of("DRY_RUN", ("true", "false"), "false") == "true",
        log_level=read.one_of("LOG_LEVEL", LOG_LEVELS, "info"),
        max_subrequests=read.number("MAX_SUBREQUESTS", at_least=FEWEST_SUBREQUESTS) or MOST_SUBREQUESTS,
        max_removals=read.number("MAX_REMOVALS", at_least=0),
        gateway=read.gateway("CLOUDFLARE_ACCOUNT_ID"),
    )
    if settings.client_id and settings.client_id.lower() == settings.tenant_id.lower():
        read.problems.append(f"AZURE_AD_CLIENT_ID is the tenant's ID, too: {_CLIENT_ID}.")
    if read.problems:
        raise ConfigError(read.problems)
    return settings


_ACCOUNT_ID = "set it in wrangler.toml to the id that the Cloudflare dashboard shows for the account, or leave it out to keep no lists"
_LIST_ID = "set it in wrangler.toml to the id of a Zero Trust list of type EMAIL, or leave it out"
_API_TOKEN = "put an account-owned API token with Zero Trust Write with `npx wrangler secret put GATEWAY_API_TOKEN`"
_TENANT_ID = "set it in wrangler.toml to your tenant's ID (Entra admin center > Overview)"
_CLIENT_ID = "set it in wrangler.toml to the Application (client) ID on the app registration's Overview"
_SECRET = "put the client secret's value, which the portal shows once, with `npx wrangler secret put AZURE_AD_CLIENT_SECRET`"


_MAIL = "set it in wrangler.toml to an address that the binding ALERT_EMAIL may send from, or to"
_URL = "put an address that begins with https:// with `npx wrangler secret put`, or leave it out"
_CERTIFICATE = (
    "put the private key (PKCS#8, RSA) and the certificate, both in PEM, with `npx wrangler secret put AZURE_AD_CLIENT_CERTIFICATE`; "
    "`openssl pkcs8 -topk8 -nocrypt` makes PKCS#8 of other keys"
)


def _wrong_tenant(value: str) -> str:
    return "" if GUID.fullmatch(value) or _DOMAIN.fullmatch(value) else "is neither a tenant ID (a GUID) nor a verified domain"


def _wrong_client(value: str) -> str:
    return "" if GUID.fullmatch(value) else "is not a GUID"


def _wrong_account(value: str) -> str:
    return "" if _HEX.fullmatch(value) else "is not 32 hexadecimal digits"


def _wrong_list(value: str) -> str:
    return "" if _HEX.fullmatch(value.replace("-", "")) else "is not the id of a list"


def _wrong_token(value: str) -> str:
    blank = any(character.isspace() for character in value) or not value.isascii() or not value.isprintable()
    quoted = value[0] == value[-1] and value[0] in "\"'`"
    return "holds blanks or characters that no token has" if blank else "stands in quotes, which would be sent along" if quoted else ""


def _wrong_url(value: str) -> str:
    return "" if _HTTPS.fullmatch(value) else "is not an address that begins with https://"


def _wrong_address(value: str) -> str:
    return "" if _ADDRESS.fullmatch(value) else "is not a mail address"


def _wrong_secret(value: str) -> str:
    if GUID.fullmatch(value):
        return "is a GUID, as the Secret ID is, and not the secret"
    if value[0] == value[-1] and value[0] in "\"'`":
        return "stands in quotes, which would be sent along"
    if any(character.isspace() for character in value):
        return "holds blanks or line breaks, as no client secret does"
    return "" if value.isascii() and value.isprintable() else "holds characters that no client secret has"


class _Reader:
    """Reads one variable at a time and remembers what was wrong with it."""

    def __init__(self, variable: Callable[[str], object]) -> None:
        self._variable = variable
        self.problems: list[str] = []

    def _text(self, name: str) -> str:
        """The text, without blanks around it and without what nobody sees; numbers and truths stand for their text, as
        `DRY_RUN = true` does, which arrives as True."""
        value = self._variable(name)
        if value is not None and not isinstance(value, (str, int, float)):
            problem = f"{name} is a binding of another kind and not text: make it a var or a secret of this name."
            self.problems += [problem] if problem not in self.problems else []
            return ""
        return "" if value is None else str(value).translate(_UNSEEN).strip()

    def required(self, name: str, how: str, wrong: Callable[[str], str]) -> str:
        """The text; nothing where it is missing or wrong."""
        known, value = len(self.problems), self._text(name)
        if value.startswith("<") and value.endswith(">"):
            self.problems.append(f"{name} still holds its placeholder: {how}.")
        elif problem := wrong(value) if value else "is missing":
            self.problems[known:] = self.problems[known:] or [f"{name} {problem}: {how}."]
        return value if len(self.problems) == known else ""

    def optional(self, name: str, how: str, wrong: Callable[[str], str]) -> str:
        return self.required(name, how, wrong) if self._text(name) else ""

    def credentials(self, certificate: str, secret: str) -> tuple[Certificate | None, str]:
        """The certificate and the secret in these variables: one of them, or both."""
        pem = self._text(certificate)
        value = "" if pem and not self._text(secret) else self.required(secret, _SECRET, _wrong_secret)
        return self._certificate(certificate, pem) if pem else None, value

    def _certificate(self, name: str, pem: str) -> Certificate | None:
        from certificate import read_certificate  # whoever has a secret does without

        try:
            return read_certificate(pem)
        except ValueError as wrong:
            self.problems.append(f"{name} {wrong}: {_CERTIFICATE}.")
            return None

    def gateway(self, switch: str) -> GatewaySettings | None:
        """The direct lane, which having an account switches on."""
        if not self._text(switch):
            return None
        account = self.required(switch, _ACCOUNT_ID, _wrong_account)
        lists = {level: self.required(name, _LIST_ID, _wrong_list) for level, name in LIST_VARIABLES.items() if self._text(name)}
        alike = [list_id.replace("-", "").lower() for list_id in lists.values()]
        if not lists:
            self.problems.append(f"{', '.join(LIST_VARIABLES.values())} are all missing: {_LIST_ID}; one is enough.")
        if len(set(alike)) < len(alike):
            self.problems.append(f"Two of {', '.join(LIST_VARIABLES.values())} name the same list: {_LIST_ID}.")
        token = self.required("GATEWAY_API_TOKEN", _API_TOKEN, _wrong_token)
        size = self.number("GATEWAY_LIST_SIZE", at_least=1) or 1000
        return GatewaySettings(account, lists, token, size, self.one_of("GATEWAY_ADDRESSES", ("both", "mail", "upn"), "both"))

    def one_of(self, name: str, allowed: tuple[str, ...], default: str) -> str:
        value = self._text(name).lower() or default
        if value in allowed:
            return value
        self.problems.append(f"{name} must be one of {', '.join(allowed)}: correct it in wrangler.toml, or leave it out for {default}.")
        return default

    def time(self, name: str) -> float | None:
        text = self._text(name)
        if not text:
            return None
        from expiry import timestamp  # brings datetime along

        try:
            return timestamp(text)
        except ValueError:
            self.problems.append(f"{name} must be a date, as 2027-11-25: correct it in wrangler.toml, or leave it out.")
            return None

    def number(self, name: str, *, at_least: int) -> int | None:
        value = self._text(name)
        if value.isascii() and value.isdigit() and len(value) < 10 and int(value) >= at_least:
            return int(value)
        if value:
            self.problems.append(f"{name} must be a whole number of at least {at_least}: correct it in wrangler.toml, or leave it out.")
        return None
