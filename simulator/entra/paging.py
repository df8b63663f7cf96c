"""Lists in pages (https://learn.microsoft.com/graph/paging)."""

import re
from collections.abc import Mapping, Sequence

from simulator.entra.answers import Answer
from simulator.entra.behaviour import Behaviour
from simulator.entra.call import Call
from simulator.entra.odata import invalid_filter
from simulator.messages import JSON, Refusal

_PAGE_SIZE = re.compile(r"[1-9][0-9]{0,5}", re.ASCII)
_SKIP_TOKEN = re.compile(r"RFNwdAIAAQ\+([0-9]{1,9})\+AAAA=")
_LIST_OPTIONS = {"$filter", "$select", "$top", "$skiptoken"}


def page_size(call: Call, behaviour: Behaviour, default: int, most: int) -> int:
    """How many entries a page holds; raises Refusal, also for options that the lists here do not take."""
    for name in call.query:
        if name.startswith("$") and name not in _LIST_OPTIONS:
            raise Refusal(400, "Request_UnsupportedQuery", f"The query option '{name}' is not supported.")
    text = call.query.get("$top")
    if text is None:
        return default
    if not _PAGE_SIZE.fullmatch(text):
        raise Refusal(400, "BadRequest", "Invalid page size specified.")
    if int(text) > most and behaviour.top_beyond_maximum == "error":
        raise Refusal(400, "BadRequest", f"Invalid page size specified: '{text}'. Must be between 1 and {most} inclusive.")
    return max(1, min(int(text) // behaviour.page_part, most, behaviour.page_at_most))


def position(call: Call) -> int:
    """Where the page begins, as the next link to it said; raises Refusal for a token that is not ours."""
    token = call.query.get("$skiptoken")
    if token is None:
        return 0
    match = _SKIP_TOKEN.fullmatch(token)
    if not match:
        raise invalid_filter()
    return int(match[1])


def page(call: Call, context: str, entries: Sequence[Mapping[str, JSON]], following: int | None, units: float) -> Answer:
    """A page, and the link to the one at the position `following`, if any. The link keeps the query, as Graph's do."""
    body: dict[str, JSON] = {"@odata.context": f"{call.root}/$metadata#{context}", "value": [dict(entry) for entry in entries]}
    if following is not None:
        kept = "".join(f"{name}={_escaped(value)}&" for name, value in call.query.items() if name != "$skiptoken")
        body["@odata.nextLink"] = f"{call.root}{call.path}?{kept}$skiptoken=RFNwdAIAAQ%2b{following}%2bAAAA%3d"
    return Answer(200, body, resource_units=units)


def _escaped(value: str) -> str:
    for character, escape in (("%", "%25"), (" ", "%20"), ("'", "%27"), ("&", "%26"), ("+", "%2b"), ("#", "%23")):
        value = value.replace(character, escape)
    return value
