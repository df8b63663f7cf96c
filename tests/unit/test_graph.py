"""The client: pages, batches, encoding, where the token goes and how long it lives."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import pairwise
from typing import TypeVar

import pytest

from access_token import MARGIN_SECONDS
from budget import HttpRequest, HttpResponse
from errors import ServiceError, SyncFailed
from graph import GraphClient, RiskyUsers
from groups import GROUP_NAMES
from operations import Operation
from plan import RISK_LEVELS
from simulator import Fault
from tests.ticks import Ticks, contoso, finish
from tests.unit.test_sync import in_sync

T = TypeVar("T")


@dataclass
class Recording(Ticks):
    """Ticks whose requests can be looked at."""

    sent: list[tuple[float, HttpRequest]] = field(default_factory=list)

    async def fetch(self, request: HttpRequest) -> HttpResponse:
        self.sent.append((self.clock.time, request))
        return await super().fetch(request)

    def batches(self) -> Iterator[tuple[float, list[dict[str, object]]]]:
        for time, request in self.sent:
            if request.url.endswith("/$batch"):
                yield time, json.loads(request.body)["requests"]


def recording(risky: int = 12) -> Recording:
    ticks = contoso(risky)
    return Recording(ticks.tenant, ticks.clock)


def result(graph: GraphClient, operation: Operation[T]) -> T:
    [outcome] = finish(graph.run(operation))
    assert not isinstance(outcome, ServiceError)
    return outcome


def read_risk(graph: GraphClient) -> RiskyUsers:
    return result(graph, graph.risky_users(RISK_LEVELS))


@pytest.mark.parametrize("risky", [0, 1, 499, 500, 501, 1700])
def test_every_page_of_risky_users_is_read(risky: int) -> None:
    ticks = contoso(risky)
    read = read_risk(ticks.graph())
    assert not read.unread
    assert sum(len(users) for users in read.by_level.values()) == risky


def test_a_list_that_changes_while_it_is_read_lists_nobody_twice() -> None:
    ticks = contoso(1700)
    ticks.tenant.behaviour.listed_twice = True
    assert sum(len(users) for users in read_risk(ticks.graph()).by_level.values()) == 1700


def test_pages_of_risky_users_are_asked_for_more_than_a_second_apart() -> None:
    ticks = recording(1700)
    read_risk(ticks.graph())
    times = [time for time, items in ticks.batches() if any("riskyUsers" in str(item["url"]) for item in items)]
    assert len(times) == 4
    assert all(after - before > 1.099 for before, after in pairwise(times))


def test_every_page_of_a_groups_members_is_read() -> None:
    ticks = contoso(0)
    ticks.tick()
    group = ticks.tenant.group_named(GROUP_NAMES["low"])
    everybody = {ticks.tenant.add_user().id for _ in range(2500)}
    for user in everybody:
        ticks.tenant.add_member(group, user)
    graph = ticks.graph()
    members = result(graph, graph.members(ticks.cache.groups[group.name]))
    assert members
    assert members.users == everybody


def test_where_graph_refuses_a_filter_with_or_each_level_is_asked_for_by_itself() -> None:
    ticks = contoso()
    ticks.tenant.behaviour.or_filter = False
    ticks.tick()
    assert in_sync(ticks)
    ticks.tick()
    assert ticks.record["subrequests"] == 4  # asked for all in vain, and then for each; nothing is remembered, so nothing can stay wrong


def test_a_batch_is_never_larger_than_graph_bears_and_a_group_never_has_two_writers() -> None:
    ticks = recording(700)
    ticks.tick()
    for user in ticks.tenant.users[:350]:
        ticks.tenant.dismiss(user)
    ticks.tick()
    for _, items in ticks.batches():
        patches = [item for item in items if item["method"] == "PATCH" and "members@odata.bind" in str(item["body"])]
        assert len(items) <= 20
        assert len(patches) in (0, len(items))
        assert len(patches) <= 5
        assert [item.get("dependsOn") for item in patches] == [None, *([str(number)] for number in range(1, len(patches)))][: len(patches)]
    assert in_sync(ticks)


def test_every_request_carries_an_id_of_its_own() -> None:
    ticks = recording()
    ticks.tick()
    ids = [request.headers["client-request-id"] for _, request in ticks.sent]
    assert len(set(ids)) == len(ids) > 1


@pytest.mark.parametrize("name", ["O'Hara & Söhne", "a' or displayName ne 'b", "100% (really)+#?/", "名前"])
def test_a_name_cannot_reshape_the_look_up(name: str) -> None:
    ticks = contoso(0)
    wanted = ticks.tenant.create_group(name)
    for other in ("O", "a", "b", name.upper() + "x"):
        ticks.tenant.create_group(other)
    graph = ticks.graph()
    groups, listing = result(graph, graph.groups_named(name))
    assert [group.id for group in groups] == [wanted.id]
    assert listing.end == "complete"
    assert not ticks.tenant.violations


def test_a_name_that_differs_in_case_only_is_another_group() -> None:
    ticks = contoso()
    ticks.tenant.create_group(GROUP_NAMES["high"].upper())
    ticks.tick()
    assert in_sync(ticks)


@pytest.mark.parametrize("kind", ["foreign link", "looping link"])
def test_a_next_page_elsewhere_is_not_followed_and_nobody_leaves_for_it(kind: str) -> None:
    ticks = recording(30)
    ticks.tick()
    ticks.tenant.dismiss(ticks.tenant.risky_at("high")[0])
    raised = ticks.tenant.risky_at("low")[0]
    ticks.tenant.set_risk(raised, "medium")
    ticks.tenant.faults = [Fault(kind, path="/identityProtection/*")]  # type: ignore[arg-type]  # one of Fault's kinds
    with pytest.raises(SyncFailed, match="the next page lies outside"):
        ticks.tick()
    assert raised.id in ticks.tenant.members_of(GROUP_NAMES["medium"])
    assert raised.id in ticks.tenant.members_of(GROUP_NAMES["low"])
    assert len(ticks.tenant.members_of(GROUP_NAMES["high"])) == 10
    assert not ticks.tenant.violations
    hosts = {request.url.split("/")[2] for _, request in ticks.sent}
    assert hosts == {"login.microsoftonline.com", "graph.microsoft.com"}


def token_requests(ticks: Recording) -> int:
    return sum("oauth2" in request.url for _, request in ticks.sent)


@pytest.mark.parametrize("lifetime", [3599, 600, 86400])
def test_a_token_is_used_until_shortly_before_it_expires(lifetime: int) -> None:
    ticks = recording()
    ticks.tenant.behaviour.token_seconds = lifetime
    used = lifetime - min(MARGIN_SECONDS, lifetime / 2)
    ticks.tick()
    started = ticks.clock.time - 60
    ticks.clock.time = started + used - 5
    ticks.tick()
    assert token_requests(ticks) == 1
    ticks.clock.time = started + used + 5
    ticks.tick()
    assert token_requests(ticks) == 2


def test_a_token_that_graph_refuses_is_replaced_once_within_the_tick() -> None:
    ticks = recording()
    ticks.tick()
    ticks.tenant.tokens.issued.clear()
    assert ticks.tick().outcome == "in sync"
    assert token_requests(ticks) == 2
    ticks.tenant.faults = [Fault("expired token", path="/$batch")]
    with pytest.raises(SyncFailed, match="refuses the access token"):
        ticks.tick()
    assert token_requests(ticks) == 3


def test_an_outage_of_the_login_host_goes_unnoticed_while_the_old_token_is_good() -> None:
    ticks = recording()
    ticks.tick()
    ticks.tenant.faults = [Fault("status", path="*/oauth2/v2.0/token", status=503)]
    ticks.clock.time += 3599 - 200
    assert ticks.tick().outcome == "in sync"
    ticks.clock.time += 600
    with pytest.raises(SyncFailed, match="No access token"):
        ticks.tick()


def test_in_a_government_cloud_everything_goes_to_its_own_hosts() -> None:
    ticks = recording()
    ticks.tenant.tokens.cloud = "login.microsoftonline.us"
    ticks.tick(AZURE_CLOUD="usgov-dod")
    assert {request.url.split("/")[2] for _, request in ticks.sent} == {"login.microsoftonline.us", "dod-graph.microsoft.us"}
    assert in_sync(ticks)


def test_what_fails_in_passing_is_asked_for_five_times_and_no_more() -> None:
    ticks = recording()
    ticks.tenant.faults = [Fault("status", "GET", "/groups")]
    with pytest.raises(SyncFailed, match="503, 5 times"):
        ticks.tick()
    assert sum("/groups?" in str(item["url"]) for _, items in ticks.batches() for item in items) == 5
