"""What the faults that struck make of an answer, whichever service gives it."""

import json
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import NamedTuple

from simulator.faults import Fault
from simulator.messages import JSON, Dropped, Refusal, Response, as_json

_HTML = b"<!DOCTYPE html><html><head><title>Service unavailable</title></head><body>Try again later.</body></html>"
_GARBAGE = b"\x00\xff<not json>"


class Manner(NamedTuple):
    """What is a service's own in the answers that faults spoil."""

    expired: Refusal
    """What it says to a token that is not accepted."""
    elsewhere: str
    """An address on a host that only looks like one of its own."""
    entries: str
    """The property that holds a list's entries."""
    next_link: str | None
    """The property with the address of a list's next page, None where lists have no such thing."""


def spoil_response(
    response: Response, struck: Sequence[Fault], manner: Manner, refuse: Callable[[Refusal], Response], url: str
) -> Response:
    """The answer to the request for `url` as it arrives; `refuse` puts an error into the service's form. Raises Dropped."""
    for fault in struck:
        match fault.kind:
            case "drop" | "drop after":
                raise Dropped(f"the connection is lost, {'after' if fault.kind == 'drop after' else 'before'} the request took effect")
            case "status" | "status after":
                refusal = Refusal(fault.status, fault.code, fault.message, fault.headers)
                response = replace(refuse(refusal), delay=response.delay)
            case "expired token":
                response = replace(refuse(manner.expired), delay=response.delay)
            case "slow":
                response = replace(response, delay=response.delay + fault.delay)
            case "redirect":
                response = replace(response, status=302, headers={"Location": manner.elsewhere}, body=b"")
            case "html":
                response = replace(response, status=fault.status, headers={"Content-Type": "text/html"}, body=_HTML)
            case "truncated":
                response = replace(response, body=response.body[: len(response.body) // 2])
            case "garbage":
                response = replace(response, body=_GARBAGE)
            case "not an object":
                response = replace(response, body=b"[7]")
            case "unanswered":
                response = replace(response, body=b"")
            case "no value" | "foreign link" | "looping link":
                with suppress(ValueError):  # an earlier fault may have left nothing that can be read
                    response = replace(response, body=as_json(_other_list(json.loads(response.body), fault, manner, url)))
    return response


def _other_list(body: JSON, fault: Fault, manner: Manner, url: str) -> JSON:
    if not isinstance(body, dict) or manner.entries not in body:
        return body
    if fault.kind == "no value":
        return {name: value for name, value in body.items() if name != manner.entries}
    if manner.next_link is None:
        return body
    return {**body, manner.next_link: manner.elsewhere if fault.kind == "foreign link" else url}
