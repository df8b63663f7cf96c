"""`rotate`: a new credential without a gap. The one before is withdrawn once the new one has signed in, and never sooner.

What Microsoft recommends (https://learn.microsoft.com/entra/identity/monitoring-health/recommendation-renew-expiring-application-credential).
"""

from dataclasses import dataclass, field

from risky_users.admin.entra import entries_of, text_of
from risky_users.admin.roles import APPLICATIONS
from risky_users.setup.credential import ENTRY
from risky_users.setup.steps import Finding, Part, State, Step, failed, left_alone, there, to_do
from risky_users.setup.worker import WorkerPart


@dataclass(slots=True)
class Rotation:
    """One more credential, and the end of those before it."""

    worker: WorkerPart
    _made: bool = field(default=False, init=False)

    def part(self) -> Part:
        """Make, try, put, withdraw."""
        credential = self.worker.credential
        steps = (
            Step("registration", "App registration", self.look_at_registration),
            Step("credential", "New credential", self.look, self.make, ("registration",), APPLICATIONS),
            *self.worker.deployment.steps("credential"),
            Step("earlier", "Earlier credentials", self.look_at_earlier, self.withdraw, ("credential",), APPLICATIONS),
            Step("others", "Others' credentials", self.look_at_others, after=("registration",)),
        )
        return Part("rotate", f"A new {credential.kind} for {self.worker.work.name}", steps)

    def look_at_registration(self) -> Finding:
        """It has to be there, and the one that the Worker signs in as."""
        finding = self.worker.registration.look()
        return failed("there is none: run `risky-users setup worker` first.") if finding.state is State.TO_DO else finding

    def look(self) -> Finding:
        """Always another one: one that an interrupted run left behind was never tried."""
        kind = self.worker.credential.kind
        return to_do(f"a {kind} will be made, and put into the Worker unseen once it signs in. The one before stays in force until then.")

    def make(self) -> str:
        """Into the Worker."""
        credential = self.worker.credential
        credential.make_and_put()
        self._made = True
        return f"a {credential.kind} is in the Worker; it ends on {credential.ends}."

    def look_at_earlier(self) -> Finding:
        """Those on the ledger that the new one takes the place of."""
        credential = self.worker.credential
        number = len(credential.earlier()) + (ENTRY in self.worker.work.ledger and not self._made)
        return to_do("will be withdrawn after that.") if number else there("none that was made here.")

    def withdraw(self) -> str:
        """By key id."""
        self.worker.credential.withdraw_earlier()
        return "withdrawn."

    def look_at_others(self) -> Finding:
        """What was made otherwise is nobody's to withdraw."""
        credential, ledger = self.worker.credential, self.worker.work.ledger
        known = {ledger.id(each) for each in (ENTRY, *credential.earlier())}
        entity = credential.read()
        others = [
            f"{text_of(each, 'keyId')} (until {text_of(each, 'endDateTime')[:10]})"
            for kind in ("passwordCredentials", "keyCredentials")
            for each in entries_of(entity, kind)
            if text_of(each, "keyId") not in known
        ]
        if not others:
            return there("none.")
        return left_alone(
            f"{', '.join(others)}, made otherwise: where nothing uses them any more, withdraw them with "
            f"`az ad app credential delete --id {self.worker.registration.client_id} --key-id …`."
        )
