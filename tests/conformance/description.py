"""Holds requests and answers against descriptions of Microsoft's services, those inside a `$batch` too.

`graph.openapi.yaml` is what the Worker may ask, and no more; `admin.openapi.yaml` adds what administrators may. Which of them holds, the
token of a request tells, or what is asked for at the login host.
"""

import base64
import binascii
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Literal, NotRequired, Protocol, TypeAlias, TypedDict, cast
from urllib.parse import parse_qsl, unquote, urlsplit

import yaml
from jsonschema_rs import Draft4Validator, ValidationError

JSON: TypeAlias = "dict[str, JSON] | list[JSON] | str | int | float | bool | None"
DESCRIPTION = Path(__file__).with_name("graph.openapi.yaml")
ADMIN_DESCRIPTION = Path(__file__).with_name("admin.openapi.yaml")
TOKEN = "/{tenant}/oauth2/v2.0/token"
Asker: TypeAlias = Literal["worker", "administrator"]


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
    """Raises Nonconforming unless Graph, or the login host, documents such a request."""
    asker = _asker(request)
    api, target = _place(asker, request.url)
    where = f"{request.method} {request.url}"
    if api == "login":
        form = parse_qsl(request.body.decode(), keep_blank_values=True)
        if len(dict(form)) < len(form):
            raise Nonconforming(f"{where}: a field is given twice")
        _check(asker, request.method, target, request.headers, {**dict(form)} or None, where)
        return
    _check_headers(description(asker)["x-required-headers"], request.headers, where)
    body = _parsed(request.body, where)
    _check(asker, request.method, target, request.headers, body, where)
    if target == "/$batch":
        _check_items(asker, _items(body))


def check_response(request: Request, response: Response) -> None:
    """Raises Nonconforming unless such an answer to this request, which conforms, is documented."""
    asker = _asker(request)
    _, target = _place(asker, request.url)
    where = f"{request.method} {request.url}"
    content_type = _header(response.headers, "content-type")
    if content_type.startswith("text/html"):
        answers = _operation(asker, request.method, target).answers
        if answers.get(str(response.status), _NO_ANSWER).content_type != "text/html":
            raise Nonconforming(f"{where}: no page is an answer to this")
        return
    body = _parsed(response.body, f"{where}: {response.status}")
    if body is not None and not content_type.startswith("application/json"):
        raise Nonconforming(f"{where}: the answer's content-type is not application/json")
    _check_answer(asker, request.method, target, response.status, body, where)
    if target == "/$batch" and response.status in (200, 424):
        items = {item["id"]: item for item in _items(_parsed(request.body, where))}
        answered = cast(dict[str, list[_Answer]], body)["responses"]  # the schema has held
        if sorted(items) != sorted(answer["id"] for answer in answered):
            raise Nonconforming("$batch: not every item is answered exactly once")
        for answer in answered:
            item = items[answer["id"]]
            _check_answer(
                asker, item["method"], item["url"], answer["status"], answer.get("body"), f"$batch: {item['method']} {item['url']}"
            )


@cache
def description(asker: Asker) -> "_Description":
    """What this one may ask and be answered: of administrators, whatever the Worker may, and more, or more widely."""
    common = cast(_Description, yaml.safe_load(DESCRIPTION.read_text()))
    if asker == "worker":
        return common
    own = cast(_Description, yaml.safe_load(ADMIN_DESCRIPTION.read_text()))
    paths = {path: common["paths"].get(path, {}) | own["paths"].get(path, {}) for path in common["paths"] | own["paths"]}
    schemas = cast(dict[str, JSON], common["components"]["schemas"]) | cast(dict[str, JSON], own["components"]["schemas"])
    return {**common, "paths": paths, "components": {**common["components"], "schemas": schemas}}


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
    required: NotRequired[bool]
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
class Content:
    """What a body is: a content type of "" stands for none."""

    content_type: str
    schema: Draft4Validator | None


_NO_ANSWER = Content("", None)


@dataclass(frozen=True)
class Operation:
    """One operation, ready to check with."""

    query: Mapping[str, Draft4Validator]
    headers: Mapping[str, str]
    body: Content
    body_optional: bool
    answers: Mapping[str, Content]


def _asker(request: Request) -> Asker:
    """A token with scopes is a person's; at the login host, apps alone have credentials."""
    if "/oauth2/v2.0/" in request.url.partition("?")[0]:
        return "worker" if "grant_type=client_credentials" in request.body.decode(errors="replace") else "administrator"
    parts = _header(request.headers, "authorization").split(".")
    try:
        claims = json.loads(base64.urlsafe_b64decode(parts[1] + "===")) if len(parts) == 3 else {}
    except (ValueError, binascii.Error):
        claims = {}
    return "administrator" if isinstance(claims, dict) and "scp" in claims else "worker"


def _check(asker: Asker, method: str, target: str, headers: Mapping[str, str], body: JSON, where: str) -> None:
    operation = _operation(asker, method, target)
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
    if operation.body.schema is None:
        if body is not None:
            raise Nonconforming(f"{where}: takes no body")
        return
    if body is None and operation.body_optional:
        return
    if not _header(headers, "content-type").startswith(operation.body.content_type):
        raise Nonconforming(f"{where}: its body needs content-type {operation.body.content_type}")
    _hold(operation.body.schema, body, where)


def _check_items(asker: Asker, items: "list[_Item]") -> None:
    ids = [item["id"].lower() for item in items]
    if len(set(ids)) < len(ids):
        raise Nonconforming("$batch: two items have the same id")
    for item in items:
        where = f"$batch: {item['method']} {item['url']}"
        if item["url"].startswith("/$batch") or not item["url"].startswith("/"):
            raise Nonconforming(f"{where}: cannot be an item")
        if _header(item.get("headers", {}), "authorization"):
            raise Nonconforming(f"{where}: the batch's own token is enough")
        _check(asker, item["method"], item["url"], item.get("headers", {}), item.get("body"), where)


def _check_answer(asker: Asker, method: str, target: str, status: int, body: JSON, where: str) -> None:
    answers = _operation(asker, method, target).answers
    where = f"{where}: {status}"
    if str(status) in answers:
        schema = answers[str(status)].schema
        if schema is None and body is not None:
            raise Nonconforming(f"{where} has no body")
        if schema is not None:
            _hold(schema, body, where)
    elif status >= 400 and (error := answers.get("default")) and error.schema:
        _hold(error.schema, body, where)
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


def _place(asker: Asker, url: str) -> tuple[str, str]:
    """Which API the URL belongs to, `graph` or `login`, and what of it comes below that API's root."""
    described = description(asker)
    for server in described["servers"]:
        if url.startswith(f"{server['url']}/"):
            return "graph", url.removeprefix(server["url"])
    for server in cast(list[dict[str, str]], described["paths"][TOKEN]["servers"]):
        if url.startswith(f"{server['url']}/"):
            return "login", url.removeprefix(server["url"])
    raise Nonconforming(f"{url}: neither an address of Graph v1.0 nor of the login host")


def _operation(asker: Asker, method: str, target: str) -> Operation:
    path = unquote(target.partition("?")[0])
    for template, pattern in _patterns(asker):
        if method.lower() in description(asker)["paths"][template] and pattern.fullmatch(path):
            return _compiled(asker, method.lower(), template)
    raise Nonconforming(f"{method} {target}: no such operation")


@cache
def _patterns(asker: Asker) -> list[tuple[str, re.Pattern[str]]]:
    paths = sorted(description(asker)["paths"], key=lambda path: path.count("{"))
    return [(path, re.compile(re.sub(r"\\{[^}]*\\}", r"[^/()$]+", re.escape(path)))) for path in paths]


@cache
def _compiled(asker: Asker, method: str, path: str) -> Operation:
    operation = cast(_Operation, description(asker)["paths"][path][method])
    parameters = {each["name"]: _validator(asker, each["schema"]) for each in operation.get("parameters", []) if each["in"] == "query"}
    return Operation(
        query=parameters,
        headers=operation.get("x-required-headers", {}),
        body=_content(asker, operation.get("requestBody", {})),
        body_optional=operation.get("requestBody", {}).get("required") is False,
        answers={status: _content(asker, answer) for status, answer in operation["responses"].items()},
    )


def _content(asker: Asker, content: _Content) -> Content:
    for content_type, media in content.get("content", {}).items():
        return Content(content_type, _validator(asker, cast(dict[str, JSON], media["schema"])))
    return Content("", None)


def _validator(asker: Asker, schema: dict[str, JSON]) -> Draft4Validator:
    whole = cast(dict[str, JSON], _strict({**schema, "components": description(asker)["components"]}))
    return Draft4Validator(whole, validate_formats=True)


def _strict(schema: JSON) -> JSON:
    """OpenAPI 3.0's `nullable` in JSON Schema's terms."""
    if isinstance(schema, list):
        return [_strict(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    plain = {key: _strict(value) for key, value in schema.items() if key != "nullable"}
    return {"anyOf": [plain, {"type": "null"}]} if schema.get("nullable") is True else plain
