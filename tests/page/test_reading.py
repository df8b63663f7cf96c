"""The page for everybody: by keyboard, by screen reader, in the dark, on a phone."""

from collections.abc import Sequence
from typing import TypedDict

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from page.simulation import ALERT_AFTER
from tests.page.hands import act, end_of_tick, fault, next_minute, tick


class Node(TypedDict):
    """An element that does not keep a rule."""

    html: str


class Violation(TypedDict):
    """A rule that is not kept."""

    id: str
    nodes: list[Node]


AXE = {"resultTypes": ["violations"], "rules": {"label-content-name-mismatch": {"enabled": True}}}  # which is off by default


def stumbling_blocks(page: Page) -> list[str]:
    """What axe finds: text that is too faint, names that are missing or hide words, roles, lists, headings, what a key cannot reach."""
    found: Sequence[Violation] = Axe().run(page, options=AXE).response["violations"]
    return [f"{each['id']}: {node['html']}" for each in found for node in each["nodes"]]


@pytest.fixture(params=["light", "dark"])
def scheme(request: pytest.FixtureRequest, page: Page) -> str:
    """The page in each colour scheme, with everything on it that can be."""
    page.emulate_media(color_scheme=request.param, reduced_motion="reduce")
    chosen: str = request.param
    return chosen


def test_everything_can_be_done_by_keyboard_alone(page: Page) -> None:
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to the groups")).to_be_focused()
    page.get_by_label("Find a user").focus()
    page.keyboard.type("lena")
    person = page.locator(".person")
    expect(person).to_have_count(1)
    for _ in ("Raise all", "Dismiss all", "Lena"):
        page.keyboard.press("Tab")
    expect(person).to_be_focused()
    page.keyboard.press("Enter")
    expect(person).to_have_attribute("aria-expanded", "true")
    page.keyboard.press("Tab")
    raising = page.get_by_role("button", name="Raise Lena Lopez")
    expect(raising).to_be_focused()
    before = page.locator(".level").inner_text()
    page.keyboard.press("Space")
    expect(page.locator(".level")).not_to_have_text(before)
    expect(raising).to_be_focused()
    fault(page, "Lost answers").focus()
    page.keyboard.press("Space")
    expect(fault(page, "Lost answers")).to_be_checked()
    page.keyboard.press("Space")
    minute = next_minute(page)
    page.get_by_role("button", name="Next minute").focus()
    page.keyboard.press("Enter")
    end_of_tick(page, minute)
    expect(page.get_by_role("button", name="Next minute")).to_be_focused()


def test_arrow_keys_lead_from_user_to_user_and_a_few_tabs_to_what_comes_after(page: Page) -> None:
    """However many users there are."""
    page.set_viewport_size({"width": 1440, "height": 900})
    people = page.locator(".person")
    people.first.focus()
    for key, number in (("ArrowDown", 1), ("End", -1), ("ArrowUp", -2), ("Home", 0), ("ArrowUp", 0)):
        page.keyboard.press(key)
        expect(people.nth(number)).to_be_focused()
    page.keyboard.press("PageDown")
    expect(people.first).not_to_be_focused()
    for _ in range(4):
        page.keyboard.press("Tab")
    expect(page.get_by_label("Direct lane")).to_be_focused()
    for _ in ("Fast-forward", "high", "medium", "low", "requests"):
        page.keyboard.press("Tab")
    expect(page.get_by_role("list", name="Requests, in order")).to_be_focused()


def test_an_action_that_would_change_nothing_is_not_offered(page: Page) -> None:
    page.get_by_role("button", name="Add a user").click()
    expect(page.locator(".person").last).to_be_focused()
    name = page.locator(".name").last.inner_text()
    page.locator(".person").last.click()
    actions = page.locator("#users li").last.locator(".actions")
    expect(actions.get_by_role("button")).to_have_text(["Raise", "Confirm", "Delete"])
    for _ in range(3):
        act(page, name, "Raise")
        expect(page.locator(".level").last).not_to_be_empty()
    expect(page.locator(".level").last).to_have_text("high")
    expect(actions.get_by_role("button")).to_have_text(["Confirm", "Dismiss", "Delete"])
    expect(page.get_by_role("button", name=f"Confirm {name}")).to_be_focused()  # for "Raise" has gone
    act(page, name, "Delete")


def test_after_deleting_a_user_the_focus_is_on_the_next_and_it_is_said(page: Page) -> None:
    page.get_by_role("button", name="Add a user").click()
    expect(page.locator(".person").last).to_be_focused()
    last = page.locator(".name").last.inner_text()
    before = page.locator(".name").nth(-2).inner_text()
    act(page, last, "Delete")
    expect(page.get_by_role("button", name=before)).to_be_focused()
    expect(page.get_by_role("status")).to_have_text(f"{last} was deleted.")


def test_the_end_of_a_tick_is_said_to_who_cannot_see_it(page: Page) -> None:
    tick(page)
    expect(page.get_by_role("status")).to_contain_text("Minute")
    expect(page.get_by_role("status")).to_contain_text("high")


def test_nothing_stands_in_anybodys_way(page: Page, scheme: str) -> None:
    fault(page, "An expired secret").check()
    for _ in range(ALERT_AFTER):
        tick(page)
    page.locator(".person").first.click()
    assert stumbling_blocks(page) == [], scheme


def test_a_screen_reader_finds_one_heading_and_every_panel_by_its_name(page: Page) -> None:
    assert page.locator("h1").count() == 1
    for name in ("Identity Protection", "Security groups", "Cloudflare", "What goes wrong", "Requests of", "The Worker", "Alerts"):
        expect(page.get_by_role("region", name=name)).to_have_count(1)


def test_the_dark_is_dark_and_the_light_is_light(page: Page, scheme: str) -> None:
    background = page.evaluate("getComputedStyle(document.body).backgroundColor.match(/\\d+/g).map(Number)")
    assert all(part < 60 for part in background) if scheme == "dark" else all(part > 200 for part in background)


@pytest.mark.parametrize("width", [320, 390, 768, 1024, 1280])
def test_nothing_lies_beyond_the_edge(page: Page, width: int) -> None:
    page.set_viewport_size({"width": width, "height": 800})
    page.locator(".person").first.click()
    assert page.evaluate("document.documentElement.scrollWidth") == width
    for button in ("Next minute", "Add a user"):
        page.get_by_role("button", name=button).scroll_into_view_if_needed()
        expect(page.get_by_role("button", name=button)).to_be_in_viewport(ratio=1)
    page.locator(".person").first.click()
