"""`risky-users check --watch`: a test user's risk on its way to the isolated browser, with times."""

import json
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field

from errors import SyncFailed
from simulator import Fault
from tests.cli.chains import HOUR, MINUTE, Whole, whole
from tests.cli.terminal import Outcome

ADA = "Ada.L@contoso.com"


@dataclass
class Life:
    """Goes on beside a chain while somebody waits: a tick of the Worker each minute, and what else is to happen."""

    it: Whole
    later: list[tuple[float, Callable[[], object]]] = field(default_factory=list)
    """What happens so many seconds after the beginning, in its order."""
    ticks: bool = True
    bored: float = HOUR
    """After so many seconds whoever watches presses Ctrl-C."""

    def watch(self, *options: str, user: str = ADA) -> Outcome:
        """What the command tells."""
        clock = self.it.ticks.clock
        self.began, self.next_tick, self.busy = clock.time, clock.time + MINUTE / 2, False
        clock.sleep = self._sleep  # type: ignore[method-assign]  # the one clock that all go by
        return self.it.run("check", "--watch", *(["--user", user] if user else []), *options)

    async def _sleep(self, seconds: float) -> None:
        clock = self.it.ticks.clock
        until = clock.time + seconds
        while not self.busy and (due := min([self.next_tick, *(self.began + each for each, _ in self.later)])) <= until:
            self.busy, clock.time = True, max(clock.time, due)
            if due == self.next_tick:
                self.next_tick += MINUTE
                if self.ticks:
                    self._tick()
            else:
                self.later.pop(0)[1]()
            self.busy = False
        clock.time = max(clock.time, until)
        self.it.tenant.catch_up()
        self.it.chain.look()
        if clock.time > self.began + self.bored:
            raise KeyboardInterrupt

    def _tick(self) -> None:
        """The Worker's, which alone may write."""
        self.it.has_only_read()
        began = self.it.ticks.clock.time
        with suppress(SyncFailed):
            self.it.minute()
        self.it.ticks.clock.time = began + 1
        for service in self.it.services():
            service.requests.clear()


def raised(it: Whole) -> Callable[[], object]:
    return lambda: it.tenant.set_risk(it.ada, "high")


def steps(outcome: Outcome) -> dict[str, float]:
    """The stations told, in JSON, with the seconds since the risk."""
    told = [json.loads(line) for line in outcome.output.splitlines()]
    return {each["station"]: each["after"] for each in told if each["station"]}


def test_with_the_lane_the_browser_is_isolated_within_a_minute_of_the_risk() -> None:
    it = whole()
    outcome = Life(it, [(45.0, raised(it))]).watch()
    assert outcome.status == 0, outcome.text
    assert [line.split()[1] for line in outcome.output.splitlines() if line.startswith("✓")] == ["Risk", "Group", "List", "Policy"]
    assert "high, says Identity Protection" in outcome.output
    assert "“risky-users: isolate high” isolates the user's next page load, " in outcome.output
    assert "ID Protection > Risky users" in " ".join(outcome.output.split())
    assert it.chain.isolated(it.ada)
    assert ADA not in outcome.text


def test_times_are_seconds_after_the_risk() -> None:
    it = whole()
    outcome = Life(it, [(45.0, raised(it))]).watch("--json")
    reached = steps(outcome)
    assert list(reached) == ["risk", "group", "list", "policy"]
    assert reached["risk"] == 0
    assert 30 <= reached["policy"] <= MINUTE


def test_without_the_lane_it_waits_for_provisioning() -> None:
    it = whole(lists=False)
    reached = steps(Life(it, [(45.0, raised(it))]).watch("--json"))
    assert list(reached) == ["risk", "group", "cloudflare", "policy"]
    assert reached["group"] <= MINUTE
    assert 15 * MINUTE < reached["policy"] <= 45 * MINUTE


def test_whoever_is_at_risk_already_is_told_at_once() -> None:
    it = whole()
    it.tenant.set_risk(it.ada, "high")
    it.minute()
    it.chain.look()
    assert set(steps(Life(it).watch("--json")).values()) == {0.0}


def test_ctrl_c_ends_it_and_tells_what_was_not_reached() -> None:
    it = whole()
    it.cloudflare.state.rules.value.clear()
    outcome = Life(it, [(5.0, raised(it))], bored=3 * MINUTE).watch()
    assert outcome.status == 1
    assert "✓ List" in outcome.output
    assert outcome.output.endswith("\nEnded without Cloudflare, Policy.\n")
    assert not outcome.complaints


def test_a_risk_that_goes_away_ends_it() -> None:
    it = whole()
    outcome = Life(it, [(5.0, raised(it)), (25.0, lambda: it.tenant.dismiss(it.ada))], ticks=False).watch()
    assert outcome.status == 1
    assert "The risk is gone." in outcome.output
    assert "Ended without Group, List, Cloudflare, Policy." in outcome.output


def test_trouble_on_the_way_is_told_or_borne_and_the_trial_goes_on() -> None:
    it = whole()
    it.tenant.faults = [Fault("status", path="*/identityProtection/*", times=3)]
    it.cloudflare.faults = [Fault("status", path="/accounts/*/gateway/*", status=502, times=6)]
    outcome = Life(it, [(45.0, raised(it))], bored=5 * MINUTE).watch("--json")
    assert list(steps(outcome)) == ["risk", "group", "list", "policy"], outcome.text


def test_without_an_administrator_the_users_id_is_enough_for_the_group() -> None:
    it = whole()
    it.az = None
    del it.environment["CLOUDFLARE_API_TOKEN"]
    refused = Life(it).watch()
    assert refused.status == 1
    assert "The user's object id is needed" in refused.complaints
    outcome = Life(it, [(45.0, raised(it))], bored=3 * MINUTE).watch(user=it.ada.id)
    assert "· List " in outcome.output
    assert "· Cloudflare " in outcome.output
    assert "✓ Group " in outcome.output


def test_without_cloudflares_administrator_the_lanes_own_token_sees_list_and_policy() -> None:
    it = whole()
    del it.environment["CLOUDFLARE_API_TOKEN"]
    assert list(steps(Life(it, [(45.0, raised(it))]).watch("--json"))) == ["risk", "group", "list", "policy"]


def test_an_address_that_nobody_has_is_refused() -> None:
    outcome = Life(whole()).watch(user="nobody@contoso.com")
    assert outcome.status == 1
    assert "Entra knows nobody by this address" in outcome.complaints


def test_without_a_user_it_is_the_first_whose_risk_rises() -> None:
    it = whole()
    outcome = Life(it, [(45.0, raised(it))]).watch("--json", user="")
    assert list(steps(outcome)) == ["risk", "group", "list", "policy"]
    assert not any(user.id in outcome.text for user in it.tenant.users)
