"""Addresses of directory objects, as `members@odata.bind` and `@odata.id` hold them."""

import re

from simulator.entra.directory import is_guid
from simulator.messages import JSON, Refusal

_REFERENCE = re.compile(r"(https://[^/]+/v1\.0)/(?:directoryObjects|users|servicePrincipals|groups|devices)/([^/]+)")


def referenced(url: JSON, root: str) -> str:
    """The id of the object at an address below `root`, lower case; raises Refusal."""
    match = _REFERENCE.fullmatch(url) if isinstance(url, str) else None
    if not match or match[1] != root or not is_guid(match[2]):
        raise Refusal(400, "Request_BadRequest", "Unsupported resource type or invalid reference.")
    return match[2].lower()
