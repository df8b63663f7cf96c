"""What the Worker signs in with: a secret, or a certificate whose key was made here. From Entra straight into the Worker.

A secret is shown in one answer and nowhere else, and asking twice makes two
(https://learn.microsoft.com/graph/api/application-addpassword). So each has a name of its own, which is written down before: whoever
was stopped finds one of that name by looking, and withdraws it.
"""

import re
from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from secrets import token_hex
from uuid import uuid4

from expiry import timestamp
from risky_users.admin.entra import Entity, entries_of, text_of
from risky_users.admin.errors import AdminError, ServiceRefused, Uncertain
from risky_users.admin.roles import APPLICATIONS
from risky_users.setup.deployment import Deployment
from risky_users.setup.ledger import WORKER
from risky_users.setup.registration import Registration
from risky_users.setup.steps import Finding, State, Step, left_alone, there, to_do
from risky_users.setup.trial import Trial
from risky_users.setup.work import Work
from risky_users.variables import CERTIFICATE, SECRET
from text import JSON, counted

ENTRY, EARLIER = "credential", "earlier credential "
"""In the ledger: `name`, `id` (Entra's key id), `kind` (secret or certificate), `ends`, `put`: whether the Worker has it, or may."""
_PUT, _BEGUN = "yes", "begun"
DAY = 86_400.0
YEAR_DAYS = 365
SOON_DAYS = 30
_SHORTER = (180, 90, 30)
"""Days that are tried in turn where a policy finds a life too long, and does not say how long it may be."""
_TRIES = 3
_DATE = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d")
_YOUNG = "The registration"
_CREDENTIALS = "id,passwordCredentials,keyCredentials"


@dataclass(slots=True)
class Credential:
    """The credential that this project's folder knows of. `keep` is given key and certificate, where somebody wants a copy."""

    registration: Registration
    deployment: Deployment
    trial: Trial
    certificate: bool = False
    days: int = YEAR_DAYS
    keep: Callable[[str], None] = lambda _: None

    @property
    def work(self) -> Work:
        """Where one works."""
        return self.registration.work

    @property
    def kind(self) -> str:
        """What is made where nothing is."""
        return "certificate" if self.certificate else "secret"

    @property
    def ends(self) -> str:
        """The day on which it ends, as CREDENTIAL_EXPIRES has it; empty where that is not known."""
        return self.work.ledger.fact(ENTRY, "ends")

    def steps(self) -> tuple[Step, ...]:
        """One step: made and put, or neither."""
        return (Step("credential", "Credential", self.look, self.make, ("registration", "principal"), APPLICATIONS),)

    def look(self) -> Finding:
        """By the key id in the ledger; without one, by what the Worker and the registration have."""
        finding = self._state(self.read(), self.work.wrangler.secrets())
        return to_do(f"{finding.message} What an earlier run left over will be withdrawn.") if self.earlier() else finding

    def _state(self, entity: Entity | None, have: Collection[str]) -> Finding:
        if ENTRY not in self.work.ledger:
            known = {SECRET, CERTIFICATE} & set(have)
            if known and any(_end(each) > self.work.machine.now() for each in _all(entity)):
                return left_alone(f"the Worker has {' and '.join(sorted(known))}, put otherwise; `risky-users rotate` replaces it.")
            return to_do(f"a {self.kind} for {counted(self.days, 'day')} will be made, and put into the Worker without being shown.")
        mine = next((each for each in _all(entity) if text_of(each, "keyId") == self.work.ledger.id(ENTRY)), None)
        if not mine or not self.finished or _name_of(self.work.ledger.fact(ENTRY, "kind")) not in have:
            return to_do(f"the one before is not in use; a new {self.kind} will be made and put, and that one withdrawn.")
        left = int((_end(mine) - self.work.machine.now()) // DAY)
        told = f"a {self.work.ledger.fact(ENTRY, 'kind')} that ends on {text_of(mine, 'endDateTime')[:10]}"
        if left < 0:
            return to_do(f"{told} has ended; a new {self.kind} will be made and put.")
        return left_alone(f"{told}, soon: run `risky-users rotate`.") if left < SOON_DAYS else there(f"{told}.")

    @property
    def finished(self) -> bool:
        """Whether the one on the ledger is known to be in the Worker."""
        return self.work.ledger.fact(ENTRY, "put") == _PUT

    def make(self) -> str:
        """Make one and put it into the Worker, unless one is; then withdraw what earlier runs left over. Raises AdminError."""
        if self._state(self.read(), self.work.wrangler.secrets()).state is State.TO_DO:
            self.make_and_put()
        self.withdraw_earlier()
        return f"a {self.kind} is in the Worker, as {_name_of(self.kind)}; it ends on {self.ends}."

    def make_and_put(self) -> None:
        """A new one, into the Worker once it signs in; withdrawn if it certainly did not get there. The one before stays in force.
        Raises AdminError."""
        ledger, name = self.work.ledger, f"{self.work.name} {_day(self.work.machine.now())} {token_hex(3)}"
        if ENTRY in ledger:
            ledger.rename(ENTRY, f"{EARLIER}{ledger.fact(ENTRY, 'name')}")
        ledger.about_to_make(ENTRY, name=name, kind=self.kind, application=self.registration.object_id)
        value = self._certify(name) if self.certificate else self._add_secret(name)
        try:
            self.trial.attempt(value, certified=self.certificate)
            ledger.made(ENTRY, put=_BEGUN)
            with self.deployment.uploading():
                self.work.wrangler.put_secret(_name_of(self.kind), value)
        except (AdminError, OSError) as error:
            raise AdminError(f"{error} {self._take_back(name, error)}") from error
        ledger.made(ENTRY, put=_PUT)
        self._withdraw(name, but=ledger.id(ENTRY))  # one whose answer was lost, and which did not show when that was looked at

    def _take_back(self, name: str, error: Exception) -> str:
        """What becomes of a new one that could not be put; where the Worker may have it all the same, the next run puts another."""
        try:
            if self.work.wrangler.may_hold(_name_of(self.kind), error):
                return f"The Worker may have the new {self.kind} all the same, and none is withdrawn: run this again, which puts another."
            self._withdraw(name)
        except (AdminError, OSError) as further:
            left = f"{self.kind} with the key id {self.work.ledger.id(ENTRY)}"
            return f"Nor could the new {left} be withdrawn: {further} Run this again, which does."
        self._give_up()
        return f"The new {self.kind} is withdrawn."

    def _give_up(self) -> None:
        """Nothing new is in the Worker: what it signs in with is the one before, which goes on being the one in use."""
        ledger = self.work.ledger
        ledger.forget(ENTRY)
        if before := [each for each in self.earlier() if ledger.fact(each, "put")]:
            ledger.rename(before[-1], ENTRY)

    # --- a secret ---

    def _add_secret(self, name: str) -> str:
        """The value of a new secret, which is on the ledger by then."""
        days = [self.days, *(each for each in _SHORTER if each < self.days)]
        for tries in range(_TRIES + len(days)):
            ends = datetime.fromtimestamp(self.work.machine.now(), UTC).replace(microsecond=0) + timedelta(days=days[0])
            body: JSON = {"passwordCredential": {"displayName": name, "endDateTime": _stamp(ends)}}
            try:
                made = self.work.graph.post(f"{self._path}/addPassword", body, young=_YOUNG)
            except Uncertain:
                self._withdraw(name)  # whether or not it was made: what nobody knows the value of is of no use
                if tries == _TRIES:
                    raise
            except ServiceRefused as refused:
                days = self._shorter(refused, days)
            else:
                self.work.ledger.made(ENTRY, id=text_of(made, "keyId"), ends=text_of(made, "endDateTime")[:10])
                return text_of(made, "secretText")
        raise AdminError("Entra gives no answer to the request for a secret. Run this again later: it goes on from there.")

    def _shorter(self, refused: ServiceRefused, days: list[int]) -> list[int]:
        """How long to ask for instead; raises where that is not what is wrong
        (https://learn.microsoft.com/graph/api/resources/tenantappmanagementpolicy)."""
        code, told = refused.answer.code, _DATE.search(refused.answer.message)
        if code == "InvalidKeyEndDate" and told:
            most = int((timestamp(f"{told[0]}+00:00") - self.work.machine.now()) // DAY)
            if 0 < most < days[0]:
                return [most]
        if code in ("CredentialInvalidLifetimeAsPerAppPolicy", "InvalidKeyEndDate") and days[1:]:
            self.work.machine.tell(f"  … a policy of your tenant's finds {days[0]} days too long; {days[1]} are tried")
            return days[1:]
        self._give_up()
        if code == "CredentialTypeNotAllowedAsPerAppPolicy":
            remedy = "A policy of your tenant's forbids client secrets: add --certificate."
            raise ServiceRefused(refused.asked, refused.answer, remedy) from refused
        raise refused

    # --- a certificate ---

    def _certify(self, name: str) -> str:
        """Key and certificate in PEM, the public half of which Entra has by then."""
        from risky_users.setup.certificate import new_certificate  # whoever has a secret does without cryptography

        begins = datetime.fromtimestamp(self.work.machine.now(), UTC)
        days, pem = [self.days, *(each for each in _SHORTER if each < self.days)], ""
        while not pem:
            made = new_certificate(self.work.name, begins, days[0])
            entry: dict[str, JSON] = {
                "type": "AsymmetricX509Cert",
                "usage": "Verify",
                "key": made.der,
                "displayName": name,
                "keyId": str(uuid4()),  # ours, so that writing it again changes nothing
                "startDateTime": _stamp(made.begins),
                "endDateTime": _stamp(made.ends),
            }
            try:
                self._write_keys(self._path, [*map(dict, entries_of(self.read(), "keyCredentials")), entry])
            except ServiceRefused as refused:
                if isinstance(refused, Uncertain):
                    raise
                days = self._shorter(refused, days)
            else:
                pem = made.pem
                self.work.ledger.made(ENTRY, id=str(entry["keyId"]), ends=_stamp(made.ends)[:10])
        self.keep(pem)
        return pem

    def _write_keys(self, path: str, entries: list[JSON]) -> None:
        """Certificates are written as a whole (https://learn.microsoft.com/graph/api/resources/keycredential)."""
        self.work.graph.patch(path, {"keyCredentials": entries}, young=_YOUNG)

    # --- withdrawing ---

    def earlier(self) -> list[str]:
        """Those on the ledger that another has taken the place of."""
        return [each for each in self.work.ledger.entries if each.startswith(EARLIER)]

    def withdraw_earlier(self) -> None:
        """Withdraw them, by key id; of another kind the Worker's copy first, which it may sign in with. Raises AdminError."""
        ledger = self.work.ledger
        if not self.finished:
            return  # what the Worker signs in with may be one of them
        for entry in self.earlier():
            left_over = _name_of(ledger.fact(entry, "kind"))
            if left_over != _name_of(ledger.fact(ENTRY, "kind")) and left_over in self.work.wrangler.secrets():
                self.work.wrangler.delete_secret(left_over)
            self._withdraw(ledger.fact(entry, "name"), application=ledger.fact(entry, "application"))
            ledger.forget(entry)

    def steps_to_remove(self) -> tuple[Step, ...]:
        """Those that were made here; of a registration that was made here all go with it."""
        return (Step("credential", "Credential", self.look_to_remove, self.remove, ("worker",), APPLICATIONS),)

    def look_to_remove(self) -> Finding:
        """By the ledger."""
        return to_do(f"will be withdrawn.{self._left_in_the_worker()}") if self._on_ledger() else there("none was made here.")

    def remove(self) -> str:
        """Withdraw them, once the Worker is gone that used them."""
        ledger, left = self.work.ledger, self._left_in_the_worker()
        for entry in self._on_ledger():
            self._withdraw(ledger.fact(entry, "name"), application=ledger.fact(entry, "application"))
            ledger.forget(entry)
        return f"withdrawn.{left}"

    def _left_in_the_worker(self) -> str:
        """What is to be said of the copy in a Worker that stays. It is not taken out: somebody may have put another since."""
        ledger = self.work.ledger
        given = {_name_of(ledger.fact(entry, "kind")) for entry in self._on_ledger() if ledger.fact(entry, "put")}
        if WORKER in ledger or not (left := sorted(given & self.work.wrangler.secrets())):
            return ""
        remedy = " and ".join(f"`npx wrangler secret delete {name}`" for name in left)
        return f" The Worker stays, and cannot sign in any more with the {' and '.join(left)} that it has: put another, or run {remedy}."

    def _on_ledger(self) -> list[str]:
        return [*self.earlier(), *([ENTRY] if ENTRY in self.work.ledger else [])]

    def _withdraw(self, name: str, but: str = "", application: str = "") -> None:
        """Withdraw every credential of this name but one, by key id; of this registration, or of one that had it before (object id)."""
        path = f"/applications/{application}" if application else self._path
        elsewhere = application not in ("", self.registration.object_id)
        entity = self.work.graph.find(path, select=_CREDENTIALS) if elsewhere else self.read()
        for each in entries_of(entity, "passwordCredentials"):
            if text_of(each, "displayName") == name and text_of(each, "keyId") != but:
                self._withdraw_secret(path, text_of(each, "keyId"))
        keys = entries_of(entity, "keyCredentials")
        kept: list[JSON] = [dict(each) for each in keys if text_of(each, "displayName") != name or text_of(each, "keyId") == but]
        if len(kept) < len(keys):
            self._write_keys(path, kept)

    def _withdraw_secret(self, path: str, key_id: str) -> None:
        """One that is gone is gone."""
        try:
            self.work.graph.post(f"{path}/removePassword", {"keyId": key_id}, repeat=True, young=_YOUNG)
        except ServiceRefused as refused:
            if "No password credential found" not in refused.answer.message:
                raise

    def read(self) -> Entity | None:
        """The registration's credentials as they are now."""
        if not self.registration.application:
            return None
        return self.work.graph.get(self._path, young=_YOUNG, select=_CREDENTIALS)

    @property
    def _path(self) -> str:
        return f"/applications/{self.registration.object_id}"


def _all(entity: Entity | None) -> list[Entity]:
    return [*entries_of(entity, "passwordCredentials"), *entries_of(entity, "keyCredentials")]


def _name_of(kind: str) -> str:
    """The secret of the Worker's in which such a credential lies."""
    return CERTIFICATE if kind == "certificate" else SECRET


def _end(credential: Entity) -> float:
    try:
        return timestamp(text_of(credential, "endDateTime"))
    except ValueError:
        return 0.0


def _stamp(time: datetime) -> str:
    return f"{time:%Y-%m-%dT%H:%M:%SZ}"


def _day(now: float) -> str:
    return f"{datetime.fromtimestamp(now, UTC):%Y-%m-%d}"
