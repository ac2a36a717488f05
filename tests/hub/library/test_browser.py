"""The library in a real Chromium: reading on a phone, going on elsewhere, uploads through a reload."""

import asyncio
import re
import shutil
from pathlib import Path

import pytest
from playwright.async_api import Browser, Route, expect
from tests.hub.library import made
from tests.hub.library.browsing import PANEL, PHONE, looking, opened, shown
from tests.hub.library.world import World, put_in

from densach_core.accounts.model import Role
from densach_hub.library.model import State

LONG = {f"Chương {n}": f"Đoạn {n}. " + "Một câu dài để lật trang trong điện thoại. " * 150 for n in range(1, 5)}


async def test_a_pupil_reads_on_a_phone_and_goes_on_at_a_lab_machine(browser: Browser, live: World, tmp_path: Path) -> None:
    it = await put_in(live.library, tmp_path, "a.epub", made.epub(chapters=LONG))
    async with looking(browser, live, Role.STUDENT) as (page, wrong):
        await page.goto(f"{live.base}/items/{it.id}")
        await page.get_by_role("link", name="Đọc").first.click()
        await opened(page)
        assert "Đoạn 1" in await shown(page)
        for _ in range(3):
            await page.keyboard.press("ArrowRight")
            await page.wait_for_timeout(400)
        assert "Đoạn 1." not in await shown(page)
        width = await page.evaluate("document.documentElement.scrollWidth")
        assert width <= PHONE["width"]
        here = await shown(page)
        await page.goto(f"{live.base}/")
        await expect(page.get_by_role("heading", name="Đọc tiếp")).to_be_visible()
        assert wrong == []
    async with asyncio.timeout(10):
        account = await live.accounts.session(live.cookies[Role.STUDENT])
        assert account is not None
        while await live.library.readers.place(account.id, it.id) is None:
            await asyncio.sleep(0.1)
    async with looking(browser, live, Role.STUDENT, PANEL) as (page, wrong):
        await page.goto(f"{live.base}/read/{it.id}")
        await opened(page)
        await page.wait_for_timeout(500)
        assert (await shown(page))[:40] in here or here[:40] in await shown(page)
        assert wrong == []


async def test_a_hit_opens_the_book_at_its_words(browser: Browser, live: World, tmp_path: Path) -> None:
    it = await put_in(live.library, tmp_path, "a.epub", made.epub())
    async with looking(browser, live) as (page, wrong):
        await page.goto(f"{live.base}/search?q=strasse")
        await page.locator(".places a").first.click()
        await opened(page)
        await page.wait_for_timeout(300)
        assert f"/read/{it.id}?at=1&q=strasse" in page.url
        assert "straße" in await shown(page)
        assert wrong == []


async def test_a_guest_goes_on_on_the_same_device(browser: Browser, live: World, tmp_path: Path) -> None:
    await put_in(live.library, tmp_path, "a.epub", made.epub(chapters=LONG))
    it = (await live.library.desk([State.READY]))[0]
    async with looking(browser, live) as (page, _):
        await page.goto(f"{live.base}/read/{it.id}")
        await opened(page)
        await page.keyboard.press("ArrowRight")
        await page.wait_for_timeout(600)
        here = await shown(page)
        await page.goto(f"{live.base}/")
        await page.locator("#guest-places a").first.click()
        await opened(page)
        await page.wait_for_timeout(500)
        assert (await shown(page))[:30] == here[:30]


async def test_pdf_at_the_page_with_its_words_marked(browser: Browser, live: World, tmp_path: Path) -> None:
    pages = [f"Trang so {n} noi ve den va sach" for n in range(1, 30)]
    it = await put_in(live.library, tmp_path, "a.pdf", made.pdf(pages=pages))
    async with looking(browser, live) as (page, wrong):
        await page.goto(f"{live.base}/read/{it.id}?at=11&q=sach")
        await opened(page)
        await page.wait_for_selector(".pdfpage[data-page='12'] mark", timeout=60_000)
        assert await page.input_value("#number") == "12"
        drawn = await page.locator(".pdfpage canvas").count()
        assert 0 < drawn < 15
        await page.click("#on")
        await page.wait_for_timeout(600)
        assert await page.input_value("#number") == "13"
        await page.goto(f"{live.base}/read/{it.id}")
        await opened(page)
        await page.wait_for_timeout(400)
        assert await page.input_value("#number") == "13"
        assert wrong == []


async def test_an_upload_goes_on_after_a_reload(browser: Browser, live: World, tmp_path: Path) -> None:
    body = made.mp4(title="Phim thí nghiệm", filler=9_000_000)
    film = made.put(tmp_path, "phim.mp4", body)
    sent: list[int] = []
    async with looking(browser, live, Role.LIBRARIAN, PANEL) as (page, _):
        page.on("request", lambda r: sent.append(int(r.headers["upload-offset"])) if r.method == "PATCH" else None)
        await page.goto(f"{live.base}/desk")
        gate = asyncio.Event()

        async def second_piece_is_lost(route: Route) -> None:
            if len(sent) >= 2:
                gate.set()
                await route.abort("connectionfailed")
            else:
                await route.continue_()

        await page.route("**/api/v1/uploads/*", second_piece_is_lost)
        await page.set_input_files("#files", film)
        async with asyncio.timeout(20):
            await gate.wait()
        await page.unroute_all(behavior="ignoreErrors")
        page.once("dialog", lambda dialog: dialog.accept())
        await page.reload()
        await expect(page.get_by_text("Có tệp đang gửi dở")).to_be_visible()
        sent.clear()
        await page.set_input_files("#files", film)
        await expect(page.locator(".sending__said")).to_have_text(re.compile("đang xử lý|Đã có trong thư viện"), timeout=60_000)
        assert sent[0] == 4 * 1024 * 1024
        await expect(page.locator("#desk-list").get_by_text("Phim thí nghiệm")).to_be_visible(timeout=60_000)
    (it,) = await live.library.desk([State.READY])
    assert live.library.file_of(it).read_bytes() == body


async def test_uploads_are_followed_until_they_are_ready_or_broken(browser: Browser, live: World, tmp_path: Path) -> None:
    good = made.put(tmp_path, "sach.epub", made.epub())
    bad = made.put(tmp_path, "de-thi.pdf", b"\xff\xd8\xff" + b"khong phai anh" * 20)
    async with looking(browser, live, Role.LIBRARIAN) as (page, wrong):
        await page.goto(f"{live.base}/desk")
        await page.set_input_files("#files", [good, bad])
        lines = page.locator(".sending__file")
        await expect(lines.nth(0).locator(".sending__said")).to_have_text("Đã có trong thư viện", timeout=60_000)
        await expect(lines.nth(0).get_by_role("link", name=made.TITLE)).to_be_visible()
        await expect(lines.nth(1).locator(".sending__said")).to_contain_text("mà là ảnh JPEG", timeout=60_000)
        await lines.nth(1).get_by_role("link").click()
        await expect(page.locator(".note--red")).to_contain_text("mà là ảnh JPEG")
        assert wrong == []


async def test_a_film_seeks_and_goes_on(browser: Browser, live: World, tmp_path: Path) -> None:
    ffmpeg = shutil.which("ffmpeg")
    if ffmpeg is None:
        pytest.skip("ffmpeg is not installed (apt-get install ffmpeg)")
    film = tmp_path / "film.webm"
    process = await asyncio.create_subprocess_exec(
        ffmpeg,
        "-v",
        "error",
        "-f",
        "lavfi",
        "-i",
        "testsrc=size=160x120:rate=10:duration=40",
        "-c:v",
        "libvpx",
        "-g",
        "10",
        str(film),
    )
    assert await process.wait() == 0
    added = await live.library.add_file(film, by="t")
    async with asyncio.timeout(30):
        while (await live.library.item(added.item, hidden=True)).state is State.WAITING:
            await asyncio.sleep(0.1)
    it = await live.library.item(added.item)
    assert it.cover is not None
    async with looking(browser, live) as (page, wrong):
        await page.goto(f"{live.base}/read/{it.id}")
        await page.wait_for_function("() => document.querySelector('#player').readyState >= 1")
        await page.evaluate(
            "() => { const p = document.querySelector('#player'); p.muted = true; p.currentTime = 22; return p.play(); }"
        )
        await page.wait_for_function("() => document.querySelector('#player').currentTime > 22.2")
        await page.evaluate("() => document.querySelector('#player').pause()")
        await page.wait_for_timeout(300)
        await page.reload()
        await page.wait_for_function("() => document.querySelector('#player').currentTime > 21")
        assert wrong == []


async def test_titles_while_typing_and_search_without_a_reload(browser: Browser, live: World, tmp_path: Path) -> None:
    await put_in(live.library, tmp_path, "a.epub", made.epub())
    async with looking(browser, live) as (page, wrong):
        await page.goto(live.base)
        await page.fill(".lamp input[type=search]", "dai so")
        await expect(page.locator("#suggestions a").first).to_contain_text("Đại số 10")
        await page.keyboard.press("ArrowDown")
        await page.keyboard.press("Enter")
        await expect(page.get_by_role("heading", name=made.TITLE)).to_be_visible()
        await page.goto(f"{live.base}/search")
        await page.fill(".asking input[type=search]", "phuong trinh")
        await expect(page.locator("#results mark").first).to_have_text("phương trình")
        assert "q=phuong%20trinh" in page.url
        assert wrong == []


async def test_without_javascript(browser: Browser, live: World, tmp_path: Path) -> None:
    it = await put_in(live.library, tmp_path, "a.epub", made.epub())
    context = await browser.new_context(java_script_enabled=False, locale="vi-VN")
    page = await context.new_page()
    await page.goto(live.base)
    await page.fill(".lamp input[type=search]", "dai so")
    await page.get_by_role("button", name="Tìm").click()
    await page.get_by_role("link", name=made.TITLE).first.click()
    await expect(page.get_by_role("heading", name=made.TITLE)).to_be_visible()
    await page.goto(f"{live.base}/read/{it.id}")
    await expect(page.get_by_text("Trình đọc cần bật JavaScript.")).to_be_visible()
    await expect(page.locator(".readfoot")).to_be_hidden()
    simulation = await put_in(live.library, tmp_path, "a.zip", made.simulation())
    await page.goto(f"{live.base}/read/{simulation.id}")
    await expect(page.get_by_text("Mô phỏng cần JavaScript")).to_be_visible()
    await context.close()


async def test_the_readers_pages_are_accessible(browser: Browser, live: World, tmp_path: Path) -> None:
    axe = Path(__file__).parents[3] / "server" / "assets" / "node_modules" / "axe-core" / "axe.min.js"
    if not axe.is_file():
        pytest.skip("axe-core is not here (python server/assets/vendor.py --tests)")
    script = await asyncio.to_thread(axe.read_text)
    context = await browser.new_context(viewport={"width": 360, "height": 740}, locale="vi-VN", bypass_csp=True)
    page = await context.new_page()
    found = {}
    for name, body in (("a.epub", made.epub()), ("a.pdf", made.pdf()), ("a.mp4", made.mp4()), ("a.zip", made.simulation())):
        it = await put_in(live.library, tmp_path, name, body)
        for path in (f"/items/{it.id}", f"/read/{it.id}"):
            await page.goto(live.base + path)
            await page.wait_for_timeout(700)
            await page.evaluate(script)
            wrong = await page.evaluate("async () => (await axe.run(document, {iframes: false})).violations.map((v) => v.id)")
            wide = await page.evaluate("document.documentElement.scrollWidth > innerWidth")
            if wrong or wide:
                found[f"{name} {path.split('/')[1]}"] = (wrong, wide)
    await context.close()
    assert found == {}
