"""Holds requests and answers against `cloudflare.openapi.yaml`."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import NotRequired, TypeAlias, TypedDict, cast
from urllib.parse import parse_qsl, unquote, urlsplit

import yaml
from jsonschema_rs import Draft4Validator, ValidationError

from tests.conformance.description import Nonconforming, Request, Response

JSON: TypeAlias = "dict[str, JSON] | list[JSON] | str | int | float | bool | None"
DESCRIPTION = Path(__file__).parents[1] / "cloudflare.openapi.yaml"
METHODS = ("get", "post", "put", "patch", "delete")

_Parameter = TypedDict("_Parameter", {"name": str, "in": str, "required": NotRequired[bool], "schema": dict[str, JSON]})


class _Content(TypedDict):
    content: NotRequired[dict[str, dict[str, JSON]]]


class _Operation(TypedDict):
    parameters: NotRequired[list[dict[str, JSON]]]
    requestBody: NotRequired[_Content]
    responses: dict[str, dict[str, JSON]]


@dataclass(frozen=True)
class Operation:
    """One operation, ready to check with; answers by status and content type."""

    query: Mapping[str, _Parameter]
    body: Draft4Validator | None
    answers: Mapping[str, Mapping[str, Draft4Validator]]


def check_request(request: Request) -> None:
    """Raises Nonconforming unless such a request is described."""
    where, operation = _operation(request)
    for name, pattern in _description("x-required-headers").items():
        if not re.fullmatch(str(pattern), _header(request.headers, name)):
            raise Nonconforming(f"{where}: the header {name} is missing or not as required")
    given: dict[str, list[str]] = {}
    for name, text in parse_qsl(urlsplit(request.url).query, keep_blank_values=True):
        given.setdefault(name, []).append(text)
    for name, texts in given.items():
        _check_parameter(operation, name, texts, where)
    if missing := [name for name, parameter in operation.query.items() if parameter.get("required") and name not in given]:
        raise Nonconforming(f"{where}: without the parameter {missing[0]}")
    if operation.body is None:
        if request.body:
            raise Nonconforming(f"{where}: takes no body")
        return
    if not _header(request.headers, "content-type").startswith("application/json"):
        raise Nonconforming(f"{where}: its body needs content-type application/json")
    _hold(operation.body, _parsed(request.body, where), where)


def check_response(request: Request, response: Response) -> None:
    """Raises Nonconforming unless such an answer to this request, which conforms, is described."""
    where, operation = _operation(request)
    where = f"{where}: {response.status}"
    status = str(response.status)
    described = operation.answers.get(status) or operation.answers.get(f"{status[0]}XX")
    content_type = _header(response.headers, "content-type").partition(";")[0]
    if described is None or content_type not in described:
        raise Nonconforming(f"{where} {content_type} is no answer to this")
    json_body = content_type == "application/json"
    _hold(described[content_type], _parsed(response.body, where) if json_body else response.body.decode(), where)


def resolved(node: JSON) -> JSON:
    """A node, or what it refers to."""
    if isinstance(node, dict) and isinstance(reference := node.get("$ref"), str):
        found: JSON = cast(JSON, _whole())
        for part in reference.removeprefix("#/").split("/"):
            found = cast(dict[str, JSON], found)[part]
        return found
    return node


def operations() -> dict[tuple[str, str], dict[str, JSON]]:
    """Every operation by method and path, as described."""
    paths = cast(dict[str, dict[str, dict[str, JSON]]], _description("paths"))
    return {(method, path): each[method] for path, each in paths.items() for method in METHODS if method in each}


def _check_parameter(operation: Operation, name: str, texts: list[str], where: str) -> None:
    parameter = operation.query.get(name)
    if parameter is None:
        raise Nonconforming(f"{where}: no parameter {name}")
    several = parameter["schema"].get("type") == "array"
    if len(texts) > 1 and not several:
        raise Nonconforming(f"{where}: {name} is given twice")
    value: JSON = [*texts] if several else _typed(texts[0], str(cast(dict[str, JSON], resolved(parameter["schema"]))["type"]))
    _hold(_validator(parameter["schema"]), value, f"{where}: {name}")


def _operation(request: Request) -> tuple[str, Operation]:
    """How to name it, and what it is; raises Nonconforming."""
    where = f"{request.method} {request.url.partition('?')[0]}"
    root = cast(list[dict[str, str]], _description("servers"))[0]["url"]
    path = unquote(request.url.partition("?")[0].removeprefix(root))
    for (method, template), operation in _compiled().items():
        pattern = re.sub(r"\\{[^}]*\\}", "[^/]+", re.escape(template))
        if request.url.startswith(f"{root}/") and method == request.method.lower() and re.fullmatch(pattern, path):
            return where, operation
    raise Nonconforming(f"{where}: no such operation")


@cache
def _compiled() -> dict[tuple[str, str], Operation]:
    by_fewest_gaps = sorted(operations().items(), key=lambda each: each[0][1].count("{"))
    return {place: _compile(cast(_Operation, operation)) for place, operation in by_fewest_gaps}


def _compile(operation: _Operation) -> Operation:
    parameters = [cast(_Parameter, resolved(each)) for each in operation.get("parameters", [])]
    body = operation.get("requestBody", {}).get("content", {}).get("application/json")
    return Operation(
        query={each["name"]: each for each in parameters if each["in"] == "query"},
        body=_validator(cast(dict[str, JSON], body["schema"])) if body else None,
        answers={status: _contents(answer) for status, answer in operation["responses"].items()},
    )


def _contents(answer: dict[str, JSON]) -> dict[str, Draft4Validator]:
    content = cast(_Content, resolved(answer))["content"]
    return {content_type: _validator(cast(dict[str, JSON], media["schema"])) for content_type, media in content.items()}


def _validator(schema: dict[str, JSON]) -> Draft4Validator:
    whole = cast(dict[str, JSON], _plain({**schema, "components": _description("components")}))
    return Draft4Validator(whole, validate_formats=True)


def _plain(schema: JSON) -> JSON:
    """OpenAPI 3.0's `nullable` in JSON Schema's terms."""
    if isinstance(schema, list):
        return [_plain(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    plain = {key: _plain(value) for key, value in schema.items() if key != "nullable"}
    return {"anyOf": [plain, {"type": "null"}]} if schema.get("nullable") is True else plain


def _typed(text: str, kind: str) -> JSON:
    if kind == "boolean":
        return {"true": True, "false": False}.get(text, text)
    return int(text) if kind == "integer" and re.fullmatch("-?[0-9]{1,18}", text) else text


def _parsed(body: bytes, where: str) -> JSON:
    try:
        parsed: JSON = json.loads(body)
    except (ValueError, RecursionError):
        raise Nonconforming(f"{where}: the body is no JSON") from None
    return parsed


def _header(headers: Mapping[str, str], name: str) -> str:
    return next((value for key, value in headers.items() if key.lower() == name.lower()), "")


def _hold(validator: Draft4Validator, value: JSON, where: str) -> None:
    try:
        validator.validate(value)
    except ValidationError as error:
        raise Nonconforming(f"{where}: {'/'.join(map(str, error.instance_path))} {error.message}") from None


def _description(part: str) -> dict[str, JSON]:
    return cast(dict[str, JSON], _whole()[part])


@cache
def _whole() -> dict[str, JSON]:
    return cast(dict[str, JSON], yaml.safe_load(DESCRIPTION.read_text()))
