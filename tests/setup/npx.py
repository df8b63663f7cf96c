"""A stand-in for `npx wrangler` in a project's folder: it does to the simulated account what wrangler would do."""

import json
import tomllib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from risky_users.admin.machine import Finished
from simulator.cloudflare import Account, Worker
from simulator.cloudflare.service import Service
from simulator.cloudflare.workers import deploy

NOTHING = Finished(0, "", "")


@dataclass
class Npx:
    """wrangler, logged in to one account. `before` and `after` are called around whatever changes something, and may raise."""

    account: Account
    folder: Path
    logged_in: bool = True
    broken: str = ""
    """What it complains of, whatever it is asked to do that changes something."""
    mistaken: str = ""
    """What it complains of after it has done what it was asked to."""
    before: Callable[[str], None] = lambda _: None
    after: Callable[[str], None] = lambda _: None
    given: list[tuple[str, str]] = field(default_factory=list)
    """The secrets that were put: names and values."""

    def __call__(self, arguments: Sequence[str], given: str) -> Finished:
        assert arguments[0] == "wrangler"
        assert not any(each.value in " ".join(arguments) for each in self.account.state.tokens.values()), "a token among the arguments"
        if not self.logged_in:
            return Finished(1, "", "✘ [ERROR] You are not authenticated. Please run `npx wrangler login`.")
        match arguments[1:]:
            case ["whoami", "--json", *_]:
                return _json({"loggedIn": True, "accounts": [{"id": self.account.id, "name": "Contoso"}]})
            case ["deployments", "status", "--json", "--name", name, *_]:
                return self._status(name)
            case ["versions", "view", _, "--json", "--name", name, *_]:
                return _version(self.account.state.workers[name])
            case ["deploy", *_]:
                return self._changed("deploy", self._deploy)
            case ["secret", "put", secret, *rest]:
                return self._changed("secret put", lambda: self._put(self._name(rest), secret, given))
            case ["secret", "delete", secret, *rest]:
                return self._changed("secret delete", lambda: self._delete(self._name(rest), secret))
            case ["delete", "--force", "--name", name, *_]:
                return self._changed("delete", lambda: self._remove(name))
        raise AssertionError(f"wrangler is asked for {arguments}")

    @property
    def worker(self) -> Worker | None:
        """The Worker of the folder, where it is deployed."""
        return self.account.state.workers.get(str(self._configuration["name"]))

    def _name(self, options: Sequence[str]) -> str:
        """The Worker that is named, or the folder's."""
        return options[options.index("--name") + 1] if "--name" in options else str(self._configuration["name"])

    @property
    def _configuration(self) -> dict[str, object]:
        return tomllib.loads((self.folder / "wrangler.toml").read_text("utf-8"))

    @property
    def _service(self) -> Service:
        return self.account.service

    def _changed(self, what: str, change: Callable[[], Finished]) -> Finished:
        self.before(what)
        if self.broken:
            return Finished(1, "", f"✘ [ERROR] {self.broken}")
        done = change()
        self.after(what)
        return Finished(1, "", f"✘ [ERROR] {self.mistaken}") if self.mistaken else done

    def _status(self, name: str) -> Finished:
        worker = self.account.state.workers.get(name)
        if not worker:
            return Finished(1, "", "✘ [ERROR] This Worker does not exist on your account. [code: 10007]")
        return _json({"versions": [{"version_id": worker.deployments[-1].version_id, "percentage": 100}]})

    def _deploy(self) -> Finished:
        given, triggers = self._configuration.get("vars", {}), self._configuration.get("triggers", {})
        assert isinstance(given, dict)
        assert isinstance(triggers, dict)
        before = self.account.state.workers.get(str(self._configuration["name"]))
        kept = before.variables if before and self._configuration.get("keep_vars") else {}
        self.account.deploy_worker(str(self._configuration["name"]), crons=triggers.get("crons", []), variables={**kept, **given})
        return NOTHING

    def _put(self, name: str, secret: str, value: str) -> Finished:
        assert value.strip(), "an empty secret would take the place of the one before"
        worker = self.account.state.workers.get(name) or self.account.deploy_worker(name, crons=[])
        worker.secrets[secret] = value.strip()
        deploy(self._service, worker, "secret", self.account.clock())
        self.given.append((secret, value.strip()))
        return NOTHING

    def _delete(self, name: str, secret: str) -> Finished:
        worker = self.account.state.workers[name]
        del worker.secrets[secret]
        deploy(self._service, worker, "secret", self.account.clock())
        return NOTHING

    def _remove(self, name: str) -> Finished:
        if self.account.state.workers.pop(name, None) is None:
            return Finished(1, "", "✘ [ERROR] This Worker does not exist on your account. [code: 10007]")
        return NOTHING


def _version(worker: Worker) -> Finished:
    variables = [_binding(name, value) for name, value in worker.variables.items()]
    secrets: list[dict[str, object]] = [{"type": "secret_text", "name": name} for name in worker.secrets]
    handlers = ["scheduled"] if worker.crons else ["fetch"]
    return _json({"resources": {"bindings": variables + secrets, "script": {"handlers": handlers}}})


def _binding(name: str, value: object) -> dict[str, object]:
    """A variable as wrangler uploads it: what is no text is JSON."""
    return {"name": name, **({"type": "plain_text", "text": value} if isinstance(value, str) else {"type": "json", "json": value})}


def _json(answer: object) -> Finished:
    return Finished(0, json.dumps(answer), "")
