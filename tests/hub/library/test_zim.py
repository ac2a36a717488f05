"""ZIM files: shelved, searched with our own folding, read on the packages' origin; libzim in a process of its own."""

import asyncio
import importlib.util
import re
import sys
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.async_api import Browser
from tests.hub.library import made, zims
from tests.hub.library.browsing import looking
from tests.hub.library.formats.reading import read
from tests.hub.library.world import World, put_in

from densach_core.errors import Unavailable
from densach_hub.library.formats.zim import NO_LIBZIM
from densach_hub.library.model import Filters, Item, Kind, State
from densach_hub.library.service import Library


@pytest.fixture
def without_libzim(monkeypatch: pytest.MonkeyPatch) -> None:
    there = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name, *more: None if name == "libzim" else there(name, *more))


async def shelved(library: Library, folder: Path) -> Item:
    body = await asyncio.to_thread(lambda: zims.zim(folder / "made.zim", picture=made.png()).read_bytes())
    return await put_in(library, folder, "song.zim", body)


async def test_what_it_says_of_itself(library: Library, tmp_path: Path) -> None:
    it = await shelved(library, tmp_path)
    assert (it.state, it.kind, it.title, it.language, it.published) == (State.READY, Kind.ZIM, zims.TITLE, "vi", "2026-01-02")
    assert (it.pages, it.people, it.description) == (4, "Nhóm biên soạn", "Các bài về sông")
    assert it.cover is not None
    assert "libzim" not in sys.modules or "libzim.writer" in sys.modules  # only the test's own writer brought it here


async def test_its_articles_are_found_without_tones_and_at_their_place(library: Library, tmp_path: Path) -> None:
    it = await shelved(library, tmp_path)
    assert (await library.finder.search("thac tri an", Filters())).inside == ()
    assert await library.encyclopedias.read_waiting() == 1
    assert await library.encyclopedias.read_waiting() == 0
    (found,) = (await library.finder.search("dong nai thac", Filters())).inside
    assert (found.card.id, found.hits[0].label) == (it.id, "Sông Đồng Nai")
    path = library.file_of(it)
    assert (await library.encyclopedias.place(path, found.hits[0].section)).path == "song/dong-nai"
    await library.cataloguer.rebuild()
    assert (await library.finder.search("thac tri an", Filters())).inside != ()
    await library.withdraw(it.id, by="t", why="")
    await library.encyclopedias.read_waiting()
    assert (await library.finder.search("thac tri an", Filters())).inside == ()
    await library.take_back(it.id)
    await library.encyclopedias.read_waiting()
    assert (await library.finder.search("thac tri an", Filters())).inside != ()
    await library.encyclopedias.rest()


async def test_many_articles_come_in_batches_and_go_on_after_an_end(library: Library, tmp_path: Path) -> None:
    words = [(f"bai/{n:04}", f"Bài {n}", f"<h1>Bài {n}</h1><p>từ khóa số k{n}x</p>") for n in range(2_000)]
    body = await asyncio.to_thread(lambda: zims.zim(tmp_path / "made.zim", more=words).read_bytes())
    it = await put_in(library, tmp_path, "lon.zim", body)

    async def kept() -> list[int]:
        rows = await library.finder.ask(lambda c: c.execute("SELECT section FROM passage ORDER BY id").fetchall())
        return [row["section"] for row in rows]

    reading = asyncio.create_task(library.encyclopedias.read_waiting())
    async with asyncio.timeout(30):
        while not (before := await kept()):
            await asyncio.sleep(0.01)
    reading.cancel()
    await asyncio.wait({reading})
    assert 0 < len(before) <= 2_003
    await library.encyclopedias.read_waiting()
    sections = await kept()
    assert len(sections) == len(set(sections)) == 2_003
    for number in (0, 150, 299, 399, 400, 1_999):
        (hit,) = await library.finder.inside(f"k{number}x", it.id)
        assert hit.label == f"Bài {number}"


async def test_served_apart_with_ranges(world: World, tmp_path: Path) -> None:
    it = await shelved(world.library, tmp_path)
    base = f"{world.packages}/p/{it.id}"
    async with world.http.get(f"{base}/dong-nai") as response:
        assert str(response.url).endswith("/song/dong-nai")
        assert response.headers["Content-Type"] == "text/html; charset=utf-8"
        assert response.headers["Content-Security-Policy"].startswith("sandbox allow-scripts")
        assert "Trị An" in await response.text()
    async with world.http.get(f"{base}/") as response:
        assert str(response.url).endswith("/trang-dau")
    async with world.http.get(f"{base}/phim/song.mp4", headers={"Range": "bytes=1000-1100099"}) as response:
        assert (response.status, response.headers["Content-Range"]) == (206, f"bytes 1000-1100099/{len(zims.FILM)}")
        assert await response.read() == zims.FILM[1000:1100100]
    async with world.http.get(f"{base}/phim/song.mp4") as response:
        assert await response.read() == zims.FILM
    async with world.http.get(f"{base}/phim/song.mp4", headers={"Range": "bytes=99999999-"}) as response:
        assert response.status == 416
    for nothing in ("khong-co", "M/Title", "song"):
        async with world.http.get(f"{base}/{nothing}") as response:
            assert response.status == 404
            assert "sandbox" in response.headers["Content-Security-Policy"]
    async with world.http.get(f"{world.base}/p/{it.id}/trang-dau") as response:
        assert response.status == 404
    await world.library.encyclopedias.rest()


async def test_a_process_that_dies_is_started_again_and_idle_ones_are_closed(library: Library, tmp_path: Path) -> None:
    path = library.file_of(await shelved(library, tmp_path))
    found = library.encyclopedias
    await found.entry(path, "song/hong")
    process = found._open[path]._process
    assert process is not None
    process.kill()
    await process.wait()
    assert (await found.entry(path, "song/hong")).title == "Sông Hồng"
    await found.rest(idle=60)
    assert found._open
    await found.rest()
    assert not found._open


async def test_without_libzim_it_is_shelved_and_says_what_to_do(
    world: World, tmp_path: Path, without_libzim: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    result, _ = read(tmp_path, "khong-nen.zim", zims.bare("Không nén"))
    assert result.found is not None
    assert (result.found.title, result.found.remark) == ("Không nén", NO_LIBZIM)
    path = tmp_path / "a.zim"
    await asyncio.to_thread(path.write_bytes, zims.bare())
    with pytest.raises(Unavailable) as problem:
        await world.library.encyclopedias.about(path)
    assert problem.value.code == NO_LIBZIM
    it = await shelved(world.library, tmp_path)
    assert "densach[zim]" in await world.text(f"/read/{it.id}")
    async with world.http.get(f"{world.packages}/p/{it.id}/trang-dau") as response:
        assert response.status == 404


@pytest.mark.parametrize("cut", [4, 60, 2_000, -200, -1])
def test_half_a_file(tmp_path: Path, cut: int) -> None:
    body = zims.zim(tmp_path / "made.zim").read_bytes()
    result, _ = read(tmp_path, "a.zim", body[:cut])
    assert result.problem in {"library.truncated", "library.unknown-kind"}


def test_damaged_anywhere(tmp_path: Path) -> None:
    """Found or a known reason, whatever four bytes say."""
    body = zims.zim(tmp_path / "made.zim").read_bytes()
    for at in (24, 32, 40, 48, 56, 64, 90, 200, len(body) // 2, len(body) - 700):
        result, _ = read(tmp_path, "a.zim", body[:at] + b"\xff\xff\xff\x7f" + body[at + 4 :])
        assert result.found is not None or result.problem in {"library.truncated", "library.damaged"}, (at, result)


async def test_an_article_in_the_browser(browser: Browser, live: World, tmp_path: Path) -> None:
    it = await shelved(live.library, tmp_path)
    async with asyncio.timeout(30):
        while not await live.library.finder.inside("tri an", it.id):
            await asyncio.sleep(0.1)
    async with looking(browser, live) as (page, wrong):
        await page.goto(f"{live.base}/read/{it.id}?q=tri+an")
        await page.locator(".places a").first.click()
        frame = page.frame_locator("iframe.stage")
        await frame.locator("mark", has_text="Trị An").wait_for()
        assert await frame.locator("mark").all_text_contents() == ["Trị An"]
        assert await frame.locator("body").get_attribute("data-apart") == "yes"
        await page.goto(f"{live.base}/read/{it.id}")
        await frame.get_by_role("link", name="Đồng Nai").click()
        await frame.get_by_text("Thác Trị An").wait_for()
        address = await page.locator("iframe.stage").get_attribute("src")
        assert address is not None
        assert urlsplit(address).netloc != urlsplit(live.base).netloc
        assert [one for one in wrong if not re.search("sandbox|cross-origin|Blocked", one)] == []
