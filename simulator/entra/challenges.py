"""Continuous access evaluation: Graph wants a newer sign-in than a token's (https://learn.microsoft.com/entra/identity-platform/app-resilience-continuous-access-evaluation)."""

import base64
from typing import Literal

from simulator.faults import Fault


def claims_challenge(
    code: Literal["TokenIssuedBeforeRevocationTimestamp", "LocationConditionEvaluationSatisfied"] = "TokenIssuedBeforeRevocationTimestamp",
    method: str = "*",
    path: str = "*",
    *,
    skip: int = 0,
    times: int | None = None,
) -> Fault:
    """Lets Graph refuse tokens with 401 and the claims that another one must have, which no cache can give.

    Codes as in https://github.com/Azure/azure-cli/issues/24684 and #31777.
    """
    claims = base64.b64encode(b'{"access_token":{"nbf":{"essential":true,"value":"1790000000"}}}').decode()
    challenge = (
        'Bearer realm="", authorization_uri="https://login.microsoftonline.com/common/oauth2/authorize", '
        f'error="insufficient_claims", claims="{claims}"'
    )
    message = f"Continuous access evaluation resulted in challenge with result: InteractionRequired and code: {code}"
    headers = {"WWW-Authenticate": challenge}
    return Fault("status", method, path, 401, "InvalidAuthenticationToken", message, headers, skip=skip, times=times)
