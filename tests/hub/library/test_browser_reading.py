"""Reading in a real Chromium: the place between devices, a wrong clock, how pages look, words inside, reading aloud, weight."""

import asyncio
import contextlib
import re
from pathlib import Path

import pytest
from playwright.async_api import Browser, Page, expect
from playwright.async_api import TimeoutError as PlaywrightTimeout
from tests.hub.library import made
from tests.hub.library.browsing import PANEL, looking, opened, shown
from tests.hub.library.world import World, put_in

from densach_core.accounts.model import Role
from densach_hub.library.model import Place

LONG = {f"Chương {n}": f"Đoạn {n}. " + "Một câu dài để lật trang trong điện thoại. " * 150 for n in range(1, 9)}
YEAR_MS = 365 * 86_400_000
WORDS = "() => document.querySelector('foliate-view').lastLocation?.range?.toString() ?? ''"
CLOCK = "(() => { const real = Date.now.bind(Date); Date.now = () => real() + (%d); })()"
VOICE = """(() => {
  const said = [];
  const synthesis = {
    getVoices: () => [{ lang: 'en-US', localService: true }, { lang: 'vi_VN', localService: true, name: 'Linh' }],
    addEventListener() {}, cancel() {},
    speak(words) { said.push([words.text, words.lang]); setTimeout(() => words.onend && words.onend(), 30); },
  };
  Object.defineProperty(window, 'speechSynthesis', { value: synthesis });
  window.SpeechSynthesisUtterance = class { constructor(text) { this.text = text; } };
  window.said = said;
})()"""


async def place(live: World, item_id: str) -> Place | None:
    account = await live.accounts.session(live.cookies[Role.STUDENT])
    assert account is not None
    return await live.library.readers.place(account.id, item_id)


async def settled(live: World, item_id: str, page: Page) -> Place:
    """The hub's place, once it is what the page shows."""
    here = await page.evaluate("document.querySelector('foliate-view').lastLocation.cfi")
    async with asyncio.timeout(40):
        while (found := await place(live, item_id)) is None or found.where != here:
            await asyncio.sleep(0.1)
    return found


async def turn(page: Page, times: int) -> None:
    """Turns pages; a key that came while the book was still turning is pressed again."""
    for _ in range(times):
        before = await shown(page)
        async with asyncio.timeout(30):
            while await shown(page) == before:
                await page.keyboard.press("ArrowRight")
                with contextlib.suppress(PlaywrightTimeout):
                    await page.wait_for_function(f"(before) => ({WORDS})() !== before", arg=before, timeout=2_000)


async def test_two_devices_agree_and_a_tab_left_open_takes_nothing_back(browser: Browser, live: World, tmp_path: Path) -> None:
    """The second device's clock may be years off: only how old a record is counts (those ahead: in test_pages)."""
    it = await put_in(live.library, tmp_path, "a.epub", made.epub(chapters=LONG))
    address = f"{live.base}/read/{it.id}"
    async with looking(browser, live, Role.STUDENT) as (old, _), looking(browser, live, Role.STUDENT, PANEL) as (new, _):
        await new.add_init_script(CLOCK % (-9 * YEAR_MS))
        await old.goto(address)
        await opened(old)
        await turn(old, 1)
        first = await settled(live, it.id, old)
        await new.goto(address)
        await opened(new)
        await turn(new, 4)
        far = await settled(live, it.id, new)
        assert far.fraction > first.fraction + 0.02
        await old.set_viewport_size({"width": 740, "height": 360})  # turned on its side: the page moves by itself
        await old.wait_for_timeout(300)
        await old.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
        await expect(old.locator("#pill [data-go]")).to_contain_text("đọc tiếp ở máy khác")
        assert (await place(live, it.id)) == far
        await old.locator("#pill [data-go]").click()
        await old.wait_for_function(
            "(part) => Math.abs(document.querySelector('foliate-view').lastLocation.fraction - part) < 0.05", arg=far.fraction
        )


async def test_a_look_elsewhere_does_not_move_the_place(browser: Browser, live: World, tmp_path: Path) -> None:
    it = await put_in(live.library, tmp_path, "a.epub", made.epub(chapters=LONG))
    async with looking(browser, live, Role.STUDENT) as (page, wrong):
        await page.goto(f"{live.base}/read/{it.id}")
        await opened(page)
        await turn(page, 2)
        here = await settled(live, it.id, page)
        await page.locator("#inside summary").click()
        await page.locator("#inside input").fill("doan")
        await page.locator("#inside .btn").click()
        await page.locator("#inside li button").nth(5).click()
        await page.wait_for_function("() => document.querySelector('foliate-view').lastLocation.fraction > 0.5")
        assert "Đoạn 6" in await shown(page)
        await expect(page.locator("#pill [data-go]")).to_contain_text("Về chỗ đang đọc")
        await page.goto(f"{live.base}/read/{it.id}?at=7")
        await opened(page)
        assert await place(live, it.id) == here
        await page.locator("#pill [data-go]").click()
        await page.wait_for_function("() => document.querySelector('foliate-view').lastLocation.fraction < 0.2")
        assert wrong == []


async def test_pages_look_as_chosen_on_this_device_and_stay_so(browser: Browser, live: World, tmp_path: Path) -> None:
    it = await put_in(live.library, tmp_path, "a.epub", made.epub(chapters=LONG))
    style = """() => {
      const { doc } = document.querySelector('foliate-view').renderer.getContents()[0];
      const found = getComputedStyle(doc.querySelector('p'));
      const size = parseFloat(found.fontSize);
      return [found.fontFamily.split(',')[0], found.textAlign, (parseFloat(found.lineHeight) / size).toFixed(1),
        (parseFloat(found.letterSpacing) / size).toFixed(2), (parseFloat(found.wordSpacing) / size).toFixed(1), size,
        getComputedStyle(doc.documentElement).backgroundColor];
    }"""
    async with looking(browser, live, Role.STUDENT) as (page, wrong):
        await page.goto(f"{live.base}/read/{it.id}")
        await opened(page)
        await page.locator("#settings summary").focus()
        await page.keyboard.press("Enter")
        for name, value in (("font", "easy"), ("align", "justify"), ("ground", "sepia"), ("margin", "wide")):
            await page.locator(f"#settings [name={name}][value={value}]").check()
        for name, key, times in (
            ("size", "ArrowRight", 5),
            ("line", "ArrowRight", 4),
            ("letters", "ArrowRight", 5),
            ("words", "End", 1),
        ):
            await page.locator(f"#settings [name={name}]").focus()
            for _ in range(times):
                await page.keyboard.press(key)
        expected = ["Lexend", "justify", "2.0", "0.10", "0.6", 25.6, "rgb(241, 227, 198)"]
        assert await page.evaluate(style) == expected
        await expect(page.locator("output[for=set-line]")).to_have_text("2")
        await page.reload()
        await opened(page)
        assert await page.evaluate(style) == expected
        await page.locator("#settings summary").click()
        await page.locator("#settings-usual").click()
        assert (await page.evaluate(style))[5] == 17.6
        assert wrong == []


async def test_lexend_has_every_letter_of_vietnamese(browser: Browser, live: World, tmp_path: Path) -> None:
    """A letter the font lacks is drawn by whatever comes after it, so two different ones would show."""
    it = await put_in(live.library, tmp_path, "a.epub", made.epub())
    async with looking(browser, live) as (page, _):
        await page.goto(f"{live.base}/read/{it.id}")
        await opened(page)
        await page.locator("#settings summary").click()
        await page.locator("#settings [name=font][value=easy]").check()
        missing = await page.evaluate("""async () => {
          const { doc } = document.querySelector('foliate-view').renderer.getContents()[0];
          const tones = [...'\\u0300\\u0309\\u0303\\u0301\\u0323'];
          const toned = [...'aăâeêioôơuưy'].flatMap((one) => tones.map((tone) => (one + tone).normalize('NFC')));
          const letters = 'ăâđêôơư' + toned.join('');
          const all = [...letters + letters.toUpperCase()];
          await doc.fonts.load('40px Lexend', all.join('') + 'abc');
          const pen = doc.createElementNS('http://www.w3.org/1999/xhtml', 'canvas').getContext('2d');
          const drawn = (letter, after) => {
            pen.clearRect(0, 0, 80, 80);
            pen.font = `40px Lexend, ${after}`;
            pen.fillText(letter, 10, 60);
            return pen.canvas.toDataURL();
          };
          if (![...doc.fonts].some((face) => face.status === 'loaded')) return ['not loaded'];
          return all.filter((letter) => drawn(letter, 'monospace') !== drawn(letter, 'serif'));
        }""")
        assert missing == []


async def test_reading_aloud_with_a_voice_and_why_not_without(browser: Browser, live: World, tmp_path: Path) -> None:
    chapters = {"Một": "Câu thứ nhất. Câu thứ hai!", "Hai": "Câu thứ ba?"}
    it = await put_in(live.library, tmp_path, "a.epub", made.epub(chapters=chapters))
    pdf = await put_in(live.library, tmp_path, "a.pdf", made.pdf())
    async with looking(browser, live) as (page, wrong):
        await page.goto(f"{live.base}/read/{it.id}")
        await opened(page)
        await page.locator("#listen summary").click()
        await expect(page.locator("#listen-why")).to_contain_text("chưa có giọng đọc")
        await expect(page.locator("#listen-play")).to_be_hidden()
        await page.add_init_script(VOICE)
        await page.goto(f"{live.base}/read/{it.id}")
        await opened(page)
        await page.locator("#listen summary").click()
        await page.locator("#listen-play").click()
        await page.wait_for_function("() => window.said.length >= 5")
        await expect(page.locator("#listen-stop")).to_be_disabled()
        said = await page.evaluate("window.said")
        assert [text for text, _ in said] == ["Một", "Câu thứ nhất.", "Câu thứ hai!", "Hai", "Câu thứ ba?"]
        assert {language for _, language in said} == {"vi_VN"}
        await page.goto(f"{live.base}/read/{pdf.id}")
        await opened(page)
        await page.locator("#listen summary").click()
        await expect(page.locator("#listen-play")).to_be_visible()
        await page.locator("#listen-play").click()
        await page.wait_for_function("() => window.said.length >= 2")
        assert [text for text, _ in await page.evaluate("window.said")] == [
            "Trang mot noi ve den",
            "Trang hai noi ve sach giao khoa",
        ]
        assert wrong == []


@pytest.mark.parametrize(("name", "limit_kb"), [("epub", 250), ("pdf", 600)])
async def test_what_a_reader_weighs_and_that_it_comes_once(
    browser: Browser, live: World, tmp_path: Path, name: str, limit_kb: int
) -> None:
    """Compressed bodies as they come over the line, the worker's too; everything but the book itself (its parts, its file)."""
    it = await put_in(live.library, tmp_path, f"a.{name}", made.epub() if name == "epub" else made.pdf())
    async with looking(browser, live, Role.STUDENT) as (page, wrong):
        await page.goto(f"{live.base}/read/{it.id}")
        await opened(page)
        await page.wait_for_load_state("networkidle")
        sizes: list[tuple[str, int]] = await page.evaluate(
            "() => ['navigation', 'resource'].flatMap((kind) => performance.getEntriesByType(kind))"
            ".map((one) => [one.name, one.encodedBodySize])"
        )
        reader = {url: size for url, size in sizes if not re.search(r"^blob:|/book/|/file$|/parts$", url)}
        if name == "pdf":
            assert any("pdf.worker" in url for url in reader), reader
        total = sum(reader.values())
        assert 40_000 < total < limit_kb * 1000, sorted(reader.items(), key=lambda one: -one[1])[:8]
        await page.goto(f"{live.base}/read/{it.id}")
        await opened(page)
        again = await page.evaluate(
            "() => performance.getEntriesByType('resource')"
            ".filter((one) => one.name.includes('/static/') && one.transferSize > 0).map((one) => one.name)"
        )
        assert again == []
        assert wrong == []
