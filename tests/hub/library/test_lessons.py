"""Interactive lessons in a real Chromium: what a pupil did is kept and given back, and the lesson reaches nothing else."""

from pathlib import Path

import pytest
from playwright.async_api import Browser, FrameLocator, Page, expect
from tests.hub.library import made_formats
from tests.hub.library.browsing import PANEL, looking
from tests.hub.library.world import World, put_in

from densach_core.accounts.model import Role
from densach_core.errors import BadInput
from densach_hub.library.lessons import Lessons, milliseconds, read_run, score_of
from densach_hub.library.model import Item, Kind
from densach_hub.library.service import Library


async def begun(page: Page, world: World, it: Item, at: str = "") -> FrameLocator:
    await page.goto(f"{world.base}/read/{it.id}{at}")
    frame = page.frame_locator("#lesson")
    await expect(frame.locator("#o")).to_contain_text("init=", timeout=60_000)
    return frame


@pytest.mark.parametrize("start", ["window", "parent"], ids=["looks in its own window", "looks in its parent"])
async def test_a_pupil_goes_on_where_the_lesson_was_left(browser: Browser, live: World, tmp_path: Path, start: str) -> None:
    page_ = made_formats.LESSON_PAGE.replace("<script>", f'<script>window.START = "{start}";', 1)
    it = await put_in(live.library, tmp_path, "s.zip", made_formats.lesson(page_, folder="goi/"))
    assert (it.kind, it.title) == (Kind.LESSON, "Ca dao lớp 6")
    async with looking(browser, live, Role.STUDENT, PANEL) as (page, wrong):
        frame = await begun(page, live, it)
        said = await frame.locator("#o").text_content() or ""
        assert "init=true entry=ab-initio status=not attempted suspend= score= total=0000:00:00.00" in said
        await frame.locator("#o").evaluate("() => work()")
        await expect(frame.locator("#o")).to_have_text("worked=true,true,true,true,true,false403,false405,true")
        await expect(page.locator("#lesson-told")).to_contain_text("85")
        assert wrong == []
        account = await live.accounts.session(live.cookies[Role.STUDENT])
        assert account is not None
        run = await live.library.lessons.run(account.id, it.id, 0)
        assert (run.status, run.score, run.total_ms) == ("completed", 85.0, 90_000)
        assert run.said["cmi.suspend_data"] == "trang=3;chữ=đ"
    async with looking(browser, live, Role.STUDENT, PANEL) as (page, _):
        frame = await begun(page, live, it, "?at=0")
        said = await frame.locator("#o").text_content() or ""
        assert "entry=resume status=completed suspend=trang=3;chữ=đ score=85 total=0000:01:30.00" in said
        await frame.locator("#o").evaluate("() => finish()")
        await expect(frame.locator("#o")).to_have_text("finish=true")
    async with looking(browser, live, Role.TEACHER, PANEL) as (page, _):
        frame = await begun(page, live, it)
        assert "suspend= score=" in (await frame.locator("#o").text_content() or "")


async def test_leaving_in_the_middle_loses_nothing(browser: Browser, live: World, tmp_path: Path) -> None:
    it = await put_in(live.library, tmp_path, "s.zip", made_formats.lesson())
    async with looking(browser, live, Role.STUDENT, PANEL) as (page, _):
        frame = await begun(page, live, it)
        await frame.locator("#o").evaluate("() => { API.LMSSetValue('cmi.core.lesson_location', 'trang 7'); API.LMSCommit(''); }")
        await page.goto(f"{live.base}/items/{it.id}")
        account = await live.accounts.session(live.cookies[Role.STUDENT])
        assert account is not None
        frame = await begun(page, live, it)
        assert (await live.library.lessons.run(account.id, it.id, 0)).said["cmi.core.lesson_location"] == "trang 7"


async def test_a_lesson_reaches_neither_session_nor_network(browser: Browser, live: World, tmp_path: Path) -> None:
    tries = made_formats.LESSON_PAGE.replace(
        "</body>",
        "<p id=tried></p><script>"
        "var tried = []; var attempt = async (name, work) => { try { tried.push(name + ':' + await work()); }"
        " catch (e) { tried.push(name + ':no'); } };"
        "(async () => { await attempt('cookie', () => document.cookie);"
        "await attempt('top', () => top.document.title);"
        f"await attempt('hub', async () => (await fetch('{live.base}/api/v1/me', {{credentials: 'include'}})).status);"
        "await attempt('move', () => { top.location = 'about:blank'; return 'moved'; });"
        "await attempt('forge', () => {"
        " top.postMessage({densach: 'lesson', key: 'guess', said: {'cmi.core.score.raw': '1'}}, '*');"
        " return 'sent'; });"
        "document.getElementById('tried').textContent = tried.join(' '); })();</script></body>",
    )
    it = await put_in(live.library, tmp_path, "s.zip", made_formats.lesson(tries))
    async with looking(browser, live, Role.STUDENT, PANEL) as (page, _):
        frame = await begun(page, live, it)
        await expect(frame.locator("#tried")).to_contain_text("forge:")
        said = await frame.locator("#tried").text_content() or ""
        for name in ("cookie", "top", "hub"):
            assert f"{name}:no" in said, said
        assert page.url.startswith(f"{live.base}/read/{it.id}")
        account = await live.accounts.session(live.cookies[Role.STUDENT])
        assert account is not None
        assert (await live.library.lessons.run(account.id, it.id, 0)).score is None
        await page.goto(f"{live.packages}/p/{it.id}/bai/index0.html")
        assert await page.evaluate("origin") == "null"


async def test_everything_on_the_packages_origin_is_sandboxed(world: World, tmp_path: Path) -> None:
    it = await put_in(world.library, tmp_path, "s.zip", made_formats.lesson(files={"bai/a.js": "1"}))
    for path in (f"/p/{it.id}/bai/index0.html", f"/p/{it.id}/bai/a.js", f"/p/{it.id}/nothing", "/p/none/x", "/lesson-api.js"):
        async with world.http.get(world.packages + path) as response:
            policy = response.headers.get("Content-Security-Policy", "")
            assert policy.startswith("sandbox allow-scripts"), path
            assert "allow-same-origin" not in policy
    async with world.http.get(f"{world.packages}/p/{it.id}/bai/index0.html?lang=vi") as response:
        body = await response.text()
    assert body.index("/lesson-api.js") < body.index("<title>")


async def test_what_a_lesson_says_is_bounded_and_its_own_readers(world: World, tmp_path: Path) -> None:
    it = await put_in(world.library, tmp_path, "s.zip", made_formats.lesson(parts=2))
    pupil = await world.as_(Role.STUDENT)
    address = f"{world.base}/api/v1/items/{it.id}/lesson/1"
    async with world.http.post(address, json={"said": {"cmi.core.lesson_status": "passed"}}, headers=pupil) as response:
        assert (response.status, (await response.json())["status"]) == (200, "passed")
    async with world.http.get(address, headers=pupil) as response:
        assert (await response.json())["said"] == {"cmi.core.lesson_status": "passed"}
    async with world.http.get(address, headers=await world.as_(Role.TEACHER)) as response:
        assert (await response.json())["said"] == {}
    for said, status in (({"constructor": "x"}, 400), ({"cmi.suspend_data": "x" * 61_000}, 400)):
        async with world.http.post(address, json={"said": said}, headers=pupil) as response:
            assert response.status in {status, 413, 422}, said
    async with world.http.get(address) as response:
        assert response.status == 401
    book = f"{world.base}/api/v1/items/{it.id}/lesson/x"
    async with world.http.get(book, headers=pupil) as response:
        assert response.status == 404


async def test_runs_survive_and_can_be_forgotten(library: Library) -> None:
    lessons: Lessons = library.lessons
    await lessons.save("a", "i", 0, {"cmi.core.lesson_status": "incomplete", "cmi.suspend_data": "x"})
    await lessons.save("a", "i", 0, {"cmi.core.lesson_status": "passed"})
    assert (await lessons.run("a", "i", 0)).said == {"cmi.core.lesson_status": "passed"}
    assert (await lessons.run("b", "i", 0)).updated_at == 0
    await lessons.forget("a", "i")
    assert await lessons.runs("a", "i") == {}


def test_status_score_and_time_are_read_and_nothing_else() -> None:
    assert read_run({"cmi.core.lesson_status": "<b>passed</b>"}, 5).status == "incomplete"
    assert [score_of(said) for said in ("85", "85.5", "101", "-1", "1e2", "")] == [85.0, 85.5, None, None, None, None]
    assert [milliseconds(said) for said in ("00:01:30", "0100:00:00.25", "1 hour")] == [90_000, 360_000_250, 0]
    with pytest.raises(BadInput):
        read_run({"__proto__": "x"}, 0)
