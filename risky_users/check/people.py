"""One person on their device: by which address Cloudflare knows them, in which groups, with which client."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from groups import GROUP_NAMES
from plan import RISK_LEVELS
from risky_users.admin.cloudflare import Cloudflare
from risky_users.admin.entra import Graph
from risky_users.check.findings import Finding, failed, ok, skipped, warning
from risky_users.check.seen import UNASKED, Entry, Seen, Unseen, at, entries_at, listed, look, number_at, text_at
from risky_users.facts import TenantFacts
from settings import GatewaySettings
from text import GUID, counted, percent_encode

LINKS = {"user": "User", "devices": "Devices"}

_UNASKED = "not asked for: --user shows by which address Cloudflare knows somebody, and in which groups."
_DEVICES = "whether a device has the client in Traffic and DNS mode and trusts the root certificate cannot be seen from here"


@dataclass(slots=True)
class Person:
    """Somebody whom the administrator asks about, as Entra and Cloudflare know them; None where one knows nobody."""

    entra: Seen[Entry | None] = UNASKED
    cloudflare: Seen[Entry | None] = UNASKED
    identity: Seen[Entry] = UNASKED


def read_person(administrator: Seen[Cloudflare], graph: Seen[Graph], address: str) -> Person:
    """The person with this mail address, user principal name or object id."""
    quoted = address.replace("'", "''")
    wanted = f"id eq '{address}'" if GUID.fullmatch(address) else f"userPrincipalName eq '{quoted}' or mail eq '{quoted}'"
    users = graph if isinstance(graph, Unseen) else look(graph.all, "/users", filter=wanted, select="id,mail,userPrincipalName")
    entra = users if isinstance(users, Unseen) else next(iter(users), None)
    person = Person(entra)
    if isinstance(administrator, Unseen):
        person.cloudflare = person.identity = administrator
        return person
    known = [] if isinstance(entra, Unseen) else [text_at(entra, "mail"), text_at(entra, "userPrincipalName")]
    forms = known if GUID.fullmatch(address) else [address, *known]
    person.cloudflare = _registered(administrator, forms)
    if person.cloudflare and not isinstance(person.cloudflare, Unseen):
        person.identity = _last_identity(administrator, person.cloudflare)
    return person


def read_identity(administrator: Seen[Cloudflare], addresses: Iterable[str]) -> Seen[Entry | None]:
    """What Gateway compares with its rules of somebody with one of these addresses; None where Cloudflare knows nobody."""
    if isinstance(administrator, Unseen):
        return administrator
    registered = _registered(administrator, addresses)
    return registered if isinstance(registered, Unseen) or registered is None else _last_identity(administrator, registered)


def _registered(administrator: Cloudflare, addresses: Iterable[str]) -> Seen[Entry | None]:
    for address in dict.fromkeys(filter(None, addresses)):
        found = look(administrator.all, f"/access/users?email={percent_encode(address)}", "look the user up at Cloudflare")
        if isinstance(found, Unseen) or found:
            return found if isinstance(found, Unseen) else found[0]
    return None


def _last_identity(administrator: Cloudflare, registered: Entry) -> Seen[Entry]:
    user_id = percent_encode(text_at(registered, "id"))
    if not user_id:
        return Unseen("not seen, for Cloudflare tells no id of the user's.")
    return look(administrator.one, f"/access/users/{user_id}/last_seen_identity", "read the user's last identity")


def people(
    person: Person | None, gateway: GatewaySettings | None, facts: TenantFacts | None, lists: Mapping[str, Seen[Entry]]
) -> Iterator[Finding]:
    """The person, if one was asked about, and their devices."""
    if person is None:
        yield from skipped(["user"], _UNASKED)
        yield from skipped(["devices"], f"{_DEVICES}.")
        return
    known = person.cloudflare
    if isinstance(known, Unseen):
        yield from skipped(LINKS, known.why)
    elif known is None:
        why = "Cloudflare knows nobody by this address, and its policies act only on who has logged in once"
        yield failed("user", f"{why}: have them enroll their device, or log in to Cloudflare One.")
        yield from skipped(["devices"], "not checked: Cloudflare must know the user first.")
    else:
        yield _user(person, gateway, facts, lists)
        yield _devices(known)


def _user(person: Person, gateway: GatewaySettings | None, facts: TenantFacts | None, lists: Mapping[str, Seen[Entry]]) -> Finding:
    check, identity = "user", person.identity
    if isinstance(identity, Unseen):
        if not identity.gone:
            return skipped([check], identity.why)[0]
        return failed(check, "Cloudflare has seen no login of theirs: have them enroll their device, or log in to Cloudflare One.")
    held = text_at(identity, "email")
    forms = {} if isinstance(person.entra, Unseen) else {form: text_at(person.entra, form) for form in ("mail", "userPrincipalName")}
    form = next((form for form, address in forms.items() if address and address.lower() == held.lower()), "")
    words = {"mail": "their mail address", "userPrincipalName": "their user principal name", "": "an address"}[form]
    if not isinstance(person.entra, Unseen) and not form:
        why = "Cloudflare knows them by an address that is neither their mail nor their user principal name"
        return failed(check, f"{why}, so that no list matches: look at the identity provider's e-mail claim, and have them log in again.")
    written = {"both": ("mail", "userPrincipalName", ""), "mail": ("mail", ""), "upn": ("userPrincipalName", "")}
    if gateway and form not in written[gateway.addresses]:
        return failed(check, f"Cloudflare knows them by {words}, which GATEWAY_ADDRESSES={gateway.addresses} does not write: leave it out.")
    groups = {text_at(each, "name") for each in entries_at(identity, "groups")}
    within = [level for level, name in GROUP_NAMES.items() if name in groups]
    listing = [level for level in RISK_LEVELS if held.lower() in values_of(lists.get(level, UNASKED))]
    risk = _risk(person, facts)
    where = [*(f"in the group of {level} risk" for level in within), *(f"on the list of {level} risk" for level in listing)]
    told = f"Cloudflare knows them by {words}{f' ({held_case})' if (held_case := _case(held, forms.get(form, ''))) else ''}"
    if risk and not where:
        return warning(check, f"{told}; they are at {risk} risk and neither in its group nor on its list there yet.")
    return ok(check, f"{told}{f', {listed(where)}' if where else ', in no group and on no list of those at risk'}.")


def _risk(person: Person, facts: TenantFacts | None) -> str:
    """Their level, as far as the Worker sees it."""
    user = "" if isinstance(person.entra, Unseen) else text_at(person.entra, "id").lower()
    return next((level for level, users in facts.risky_users.by_level.items() if user in users), "") if facts else ""


def values_of(found: Seen[Entry]) -> frozenset[str]:
    """What a list holds, in lower case."""
    return frozenset() if isinstance(found, Unseen) else frozenset(text_at(each, "value").lower() for each in entries_at(found, "items"))


def _case(held: str, other: str) -> str:
    return "in other letters than Entra" if other and held != other else ""


def _devices(known: Entry) -> Finding:
    check, count = "devices", number_at(known, "active_device_count")
    if not count:
        return failed(check, "none is enrolled, so Gateway sees nothing of what they browse: install Cloudflare's client and enroll it.")
    seat = "" if at(known, "gateway_seat") is not False else ", but they have no Gateway seat"
    return ok(check, f"{counted(count, 'device')} enrolled{seat}; {_DEVICES}.")
