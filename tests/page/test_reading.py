"""The page for everybody: by keyboard, by screen reader, in the dark, on a phone."""

import pytest
from playwright.sync_api import Page, expect

from tests.page.hands import act, end_of_tick, fault, next_minute, tick

# Text and its background, wherever there is text: the ratio of https://www.w3.org/TR/WCAG22/#dfn-contrast-ratio, below 4.5 only.
FAINT_TEXT = """() => {
  const color = (text) => {
    const numbers = text.match(/[\\d.]+/g).map(Number);
    const scale = text.startsWith("color(") ? 255 : 1;
    return { rgb: numbers.slice(0, 3).map((one) => one * scale), alpha: numbers[3] ?? 1 };
  };
  const over = (top, below) => top.rgb.map((one, index) => one * top.alpha + below[index] * (1 - top.alpha));
  const background = (element) => {
    if (!element) return [255, 255, 255];
    const own = color(getComputedStyle(element).backgroundColor);
    return own.alpha === 1 ? own.rgb : over(own, background(element.parentElement));
  };
  const luminance = (rgb) => {
    const [r, g, b] = rgb.map((one) => one / 255).map((one) => (one <= 0.04045 ? one / 12.92 : ((one + 0.055) / 1.055) ** 2.4));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const faint = [];
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const element = walker.currentNode.parentElement;
    if (!walker.currentNode.textContent.trim() || !element.checkVisibility({ visibilityProperty: true })) continue;
    const below = background(element);
    const [one, other] = [luminance(over(color(getComputedStyle(element).color), below)), luminance(below)];
    const ratio = (Math.max(one, other) + 0.05) / (Math.min(one, other) + 0.05);
    if (ratio < 4.5) faint.push(`${walker.currentNode.textContent.trim()} (${element.className}): ${ratio.toFixed(2)}`);
  }
  return faint;
}"""

# What a screen reader would stumble over.
STUMBLING_BLOCKS = """() => {
  const found = [];
  const ids = [...document.querySelectorAll("[id]")].map((element) => element.id);
  for (const id of ids) if (ids.indexOf(id) !== ids.lastIndexOf(id)) found.push(`two elements are #${id}`);
  for (const attribute of ["aria-controls", "aria-labelledby", "aria-describedby"]) {
    for (const element of document.querySelectorAll(`[${attribute}]`)) {
      if (!document.getElementById(element.getAttribute(attribute))) found.push(`${attribute} of ${element.outerHTML} leads nowhere`);
    }
  }
  for (const button of document.querySelectorAll("button")) {
    const label = button.getAttribute("aria-label");
    if (!button.textContent.trim()) found.push(`a button without words: ${button.outerHTML}`);
    if (label && !label.includes(button.textContent.trim())) found.push(`its name hides its words: ${button.outerHTML}`);
  }
  for (const input of document.querySelectorAll("input")) if (!input.labels.length) found.push(`no label: ${input.outerHTML}`);
  for (const list of document.querySelectorAll("ul, ol")) {
    if ([...list.children].some((child) => child.tagName !== "LI")) found.push(`no list: ${list.outerHTML}`);
  }
  for (const element of document.querySelectorAll("section")) {
    if (!element.ariaLabel && !element.hasAttribute("aria-labelledby")) found.push(`a section without a name: ${element.className}`);
  }
  for (const element of document.querySelectorAll("*")) {
    const scrolls = /auto|scroll/.test(getComputedStyle(element).overflowY) && element !== document.scrollingElement;
    const byKeyboard = element.tabIndex >= 0 || element.querySelector("button, input");
    if (scrolls && !byKeyboard) found.push(`only a mouse can scroll ${element.className}`);
    if (element.tabIndex > 0) found.push(`an order of its own: ${element.outerHTML}`);
  }
  let depth = 0;
  for (const heading of document.querySelectorAll("h1, h2, h3, h4")) {
    const level = Number(heading.tagName[1]);
    if (level > depth + 1) found.push(`a level is left out before ${heading.textContent}`);
    depth = level;
  }
  return found;
}"""


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


def test_nothing_stands_in_a_screen_readers_way(page: Page) -> None:
    tick(page)
    page.locator(".person").first.click()
    assert page.evaluate(STUMBLING_BLOCKS) == []
    assert page.locator("h1").count() == 1
    assert page.locator("html").get_attribute("lang") == "en"
    for name in ("Identity Protection", "Security groups", "Cloudflare", "What goes wrong", "Requests of", "The Worker", "Alerts"):
        expect(page.get_by_role("region", name=name)).to_have_count(1)


def test_all_text_stands_out_from_its_background(page: Page, scheme: str) -> None:
    fault(page, "Throttling").check()
    fault(page, "No licence").check()
    tick(page)
    page.locator(".person").first.click()
    assert page.evaluate(FAINT_TEXT) == [], scheme


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
