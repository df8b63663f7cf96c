"""Risky users: pages, filters, the pace, and what administrators make of them."""

from typing import Literal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simulator import User
from tests.simulator.client import Client, contoso

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


def test_the_largest_page_may_be_lowered_overnight() -> None:
    client = contoso(600)
    assert client.get(f"{RISKY}?$top=500").status == 200
    client.tenant.behaviour.risky_users_top = 120
    for top, status in ((500, 400), (121, 400), (120, 200)):
        client.clock.time += 2
        answer = client.get(f"{RISKY}?$top={top}")
        assert answer.status == status, top
    assert len(answer.values) == 120
    client.clock.time += 2
    assert len(client.get(RISKY).values) == 20


RISKY_LEVELS = "$filter=riskLevel ne 'none'"


@pytest.mark.parametrize(("risky", "top"), [(20, None), (40, None), (40, 20), (40, 40), (500, 500)])
def test_the_link_of_a_full_last_page_may_lead_to_an_error_without_a_word(risky: int, top: int | None) -> None:
    client = contoso(risky)
    client.tenant.behaviour.full_last_page_links = True
    *pages, error = client.pages(f"{RISKY}?{RISKY_LEVELS}" + (f"&$top={top}" if top else ""))
    assert sum(len(page.values) for page in pages) == risky
    assert (error.status, error.code, error.message) == (400, "BadRequest", "")
    client.clock.time += 2
    assert all(page.status == 200 for page in client.pages(f"{RISKY}?{RISKY_LEVELS}&$top={(top or 20) - 1}"))
    client.clock.time += 2
    client.tenant.behaviour.full_last_page_links = False
    assert all(page.status == 200 for page in client.pages(f"{RISKY}?{RISKY_LEVELS}" + (f"&$top={top}" if top else "")))


@pytest.mark.parametrize(("risky", "top"), [(0, 20), (39, 20), (500, 499), (500, None)])
def test_a_last_page_that_is_not_full_ends_the_list(risky: int, top: int | None) -> None:
    client = contoso(risky)
    client.tenant.behaviour.full_last_page_links = True
    client.tenant.behaviour.risky_users_page = 300
    pages = client.pages(f"{RISKY}?{RISKY_LEVELS}" + (f"&$top={top}" if top else ""))
    assert [page.status for page in pages] == [200] * len(pages)
    assert sum(len(page.values) for page in pages) == risky


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


@pytest.mark.parametrize("chosen", ["riskLevel eq 'high' or riskLevel eq 'low'", "riskLevel in ('high','low')"])
@pytest.mark.parametrize(
    ("refused", "code", "message"),
    [
        ("invalid clause", "BadRequest", "Invalid filter clause"),
        ("unsupported query", "Request_UnsupportedQuery", "Unsupported Query."),
        ("no message", "BadRequest", ""),
    ],
)
def test_a_filter_that_is_not_taken_is_refused_in_one_of_three_ways(
    chosen: str, refused: Literal["invalid clause", "unsupported query", "no message"], code: str, message: str
) -> None:
    client = contoso()
    client.tenant.behaviour.or_filter = False
    client.tenant.behaviour.refused_filter = refused
    answer = client.get(f"{RISKY}?$filter={chosen}")
    assert (answer.status, answer.code, answer.message) == (400, code, message)
    client.clock.time += 2
    assert client.get(f"{RISKY}?$filter=riskLevel eq 'high'").status == 200


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


def placed(client: Client, *, shifting: bool) -> list[User]:
    """Two pages of risky users in an order that is not the one they were created in."""
    client.tenant.behaviour.shifting_pages = shifting
    users = client.tenant.users
    for user in users:
        user.place = -users.index(user)
    return users[::-1]


@pytest.mark.parametrize("shifting", [True, False])
def test_a_user_is_listed_where_a_test_puts_them(shifting: bool) -> None:
    client = contoso(36)
    order = placed(client, shifting=shifting)
    assert [user for page in client.pages(RISKY) for user in page.ids] == [user.id for user in order]


@pytest.mark.parametrize("shifting", [True, False])
def test_when_somebody_leaves_the_list_between_its_pages_the_first_of_the_next_may_be_on_none(shifting: bool) -> None:
    client = contoso(36)
    order = placed(client, shifting=shifting)
    first = client.get(f"{RISKY}?$filter=riskLevel ne 'hidden'")
    client.tenant.set_risk(order[3], "hidden")
    client.clock.time += 2
    second = client.get(str(first.body["@odata.nextLink"]))
    missed = {user.id for user in order} - {*first.ids, *second.ids}
    assert missed == ({order[20].id} if shifting else set())


@pytest.mark.parametrize("shifting", [True, False])
def test_when_somebody_enters_the_list_between_its_pages_the_last_one_may_be_on_two(shifting: bool) -> None:
    client = contoso(36)
    order = placed(client, shifting=shifting)
    client.tenant.set_risk(order[3], "hidden")
    first = client.get(f"{RISKY}?$filter=riskLevel ne 'hidden'")
    client.tenant.set_risk(order[3], "high")
    client.clock.time += 2
    second = client.get(str(first.body["@odata.nextLink"]))
    assert {*first.ids} & {*second.ids} == ({order[20].id} if shifting else set())
    assert order[3].id not in {*first.ids, *second.ids}


@settings(deadline=None, max_examples=50)
@given(st.lists(st.tuples(st.integers(0, 39), st.sampled_from(["high", "hidden"])), max_size=30), st.integers(1, 9), st.booleans())
def test_pages_that_do_not_shift_hold_once_whoever_stays_whatever_the_others_do(
    changes: list[tuple[int, str]], top: int, deleted: bool
) -> None:
    client = contoso(36)
    order = placed(client, shifting=False)
    moved = {order[number].id for number, _ in changes}
    pages = [client.get(f"{RISKY}?$filter=riskLevel ne 'hidden'&$top={top}")]
    while link := pages[-1].body.get("@odata.nextLink"):
        if changes:
            number, level = changes.pop()
            client.tenant.set_risk(order[number], level)
            if deleted:
                client.tenant.delete_user(order[number])
        client.clock.time += 1.1
        pages.append(client.get(str(link)))
    listed = [str(user) for page in pages for user in page.ids]
    assert len(set(listed)) == len(listed)
    assert {user.id for user in order} - moved <= set(listed)


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
