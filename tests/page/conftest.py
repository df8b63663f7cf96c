"""One page for many tests, and Chromium, or Chrome, to look at it."""

import shutil
from collections.abc import Iterator

import httpx
import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from tests.page.serving import Served, served

CHROMIUM = shutil.which("chromium") or shutil.which("google-chrome")
ARGUMENTS = [
    "--no-sandbox",  # there is none in a container
    "--disable-dev-shm-usage",  # which a container has little of
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
expect.set_options(timeout=15_000)


@pytest.fixture(scope="session")
def site() -> Iterator[Served]:
    """The page about a tenant with twelve risky users, whom the tests share."""
    with served() as started:
        yield started


@pytest.fixture(scope="module")  # while it is there, asyncio cannot be used otherwise
def browser() -> Iterator[Browser]:
    """Chromium, headless."""
    if CHROMIUM is None:
        pytest.skip("there is no Chromium here: apt-get install chromium")
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield chromium
        chromium.close()


@pytest.fixture
def page(browser: Browser, site: Served) -> Iterator[Page]:
    """The page in a fresh window that was not told to be calm; nothing goes wrong, and no script did when it closes."""
    window = browser.new_page(viewport={"width": 1440, "height": 900}, reduced_motion="no-preference", color_scheme="light")
    errors: list[str] = []
    window.on("pageerror", lambda error: errors.append(str(error)))
    window.goto(site.address, wait_until="domcontentloaded")
    expect(window.locator(".person").first).to_be_visible()
    yield window
    for board in httpx.get(f"{site.address}/api/state").json()["faults"]:
        for fault in board["faults"]:
            if fault["on"]:
                httpx.post(f"{site.address}/api/faults/{board['service']}/{fault['name']}/off", headers={"Origin": site.address})
    window.close()
    assert errors == []
