"""The commands' way to Microsoft: no redirect is followed, and the limit is on the whole exchange, as `budget.Fetch` promises."""

import asyncio
import gc
from collections.abc import AsyncIterator

import httpx
import pytest

from budget import HttpRequest
from risky_users.connection import Connection
from simulator import Fault
from tests.cli.terminal import Terminal


def test_a_redirect_is_not_followed_lest_the_secret_goes_with_it(terminal: Terminal) -> None:
    terminal.tenant.faults.append(Fault("redirect", path="*/token"))
    outcome = terminal.run("check")
    assert outcome.status == 1
    assert "a redirect, which is not followed" in outcome.line("Tenant")
    assert len(terminal.tenant.requests) == 1


class Dripping(httpx.AsyncByteStream):
    """A body that never ends, though no wait for the next byte is long."""

    async def __aiter__(self) -> AsyncIterator[bytes]:
        while True:
            await asyncio.sleep(0.005)
            yield b" "


async def drip(request: httpx.Request) -> httpx.Response:
    return httpx.Response(200, stream=Dripping())


def test_an_answer_that_never_ends_is_given_up() -> None:
    async def ask(connection: Connection) -> None:
        async with httpx.AsyncClient(transport=connection.transport, timeout=None) as client:  # noqa: S113  # the limit is what is tested
            await connection.fetch(client, HttpRequest("POST", "https://graph.microsoft.com/v1.0/$batch", {}, "{}", timeout=0.05))

    connection = Connection(httpx.MockTransport(drip))
    with pytest.raises(TimeoutError):
        asyncio.run(ask(connection))
    assert connection.trouble.startswith("no answer within")


def test_what_fails_before_anything_was_answered_is_not_tried_again(terminal: Terminal) -> None:
    terminal.unplugged = True
    began = terminal.ticks.clock.time
    assert terminal.run("check").status == 1
    assert terminal.ticks.clock.time == began


def test_a_connection_that_is_lost_later_is_tried_again_and_the_machines_own_reason_told(terminal: Terminal) -> None:
    terminal.tenant.faults.append(Fault("status", path="*/token", status=503, times=1))
    terminal.tenant.faults.append(Fault("drop", path="*/token"))
    outcome = terminal.run("check")
    assert "no answer" in outcome.line("Tenant")
    assert "On this machine: ReadError: the connection was lost." in outcome.line("Tenant")
    assert len(terminal.tenant.requests) > 2


def test_a_request_whose_answer_nobody_waits_for_leaves_nothing_behind_when_a_run_is_interrupted() -> None:
    async def interrupted(connection: Connection) -> None:
        async with connection.client() as client:
            connection.budget(client, 9, 50).begin("GET", "https://api.cloudflare.com/", {}, "", later=True)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        asyncio.run(interrupted(Connection(httpx.MockTransport(drip))))
    gc.collect()  # which tells of a coroutine that was never awaited
