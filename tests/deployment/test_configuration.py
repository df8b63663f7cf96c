"""wrangler.toml and its neighbours, held against wrangler's own schema and Cloudflare's other tools."""

import json
import subprocess
import sys
import tomllib
from datetime import date
from pathlib import Path

import jsonschema
import pytest

from runtime import COMPATIBILITY_DATE

ROOT = Path(__file__).resolve().parents[2]
NODE_MODULES = ROOT / "node_modules"
CONFIGURATION = tomllib.loads((ROOT / "wrangler.toml").read_text("utf-8"))


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


def test_pywrangler_accepts_the_project() -> None:
    assert not (ROOT / "requirements.txt").exists()
    assert "1.17.9" in _python("-m", "pywrangler", "--version")
    asked = "utils.check_wrangler_config(); print(utils.get_python_version(), *resolve.parse_requirements())"
    assert _python("-c", f"from pywrangler import resolve, utils; {asked}").split() == ["3.14", "workers-runtime-sdk==1.9.5"]


def _python(*arguments: str) -> str:
    return subprocess.run([sys.executable, *arguments], cwd=ROOT, capture_output=True, text=True, timeout=60, check=True).stdout


def test_the_lock_file_names_no_host() -> None:
    lock = (ROOT / "package-lock.json").read_text("utf-8")
    assert '"resolved"' not in lock
    packages = json.loads(lock)["packages"]
    assert packages["node_modules/miniflare"]["version"] == packages["node_modules/wrangler"]["dependencies"]["miniflare"]
    assert [name for name in packages if name.endswith("/workerd")] == ["node_modules/workerd"]
