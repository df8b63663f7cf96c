"""The troubles of an account to choose from."""

from collections.abc import Callable, Mapping

from simulator.cloudflare.account import Account
from simulator.cloudflare.faults import Ineffective
from simulator.faults import Fault
from simulator.presets import Preset

_LISTS = "/accounts/*/gateway/lists*"


def _set(name: str, value: object) -> Callable[[Account], None]:
    return lambda account: setattr(account.behaviour, name, value)


def _disable(account: Account) -> None:
    account.token.disabled = True


def _enable(account: Account) -> None:
    account.token.disabled = False


def _pause(account: Account) -> None:
    for job in account.jobs:
        job.paused = True


def _resume(account: Account) -> None:
    for job in account.jobs:
        job.paused = False


PRESETS: Mapping[str, Preset[Account]] = {
    "throttling": Preset(
        "Throttling", "Every other request about lists is answered 429.", lambda: [Fault("status", path=_LISTS, status=429, every=2)]
    ),
    "outage": Preset("An outage", "The API answers everything with an HTML page, 502.", lambda: [Fault("status", status=502)]),
    "slow answers": Preset("Slow answers", "Each answer takes 20 seconds.", lambda: [Fault("slow", delay=20.0)]),
    "lost answers": Preset(
        "Lost answers", "Every other answer to a write is lost, the work done.", lambda: [Fault("drop after", "PATCH", _LISTS, every=2)]
    ),
    "lagging lists": Preset(
        "Lagging lists", "Reads of lists are up to 45 seconds old.", begin=_set("list_lag", 45.0), end=_set("list_lag", 0.0)
    ),
    "empty promises": Preset("Empty promises", "Changes of lists are answered as done, and are not.", lambda: [Ineffective()]),
    "dead token": Preset("A dead token", "The Worker's token is disabled.", begin=_disable, end=_enable),
    "passing refusals": Preset(
        "Passing refusals",
        "Every third request is refused although the token is good.",
        lambda: [Fault("status", status=403, code="10000", message="Authentication error", every=3)],
    ),
    "provisioning stopped": Preset("Provisioning stopped", "Entra provisions nothing to Cloudflare.", begin=_pause, end=_resume),
}
