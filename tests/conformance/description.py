"""Holds requests and answers against `graph.openapi.yaml`, those inside a `$batch` too."""

import json
import re
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import NotRequired, Protocol, TypeAlias, TypedDict, cast
from urllib.parse import parse_qsl, urlsplit

import yaml
from jsonschema import Draft4Validator

JSON: TypeAlias = "dict[str, JSON] | list[JSON] | str | int | float | bool | None"
DESCRIPTION = Path(__file__).with_name("graph.openapi.yaml")


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


class _Operation(TypedDict):
    parameters: NotRequired[list[_Parameter]]
    requestBody: NotRequired[_Content]
    responses: dict[str, _Content]


class _Path(TypedDict, total=False):
    servers: list[dict[str, str]]
    get: _Operation
    post: _Operation
    patch: _Operation
    delete: _Operation


class _Description(TypedDict):
    servers: list[dict[str, str]]
    paths: dict[str, _Path]
    components: dict[str, JSON]


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
    def body(self) -> bytes: ...


class Nonconforming(AssertionError):
    """A request or an answer is not as the description has it."""


def check_request(request: Request) -> None:
    """Raises Nonconforming unless Graph documents such a request."""
    if _is_token(request.url):
        if request.method != "POST":
            raise Nonconforming("a token takes a POST")
        form = parse_qsl(request.body.decode(), keep_blank_values=True)
        if len(dict(form)) < len(form):
            raise Nonconforming("a field of the token request is given twice")
        _hold({"$ref": "#/components/schemas/tokenRequest"}, {**dict(form)}, "token request")
        return
    parts = urlsplit(request.url)
    root = f"{parts.scheme}://{parts.netloc}/v1.0"
    if root not in [server["url"] for server in _description()["servers"]] or not parts.path.startswith("/v1.0/"):
        raise Nonconforming(f"{request.method} {request.url}: not an address of Graph v1.0")
    target = request.url.removeprefix(root)
    _check(request.method, target, request.headers, json.loads(request.body) if request.body else None)


def check_response(request: Request, response: Response) -> None:
    """Raises Nonconforming unless Graph documents such an answer to this request."""
    if _is_token(request.url):
        kind = "token" if response.status == 200 else "tokenError"
        _hold({"$ref": f"#/components/schemas/{kind}"}, json.loads(response.body), f"token: {response.status}")
        return
    target = request.url.split("/v1.0", 1)[1]
    try:
        body: JSON = json.loads(response.body) if response.body else None
    except ValueError:
        raise Nonconforming(f"{request.method} {target}: {response.status} holds no JSON") from None
    _check_answer(request.method, target, response.status, body)
    if urlsplit(target).path == "/$batch" and response.status in (200, 424):
        items = {item["id"]: item for item in cast(dict[str, list[_Item]], json.loads(request.body))["requests"]}
        for answer in cast(dict[str, list[_Answer]], body)["responses"]:  # the schema has held
            if answer["id"] not in items:
                raise Nonconforming(f"$batch answers {answer['id']!r}, which was not asked")
            item = items[answer["id"]]
            _check_answer(item["method"], item["url"], answer["status"], answer.get("body"))


def _check(method: str, target: str, headers: Mapping[str, str], body: JSON) -> None:
    operation = _operation(method, target)
    parameters = {each["name"]: each["schema"] for each in operation.get("parameters", []) if each["in"] == "query"}
    for name, text in parse_qsl(urlsplit(target).query, keep_blank_values=True):
        if name == "$skiptoken":
            continue  # belongs to a next link, which is opaque
        if name not in parameters:
            raise Nonconforming(f"{method} {target}: no parameter {name}")
        value: JSON = int(text) if parameters[name]["type"] == "integer" and text.isdigit() else text
        if parameters[name]["type"] == "boolean":
            value = {"true": True, "false": False}.get(text, text)
        _hold(parameters[name], value, f"{method} {target}: {name}")
    wanted = operation.get("requestBody")
    if wanted is None:
        if body is not None:
            raise Nonconforming(f"{method} {target}: takes no body")
        return
    kind = next((value for name, value in headers.items() if name.lower() == "content-type"), "")
    if not kind.startswith("application/json"):
        raise Nonconforming(f"{method} {target}: a body needs content-type application/json")
    _hold(wanted["content"]["application/json"]["schema"], body, f"{method} {target}")
    if urlsplit(target).path == "/$batch" and isinstance(body, dict):
        requests = cast(list[_Item], body["requests"])  # the schema has held
        ids = [item["id"].lower() for item in requests]
        if len(set(ids)) < len(ids):
            raise Nonconforming("$batch: two items have the same id")
        for item in requests:
            if urlsplit(item["url"]).path == "/$batch" or not item["url"].startswith("/"):
                raise Nonconforming(f"$batch: {item['url']} cannot be an item")
            _check(item["method"], item["url"], item.get("headers", {}), item.get("body"))


def _check_answer(method: str, target: str, status: int, body: JSON) -> None:
    responses = _operation(method, target)["responses"]
    if str(status) in responses:
        content = responses[str(status)].get("content")
        if content is None and body is not None:
            raise Nonconforming(f"{method} {target}: {status} has no body")
        if content is not None:
            _hold(content["application/json"]["schema"], body, f"{method} {target}: {status}")
    elif status >= 400:
        _hold({"$ref": "#/components/schemas/error"}, body, f"{method} {target}: {status}")
    else:
        raise Nonconforming(f"{method} {target}: no answer {status}")


def _is_token(url: str) -> bool:
    path = _description()["paths"]["/{tenant}/oauth2/v2.0/token"]
    return any(re.fullmatch(re.escape(server["url"]) + r"/[^/?]+/oauth2/v2\.0/token", url) for server in path["servers"])


def _operation(method: str, target: str) -> _Operation:
    path = urlsplit(target).path
    for template, pattern in _patterns():
        operations = _description()["paths"][template]
        if pattern.fullmatch(path) and method.lower() in operations:
            return cast(dict[str, _Operation], operations)[method.lower()]
    raise Nonconforming(f"{method} {target}: no such operation")


@cache
def _patterns() -> list[tuple[str, re.Pattern[str]]]:
    paths = sorted(_description()["paths"], key=lambda path: path.count("{"))
    return [(path, re.compile(re.sub(r"\\{[^}]*\\}", r"[^/()$]+", re.escape(path)))) for path in paths]


@cache
def _description() -> _Description:
    return cast(_Description, yaml.safe_load(DESCRIPTION.read_text()))


@cache
def _compiled(schema: str) -> Draft4Validator:
    return Draft4Validator(cast(dict[str, JSON], _strict({**json.loads(schema), "components": _description()["components"]})))


def _strict(schema: JSON) -> JSON:
    """OpenAPI 3.0's `nullable` in JSON Schema's terms."""
    if isinstance(schema, list):
        return [_strict(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    plain = {key: _strict(value) for key, value in schema.items() if key != "nullable"}
    return {"anyOf": [plain, {"type": "null"}]} if schema.get("nullable") is True else plain


def _hold(schema: JSON, value: JSON, where: str) -> None:
    for error in _compiled(json.dumps(schema, sort_keys=True)).iter_errors(value):
        raise Nonconforming(f"{where}: {'/'.join(map(str, error.absolute_path))} {error.message}")
