"""A place told by a reading app opens in the browser's reader at the same part of the book."""

from pathlib import Path

from playwright.async_api import Browser
from tests.hub.library import made
from tests.hub.library.browsing import looking
from tests.hub.library.opds.test_progression import put, record
from tests.hub.library.world import World, put_in

from densach_core.accounts.model import Role


async def test_an_apps_fraction_opens_there_in_the_browser(browser: Browser, world: World, tmp_path: Path) -> None:
    chapters = {f"Chương {n}": " ".join(f"câu {n} {m}." for m in range(2_000)) for n in range(5)}
    it = await put_in(world.library, tmp_path, "a.epub", made.epub(chapters=chapters))
    pupil = await world.as_(Role.STUDENT)
    assert (await put(world, it.id, record(0.7, references=["OEBPS/c3.xhtml#p9"]), pupil))[0] == 201
    async with looking(browser, world, Role.STUDENT) as (page, wrong):
        await page.goto(f"{world.base}/read/{it.id}")
        await page.wait_for_function(
            "() => Math.abs((document.querySelector('foliate-view')?.lastLocation?.fraction ?? 0) - 0.7) < 0.1", timeout=60_000
        )
        assert not wrong
