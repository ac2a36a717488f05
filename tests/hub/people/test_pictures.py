"""Small children sign in with the pictures of their slip; older ones see digits alone."""

import shutil

import pytest
from playwright.async_api import async_playwright, expect
from tests.hub.people.house import House
from tests.hub.people.rosters import PUPILS


async def test_a_child_presses_the_pictures_of_its_slip(house: House) -> None:
    path = shutil.which("chromium") or shutil.which("google-chrome")
    if path is None:
        pytest.skip("Chromium is not installed (apt-get install chromium)")
    preview = await house.people.rosters.preview("ds.csv", PUPILS.replace("6A1", "1A1").encode(), by="test")
    await house.people.rosters.apply(preview.id, preview.mark, by="test")
    one = next(c for c in await house.people.classes() if c.name == "1A1")
    pins = {slip.name: slip.secret or "" for slip in await house.people.slips.of_class(one.id, by="test")}
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=path, args=["--no-sandbox", "--disable-quic"])
        page = await browser.new_page(viewport={"width": 360, "height": 740}, locale="vi-VN")
        await page.goto(f"{house.base}/login?next=/account")
        await page.get_by_role("link", name="1A1").click()
        await page.get_by_role("link", name="Tuyết Đ.").click()
        await page.get_by_role("button", name="quả bóng").click()
        await page.get_by_role("button", name="Xóa một hình").click()
        for digit in pins["Đỗ Thị Ánh Tuyết"]:
            await page.locator(f"#pictures [data-digit='{digit}']").click()
        await page.get_by_role("button", name="Đăng nhập").click()
        await expect(page.locator(".avatar")).to_be_visible(timeout=30_000)
        await browser.close()
