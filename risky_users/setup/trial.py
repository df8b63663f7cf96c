"""Signing in as the Worker does, with a credential that was made in this run and is shown to nobody."""

import asyncio
from dataclasses import dataclass

from access_token import AccessToken, sign_in
from certificate import read_certificate
from errors import AuthError
from risky_users.admin.asking import Held, patiently
from risky_users.admin.errors import AdminError, Answer, ServiceRefused
from risky_users.connection import Connection, signer
from risky_users.setup.credential import Credential
from risky_users.setup.steps import Finding, Step, there, to_do
from settings import Settings

_YOUNG = frozenset({7000215, 700027})
"""What a credential meets that parts of Entra do not know yet."""
_SUBREQUESTS, _SECONDS = 20, 50.0


@dataclass(frozen=True, slots=True)
class Trial:
    """A sign-in, tried until Entra knows the credential everywhere it asks."""

    credential: Credential
    connection: Connection

    def step(self) -> Step:
        """One step, for a credential that is made in the same run."""
        return Step("trial", "Trial", self.look, self.attempt, ("credential",))

    def look(self) -> Finding:
        """Only a new one can be tried: of others nobody knows the value."""
        if self.credential.value or self.credential.to_be_made:
            return to_do("the new credential will be signed in with, until Entra knows it.")
        return there("nothing new to try.")

    def attempt(self) -> str:
        """Sign in. Raises AdminError."""
        credential = self.credential
        person, value, certified = credential.work.graph.person, credential.value, credential.certificate
        settings = Settings(
            person.tenant_id,
            credential.registration.client_id,
            client_secret="" if certified else value,
            certificate=read_certificate(value) if certified else None,
            cloud=person.cloud,
        )

        def attempt() -> None:
            try:
                asyncio.run(self._sign_in(settings))
            except AuthError as error:
                if error.code not in _YOUNG:
                    raise AdminError(f"The new credential does not sign in: {error}") from error
                refused = ServiceRefused("Signing in with the new credential", Answer(401, f"AADSTS{error.code}"))
                raise Held(refused, "the new credential is not known everywhere in Entra yet") from error

        patiently(credential.work.machine, attempt)
        return "the new credential signs in."

    async def _sign_in(self, settings: Settings) -> None:
        async with self.connection.client() as client:
            budget = self.connection.budget(client, _SUBREQUESTS, _SECONDS)
            await sign_in(budget, settings, AccessToken(), signer(settings))
