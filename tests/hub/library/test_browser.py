"""The library in a real Chromium: reading on a phone, going on elsewhere, hostile content, uploads through a reload."""

import asyncio
import shutil
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest
from playwright.async_api import Browser, BrowserContext, Page, Route, async_playwright, expect
from tests.hub.library import made
from tests.hub.library.world import World, put_in, world_in

from densach_core.accounts.model import Role
from densach_hub.library.model import State

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
LONG = {f"Chương {n}": f"Đoạn {n}. " + "Một câu dài để lật trang trong điện thoại. " * 150 for n in range(1, 5)}


@pytest.fixture
async def browser() -> AsyncIterator[Browser]:
    path = next((found for name in ("chromium", "chromium-browser", "google-chrome") if (found := shutil.which(name))), None)
    if path is None:
        pytest.skip("Chromium is not installed (apt-get install chromium)")
    async with async_playwright() as playwright:
        started = await playwright.chromium.launch(executable_path=path, args=ARGUMENTS)
        yield started
        await started.close()


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    async with world_in(tmp_path / "data", background=True) as opened:
        yield opened


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
    await page.wait_for_selector("#reader.is-open", timeout=30_000)


def chapter(page: Page) -> str:
    """The text of the frame the book's page is in."""
    return "() => document.querySelector('foliate-view').lastLocation?.range?.toString() ?? ''"


async def shown(page: Page) -> str:
    text: str = await page.evaluate(chapter(page))
    return text


async def test_a_pupil_reads_on_a_phone_and_goes_on_at_a_lab_machine(browser: Browser, world: World, tmp_path: Path) -> None:
    it = await put_in(world.library, tmp_path, "a.epub", made.epub(chapters=LONG))
    async with looking(browser, world, Role.STUDENT) as (page, wrong):
        await page.goto(f"{world.base}/items/{it.id}")
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
        await page.goto(f"{world.base}/")
        await expect(page.get_by_role("heading", name="Đọc tiếp")).to_be_visible()
        assert wrong == []
    async with asyncio.timeout(10):
        account = await world.accounts.session(world.cookies[Role.STUDENT])
        assert account is not None
        while await world.library.readers.place(account.id, it.id) is None:
            await asyncio.sleep(0.1)
    async with looking(browser, world, Role.STUDENT, PANEL) as (page, wrong):
        await page.goto(f"{world.base}/read/{it.id}")
        await opened(page)
        await page.wait_for_timeout(500)
        assert (await shown(page))[:40] in here or here[:40] in await shown(page)
        assert wrong == []


async def test_a_hit_opens_the_book_at_its_words(browser: Browser, world: World, tmp_path: Path) -> None:
    it = await put_in(world.library, tmp_path, "a.epub", made.epub())
    async with looking(browser, world) as (page, wrong):
        await page.goto(f"{world.base}/search?q=strasse")
        await page.locator(".places a").first.click()
        await opened(page)
        await page.wait_for_timeout(300)
        assert f"/read/{it.id}?at=1&q=strasse" in page.url
        assert "straße" in await shown(page)
        assert wrong == []


async def test_a_guest_goes_on_on_the_same_device(browser: Browser, world: World, tmp_path: Path) -> None:
    await put_in(world.library, tmp_path, "a.epub", made.epub(chapters=LONG))
    it = (await world.library.desk([State.READY]))[0]
    async with looking(browser, world) as (page, _):
        await page.goto(f"{world.base}/read/{it.id}")
        await opened(page)
        await page.keyboard.press("ArrowRight")
        await page.wait_for_timeout(600)
        here = await shown(page)
        await page.goto(f"{world.base}/")
        await page.locator("#guest-places a").first.click()
        await opened(page)
        await page.wait_for_timeout(500)
        assert (await shown(page))[:30] == here[:30]


async def test_pdf_at_the_page_with_its_words_marked(browser: Browser, world: World, tmp_path: Path) -> None:
    pages = [f"Trang so {n} noi ve den va sach" for n in range(1, 30)]
    it = await put_in(world.library, tmp_path, "a.pdf", made.pdf(pages=pages))
    async with looking(browser, world) as (page, wrong):
        await page.goto(f"{world.base}/read/{it.id}?at=11&q=sach")
        await opened(page)
        await page.wait_for_selector(".pdfpage[data-page='12'] mark", timeout=30_000)
        assert await page.input_value("#number") == "12"
        drawn = await page.locator(".pdfpage canvas").count()
        assert 0 < drawn < 15
        await page.click("#on")
        await page.wait_for_timeout(600)
        assert await page.input_value("#number") == "13"
        await page.goto(f"{world.base}/read/{it.id}")
        await opened(page)
        await page.wait_for_timeout(400)
        assert await page.input_value("#number") == "13"
        assert wrong == []


class Listener:
    """A server beside the hub that notes who came: nobody may."""

    def __init__(self) -> None:
        self.came: list[str] = []
        came = self.came

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                came.append(self.path)
                self.send_response(204)
                self.end_headers()

            def log_message(self, *_: object) -> None:
                """Quiet."""

        self.server = HTTPServer(("127.0.0.1", 0), Handler)
        self.thread = threading.Thread(target=self.server.serve_forever, name="listener")

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server.server_port}"

    def __enter__(self) -> "Listener":
        self.thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.server.shutdown()
        self.thread.join()
        self.server.server_close()


HOSTILE_HEAD = (
    '<script>parent.document.title="taken"; fetch("{out}/fetch")</script><script src="evil.js"></script>'
    '<script src="{out}/script.js"></script><meta http-equiv="refresh" content="1;url={out}/refresh"/>'
    '<link rel="stylesheet" href="{out}/style.css"/>'
    '<style>@import url("{out}/import.css"); body {{ background: url("{out}/bg.png") }}</style>'
)
HOSTILE_BODY = (
    '<img src="{out}/img.png"/><img src="x" onerror="parent.document.title=\'taken\'"/><iframe src="{out}/frame"/>'
    '<a id="out" href="{out}/link" ping="{out}/ping">ra ngoài</a>'
    '<a id="js" href="javascript:parent.document.title=\'taken\'">js</a>'
    '<svg xmlns="http://www.w3.org/2000/svg"><script>parent.document.title="taken"</script><image href="{out}/svg.png"/></svg>'
    '<video src="{out}/video.mp4"/><form action="{out}/form"><button id="send">gửi</button></form>'
    '<object data="{out}/object"/><embed src="{out}/embed"/>'
)


@pytest.mark.parametrize("cleaned", [True, False], ids=["as served", "by policy alone"])
async def test_a_hostile_book_reaches_nobody(
    browser: Browser, world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, cleaned: bool
) -> None:
    """Its scripts do not run and nothing is fetched; also when the cleaning is taken away and only the policy stands."""
    if not cleaned:
        monkeypatch.setattr("densach_hub.library.reading.harmless", lambda body: body)
    with Listener() as outside:
        body = made.epub(
            chapters={"Chương": "Chữ bình thường."},
            head=HOSTILE_HEAD.format(out=outside.url),
            body=HOSTILE_BODY.format(out=outside.url),
            files={
                "evil.js": b'parent.document.title="taken"',
                "x.svg": b'<svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"/>',
            },
        )
        it = await put_in(world.library, tmp_path, "evil.epub", body)
        async with looking(browser, world, Role.LIBRARIAN, PANEL) as (page, _):
            await page.goto(f"{world.base}/read/{it.id}")
            await opened(page)
            await page.wait_for_timeout(2500)
            assert "Chữ bình thường" in await shown(page)
            frame = next((f for f in page.frames if f.url.startswith("blob:")), page.main_frame)
            for link in ("#out", "#js", "#send"):
                if await frame.locator(link).count():
                    await frame.evaluate(f"() => document.querySelector('{link}').click()")
            await page.wait_for_timeout(700)
            assert await page.title() == f"{made.TITLE} · Đèn Sách"
            assert page.url.startswith(f"{world.base}/read/{it.id}")
            assert len(page.context.pages) == 1
        assert outside.came == []


async def test_a_book_page_opened_by_itself_can_do_nothing(browser: Browser, world: World, tmp_path: Path) -> None:
    page_ = '<html xmlns="http://www.w3.org/1999/xhtml"><body><p id="p">x</p></body></html>'
    it = await put_in(world.library, tmp_path, "a.epub", made.epub(files={"lure.xhtml": page_.encode(), "evil.js": b"alert(1)"}))
    async with world.http.get(f"{world.base}/read/{it.id}/book/OEBPS/evil.js") as response:
        assert response.status == 404
    async with world.http.get(f"{world.base}/read/{it.id}/book/OEBPS/../../etc/passwd") as response:
        assert response.status == 404
    async with looking(browser, world, Role.LIBRARIAN) as (page, _):
        await page.goto(f"{world.base}/read/{it.id}/book/OEBPS/lure.xhtml")
        assert await page.evaluate("origin") == "null"


async def test_a_simulation_runs_apart_from_the_session(browser: Browser, world: World, tmp_path: Path) -> None:
    tries = "<!doctype html><title>x</title><p id=o>đang thử</p><script type=module src=run.js></script>"
    run = (
        "const said = [];"
        "const attempt = async (name, work) => {"
        " try { said.push(name + ':' + await work()); } catch (e) { said.push(name + ':no'); } };"
        "await attempt('cookie', () => document.cookie);"
        "await attempt('parent', () => parent.document.title);"
        "await attempt('storage', () => localStorage.length);"
        "await attempt('hub', async () => (await fetch('{hub}/api/v1/desk/items', {credentials: 'include'})).status);"
        "await attempt('own', async () => (await (await fetch('data.json')).json()).ok);"
        "await attempt('top', () => { top.location = 'about:blank'; return 'moved'; });"
        "document.getElementById('o').textContent = said.join(' ');"
    ).replace("{hub}", world.base)
    body = made.simulation(page_=tries, files={"run.js": run, "data.json": '{"ok": "yes"}'})
    it = await put_in(world.library, tmp_path, "s.zip", body)
    async with looking(browser, world, Role.LIBRARIAN) as (page, _):
        await page.goto(f"{world.base}/read/{it.id}")
        frame = page.frame_locator("iframe.stage")
        await expect(frame.locator("#o")).to_contain_text("own:", timeout=15_000)
        said = await frame.locator("#o").text_content() or ""
        assert "own:yes" in said
        for name in ("cookie", "parent", "storage", "hub"):
            assert f"{name}:no" in said, said
        assert page.url == f"{world.base}/read/{it.id}"
        await page.goto(f"{world.packages}/p/{it.id}/data.json")
        assert await page.evaluate("origin") == "null"


async def test_an_upload_goes_on_after_a_reload(browser: Browser, world: World, tmp_path: Path) -> None:
    body = made.mp4(title="Phim thí nghiệm", filler=9_000_000)
    film = made.put(tmp_path, "phim.mp4", body)
    sent: list[int] = []
    async with looking(browser, world, Role.LIBRARIAN, PANEL) as (page, _):
        page.on("request", lambda r: sent.append(int(r.headers["upload-offset"])) if r.method == "PATCH" else None)
        await page.goto(f"{world.base}/desk")
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
        await expect(page.locator(".sending__said")).to_have_text("Đã nhận, đang xử lý", timeout=20_000)
        assert sent[0] == 4 * 1024 * 1024
        await expect(page.locator("#desk-list").get_by_text("Phim thí nghiệm")).to_be_visible(timeout=15_000)
    (it,) = await world.library.desk([State.READY])
    assert world.library.file_of(it).read_bytes() == body


async def test_a_film_seeks_and_goes_on(browser: Browser, world: World, tmp_path: Path) -> None:
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
    added = await world.library.add_file(film, by="t")
    async with asyncio.timeout(30):
        while (await world.library.item(added.item, hidden=True)).state is State.WAITING:
            await asyncio.sleep(0.1)
    it = await world.library.item(added.item)
    assert it.cover is not None
    async with looking(browser, world) as (page, wrong):
        await page.goto(f"{world.base}/read/{it.id}")
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


async def test_titles_while_typing_and_search_without_a_reload(browser: Browser, world: World, tmp_path: Path) -> None:
    await put_in(world.library, tmp_path, "a.epub", made.epub())
    async with looking(browser, world) as (page, wrong):
        await page.goto(world.base)
        await page.fill(".lamp input[type=search]", "dai so")
        await expect(page.locator("#suggestions a").first).to_contain_text("Đại số 10")
        await page.keyboard.press("ArrowDown")
        await page.keyboard.press("Enter")
        await expect(page.get_by_role("heading", name=made.TITLE)).to_be_visible()
        await page.goto(f"{world.base}/search")
        await page.fill(".asking input[type=search]", "phuong trinh")
        await expect(page.locator("#results mark").first).to_have_text("phương trình")
        assert "q=phuong%20trinh" in page.url
        assert wrong == []


async def test_without_javascript(browser: Browser, world: World, tmp_path: Path) -> None:
    it = await put_in(world.library, tmp_path, "a.epub", made.epub())
    context = await browser.new_context(java_script_enabled=False, locale="vi-VN")
    page = await context.new_page()
    await page.goto(world.base)
    await page.fill(".lamp input[type=search]", "dai so")
    await page.get_by_role("button", name="Tìm").click()
    await page.get_by_role("link", name=made.TITLE).first.click()
    await expect(page.get_by_role("heading", name=made.TITLE)).to_be_visible()
    await page.goto(f"{world.base}/read/{it.id}")
    await expect(page.get_by_text("Trình đọc cần bật JavaScript.")).to_be_visible()
    await context.close()
