"""Bookmarks, highlights and notes in a real Chromium: made, drawn, found on another device, kept without a network."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from playwright.async_api import Browser, Page, expect
from tests.hub.library import made
from tests.hub.library.browsing import PANEL, PHONE, looking, opened
from tests.hub.library.world import World, put_in

from densach_core.accounts.model import Role
from densach_hub.library.marks import MOST_MARKS, Mark, MarkKind, MarkNote

SELECT = """(words) => {
  for (const { doc } of document.querySelector('foliate-view').renderer.getContents()) {
    if (!doc || !doc.body) continue;
    const walker = doc.createTreeWalker(doc.body, NodeFilter.SHOW_TEXT);
    for (let node = walker.nextNode(); node; node = walker.nextNode()) {
      const at = node.nodeValue.indexOf(words);
      if (at >= 0) { doc.getSelection().setBaseAndExtent(node, at, node, at + words.length); return true; }
    }
  }
  return false;
}"""
SELECT_PDF = """(words) => {
  for (const span of document.querySelectorAll('.textLayer span')) {
    const node = span.firstChild;
    const at = node && node.nodeType === 3 ? node.nodeValue.indexOf(words) : -1;
    if (at >= 0) { getSelection().setBaseAndExtent(node, at, node, at + words.length); return true; }
  }
  return false;
}"""
CFI = "epubcfi(/6/2!/4/2)"
DRAWN = (
    "() => document.querySelector('foliate-view').renderer.getContents()[0].overlayer.element.querySelectorAll('.mark').length"
)


@asynccontextmanager
async def reading(browser: Browser, live: World, item_id: str, role: Role | None, **more: Any) -> AsyncIterator[Page]:
    async with looking(browser, live, role, **more) as (page, wrong):
        await page.goto(f"{live.base}/read/{item_id}")
        await opened(page)
        yield page
        assert [one for one in wrong if "Failed to load resource" not in one and "ERR_INTERNET" not in one] == []


async def kept(live: World, item_id: str, count: int) -> list[Mark]:
    """The pupil's marks on the hub, once there are so many."""
    account = await live.accounts.session(live.cookies[Role.STUDENT])
    assert account is not None
    async with asyncio.timeout(30):
        while len(found := await live.library.marking.of(account.id, item_id)) != count:
            await asyncio.sleep(0.1)
    return found


async def choose(page: Page, words: str, script: str = SELECT) -> None:
    assert await page.evaluate(script, words)
    await expect(page.locator("#selbar")).to_be_visible()


async def test_a_highlight_with_a_note_is_on_every_device_and_can_be_removed(
    browser: Browser, live: World, tmp_path: Path
) -> None:
    it = await put_in(live.library, tmp_path, "a.epub", made.epub())
    async with reading(browser, live, it.id, Role.STUDENT) as page:
        await choose(page, "bậc hai")
        await page.locator("#selbar [data-colour=green]").click()
        await page.wait_for_function(f"() => ({DRAWN})() === 1")
        await page.evaluate("document.querySelector('#marks').open = true")
        await page.locator("#marks li [data-edit]").click()
        await page.locator("#jot textarea").fill("Ôn trước kỳ thi Ễ Ậ Ừ")
        await page.get_by_role("button", name="Lưu").click()
        async with asyncio.timeout(30):
            while (await kept(live, it.id, 1))[0].note == "":
                await asyncio.sleep(0.1)
        await page.locator("#marks summary").click()
        await page.locator("#mark-here").click()
        await expect(page.locator("#mark-here")).to_have_attribute("aria-pressed", "true")
        assert {mark.colour for mark in await kept(live, it.id, 2)} == {None, "green"}
        await page.wait_for_function("() => !Object.keys(localStorage).some((key) => key.startsWith('densach.marks'))")
    async with reading(browser, live, it.id, Role.STUDENT, size=PANEL) as page:
        await page.wait_for_function(f"() => ({DRAWN})() === 1")
        await page.locator("#marks summary").click()
        line = page.locator("#marks li[data-kind=highlight]")
        await expect(line).to_contain_text("Ôn trước kỳ thi Ễ Ậ Ừ")
        await expect(line).to_contain_text("Xanh lá")
        await line.locator("[data-remove]").click()
        await page.wait_for_function(f"() => ({DRAWN})() === 0")
        await page.get_by_role("button", name="Lấy lại").click()
        await page.wait_for_function(f"() => ({DRAWN})() === 1")
        await page.locator("#marks summary").click()
        await line.locator("[data-remove]").click()
        assert (await kept(live, it.id, 1))[0].kind == "bookmark"
        await page.goto(f"{live.base}/items/{it.id}/marks")
        await expect(page.locator(".marksheet__one")).to_have_count(1)
        await page.locator(".marksheet a").click()
        await opened(page)


async def test_what_was_written_without_a_network_is_sent_later(browser: Browser, live: World, tmp_path: Path) -> None:
    it = await put_in(live.library, tmp_path, "a.epub", made.epub())
    other = await put_in(live.library, tmp_path, "b.epub", made.epub("Sách khác", chapters={"Một": "Chữ nghĩa."}))
    async with reading(browser, live, it.id, Role.STUDENT) as page:
        await page.context.set_offline(True)
        await choose(page, "bậc hai")
        await page.locator("#selbar [data-note]").click()
        await page.locator("#jot textarea").fill("viết khi mất mạng")
        await page.get_by_role("button", name="Lưu").click()
        await page.locator("#marks summary").click()
        await expect(page.locator("#marks-state")).to_contain_text("1 thay đổi đang chờ")
        await page.context.set_offline(False)
        await page.wait_for_function("() => !document.querySelector('#marks-state').textContent")
        assert [mark.note for mark in await kept(live, it.id, 1)] == ["viết khi mất mạng"]
        await page.route("**/api/v1/items/*/marks", lambda route: route.abort("connectionfailed"))
        await page.keyboard.press("Escape")
        await page.keyboard.press("b")
        await page.wait_for_function("() => Object.keys(localStorage).some((key) => key.startsWith('densach.marks'))")
        await page.goto(f"{live.base}/")
        await page.unroute_all(behavior="ignoreErrors")
        await page.goto(f"{live.base}/read/{other.id}")
        assert len(await kept(live, it.id, 2)) == 2


async def test_a_pdf_is_marked_at_its_words(browser: Browser, live: World, tmp_path: Path) -> None:
    pages = [f"Trang so {n} noi ve den va sach" for n in range(1, 12)]
    it = await put_in(live.library, tmp_path, "a.pdf", made.pdf(pages=pages))
    async with reading(browser, live, it.id, Role.STUDENT) as page:
        await page.wait_for_selector(".pdfpage[data-page='1'] .textLayer span", timeout=60_000)
        await choose(page, "den va sach", SELECT_PDF)
        await page.locator("#selbar [data-colour=pink]").click()
        await expect(page.locator(".marklayer__piece.hl--pink")).to_have_count(1)
        (mark,) = await kept(live, it.id, 1)
        assert (mark.where, mark.quote, mark.label) == ("1:18-29", "den va sach", "Trang 1")
    async with reading(browser, live, it.id, Role.STUDENT, size=PANEL) as page:
        piece = page.locator(".pdfpage[data-page='1'] .marklayer__piece.hl--pink")
        await expect(piece).to_have_count(1, timeout=60_000)
        box = await piece.bounding_box()
        assert box is not None
        await page.mouse.click(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
        await expect(page.locator("#jot .jot__quote")).to_have_text("den va sach")
        await page.locator("#jot [value=remove]").click()
        await expect(piece).to_have_count(0)
        await kept(live, it.id, 0)


async def test_a_guests_marks_stay_in_this_browser_and_that_is_said(browser: Browser, live: World, tmp_path: Path) -> None:
    it = await put_in(live.library, tmp_path, "a.epub", made.epub())
    asked: list[str] = []
    async with reading(browser, live, it.id, None, size=PHONE) as page:
        page.on("request", lambda request: asked.append(request.url))
        await page.keyboard.press("b")
        await page.locator("#marks summary").click()
        await expect(page.locator("#marks")).to_contain_text("Chỉ lưu trong trình duyệt này.")
        await expect(page.locator("#marks li")).to_have_count(1)
        await page.reload()
        await opened(page)
        await page.locator("#marks summary").click()
        await expect(page.locator("#marks li")).to_have_count(1)
        assert not any("/marks" in url for url in asked if "/api/" in url)


async def test_a_session_that_ended_keeps_what_is_written_until_its_reader_is_back(
    browser: Browser, live: World, tmp_path: Path
) -> None:
    it = await put_in(live.library, tmp_path, "a.epub", made.epub())
    async with reading(browser, live, it.id, Role.STUDENT) as page:
        account = await live.accounts.session(live.cookies[Role.STUDENT])
        assert account is not None
        await live.accounts.log_out(live.cookies[Role.STUDENT])
        await page.keyboard.press("b")
        await page.locator("#marks summary").click()
        await expect(page.locator("#marks-state")).to_contain_text("Bạn đã thoát")
        assert await live.library.marking.of(account.id, it.id) == []
        entry = await live.accounts.log_in(Role.STUDENT.value, "246813")
        assert entry.cookie is not None
        name = (await live.as_(Role.STUDENT))["Cookie"].partition("=")[0]
        await page.context.add_cookies([{"name": name, "value": entry.cookie, "url": live.base}])
        await page.reload()
        await opened(page)
        async with asyncio.timeout(30):
            while len(await live.library.marking.of(account.id, it.id)) != 1:
                await asyncio.sleep(0.1)


async def test_a_refused_mark_stays_in_the_browser_with_its_reason(browser: Browser, live: World, tmp_path: Path) -> None:
    it = await put_in(live.library, tmp_path, "a.epub", made.epub())
    async with reading(browser, live, it.id, Role.STUDENT) as page:
        account = await live.accounts.session(live.cookies[Role.STUDENT])
        assert account is not None
        for start in range(0, MOST_MARKS, 100):
            notes = [MarkNote(id=f"many-{start + n:06}", kind=MarkKind.BOOKMARK, where=CFI, at=1) for n in range(100)]
            await live.library.marking.take(account.id, it, notes, device="x", device_now=1)
        await page.keyboard.press("b")
        await page.locator("#marks summary").click()
        await expect(page.locator("#marks-state")).to_contain_text("đã có 500 dấu trong sách này")
        await expect(page.locator("#marks li")).to_have_count(MOST_MARKS + 1)
        assert await page.evaluate("Object.keys(localStorage).some((key) => key.startsWith('densach.marks'))")


async def test_pages_laid_out_once_and_for_all_are_marked_too(browser: Browser, live: World, tmp_path: Path) -> None:
    fixed = '<meta property="rendition:layout">pre-paginated</meta>'
    head = '<meta name="viewport" content="width=600, height=800"/>'
    it = await put_in(live.library, tmp_path, "a.epub", made.epub(metadata=fixed, head=head))
    async with reading(browser, live, it.id, Role.STUDENT, size=PANEL) as page:
        await choose(page, "bậc hai")
        await page.locator("#selbar [data-colour=blue]").click()
        await page.locator("#marks summary").click()
        await expect(page.locator("#marks li")).to_contain_text("Xanh dương")
        drawn = """() => document.querySelector('foliate-view').renderer.getContents()
          .some(({ doc }) => doc && doc.defaultView.CSS.highlights.get('mark-blue')?.size)"""
        await page.wait_for_function(drawn)
        await page.keyboard.press("Escape")
        await page.keyboard.press("b")
        assert {mark.kind for mark in await kept(live, it.id, 2)} == {"bookmark", "highlight"}
