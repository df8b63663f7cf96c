"""What the faults that struck make of an answer."""

from collections.abc import Callable, Sequence
from dataclasses import replace

from simulator.behaviour import Behaviour
from simulator.faults import Fault
from simulator.messages import JSON, Answer, Dropped, Refusal, Response, as_json

_HTML = b"<!DOCTYPE html><html><head><title>Service unavailable</title></head><body>Try again later.</body></html>"
FOREIGN = "https://graph.microsoft.com.attacker.example/v1.0/groups?$skiptoken=x"


def spoil_response(response: Response | None, struck: Sequence[Fault], behaviour: Behaviour) -> Response:
    """The answer to a whole request as it arrives, None being one that was not worked on. Raises Dropped."""
    response = response or Response(200, {}, b"", behaviour.answer_seconds)
    for fault in struck:
        match fault.kind:
            case "drop" | "drop after":
                raise Dropped(f"the connection is lost, {'after' if fault.kind == 'drop after' else 'before'} the request took effect")
            case "status" | "status after":
                response = replace(response, status=fault.status, headers=dict(fault.headers), body=_error(fault.code, fault.message))
            case "expired token":
                body = _error("InvalidAuthenticationToken", "Lifetime validation failed, the token is expired.")
                response = replace(response, status=401, headers={}, body=body)
            case "slow":
                response = replace(response, delay=response.delay + fault.delay)
            case "redirect":
                response = replace(response, status=302, headers={"Location": FOREIGN}, body=b"")
            case "html":
                response = replace(response, status=fault.status, headers={"Content-Type": "text/html"}, body=_HTML)
            case "truncated":
                response = replace(response, body=response.body[: len(response.body) // 2])
            case "garbage":
                response = replace(response, body=b"\x00\xff<not json>")
            case "not an object":
                response = replace(response, body=b"[7]")
            case _:
                pass
    return response


def spoil_answer(answer: Answer, struck: Sequence[Fault], refuse: Callable[[Refusal], Answer], url: str) -> Answer:
    """The answer to one item of a batch; status 0 is no answer at all."""
    for fault in struck:
        match fault.kind:
            case "status" | "status after":
                answer = refuse(Refusal(fault.status, fault.code, fault.message, fault.headers))
            case "expired token":
                answer = refuse(Refusal(401, "InvalidAuthenticationToken", "Lifetime validation failed, the token is expired."))
            case "unanswered":
                answer = Answer(0)
            case "not an object":
                answer = replace(answer, body=[7])
            case "no value" | "foreign link" | "looping link" if isinstance(answer.body, dict) and "value" in answer.body:
                answer = replace(answer, body=_other_list(answer.body, fault.kind, url))
            case _:
                pass
    return answer


def _other_list(body: dict[str, JSON], kind: str, url: str) -> dict[str, JSON]:
    if kind == "no value":
        return {name: value for name, value in body.items() if name != "value"}
    return {**body, "@odata.nextLink": FOREIGN if kind == "foreign link" else url}


def _error(code: str, message: str) -> bytes:
    return as_json({"error": {"code": code, "message": message}})
