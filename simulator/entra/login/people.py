"""People, by a client at a command line: authorization code with PKCE over the loopback, device code, refresh token.

https://learn.microsoft.com/entra/identity-platform/v2-oauth2-auth-code-flow, v2-oauth2-device-code. Nobody is at the keyboard until
a test sits somebody down (`at_keyboard`); who is there has a password and a second factor, and agrees to what is asked or not.
"""

import base64
import json
from collections.abc import Mapping
from hashlib import sha256
from random import Random

from simulator.entra.behaviour import Behaviour
from simulator.entra.directory import Directory, User
from simulator.entra.login.consent import Consents
from simulator.entra.login.refused import Refused
from simulator.entra.login.sessions import CODE_SECONDS, DEVICE_SECONDS, REFRESH_SECONDS, Code, Device, Session
from simulator.entra.public_clients import PUBLIC_CLIENTS
from simulator.entra.token import Tokens
from simulator.messages import JSON

DEVICE_GRANT = "urn:ietf:params:oauth:grant-type:device_code"
_LETTERS = "BCDFGHJKLMNPQRSTVWXYZ23456789"


class People:
    """The grants for people, and who is at the keyboard."""

    def __init__(self, directory: Directory, behaviour: Behaviour, tokens: Tokens, random: Random, tenant_id: str) -> None:
        self._behaviour, self._tokens, self._random, self._tenant = behaviour, tokens, random, tenant_id
        self.consents = Consents(directory, behaviour)
        self.at_keyboard: User | None = None
        """Who sees the sign-in page."""
        self.agrees = True
        """Whether they consent when asked."""
        self._codes: dict[str, Code] = {}
        self._devices: dict[str, Device] = {}
        self._sessions: dict[str, tuple[Session, float]] = {}
        """By refresh token, with when that ends."""

    # --- in the browser ---

    def authorize(self, query: Mapping[str, str], host: str, now: float) -> dict[str, str]:
        """What the page sends to the client, once somebody has signed in. Raises Refused."""
        user = self.at_keyboard
        if user is None:
            raise LookupError("nobody is at the keyboard")
        client_id = query["client_id"]
        wanted, audience = self.consents.read(client_id, query["scope"], host)
        scopes = self._admit(user, client_id, wanted, now, agrees=self.agrees)
        session = Session(user, client_id, scopes, audience, nonce=query.get("nonce"))
        code = self._new_code(40)
        self._codes[code] = Code(session, query["redirect_uri"], query.get("code_challenge", ""), now + CODE_SECONDS)
        return {"code": code, "session_state": self._new_code(20)}

    def enter_code(self, user_code: str, user: User, now: float, *, agrees: bool = True) -> None:
        """Let somebody enter a device's code in a browser. Raises Refused."""
        device = next((each for each in self._devices.values() if each.user_code == user_code.strip().upper() and each.ends > now), None)
        if device is None:
            raise Refused(70018)
        if not agrees:
            device.declined = True
            return
        scopes = self._admit(user, device.client_id, device.scopes, now, agrees=True)
        device.session = Session(user, device.client_id, scopes, device.audience, by_device_code=True)

    # --- at the token endpoint ---

    def begin_device(self, form: Mapping[str, str], host: str, now: float) -> dict[str, JSON]:
        """A code for somebody to enter elsewhere. Raises Refused."""
        scopes, audience = self.consents.read(form["client_id"], form["scope"], host)
        device_code, user_code = self._new_code(60), self._new_code(9)
        self._devices[device_code] = Device(user_code, form["client_id"], scopes, audience, now + DEVICE_SECONDS)
        address = "https://microsoft.com/devicelogin"
        return {
            "user_code": user_code,
            "device_code": device_code,
            "verification_uri": address,
            "expires_in": int(DEVICE_SECONDS),
            "interval": 5,
            "message": f"To sign in, use a web browser to open the page {address} and enter the code {user_code} to authenticate.",
        }

    def grant(self, form: Mapping[str, str], now: float) -> dict[str, JSON]:
        """Tokens for what a client has in its hands. Raises Refused."""
        match form["grant_type"]:
            case "authorization_code":
                session = self._of_code(form, now)
            case "refresh_token":
                session = self._of_refresh_token(form, now)
            case _:
                session = self._of_device(form, now)
        if session.by_device_code and self._behaviour.device_code_blocked:
            raise Refused(53003)
        return self._answer(session, now, client_info="client_info" in form)

    def _of_code(self, form: Mapping[str, str], now: float) -> Session:
        code = self._codes.get(_field(form, "code"))
        if code is None or code.ends <= now or code.session.client_id != form["client_id"]:
            raise Refused(70008)
        if code.redeemed:
            raise Refused(54005)
        if _field(form, "redirect_uri") != code.redirect:
            raise Refused(50011, redirect=form["redirect_uri"])
        if code.challenge and _challenge(form.get("code_verifier", "")) != code.challenge:
            raise Refused(50148)
        code.redeemed = True
        return code.session

    def _of_refresh_token(self, form: Mapping[str, str], now: float) -> Session:
        session, ends = self._sessions.get(_field(form, "refresh_token"), (None, 0.0))
        if session is None or ends <= now or session.client_id != form["client_id"] or session.user.deleted:
            raise Refused(70008)
        wanted, audience = self.consents.read(
            form["client_id"], form.get("scope") or "https://graph.microsoft.com/.default", self._tokens.cloud
        )
        scopes = self.consents.granted(session.user, session.client_id, wanted)
        return Session(session.user, session.client_id, scopes, audience, session.by_device_code)

    def _of_device(self, form: Mapping[str, str], now: float) -> Session:
        device = self._devices.get(_field(form, "device_code"))
        if device is None or device.client_id != form["client_id"]:
            raise Refused(70018)
        if device.ends <= now:
            raise Refused(70020)
        if device.declined:
            raise Refused(65004)
        if device.session is None:
            raise Refused(70016)
        return device.session

    def _admit(self, user: User, client_id: str, wanted: frozenset[str], now: float, *, agrees: bool) -> frozenset[str]:
        """The scopes for somebody who has shown who they are. Raises Refused."""
        if self._behaviour.people_refused is not None:
            raise Refused(self._behaviour.people_refused, client=client_id, name=PUBLIC_CLIENTS[client_id].name)
        return self.consents.ask(user, client_id, wanted, now, agrees=agrees)

    def _answer(self, session: Session, now: float, *, client_info: bool) -> dict[str, JSON]:
        lifetime, user = self._behaviour.token_seconds, session.user
        refresh_token = self._new_code(80)
        self._sessions[refresh_token] = (session, now + REFRESH_SECONDS)
        answer: dict[str, JSON] = {
            "token_type": "Bearer",
            "scope": " ".join([*sorted(session.scopes), "email", "openid", "profile"]),
            "expires_in": lifetime,
            "ext_expires_in": lifetime,
            "access_token": self._tokens.for_person(user, session.client_id, session.scopes, session.audience, now, lifetime),
            "refresh_token": refresh_token,
            "id_token": self._tokens.id_token(user, session.client_id, session.nonce, now, lifetime),
        }
        if client_info:
            about = json.dumps({"uid": user.id, "utid": self._tenant})
            answer["client_info"] = base64.urlsafe_b64encode(about.encode()).decode().rstrip("=")
        return answer

    def _new_code(self, length: int) -> str:
        return "".join(self._random.choice(_LETTERS) for _ in range(length))


def _field(form: Mapping[str, str], name: str) -> str:
    if name not in form:
        raise Refused(900144, parameter=name)
    return form[name]


def _challenge(verifier: str) -> str:
    return base64.urlsafe_b64encode(sha256(verifier.encode()).digest()).decode().rstrip("=")
