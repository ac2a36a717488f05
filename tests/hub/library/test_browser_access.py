"""The reader's panels, the note's window and the page of marks under axe, at both widths; nothing wider than the screen."""

import asyncio
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Browser, Page
from tests.hub.library import made
from tests.hub.library.browsing import PANEL, PHONE, opened
from tests.hub.library.test_browser_marks import SELECT
from tests.hub.library.world import World, put_in

from densach_core.accounts.model import Role

AXE = Path(__file__).parents[3] / "server" / "assets" / "node_modules" / "axe-core" / "axe.min.js"
LOOK = "async () => (await axe.run(document, {iframes: false})).violations.map((v) => [v.id, v.nodes[0].html.slice(0, 120)])"

OVER = ".menu[open] .menu__list, #jot[open], .selbar:not([hidden]), .pill:not([hidden])"
OUTSIDE = """(over) => [...document.querySelectorAll(over)]
  .map((one) => one.getBoundingClientRect())
  .some((box) => box.left < 0 || box.right > innerWidth + 1 || box.bottom > innerHeight + 1)"""


async def wrong_in(page: Page) -> list[Any]:
    found: list[Any] = await page.evaluate(LOOK)
    if await page.evaluate("document.documentElement.scrollWidth > innerWidth"):
        found.append("too wide")
    if await page.evaluate(OUTSIDE, OVER):
        found.append("outside the screen")
    return found


@pytest.mark.parametrize(("size", "theme"), [(PHONE, "day"), (PANEL, "night")], ids=["phone by day", "panel by night"])
async def test_everything_of_the_reader(browser: Browser, live: World, tmp_path: Path, size: dict[str, int], theme: str) -> None:
    if not AXE.is_file():
        pytest.skip("axe-core is not here (python server/assets/vendor.py --tests)")
    script = await asyncio.to_thread(AXE.read_text)
    book = await put_in(live.library, tmp_path, "a.epub", made.epub())
    pdf = await put_in(live.library, tmp_path, "a.pdf", made.pdf())
    context = await browser.new_context(
        viewport={"width": size["width"], "height": size["height"]}, locale="vi-VN", bypass_csp=True
    )
    name, _, value = (await live.as_(Role.STUDENT))["Cookie"].partition("=")
    await context.add_cookies([{"name": n, "value": v, "url": live.base} for n, v in ((name, value), ("theme", theme))])
    page = await context.new_page()
    found: dict[str, list[Any]] = {}

    async def look(what: str) -> None:
        if wrong := await wrong_in(page):
            found[what] = wrong

    await page.goto(f"{live.base}/read/{book.id}")
    await opened(page)
    await page.evaluate(script)
    assert await page.evaluate(SELECT, "bậc hai")
    await page.locator("#selbar").wait_for()
    await look("selected words")
    await page.locator("#selbar [data-note]").click()
    await look("note")
    await page.locator("#jot textarea").fill("Ghi chú")
    await page.locator("#jot [value=save]").click()
    for panel in ("marks", "inside", "listen", "settings"):
        await page.locator(f"#{panel} summary").click()
        if panel == "inside":
            await page.locator("#inside input").fill("phương")
            await page.locator("#inside .btn").click()
            await page.locator("#inside li").first.wait_for()
        await look(panel)
        await page.keyboard.press("Escape")
    await page.locator("#marks summary").click()
    await page.locator("#marks [data-remove]").first.click()
    await page.locator("#undo").wait_for()
    await look("removed")
    await page.goto(f"{live.base}/items/{book.id}/marks")
    await page.evaluate(script)
    await look("page of marks")
    await page.goto(f"{live.base}/read/{pdf.id}")
    await opened(page)
    await page.evaluate(script)
    for panel in ("marks", "settings"):
        await page.locator(f"#{panel} summary").click()
        await look(f"pdf {panel}")
        await page.keyboard.press("Escape")
    await context.close()
    assert found == {}
