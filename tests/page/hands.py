"""What a person does at the page, and what they find there."""

import re

from playwright.sync_api import Locator, Page, expect

TICK_MILLISECONDS = 60_000


def act(page: Page, user: str, action: str) -> None:
    """Open a user's actions and choose one."""
    person = page.get_by_role("button", name=user).filter(has=page.locator(".level"))
    if person.get_attribute("aria-expanded") == "false":
        person.click()
    page.get_by_role("button", name=f"{action} {user}", exact=True).click()


def fault(page: Page, title: str, service: str = "Microsoft Entra") -> Locator:
    """The switch of what goes wrong."""
    return page.get_by_role("group", name=service).get_by_label(title)


def members(page: Page, level: str) -> Locator:
    """The members of a level's group."""
    return page.get_by_role("list", name=f"Members of the group {level}").get_by_role("listitem")


def member(page: Page, level: str, user: str) -> Locator:
    """One of them."""
    return members(page, level).filter(has_text=user)


def tick(page: Page) -> None:
    """Let a minute pass and wait for the end of its tick."""
    end_of_tick(page, start_tick(page))


def start_tick(page: Page) -> int:
    """Let a minute pass; its number."""
    minute = next_minute(page)
    page.get_by_role("button", name="Next minute").click()
    return minute


def next_minute(page: Page) -> int:
    """The number of the minute to come."""
    expect(page.locator("body:not(.running)")).to_be_visible(timeout=TICK_MILLISECONDS)
    last = re.search(r"Minute (\d+):", page.locator("#worker").inner_text())
    return int(last[1]) + 1 if last else 1


def end_of_tick(page: Page, minute: int) -> None:
    """Wait until the Worker is done with it."""
    expect(page.locator("#worker")).to_have_text(re.compile(rf"Minute {minute}:"), timeout=TICK_MILLISECONDS)
