"""The Worker as it is deployed: whether it is there, with what it needs, on its clock, and how its last minutes ended."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from risky_users.admin.wrangler import as_text, variables_of
from risky_users.check.account import Worker
from risky_users.check.findings import Finding, failed, ok, skipped, warning
from risky_users.check.seen import MINUTE, Entry, Seen, Unseen, clock_time, entries_at, lasting, listed, text_at, time_at
from settings import LIST_VARIABLES, Settings
from text import counted

LINKS = {"worker": "Worker", "cron": "Cron", "runs": "Last runs"}
WORKER = "risky-users"
"""Its name where no file tells another."""
EVERY_MINUTE = frozenset({"* * * * *", "*/1 * * * *"})
SPREADING_SECONDS = 15 * MINUTE
"""How long a new cron trigger takes at most to reach everywhere (https://developers.cloudflare.com/workers/configuration/cron-triggers/)."""
LATE_SECONDS = 15 * MINUTE
"""A Worker without a run for so long has stopped: runs are shown some minutes late."""

_DECISIVE = {"AZURE_AD_TENANT_ID", "AZURE_AD_CLIENT_ID", "AZURE_CLOUD", "DRY_RUN", "CLOUDFLARE_ACCOUNT_ID", *LIST_VARIABLES.values()}
"""Vars with another value of which the Worker isolates others than is checked, or nobody."""
_DEFAULTS = {"DRY_RUN": "false", "AZURE_CLOUD": "global"}
_SECRET, _CERTIFICATE = "AZURE_AD_CLIENT_SECRET", "AZURE_AD_CLIENT_CERTIFICATE"


@dataclass(frozen=True, slots=True)
class Wrangler:
    """What wrangler's file says: the Worker's name, its account where that is told, and its vars."""

    name: str
    account_id: str
    vars: Mapping[str, object]
    there: bool
    """Whether there is such a file at all: whoever runs `risky-users sync` on another host may have none."""

    @classmethod
    def of(cls, said: Mapping[str, object]) -> "Wrangler":
        """What matters of the file."""
        values = said.get("vars")
        name, account_id = str(said.get("name") or WORKER), str(said.get("account_id") or "")
        return cls(name, account_id, values if isinstance(values, dict) else {}, bool(said))


def deployment(worker: Worker, file: Wrangler, settings: Settings, now: float) -> Iterator[Finding]:
    """The Worker, its cron trigger and its last runs."""
    deployed = worker.settings
    if not isinstance(deployed, Unseen):
        yield _worker(deployed, file, settings)
        yield _cron(worker.schedules)
        yield _runs(worker, now)
    elif deployed.gone:
        names = [] if isinstance(worker.names, Unseen) else worker.names
        others = f"; there {'is' if len(names) == 1 else 'are'} {listed(names)}" if names else ""
        missing = f"no Worker {file.name} is deployed in this account{others}"
        if file.there:
            yield failed("worker", f"{missing}: deploy it with `npx wrangler deploy`, or correct its name in wrangler.toml.")
        else:
            yield warning("worker", f"{missing}, and there is no wrangler.toml here: right where `risky-users sync` runs instead of it.")
        yield from skipped(["cron", "runs"], "not checked: the Worker must be deployed first.")
    else:
        yield from skipped(LINKS, deployed.why)


def _worker(deployed: Entry, file: Wrangler, settings: Settings) -> Finding:
    bindings = entries_at(deployed, "bindings")
    secrets = {text_at(each, "name") for each in bindings if each.get("type") == "secret_text"}
    plain = variables_of(bindings)
    missing = [] if secrets & {_SECRET, _CERTIFICATE} else [_SECRET]
    missing += ["GATEWAY_API_TOKEN"] if settings.gateway and "GATEWAY_API_TOKEN" not in secrets else []
    if exposed := sorted(plain.keys() & {_SECRET, _CERTIFICATE, "GATEWAY_API_TOKEN"}):
        remedy = "take it out of [vars], renew it, put the new one with `npx wrangler secret put` and deploy"
        return failed("worker", f"{listed(exposed)} is a var, which everybody can read who may see the Worker: {remedy}.")
    if missing:
        commands = listed([f"`npx wrangler secret put {name}`" for name in missing])
        return failed("worker", f"{file.name} is deployed without {listed(missing)}: put what is missing with {commands}.")
    local = {name: text for name, value in file.vars.items() if not (text := as_text(value)).startswith("<")}
    others = sorted(name for name in (local.keys() | plain.keys()) - secrets if local.get(name) != plain.get(name))
    if local and (wrong := [name for name in others if _decides(name, local, plain)]):
        remedy = "deploy it with `npx wrangler deploy`, or take the file's values from what is deployed"
        told = f"{file.name} runs with other values of {listed(wrong)} than wrangler's file has, which are checked here"
        return failed("worker", f"{told}: {remedy}.")
    if local and others:
        return warning(
            "worker", f"{file.name} is deployed with other values of {listed(others)} than wrangler's file has: deploy it again."
        )
    return ok("worker", f"{file.name} is deployed, with {listed(sorted(secrets))} as {'a secret' if len(secrets) == 1 else 'secrets'}.")


def _decides(name: str, local: Mapping[str, str], plain: Mapping[str, str]) -> bool:
    """Whether it makes a difference. The Worker knows no case in ids and words, and takes ids with dashes and without."""
    mine, deployed = (each.get(name, "").lower().replace("-", "") or _DEFAULTS.get(name, "") for each in (local, plain))
    return name in _DECISIVE and mine != deployed and (name != "DRY_RUN" or deployed == "true")


def _cron(schedules: Seen[Entry]) -> Finding:
    if isinstance(schedules, Unseen):
        return skipped(["cron"], schedules.why)[0]
    crons = [text_at(each, "cron") for each in entries_at(schedules, "schedules")]
    if EVERY_MINUTE.intersection(crons):
        return ok("cron", "every minute.")
    remedy = 'have crons = ["* * * * *"] below [triggers] in wrangler.toml, and deploy'
    if not crons:
        return failed("cron", f"the Worker has no cron trigger, so it never runs: {remedy}.")
    return warning("cron", f"it runs by {listed(crons)}, and not every minute: {remedy}.")


def _runs(worker: Worker, now: float) -> Finding:
    if isinstance(worker.runs, Unseen):
        return skipped(["runs"], worker.runs.why)[0]
    runs = [(time, text_at(run, "status")) for run in worker.runs if (time := time_at(run, "datetime")) is not None]
    if not runs:
        return _without_runs(worker, now)
    (latest, status), bad = max(runs), [status for _, status in runs if status != "success"]
    look = "`npx wrangler tail --format pretty` shows why"
    if status != "success":
        return failed("runs", f"the last, at {clock_time(latest)}, failed ({status}), as did {len(bad)} of {len(runs)} in an hour: {look}.")
    if now - latest > LATE_SECONDS:
        return failed(
            "runs", f"the last was {lasting(now - latest)} ago: look at the Worker's cron trigger, and at Cloudflare's status page."
        )
    if bad:
        return warning(
            "runs", f"{len(bad)} of {len(runs)} in the last hour failed ({listed(sorted(set(bad)))}), the last one did not: {look}."
        )
    return ok("runs", f"{counted(len(runs), 'run')} in the last hour, all good; the last at {clock_time(latest)}.")


def _without_runs(worker: Worker, now: float) -> Finding:
    schedules = [] if isinstance(worker.schedules, Unseen) else entries_at(worker.schedules, "schedules")
    since = max((time for each in schedules if (time := time_at(each, "modified_on"))), default=0.0)
    if now - since < SPREADING_SECONDS:
        return warning("runs", "none yet: a new cron trigger takes up to 15 minutes to reach everywhere. Then check again.")
    return failed("runs", "none in the last hour: look at the cron trigger, and at the Worker's past cron events in the dashboard.")
