"""How the login host refuses."""

from collections.abc import Mapping
from datetime import UTC, datetime
from random import Random
from string import Template
from uuid import UUID

from simulator.entra.microsoft_graph import APP_ID
from simulator.entra.sign_in_errors import SignInError, sign_in_error
from simulator.messages import JSON, Response, as_json


class Refused(Exception):
    """Nobody is signed in, for the reason of this AADSTS number; `message` in place of the usual one, `facts` for what it names."""

    def __init__(self, code: int, message: str | None = None, **facts: str) -> None:
        super().__init__(f"AADSTS{code}")
        usual = sign_in_error(code)
        self.code, self.facts = code, {"resource": APP_ID, "name": "", **facts}
        self.looks = usual if message is None else SignInError(usual.status, usual.error, message)

    @property
    def message(self) -> str:
        """What it says."""
        return f"AADSTS{self.code}: {Template(self.looks.message).safe_substitute(self.facts)}"


def answer(refused: Refused, cloud: str, now: float, random: Random) -> Response:
    """The refusal as JSON (https://learn.microsoft.com/entra/identity-platform/reference-error-codes)."""
    trace, correlation = (str(UUID(int=random.getrandbits(128), version=4)) for _ in range(2))
    stamp = datetime.fromtimestamp(now, UTC).strftime("%Y-%m-%d %H:%M:%SZ")
    body: JSON = {
        "error": refused.looks.error,
        "error_description": f"{refused.message}\r\nTrace ID: {trace}\r\nCorrelation ID: {correlation}\r\nTimestamp: {stamp}",
        "error_codes": [refused.code],
        "timestamp": stamp,
        "trace_id": trace,
        "correlation_id": correlation,
        "error_uri": f"https://{cloud}/error?code={refused.code}",
    }
    return json_response(refused.looks.status, body)


def json_response(status: int, body: JSON, headers: Mapping[str, str] | None = None) -> Response:
    """JSON that nobody may keep."""
    common = {"Content-Type": "application/json; charset=utf-8", "Cache-Control": "no-store, no-cache"}
    return Response(status, {**common, **(headers or {})}, as_json(body))
