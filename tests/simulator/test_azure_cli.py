"""The stand-in for the Azure CLI, run as a command (entra-admin.md 1.4)."""

import json
import os
import shutil
import subprocess
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import pytest

from simulator import Tenant
from simulator.entra.azure_cli import AzureCli
from simulator.messages import JSON
from tests.simulator.client import Clock
from tests.simulator.test_token import claims

ASK = ("account", "get-access-token", "--output", "json", "--resource", "https://graph.microsoft.com")


@dataclass
class Computer:
    az: AzureCli
    folder: Path

    def run(self, *arguments: str) -> "subprocess.CompletedProcess[str]":
        self.az.install(self.folder)
        return subprocess.run([str(self.folder / "az"), *arguments], capture_output=True, text=True, timeout=30, check=False)

    def answer(self, *arguments: str) -> dict[str, JSON]:
        done = self.run(*arguments)
        assert (done.returncode, done.stderr) == (0, "")
        answer: dict[str, JSON] = json.loads(done.stdout)
        return answer


@pytest.fixture
def computer(tmp_path: Path) -> Computer:
    tenant = Tenant.contoso(1, clock=Clock().now)
    user = tenant.add_user("Ada Admin")
    tenant.assign_role(user, "Cloud Application Administrator")
    return Computer(AzureCli(tenant, user), tmp_path / "bin")


def test_whoever_is_signed_in_gets_a_token_of_theirs(computer: Computer) -> None:
    assert computer.az.user
    for asked in (ASK, (*ASK, "--tenant", computer.az.tenant.id), (*ASK, "--tenant", computer.az.tenant.domain)):
        answer = computer.answer(*asked)
        assert answer["tenant"] == computer.az.tenant.id
        assert claims(str(answer["accessToken"]))["oid"] == computer.az.user.id
        assert answer["accessToken"] in computer.az.tenant.tokens.issued


@pytest.mark.parametrize("has_epoch", [True, False])
def test_when_the_token_ends_comes_in_local_time_and_in_newer_versions_in_epoch_seconds_too(computer: Computer, has_epoch: bool) -> None:
    computer.az.has_epoch = has_epoch
    answer = computer.answer(*ASK)
    ends = computer.az.tenant.clock() + computer.az.tenant.behaviour.token_seconds
    local = datetime.strptime(str(answer["expiresOn"]), "%Y-%m-%d %H:%M:%S.%f")
    assert local.timestamp() == ends
    assert answer.get("expires_on") == (int(ends) if has_epoch else None)


def test_whoever_is_signed_out_is_told_to_sign_in(computer: Computer) -> None:
    computer.az.user = None
    done = computer.run(*ASK)
    assert (done.returncode, done.stdout) == (1, "")
    assert "az login" in done.stderr


def test_it_may_fail_in_whatever_way_a_test_wants(computer: Computer) -> None:
    computer.az.failure = "ERROR: AADSTS50076: Due to a configuration change, you must use multi-factor authentication.\n"
    done = computer.run(*ASK)
    assert (done.returncode, done.stderr) == (1, computer.az.failure)


def test_another_tenant_is_not_found(computer: Computer) -> None:
    done = computer.run(*ASK, "--tenant", "00000000-0000-4000-8000-000000000009")
    assert done.returncode == 1
    assert "AADSTS90002" in done.stderr


@pytest.mark.parametrize("asked", [("account", "show"), ASK[:2], (*ASK[:5], "https://graph.microsoft.us")])
def test_what_it_does_not_know_is_an_error(computer: Computer, asked: tuple[str, ...]) -> None:
    assert computer.run(*asked).returncode == 1


def test_a_cloud_of_its_own_has_its_own_resource(computer: Computer) -> None:
    computer.az.tenant.tokens.cloud = "login.microsoftonline.us"
    answer = computer.answer(*ASK[:5], "https://graph.microsoft.us")
    assert claims(str(answer["accessToken"]))["aud"] == "https://graph.microsoft.us"


def test_nothing_is_in_path_by_itself(computer: Computer) -> None:
    before = os.environ["PATH"]
    computer.az.install(computer.folder)
    assert os.environ["PATH"] == before
    assert shutil.which("az", path=f"{computer.folder}{os.pathsep}{before}") == str(computer.folder / "az")
