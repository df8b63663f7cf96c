"""Members of a request's body, each of its type or refused."""

from collections.abc import Mapping
from typing import NoReturn

from simulator.entra.stamps import parse_stamp
from simulator.messages import JSON, Refusal


def invalid(name: str, resource: str) -> Refusal:
    """What the directory answers to a value that will not do."""
    return Refusal(400, "Request_BadRequest", f"Invalid value specified for property '{name}' of resource '{resource}'.")


def text(body: Mapping[str, JSON], name: str, resource: str) -> str:
    """Text that must be there."""
    value = body.get(name)
    if not isinstance(value, str) or not value:
        raise invalid(name, resource)
    return value


def optional_text(body: Mapping[str, JSON], name: str, resource: str) -> str | None:
    """Text, or null, which is the same as nothing."""
    value = body.get(name)
    if value is not None and not isinstance(value, str):
        raise invalid(name, resource)
    return value


def texts(body: Mapping[str, JSON], name: str, resource: str) -> list[str]:
    """A list of texts."""
    value = body.get(name)
    if not isinstance(value, list):
        raise invalid(name, resource)
    return [each if isinstance(each, str) else _refuse(name, resource) for each in value]


def objects(body: Mapping[str, JSON], name: str, resource: str) -> list[dict[str, JSON]]:
    """A list of objects."""
    value = body.get(name)
    if not isinstance(value, list):
        raise invalid(name, resource)
    return [each if isinstance(each, dict) else _refuse(name, resource) for each in value]


def flag(body: Mapping[str, JSON], name: str, resource: str) -> bool:
    """True or false."""
    value = body.get(name)
    if not isinstance(value, bool):
        raise invalid(name, resource)
    return value


def time(body: Mapping[str, JSON], name: str, resource: str, default: float) -> float:
    """A time in epoch seconds; `default` where it is not given."""
    value = optional_text(body, name, resource)
    try:
        return default if value is None else parse_stamp(value)
    except (ValueError, OverflowError):
        raise invalid(name, resource) from None


def _refuse(name: str, resource: str) -> NoReturn:
    raise invalid(name, resource)
