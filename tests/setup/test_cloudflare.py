"""The administrators' client of Cloudflare, before a simulated account."""

from collections.abc import Callable, Sequence
from typing import TypeVar

import pytest

from errors import ConfigError
from risky_users.admin.cloudflare import Cloudflare, gone
from risky_users.admin.errors import NotAllowed, ServiceRefused, Uncertain
from simulator import Fault
from simulator.cloudflare import Account
from tests.setup.desk import Desk

T = TypeVar("T")
LISTS = "/gateway/lists"


class Office:
    """An administrator at work: an account, a computer, a token with these permissions."""

    def __init__(self, *permissions: str) -> None:
        self.desk = Desk()
        self.account = Account.contoso(clock=self.desk.clock.now)
        self.desk.network.services = [self.account]
        self.token = self.account.create_token("administrator", *(permissions or ("Zero Trust Write",))).value

    def do(self, job: Callable[[Cloudflare], T]) -> T:
        self.account.requests.clear()
        with Cloudflare(self.desk.machine, self.account.id, self.token) as cloudflare:
            return job(cloudflare)

    def fails(self, job: Callable[[Cloudflare], object]) -> ServiceRefused:
        with pytest.raises(ServiceRefused) as raised:
            self.do(job)
        assert self.token not in str(raised.value)
        return raised.value

    @property
    def told(self) -> list[str]:
        return self.desk.told

    @property
    def asked(self) -> int:
        return len(self.account.requests)


def read_lists(cloudflare: Cloudflare) -> Sequence[object]:
    return cloudflare.all(LISTS, "read the lists")


def make_list(cloudflare: Cloudflare) -> object:
    return cloudflare.send("POST", LISTS, "make the list", {"name": "another", "type": "EMAIL"})


def test_entries_are_read_to_the_last_page() -> None:
    office = Office()
    target = office.account.list_named("risky-users-high")
    office.account.set_values(target, [f"user{number}@contoso.com" for number in range(120)])
    items = office.do(lambda cloudflare: cloudflare.all(f"{LISTS}/{target.id}/items", "read the items"))
    assert len(items) == 120
    assert office.asked == 3


def test_a_listing_without_page_numbers_or_entries_is_read_as_it_is() -> None:
    office = Office()
    office.account.behaviour.result_info = False
    assert len(office.do(read_lists)) == 3
    target = office.account.list_named("risky-users-high")
    assert office.do(lambda cloudflare: cloudflare.all(f"{LISTS}/{target.id}/items", "read the items")) == []


@pytest.mark.parametrize("kind", ["no value", "garbage", "truncated", "not an object", "unanswered"])
def test_an_answer_that_is_not_understood_is_never_an_empty_list(kind: str) -> None:
    office = Office()
    office.account.faults = [Fault(kind)]  # type: ignore[arg-type]  # all given here are kinds
    assert isinstance(office.fails(read_lists), Uncertain)


@pytest.mark.parametrize("fault", [Fault("status", status=502, times=2), Fault("drop", times=2), Fault("garbage", times=2)])
def test_reading_waits_until_trouble_passes_and_says_so(fault: Fault) -> None:
    office = Office()
    office.account.faults = [fault]
    assert len(office.do(read_lists)) == 3
    assert office.asked == 3
    assert [line.rpartition(";")[2] for line in office.told] == [" again in 2 s", " again in 3 s"]


def test_trouble_that_does_not_pass_ends_in_an_error() -> None:
    office = Office()
    office.account.faults = [Fault("status", status=502)]
    error = office.fails(read_lists)
    assert isinstance(error, Uncertain)
    assert error.answer.status == 502
    assert error.answer.request_id
    assert office.asked == 5
    assert "<" not in str(error)


@pytest.mark.parametrize("kind", ["drop after", "drop", "garbage", "html", "truncated"])
def test_a_write_whose_outcome_is_not_known_is_not_repeated(kind: str) -> None:
    office = Office()
    office.account.faults = [Fault(kind, "POST")]  # type: ignore[arg-type]  # all given here are kinds
    assert "looks first" in str(office.fails(make_list))
    assert office.asked == 1
    assert len(office.account.lists_named("another")) <= 1


@pytest.mark.parametrize("form", ["json", "text", "html"])
@pytest.mark.parametrize("job", [read_lists, make_list])
def test_too_many_requests_are_sent_again_after_the_pause_that_cloudflare_asks_for(form: str, job: Callable[[Cloudflare], object]) -> None:
    office = Office()
    office.account.behaviour.throttled_as = form  # type: ignore[assignment]  # all given here are forms
    office.account.faults = [Fault("status", status=429, times=1)]
    began = office.desk.clock.now()
    office.do(job)
    pause = 30 if form == "html" else 61
    assert office.desk.clock.now() - began == pytest.approx(pause)
    assert f"slow down; again in {pause} s" in office.told[0]


def test_a_pause_too_long_to_wait_for_is_told_instead() -> None:
    office = Office()
    office.account.faults = [Fault("status", status=429, headers={"retry-after": "3600"})]
    error = office.fails(read_lists)
    assert "3600" in str(error)
    assert (error.answer.status, office.asked) == (429, 1)


@pytest.mark.parametrize("refusal", ["403 10000", "400 10000", "403 9109"])
def test_a_missing_permission_is_named(refusal: str) -> None:
    office = Office("Zero Trust Read")
    office.account.behaviour.missing_right = refusal  # type: ignore[assignment]  # all given here are refusals
    assert office.do(read_lists)
    error = office.fails(make_list)
    assert isinstance(error, NotAllowed)
    assert "lacks Zero Trust Write" in str(error)
    error = office.fails(lambda cloudflare: cloudflare.all("/workers/scripts", "read the Workers"))
    assert "lacks Workers Scripts Read" in str(error)


@pytest.mark.parametrize("path", [f"{LISTS}/01302951-49f9-47c9-a400-0297e60b6a10", "/gateway/rules/01302951-49f9-47c9-a400-0297e60b6a10"])
def test_what_is_gone_is_told_apart(path: str) -> None:
    assert gone(Office().fails(lambda cloudflare: cloudflare.one(path, "read it")))


def test_a_redirect_is_not_followed_and_no_other_host_is_asked() -> None:
    office = Office()
    office.account.faults = [Fault("redirect")]
    assert "not followed" in str(office.fails(read_lists))
    assert not office.account.violations


def test_an_address_that_cloudflare_quotes_is_not_shown() -> None:
    office = Office()
    target = office.account.list_named("risky-users-high")
    error = office.fails(
        lambda cloudflare: cloudflare.send("PATCH", f"{LISTS}/{target.id}", "change the list", {"remove": ["ada@contoso.com"]})
    )
    assert "not found in list" in str(error)
    assert "ada" not in str(error)


@pytest.mark.parametrize("kind", ["account", "user"])
@pytest.mark.parametrize("prefixed", [True, False])
def test_a_token_is_verified_whoever_owns_it_and_whether_it_shows_or_not(kind: str, prefixed: bool) -> None:
    office = Office()
    token = office.account.create_token("another", kind=kind, expires=office.desk.clock.now() + 1000)  # type: ignore[arg-type]  # both are kinds
    if not prefixed:
        token.value = token.value.partition("_")[2]
    office.token = token.value
    facts = office.do(lambda cloudflare: cloudflare.verify())
    assert (facts.id, facts.kind, facts.status) == (token.id, kind, "active")
    assert facts.expires
    assert office.asked == (2 if kind == "user" and not prefixed else 1)


def test_a_token_that_is_none_is_told_before_anything_is_asked_and_a_dead_one_when_it_is_verified() -> None:
    office = Office()
    office.account.token.disabled = True
    office.token = office.account.token.value
    assert "not valid" in str(office.fails(lambda cloudflare: cloudflare.verify()))
    office.token = 'a "quoted" one'
    with pytest.raises(ConfigError, match="CLOUDFLARE_API_TOKEN is no API token"):
        office.do(read_lists)
    assert office.asked == 0


def test_a_query_of_the_analytics_is_repeated_like_any_other_reading() -> None:
    office = Office("Account Analytics Read")
    query = (
        "query($account: string!) { viewer { accounts(filter: {accountTag: $account}) {"
        "workersInvocationsScheduled(limit: 1) { status } } } }"
    )
    office.account.faults = [Fault("status", "POST", status=502, times=1)]
    data = office.do(lambda cloudflare: cloudflare.analytics(query, "read the Worker's runs", account=office.account.id))
    assert data == {"viewer": {"accounts": [{"workersInvocationsScheduled": []}]}}
