"""The troubles of a tenant to choose from."""

from collections.abc import Mapping

from simulator.entra.tenant import Tenant
from simulator.faults import Fault
from simulator.presets import Preset

_TAKEN_AWAY = "GroupMember.ReadWrite.All"
ENDS_IN_DAYS = 20


def _lag(tenant: Tenant) -> None:
    behaviour = tenant.behaviour
    behaviour.lookup_lag, behaviour.member_lag, behaviour.young_seconds = 90.0, 45.0, 30.0


def _catch_up(tenant: Tenant) -> None:
    behaviour = tenant.behaviour
    behaviour.lookup_lag = behaviour.member_lag = behaviour.young_seconds = 0.0


def _take_away(tenant: Tenant) -> None:
    tenant.app.permissions.discard(_TAKEN_AWAY)
    tenant.tokens.issued.clear()


def _grant(tenant: Tenant) -> None:
    tenant.app.permissions.add(_TAKEN_AWAY)
    tenant.tokens.issued.clear()


def _end_soon(tenant: Tenant) -> None:
    for secret in tenant.app.secrets:
        secret.expires = tenant.clock() + ENDS_IN_DAYS * 86_400


PRESETS: Mapping[str, Preset[Tenant]] = {
    "throttling": Preset(
        "Throttling",
        "Every other read of the risky users and every other write of members is answered 429.",
        lambda: [
            Fault("status", "GET", "/identityProtection/*", 429, "TooManyRequests", "Too many requests.", every=2),
            Fault("status", "PATCH", "/groups/*", 429, "TooManyRequests", "Please retry again later.", {"Retry-After": "2.128"}, every=2),
        ],
    ),
    "outage": Preset("An outage", "Graph answers 503 to everything.", lambda: [Fault("status", path="/$batch")]),
    "lost answers": Preset(
        "Lost answers",
        "Every third answer of Graph is lost on its way, the work done.",
        lambda: [Fault("drop after", path="/$batch", every=3)],
    ),
    "lagging directory": Preset(
        "A lagging directory", "Reads lag behind writes, and new groups are not known everywhere yet.", begin=_lag, end=_catch_up
    ),
    "expired secret": Preset(
        "An expired secret",
        "The app's client secret has expired.",
        begin=lambda tenant: tenant.expire_secrets(),
        end=lambda tenant: tenant.renew_secrets(),
    ),
    "ending secret": Preset(
        "A secret that ends soon",
        f"The app's client secret ends in {ENDS_IN_DAYS} days, as a new isolate of the Worker finds at once.",
        begin=_end_soon,
        end=lambda tenant: tenant.renew_secrets(),
    ),
    "missing permission": Preset("A missing permission", f"The app has lost {_TAKEN_AWAY}.", begin=_take_away, end=_grant),
    "no licence": Preset(
        "No licence",
        "The tenant has no Entra ID P2.",
        begin=lambda tenant: setattr(tenant, "premium", False),
        end=lambda tenant: setattr(tenant, "premium", True),
    ),
}
