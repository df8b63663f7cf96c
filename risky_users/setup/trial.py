"""Signing in as the Worker does, with a credential that was made in this run and is shown to nobody."""

import asyncio
from dataclasses import dataclass

from access_token import AccessToken, sign_in
from certificate import read_certificate
from errors import AuthError
from risky_users.admin.asking import Held, patiently
from risky_users.admin.errors import AdminError, Answer, ServiceRefused
from risky_users.connection import Connection, signer
from risky_users.setup.registration import Registration
from settings import Settings

_YOUNG = frozenset({7000215, 700027, 700016, 7000229})
"""What a credential meets that parts of Entra do not know yet, or whose registration or principal they do not."""
_SUBREQUESTS, _SECONDS = 20, 50.0


@dataclass(frozen=True, slots=True)
class Trial:
    """A sign-in, tried until Entra knows the credential everywhere it asks."""

    registration: Registration
    connection: Connection

    def attempt(self, value: str, *, certified: bool) -> None:
        """Sign in with a secret, or with key and certificate in PEM. Raises AdminError."""
        person, machine = self.registration.work.graph.person, self.registration.work.machine
        settings = Settings(
            person.tenant_id,
            self.registration.client_id,
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

        patiently(machine, attempt)

    async def _sign_in(self, settings: Settings) -> None:
        async with self.connection.client() as client:
            budget = self.connection.budget(client, _SUBREQUESTS, _SECONDS)
            await sign_in(budget, settings, AccessToken(), signer(settings))
