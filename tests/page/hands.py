"""What a person does at the page, and what they find there."""

from playwright.sync_api import Locator, Page, expect

TICK_MILLISECONDS = 60_000


def act(page: Page, user: str, action: str) -> None:
    """Open a user's actions and choose one."""
    person = page.get_by_role("button", name=user).filter(has=page.locator(".level"))
    if person.get_attribute("aria-expanded") == "false":
        person.click()
    page.get_by_role("button", name=f"{action} {user}", exact=True).click()


def members(page: Page, level: str) -> Locator:
    """The members of a level's group."""
    return page.get_by_role("list", name=f"Members of the group {level}").get_by_role("listitem")


def member(page: Page, level: str, user: str) -> Locator:
    """One of them."""
    return members(page, level).filter(has_text=user)


def tick(page: Page) -> None:
    """Let a minute pass and wait for the end of its tick."""
    start_tick(page)
    end_of_tick(page)


def start_tick(page: Page) -> None:
    """Let a minute pass."""
    page.get_by_role("button", name="Next minute").click()
    expect(page.locator("body.running")).to_be_visible()


def end_of_tick(page: Page) -> None:
    """Wait until the Worker is done."""
    expect(page.locator("body:not(.running)")).to_be_visible(timeout=TICK_MILLISECONDS)
