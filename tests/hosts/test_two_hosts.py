"""Two hosts at once on one tenant: a Worker and a container, say, in the days of a move. It costs requests and nothing else."""

from collections.abc import Coroutine, Generator

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from budget import HttpRequest, HttpResponse
from groups import GROUP_NAMES
from plan import RISK_LEVELS
from report import Report
from simulator import User
from sync import sync
from tests.lanes import Lane, lane

CALM = (*RISK_LEVELS, "none")


class Turn:
    """Whoever waits for it lets the other host go on."""

    def __await__(self) -> Generator[None, None, None]:
        yield


class Host(Lane):
    """One of several, which take turns before and after each request."""

    async def fetch(self, request: HttpRequest) -> HttpResponse:
        await Turn()
        response = await super().fetch(request)
        await Turn()
        return response

    def minute(self) -> Coroutine[object, None, Report]:
        """A tick that has yet to run."""
        self.log.clear()
        return sync(self.graph(), self.settings(), lambda level, entry: self.log.append((level, entry)))


def pair(risky: int) -> tuple[Host, Host]:
    """Two hosts with the same settings, each with a cache of its own, and the lists as a second target."""
    first = lane(risky)
    shared = (first.tenant, first.clock)
    return Host(*shared, account=first.account), Host(*shared, account=first.account)


def at_once(hosts: tuple[Host, Host], turns: list[bool]) -> list[Report]:
    """Both hosts' minutes, now one a step further, now the other; when one has ended the other goes on alone."""
    running = {number: host.minute() for number, host in enumerate(hosts)}
    reports = []
    turn = iter(turns)
    while running:
        number = next(turn, True) if len(running) > 1 else next(iter(running))
        try:
            running[number].send(None)
        except StopIteration as end:
            reports.append(end.value)
            del running[number]
    return reports


def members(host: Host) -> dict[str, frozenset[str]]:
    return {level: host.tenant.members_of(GROUP_NAMES[level]) for level in RISK_LEVELS}


def wanted(host: Host) -> dict[str, frozenset[str]]:
    return {level: frozenset(user.id for user in host.tenant.risky_at(level)) for level in RISK_LEVELS}


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.data())
def test_two_hosts_at_once_leave_groups_and_lists_as_one_would(data: st.DataObject) -> None:
    """Whatever the order of their requests: one group a level, in step after each minute, nobody between two groups, no failure."""
    hosts = pair(data.draw(st.integers(3, 14), "risky users"))
    tenant, clock = hosts[0].tenant, hosts[0].clock
    people = [user for level in RISK_LEVELS for user in tenant.risky_at(level)]
    moving: list[User] = []

    def nobody_is_between_two_groups(_: object) -> None:
        grouped = frozenset[str]().union(*members(hosts[0]).values())
        assert all(user.id in grouped for user in moving)

    tenant.on_write = nobody_is_between_two_groups
    for minute in range(4):
        changes = data.draw(st.dictionaries(st.sampled_from(range(len(people))), st.sampled_from(CALM), max_size=4), "changes")
        before = wanted(hosts[0])
        for number, level in changes.items():
            tenant.set_risk(people[number], level)
        after = wanted(hosts[0])
        remaining = frozenset[str]().union(*before.values()) & frozenset[str]().union(*after.values())
        moving[:] = [user for user in people if minute and user.id in remaining]
        for report in at_once(hosts, data.draw(st.lists(st.booleans(), max_size=40), "turns")):
            assert report.problems == []
            assert report.outcome != "failed"
        clock.time += 1000 if not minute else 60  # in its first minutes a group is not known everywhere
        if minute:
            assert members(hosts[0]) == after
            assert hosts[0].held() == hosts[0].wanted()
    assert all(len(tenant.groups_named(name)) == 1 for name in GROUP_NAMES.values())
    assert not tenant.violations
    assert not hosts[0].account.violations


def test_a_quiet_minute_of_two_hosts_is_a_quiet_minute_twice() -> None:
    """And one request more, where both ask Identity Protection in the same second: it answers one a second."""
    hosts = pair(12)
    for _ in range(3):
        at_once(hosts, [])
        hosts[0].clock.time += 1000
    hosts[0].tenant.requests.clear()
    assert {report.outcome for report in at_once(hosts, [True, False] * 20)} == {"in sync"}
    assert [[item.status for item in request.items if "riskyUsers" in item.url] for request in hosts[0].tenant.requests] == [
        [200],
        [429],
        [200],
    ]
