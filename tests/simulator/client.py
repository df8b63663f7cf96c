"""Asks a simulated tenant what tests want to know, as an app would that is signed in."""

import json
from dataclasses import dataclass, field
from urllib.parse import quote, urlencode

from simulator import App, Request, Response, Tenant
from simulator.messages import JSON

ROOT = "https://graph.microsoft.com/v1.0"


@dataclass
class Clock:
    """Epoch seconds that stand still."""

    time: float = 1_790_000_000.0

    def now(self) -> float:
        return self.time


@dataclass(frozen=True)
class Reply:
    """An answer, its JSON parsed."""

    status: int
    headers: dict[str, str]
    body: dict[str, JSON]

    @property
    def code(self) -> JSON:
        error = self.body["error"]
        return error["code"] if isinstance(error, dict) else error

    @property
    def message(self) -> JSON:
        error = self.body["error"]
        return error["message"] if isinstance(error, dict) else self.body["error_description"]

    @property
    def values(self) -> list[dict[str, JSON]]:
        value = self.body["value"]
        assert isinstance(value, list)
        return [entry for entry in value if isinstance(entry, dict)]

    @property
    def ids(self) -> list[JSON]:
        return [entry["id"] for entry in self.values]


@dataclass
class Client:
    """An app with a token."""

    tenant: Tenant
    clock: Clock
    app: App
    token: str = ""
    headers: dict[str, str] = field(default_factory=dict)

    def sign_in(self) -> str:
        """A fresh token."""
        return str(sign_in(self.tenant, self.app).body["access_token"])

    def get(self, target: str, **headers: str) -> Reply:
        return self.send("GET", target, **headers)

    def send(self, method: str, target: str, body: JSON = None, **headers: str) -> Reply:
        url = target if "://" in target else f"{ROOT}{target}"
        sent = {"Authorization": f"Bearer {self.token}", "client-request-id": self.app.object_id, **headers}
        if body is not None:
            sent["Content-Type"] = "application/json"
        return reply(self.tenant.handle(Request(method, url, sent, b"" if body is None else json.dumps(body).encode())))

    def batch(self, *items: JSON) -> Reply:
        return self.send("POST", "/$batch", {"requests": list(items)})

    def answers(self, *items: JSON) -> dict[str, dict[str, JSON]]:
        """The answers to a batch by their ids."""
        responses = self.batch(*items).body["responses"]
        assert isinstance(responses, list)
        return {str(each["id"]): each for each in responses if isinstance(each, dict)}

    def pages(self, target: str, pause: float = 1.1) -> list[Reply]:
        """All pages of a list, `pause` seconds apart."""
        pages = [self.get(target)]
        while link := pages[-1].body.get("@odata.nextLink"):
            self.clock.time += pause
            pages.append(self.get(str(link)))
        return pages


def reply(response: Response) -> Reply:
    body = json.loads(response.body) if response.body else {}
    return Reply(response.status, dict(response.headers), body)


def sign_in(tenant: Tenant, app: App, /, **changes: str | None) -> Reply:
    """A token request as documented, but for `changes`: None leaves a field out; `tenant` and `host` are the address."""
    form = {
        "client_id": app.client_id,
        "scope": "https://graph.microsoft.com/.default",
        "client_secret": app.secret,
        "grant_type": "client_credentials",
        "tenant": tenant.id,
        "host": "login.microsoftonline.com",
        **changes,
    }
    address = f"https://{form.pop('host')}/{form.pop('tenant')}/oauth2/v2.0/token"
    body = urlencode({name: value for name, value in form.items() if value is not None}, quote_via=quote).encode()
    return reply(tenant.handle(Request("POST", address, {"Content-Type": "application/x-www-form-urlencoded"}, body)))


def signed_in(tenant: Tenant, clock: Clock, *permissions: str) -> Client:
    """The tenant's app, or another one with these permissions."""
    app = tenant.register_app("another", permissions) if permissions else tenant.app
    client = Client(tenant, clock, app)
    client.token = client.sign_in()
    return client


def contoso(risky: int = 12, *permissions: str, seed: int = 1) -> Client:
    clock = Clock()
    return signed_in(Tenant.contoso(risky, seed, clock=clock.now), clock, *permissions)


def item(number: int, method: str, url: str, body: JSON = None, *depends_on: str) -> dict[str, JSON]:
    """One request in a batch."""
    one: dict[str, JSON] = {"id": str(number), "method": method, "url": url}
    if body is not None:
        one |= {"body": body, "headers": {"Content-Type": "application/json"}}
    if depends_on:
        one["dependsOn"] = list(depends_on)
    return one


def joining(*members: str) -> JSON:
    """The body that adds these members."""
    return {"members@odata.bind": [f"{ROOT}/directoryObjects/{member}" for member in members]}
