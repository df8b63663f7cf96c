"""The Worker as it is deployed: whether it is there, with what it needs, on its clock, and how its last minutes ended."""

from collections.abc import Iterator
from dataclasses import dataclass

from risky_users.check.account import Worker
from risky_users.check.findings import Finding, failed, ok, skipped, warning
from risky_users.check.seen import HOUR, MINUTE, Unseen, at, clock_time, entries_at, lasting, listed, text_at, time_at
from settings import Settings
from text import counted

LINKS = {"worker": "Worker", "cron": "Cron", "runs": "Last runs"}
EVERY_MINUTE = frozenset({"* * * * *", "*/1 * * * *"})
SPREADING_SECONDS = 15 * MINUTE
"""How long a new cron trigger takes at most to reach everywhere (https://developers.cloudflare.com/workers/configuration/cron-triggers/)."""
LATE_SECONDS = 15 * MINUTE
"""A Worker without a run for so long has stopped; runs appear some minutes late."""

_SECRETS = ("AZURE_AD_CLIENT_SECRET", "AZURE_AD_CLIENT_CERTIFICATE")
_PUT = "put it with `npx wrangler secret put {}`"


@dataclass(frozen=True, slots=True)
class Deployed:
    """What wrangler's file says of the deployment: the Worker's name, and the variables that are no secrets."""

    name: str
    variables: dict[str, str]


def deployment(worker: Worker, file: Deployed, settings: Settings, now: float) -> Iterator[Finding]:
    """The Worker, its cron trigger and its last runs."""
    if isinstance(worker.settings, Unseen):
        if not worker.settings.gone:
            yield from skipped(LINKS, worker.settings.why)
            return
        there = [] if isinstance(worker.names, Unseen) else worker.names
        others = f"; there are {listed(there)}" if there else ""
        yield failed("worker", f"no Worker {file.name} is deployed in this account{others}: deploy it with `npx wrangler deploy`.")
        yield from skipped(["cron", "runs"], "not checked: the Worker must be deployed first.")
        return
    yield _bindings(worker.settings, file, settings)
    cron = _cron(worker)
    yield cron
    yield _runs(worker, now)


def _bindings(deployed: dict[str, object] | object, file: Deployed, settings: Settings) -> Finding:
    bindings = entries_at(deployed, "bindings")  # type: ignore[arg-type]
    secrets = {text_at(each, "name") for each in bindings if each.get("type") == "secret_text"}
    plain = {text_at(each, "name"): text_at(each, "text") for each in bindings if each.get("type") == "plain_text"}
    return ok("worker", "")
