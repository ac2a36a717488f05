"""Lessons of several frames, where packages have a host name of their own."""

import html
import json
from pathlib import Path

from aiohttp import web
from playwright.async_api import Browser, expect
from tests.hub.library import made_formats
from tests.hub.library.browsing import looking
from tests.hub.library.world import World, put_in

from densach_core.web.site import serve
from densach_hub.library.packages import by_host
from densach_hub.library.service import Library

FRAMES = '<!doctype html><html><head></head><frameset cols="*"><frame src="trong.html" name="trong"></frameset></html>'


async def test_a_frame_inside_finds_the_run_time_above_it(browser: Browser, world: World, tmp_path: Path) -> None:
    it = await put_in(
        world.library, tmp_path, "s.zip", made_formats.lesson(FRAMES, files={"bai/trong.html": made_formats.LESSON_PAGE})
    )
    async with serve(hub(world.library, it.id), "127.0.0.1", 0) as port, looking(browser, world) as (page, _):
        await page.goto(f"http://127.0.0.1:{port}/")
        inner = page.frame_locator("#lesson").frame_locator("frame")
        await expect(inner.locator("#o")).to_contain_text("init=true entry=ab-initio", timeout=60_000)
        await inner.locator("#o").evaluate("() => work()")
        await expect(inner.locator("#o")).to_contain_text("worked=true")
        await page.wait_for_function("() => window.heard.some((one) => one.said['cmi.core.score.raw'] === '85')")
        tried = await inner.locator("#o").evaluate(
            "async () => { try { return await (await fetch(window.top.origin ?? '/x')).text(); } catch (e) { return 'no'; } }"
        )
        assert tried == "no"


def hub(library: Library, item_id: str) -> web.Application:
    """A page of the hub's that frames the lesson as the reader's page does, and notes what it hears."""

    async def page(request: web.Request) -> web.Response:
        told = {
            "densach": "lesson",
            "key": "k",
            "values": {"cmi.core.entry": "ab-initio", "cmi.core.total_time": "0000:00:00.00"},
        }
        name = html.escape(json.dumps(told), quote=True)
        port = request.host.rpartition(":")[2]
        body = (
            "<!doctype html><title>hub</title><script>window.heard = [];"
            "addEventListener('message', (event) => window.heard.push(event.data));</script>"
            f'<iframe id="lesson" name="{name}" sandbox="allow-scripts allow-forms allow-pointer-lock allow-same-origin"'
            f' src="http://localhost:{port}/p/{item_id}/bai/index0.html"></iframe>'
        )
        return web.Response(text=body, content_type="text/html")

    app = web.Application(middlewares=[by_host(library, "//localhost")])
    app.router.add_get("/", page)
    return app
