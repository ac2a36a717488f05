"""A real Chromium over the library's own pages."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from playwright.async_api import Browser, BrowserContext, Page, expect
from tests.hub.library.world import World

from densach_core.accounts.model import Role

expect.set_options(timeout=30_000)
PHONE = {"width": 360, "height": 740}
PANEL = {"width": 1366, "height": 768}
ARGUMENTS = [
    "--no-sandbox",
    "--disable-quic",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
]


@asynccontextmanager
async def looking(
    browser: Browser, world: World, role: Role | None = None, size: dict[str, int] | None = None
) -> AsyncIterator[tuple[Page, list[str]]]:
    """A page of a fresh browser profile, and what went wrong in it (errors, and refusals by policy)."""
    context: BrowserContext = await browser.new_context(
        viewport={"width": (size or PHONE)["width"], "height": (size or PHONE)["height"]}, locale="vi-VN"
    )
    if role is not None:
        name, _, value = (await world.as_(role))["Cookie"].partition("=")
        await context.add_cookies([{"name": name, "value": value, "url": world.base}])
    page = await context.new_page()
    wrong: list[str] = []
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.on("console", lambda message: wrong.append(message.text) if message.type == "error" else None)
    try:
        yield page, wrong
    finally:
        await context.close()


async def opened(page: Page) -> None:
    await page.wait_for_selector("#reader.is-open", timeout=60_000)


async def shown(page: Page) -> str:
    """The words of the book's page on the screen."""
    text: str = await page.evaluate("() => document.querySelector('foliate-view').lastLocation?.range?.toString() ?? ''")
    return text
