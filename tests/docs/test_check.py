"""The check's output in docs/setup.md is what the check prints once the Worker has had its first minute."""

import re
from pathlib import Path

import httpx
from typer.testing import CliRunner

import simulator
from risky_users.admin.machine import Machine
from risky_users.app import app
from risky_users.connection import Connection
from risky_users.surroundings import Surroundings
from tests.docs.documents import DOCUMENTS
from tests.setup.desk import Programs
from tests.ticks import contoso, variables


class Beside(httpx.AsyncBaseTransport):
    """Hands every request to a simulated tenant."""

    def __init__(self, tenant: simulator.Tenant) -> None:
        self._tenant = tenant

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        answer = self._tenant.handle(simulator.Request(request.method, str(request.url), dict(request.headers), await request.aread()))
        return httpx.Response(answer.status, headers=dict(answer.headers), content=answer.body)


def without_ids(text: str) -> str:
    return " ".join(re.sub(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", "<id>", text).split())


def test_the_documented_check_is_what_it_prints_when_all_is_well(tmp_path: Path) -> None:
    setup = next(document for document in DOCUMENTS if document.name == "docs/setup.md")
    documented = next(fence.text for fence in setup.fences("text") if "Name look-up" in fence.text)
    ticks = contoso()
    ticks.tick()
    given = variables(ticks.tenant)
    wrangler = tmp_path / "wrangler.toml"
    wrangler.write_text("[vars]\n" + "".join(f'{name} = "{given[name]}"\n' for name in ("AZURE_AD_TENANT_ID", "AZURE_AD_CLIENT_ID")))
    nobody = Machine(environment={}, run=Programs(), interactive=lambda: False)
    around = Surroundings(Connection(Beside(ticks.tenant), ticks.clock), {}, nobody)
    secret = given["AZURE_AD_CLIENT_SECRET"]
    shown = CliRunner().invoke(app, ["check", "--config", str(wrangler)], obj=around, env={"COLUMNS": "200"}, input=f"{secret}\n")
    assert shown.exit_code == 0, shown.output
    assert without_ids(shown.output) == without_ids(documented)
