"""The programs that the documents' commands call, in front of simulated services: `az`, `curl` and `npx` as scripts on a PATH.

The scripts hand their arguments and standard input to this process, over a socket in the file system, and print what it answers.
"""

import json
import socketserver
import sys
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TypeAlias
from urllib.parse import quote, urlencode
from uuid import uuid4

import jmespath

import simulator
from risky_users.admin.machine import Finished
from simulator.asgi import Simulated
from simulator.entra.azure_cli import SIGNED_OUT, AzureCli
from simulator.messages import JSON

Program: TypeAlias = Callable[[Sequence[str], str], Finished]

_SCRIPT = """#!{python} -IS
import json, os, socket, sys
name, arguments = os.path.basename(sys.argv[0]), sys.argv[1:]
given = sys.stdin.read() if name == "npx" or "@-" in arguments else ""
line = socket.socket(socket.AF_UNIX)
line.connect({address!r})
line.sendall(json.dumps([name, arguments, given, os.getcwd()]).encode() + b"\\n")
status, output, complaints = json.loads(line.makefile().read())
sys.stdout.write(output)
sys.stderr.write(complaints)
sys.exit(status)
"""


@contextmanager
def installed(folder: Path, programs: Mapping[str, Program]) -> Iterator[Path]:
    """A folder for a PATH that holds these programs, while they answer one after the other."""
    folder.mkdir()
    address = str(folder / "s")
    one_at_a_time = threading.Lock()

    class Call(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            name, arguments, given, _ = json.loads(self.rfile.readline())
            with one_at_a_time:
                try:
                    done = programs[name](arguments, given)
                except Exception as error:
                    done = Finished(99, "", f"the stand-in for {name} fails: {error!r}\n")
            self.wfile.write(json.dumps([done.status, done.output, done.complaints]).encode())

    for name in programs:
        script = folder / name
        script.write_text(_SCRIPT.format(python=sys.executable, address=address))
        script.chmod(0o755)
    with socketserver.ThreadingUnixStreamServer(address, Call) as server:
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        yield folder
        server.shutdown()


class Curl:
    """curl, as far as it is used: -s, -S, -X, -H, --data with text, a file or standard input."""

    def __init__(self, folder: Path, *services: Simulated) -> None:
        self._folder, self._services = folder, {host: service for service in services for host in service.hosts}

    def __call__(self, arguments: Sequence[str], given: str) -> Finished:
        method, headers, body, url = "GET", dict[str, str](), "", ""
        words = iter(arguments)
        for word in words:
            match word:
                case "-X":
                    method = next(words)
                case "-H":
                    name, _, value = next(words).partition(":")
                    headers[name] = value.strip()
                case "--data":
                    body = self._data(next(words), given)
                case "-s" | "-S" | "-sS":
                    pass
                case _:
                    assert word.startswith("https://"), word
                    url = word
        service = self._services[url.split("/")[2]]
        answer = service.handle(simulator.Request(method, url, headers, body.encode()))
        return Finished(0, answer.body.decode(), "")

    def _data(self, word: str, given: str) -> str:
        if word == "@-":
            return given
        return (self._folder / word[1:]).read_text("utf-8") if word.startswith("@") else word


class Az:
    """The Azure CLI, as far as it is used, for whoever is signed in to it (https://learn.microsoft.com/cli/azure/reference-index)."""

    def __init__(self, folder: Path, cli: AzureCli) -> None:
        self.cli, self._folder = cli, folder

    def __call__(self, arguments: Sequence[str], _: str) -> Finished:
        words, options = _parsed(arguments)
        if words == ["login"]:
            return Finished(0, "", "")
        if self.cli.user is None:
            return Finished(1, "", SIGNED_OUT)
        try:
            answer = self._answer(words, options)
        except RefusedError as refused:
            return Finished(1, "", f"ERROR: {refused}\n")
        if query := options.get("--query"):
            answer = jmespath.search(query, answer)
        return Finished(0, _printed(answer, options.get("-o", "json")), "")

    def _answer(self, words: Sequence[str], options: Mapping[str, str]) -> JSON:
        match words:
            case ["account", "show"]:
                return {"tenantId": self.cli.tenant.id}
            case ["rest"]:
                return self._graph(options["--method"], options["--url"], self._body(options.get("--body", "")))
            case ["ad", "app", "list"]:
                name = options["--display-name"]
                return self._listed("/applications", f"startswith(displayName,'{name}')")
            case ["ad", "app", "create"]:
                access: JSON = json.loads(self._body(options["--required-resource-accesses"]))
                audience = options["--sign-in-audience"]
                body: JSON = {"displayName": options["--display-name"], "signInAudience": audience, "requiredResourceAccess": access}
                return self._graph("POST", "/applications", json.dumps(body))
            case ["ad", "app", "credential", "reset"]:
                assert "--append" in options, "without --append every other credential is deleted"
                [app] = self._listed("/applications", f"appId eq '{options['--id']}'")
                assert isinstance(app, dict)
                path = f"/applications/{app['id']}"
                made = self._graph(
                    "POST", f"{path}/addPassword", json.dumps({"passwordCredential": {"displayName": options["--display-name"]}})
                )
                assert isinstance(made, dict)
                return {"appId": options["--id"], "password": made["secretText"], "tenant": self.cli.tenant.id}
            case ["ad", "sp", "create"]:
                return self._graph("POST", "/servicePrincipals", json.dumps({"appId": options["--id"]}))
            case ["ad", "sp", "show"]:
                found = self._listed("/servicePrincipals", f"appId eq '{options['--id']}'")
                return found[0] if found else self._graph("GET", f"/servicePrincipals/{options['--id']}")
            case ["ad", "group", "create"]:
                name, nickname = options["--display-name"], options["--mail-nickname"]
                group: JSON = {"displayName": name, "mailNickname": nickname, "mailEnabled": False, "securityEnabled": True}
                return self._graph("POST", "/groups", json.dumps(group))
            case ["ad", "group", "show"]:
                [group] = self._listed("/groups", f"displayName eq '{options['--group']}'")
                return group
            case ["ad", "group", "member", "list"]:
                members = self._graph("GET", f"/groups/{options['--group']}/members")
                return members["value"] if isinstance(members, dict) else None
        raise AssertionError(f"az is asked for {' '.join(words)}")

    def _body(self, text: str) -> str:
        return (self._folder / text[1:]).read_text("utf-8") if text.startswith("@") else text

    def _listed(self, path: str, condition: str) -> list[JSON]:
        found = self._graph("GET", f"{path}?{urlencode({'$filter': condition}, quote_via=quote)}")
        value = found["value"] if isinstance(found, dict) else []
        return value if isinstance(value, list) else []

    def _graph(self, method: str, path: str, body: str = "") -> JSON:
        url = path if path.startswith("https:") else f"https://graph.microsoft.com/v1.0{path}"
        token = self.cli.answer("graph.microsoft.com")["accessToken"]
        headers = {"Authorization": f"Bearer {token}", "client-request-id": str(uuid4())}
        if body:
            headers["Content-Type"] = "application/json"
        answer = self.cli.tenant.handle(simulator.Request(method, url, headers, body.encode()))
        told: JSON = json.loads(answer.body) if answer.body else None
        if answer.status >= 400:
            raise RefusedError(f"{method} {url}: {answer.status} {answer.body.decode()}")
        return told


class RefusedError(Exception):
    """Graph said no."""


def _parsed(arguments: Sequence[str]) -> tuple[list[str], dict[str, str]]:
    """The words of a command, and its options with what follows them."""
    words: list[str] = []
    options: dict[str, str] = {}
    last = ""
    for each in arguments:
        if each.startswith("-"):
            last = each
            options[last] = ""
        elif last:
            options[last] = f"{options[last]} {each}".strip()
        else:
            words.append(each)
    return words, options


def _printed(answer: JSON, form: str) -> str:
    if form == "json":
        return "" if answer is None else json.dumps(answer, indent=2) + "\n"
    assert form == "tsv", form
    rows = answer if isinstance(answer, list) else [] if answer is None else [answer]
    return "".join(f"{row}\n" for row in rows)
