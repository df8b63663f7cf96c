"""Whatever arrives in Microsoft's name: only our own errors come of it, and never a write that it does not call for."""

import base64
import json
import math
from collections.abc import Callable
from dataclasses import dataclass
from random import Random

from hypothesis import given, settings
from hypothesis import strategies as st

from access_token import AccessToken, sign_in
from budget import Budget, HttpRequest, HttpResponse
from errors import AuthError, ServiceError, SyncFailed
from exchange import GraphRequest, GraphResponse
from explain import explain
from graph import GraphClient, IsolateCache
from groups import GROUP_NAMES
from operations import ask
from plan import RISK_LEVELS
from retry import backoff
from settings import Settings
from sync import TICK_SECONDS, sync
from tests.chaos.world import World
from tests.ticks import StoppedClock, finish
from text import GUID, JSON

NAMES = ["responses", "id", "status", "headers", "body", "value", "error", "code", "message", "innerError", "request-id", "@odata.nextLink"]
NAMES += [
    "displayName",
    "riskLevel",
    "isDeleted",
    "@odata.type",
    "access_token",
    "expires_in",
    "error_codes",
    "groupTypes",
    "createdDateTime",
]
NAMES += list(GROUP_NAMES.values())

scalars = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.sampled_from([0, 1, 200, 201, 204, 400, 404, 429])
    | st.floats()
    | st.text(max_size=12)
    | st.sampled_from(["1", "2", "high", "#microsoft.graph.user", *NAMES])
)
values = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(NAMES) | st.text(max_size=5), inner, max_size=5),
    max_leaves=12,
)
responses = st.fixed_dictionaries({}, optional={"id": scalars, "status": scalars, "headers": values, "body": values})
DEEP = "[" * 100_000
bodies = (
    st.binary(max_size=60).map(lambda raw: raw.decode(errors="replace"))
    | values.map(json.dumps)
    | st.lists(responses, max_size=5).map(lambda found: json.dumps({"responses": found}))
    | st.sampled_from([DEEP, "9" * 5000, "NaN", '{"responses":[{"id":"1","status":200,"body":' + "[" * 900 + "]" * 900 + "}]}"])
)
statuses = st.sampled_from([200, 424, 201, 204, 302, 400, 401, 403, 404, 429, 503]) | st.integers(200, 599)
headers = st.dictionaries(st.sampled_from(["retry-after", "request-id", "location"]), st.text(max_size=12) | st.integers(-9, 9).map(str))
replies = st.builds(HttpResponse, statuses, headers, bodies)

READ = GraphRequest("GET", "/groups", what="read", needs="GroupMember.Read.All")
SETTINGS = Settings("contoso.example", "00000000-0000-4000-8000-000000000000", "secret")


@dataclass
class Impostor:
    """Answers whatever it is given to answer, over and over, to all but requests for a token, and keeps what was sent."""

    replies: list[HttpResponse]
    clock: StoppedClock
    sent: list[HttpRequest]

    async def fetch(self, request: HttpRequest) -> HttpResponse:
        self.sent.append(request)
        if "oauth2" in request.url:
            return HttpResponse(200, {}, '{"access_token": "a.b.c", "expires_in": 3599}')
        return self.replies[len(self.sent) % len(self.replies)]

    def budget(self) -> Budget:
        return Budget(fetch=self.fetch, clock=self.clock, random=Random(0), max_subrequests=45, deadline=self.clock.time + TICK_SECONDS)


@given(st.lists(replies, min_size=1, max_size=4))
def test_whatever_graph_answers_a_tick_ends_in_time_and_nobody_is_added_or_removed(found: list[HttpResponse]) -> None:
    clock = StoppedClock()
    impostor = Impostor(found, clock, [])
    deadline = clock.time + TICK_SECONDS
    graph = GraphClient(SETTINGS, IsolateCache(), impostor.budget())
    try:
        report = finish(sync(graph, SETTINGS, lambda level, entry: None))
        assert report.outcome != "changed"
    except SyncFailed as failure:
        assert failure.problems  # noqa: PT017  # either way of ending is right
    assert clock.time <= deadline
    for request in impostor.sent:
        assert request.url.startswith(("https://login.microsoftonline.com/", "https://graph.microsoft.com/v1.0/"))
        assert "/members" not in request.body
        assert "members@odata.bind" not in request.body


@given(st.lists(replies, min_size=1, max_size=4))
def test_whatever_the_login_host_answers_there_is_a_usable_token_or_an_auth_error(found: list[HttpResponse]) -> None:
    clock = StoppedClock()
    answers = iter(found * 5)

    async def fetch(_: HttpRequest) -> HttpResponse:
        return next(answers)

    token = AccessToken()
    budget = Budget(fetch=fetch, clock=clock, random=Random(0), max_subrequests=45, deadline=clock.time + TICK_SECONDS)
    try:
        finish(sign_in(budget, SETTINGS, token))
    except AuthError as error:
        assert "secret;" not in str(error)  # noqa: PT017  # either way of ending is right
        assert not token.value
    else:
        assert token.value.isascii()
        assert clock.time < token.use_until <= token.expires < math.inf


@given(st.text(max_size=20) | values.map(lambda claims: f"e30.{base64.urlsafe_b64encode(json.dumps(claims).encode()).decode()}.x"))
def test_a_token_that_is_not_what_it_seems_tells_no_permissions(value: str) -> None:
    roles = AccessToken(value).roles
    assert roles is None or all(isinstance(role, str) for role in roles)


def test_a_token_nested_without_end_tells_no_permissions() -> None:
    assert AccessToken(f"e30.{base64.urlsafe_b64encode(DEEP.encode()).decode()}.x").roles is None


@given(st.integers(1, 20), replies)
def test_every_item_of_a_batch_gets_one_answer_of_its_own(count: int, reply: HttpResponse) -> None:
    requests = [GraphRequest("GET", f"/groups/{number}", what="read", needs="") for number in range(count)]
    graph = GraphClient(SETTINGS, IsolateCache(), Impostor([reply], StoppedClock(), []).budget())
    [answers] = finish(graph.run(ask(*requests)))
    assert not isinstance(answers, ServiceError)
    assert [answer.request for answer in answers] == requests
    assert all(answer.status == 0 or 100 <= answer.status < 600 for answer in answers)


@given(statuses, values, headers, st.booleans())
def test_an_error_is_explained_whatever_its_body_and_shows_nothing_of_it_but_a_code_and_ids(
    status: int, body: JSON, received: dict[str, str], whole: bool
) -> None:
    answer = GraphResponse(READ, status, body, received, whole=whole, attempts=1)
    assert explain(answer, None)[0]
    assert answer.says("") in (True, False)
    assert answer.code.isascii()
    assert all(GUID.fullmatch(each) for each in answer.request_ids)


@given(st.integers(1, 5), headers)
def test_whatever_retry_after_says_the_wait_is_a_number_of_at_least_a_second(attempt: int, received: dict[str, str]) -> None:
    retry_after = GraphResponse(READ, 429, headers=received).header("retry-after")
    assert 1 <= backoff(attempt, retry_after, now=StoppedClock().time, chance=0.5) < math.inf


# --- answers that are right but for one thing ---


def nodes(tree: JSON, path: tuple[str | int, ...] = ()) -> list[tuple[str | int, ...]]:
    """The paths to everything inside a JSON value."""
    inside: list[tuple[str | int, JSON]] = []
    if isinstance(tree, dict):
        inside = list(tree.items())
    elif isinstance(tree, list):
        inside = list(enumerate(tree))
    return [path, *(deeper for name, value in inside for deeper in nodes(value, (*path, name)))]


def damaged(tree: JSON, path: tuple[str | int, ...], value: JSON, *, remove: bool) -> JSON:
    """The JSON value with something else at a path, or with nothing there."""
    if not path:
        return value
    name, *rest = path
    pairs: list[tuple[str | int, JSON]] = []
    if isinstance(tree, dict):
        pairs = list(tree.items())
    elif isinstance(tree, list):
        pairs = list(enumerate(tree))
    changed = [
        (key, damaged(inner, tuple(rest), value, remove=remove) if key == name else inner)
        for key, inner in pairs
        if not (key == name and remove and not rest)
    ]
    return {str(key): inner for key, inner in changed} if isinstance(tree, dict) else [inner for _, inner in changed]


def damage(which: int, where: int, value: JSON, *, remove: bool) -> Callable[[str], str]:
    """Damages the `which`th answer at the `where`th of its places."""
    seen = [0]

    def forge(body: str) -> str:
        seen[0] += 1
        if seen[0] != which:
            return body
        tree: JSON = json.loads(body)
        paths = nodes(tree)
        return json.dumps(damaged(tree, paths[where % len(paths)], value, remove=remove))

    return forge


@settings(max_examples=400, deadline=None)
@given(st.integers(1, 9), st.integers(1, 6), st.integers(0, 2000), values, st.booleans(), st.booleans())
def test_an_answer_damaged_anywhere_leads_to_no_write_that_the_rest_does_not_call_for(
    seed: int, which: int, where: int, value: JSON, remove: bool, cold: bool
) -> None:
    world = World(12, seed)
    world.start(0)
    world.finish()
    world.clock.time += 1000  # the groups are new no more
    tenant = world.tenant
    tenant.dismiss(tenant.risky_at("high")[0])
    tenant.set_risk(tenant.risky_at("medium")[0], "high")
    tenant.set_risk(tenant.add_user(), "medium")
    tenant.delete_group(tenant.group_named(GROUP_NAMES["low"]))
    world.forge = damage(which, where, value, remove=remove)
    if cold:
        world.restart(0)
    world.start(0)
    world.disturb()  # what Graph says counts, be it a lie
    world.finish()
    world.forge = str
    for _ in range(2):
        world.clock.time += 60
        world.start(0)
        world.finish()
    assert all(world.in_sync(level) for level in RISK_LEVELS)
