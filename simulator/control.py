"""The tenant's controls as a JSON API: its state, its users' risk, what goes wrong, how Graph behaves.

    GET    state
    POST   users                  {"name": …, "level": …}, both optional; answers the user's id
    POST   users/{id}/risk        {"level": …}
    POST   users/{id}/{action}    dismiss, confirm_compromised, confirm_safe, remediate or delete
    PUT    presets/{name}         {"on": true}
    PUT    faults                 a list of faults.Fault
    PATCH  behaviour              fields of behaviour.Behaviour

What is not understood is answered 400 or 404 and changes nothing.
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import asdict
from types import UnionType
from typing import Literal, TypeAlias, TypeVar, get_args, get_origin, get_type_hints

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from simulator.behaviour import Behaviour
from simulator.directory import LEVELS, User
from simulator.faults import Fault
from simulator.presets import PRESETS
from simulator.tenant import Tenant

Endpoint: TypeAlias = Callable[[Request], Awaitable[Response]]
T = TypeVar("T")


def control_routes(tenant: Tenant) -> list[Route]:
    """The routes, below wherever they are mounted."""
    actions: Mapping[str, Callable[[User], None]] = {
        "dismiss": tenant.dismiss,
        "confirm_compromised": tenant.confirm_compromised,
        "confirm_safe": tenant.confirm_safe,
        "remediate": tenant.remediate,
        "delete": tenant.delete_user,
    }

    async def state(_: Request) -> Response:
        return JSONResponse(tenant.snapshot())

    async def add(request: Request) -> Response:
        body = await _object(request)
        name, level = body.get("name"), body.get("level")
        if not (name is None or (isinstance(name, str) and name)) or not (level is None or level in LEVELS):
            raise HTTPException(400, "A name is text, a level is one of " + ", ".join(LEVELS))
        user = tenant.add_user(name)
        if level:
            tenant.set_risk(user, str(level))
        return JSONResponse({"id": user.id}, 201)

    async def risk(request: Request) -> Response:
        user, level = _user(tenant, request), (await _object(request)).get("level")
        if level not in LEVELS:
            raise HTTPException(400, "The level is one of " + ", ".join(LEVELS))
        tenant.set_risk(user, str(level))
        return Response(status_code=204)

    async def act(request: Request) -> Response:
        user, action = _user(tenant, request), actions.get(request.path_params["action"])
        if not action:
            raise HTTPException(404, "The action is one of risk, " + ", ".join(actions))
        action(user)
        return Response(status_code=204)

    async def switch(request: Request) -> Response:
        name, on = request.path_params["name"], (await _object(request)).get("on")
        if name not in PRESETS or not isinstance(on, bool):
            raise HTTPException(404 if name not in PRESETS else 400, "It takes on, true or false, for one of " + ", ".join(PRESETS))
        tenant.switch(name, on=on)
        return Response(status_code=204)

    async def faults(request: Request) -> Response:
        listed = await _json(request)
        if not isinstance(listed, list):
            raise HTTPException(400, "Faults come as a list")
        tenant.faults = [Fault(**_fields(Fault, each)) for each in listed]  # type: ignore[arg-type]  # _fields has checked them
        tenant.changed()
        return Response(status_code=204)

    async def behave(request: Request) -> Response:
        for name, value in _fields(Behaviour, await _json(request)).items():
            setattr(tenant.behaviour, name, value)
        tenant.changed()
        return JSONResponse(asdict(tenant.behaviour))

    routes: list[tuple[str, str, Endpoint]] = [
        ("GET", "/state", state),
        ("POST", "/users", add),
        ("POST", "/users/{user}/risk", risk),
        ("POST", "/users/{user}/{action}", act),
        ("PUT", "/presets/{name}", switch),
        ("PUT", "/faults", faults),
        ("PATCH", "/behaviour", behave),
    ]
    return [Route(path, endpoint, methods=[method]) for method, path, endpoint in routes]


async def _json(request: Request) -> object:
    """The body, which has to come as JSON: a web page elsewhere cannot send that unasked."""
    if request.headers.get("content-type", "").partition(";")[0].strip() != "application/json":
        raise HTTPException(415, "The body is to be application/json")
    try:
        body: object = await request.json()
    except (ValueError, RecursionError):
        raise HTTPException(400, "The body is no JSON") from None
    return body


async def _object(request: Request) -> dict[str, object]:
    body = await _json(request)
    if not isinstance(body, dict):
        raise HTTPException(400, "The body is to be an object")
    return body


def _user(tenant: Tenant, request: Request) -> User:
    user = tenant.directory.users.get(request.path_params["user"])
    if not user or user.deleted:
        raise HTTPException(404, "There is no such user")
    return user


def _fields(kind: type[Behaviour] | type[Fault], values: object) -> dict[str, object]:
    """Values for some fields of a dataclass, checked against their types. Raises HTTPException."""
    types = get_type_hints(kind)
    if not isinstance(values, dict):
        raise HTTPException(400, f"{kind.__name__} is an object")
    for name, value in values.items():
        if name not in types or not _fits(value, types[name]):
            raise HTTPException(400, f"{kind.__name__} takes no such {name}")
    if kind is Fault and "kind" not in values:
        raise HTTPException(400, "A fault needs its kind")
    return {str(name): value for name, value in values.items()}


def _fits(value: object, kind: object) -> bool:
    """Whether a JSON value is of a type: a plain one, a Literal, a mapping of strings, or a union of these."""
    if get_origin(kind) is Literal:
        return value in get_args(kind) and not isinstance(value, bool)
    if isinstance(kind, UnionType):
        return any(_fits(value, each) for each in get_args(kind))
    if get_origin(kind) is Mapping:
        return isinstance(value, dict) and all(isinstance(each, str) for each in value.values())
    if kind is float:
        return isinstance(value, (int, float)) and not isinstance(value, bool) and value >= 0
    if kind is int:
        return isinstance(value, int) and not isinstance(value, bool) and value >= 0
    return isinstance(kind, type) and isinstance(value, kind)
