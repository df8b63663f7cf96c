"""Risky users: pages, filters, the pace, and what administrators make of them."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.simulator.client import contoso

pytestmark = pytest.mark.any_request

RISKY = "/identityProtection/riskyUsers"
PROPERTIES = {
    "id",
    "isDeleted",
    "isProcessing",
    "riskDetail",
    "riskLastUpdatedDateTime",
    "riskLevel",
    "riskState",
    "userDisplayName",
    "userPrincipalName",
}


def test_a_risky_user_has_every_documented_property() -> None:
    answer = contoso().get(RISKY)
    assert all(set(entry) == PROPERTIES for entry in answer.values)
    assert answer.body["@odata.context"] == "https://graph.microsoft.com/v1.0/$metadata#identityProtection/riskyUsers"


def test_a_page_holds_20_unless_more_are_asked_for() -> None:
    client = contoso(45)
    assert [len(page.values) for page in client.pages(RISKY)] == [20, 20, 9]
    client.clock.time += 2
    assert [len(page.values) for page in client.pages(f"{RISKY}?$top=40")] == [40, 9]


@settings(deadline=None, max_examples=50)
@given(st.integers(0, 60), st.integers(1, 30))
def test_pages_hold_everybody_once(risky: int, top: int) -> None:
    client = contoso(risky)
    listed = [user for page in client.pages(f"{RISKY}?$top={top}") for user in page.ids]
    assert sorted(map(str, listed)) == sorted(user.id for user in client.tenant.users)


def test_a_next_link_keeps_the_query_and_is_opaque() -> None:
    link = str(contoso(40).get(f"{RISKY}?$filter=riskLevel%20ne%20%27none%27&$select=id&$top=5").body["@odata.nextLink"])
    assert link.startswith("https://graph.microsoft.com/v1.0/identityProtection/riskyUsers?")
    assert "$filter=riskLevel%20ne%20%27none%27&$select=id&$top=5&$skiptoken=" in link
    assert "%2b" in link


@pytest.mark.parametrize("token", ["", "1", "RFNwdAIAAQ%2b%2bAAAA%3d"])
def test_a_made_up_token_for_a_page_is_refused(token: str) -> None:
    assert contoso(40).get(f"{RISKY}?$skiptoken={token}").status == 400


def test_more_than_500_on_a_page_is_refused_or_cut_down() -> None:
    client = contoso(600)
    assert client.get(f"{RISKY}?$top=501").status == 400
    client.tenant.behaviour.top_beyond_maximum = "clamp"
    client.clock.time += 2
    assert len(client.get(f"{RISKY}?$top=999").values) == 500


@pytest.mark.parametrize("top", ["0", "-1", "x", "", "1.5", "²", "9" * 5000])
def test_a_page_size_that_is_none_is_refused(top: str) -> None:
    assert contoso().get(f"{RISKY}?$top={top}").status == 400


def test_a_second_request_within_a_second_is_refused_without_a_word_about_when_to_come_back() -> None:
    client = contoso()
    assert client.get(RISKY).status == 200
    client.clock.time += 0.9
    answer = client.get(RISKY)
    assert (answer.status, answer.code) == (429, "TooManyRequests")
    assert "Retry-After" not in answer.headers
    client.clock.time += 0.1
    assert client.get(RISKY).status == 200


def test_nobody_without_a_risk_ever_seen_is_listed_but_the_dismissed_are() -> None:
    client = contoso(3)
    client.tenant.add_user()
    levels = [entry["riskLevel"] for entry in client.get(RISKY).values]
    assert levels == ["high", "medium", "low", *["none"] * 4]


@pytest.mark.parametrize(
    ("chosen", "levels"),
    [
        ("riskLevel eq 'high'", {"high"}),
        ("riskLevel eq microsoft.graph.riskLevel'high'", {"high"}),
        ("riskLevel eq 'high' or riskLevel eq 'low'", {"high", "low"}),
        ("riskState eq 'atRisk' and (riskLevel eq 'high' or riskLevel eq 'low')", {"high", "low"}),
        ("riskLevel ne 'none'", {"high", "medium", "low"}),
        ("not (riskLevel eq 'high')", {"medium", "low", "none"}),
        ("isDeleted eq false", {"high", "medium", "low", "none"}),
    ],
)
def test_a_filter_is_understood(chosen: str, levels: set[str]) -> None:
    answer = contoso().get(f"{RISKY}?$filter={chosen.replace(' ', '%20')}")
    assert {str(entry["riskLevel"]) for entry in answer.values} == levels


@pytest.mark.parametrize(
    "chosen",
    [
        "",
        "riskLevel",
        "riskLevel eq",
        "riskLevel eq high",
        "riskLevel = 'high'",
        "color eq 'red'",
        "riskLevel eq 'high' or",
        "(riskLevel eq 'high'",
        "riskLevel eq 'high' riskLevel eq 'low'",
        "riskLevel in ('high','low')",
        "(" * 5000 + "riskLevel eq 'high'" + ")" * 5000,
    ],
)
def test_a_filter_that_is_none_is_refused(chosen: str) -> None:
    answer = contoso().get(f"{RISKY}?$filter={chosen.replace(' ', '%20')}")
    assert (answer.status, answer.code) == (400, "BadRequest")


def test_whether_a_filter_may_say_or_and_in_is_left_open() -> None:
    client = contoso()
    client.tenant.behaviour.or_filter, client.tenant.behaviour.in_filter = False, True
    assert client.get(f"{RISKY}?$filter=riskLevel eq 'high' or riskLevel eq 'low'").status == 400
    client.clock.time += 2
    assert len(client.get(f"{RISKY}?$filter=riskLevel in ('high','low')").values) == 8


def test_only_what_is_selected_is_shown_and_only_what_exists_can_be() -> None:
    client = contoso()
    assert all(set(entry) == {"id", "riskLevel"} for entry in client.get(f"{RISKY}?$select=id,riskLevel").values)
    client.clock.time += 2
    assert client.get(f"{RISKY}?$select=id,color").status == 400


@pytest.mark.parametrize("option", ["$orderby=riskLevel", "$count=true", "$skip=5", "$expand=history"])
def test_options_that_the_list_does_not_take_are_refused(option: str) -> None:
    assert contoso().get(f"{RISKY}?{option}").code == "Request_UnsupportedQuery"


def test_deleted_users_stay_listed_perhaps_not_yet_marked() -> None:
    client = contoso(2)
    first, second = client.tenant.users[:2]
    client.tenant.delete_user(first)
    client.tenant.delete_user(second, listed=False)
    assert {entry["id"]: entry["isDeleted"] for entry in client.get(f"{RISKY}?$filter=riskLevel ne 'none'").values} == {
        first.id: True,
        second.id: False,
    }


def test_a_list_that_changes_while_it_is_read_may_repeat_an_entry() -> None:
    client = contoso(40)
    client.tenant.behaviour.listed_twice = True
    first, second, _ = client.pages(RISKY)
    assert second.ids[0] == first.ids[-1]


def test_without_a_licence_or_the_permission_the_reason_is_told() -> None:
    client = contoso()
    client.tenant.premium = False
    answer = client.get(RISKY)
    assert (answer.status, answer.code) == (403, "Forbidden")
    assert "not licensed" in str(answer.body)
    answer = contoso(1, "Group.Create").get(RISKY)
    assert (answer.status, answer.code) == (403, "Forbidden")
    assert "scopes are missing" in str(answer.body)


@pytest.mark.parametrize(
    ("action", "level", "state"),
    [("dismiss", "none", "dismissed"), ("confirmSafe", "none", "confirmedSafe"), ("confirmCompromised", "high", "confirmedCompromised")],
)
def test_an_app_that_may_can_change_a_users_risk(action: str, level: str, state: str) -> None:
    client = contoso(3, "IdentityRiskyUser.ReadWrite.All")
    user = client.tenant.users[2]
    assert client.send("POST", f"{RISKY}/{action}", {"userIds": [user.id]}).status == 204
    client.clock.time += 2
    entry = client.get(f"{RISKY}/{user.id}").body
    assert (entry["riskLevel"], entry["riskState"]) == (level, state)


def test_an_app_that_may_only_read_cannot_change_a_users_risk() -> None:
    client = contoso()
    user = client.tenant.users[0]
    assert client.send("POST", f"{RISKY}/dismiss", {"userIds": [user.id]}).status == 403
    assert user.risk_level == "high"
