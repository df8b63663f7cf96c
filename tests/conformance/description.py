"""Holds requests and answers against `graph.openapi.yaml`, those inside a `$batch` too."""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import NotRequired, Protocol, TypeAlias, TypedDict, cast
from urllib.parse import parse_qsl, unquote, urlsplit

import yaml
from jsonschema_rs import Draft4Validator, ValidationError

JSON: TypeAlias = "dict[str, JSON] | list[JSON] | str | int | float | bool | None"
DESCRIPTION = Path(__file__).with_name("graph.openapi.yaml")
TOKEN = "/{tenant}/oauth2/v2.0/token"


class Request(Protocol):
    """What is checked of a request; `url` is absolute."""

    @property
    def method(self) -> str: ...
    @property
    def url(self) -> str: ...
    @property
    def headers(self) -> Mapping[str, str]: ...
    @property
    def body(self) -> bytes: ...


class Response(Protocol):
    """What is checked of a response."""

    @property
    def status(self) -> int: ...
    @property
    def headers(self) -> Mapping[str, str]: ...
    @property
    def body(self) -> bytes: ...


class Nonconforming(AssertionError):
    """A request or an answer is not as the description has it."""


def check_request(request: Request) -> None:
    """Raises Nonconforming unless Graph, or the token endpoint, documents such a request."""
    kind, target = _place(request.url)
    where = f"{request.method} {request.url}"
    if kind == "token":
        form = parse_qsl(request.body.decode(), keep_blank_values=True)
        if len(dict(form)) < len(form):
            raise Nonconforming(f"{where}: a field is given twice")
        _check(request.method, target, request.headers, {**dict(form)}, where)
        return
    _check_headers(_description()["x-required-headers"], request.headers, where)
    body = _parsed(request.body, where)
    _check(request.method, target, request.headers, body, where)
    if target == "/$batch":
        _check_items(_items(body))


def check_response(request: Request, response: Response) -> None:
    """Raises Nonconforming unless such an answer to this request, which conforms, is documented."""
    _, target = _place(request.url)
    where = f"{request.method} {request.url}"
    body = _parsed(response.body, f"{where}: {response.status}")
    if body is not None and not _header(response.headers, "content-type").startswith("application/json"):
        raise Nonconforming(f"{where}: the answer's content-type is not application/json")
    _check_answer(request.method, target, response.status, body, where)
    if target == "/$batch" and response.status in (200, 424):
        items = {item["id"]: item for item in _items(_parsed(request.body, where))}
        answers = cast(dict[str, list[_Answer]], body)["responses"]  # the schema has held
        if sorted(items) != sorted(answer["id"] for answer in answers):
            raise Nonconforming("$batch: not every item is answered exactly once")
        for answer in answers:
            item = items[answer["id"]]
            _check_answer(item["method"], item["url"], answer["status"], answer.get("body"), f"$batch: {item['method']} {item['url']}")


class _Item(TypedDict):
    id: str
    method: str
    url: str
    headers: NotRequired[dict[str, str]]
    body: NotRequired[JSON]


class _Answer(TypedDict):
    id: str
    status: int
    body: NotRequired[JSON]


class _Content(TypedDict):
    content: NotRequired[dict[str, dict[str, JSON]]]


_Parameter = TypedDict("_Parameter", {"name": str, "in": str, "schema": dict[str, JSON]})
_Operation = TypedDict(
    "_Operation",
    {
        "parameters": NotRequired[list[_Parameter]],
        "x-required-headers": NotRequired[dict[str, str]],
        "requestBody": NotRequired[_Content],
        "responses": dict[str, _Content],
    },
)
_Description = TypedDict(
    "_Description",
    {
        "servers": list[dict[str, str]],
        "x-required-headers": dict[str, str],
        "paths": dict[str, dict[str, JSON]],
        "components": dict[str, JSON],
    },
)


@dataclass(frozen=True)
class Operation:
    """One operation, ready to check with; a content type of "" stands for no body."""

    query: Mapping[str, Draft4Validator]
    headers: Mapping[str, str]
    content_type: str
    body: Draft4Validator | None
    answers: Mapping[str, Draft4Validator | None]


def _check(method: str, target: str, headers: Mapping[str, str], body: JSON, where: str) -> None:
    operation = _operation(method, target)
    given = parse_qsl(urlsplit(target).query, keep_blank_values=True)
    if len(dict(given)) < len(given):
        raise Nonconforming(f"{where}: a parameter is given twice")
    for name, text in given:
        if name == "$skiptoken":
            continue  # belongs to a next link, which is opaque
        if name not in operation.query:
            raise Nonconforming(f"{where}: no parameter {name}")
        _hold(operation.query[name], _typed(text), f"{where}: {name}")
    _check_headers(operation.headers, headers, where)
    if operation.body is None:
        if body is not None:
            raise Nonconforming(f"{where}: takes no body")
        return
    if not _header(headers, "content-type").startswith(operation.content_type):
        raise Nonconforming(f"{where}: its body needs content-type {operation.content_type}")
    _hold(operation.body, body, where)


def _check_items(items: "list[_Item]") -> None:
    ids = [item["id"].lower() for item in items]
    if len(set(ids)) < len(ids):
        raise Nonconforming("$batch: two items have the same id")
    for item in items:
        where = f"$batch: {item['method']} {item['url']}"
        if item["url"].startswith("/$batch") or not item["url"].startswith("/"):
            raise Nonconforming(f"{where}: cannot be an item")
        if _header(item.get("headers", {}), "authorization"):
            raise Nonconforming(f"{where}: the batch's own token is enough")
        _check(item["method"], item["url"], item.get("headers", {}), item.get("body"), where)


def _check_answer(method: str, target: str, status: int, body: JSON, where: str) -> None:
    answers = _operation(method, target).answers
    where = f"{where}: {status}"
    if str(status) in answers:
        validator = answers[str(status)]
        if validator is None and body is not None:
            raise Nonconforming(f"{where} has no body")
        if validator is not None:
            _hold(validator, body, where)
    elif status >= 400 and (error := answers.get("default")):
        _hold(error, body, where)
    else:
        raise Nonconforming(f"{where} is no answer to this")


def _check_headers(required: Mapping[str, str], headers: Mapping[str, str], where: str) -> None:
    for name, pattern in required.items():
        if not re.fullmatch(pattern, _header(headers, name)):
            raise Nonconforming(f"{where}: the header {name} is {'not as required' if _header(headers, name) else 'missing'}")


def _header(headers: Mapping[str, str], name: str) -> str:
    return next((value for key, value in headers.items() if key.lower() == name.lower()), "")


def _parsed(body: bytes, where: str) -> JSON:
    try:
        parsed: JSON = json.loads(body) if body else None
    except ValueError:
        raise Nonconforming(f"{where}: the body is no JSON") from None
    return parsed


def _items(batch: JSON) -> list[_Item]:
    return cast(dict[str, list[_Item]], batch)["requests"]  # the schema has held


def _typed(text: str) -> JSON:
    return int(text) if text.isdecimal() and len(text) < 19 else {"true": True, "false": False}.get(text, text)


def _hold(validator: Draft4Validator, value: JSON, where: str) -> None:
    try:
        validator.validate(value)
    except ValidationError as error:
        raise Nonconforming(f"{where}: {'/'.join(map(str, error.instance_path))} {error.message}") from None


def _place(url: str) -> tuple[str, str]:
    """Which API the URL belongs to, `graph` or `token`, and what of it comes below that API's root."""
    description = _description()
    for server in description["servers"]:
        if url.startswith(f"{server['url']}/"):
            return "graph", url.removeprefix(server["url"])
    for server in cast(list[dict[str, str]], description["paths"][TOKEN]["servers"]):
        if url.startswith(f"{server['url']}/"):
            return "token", url.removeprefix(server["url"])
    raise Nonconforming(f"{url}: neither an address of Graph v1.0 nor of the token endpoint")


def _operation(method: str, target: str) -> Operation:
    path = unquote(target.partition("?")[0])
    for template, pattern in _patterns():
        operation = _operations().get((method, template))
        if operation and pattern.fullmatch(path):
            return operation
    raise Nonconforming(f"{method} {target}: no such operation")


@cache
def _patterns() -> list[tuple[str, re.Pattern[str]]]:
    paths = sorted(_description()["paths"], key=lambda path: path.count("{"))
    return [(path, re.compile(re.sub(r"\\{[^}]*\\}", r"[^/()$]+", re.escape(path)))) for path in paths]


@cache
def _operations() -> dict[tuple[str, str], Operation]:
    return {
        (method.upper(), path): _compile(cast(_Operation, operation))
        for path, operations in _description()["paths"].items()
        for method, operation in operations.items()
        if method != "servers"
    }


def _compile(operation: _Operation) -> Operation:
    parameters = {each["name"]: _validator(each["schema"]) for each in operation.get("parameters", []) if each["in"] == "query"}
    content_type, schema = next(_contents(operation.get("requestBody", {})), ("", None))
    answers = {status: next(_contents(answer), ("", None))[1] for status, answer in operation["responses"].items()}
    return Operation(
        query=parameters,
        headers=operation.get("x-required-headers", {}),
        content_type=content_type,
        body=_validator(schema) if schema is not None else None,
        answers={status: _validator(schema) if schema is not None else None for status, schema in answers.items()},
    )


def _contents(content: _Content) -> Iterator[tuple[str, dict[str, JSON]]]:
    for content_type, media in content.get("content", {}).items():
        yield content_type, cast(dict[str, JSON], media["schema"])


def _validator(schema: dict[str, JSON]) -> Draft4Validator:
    whole = cast(dict[str, JSON], _strict({**schema, "components": _description()["components"]}))
    return Draft4Validator(whole, validate_formats=True)


def _strict(schema: JSON) -> JSON:
    """OpenAPI 3.0's `nullable` in JSON Schema's terms."""
    if isinstance(schema, list):
        return [_strict(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    plain = {key: _strict(value) for key, value in schema.items() if key != "nullable"}
    return {"anyOf": [plain, {"type": "null"}]} if schema.get("nullable") is True else plain


@cache
def _description() -> _Description:
    return cast(_Description, yaml.safe_load(DESCRIPTION.read_text()))
