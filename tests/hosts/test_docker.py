"""The container, as far as it can be tried without Docker: linted, built of what it copies, its commands run as they stand."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from simulator import Tenant
from tests.cli.company import company
from tests.hosts.conftest import Hosted
from tests.hosts.dockerfile import DOCKERFILE, instructions, words
from tests.ticks import variables

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="has no such signals")


@pytest.mark.skipif(sys.platform != "linux", reason="comes for Linux")
def test_a_linter_has_nothing_to_say(tmp_path: Path) -> None:
    hadolint: list[str | Path] = [Path(sys.executable).parent / "hadolint", "--failure-threshold", "info"]
    done = subprocess.run([*hadolint, DOCKERFILE], capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stdout) == (0, "")
    (tmp_path / "Dockerfile").write_text(DOCKERFILE.read_text("utf-8").replace(":3.13-slim", ""))
    assert subprocess.run([*hadolint, tmp_path / "Dockerfile"], capture_output=True, timeout=60, check=False).returncode


def test_it_does_not_run_as_root() -> None:
    user = instructions("USER")[-1].partition(":")[0]
    assert int(user) > 0
    text = DOCKERFILE.read_text("utf-8")
    assert text.index("\nUSER ") < text.index("\nENTRYPOINT ")


def test_no_secret_can_get_into_the_image() -> None:
    assert not instructions("ARG")
    assert not [each for each in instructions("ENV") if "AZURE" in each or "SECRET" in each]


def test_its_command_runs_is_healthy_and_ends_when_it_is_stopped(hosted: Hosted, tmp_path: Path) -> None:
    tenant, good = Tenant.contoso(12), str(tmp_path / "good")
    command = [*words(instructions("ENTRYPOINT")[0]), *(word.replace("/tmp/good", good) for word in words(instructions("CMD")[0]))]  # noqa: S108  # it is the container's
    _, _, check = instructions("HEALTHCHECK")[0].partition("CMD ")
    health: list[str | Path] = [hosted.program("python"), *(word.replace("/tmp/good", good) for word in words(check)[1:])]  # noqa: S108
    with company(tenant, tmp_path) as network:
        environment = {
            **{name: value for name, value in os.environ.items() if not name.lower().endswith("_proxy")},
            **variables(tenant),
            "HTTPS_PROXY": f"http://{network.proxy}",
            "SSL_CERT_FILE": str(network.root),
        }
        assert subprocess.run(health, capture_output=True, timeout=60, check=False).returncode
        with subprocess.Popen([hosted.program(command[0]), *command[1:]], env=environment, cwd=tmp_path, stdout=subprocess.PIPE) as running:
            assert running.stdout
            while "outcome" not in (record := json.loads(running.stdout.readline())):
                pass
            assert record["outcome"] == "changed"
            for _ in range(100):
                if Path(good).exists():
                    break
                time.sleep(0.02)
            assert subprocess.run(health, timeout=60, check=False).returncode == 0
            os.utime(good, (time.time() - 301, time.time() - 301))
            assert subprocess.run(health, capture_output=True, timeout=60, check=False).returncode
            running.send_signal(signal.SIGTERM)
            assert running.wait(10) == 0
