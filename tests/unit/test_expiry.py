"""The end of the credential is seen coming: from the certificate, from the app's own registration, or from CREDENTIAL_EXPIRES."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from expiry import DAY_SECONDS, SOON_DAYS, TOLD_AT_SECONDS, days_left, end_of_secret, timestamp, told_today, warning
from simulator import Fault
from simulator.messages import JSON
from sync import TOLD_SECONDS
from tests.certificates import VARIABLE, register
from tests.ticks import Ticks, contoso

REGISTRATION = ("GET", "/applications(*")
ENDS = "The Worker's credential ends on "


def date_of(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).date().isoformat()


def warnings(ticks: Ticks) -> list[str]:
    return [entry for level, entry in ticks.log if level == "warn" and isinstance(entry, str)]


def ends_in(ticks: Ticks, days: float) -> float:
    """Let the secret end so many days from now by the registration; when that is."""
    [secret] = ticks.tenant.app.secrets
    secret.expires = float(int(ticks.clock.time + days * DAY_SECONDS))
    return secret.expires


@pytest.fixture
def ticks() -> Ticks:
    made = contoso(3)
    made.clock.time = 1_790_035_200.0 + TOLD_AT_SECONDS - 60  # a minute before the time of day at which things are told
    assert not told_today(made.clock.time - 60, made.clock.time)
    made.tenant.renew_secrets()
    return made


# --- where it is known from ---


def test_the_worker_knows_the_end_of_its_secret_from_its_own_registration_if_the_tenant_shows_that(ticks: Ticks) -> None:
    end = ends_in(ticks, 6.5)
    ticks.tick(CREDENTIAL_EXPIRES="2099-01-01")
    [warning] = warnings(ticks)
    assert warning.startswith(f"{ENDS}{date_of(end)}, in 6 days; ")
    assert "risky-users rotate" in warning
    assert ticks.record["credentialDays"] == 6


@pytest.mark.parametrize("how", ["forbidden", "missing", "garbage", "unavailable", "throttled", "unauthorized"])
def test_else_it_knows_it_from_a_variable_and_what_it_may_not_read_is_no_trouble(ticks: Ticks, how: str) -> None:
    ticks.tick()
    ticks.restart()
    ticks.tenant.behaviour.own_registration_readable = how != "forbidden"
    statuses = {"missing": 404, "unavailable": 503, "throttled": 429, "unauthorized": 401}
    if how in statuses:
        ticks.tenant.faults = [Fault("status", *REGISTRATION, status=statuses[how], headers={"Retry-After": "40"})]
    if how == "garbage":
        ticks.tenant.faults = [Fault("garbage", *REGISTRATION)]
    began = ticks.clock.time
    report = ticks.tick(CREDENTIAL_EXPIRES=date_of(began + 5 * DAY_SECONDS))
    assert report.outcome == "in sync"
    assert ticks.record["credentialDays"] == 4
    assert len(warnings(ticks)) == 1
    milliseconds = ticks.record["milliseconds"]
    assert isinstance(milliseconds, int)
    assert milliseconds < 5000, "nothing is waited for"


@pytest.mark.parametrize("days", [3, 300])
def test_whoever_tells_others_is_told_the_end_however_far(ticks: Ticks, days: int) -> None:
    end = ends_in(ticks, days)
    assert ticks.tick().credential_ends == end


def test_words_begin_thirty_days_before() -> None:
    assert (SOON_DAYS + 1) * DAY_SECONDS == TOLD_SECONDS


def test_without_any_of_these_nothing_is_said(ticks: Ticks) -> None:
    ticks.tenant.behaviour.own_registration_readable = False
    ends_in(ticks, 2)
    ticks.tick()
    assert warnings(ticks) == []
    assert "credentialDays" not in ticks.record


def test_a_certificate_tells_by_itself_and_its_registration_is_not_asked(ticks: Ticks) -> None:
    given = {
        VARIABLE: register(ticks.tenant, days=4.5, begins=ticks.clock.time),
        "AZURE_AD_CLIENT_SECRET": "",
        "CREDENTIAL_EXPIRES": "2099-01-01",
    }
    ticks.tick(**given)
    assert ticks.record["credentialDays"] == 4
    assert warnings(ticks)[0].startswith(ENDS)
    asked = [item.url for request in ticks.tenant.requests for item in request.items]
    assert not any("applications" in path for path in asked)


def test_of_two_credentials_the_end_of_the_one_that_serves_is_told(ticks: Ticks) -> None:
    given = {
        VARIABLE: register(ticks.tenant, days=4.5, begins=ticks.clock.time),
        "CREDENTIAL_EXPIRES": date_of(ticks.clock.time + 3 * DAY_SECONDS),
    }
    told = []
    for _ in range(2):
        ticks.tick(**given)
        told.append(ticks.record["credentialDays"])
        ticks.restart()
        ticks.tenant.app.application.certificates.clear()
    assert told == [4, 2]


def test_the_registration_is_asked_once_a_day_beside_other_questions(ticks: Ticks) -> None:
    asked = []
    for _ in range(4 * 24 * 2):
        ticks.tick()
        paths = [item.url for request in ticks.tenant.requests for item in request.items]
        asked.append(sum("/applications" in path for path in paths))
        if asked[-1]:
            assert len(ticks.tenant.requests) <= (6 if len(asked) == 1 else 2), "it costs no request of its own"
        ticks.tenant.requests.clear()
        ticks.clock.time += 29 * 60
    assert sum(asked) == 4


def test_of_several_secrets_that_one_is_meant_that_begins_like_the_workers() -> None:
    def listed(*entries: tuple[str, str]) -> JSON:
        return {"passwordCredentials": [{"hint": hint, "endDateTime": end} for hint, end in entries]}

    now, day = timestamp("2026-11-26"), timestamp("2027-03-01")
    ours = ("q2a", "2027-03-01T00:00:00Z")
    assert end_of_secret(listed(("abc", "2026-12-01T00:00:00Z"), ours), "q2a~secret", now) == day
    assert end_of_secret(listed(ours, ("q2a", "2028-01-01T00:00:00Z")), "q2a~secret", now) == day
    assert end_of_secret(listed(ours, ("q2a", "2026-01-01T00:00:00Z")), "q2a~secret", now) == day, "one that has ended does not serve"
    assert end_of_secret(listed(("q2a", "soon"), ("abc", "")), "q2a~secret", now) is None
    assert end_of_secret(listed(), "q2a~secret", now) is None


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(max_size=3),
        lambda each: st.lists(each) | st.dictionaries(st.sampled_from(["passwordCredentials", "hint", "endDateTime"]), each),
        max_leaves=8,
    )
)
def test_a_registration_that_makes_no_sense_tells_nothing(garbage: JSON) -> None:
    assert end_of_secret(garbage, "q2a~secret", 0.0) is None


# --- when it is told ---


@pytest.mark.parametrize(("days", "told"), [(40.0, 0), (33.5, 0), (30.5, 2), (20.0, 2), (9.5, 2)])
@pytest.mark.parametrize("renewed", [False, True], ids=["an isolate that lasts", "a new isolate every minute"])
def test_from_thirty_days_on_it_is_told_once_a_day(ticks: Ticks, days: float, told: int, renewed: bool) -> None:
    end = ends_in(ticks, days)
    lines, counted = [], []
    for _ in range(2):
        for minute in range(20):
            if renewed or minute == 10:
                ticks.restart()
            ticks.tick()
            lines += warnings(ticks)
            counted.append("credentialDays" in ticks.record)
        ticks.clock.time += DAY_SECONDS - 20 * 60
    assert [line.startswith(f"{ENDS}{date_of(end)}, in ") for line in lines] == [True] * told
    assert set(counted) == {bool(told)}, "the record has it every minute, for dashboards"


def test_from_seven_days_on_it_is_told_every_minute_and_until_the_end(ticks: Ticks) -> None:
    end = ends_in(ticks, 7.9)
    ticks.tick()
    assert len(warnings(ticks)) == 1
    left = []
    while ticks.clock.time < end:
        ticks.restart()
        ticks.tick()
        assert len(warnings(ticks)) == 1
        left.append(ticks.record["credentialDays"])
        ticks.clock.time += 20 * 3600
    assert left == [7, 7, 6, 5, 4, 3, 2, 2, 1, 0]
    assert ", in less than a day; from then on nobody is isolated or released." in warnings(ticks)[0]


def test_once_the_credential_is_another_one_nothing_is_said_any_more(ticks: Ticks) -> None:
    ends_in(ticks, 3)
    ticks.tick()
    assert warnings(ticks)
    another = ticks.tenant.add_secret("zzz~another-one")
    ticks.restart()
    ticks.tick(AZURE_AD_CLIENT_SECRET=another)
    assert warnings(ticks) == []
    assert "credentialDays" not in ticks.record


def test_an_end_that_has_passed_is_not_denied(ticks: Ticks) -> None:
    ticks.tenant.behaviour.own_registration_readable = False
    ticks.tick(CREDENTIAL_EXPIRES=date_of(ticks.clock.time - 3 * DAY_SECONDS))
    [warning] = warnings(ticks)
    assert warning.startswith("The Worker's credential ended on ")
    assert "or correct CREDENTIAL_EXPIRES" in warning
    assert ticks.record["credentialDays"] == -4


@given(st.floats(0, 2e9), st.lists(st.floats(1, 70), min_size=1, max_size=80))
def test_told_once_a_day_means_once(start: float, pauses: list[float]) -> None:
    """However ticks are spaced, one of those on both sides of the time of day tells, and no other."""
    now, told = start, 0
    for pause in [*pauses, 2 * 3600, *pauses]:
        told += told_today(now, now + pause)
        now += pause
    days = (now - TOLD_AT_SECONDS) // DAY_SECONDS - (start - TOLD_AT_SECONDS) // DAY_SECONDS
    assert told == days


@pytest.mark.parametrize(
    ("text", "meant"),
    [("2027-11-25", 1_827_100_800), ("2027-11-25T02:00:00+02:00", 1_827_100_800), ("2027-11-25T00:00:00.000Z", 1_827_100_800)],
)
def test_a_date_means_its_beginning_in_utc(text: str, meant: float) -> None:
    assert timestamp(text) == meant


def test_the_words_fit_the_number_of_days() -> None:
    end = timestamp("2027-11-25")
    said = {left: warning(end, end - left * DAY_SECONDS - 60) for left in (0, 1, 12)}
    assert ["in less than a day" in said[0], "in one day" in said[1], "in 12 days" in said[12]] == [True] * 3
    assert [days_left(end, end - seconds) for seconds in (-1, 0, 1, 86399, 86400)] == [-1, 0, 0, 0, 1]
