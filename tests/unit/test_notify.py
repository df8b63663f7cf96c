"""How somebody is told: webhook, mail, heartbeat and data point, none of which can fail or hold up a tick."""

import json
from collections.abc import Callable

import pytest

from alerts import Notice
from errors import ConfigError, SyncFailed
from notify import numbers, payload
from settings import Watch, read_watch
from simulator import Fault
from tests.ticks import contoso
from tests.watching import HEARTBEAT, TELLING_SECONDS, WEBHOOK, Mood, Watching

TROUBLE = "medium: Graph answers 503."
NOTICES = [Notice("failing", "failing", "isolation does not follow risk", "The Worker has been failing since then.")]


def failing(it: Watching, minutes: int = 5) -> None:
    it.minute()
    for _ in range(minutes):
        it.minute(TROUBLE)


# --- the webhook ---


def taken_by_slack(body: dict[str, object]) -> bool:
    """https://docs.slack.dev/messaging/sending-messages-using-incoming-webhooks: `text` is shown; `attachments` would be Slack's own."""
    return isinstance(body.get("text"), str) and bool(body["text"]) and "attachments" not in body


def taken_by_teams(body: dict[str, object]) -> bool:
    """https://learn.microsoft.com/connectors/teams/#microsoft-teams-webhook: a message with an adaptive card in it."""
    attachments = body.get("attachments")
    assert isinstance(attachments, list)
    [attachment] = attachments
    card = attachment["content"]
    blocks = [(block["type"], bool(block["text"])) for block in card["body"]]
    kind = (body["type"], attachment["contentType"], card["type"], card["version"])
    return kind == ("message", "application/vnd.microsoft.card.adaptive", "AdaptiveCard", "1.4") and blocks == [("TextBlock", True)] * 2


@pytest.mark.parametrize(
    ("url", "taken"),
    [
        ("https://hooks.slack.com/services/T0/B0/xxx", taken_by_slack),
        ("https://HOOKS.slack.com/services/T0/B0/xxx", taken_by_slack),
        ("https://hooks.slack-gov.com/services/T0/B0/xxx", taken_by_slack),
        ("https://prod-1.westeurope.logic.azure.com/workflows/x/triggers/manual/paths/invoke?sig=x", taken_by_teams),
        ("https://contoso.webhook.office.com/webhookb2/x", taken_by_teams),
    ],
)
def test_one_message_is_taken_by_slack_and_by_teams(url: str, taken: Callable[[dict[str, object]], bool]) -> None:
    assert taken(payload(url, "subject", "text", NOTICES))


def test_a_plain_receiver_finds_title_text_and_states() -> None:
    message = payload(WEBHOOK, "subject", "text", NOTICES)
    assert (message["title"], message["text"], message["states"]) == ("subject", "subject\n\ntext", ["failing"])
    assert json.loads(json.dumps(message)) == message


def test_several_things_are_told_in_one_message() -> None:
    it = Watching()
    it.minute()
    end = it.clock.time + 86400 * 5
    for _ in range(5):
        it.minute(TROUBLE)
    it.minute(ends=end)
    assert it.receiver.states == ["failing", "over", "expiring"]
    assert len(it.receiver.messages) == 2
    assert it.receiver.messages[1]["title"] == "risky-users: it works again, the credential ends soon"


@pytest.mark.parametrize(
    ("mood", "told"),
    [
        ("slow", "ALERT_WEBHOOK was called, and gives no answer in time."),
        ("lost", "ALERT_WEBHOOK was called, and gives no answer in time."),
        ("refusing", "ALERT_WEBHOOK was called, and answers 403; check that address."),
        ("redirecting", "ALERT_WEBHOOK was called, and answers 302, a redirect, which is not followed; put the address that it leads to."),
    ],
)
def test_a_receiver_that_does_not_take_it_is_told_in_the_log_and_tried_again_later(mood: Mood, told: str) -> None:
    it = Watching()
    it.receiver.mood = mood
    failing(it, 60)
    assert set(it.log) == {told}
    pauses = [after - before for before, after in zip(it.receiver.attempts, it.receiver.attempts[1:], strict=False)]
    assert [round(pause, -1) for pause in pauses] == [120, 240, 480, 960]
    it.receiver.mood = "taking"
    for _ in range(60):
        it.minute(TROUBLE)
    assert it.receiver.states == ["failing"]


def test_a_web_page_with_a_good_status_counts_as_taken_since_receivers_answer_what_they_like() -> None:
    it = Watching()
    it.receiver.mood = "a web page"
    failing(it, 30)
    assert len(it.receiver.attempts) == 1
    assert it.log == []


def test_the_addresses_are_secrets_and_never_shown() -> None:
    it = Watching(watch=Watch(WEBHOOK, HEARTBEAT))
    it.receiver.mood = "refusing"
    failing(it, 30)
    assert it.log
    for secret in ("a-secret-of-its-own", "another-secret", "hooks.example"):
        assert not any(secret in line for line in it.log)
        assert secret not in repr(it.watch)


# --- mail ---


def test_mail_says_the_same() -> None:
    it, sent = Watching(), []
    it.mail = lambda *message: sent.append(message)
    failing(it)
    [message] = it.receiver.messages
    [(subject, text)] = sent
    assert message["text"] == f"{subject}\n\n{text}"


def test_one_way_that_works_is_enough() -> None:
    it, sent = Watching(), []
    it.mail = lambda *message: sent.append(message)
    it.receiver.mood = "lost"
    failing(it, 60)
    assert len(sent) == 1
    assert len(it.receiver.attempts) == 1


def test_mail_that_is_not_taken_is_tried_again_and_the_remedy_is_told() -> None:
    it, sent = Watching(watch=Watch(bindings=frozenset({"ALERT_EMAIL"}))), []

    def refuse(*message: str) -> None:
        sent.append(message)
        raise OSError("Error")

    it.mail = refuse
    failing(it, 30)
    assert 2 <= len(sent) <= 5
    assert set(it.log) == {"The alert was not taken by ALERT_EMAIL (Error); check the sender's domain and that the address is verified."}


# --- the heartbeat ---


def test_the_heartbeat_is_pinged_after_every_good_minute_and_no_other() -> None:
    it = Watching(watch=Watch(heartbeat=HEARTBEAT))
    for _ in range(10):
        it.minute()
    for _ in range(10):
        it.minute(TROUBLE)
    it.after(ConfigError(["AZURE_AD_CLIENT_SECRET is missing."]))
    assert it.receiver.beats == 10
    assert len(it.receiver.attempts) == 10


@pytest.mark.parametrize("mood", ["slow", "lost", "refusing", "redirecting"])
def test_a_heartbeat_that_is_not_taken_is_a_line_in_the_log(mood: Mood) -> None:
    it = Watching(watch=Watch(heartbeat=HEARTBEAT))
    it.receiver.mood = mood
    it.minute()
    assert [line.startswith("HEARTBEAT_URL was called, and ") for line in it.log] == [True]


def test_when_everything_is_slow_it_is_still_over_in_time_and_what_did_not_fit_is_told_next_time() -> None:
    it = Watching(watch=Watch(WEBHOOK, HEARTBEAT))
    failing(it)
    it.receiver.mood = "slow"
    began = it.clock.time
    it.minute()
    assert it.receiver.attempts[-1] - began <= TELLING_SECONDS
    it.receiver.mood = "taking"
    for _ in range(10):
        it.minute()
    assert it.receiver.states == ["failing", "over"]


# --- what a tick came to ---


def test_a_configuration_that_is_wrong_and_an_error_nobody_foresaw_are_failures_too() -> None:
    it = Watching()
    it.minute()
    for _ in range(5):
        it.after(ConfigError(["AZURE_AD_CLIENT_SECRET is missing: put it."]))
    assert "AZURE_AD_CLIENT_SECRET is missing" in str(it.receiver.messages[0]["text"])
    it.minute()
    for _ in range(5):
        it.after(ZeroDivisionError("ada.adler@contoso.example"))
    assert "A ZeroDivisionError that was not foreseen." in str(it.receiver.messages[2]["text"])
    assert "ada.adler" not in str(it.receiver.messages)


# --- the data point ---


def test_every_tick_is_a_data_point_with_its_numbers_in_a_fixed_order() -> None:
    ticks, it = contoso(), Watching(watch=Watch(bindings=frozenset({"METRICS"})))
    it.after(ticks.tick())
    it.after(ticks.tick())
    ticks.tenant.dismiss(ticks.tenant.risky_at("high")[0])
    it.after(ticks.tick())
    ticks.tenant.faults = [Fault("status", path="/identityProtection/*", status=403)]
    with pytest.raises(SyncFailed) as failed:
        ticks.tick()
    it.after(failed.value)
    it.after(ConfigError(["…"]))
    milliseconds = [numbers[11] for _, numbers in it.points]
    assert [(outcome, [*numbers[:11], *numbers[12:]]) for outcome, numbers in it.points] == [
        ("changed", [4, 4, 4, 4, 4, 4, 12, 0, 0, 0, 5, -1]),
        ("in sync", [4, 4, 4, 4, 4, 4, 0, 0, 0, 0, 1, -1]),
        ("changed", [3, 4, 4, 3, 4, 4, 0, 1, 0, 0, 2, -1]),
        ("failed", [3, 4, 4, -1, -1, -1, 0, 0, 0, 1, 1, -1]),
        ("failed", [-1, -1, -1, -1, -1, -1, 0, 0, 0, 0, 0, -1]),
    ]
    assert all(number >= 0 for number in milliseconds)
    assert it.receiver.attempts == []


def test_days_problems_and_what_is_left_over_are_among_the_numbers() -> None:
    record = {"outcome": "failed", "members": {"high": 7}, "risky": {"low": 2}, "leftOver": 9, "problems": 2, "credentialDays": 6}
    assert numbers({**record, "subrequests": 3, "milliseconds": 40}) == [7, -1, -1, -1, -1, 2, 0, 0, 9, 2, 3, 40, 6]


def test_a_dataset_that_takes_nothing_is_a_line_in_the_log() -> None:
    it = Watching(watch=Watch(WEBHOOK, bindings=frozenset({"METRICS"})))

    class Broken(list[object]):
        def append(self, _: object) -> None:
            raise OSError("it is a binding of another kind")

    it.points = Broken()  # type: ignore[assignment]  # it is appended to, and no more
    failing(it)
    assert set(it.log) == {"The data point was not taken (it is a binding of another kind)."}
    assert it.receiver.states == ["failing"]


# --- settings ---


def watch(**variables: object) -> Watch:
    return read_watch(variables.get)


def test_without_any_of_its_variables_and_bindings_there_is_nothing_to_do() -> None:
    assert not watch().on
    assert not watch(ALERT_AFTER="5", ALERT_EMAIL_FROM="a@contoso.example").on


def test_webhook_and_heartbeat_cost_a_subrequest_each() -> None:
    assert watch(ALERT_WEBHOOK=WEBHOOK).subrequests == 1
    assert watch(ALERT_WEBHOOK=WEBHOOK, HEARTBEAT_URL=HEARTBEAT).subrequests == 2
    assert watch(METRICS=object(), ALERT_STATE=object()).subrequests == 0


@pytest.mark.parametrize(
    "url",
    ["http://hooks.example/x", "hooks.example/x", "https://", "https://a b", "ftp://hooks.example", "https://user:word@hooks.example/"],
)
@pytest.mark.parametrize("name", ["ALERT_WEBHOOK", "HEARTBEAT_URL"])
def test_an_address_that_is_not_https_is_refused_without_showing_it_and_keeps_nothing_from_its_work(name: str, url: str) -> None:
    found = watch(**{name: url})
    assert found.on
    assert (found.webhook, found.heartbeat, found.subrequests) == ("", "", 0)
    [problem] = found.problems
    assert problem.startswith(f"{name} is not an address that begins with https://")
    assert "hooks.example" not in problem


def test_a_wrong_address_is_told_each_minute() -> None:
    it = Watching(watch=watch(ALERT_WEBHOOK="http://hooks.example"))
    it.minute()
    it.minute()
    assert [line.startswith("ALERT_WEBHOOK is not an address") for line in it.log] == [True, True]


@pytest.mark.parametrize(
    "given", [{}, {"ALERT_EMAIL_FROM": "worker@contoso.example"}, {"ALERT_EMAIL_FROM": "worker@contoso.example", "ALERT_EMAIL_TO": "admin"}]
)
def test_mail_takes_both_addresses(given: dict[str, str]) -> None:
    found = watch(ALERT_EMAIL=object(), **given)
    assert found.problems
    assert "ALERT_EMAIL" not in found.bindings
    whole = watch(ALERT_EMAIL=object(), ALERT_EMAIL_FROM="worker@contoso.example", ALERT_EMAIL_TO="admin@contoso.example")
    assert whole.bindings == {"ALERT_EMAIL"}
    assert not whole.problems


@pytest.mark.parametrize("after", ["0", "-1", "soon", "2.5"])
def test_how_many_minutes_is_a_whole_number_of_at_least_one(after: str) -> None:
    found = watch(ALERT_WEBHOOK=WEBHOOK, ALERT_AFTER=after)
    assert found.after == 5
    assert found.problems[0].startswith("ALERT_AFTER must be a whole number of at least 1")
    assert watch(ALERT_WEBHOOK=WEBHOOK, ALERT_AFTER="12").after == 12
