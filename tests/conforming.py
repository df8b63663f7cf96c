"""Holds every request that reaches a simulated tenant, and every answer of its, against the description of Graph."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from simulator import Request, Response, Tenant
from tests.conformance.description import Nonconforming, check_request, check_response


@contextmanager
def conforming(*, requests: bool = True) -> Iterator[None]:
    """While it lasts, whatever any tenant is asked or answers must conform; without `requests`, only what it answers.

    Answers to requests that do not conform, or that a fault struck, are the fault's affair. Raises Nonconforming where
    the request is sent, and again at the end, lest a server's thread swallow it.
    """
    handle = Tenant.handle
    found: list[Nonconforming] = []

    def checked(tenant: Tenant, request: Request) -> Response:
        try:
            sound = _conforms(request, tolerant=not requests)
            struck = _struck(tenant)
            response = handle(tenant, request)
            if sound and _struck(tenant) == struck:
                check_response(request, response)
        except Nonconforming as error:
            found.append(error)
            raise
        return response

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Tenant, "handle", checked)
        yield
    if found:
        raise Nonconforming(f"{len(found)} requests or answers do not conform, the first: {found[0]}")


def _conforms(request: Request, *, tolerant: bool) -> bool:
    try:
        check_request(request)
    except Nonconforming:
        if tolerant:
            return False
        raise
    return True


def _struck(tenant: Tenant) -> int:
    return sum(fault.struck for fault in tenant.faults)
