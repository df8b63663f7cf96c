"""What an administrator sees in Entra: the Worker's registration, the application that provisions to Cloudflare, and its job."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from risky_users.admin.entra import Graph
from risky_users.check.seen import UNASKED, Entry, Seen, Unseen, entries_at, look, number_at, text_at
from text import GUID, percent_encode

NON_GALLERY = "8adf8e6e-67b2-4cf2-a259-e3dc5476c621"
"""The template of an application that is in no gallery (https://learn.microsoft.com/graph/api/applicationtemplate-instantiate)."""
MOST_LOGGED = 100
QUOTE = "'"


@dataclass(slots=True)
class Provisioning:
    """The application that provisions to Cloudflare, as far as one is found, and what there is of its kind."""

    group_ids: frozenset[str] = frozenset()
    """The three groups, as far as they are known."""
    assigned: Seen[Mapping[str, frozenset[str]]] = UNASKED
    """To which applications each group is assigned, by risk level."""
    application: Entry | None = None
    """Its service principal, with its `id`."""
    others: tuple[str, ...] = ()
    """Names of further applications that provision some of the groups."""
    candidates: tuple[str, ...] = ()
    """Names of applications that could, to which no group is assigned."""
    everybody: Seen[Sequence[Entry]] = UNASKED
    """All assignments to it."""
    jobs: Seen[Sequence[Entry]] = UNASKED
    secrets: Seen[Mapping[str, str]] = UNASKED
    """Its settings, secrets among them as a star."""
    schema: Seen[Entry] = UNASKED
    failures: Seen[Sequence[Entry]] = UNASKED
    """What the log has of entries that were not provisioned."""


def read_registration(graph: Seen[Graph], client_id: str) -> Seen[Entry]:
    """The Worker's app registration, with its secrets' dates."""
    if isinstance(graph, Unseen):
        return graph
    return look(graph.get, f"/applications(appId='{client_id}')", select="id,displayName,passwordCredentials,keyCredentials")


def read_provisioning(graph: Seen[Graph], groups: Mapping[str, str], endpoint: str) -> Provisioning:
    """What provisions these groups, given by level with their ids; `endpoint` is Cloudflare's SCIM address, empty if not known."""
    if isinstance(graph, Unseen):
        return Provisioning(assigned=graph)
    if not groups:
        return Provisioning(assigned=Unseen("not checked: the groups must be known first."))
    grants = {level: look(graph.all, f"/groups/{group}/appRoleAssignments") for level, group in groups.items()}
    assigned: dict[str, frozenset[str]] = {}
    for level, each in grants.items():
        if isinstance(each, Unseen):
            return Provisioning(assigned=each)
        assigned[level] = frozenset(one for grant in each if GUID.fullmatch(one := text_at(grant, "resourceId").lower()))
    seen = Provisioning(frozenset(groups.values()), assigned)
    principals = {one: look(graph.get, f"/servicePrincipals/{one}") for one in sorted(frozenset().union(*assigned.values()))}
    there = [_candidate(graph, one, each) for one, each in principals.items() if not isinstance(each, Unseen)]
    found = sorted(there, key=lambda each: each.rank(assigned, endpoint))
    hidden = next((each for each in principals.values() if isinstance(each, Unseen) and not each.gone), None)
    if found and (found[0].jobs or not hidden):
        _read_further(graph, seen, found)
    elif hidden:
        seen.assigned = hidden  # for to which of the applications is what is not known
    else:
        unassigned = look(graph.all, "/servicePrincipals", filter=f"applicationTemplateId eq '{NON_GALLERY}'")
        seen.candidates = () if isinstance(unassigned, Unseen) else tuple(text_at(each, "displayName") for each in unassigned)
    return seen


@dataclass(frozen=True, slots=True)
class _Candidate:
    """An application that groups are assigned to."""

    id: str
    principal: Entry
    jobs: Seen[Sequence[Entry]]
    secrets: Seen[Mapping[str, str]]

    def rank(self, assigned: Mapping[str, frozenset[str]], endpoint: str) -> tuple[bool, bool, int]:
        """The likelier it is that this one provisions to the endpoint, the less: by its address, by a job, by how many groups it has."""
        there = not isinstance(self.secrets, Unseen) and same_address(self.secrets.get("BaseAddress", ""), endpoint)
        has = sum(self.id in each for each in assigned.values())
        return not self.jobs, not there, -has


def _candidate(graph: Graph, principal_id: str, principal: Entry) -> _Candidate:
    path = f"/servicePrincipals/{principal_id}/synchronization"
    jobs = look(graph.all, f"{path}/jobs")
    if isinstance(jobs, Unseen) and jobs.gone:  # as an application without any may be answered
        jobs = []
    return _Candidate(principal_id, principal, jobs, look(_pairs, graph, f"{path}/secrets") if jobs else UNASKED)


def _read_further(graph: Graph, seen: Provisioning, found: Sequence[_Candidate]) -> None:
    """What there is of the application that comes first."""
    chosen, *others = found
    seen.application, seen.jobs, seen.secrets = {**chosen.principal, "id": chosen.id}, chosen.jobs, chosen.secrets
    seen.others = tuple(text_at(each.principal, "displayName") for each in others if each.jobs and not isinstance(each.jobs, Unseen))
    path = f"/servicePrincipals/{chosen.id}"
    seen.everybody = look(graph.all, f"{path}/appRoleAssignedTo")
    if isinstance(chosen.jobs, Unseen) or not chosen.jobs:
        return
    job = text_at(chosen.jobs[0], "id")
    seen.schema = look(graph.get, f"{path}/synchronization/jobs/{percent_encode(job)}/schema") if job else UNASKED
    if number_at(chosen.jobs[0], "status", "lastExecution", "countEscrowed"):
        logged = look(graph.all, "/auditLogs/provisioning", filter=f"jobId eq '{job.replace(QUOTE, 2 * QUOTE)}'", top=str(MOST_LOGGED))
        seen.failures = logged if isinstance(logged, Unseen) else [each for each in logged if _has_failed(each)]


def _has_failed(entry: Entry) -> bool:
    return text_at(entry, "provisioningStatusInfo", "status") == "failure"


def _pairs(graph: Graph, path: str) -> Mapping[str, str]:
    return {text_at(each, "key"): text_at(each, "value") for each in entries_at(graph.get(path), "value")}


def same_address(one: str, other: str) -> bool:
    """Whether two base addresses are one."""
    return bool(one) and one.rstrip("/").lower() == other.rstrip("/").lower()
