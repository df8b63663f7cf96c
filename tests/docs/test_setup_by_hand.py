"""The commands of docs/setup.md, run block by block, each in a shell of its own, before a simulated tenant and a simulated account."""

import json
import os
import re
import shutil
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import hcl2
import pytest
from typer.main import get_command

import simulator
from risky_users.admin import isolation
from risky_users.admin.isolation import Choices
from risky_users.app import app
from simulator.cloudflare import Account
from simulator.entra.azure_cli import AzureCli
from tests.docs.documents import DOCUMENTS, Fence
from tests.docs.stand_ins import Az, Curl, installed
from tests.setup.npx import Npx
from tests.simulator.client import Clock

SETUP = next(document for document in DOCUMENTS if document.name == "docs/setup.md")
BLOCKS = SETUP.fences("bash")
WRANGLER = 'name = "risky-users"\n[triggers]\ncrons = ["* * * * *"]\n[vars]\n'
NEEDED = {"Zero Trust Write", "Account API Tokens Write", "Access: Organizations, Identity Providers, and Groups Write"}
HIGH = "IdentityProtection-RiskyUser-RiskLevel-high"


@dataclass
class Computer:
    """Somebody's computer with bash and jq, signed in everywhere, in a folder of its own."""

    folder: Path
    clock: Clock = field(default_factory=Clock)
    shown: str = ""
    path: str = ""

    def __post_init__(self) -> None:
        self.tenant = simulator.Tenant.contoso(3, clock=self.clock.now)
        self.tenant.directory.applications.clear()  # nobody has set anything up
        ada = self.tenant.add_user("Ada Admin")
        self.tenant.assign_role(ada, "Global Administrator")
        self.az = Az(self.folder, AzureCli(self.tenant, ada))
        self.account = Account(self.clock.now)
        self.provider = self.account.add_provider(scim=True)
        self.tenant.door = self.account.door
        self.token = self.account.create_token("administrator", *NEEDED).value
        (self.folder / "wrangler.toml").write_text(WRANGLER)
        self.npx = Npx(self.account, self.folder)
        self.npx(["wrangler", "deploy"], "")

    def run(self, block: Fence, given: str = "") -> "subprocess.CompletedProcess[str]":
        """One block, in a shell that knows nothing of the others but the API token; variables that are not set are errors."""
        bash = shutil.which("bash")
        assert bash
        around = {"PATH": f"{self.path}{os.pathsep}{os.environ['PATH']}", "CLOUDFLARE_API_TOKEN": self.token, "HOME": str(self.folder)}
        command = [bash, "-u", "-o", "pipefail", "-c", self._filled_in(block.text)]
        done = subprocess.run(command, cwd=self.folder, env=around, input=given, capture_output=True, text=True, timeout=60, check=False)
        self.shown += done.stdout + done.stderr
        return done

    def _filled_in(self, text: str) -> str:
        """The block with what an administrator puts for the placeholders."""
        values: dict[str, Callable[[], object]] = {
            "TENANT-ID": lambda: self.tenant.id,
            "CLIENT-ID": lambda: self._graph("/applications", "risky-users")[0]["appId"],
            "SCIM-SP": lambda: next(each["id"] for each in self._graph("/servicePrincipals", "Cloudflare One SCIM")),
            "SCIM-ENDPOINT": lambda: self.provider.scim_base_url,
            "BASE-GROUP-ID": lambda: self._graph("/groups", "Everybody")[0]["id"],
            "ACCOUNT-ID": lambda: self.account.id,
            "END": lambda: "2027-11-25",
        }
        return re.sub(r"<([A-Z-]+)>", lambda match: str(values[match[1]]()), text)

    def _graph(self, path: str, name: str = "") -> "list[dict[str, object]]":
        found = self.az._listed(path, f"startswith(displayName,'{name}')")
        return [each for each in found if isinstance(each, dict)]  # type: ignore[misc]  # JSON is an object, too

    @property
    def secrets(self) -> dict[str, str]:
        """The Worker's secrets."""
        worker = self.npx.worker
        assert worker
        return worker.secrets


@pytest.fixture
def computer(tmp_path: Path) -> Iterator[Computer]:
    made = Computer(tmp_path)
    with installed(tmp_path / "bin", {"az": made.az, "curl": Curl(tmp_path, made.tenant, made.account), "npx": made.npx}) as path:
        made.path = str(path)
        yield made


def block_with(words: str) -> Fence:
    """The one block that holds these words."""
    [found] = [block for block in BLOCKS if words in block.text]
    return found


def test_all_blocks_in_their_order_make_the_whole_chain(computer: Computer) -> None:
    tenant, account = computer.tenant, computer.account
    computer.az._graph("POST", "/groups", '{"displayName":"Everybody","mailNickname":"e","mailEnabled":false,"securityEnabled":true}')
    [rule] = [fence.text for fence in SETUP.fences("json") if '"isolate"' in fence.text]
    (computer.folder / "isolate-high.json").write_text(rule)
    for block in BLOCKS:
        if "scim/groups" in block.text:
            computer.clock.time += 3600  # the first cycle has run
            tenant.catch_up()
        done = computer.run(block, given=f"{computer.provider.scim_secret}\n")
        assert (done.returncode, done.stderr) == (0, ""), f"docs/setup.md:{block.line}: {done.stderr}"
        assert '"success": false' not in done.stdout
        if "scim/groups" in block.text:
            assert done.stdout == f"{HIGH}\n"

    app = next(each for each in tenant.directory.applications.values() if each.name == "risky-users")
    assert computer.secrets["AZURE_AD_CLIENT_SECRET"] in {each.value for each in app.secrets}
    assert set(computer.secrets) == {"AZURE_AD_CLIENT_SECRET", "GATEWAY_API_TOKEN"}
    made = account.list_named("risky-users-high")
    account.decrypt_tls(on=True)
    person = account.enroll("ada@contoso.com")
    assert not account.page_load(person).isolated
    account.set_values(made, [person.email])
    assert account.page_load(person).isolated
    for secret in (*computer.secrets.values(), computer.provider.scim_secret or "", computer.token):
        assert secret not in computer.shown
    assert not [path.name for path in computer.folder.glob("*secret*")]
    assert not account.violations


@pytest.mark.parametrize("words", ["AZURE_AD_CLIENT_SECRET", "GATEWAY_API_TOKEN"])
def test_nothing_is_put_in_the_place_of_a_secret_that_works(computer: Computer, words: str) -> None:
    [block] = [block for block in BLOCKS if f"secret put {words}" in block.text]
    computer.secrets[words] = "works"
    computer.run(block_with("az ad app create"))
    computer.az.cli.user, computer.token = None, "no-token"
    block = Fence(block.language, block.text.replace("<CLIENT-ID>", "id"), block.line)
    computer.run(block)
    assert computer.secrets[words] == "works"


def test_no_document_pipes_what_may_be_nothing_into_a_secret() -> None:
    for document in DOCUMENTS:
        for fence in document.fences("sh", "bash"):
            for line in fence.text.replace("\\\n", " ").splitlines():
                assert not re.search(r"(?<!printf %s \"\$SECRET\" )(?<!printf %s \"\$TOKEN\" )\| npx wrangler secret put", line), (
                    f"{document.name}:{fence.line}"
                )


def test_the_options_of_setup_gateway_are_told_with_their_defaults() -> None:
    command = get_command(app).commands["setup"].commands["gateway"]  # type: ignore[attr-defined]  # a group, of which one is a group
    shared = {"config", "account", "dry_run", "yes", "as_json", "debug"}
    options = {option for each in command.params if each.name not in shared for option in (*each.opts, *each.secondary_opts)}
    told = [option for row in SETUP.table("Option") for option in re.findall(r"`(--[a-z-]+)`", row[0])]
    assert sorted(told) == sorted(options)
    defaults = {row[0]: row[1] for row in SETUP.table("Option")}
    assert defaults["`--clipboard`, `--download`"] == f"`{isolation.CLIPBOARD[0]}`"


def test_an_app_that_is_there_already_is_not_changed(computer: Computer) -> None:
    create = block_with("az ad app create")
    computer.run(create)
    before = len(computer.tenant.directory.applications)
    assert "There is an app" in computer.run(create).stdout
    assert len(computer.tenant.directory.applications) == before
    computer.az.cli.user = None
    assert "nobody is signed in" in computer.run(create).stdout


def test_the_policies_are_the_same_in_json_and_terraform_and_as_setup_makes_them() -> None:
    [in_json] = [json.loads(fence.text) for fence in SETUP.fences("json") if '"isolate"' in fence.text]
    terraform = {name: each for fence in SETUP.fences("hcl") for name, each in _policies(fence.text)}
    assert terraform["isolate_high"] == {**in_json, "account_id": "${var.account_id}"}
    default = isolation.wanted("LIST", "high", Choices())
    at_once = terraform["isolate_high_at_once"]
    assert isinstance(at_once, dict)
    assert at_once["identity"] == '${format("identity.email in $%s", cloudflare_zero_trust_list.risky_users_high.id)}'
    for policy in (in_json, at_once):
        for member in ("action", "enabled", "filters", "traffic", "rule_settings"):
            assert policy[member] == default[member]
    both = str(isolation.wanted("LIST", "high", Choices(group_too=True))["identity"])
    assert both == f"identity.email in $LIST or {in_json['identity']}"


def _policies(text: str) -> Iterator[tuple[str, object]]:
    for resource in hcl2.loads(text).get("resource", []):
        for kind, named in resource.items():
            if kind.strip('"') == "cloudflare_zero_trust_gateway_policy":
                for name, members in named.items():
                    yield name.strip('"'), _unquoted(members)


def _unquoted(value: object) -> object:
    """A value as Terraform means it; the parser leaves texts in their quotes."""
    if isinstance(value, dict):
        return {name: _unquoted(each) for name, each in value.items() if name != "__is_block__"}
    if isinstance(value, list):
        return [_unquoted(each) for each in value]
    return json.loads(value) if isinstance(value, str) and value.startswith('"') else value
