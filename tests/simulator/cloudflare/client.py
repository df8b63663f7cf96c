"""Asks a simulated account what tests want to know."""

import json
from dataclasses import dataclass, field
from typing import cast

from simulator.cloudflare import Account, GatewayList
from simulator.messages import JSON, Request, Response

ROOT = "https://api.cloudflare.com/client/v4"


@dataclass
class Clock:
    """Epoch seconds that stand still."""

    time: float = 1_790_000_000.0

    def now(self) -> float:
        return self.time


@dataclass(frozen=True)
class Reply:
    """An answer. `body` is its JSON, empty where it is none."""

    status: int
    headers: dict[str, str]
    text: str
    body: dict[str, JSON]

    @property
    def result(self) -> dict[str, JSON]:
        return cast(dict[str, JSON], self.body["result"])

    @property
    def results(self) -> list[dict[str, JSON]]:
        return cast(list[dict[str, JSON]], self.body["result"])

    @property
    def info(self) -> dict[str, JSON]:
        return cast(dict[str, JSON], self.body["result_info"])

    @property
    def errors(self) -> list[dict[str, JSON]]:
        return cast(list[dict[str, JSON]], self.body["errors"])

    @property
    def code(self) -> JSON:
        return self.errors[0].get("code")

    @property
    def message(self) -> str:
        return str(self.errors[0]["message"])


@dataclass
class Client:
    """Somebody with a token."""

    account: Account
    clock: Clock
    token: str = ""
    headers: dict[str, str] = field(default_factory=dict)

    def get(self, path: str) -> Reply:
        return self.send("GET", path)

    def send(self, method: str, path: str, body: JSON = None, **headers: str) -> Reply:
        """`path` is one below the account, or a whole address."""
        url = path if "://" in path else f"{ROOT}/accounts/{self.account.id}{path}"
        sent = {"Authorization": f"Bearer {self.token}", **self.headers, **headers}
        if body is not None:
            sent = {"Content-Type": "application/json", **sent}
        return reply(self.account.handle(Request(method, url, sent, b"" if body is None else json.dumps(body).encode())))

    def patch(self, target: GatewayList, append: tuple[str, ...] = (), remove: tuple[str, ...] = ()) -> Reply:
        """Change a list's items."""
        changes: dict[str, JSON] = {"append": [{"value": value} for value in append], "remove": [*remove]}
        return self.send("PATCH", f"/gateway/lists/{target.id}", {name: values for name, values in changes.items() if values})

    def query(self, query: str, **variables: JSON) -> Reply:
        """Ask the analytics API."""
        return self.send("POST", f"{ROOT}/graphql", {"query": query, "variables": variables})


def reply(response: Response) -> Reply:
    text = response.body.decode(errors="replace")
    is_json = response.headers.get("Content-Type", "").startswith("application/json")
    return Reply(response.status, dict(response.headers), text, json.loads(text) if is_json else {})


def contoso(*permissions: str, seed: int = 1) -> Client:
    """The account's own first token, or another one with these permissions."""
    clock = Clock()
    account = Account.contoso(seed, clock.now)
    clock.time += 60
    token = account.create_token("another", *permissions) if permissions else account.token
    return Client(account, clock, token.value)


def high(client: Client) -> GatewayList:
    """The list of the level high."""
    return client.account.list_named("risky-users-high")
