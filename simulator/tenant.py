"""The tenant as a whole: what its administrators do, and the answers its two hosts give."""

import json
import random
import time
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import asdict
from urllib.parse import parse_qsl, urlsplit

from simulator import people
from simulator.batch import Item, answer_batch
from simulator.behaviour import Behaviour
from simulator.directory import App, Directory, Group, Secret, User, Write
from simulator.faults import Fault
from simulator.graph import Call, Graph
from simulator.messages import JSON, Answer, Exchange, Refusal, Request, Response, as_json
from simulator.spoil import spoil_answer, spoil_response
from simulator.token import CLOUDS, GRAPH_HOSTS, TokenEndpoint

NEEDED = ("IdentityRiskyUser.Read.All", "Group.Create", "GroupMember.ReadWrite.All")
YEARS = 2 * 365 * 86400.0
REMEMBERED = 5000
_LEVELS = ("high", "medium", "low")


class Tenant:
    """One tenant with its apps, users and groups. `clock` gives epoch seconds."""

    def __init__(self, clock: Callable[[], float] = time.time, random: random.Random | None = None) -> None:
        self.clock = clock
        self.random = random or _seeded(1)
        self.behaviour = Behaviour()
        self.faults: list[Fault] = []
        self.violations: list[str] = []
        self.requests: deque[Exchange] = deque(maxlen=REMEMBERED)
        self.directory = Directory()
        self.apps: dict[str, App] = {}
        self.on_change: Callable[[], None] | None = None
        self.graph = Graph(self.directory, self.behaviour, self.random, self.violations.append)
        self.id = self.graph.new_id()
        self.domain = "contoso.onmicrosoft.com"
        self.tokens = TokenEndpoint(self.id, self.domain, self.apps, self.random)
        self.reset_counters()

    @classmethod
    def contoso(cls, risky: int = 12, seed: int = 1, clock: Callable[[], float] = time.time) -> "Tenant":
        """A tenant with Entra ID P2, so many risky users of every level, a few who are not, and one app, consented to."""
        tenant = cls(clock, _seeded(seed))
        tenant.register_app("risky-users", NEEDED, secret="Sim8Q~a+b/c=d&e%f.g_h-i")
        for number in range(risky):
            user = tenant.add_user()
            tenant.set_risk(user, ("high", "medium", "low")[number % 3])
        for _ in range(4):
            tenant.dismiss(tenant.add_user())
        return tenant

    # --- what administrators do ---

    @property
    def app(self) -> App:
        """The app registered first."""
        return next(iter(self.apps.values()))

    @property
    def premium(self) -> bool:
        """Whether the tenant has Entra ID P2."""
        return self.directory.premium

    @premium.setter
    def premium(self, value: bool) -> None:
        self.directory.premium = value

    @property
    def on_write(self) -> Callable[[Write], None] | None:
        """Hears of each change that a request made to the directory, right after it."""
        return self.graph.on_write

    @on_write.setter
    def on_write(self, listener: Callable[[Write], None] | None) -> None:
        self.graph.on_write = listener

    def register_app(self, name: str, permissions: tuple[str, ...] = NEEDED, secret: str | None = None) -> App:
        """An app registration with admin consent for these application permissions, and one secret."""
        value = secret or f"{self.random.getrandbits(160):040x}"
        app = App(self.graph.new_id(), self.graph.new_id(), name, set(permissions), [Secret(value, self.clock() + YEARS)])
        self.apps[app.client_id] = app
        return app

    def expire_secrets(self, app: App | None = None) -> None:
        """Let the app's secrets expire, and the tokens issued for them."""
        app = app or self.app
        for secret in app.secrets:
            secret.expires = self.clock()
        self.tokens.issued.clear()
        self._changed()

    def add_secret(self, value: str | None = None, app: App | None = None) -> str:
        """Another secret for the app; its value."""
        app = app or self.app
        app.secrets.append(Secret(value or f"{self.random.getrandbits(160):040x}", self.clock() + YEARS))
        self._changed()
        return app.secret

    def add_user(self, name: str | None = None) -> User:
        """A user, at no risk."""
        name = name or people.name(len(self.directory.users))
        mailbox = f"{name.lower().replace(' ', '.')}@{self.domain}"
        user = User(self.graph.new_id(), name, mailbox)
        self.directory.users[user.id] = user
        self._changed()
        return user

    def add_other(self, kind: str = "#microsoft.graph.device") -> str:
        """A directory object that is no user; its id."""
        object_id = self.graph.new_id()
        self.directory.others[object_id] = kind
        return object_id

    def delete_user(self, user: User, *, listed: bool = True) -> None:
        """Delete a user, who leaves every group but stays among the risky users for ever; `listed` as deleted, or not yet."""
        user.deleted, user.listed_as_deleted = True, listed
        for group in self.directory.groups.values():
            if group.members.pop(user.id, None) is not None:
                group.left[user.id] = self.clock()
        self._changed()

    def set_risk(self, user: User, level: str, state: str = "atRisk", detail: str = "none") -> None:
        """Put a user at a risk level."""
        user.risk_level, user.risk_state, user.risk_detail, user.risk_updated = level, state, detail, self.clock()
        self._changed()

    def confirm_compromised(self, user: User) -> None:
        """High, and not `atRisk` (https://learn.microsoft.com/graph/api/riskyuser-confirmcompromised)."""
        self.set_risk(user, "high", "confirmedCompromised", "adminConfirmedUserCompromised")

    def dismiss(self, user: User) -> None:
        """No risk (https://learn.microsoft.com/graph/api/riskyuser-dismiss)."""
        self.set_risk(user, "none", "dismissed", "adminDismissedAllRiskForUser")

    def remediate(self, user: User) -> None:
        """No risk, after a password change."""
        self.set_risk(user, "none", "remediated", "userPerformedSecuredPasswordChange")

    def confirm_safe(self, user: User) -> None:
        """No risk."""
        self.set_risk(user, "none", "confirmedSafe", "adminConfirmedAccountSafe")

    def create_group(self, name: str, **properties: object) -> Group:
        """A group made by hand; `properties` are those of directory.Group."""
        group = Group(self.graph.new_id(), name, name[:64], self.clock())
        for attribute, value in properties.items():
            setattr(group, attribute, value)
        self.directory.groups[group.id] = group
        self._changed()
        return group

    def delete_group(self, group: Group) -> None:
        """Delete a group."""
        group.deleted = self.clock()
        self._changed()

    def rename_group(self, group: Group, name: str) -> None:
        """Give a group another display name."""
        group.name = name
        self._changed()

    def add_member(self, group: Group, member: User | str) -> None:
        """Add a member by hand."""
        member_id = member if isinstance(member, str) else member.id
        group.left.pop(member_id, None)
        group.members[member_id] = self.clock()
        self._changed()

    def remove_member(self, group: Group, member: User | str) -> None:
        """Remove a member by hand."""
        member_id = member if isinstance(member, str) else member.id
        if group.members.pop(member_id, None) is not None:
            group.left[member_id] = self.clock()
        self._changed()

    # --- the truth, without any lag ---

    @property
    def users(self) -> list[User]:
        """Everybody, the deleted too."""
        return list(self.directory.users.values())

    def groups_named(self, name: str) -> list[Group]:
        """The groups of this name, the oldest first."""
        return sorted(
            (group for group in self.directory.standing_groups() if group.name == name), key=lambda group: (group.created, group.id)
        )

    def group_named(self, name: str) -> Group:
        """The oldest group of this name. Raises LookupError."""
        return self.groups_named(name)[0]

    def members_of(self, group: Group | str) -> frozenset[str]:
        """The ids of a group's members; of none where there is no group of this name."""
        if isinstance(group, str):
            named = self.groups_named(group)
            return frozenset(named[0].members) if named else frozenset()
        return frozenset(group.members)

    def risky_at(self, level: str) -> list[User]:
        """The users Identity Protection puts at this level, without the deleted."""
        return [user for user in self.directory.users.values() if user.risk_level == level and not user.deleted]

    def risky_count(self) -> int:
        """How many users are at a level that has a group."""
        return sum(len(self.risky_at(level)) for level in _LEVELS)

    def snapshot(self) -> dict[str, JSON]:
        """Users, groups, counters and behaviour, for a page."""
        return {
            "users": [
                {"id": user.id, "name": user.name, "upn": user.principal_name, "level": user.risk_level, "state": user.risk_state}
                for user in self.users
                if not user.deleted
            ],
            "groups": [{"id": group.id, "name": group.name, "members": list(group.members)} for group in self.directory.standing_groups()],
            "behaviour": asdict(self.behaviour),
            "faults": [{"kind": fault.kind, "path": fault.path, "struck": fault.struck} for fault in self.faults],
            "subrequests": self.subrequests,
            "graphRequests": self.graph_requests,
        }

    # --- requests ---

    def reset_counters(self) -> None:
        """Start counting anew."""
        self.subrequests = self.graph_requests = 0
        self.resource_units = self.write_units = 0.0

    def handle(self, request: Request) -> Response:
        """The answer of whichever host the URL names. Raises Dropped."""
        url = urlsplit(request.url)
        path = url.path.removeprefix("/v1.0") if url.hostname in GRAPH_HOSTS else url.path
        self.subrequests += 1
        exchange = Exchange(self.clock(), request.method, request.url, 0)
        self.requests.append(exchange)
        struck = [fault for fault in self.faults if fault.strikes(request.method, path)]
        response = None
        if not any(fault.kind in ("drop", "status", "redirect", "html", "expired token") for fault in struck):
            response = self._answer(request, url.scheme, url.hostname or "", exchange)
        try:
            response = spoil_response(response, struck, self.behaviour)
        finally:
            self._changed()
        exchange.status, exchange.delay = response.status, response.delay
        return response

    def _answer(self, request: Request, scheme: str, host: str, exchange: Exchange) -> Response:
        headers = {name.lower(): value for name, value in request.headers.items()}
        delay = self.behaviour.answer_seconds
        if scheme != "https" or (host not in CLOUDS and host not in GRAPH_HOSTS):
            bearer = ", with the access token" if "authorization" in headers else ""
            self.violations.append(f"a request to {scheme}://{host}{bearer}")
            return Response(404, {}, b"", delay)
        if host in CLOUDS:
            if "authorization" in headers:
                self.violations.append("the access token is sent to the login host")
            answered = self.tokens.handle(request, host, urlsplit(request.url).path, self.clock(), self.behaviour.token_seconds)
            return Response(answered.status, answered.headers, answered.body, delay)
        answer = self._graph_answer(request, host, headers, exchange)
        common = self._headers(headers, answer)
        return Response(answer.status, common, b"" if answer.body is None else as_json(answer.body), delay)

    def _graph_answer(self, request: Request, host: str, headers: Mapping[str, str], exchange: Exchange) -> Answer:
        url = urlsplit(request.url)
        try:
            roles = self._roles(headers, host)
            if not url.path.startswith("/v1.0/"):
                raise Refusal(400, "BadRequest", "Invalid version.")
            root = f"https://{host}/v1.0"
            target = request.url.removeprefix(root)
            if url.path == "/v1.0/$batch" and request.method == "POST":
                return answer_batch(self, _parsed(request.body), lambda item: self._one(item, roles, root), exchange)
            return self._one(Item(request.method, target, headers, _parsed(request.body)), roles, root)
        except Refusal as refusal:
            return self.refused(refusal, headers)

    def _one(self, item: Item, roles: frozenset[str], root: str) -> Answer:
        """One operation, whether it came alone or in a batch, with the faults that strike it."""
        path, _, query = item.target.partition("?")
        self.graph_requests += 1
        struck = [fault for fault in self.faults if fault.strikes(item.method, path)] if item.in_batch else []
        call = Call(
            item.method,
            path,
            dict(parse_qsl(query.replace("+", "%2b"), keep_blank_values=True)),
            item.headers,
            item.body,
            roles,
            self.clock(),
            root,
        )
        try:
            refused = any(fault.kind == "status" for fault in struck)
            answer = Answer(0) if refused else self.graph.handle(call)
        except Refusal as refusal:
            answer = self.refused(refusal, item.headers)
        self.resource_units += answer.resource_units
        self.write_units += answer.write_units
        return spoil_answer(answer, struck, lambda refusal: self.refused(refusal, item.headers), f"{root}{item.target}")

    def refused(self, refusal: Refusal, headers: Mapping[str, str]) -> Answer:
        """The error body (https://learn.microsoft.com/graph/errors)."""
        request_id = self.graph.new_id()
        inner: JSON = {
            "date": time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(self.clock())),
            "request-id": request_id,
            "client-request-id": headers.get("client-request-id", request_id),
        }
        body: JSON = {"error": {"code": refusal.code, "message": refusal.message, self.behaviour.inner_error: inner}}
        return Answer(refusal.status, body, {"request-id": request_id, **refusal.headers})

    def _roles(self, headers: Mapping[str, str], host: str) -> frozenset[str]:
        scheme, _, token = headers.get("authorization", "").partition(" ")
        issued = self.tokens.issued.get(token)
        if scheme != "Bearer" or not token:
            raise Refusal(401, "InvalidAuthenticationToken", "Access token is empty.")
        if issued is None or issued.host != host:
            raise Refusal(401, "InvalidAuthenticationToken", "Access token validation failure. Invalid audience.")
        if issued.expires <= self.clock():
            raise Refusal(401, "InvalidAuthenticationToken", "Lifetime validation failed, the token is expired.")
        if not issued.roles:
            raise Refusal(403, "AccessDenied", "Required roles claim values are not provided.")
        return issued.roles

    def _headers(self, headers: Mapping[str, str], answer: Answer) -> dict[str, str]:
        request_id = self.graph.new_id()
        diagnostic = '{"ServerInfo":{"DataCenter":"West Europe","Slice":"E","Ring":"5","ScaleUnit":"003","RoleInstance":"AM2PEPF0001"}}'
        common = {
            "request-id": request_id,
            "client-request-id": headers.get("client-request-id", request_id),
            "x-ms-ags-diagnostic": diagnostic,
            "OData-Version": "4.0",
            "x-ms-resource-unit": f"{answer.resource_units:g}",
        }
        if answer.body is not None:
            common["Content-Type"] = "application/json;odata.metadata=minimal;odata.streaming=true;IEEE754Compatible=false;charset=utf-8"
        return {**common, **answer.headers}

    def _changed(self) -> None:
        if self.on_change:
            self.on_change()


def _seeded(seed: int) -> random.Random:
    return random.Random(seed)


def _parsed(body: bytes) -> JSON:
    if not body:
        return None
    try:
        parsed: JSON = json.loads(body)
    except ValueError:
        raise Refusal(400, "BadRequest", "Unable to read JSON request payload.") from None
    return parsed
