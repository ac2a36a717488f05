"""The office on a phone of 360 pixels: every way on can be seen and touched."""

import shutil

import pytest
from playwright.async_api import async_playwright
from tests.office.conftest import SECRET, Running

from densach_core.accounts.model import Role

WIDTH = 360


async def test_no_tab_is_cut_off(office: Running) -> None:
    path = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if path is None:
        pytest.skip("Chromium is not installed (apt-get install chromium)")
    roles = frozenset({Role.ADMIN, Role.OFFICE})
    await office.office.accounts.add(login="hep", name="Quản trị", roles=roles, secret=SECRET, by="test")
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        page = await browser.new_page(viewport={"width": WIDTH, "height": 740}, locale="vi-VN")
        await page.goto(f"{office.url}/login")
        await page.fill("[name=login]", "hep")
        await page.fill("[name=secret]", SECRET)
        await page.press("[name=secret]", "Enter")
        await page.wait_for_selector(".faces a")
        for where in ("/", "/admin/users"):
            await page.goto(office.url + where)
            boxes = [await link.bounding_box() for link in await page.query_selector_all(".faces a")]
            assert len(boxes) >= 5
            assert all(box is not None and box["x"] >= 0 and box["x"] + box["width"] <= WIDTH + 1 for box in boxes), boxes
            seen = await page.eval_on_selector(
                ".tabs a[aria-current], .faces a[aria-current]", "a => a.getBoundingClientRect().right <= innerWidth + 1"
            )
            assert seen
            assert await page.evaluate("document.documentElement.scrollWidth") <= WIDTH
        await browser.close()
