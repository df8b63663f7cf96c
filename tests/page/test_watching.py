"""The page in a browser: what somebody does to the tenant, and what they then see the Worker do."""

import os
import re
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import Browser, Page, expect

from tests.page.hands import act, end_of_tick, fault, member, members, start_tick, tick
from tests.page.serving import ROOT, served

PICTURE = ROOT / "docs" / "page.png"


def test_the_first_tick_creates_the_groups_and_hundreds_join_them_within_the_window(browser: Browser) -> None:
    with served(users=240) as site:
        page = browser.new_page(viewport={"width": 1440, "height": 900})
        page.goto(site.address, wait_until="domcontentloaded")
        expect(page.locator(".person")).to_have_count(244)
        expect(page.get_by_text("Does not exist yet: the Worker creates it")).to_have_count(3)
        expect(page.locator("#step")).to_have_text("240 to join")
        tick(page)
        for level in ("high", "medium", "low"):
            expect(members(page, level)).to_have_count(80)
        expect(page.locator("#step")).to_have_text("Exactly the risky users are isolated")
        expect(page.locator(".isolated")).to_have_count(240)
        expect(page.locator(".ghost")).to_have_count(0)
        edges = "document.documentElement.scrollHeight, document.documentElement.scrollWidth"
        assert page.evaluate(f"[{edges}]") == [900, 1440]
        raise_all = page.get_by_role("button", name="Raise all")
        page.get_by_role("button", name="Dismiss all").click()
        expect(page.locator("#step")).to_have_text("240 to leave")
        expect(raise_all).to_be_focused()
        expect(page.get_by_role("button", name="Dismiss all")).to_be_hidden()
        page.get_by_label("Find a user").fill("adler")
        raise_all.click()
        expect(page.locator('#users li[data-level="low"]')).to_have_count(page.locator(".person").count())
        page.close()


def test_a_raised_user_is_in_the_next_group_after_a_tick(page: Page) -> None:
    tick(page)
    expect(member(page, "low", "Chidi Costa")).to_have_count(1)
    act(page, "Chidi Costa", "Raise")
    expect(page.locator("#step")).to_have_text("1 to join and 1 to leave")
    expect(member(page, "medium", "Chidi Costa")).to_have_count(0)
    tick(page)
    expect(member(page, "medium", "Chidi Costa")).to_have_count(1)
    expect(member(page, "low", "Chidi Costa")).to_have_count(0)
    expect(page.get_by_role("log")).to_contain_text("(log) medium: 1 joined, 0 left")


def test_a_dismissed_user_is_in_no_group_after_a_tick(page: Page) -> None:
    act(page, "Dana Duarte", "Confirm")
    tick(page)
    expect(member(page, "high", "Dana Duarte")).to_have_count(1)
    act(page, "Dana Duarte", "Dismiss")
    expect(page.get_by_role("button", name="Dana Duarte Dismissed")).to_be_visible()
    tick(page)
    expect(page.locator("#columns .members").get_by_text("Dana Duarte")).to_have_count(0)


def test_a_user_who_was_added_and_raised_joins_and_once_deleted_is_nowhere(page: Page) -> None:
    before = page.locator(".person").count()
    page.get_by_role("button", name="Add a user").click()
    expect(page.locator(".person")).to_have_count(before + 1)
    new = page.locator(".person").last
    expect(new).to_be_focused()
    name = new.locator(".name").inner_text()
    act(page, name, "Raise")
    tick(page)
    expect(member(page, "low", name)).to_have_count(1)
    act(page, name, "Delete")
    expect(page.locator(".person")).to_have_count(before)
    expect(page.locator("#columns .members").get_by_text(name)).to_have_count(0)


def test_a_throttled_tick_shows_that_it_runs_and_what_it_waits_for(page: Page) -> None:
    fault(page, "Throttling").check()
    minute = start_tick(page)
    expect(page.locator("#worker")).to_have_text(re.compile(r"The Worker runs, "))
    requests = page.get_by_role("list", name="Requests, in order")
    expect(requests.get_by_role("listitem").filter(has_text="riskyUsers").filter(has_text="429")).to_have_count(1)
    expect(requests.get_by_text(re.compile(r"waits \d"))).to_have_count(1)
    expect(page.get_by_role("button", name="Next minute")).to_be_disabled()
    end_of_tick(page, minute)
    expect(requests.get_by_role("listitem").filter(has_text="riskyUsers").filter(has_text="200")).to_have_count(1)
    expect(requests.get_by_text(re.compile(r"waits 1\.\d s"))).to_have_count(1)
    expect(page.locator("#worker")).to_have_text(re.compile(r"Minute \d+: (in sync|changed)"))


def test_a_tick_without_permission_fails_and_the_console_says_what_is_missing(page: Page) -> None:
    fault(page, "A missing permission").check()
    tick(page)
    expect(page.locator("#worker")).to_have_text(re.compile("failed"))
    error = page.locator("#console pre").last.locator(".error").first
    expect(error).to_contain_text("needs the application permission GroupMember.")
    expect(error).to_be_in_viewport()
    expect(page.locator("#step")).to_have_text(re.compile(r"Minute \d+ failed"))
    fault(page, "A missing permission").uncheck()
    tick(page)
    expect(page.locator("#worker")).not_to_have_text(re.compile("failed"))
    expect(page.locator("#step")).to_have_text("Exactly the risky users are isolated")


def test_with_the_lane_a_browser_is_isolated_at_once_and_without_when_the_groups_are_provisioned(page: Page) -> None:
    act(page, "Hugo Haas", "Dismiss")
    tick(page)
    act(page, "Hugo Haas", "Confirm")
    person = page.locator(".person").filter(has_text="Hugo Haas")
    expect(person).to_contain_text("not isolated yet")
    tick(page)
    expect(person).to_contain_text(re.compile(r"isolated (at|since) "))
    expect(page.get_by_role("list", name="What the policy high goes by")).to_contain_text("hugo.haas@")
    page.get_by_label("Direct lane").uncheck()
    expect(page.locator("#worker")).to_have_text("The Worker is deployed anew")
    expect(person).to_contain_text("not isolated yet")
    expect(page.locator("#worker")).to_have_text(re.compile(r"Minute \d+:"), timeout=60_000)
    tick(page)
    expect(page.locator("#step")).to_have_text(re.compile(r"Groups in step; \d+ browsers wait for Cloudflare"))
    expect(fault(page, "Throttling", "Cloudflare")).to_be_disabled()  # there is nobody to feel it
    expect(fault(page, "Provisioning stopped", "Cloudflare")).to_be_enabled()
    page.get_by_role("button", name="Fast-forward").click()
    expect(page.get_by_role("button", name="Stop here")).to_be_visible()
    expect(page.locator("#step")).to_have_text("Exactly the risky users are isolated", timeout=90_000)
    expect(person).to_contain_text(re.compile(r"isolated at \d\d:\d\d, after \d+ min"))
    expect(page.get_by_role("list", name="What the policy high goes by")).to_contain_text("Hugo Haas")
    page.get_by_label("Direct lane").check()
    expect(page.locator("#worker")).to_have_text("The Worker is deployed anew")
    expect(page.locator("#worker")).to_have_text(re.compile(r"Minute \d+:"), timeout=60_000)


def test_a_failure_that_lasts_arrives_as_an_alert_and_so_does_its_end(page: Page) -> None:
    tick(page)
    expect(page.locator("#heartbeat")).to_have_text(re.compile("heartbeat at"))
    fault(page, "An expired secret").check()
    alerts = page.get_by_role("list", name="Alerts, the latest first").get_by_role("listitem")
    before = alerts.count()
    for _ in range(3):
        tick(page)
    expect(alerts).to_have_count(before + 1)
    expect(alerts.first).to_contain_text("AADSTS7000222")
    expect(alerts.first).to_contain_text(page.locator("#clock").inner_text()[:3])  # the hour, of the simulated day
    expect(page.get_by_role("status")).to_contain_text("Alert:")
    expect(page.locator("#heartbeat")).to_have_text(re.compile("no heartbeat for"))
    fault(page, "An expired secret").uncheck()
    tick(page)
    expect(alerts).to_have_count(before + 2)
    expect(alerts.first).to_contain_text("it works again")


def test_a_secret_that_ends_soon_arrives_as_an_alert(page: Page) -> None:
    """As a new isolate finds, since what has been told lies in Workers KV."""
    fault(page, "A secret that ends soon").check()
    expect(page.locator("#worker")).to_have_text("The Worker is deployed anew")
    tick(page)
    alert = page.get_by_role("list", name="Alerts, the latest first").get_by_role("listitem").first
    expect(alert).to_contain_text("the credential ends soon")
    expect(alert).to_contain_text("in 19 days")


def test_two_windows_show_the_same(page: Page, browser: Browser) -> None:
    other = browser.new_page()
    other.goto(page.url, wait_until="domcontentloaded")
    act(page, "Ines Ito", "Confirm")
    expect(other.get_by_role("button", name="Ines Ito high Compromised")).to_be_visible()
    page.get_by_label("Every minute").check()
    expect(other.get_by_label("Every minute")).to_be_checked()
    other.get_by_label("Every minute").uncheck()
    expect(page.get_by_label("Every minute")).not_to_be_checked()
    other.close()


def test_a_switch_stays_as_it_was_put_while_its_request_is_on_its_way(page: Page) -> None:
    page.evaluate("""() => {
      const send = window.fetch;
      const held = new Promise((resolve) => { window.letGo = resolve; });
      window.fetch = async (...request) => { await held; return send(...request); };
    }""")
    users = page.locator(".person").count()
    fault(page, "Throttling").check()
    httpx.post(f"{page.url}api/users", headers={"Origin": page.url.rstrip("/")}).raise_for_status()
    expect(page.locator(".person")).to_have_count(users + 1)
    assert fault(page, "Throttling").is_checked()
    page.evaluate("window.letGo()")
    page.wait_for_timeout(500)
    expect(fault(page, "Throttling")).to_be_checked()
    assert httpx.get(f"{page.url}api/state").json()["faults"][0]["faults"][0]["on"]


def test_finding_a_user_leaves_the_others_out(page: Page) -> None:
    page.get_by_label("Find a user").fill("bela berg")
    expect(page.locator(".person")).to_have_count(1)
    page.get_by_label("Find a user").fill("nobody at all")
    expect(page.get_by_text("Nobody of this name.")).to_be_visible()


def test_members_fly_to_their_group_unless_motion_is_unwelcome(page: Page) -> None:
    flown = "() => { window.flown = 0; new MutationObserver(() => window.flown++).observe(document.body, {childList: true}); }"
    page.evaluate(flown)
    act(page, "Elif Engel", "Confirm")
    tick(page)
    expect(member(page, "high", "Elif Engel")).to_have_count(1)
    assert page.evaluate("window.flown") > 0
    expect(page.locator(".ghost")).to_have_count(0)
    page.emulate_media(reduced_motion="reduce")
    page.evaluate(flown)
    act(page, "Elif Engel", "Dismiss")
    tick(page)
    expect(page.locator("#columns .members").get_by_text("Elif Engel")).to_have_count(0)
    assert page.evaluate("[window.flown, document.getAnimations().length]") == [0, 0]


def test_when_the_simulation_has_ended_the_page_says_so(browser: Browser) -> None:
    with served() as site:
        page = browser.new_page()
        page.goto(site.address, wait_until="domcontentloaded")
        expect(page.locator(".person").first).to_be_visible()
        expect(page.get_by_role("alert")).to_be_hidden()
        site.process.terminate()
        expect(page.get_by_role("alert")).to_contain_text("The simulation has ended")
        page.close()


def test_the_readme_has_its_picture(browser: Browser, tmp_path: Path) -> None:
    """With UPDATE_SCREENSHOT set, the picture is made anew: a throttled minute, just over."""
    target = PICTURE if os.environ.get("UPDATE_SCREENSHOT") else tmp_path / "page.png"
    with served(users=24) as site:
        page = browser.new_page(viewport={"width": 1440, "height": 900}, device_scale_factor=1.5, reduced_motion="reduce")
        page.goto(site.address, wait_until="domcontentloaded")
        if target == PICTURE:
            fault(page, "A secret that ends soon").check()  # for the sake of an alert
            expect(page.locator("#worker")).to_have_text("The Worker is deployed anew")
        tick(page)
        fault(page, "Throttling").check()
        act(page, "Bela Berg", "Raise")
        act(page, "Chidi Costa", "Dismiss")
        act(page, "Farid Fischer", "Raise")
        act(page, "Dana Duarte", "Confirm")
        tick(page)
        page.mouse.move(0, 0)
        page.screenshot(path=target, animations="disabled")
        page.close()
    if not PICTURE.exists():
        pytest.fail("there is no docs/page.png: run this test with UPDATE_SCREENSHOT=1")
    assert _size(target) == _size(PICTURE) == (2160, 1350)


def _size(png: Path) -> tuple[int, int]:
    head = png.read_bytes()[16:24]
    return int.from_bytes(head[:4]), int.from_bytes(head[4:])
