"""Suggestions as a combobox and the narrowing of results in a real browser, under axe, at both widths."""

import asyncio
import os
from pathlib import Path

import pytest
from playwright.async_api import Browser, expect
from tests.hub.library import made
from tests.hub.library.browsing import PANEL, PHONE, looking
from tests.hub.library.world import World, put_in

from densach_hub.library.model import Creator, Record

AXE = Path(__file__).parents[3] / "server" / "assets" / "node_modules" / "axe-core" / "axe.min.js"
LOOK = "async () => (await axe.run(document)).violations.map((v) => [v.id, v.nodes[0].html.slice(0, 160)])"
BOX = ".lamp input[type=search]"


async def fill(world: World, folder: Path) -> None:
    await put_in(world.library, folder, "a.epub", made.epub())
    for n in range(24):
        record = Record(
            title=f"Hướng dẫn học sinh tự học môn Toán theo chương trình giáo dục phổ thông mới, quyển {n}",
            creators=(Creator("Nguyễn Thị Phương Thảo"),),
            subject=("toan", "vat-ly", "ngu-van")[n % 3],
            grade_from=1 + n % 12,
            grade_to=1 + n % 12,
            language="vi" if n % 4 else "en",
        )
        await world.library.add_record(record, by="t")


async def test_the_list_is_walked_with_the_arrows_and_the_focus_stays(browser: Browser, live: World, tmp_path: Path) -> None:
    await fill(live, tmp_path)
    async with looking(browser, live) as (page, wrong):
        await page.goto(live.base)
        box = page.locator(BOX)
        await expect(box).to_have_attribute("role", "combobox")
        await box.press_sequentially("nguyen thi ph")
        await expect(box).to_have_attribute("aria-expanded", "true")
        await expect(page.locator("#suggestions-say")).to_contain_text("gợi ý")
        await expect(page.get_by_role("option", name="Mọi tài liệu của người này")).to_be_visible()
        await page.keyboard.press("ArrowUp")
        await expect(box).to_have_attribute("aria-activedescendant", "suggestion-all")
        await expect(box).to_be_focused()
        await page.keyboard.press("Escape")
        await expect(box).to_have_attribute("aria-expanded", "false")
        await box.fill("toans hocj")
        await expect(page.locator("#suggestions mark").first).to_be_visible()
        await page.keyboard.press("Enter")
        await expect(page.locator("#results .note").first).to_contain_text("toán học")
        await page.locator("#results .note a").first.click()
        await expect(page).to_have_url(f"{live.base}/search?q=toans+hocj&as=typed")
        assert wrong == []


async def test_counts_narrow_down_and_are_taken_off(browser: Browser, live: World, tmp_path: Path) -> None:
    await fill(live, tmp_path)
    async with looking(browser, live) as (page, wrong):
        await page.goto(f"{live.base}/search?q=huong+dan")
        await page.get_by_role("link", name="Toán 8").click()
        await expect(page.get_by_role("status")).to_contain_text("8 tài liệu")
        await page.get_by_role("link", name="Bỏ giới hạn này").click()
        await expect(page.get_by_role("status")).to_contain_text("24 tài liệu")
        assert wrong == []


@pytest.mark.parametrize("size", [PHONE, PANEL], ids=["phone", "panel"])
async def test_search_under_axe(browser: Browser, live: World, tmp_path: Path, size: dict[str, int]) -> None:
    if not AXE.is_file():
        pytest.skip("axe-core is not here (python server/assets/vendor.py --tests)")
    await fill(live, tmp_path)
    script = await asyncio.to_thread(AXE.read_text)
    context = await browser.new_context(
        viewport={"width": size["width"], "height": size["height"]}, locale="vi-VN", bypass_csp=True
    )
    page = await context.new_page()
    for what, path in (("results", "/search?q=toan"), ("mended", "/search?q=huogn+dan"), ("inside", "/search?q=strasse")):
        await page.goto(live.base + path)
        await page.evaluate(script)
        assert await page.evaluate(LOOK) == [], what
        assert not await page.evaluate("document.documentElement.scrollWidth > innerWidth"), what
        await _kept(page, f"{what}-{size['width']}")
    await page.goto(live.base)
    await page.fill(BOX, "toan")
    await expect(page.get_by_role("listbox")).to_be_visible()
    await page.keyboard.press("ArrowDown")
    await page.evaluate(script)
    assert await page.evaluate(LOOK) == []
    await _kept(page, f"suggestions-{size['width']}")
    await context.close()


async def _kept(page: object, name: str) -> None:
    """A picture for whoever wants to look: into the folder named by DENSACH_PICTURES."""
    folder = os.environ.get("DENSACH_PICTURES")
    if folder:
        await page.screenshot(path=f"{folder}/{name}.png")  # type: ignore[attr-defined]
