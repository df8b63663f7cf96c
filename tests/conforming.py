"""Holds every request that reaches a simulated tenant, and every answer of its, against the description of Graph."""

from typing import Protocol, TypeVar

from tests.conformance.description import Request, Response, check_request, check_response

Q = TypeVar("Q", bound=Request, contravariant=True)
A = TypeVar("A", bound=Response, covariant=True)


class Handler(Protocol[Q, A]):
    """What answers requests: a simulated tenant."""

    def handle(self, request: Q, /) -> A:
        """The answer."""


class Conforming(Protocol[Q, A]):
    """A tenant's `handle`, checked."""

    def __call__(self, request: Q, /) -> A:
        """The answer. Raises Nonconforming."""


def conforming(tenant: Handler[Q, A], *, answers: bool = True) -> Conforming[Q, A]:
    """`tenant.handle` that raises Nonconforming; without `answers`, for tests whose faults break them, only at requests."""

    def handle(request: Q, /) -> A:
        check_request(request)
        answer = tenant.handle(request)
        if answers:
            check_response(request, answer)
        return answer

    return handle
