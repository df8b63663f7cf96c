"""What the faults that struck make of an answer."""

import json
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import TypeAlias

from simulator.faults import Fault
from simulator.messages import JSON, Answer, Dropped, Refusal, Response, as_json

FOREIGN = "https://graph.microsoft.com.attacker.example/v1.0/groups?$skiptoken=x"

_HTML = "<!DOCTYPE html><html><head><title>Service unavailable</title></head><body>Try again later.</body></html>"
_GARBAGE = b"\x00\xff<not json>"

RefuseWhole: TypeAlias = Callable[[Refusal], Response]
RefuseItem: TypeAlias = Callable[[Refusal], Answer]


def spoil_response(response: Response, struck: Sequence[Fault], refuse: RefuseWhole, url: str) -> Response:
    """The answer to a whole request as it arrives. Raises Dropped."""
    for fault in struck:
        match fault.kind:
            case "drop" | "drop after":
                raise _dropped(fault)
            case "status" | "status after" | "expired token":
                response = replace(refuse(_refusal(fault)), delay=response.delay)
            case "slow":
                response = replace(response, delay=response.delay + fault.delay)
            case "redirect":
                response = replace(response, status=302, headers={"Location": FOREIGN}, body=b"")
            case "html":
                response = replace(response, status=fault.status, headers={"Content-Type": "text/html"}, body=_HTML.encode())
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
                    response = replace(response, body=as_json(_other_list(json.loads(response.body), fault, url)))
    return response


def spoil_answer(answer: Answer, struck: Sequence[Fault], refuse: RefuseItem, url: str) -> Answer:
    """The answer to one item of a batch; status 0 is no answer at all. Raises Dropped."""
    for fault in struck:
        match fault.kind:
            case "drop" | "drop after":
                raise _dropped(fault)
            case "status" | "status after" | "expired token":
                answer = refuse(_refusal(fault))
            case "slow":
                answer = replace(answer, delay=answer.delay + fault.delay)
            case "redirect":
                answer = replace(answer, status=302, headers={"Location": FOREIGN}, body=None)
            case "html":
                answer = replace(answer, status=fault.status, body=_HTML)
            case "truncated":
                text = as_json(answer.body)
                answer = replace(answer, body=text[: len(text) // 2].decode())
            case "garbage":
                answer = replace(answer, body=_GARBAGE.decode(errors="replace"))
            case "not an object":
                answer = replace(answer, body=[7])
            case "unanswered":
                answer = replace(answer, status=0)
            case "no value" | "foreign link" | "looping link":
                answer = replace(answer, body=_other_list(answer.body, fault, url))
    return answer


def _dropped(fault: Fault) -> Dropped:
    return Dropped(f"the connection is lost, {'after' if fault.kind == 'drop after' else 'before'} the request took effect")


def _refusal(fault: Fault) -> Refusal:
    if fault.kind == "expired token":
        return Refusal(401, "InvalidAuthenticationToken", "Lifetime validation failed, the token is expired.")
    return Refusal(fault.status, fault.code, fault.message, fault.headers)


def _other_list(body: JSON, fault: Fault, url: str) -> JSON:
    if not isinstance(body, dict) or "value" not in body:
        return body
    if fault.kind == "no value":
        return {name: value for name, value in body.items() if name != "value"}
    return {**body, "@odata.nextLink": FOREIGN if fault.kind == "foreign link" else url}
