"""What an account holds: lists, rules, providers, people, tokens, Workers. The truth; times in epoch seconds."""

from dataclasses import dataclass, field, replace
from typing import Literal, TypeAlias

from simulator.cloudflare.deployed import Worker
from simulator.cloudflare.provisioned import IdentityProvider
from simulator.cloudflare.timeline import Timeline
from simulator.messages import JSON

LIST_TYPES = ("SERIAL", "URL", "DOMAIN", "EMAIL", "IP", "CATEGORY", "LOCATION", "DEVICE", "AAGUID")
MOST_LISTS = 100
STANDARD_SIZE, ENTERPRISE_SIZE = 1000, 5000
"""Entries of a list (https://developers.cloudflare.com/cloudflare-one/account-limits/)."""

TokenKind: TypeAlias = Literal["user", "account"]


@dataclass(frozen=True, slots=True)
class Item:
    """An entry of a list."""

    value: str
    created: float
    description: str | None = None


@dataclass(slots=True)
class Contents:
    """What is in a list, in the order of insertion, and when that changed last."""

    items: dict[str, Item]
    updated: float

    def copy(self) -> "Contents":
        """One that further changes leave alone."""
        return Contents(dict(self.items), self.updated)


class GatewayList:
    """A Zero Trust list. Its items go by their value, or by its letters where case does not count."""

    def __init__(self, list_id: str, name: str, kind: str, description: str, now: float) -> None:
        self.id, self.name, self.type, self.description, self.created = list_id, name, kind, description, now
        self.deleted: float | None = None
        self.contents = Timeline(Contents({}, now), Contents.copy)

    @property
    def values(self) -> list[str]:
        """The stored values."""
        return [item.value for item in self.contents.value.items.values()]

    @property
    def updated(self) -> float:
        """When it changed last."""
        return self.contents.value.updated

    def touch(self, now: float) -> None:
        """Change its date."""
        self.contents.keep(now)
        self.contents.value.updated = now

    def stood(self, time: float) -> bool:
        """Whether it existed then."""
        return self.created <= time and (self.deleted is None or self.deleted > time)


@dataclass(frozen=True, slots=True)
class Rule:
    """A Gateway rule."""

    id: str
    name: str
    action: str
    enabled: bool
    filters: tuple[str, ...]
    precedence: int
    created: float
    updated: float
    description: str = ""
    traffic: str = ""
    identity: str = ""
    device_posture: str = ""
    settings: dict[str, JSON] = field(default_factory=dict)
    version: int = 1
    warning: str | None = None
    read_only: bool = False
    """Whether another account shares it, which alone may change it."""


@dataclass(slots=True)
class Token:
    """An API token. Those of one user share `owner`, and with it their quota; an account's stands for itself."""

    id: str
    value: str
    name: str
    kind: TokenKind
    permissions: set[str]
    created: float
    owner: str
    expires: float | None = None
    not_before: float | None = None
    disabled: bool = False
    lists: set[str] | None = None
    """The only lists it may see, by id; None: all. What granular permissions of a principal do to a listing."""

    def status(self, now: float) -> Literal["active", "disabled", "expired"]:
        """As verify has it."""
        if self.disabled:
            return "disabled"
        return "expired" if self.expires is not None and self.expires <= now else "active"


@dataclass(slots=True)
class Person:
    """Somebody in the user registry, with the identity Cloudflare holds: what Gateway compares with its rules.

    `groups` are names, which come by SCIM; `group_ids` the object ids of the last login. Without `enrolled` no client
    is registered, and Gateway sees nothing of what they browse.
    """

    id: str
    email: str
    name: str
    created: float
    enrolled: bool = False
    groups: tuple[str, ...] = ()
    group_ids: tuple[str, ...] = ()
    posture: tuple[str, ...] = ()
    """Ids of the posture checks passed."""
    last_login: float | None = None
    identity_updated: float | None = None
    seats: bool = False


@dataclass(frozen=True, slots=True)
class ListWrite:
    """One change of a list: a value appended or removed."""

    list_id: str
    kind: Literal["append", "remove"]
    value: str


class State:
    """Everything by its id, Workers by name."""

    def __init__(self, account_id: str, now: float) -> None:
        self.id, self.name, self.created = account_id, "Contoso", now
        self.enterprise = False
        self.browser_isolation = True
        """Whether the account has bought the add-on."""
        self.lists: dict[str, GatewayList] = {}
        self.rules: Timeline[dict[str, Rule]] = Timeline({}, dict)
        self.settings: Timeline[dict[str, JSON]] = Timeline({}, dict)
        self.settings_updated = now
        self.providers: dict[str, IdentityProvider] = {}
        self.people: dict[str, Person] = {}
        self.tokens: dict[str, Token] = {}
        self.workers: dict[str, Worker] = {}

    @property
    def list_size(self) -> int:
        """How many entries a list holds."""
        return ENTERPRISE_SIZE if self.enterprise else STANDARD_SIZE

    def standing_lists(self) -> list[GatewayList]:
        """Those that are not deleted."""
        return [each for each in self.lists.values() if each.deleted is None]

    def list_named_in_rule(self, list_id: str) -> GatewayList | None:
        """The list of an id with or without dashes."""
        plain = list_id.replace("-", "")
        return next((each for each in self.standing_lists() if each.id.replace("-", "") == plain), None)

    def put_rule(self, rule: Rule, now: float) -> None:
        """Add a rule, or put it in the place of the one with its id."""
        self.rules.keep(now)
        self.rules.value[rule.id] = rule

    def drop_rule(self, rule_id: str, now: float) -> None:
        """Delete a rule."""
        self.rules.keep(now)
        del self.rules.value[rule_id]

    def set_settings(self, settings: dict[str, JSON], now: float) -> None:
        """Replace the Gateway configuration."""
        self.settings.keep(now)
        self.settings.value = settings
        self.settings_updated = now


def edited(rule: Rule, now: float, **changes: object) -> Rule:
    """The next version of a rule."""
    return replace(rule, updated=now, version=rule.version + 1, **changes)  # type: ignore[arg-type]  # the callers know the fields
