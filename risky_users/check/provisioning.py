"""Entra's provisioning to Cloudflare: which application, who is assigned, and how its job fares."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from plan import RISK_LEVELS
from risky_users.check.directory import Provisioning, same_address
from risky_users.check.findings import Finding, State, failed, ok, skipped, warning
from risky_users.check.seen import (
    Entry,
    Seen,
    Unseen,
    at,
    clock_time,
    date,
    entries_at,
    lasting,
    listed,
    number_at,
    text_at,
    time_at,
)
from text import JSON, counted

LINKS = {
    "assignments": "Assignments",
    "scimApplication": "SCIM app",
    "provisioning": "Provisioning",
    "mapping": "Mapping",
    "baseGroup": "Base group",
}
LATE_INTERVALS = 3
"""A job whose last cycle ended more intervals ago has stopped."""

_INTERVAL = re.compile(r"PT(?:(\d+)H)?(?:(\d+)M)?")
_SECRET = "regenerate the SCIM secret at Cloudflare, enter it under Provisioning in Entra, and restart provisioning"
_REASONS = {
    "SystemForCrossDomainIdentityManagementInvalidCredentials": f"Cloudflare refuses its token: {_SECRET}",
    "SystemForCrossDomainIdentityManagementCredentialValidationUnavailable": (
        "Cloudflare's SCIM endpoint does not answer there: check that SCIM is on at Cloudflare, and that the tenant URL in Entra is its "
        "endpoint, then restart provisioning"
    ),
    "SystemForCrossDomainIdentityManagementCredentialValidationFailure": f"Cloudflare's answer is not what Entra expects: {_SECRET}",
    "TooManyDeletes": "more deletions were due than its threshold allows: see what they are, then allow or reject them under Provisioning",
    "SchemaError": "its mapping is unusable: reset it under Provisioning > Mappings, then restart provisioning",
}
"""What to do about codes of errors that are known (https://learn.microsoft.com/graph/api/resources/synchronization-quarantinestatus)."""


def provisioning(seen: Provisioning, provider: Seen[Entry | None], now: float, *, lists: bool) -> Iterator[Finding]:
    """All links from the groups to Cloudflare's door; with the direct lane (`lists`) they may be left out altogether."""
    assigned = seen.assigned
    if isinstance(assigned, Unseen):
        yield from skipped(LINKS, assigned.why)
        return
    yield _assignments(assigned, seen, lists=lists)
    if not seen.application:
        yield from skipped([*LINKS][1:], "not checked: the groups must be assigned to an application that provisions first.")
        return
    jobs = seen.jobs
    application = _application(seen, jobs, provider)
    yield application
    if isinstance(jobs, Unseen):
        yield from skipped(["provisioning", "mapping"], jobs.why)
    elif not jobs:
        yield from skipped(["provisioning", "mapping"], "not checked: the application must have its provisioning set up first.")
    else:
        job = _job(jobs[0], seen.failures, now)
        hangs_on_it = application.state is State.FAILED and not at(jobs[0], "status", "quarantine")
        yield replace(job, state=State.SKIPPED, message="not checked: the application must be right first.") if hangs_on_it else job
        yield _mapping(seen.schema)
    yield _base_group(seen, assigned, provider)


def has_run(seen: Provisioning) -> bool:
    """Whether a cycle was good."""
    return not isinstance(seen.jobs, Unseen) and any(time_at(each, "status", "lastSuccessfulExecution", "timeEnded") for each in seen.jobs)


def _assignments(assigned: Mapping[str, frozenset[str]], seen: Provisioning, *, lists: bool) -> Finding:
    check = "assignments"
    if not any(assigned.values()):
        broken = warning if lists else failed
        where = f" ({listed(seen.candidates)} may be it)" if seen.candidates else ""
        remedy = (
            f"assign the three and a base group to the application that provisions to Cloudflare{where}, or run `risky-users setup scim`"
        )
        return broken(check, f"no group is assigned to any application, so none goes to Cloudflare: {remedy}.")
    chosen = text_at(seen.application, "id").lower()
    missing = [level for level in RISK_LEVELS if level in assigned and chosen not in assigned[level]]
    if missing:
        groups = "group" if len(missing) == 1 else "groups"
        return failed(
            check,
            f"the {groups} of {listed(missing)} risk {'is' if len(missing) == 1 else 'are'} not assigned: assign under Users and groups.",
        )
    return ok(check, f"{counted(len(assigned), 'group')} to {text_at(seen.application, 'displayName')}.")


def _application(seen: Provisioning, jobs: Seen[Sequence[Entry]], provider: Seen[Entry | None]) -> Finding:
    check, name = "scimApplication", text_at(seen.application, "displayName")
    if isinstance(jobs, Unseen):
        return skipped([check], jobs.why)[0]
    if at(seen.application, "accountEnabled") is False:
        return failed(check, f"{name} is disabled: enable it under Properties.")
    if not jobs and not text_at(seen.application, "applicationTemplateId"):
        remedy = "make one from the gallery's “Create your own application” (`risky-users setup scim`) and assign the groups to that"
        return failed(check, f"{name} came from an app registration, and such an application cannot provision: {remedy}.")
    if not jobs:
        return failed(check, f"{name} has no provisioning: set it up under Provisioning, or run `risky-users setup scim`.")
    secrets = {} if isinstance(seen.secrets, Unseen) else seen.secrets
    address, endpoint = (
        secrets.get("BaseAddress", ""),
        "" if isinstance(provider, Unseen) else text_at(provider, "scim_config", "scim_base_url"),
    )
    if not isinstance(seen.secrets, Unseen) and not (address and secrets.get("SecretToken")):
        return failed(check, f"{name} has no tenant URL or no secret token: enter both under Provisioning.")
    if address and endpoint.startswith("https://") and not same_address(address, endpoint):
        return failed(check, f"{name} provisions to {address}, and Cloudflare's SCIM endpoint is {endpoint}: correct the tenant URL.")
    if len(jobs) > 1 or seen.others:
        others = listed([f"{name} has {len(jobs)} jobs"] * (len(jobs) > 1) + [f"{each} provisions groups too" for each in seen.others])
        return warning(check, f"{others}; two that write to one endpoint undo one another's work: keep one.")
    return ok(check, f"{name}{', to Cloudflare' if address and same_address(address, endpoint) else ''}.")


def _job(job: Entry, failures: Seen[Sequence[Entry]], now: float) -> Finding:
    """How it fares, the worst first: a job in quarantine runs once a day and isolation no longer follows risk."""
    check, state, last = "provisioning", text_at(job, "schedule", "state"), at(job, "status", "lastExecution")
    if at(job, "status", "quarantine") or text_at(job, "status", "code") == "Quarantine":
        return failed(check, _quarantine(job))
    ran = time_at(last, "timeEnded")
    if state != "Active":
        how = "paused" if ran or state == "Paused" else "not started"
        return failed(check, f"it is {how}, so no change reaches Cloudflare: start it under Provisioning.")
    if text_at(last, "state") == "Failed":
        return failed(check, f"the last cycle failed. {_why(at(last, 'error'))}.")
    if not ran:
        return warning(check, "its first cycle has not ended yet, which takes 20 minutes to hours. Then check again.")
    interval = _seconds(text_at(job, "schedule", "interval"))
    if now - ran > LATE_INTERVALS * interval:
        return failed(
            check, f"the last cycle ended {lasting(now - ran)} ago, and one is due every {lasting(interval)}: restart provisioning."
        )
    if number_at(last, "countEscrowed") or text_at(last, "state") == "EntryLevelErrors":
        return warning(check, f"the last cycle ended at {clock_time(ran)}, and {_not_provisioned(last, failures)}: see Provisioning logs.")
    counts = {text_at(each, "key"): number_at(each, "value") for each in entries_at(job, "status", "synchronizedEntryCountByType")}
    carries = f"; {counted(counts.get('Group', 0), 'group')} and {counted(counts.get('User', 0), 'user')} in step" if counts else ""
    return ok(check, f"the last cycle ended well {lasting(now - ran)} ago, the next is due after {lasting(interval)}{carries}.")


def _not_provisioned(last: JSON, failures: Seen[Sequence[Entry]]) -> str:
    """How many entries were not, and with which codes, by the log; whom they stand for is not told."""
    logged = () if isinstance(failures, Unseen) else failures
    codes = {text_at(each, "provisioningStatusInfo", "errorInformation", "errorCode") for each in logged} - {""}
    count = number_at(last, "countEscrowed")
    return f"{'one entry was' if count == 1 else f'{count} entries were'} not provisioned{f' ({listed(sorted(codes))})' if codes else ''}"


def _quarantine(job: Entry) -> str:
    quarantine = at(job, "status", "quarantine")
    began, again = time_at(quarantine, "seriesBegan") or time_at(quarantine, "currentBegan"), time_at(quarantine, "nextAttempt")
    since = f" since {date(began)}, {clock_time(began)}" if began else ""
    later = f"; the next attempt is on {date(again)}, {clock_time(again)}" if again else ""
    error = at(quarantine, "error")
    why = _why(
        error if text_at(error, "code") in _REASONS else {"code": text_at(quarantine, "reason"), "message": text_at(error, "message")}
    )
    return f"in quarantine{since}, so that isolation does not follow risk any more{later}. {why}."


def _why(error: JSON) -> str:
    """What went wrong, and what to do about it."""
    code, message = text_at(error, "code"), text_at(error, "message").rstrip(".")
    if code in _REASONS:
        return f"{_REASONS[code][0].upper()}{_REASONS[code][1:]} ({code})"
    return f"Entra says {code or 'nothing'}{f', “{message}”' if message else ''}: look at the provisioning log, then restart provisioning"


def _seconds(interval: str) -> float:
    """An ISO 8601 duration of hours and minutes; 40 minutes where it is something else."""
    match = _INTERVAL.fullmatch(interval)
    return (int(match[1] or 0) * 3600.0 + int(match[2] or 0) * 60.0 if match else 0.0) or 2400.0


def _mapping(schema: Seen[Entry]) -> Finding:
    """What must be as it was made: a name for users that Cloudflare knows them by, and groups with their members."""
    check = "mapping"
    if isinstance(schema, Unseen):
        return skipped([check], schema.why)[0]
    mappings = {
        text_at(each, "sourceObjectName"): each
        for rule in entries_at(schema, "synchronizationRules")
        for each in entries_at(rule, "objectMappings")
    }
    for kind in ("User", "Group"):
        if kind not in mappings or at(mappings[kind], "enabled") is False:
            return failed(check, f"{kind.lower()}s are not provisioned: enable them under Provisioning > Mappings.")
    users, groups = _sources(mappings["User"]), _sources(mappings["Group"])
    absent = [name for name in ("displayName", "members") if name not in groups] + [name for name in ("userName",) if name not in users]
    if absent:
        return failed(check, f"{listed(absent)} is not mapped: reset the mapping under Provisioning > Mappings, and restart provisioning.")
    if groups["displayName"] != "[displayName]":
        return failed(
            check, f"a group's displayName is made from {groups['displayName']}, so that rules by name do not match: map displayName."
        )
    address = users.get(_EMAIL, "")
    if users["userName"] not in _ADDRESSES or address not in _ADDRESSES:
        wrong = f"userName is made from {users['userName']}, and {_EMAIL} from {address or 'nothing'}"
        return warning(check, f"{wrong}: both must be the address by which Cloudflare knows the user.")
    if groups.get("externalId") != "[objectId]":
        return warning(check, "a group's externalId is not its objectId, so the check cannot see groups arrive: map objectId.")
    return ok(check, f"userName from {users['userName'].strip('[]')}, e-mail from {address.strip('[]')}; groups with their members.")


_EMAIL = 'emails[type eq "work"].value'
_ADDRESSES = ("[userPrincipalName]", "[mail]")


def _sources(mapping: Entry) -> dict[str, str]:
    """From what each attribute is made, as an expression."""
    return {
        text_at(each, "targetAttributeName"): text_at(each, "source", "expression") for each in entries_at(mapping, "attributeMappings")
    }


def _base_group(seen: Provisioning, assigned: Mapping[str, frozenset[str]], provider: Seen[Entry | None]) -> Finding:
    """Whether who is released stays in scope: else Entra tells Cloudflare to deactivate them (docs/setup.md, "Assign the groups")."""
    check, everybody = "baseGroup", seen.everybody
    if isinstance(everybody, Unseen):
        return skipped([check], everybody.why)[0]
    settings = {} if isinstance(seen.secrets, Unseen) else seen.secrets
    if settings.get("SyncAll", "").lower() == "true":
        return warning(
            check, "not needed, for all users and groups of the tenant are provisioned: “assigned users and groups only” is less."
        )
    others = [text_at(each, "principalDisplayName") for each in everybody if text_at(each, "principalId").lower() not in seen.group_ids]
    if others:
        return ok(
            check,
            f"{listed(sorted(others)[:3])}{' and others' if len(others) > 3 else ''}: whoever uses Cloudflare One has to be in there.",
        )
    if settings.get("SkipOutOfScopeDeletions", "").lower() == "true":
        return ok(check, "none, and not needed: who leaves the scope is not deactivated (SkipOutOfScopeDeletions).")
    deprovisions = None if isinstance(provider, Unseen) else at(provider, "scim_config", "user_deprovision") is True
    remedy = "assign a group of all who use Cloudflare One as well"
    if deprovisions is False:
        return warning(check, f"none: harmless while user deprovisioning is off at Cloudflare, but better {remedy}.")
    whom = "whoever is released from isolation is deactivated at Cloudflare and logged out"
    if deprovisions:
        return failed(
            check, f"none, and user deprovisioning is on at Cloudflare, so that {whom}: {remedy}, or switch user deprovisioning off."
        )
    return warning(check, f"none: if user deprovisioning is on at Cloudflare, {whom}; {remedy}.")
