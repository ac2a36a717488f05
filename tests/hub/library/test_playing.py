"""Comics, chapters, subtitles and links in a real Chromium."""

import shutil
import subprocess
from pathlib import Path

import aiohttp
import pytest
from playwright.async_api import Browser, Page, expect
from tests.hub.library import made, made_formats
from tests.hub.library.browsing import PANEL, PHONE, looking
from tests.hub.library.world import World, put_in

from densach_core.accounts.model import Role


async def page_shown(page: Page, number: int) -> None:
    await expect(page.locator("#reader")).to_have_attribute("data-shown", str(number))


async def test_a_comic_is_turned_by_keys_and_taps_and_goes_on(browser: Browser, live: World, tmp_path: Path) -> None:
    it = await put_in(live.library, tmp_path, "a.cbz", made_formats.comic(tuple(f"{n}.png" for n in range(1, 6))))
    async with looking(browser, live, Role.STUDENT, PHONE) as (page, wrong):
        await page.goto(f"{live.base}/read/{it.id}")
        await page_shown(page, 0)
        await page.keyboard.press("ArrowRight")
        await page.keyboard.press("ArrowRight")
        await page_shown(page, 2)
        await page.locator("#left").click()
        await page_shown(page, 1)
        await page.wait_for_function("() => document.querySelector('#page').naturalWidth === 200")
        assert await page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
        await page.keyboard.press("End")
        await page_shown(page, 4)
        await page.goto(f"{live.base}/read/{it.id}")
        await page_shown(page, 4)
        await page.goto(f"{live.base}/read/{it.id}?at=1")
        await page_shown(page, 1)
        assert wrong == []


async def test_a_comic_from_right_to_left(browser: Browser, live: World, tmp_path: Path) -> None:
    it = await put_in(live.library, tmp_path, "a.cbz", made_formats.comic(info="<Manga>YesAndRightToLeft</Manga>"))
    async with looking(browser, live, None, PANEL) as (page, wrong):
        await page.goto(f"{live.base}/read/{it.id}")
        await page_shown(page, 0)
        await page.keyboard.press("ArrowLeft")
        await page_shown(page, 1)
        await page.locator("#settings summary").click()
        await page.locator("#from-right").uncheck()
        await page.keyboard.press("Escape")
        await page.locator("#reader").focus()
        await page.keyboard.press("ArrowRight")
        await page_shown(page, 2)
        assert wrong == []


async def test_an_audiobook_of_several_files_is_one(browser: Browser, live: World, tmp_path: Path) -> None:
    sound = made.wav(10)
    names = {f"{n}.mp3": mp3_from(sound, tmp_path) for n in (1, 2, 10)}
    it = await put_in(live.library, tmp_path, "truyen.zip", made_formats.packed(names, stored=True))
    assert [heading.section for heading in it.headings] == [0, 10, 20]
    async with looking(browser, live, Role.STUDENT, PANEL) as (page, wrong):
        await page.goto(f"{live.base}/read/{it.id}?at=12")
        await page.wait_for_function("() => document.querySelector('#player').currentTime > 1.5")
        assert "/2.mp3" in await page.evaluate("document.querySelector('#player').currentSrc")
        await page.locator("#chapters a").nth(2).click()
        await page.wait_for_function("() => document.querySelector('#player').currentSrc.includes('/10.mp3')")
        await page.wait_for_function("() => document.querySelector('#player').readyState >= 1")
        await page.evaluate("document.querySelector('#player').currentTime = 3")
        await page.wait_for_function("() => document.querySelector('#player').currentTime >= 3")
        await page.evaluate("document.querySelector('#player').pause()")
        await page.wait_for_timeout(300)
        await page.goto(f"{live.base}/read/{it.id}")
        await page.wait_for_function("() => document.querySelector('#player').currentSrc.includes('/10.mp3')")
        assert wrong == []


async def test_words_of_a_film_open_it_at_their_time(browser: Browser, live: World, tmp_path: Path) -> None:
    it = await put_in(live.library, tmp_path, "a.webm", webm(tmp_path))
    librarian = await live.as_(Role.LIBRARIAN)
    form = aiohttp.FormData()
    form.add_field("subtitles", made_formats.SRT.encode("utf-16"), filename="phim.vi.srt")
    desk = f"{live.base}/desk/items/{it.id}/subtitles"
    async with live.http.post(desk, data=form, headers=librarian, allow_redirects=False) as response:
        assert response.status == 303, await response.text()
    assert "Tiếng Việt" in await live.text(f"/desk/items/{it.id}/subtitles", librarian)
    assert 'href="/read/' in await live.text(f"/items/{it.id}?q=quang+hop")
    track = (await live.library.tracks.of(it.id))[0]
    async with looking(browser, live, Role.STUDENT, PANEL) as (page, wrong):
        await page.goto(f"{live.base}/items/{it.id}?q=quang+hop")
        await page.locator(".places a").first.click()
        await page.wait_for_function("() => document.querySelector('#player').currentTime >= 64")
        await page.wait_for_function("() => document.querySelector('#player').textTracks[0].cues?.length === 2")
        words = await page.evaluate("document.querySelector('#player').textTracks[0].activeCues[0]?.text ?? ''")
        assert "quang hợp" in words
        assert wrong == []
    async with live.http.post(f"{desk}/{track.id}/remove", headers=librarian, allow_redirects=False) as response:
        assert response.status == 303
    async with live.http.get(f"{live.base}/items/{it.id}/subtitles/{track.id}") as response:
        assert response.status == 404
    async with live.http.post(desk, data={"language": "vi"}, headers=librarian) as response:
        assert response.status in {400, 422}


async def test_a_link_says_where_it_leads_before_anybody_follows(browser: Browser, live: World, tmp_path: Path) -> None:
    it = await put_in(live.library, tmp_path, "Bài.url", b"[InternetShortcut]\r\nURL=https://vi.example.org/a?b=1\r\n")
    assert it.title == "Bài"
    async with looking(browser, live, None, PHONE) as (page, wrong):
        await page.goto(f"{live.base}/read/{it.id}")
        await expect(page.get_by_text("vi.example.org", exact=True)).to_be_visible()
        link = page.get_by_role("link", name="Mở trong thẻ mới")
        assert await link.get_attribute("href") == "https://vi.example.org/a?b=1"
        assert "noopener" in (await link.get_attribute("rel") or "")
        assert await page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
        assert wrong == []


async def test_parts_of_what_is_no_package_are_not_there(world: World, tmp_path: Path) -> None:
    comic = await put_in(world.library, tmp_path, "a.cbz", made_formats.comic())
    film = await put_in(world.library, tmp_path, "a.mp4", made.mp4())
    for path, status in (
        (f"/read/{comic.id}/book/Trang 1.png", 200),
        (f"/read/{comic.id}/book/nothing.png", 404),
        (f"/read/{film.id}/book/x", 404),
        (f"/read/{film.id}/pages", 404),
        (f"/items/{film.id}/subtitles/1", 404),
        (f"/items/{film.id}/subtitles/x", 404),
    ):
        async with world.http.get(world.base + path) as response:
            assert response.status == status, path


async def test_a_page_that_calls_itself_a_picture_can_do_nothing(browser: Browser, live: World, tmp_path: Path) -> None:
    """In a comic, as a file fetched by itself: no script runs, no origin of ours, nothing sniffed."""
    evil = b'<svg xmlns="http://www.w3.org/2000/svg" onload="document.title=1"><script>document.title="taken"</script></svg>'
    it = await put_in(live.library, tmp_path, "a.cbz", made_formats.packed({"1.png": made.png(), "2.png": evil, "3.gif": evil}))
    async with looking(browser, live, Role.LIBRARIAN, PANEL) as (page, _):
        for name in ("2.png", "3.gif"):
            async with live.http.get(f"{live.base}/read/{it.id}/book/{name}") as response:
                assert response.headers["Content-Security-Policy"] == "default-src 'none'; sandbox"
                assert response.headers["X-Content-Type-Options"] == "nosniff"
                assert b"script" not in await response.read()
            await page.goto(f"{live.base}/read/{it.id}/book/{name}")
            assert await page.evaluate("origin") == "null"
            assert "taken" not in await page.title()
        await page.goto(f"{live.base}/read/{it.id}?at=1")
        await expect(page.locator("#unreadable")).to_be_visible()
        await page.keyboard.press("ArrowLeft")
        await expect(page.locator("#unreadable")).to_be_hidden()


def mp3_from(sound: bytes, folder: Path) -> bytes:
    return converted(folder, ["-f", "wav", "-i", "pipe:0", "-f", "mp3", "-b:a", "64k", "pipe:1"], sound)


def webm(folder: Path) -> bytes:
    made_of = ["-f", "lavfi", "-i", "color=c=blue:s=64x48:r=2:d=80", "-c:v", "libvpx", "-b:v", "20k", "-deadline", "realtime"]
    target = folder / "film.webm"
    converted(folder, [*made_of, "-y", str(target)], b"")
    return target.read_bytes()


def converted(folder: Path, arguments: list[str], given: bytes) -> bytes:
    ffmpeg = shutil.which("ffmpeg")
    if ffmpeg is None:
        pytest.skip("ffmpeg is not installed")
    done = subprocess.run(
        [ffmpeg, "-v", "error", *arguments], input=given, capture_output=True, check=True, cwd=folder, timeout=60
    )
    return done.stdout
