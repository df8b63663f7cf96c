"""The Azure Functions app: found by Azure's own library, run by a managed identity against a simulated tenant."""

import asyncio
import json
import logging
import os
import subprocess
import tomllib
from collections.abc import Callable, Coroutine, Iterator
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from typing import Protocol, cast

import pytest
from azure.functions.timer import TimerRequest

from errors import ConfigError
from groups import GROUP_NAMES
from plan import RISK_LEVELS
from simulator import Fault, Tenant
from tests.cli.azure import Azure, azure
from tests.cli.company import company
from tests.deployment.checkout import ROOT
from tests.hosts.conftest import FUNCTIONS, Hosted


class Function(Protocol):
    """What Azure's worker knows of one."""

    def get_trigger(self) -> "Trigger": ...

    def get_user_function(self) -> Callable[[object], Coroutine[object, None, None]]: ...


class Trigger(Protocol):
    """What starts it."""

    def get_dict_repr(self) -> dict[str, object]: ...


@pytest.fixture
def function(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Function:
    """The app's one function, as a new process finds it in a folder of its own."""
    monkeypatch.chdir(tmp_path)
    spec = spec_from_file_location("function_app", FUNCTIONS / "function_app.py")
    assert spec
    assert spec.loader
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    [found] = module.app.get_functions()
    return cast("Function", found)


@pytest.fixture
def around(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Azure]:
    """Azure with an identity for the app, and a tenant at the end of the network."""
    tenant = Tenant.contoso(12)
    with company(tenant, tmp_path) as network, azure(tenant) as found:
        given = {**found.environment, "HTTPS_PROXY": f"http://{network.proxy}", "SSL_CERT_FILE": str(network.root)}
        for name, value in given.items():
            monkeypatch.setenv(name, value)
        yield found


def run(function: Function) -> None:
    """One invocation, as Azure's worker does it."""
    asyncio.run(function.get_user_function()(TimerRequest()))


def test_azure_finds_one_function_that_the_clock_starts_every_minute(function: Function) -> None:
    trigger = function.get_trigger().get_dict_repr()
    assert (trigger["type"], trigger["schedule"], trigger["useMonitor"]) == ("timerTrigger", "0 * * * * *", False)
    assert trigger["name"] == "timer"


def test_it_keeps_the_groups_with_a_managed_identity_alone(function: Function, around: Azure, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    run(function)
    tenant = around.tenant
    assert all({user.id for user in tenant.risky_at(level)} == tenant.members_of(GROUP_NAMES[level]) for level in RISK_LEVELS)
    assert "HTTP Request" not in caplog.text
    assert json.loads(caplog.messages[-1])["outcome"] == "changed"


def test_what_an_isolate_keeps_is_kept_from_minute_to_minute(function: Function, around: Azure, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    run(function)
    around.tenant.requests.clear()
    run(function)
    assert json.loads(caplog.messages[-1])["outcome"] == "in sync"
    assert [item.url for item in around.tenant.requests[0].items if "/members" in item.url]  # whose ids it remembers
    assert len(around.asked) == 1


def test_a_run_that_fails_shows_as_failed(function: Function, around: Azure, caplog: pytest.LogCaptureFixture) -> None:
    around.tenant.faults.append(Fault("status", path="/identityProtection/*", status=403))
    with pytest.raises(RuntimeError, match="what it logged says why"):
        run(function)
    assert [record.levelname for record in caplog.records if "Could not read the risky users" in record.message] == ["ERROR"]


def test_an_app_without_any_credential_says_what_is_missing(function: Function, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith("AZURE_AD_")]:
        monkeypatch.delenv(name)
    with pytest.raises(ConfigError, match="AZURE_AD_TENANT_ID is missing"):
        run(function)


def test_what_azure_installs_is_what_the_app_needs(hosted: Hosted) -> None:
    code = "import function_app; print(*(each.get_function_name() for each in function_app.app.get_functions()))"
    bare = {name: value for name, value in os.environ.items() if name == "SYSTEMROOT"}
    done = subprocess.run(
        [hosted.program("python"), "-c", code], cwd=hosted.app, env=bare, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.stdout == "every_minute\n", done.stderr


def test_its_wheel_is_of_this_version() -> None:
    version = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]["version"]
    assert f"./risky_users-{version}-py3-none-any.whl" in (FUNCTIONS / "requirements.txt").read_text("utf-8").splitlines()


def test_a_run_may_last_as_long_as_the_workers() -> None:
    assert json.loads((FUNCTIONS / "host.json").read_text("utf-8"))["functionTimeout"] == "00:02:00"
