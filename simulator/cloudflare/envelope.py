"""How the API answers: the envelope of v4, its pages, its refusals, and what the edge answers in its place.

https://developers.cloudflare.com/fundamentals/api/reference/
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

from simulator.messages import JSON

T = TypeVar("T")

_PAGE = """<!DOCTYPE html>
<html lang="en-US"><head><title>{title} | api.cloudflare.com</title></head>
<body><h1>Error {code}</h1><h2>{title}</h2><p>Cloudflare Ray ID: {ray}</p></body></html>"""
_TITLES = {502: "Bad gateway", 503: "Service unavailable", 504: "Gateway time-out", 520: "Web server is returning an unknown error"}


@dataclass(slots=True)
class Answer:
    """What an operation answers; `result` goes into the envelope, a `bare` one stands alone."""

    result: JSON = None
    status: int = 200
    info: dict[str, JSON] | None = None
    messages: list[JSON] = field(default_factory=list)
    bare: bool = False
    without_result: bool = False


class Refused(Exception):
    """An operation ends in an error. `code` None: nobody has told which it is; `further` are errors after the first."""

    def __init__(
        self,
        status: int,
        code: int | None,
        message: str,
        *,
        chain: Sequence[tuple[int, str]] = (),
        further: Sequence[tuple[int, str]] = (),
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(message)
        self.status, self.code, self.message = status, code, message
        self.chain, self.further, self.headers = chain, further, dict(headers or {})


def success(answer: Answer) -> JSON:
    """The body of a success."""
    if answer.bare:
        return answer.result
    body: dict[str, JSON] = {} if answer.without_result else {"result": answer.result}
    body |= {"success": True, "errors": [], "messages": answer.messages}
    if answer.info is not None:
        body["result_info"] = answer.info
    return body


def failure(refused: Refused, unknown_code: int | None) -> JSON:
    """The body of a refusal; `unknown_code` stands where it has none."""
    code = unknown_code if refused.code is None else refused.code
    first: dict[str, JSON] = {"message": refused.message} if code is None else {"code": code, "message": refused.message}
    if refused.chain:
        first["error_chain"] = [{"code": number, "message": text} for number, text in refused.chain]
    further: list[JSON] = [{"code": number, "message": text} for number, text in refused.further]
    return {"result": None, "success": False, "errors": [first, *further], "messages": []}


def error_page(code: int, ray: str) -> str:
    """The HTML of the edge."""
    title = "You are being rate limited" if code == 1015 else _TITLES.get(code, "Something went wrong")
    return _PAGE.format(code=code, title=title, ray=ray)


def cut(entries: Sequence[T], page: int, per_page: int) -> tuple[Sequence[T], dict[str, JSON]]:
    """One page of them, and its `result_info`."""
    part = entries[(page - 1) * per_page : page * per_page]
    total = -(-len(entries) // per_page)
    return part, {"page": page, "per_page": per_page, "count": len(part), "total_count": len(entries), "total_pages": total}
