"""Holds every request that reaches a simulated tenant or account, and every answer of theirs, against the descriptions of both."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Protocol, TypeVar

import pytest

from simulator import Account, Request, Response, Tenant
from simulator.standin import StandIn
from tests.conformance import description as graph
from tests.conformance.cloudflare import description as cloudflare
from tests.conformance.description import Nonconforming


class Description(Protocol):
    """What a service is held against; both raise Nonconforming."""

    def check_request(self, request: Request) -> None: ...
    def check_response(self, request: Request, response: Response) -> None: ...


S = TypeVar("S", bound=StandIn)


@contextmanager
def conforming(*, requests: bool = True) -> Iterator[None]:
    """While it lasts, whatever any tenant or account is asked or answers must conform; without `requests`, only what it answers.

    Answers to requests that do not conform, or that a fault struck, are the fault's affair. Raises Nonconforming where
    the request is sent, and again at the end, lest a server's thread swallow it.
    """
    found: list[Nonconforming] = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Tenant, "handle", _checked(Tenant.handle, graph, found, requests=requests))
        patch.setattr(Account, "handle", _checked(Account.handle, cloudflare, found, requests=requests))
        yield
    if found:
        raise Nonconforming(f"{len(found)} requests or answers do not conform, the first: {found[0]}")


def _checked(
    handle: Callable[[S, Request], Response], description: Description, found: list[Nonconforming], *, requests: bool
) -> Callable[[S, Request], Response]:
    def checked(service: S, request: Request) -> Response:
        try:
            sound = _conforms(description, request, tolerant=not requests)
            struck = _struck(service)
            response = handle(service, request)
            if sound and _struck(service) == struck:
                description.check_response(request, response)
        except Nonconforming as error:
            found.append(error)
            raise
        return response

    return checked


def _conforms(description: Description, request: Request, *, tolerant: bool) -> bool:
    try:
        description.check_request(request)
    except Nonconforming:
        if tolerant:
            return False
        raise
    return True


def _struck(service: StandIn) -> int:
    return sum(fault.struck for fault in service.faults)
