"""`rotate`: a new credential without a gap. The one before is withdrawn once the new one has signed in, and never sooner.

What Microsoft recommends (https://learn.microsoft.com/entra/identity/monitoring-health/recommendation-renew-expiring-application-credential).
"""

import asyncio
from dataclasses import dataclass, field

from access_token import AccessToken, sign_in
from certificate import read_certificate
from errors import AuthError
from risky_users.admin.asking import Held, patiently
from risky_users.admin.entra import entries_of, text_of
from risky_users.admin.errors import AdminError, Answer, ServiceRefused
from risky_users.admin.roles import APPLICATIONS
from risky_users.connection import Connection, signer
from risky_users.setup.credential import ENTRY
from risky_users.setup.steps import Finding, Part, Step, failed, left_alone, there, to_do
from risky_users.setup.worker import WorkerPart
from settings import Settings

_YOUNG = frozenset({7000215, 700027})
"""What a credential meets that parts of Entra do not know yet."""
_SUBREQUESTS, _SECONDS = 20, 50.0


@dataclass(slots=True)
class Rotation:
    """One more credential, and the end of those before it."""

    worker: WorkerPart
    connection: Connection
    _made: bool = field(default=False, init=False)

    def part(self) -> Part:
        """Make, put, try, withdraw."""
        credential = self.worker.credential
        steps = (
            Step("registration", "App registration", self.look_at_registration),
            Step("credential", "New credential", self.look, self.make, ("registration",), APPLICATIONS),
            *self.worker.deployment.steps("credential"),
            Step("trial", "Trial", self.look_at_trial, self.attempt, ("credential",)),
            Step("earlier", "Earlier credentials", self.look_at_earlier, self.withdraw, ("credential", "trial"), APPLICATIONS),
            Step("others", "Others' credentials", self.look_at_others, after=("registration",)),
        )
        return Part("rotate", f"A new {credential.kind} for {self.worker.work.name}", steps)

    def look_at_registration(self) -> Finding:
        """It has to be there."""
        registration = self.worker.registration
        registration.application = registration.find() or registration.named()
        if not registration.application:
            return failed("there is none: run `risky-users setup worker` first.")
        return there(f"{text_of(registration.application, 'displayName')}, client id {registration.client_id}.")

    def look(self) -> Finding:
        """Always another one: one that an interrupted run left behind was never tried."""
        credential = self.worker.credential
        return to_do(f"a {credential.kind} will be made, and put into the Worker unseen. The one before stays in force for now.")

    def make(self) -> str:
        """Into the Worker."""
        credential = self.worker.credential
        credential.make_and_put()
        self._made = True
        return f"a {credential.kind} is in the Worker; it ends on {credential.ends}."

    def look_at_trial(self) -> Finding:
        """Only a new one is tried."""
        return to_do("the new one will be signed in with, until Entra knows it everywhere it asks.")

    def attempt(self) -> str:
        """Sign in as the Worker does. Raises AdminError."""
        work, credential = self.worker.work, self.worker.credential
        person, value = work.graph.person, credential.value
        settings = Settings(
            person.tenant_id,
            self.worker.registration.client_id,
            client_secret="" if credential.certificate else value,
            certificate=read_certificate(value) if credential.certificate else None,
            cloud=person.cloud,
        )

        def attempt() -> None:
            try:
                asyncio.run(self._sign_in(settings))
            except AuthError as error:
                if error.code not in _YOUNG:
                    raise AdminError(f"The new credential does not sign in, so the one before stays: {error}") from error
                refused = ServiceRefused("Signing in with the new credential", Answer(401, f"AADSTS{error.code}"), "The one before stays.")
                raise Held(refused, "the new credential is not known everywhere in Entra yet") from error

        patiently(work.machine, attempt)
        return "the new one signs in."

    async def _sign_in(self, settings: Settings) -> None:
        async with self.connection.client() as client:
            budget = self.connection.budget(client, _SUBREQUESTS, _SECONDS)
            await sign_in(budget, settings, AccessToken(), signer(settings))

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
