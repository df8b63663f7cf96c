"""Who is at the keyboard, in which folder, for which tenant and account: shown first, and refused where they do not belong together."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from risky_users.admin.entra import Entity, Graph, entries_of, text_of
from risky_users.admin.errors import AdminError, NoProgram, ServiceRefused
from risky_users.admin.machine import Machine
from risky_users.admin.sign_in import How, Person, sign_in
from risky_users.admin.wrangler import Wrangler
from risky_users.setup.configuration import WranglerFile
from risky_users.setup.ledger import Ledger
from risky_users.setup.work import Work
from settings import CLOUDS
from text import GUID

P2 = "eec0eb4f-6444-4f95-aba0-50c24d67f998"
"""The service plan AAD_PREMIUM_P2 (https://learn.microsoft.com/entra/identity/users/licensing-service-plan-reference)."""


@dataclass(frozen=True, slots=True)
class Choices:
    """Where and as whom; what is empty is found out."""

    config: Path | None = None
    tenant: str = ""
    cloud: str = ""
    account: str = ""
    how: How = How.AUTOMATIC


@dataclass(frozen=True, slots=True)
class Session:
    """A place of work, and what is shown of it."""

    work: Work
    roles: frozenset[str]
    account: str
    """The Cloudflare account's id, empty where wrangler is not logged in."""
    who: Mapping[str, str] = field(default_factory=dict)


@contextmanager
def session(machine: Machine, choices: Choices) -> Iterator[Session]:
    """Sign in, and look where one is. Raises AdminError, before anything else is done, where folder, tenant and account disagree."""
    file = WranglerFile.find(machine.folder, choices.config)
    ledger = Ledger.open(file.path.parent)
    ledger.claim(worker=file.name)
    named = file.variables.get("AZURE_AD_TENANT_ID", "")
    tenant = choices.tenant or ("" if named.startswith("<") else named)
    if GUID.fullmatch(choices.tenant) and GUID.fullmatch(named) and choices.tenant.lower() != named.lower():
        raise AdminError(f"--tenant is {choices.tenant}, and {file.path.name} has AZURE_AD_TENANT_ID {named}: which is it?")
    cloud = choices.cloud or file.variables.get("AZURE_CLOUD", "global")
    if cloud not in CLOUDS:
        raise AdminError(f"There is no cloud {cloud}: it is one of {', '.join(CLOUDS)}.")
    person = sign_in(machine, CLOUDS[cloud], tenant, choices.how)
    ledger.claim(tenant=person.tenant_id)
    wrangler = Wrangler(machine, file.name, file.path, choices.account.lower())
    wrangler.account, told = _account(wrangler)
    ledger.claim(account=wrangler.account)
    with Graph(machine, person) as graph:
        work = Work(machine, graph, wrangler, file, ledger)
        roles = _roles(graph)
        yield Session(
            work, roles, wrangler.account, {**_who(graph, person, roles), "Cloudflare": told, "Worker": f"{file.name}, by {file.path}"}
        )


def _account(wrangler: Wrangler) -> tuple[str, str]:
    """The account's id and how it is shown; what is done in Entra alone can do without."""
    wanted = wrangler.account
    try:
        accounts = wrangler.accounts()
    except NoProgram as error:
        return wanted, str(error)
    if wanted and wanted not in accounts:
        raise AdminError(f"wrangler is logged in to Cloudflare, but not to the account {wanted}: {_listed(accounts)}.")
    if not wanted and len(accounts) > 1:
        raise AdminError(f"wrangler is logged in to several accounts; name one with --account: {_listed(accounts)}.")
    account = wanted or next(iter(accounts), "")
    return account, f"{accounts.get(account, 'an account')}, {account}"


def _listed(accounts: Mapping[str, str]) -> str:
    return ", ".join(f"{account} ({name})" for account, name in accounts.items())


def _who(graph: Graph, person: Person, roles: frozenset[str]) -> dict[str, str]:
    organization = next(iter(_read(graph, "/organization", select="id,displayName,assignedPlans")), None)
    plans = [
        text_of(each, "servicePlanId") for each in entries_of(organization, "assignedPlans") if each.get("capabilityStatus") == "Enabled"
    ]
    licence = "Microsoft Entra ID P2." if P2 in plans else "no Entra ID P2 shows: without it nobody can read who is risky."
    return {
        "Signed in": f"{person.name}, by {person.via}",
        "Tenant": f"{text_of(organization, 'displayName') or 'unknown name'}, {person.tenant_id} ({person.cloud.login})",
        "Roles": ", ".join(sorted(roles)) or "none that shows; one that you are eligible for has to be activated first, then sign in anew",
        **({"Licence": licence} if organization else {}),
    }


def _roles(graph: Graph) -> frozenset[str]:
    """The directory roles that are active now; custom ones, and those for one object, do not show."""
    path = "/me/transitiveMemberOf/microsoft.graph.directoryRole"
    return frozenset(text_of(each, "displayName") for each in _read(graph, path, select="displayName,roleTemplateId"))


def _read(graph: Graph, path: str, **query: str) -> list[Entity]:
    """A list that is only for showing: nothing where this person may not read it."""
    try:
        return graph.all(path, **query)
    except ServiceRefused:
        return []
