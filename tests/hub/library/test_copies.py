"""Books kept on a device: open in a real Chromium without a network, tell the hub later, never stay where they must not."""

import asyncio
from pathlib import Path

from playwright.async_api import Browser, Page, expect
from tests.hub.library import made, made_formats
from tests.hub.library.browsing import looking, opened, shown
from tests.hub.library.test_browser_marks import SELECT
from tests.hub.library.world import World, put_in

from densach_core.accounts.model import Role
from densach_core.web.shared import Shared
from densach_hub.library.model import Item, Kind, Record
from densach_hub.library.rights import forbids_copies

READY = """() => navigator.serviceWorker.getRegistrations().then((all) => Promise.all(all.map((one) => new Promise((done) => {
  const look = () => (one.active ? done() : setTimeout(look, 50));
  look();
}))))"""
CACHES = "async () => (await caches.keys()).filter((name) => name.includes('-book-'))"


async def keep(page: Page, live: World, it: Item) -> None:
    await page.goto(f"{live.base}/items/{it.id}")
    await page.get_by_role("button", name="Giữ để đọc không mạng").click()
    await expect(page.locator("#keep [data-kept]")).to_be_visible()
    await page.evaluate(READY)


async def test_a_book_is_read_without_the_network_and_the_hub_is_told_later(
    browser: Browser, live: World, tmp_path: Path
) -> None:
    it = await put_in(live.library, tmp_path, "a.epub", made.epub())
    async with looking(browser, live, Role.STUDENT) as (page, wrong):
        await keep(page, live, it)
        await page.context.set_offline(True)
        await page.goto(f"{live.base}/read/kept")
        await page.locator("#kept a[data-title]").click()
        await opened(page)
        assert "bậc hai" in await shown(page)
        assert await page.evaluate("() => 'copy' in document.querySelector('#reader').dataset")
        await page.locator("#inside summary").click()
        await page.locator("#inside input").fill("bac hai")
        await page.keyboard.press("Enter")
        await expect(page.locator("#inside li mark").first).to_have_text("bậc hai")
        await page.locator("#inside li button").first.click()
        async with asyncio.timeout(30):  # turning to the place that was found takes away what was selected before
            while not await page.locator("#selbar").is_visible():
                await page.evaluate(SELECT, "bậc hai")
                await page.wait_for_timeout(300)
        await page.locator("#selbar [data-colour=green]").click()
        await page.locator("#on").click()
        await page.locator("#on").click()
        await page.wait_for_function("() => Object.keys(localStorage).some((key) => key.startsWith('densach.place'))")
        await page.goto(f"{live.base}/read/kept")
        await expect(page.locator("#kept progress")).to_be_visible()
        account = await live.accounts.session(live.cookies[Role.STUDENT])
        assert account is not None
        assert await live.library.readers.place(account.id, it.id) is None
        await page.context.set_offline(False)
        async with asyncio.timeout(30):
            while await live.library.readers.place(account.id, it.id) is None:
                await asyncio.sleep(0.1)
            while not await live.library.marking.of(account.id, it.id):
                await asyncio.sleep(0.1)
        await page.wait_for_function("() => !Object.keys(localStorage).some((key) => /place|marks/.test(key))")
        await page.goto(f"{live.base}/read/{it.id}")
        await opened(page)
        assert not await page.evaluate("() => 'copy' in document.querySelector('#reader').dataset")
        assert [one for one in wrong if "Failed to load resource" not in one and "ERR_INTERNET" not in one] == []


async def test_other_kinds_open_from_the_copy_too(browser: Browser, live: World, tmp_path: Path) -> None:
    made_of = {"a.pdf": made.pdf(), "a.cbz": made_formats.comic(), "a.mp3": made.mp3(), "b.zip": made_formats.audiobook()}
    items = {name: await put_in(live.library, tmp_path, name, body) for name, body in made_of.items()}
    async with looking(browser, live) as (page, _):
        for it in items.values():
            await keep(page, live, it)
        session = await page.context.new_cdp_session(page)
        await session.send("Network.clearBrowserCache")
        await page.context.set_offline(True)
        for name, it in items.items():
            await page.goto(f"{live.base}/read/{it.id}")
            if it.kind is Kind.AUDIO:
                await page.wait_for_function("() => document.querySelector('#player').readyState >= 1")
                continue
            await opened(page)
            if name == "a.pdf":
                await page.wait_for_selector(".textLayer span")
                await page.locator("#inside summary").click()
                await page.locator("#inside input").fill("khong co chu nay")
                await page.keyboard.press("Enter")
                await expect(page.locator("#inside-said")).to_have_text("Không có những chữ này trong đây.")
            else:
                await page.locator("#on").click()
                await page.wait_for_function("() => document.querySelector('#page').naturalWidth > 0")
        await page.context.set_offline(False)
        for it in items.values():
            await page.goto(f"{live.base}/items/{it.id}")
            await page.locator("#keep [data-drop]").click()
            await expect(page.locator("#keep [data-take]")).to_be_visible()
        assert await page.evaluate("async () => (await caches.keys()).filter((name) => name.startsWith('densach'))") == []
        assert await page.evaluate("async () => (await navigator.serviceWorker.getRegistrations()).length") == 0


async def test_copies_go_when_their_reader_signs_out_or_the_hub_takes_the_book_away(
    browser: Browser, live: World, tmp_path: Path
) -> None:
    it = await put_in(live.library, tmp_path, "a.epub", made.epub())
    other = await put_in(live.library, tmp_path, "b.epub", made.epub("Sách khác", chapters={"Một": "Chữ nghĩa."}))
    async with looking(browser, live, Role.STUDENT) as (page, wrong):
        await keep(page, live, it)
        await keep(page, live, other)
        assert len(await page.evaluate(CACHES)) == 2
        await live.library.edit(it.id, Record(title="Tên mới của sách"))
        fetched: list[str] = []
        page.on("request", lambda request: fetched.append(request.url))
        await page.goto(f"{live.base}/read/kept")
        await expect(page.locator("#kept a[data-title]", has_text="Tên mới của sách")).to_be_visible()
        assert not [url for url in fetched if f"/read/{it.id}/book/" in url]
        await live.library.withdraw(other.id, by="thủ thư", why="hết hạn")
        await page.goto(f"{live.base}/read/kept")
        await page.wait_for_function(f"async () => (await ({CACHES})()).length === 1")
        await page.goto(f"{live.base}/items/{it.id}")
        await page.locator(".top .menu summary").click()
        await page.get_by_role("button", name="Đăng xuất").click()
        await expect(page.get_by_text("Đã đăng xuất.")).to_be_visible()
        assert await page.evaluate(CACHES) == []
        assert [one for one in wrong if "Failed to load resource" not in one] == []


async def test_nothing_is_kept_on_shared_machines_nor_against_the_rights(world: World, tmp_path: Path) -> None:
    it = await put_in(world.library, tmp_path, "a.epub", made.epub())
    page = await world.text(f"/items/{it.id}")
    assert 'id="keep"' in page
    assert "file?save" in page
    world.site.shared = Shared(["127.0.0.1"], 600)
    assert 'id="keep"' not in await world.text(f"/items/{it.id}")
    async with world.http.get(f"{world.base}/api/v1/items/{it.id}/copy") as answer:
        assert answer.status == 403
        assert (await answer.json())["code"] == "library.shared-machine"
    world.site.shared = None
    await world.library.edit(it.id, Record(title=it.title, rights="© Nhà xuất bản. Chỉ đọc tại thư viện."))
    page = await world.text(f"/items/{it.id}")
    assert 'id="keep"' not in page
    assert "file?save" not in page
    assert "Sách này chỉ đọc tại đây" in page
    for path in (
        f"/api/v1/items/{it.id}/copy",
        f"/read/{it.id}/copy",
        f"/items/{it.id}/file?save",
        f"/items/{it.id}/file/a.epub",
    ):
        async with world.http.get(f"{world.base}{path}") as answer:
            assert answer.status == 403, path
    assert await world.text(f"/read/{it.id}/parts")


async def test_a_copy_has_nobody_in_it(world: World, tmp_path: Path) -> None:
    it = await put_in(world.library, tmp_path, "a.epub", made.epub())
    who = await world.as_(Role.STUDENT)
    account = await world.accounts.session(who["Cookie"].partition("=")[2])
    assert account is not None
    for path in (f"/read/{it.id}/copy", "/read/kept?copy"):
        page = await world.text(path, who)
        assert account.id not in page
        assert account.name not in page


def test_what_rights_say() -> None:
    assert forbids_copies("KHÔNG ĐƯỢC  SAO CHÉP dưới mọi hình thức", None)
    assert forbids_copies(None, "No copies.")
    assert not forbids_copies("CC BY-SA 4.0", "https://creativecommons.org/licenses/by-sa/4.0/")
    assert not forbids_copies(None, "")
