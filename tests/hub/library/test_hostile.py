"""Books and simulations that mean harm, in a real Chromium: they reach nobody and nothing."""

import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest
from playwright.async_api import Browser, expect
from tests.hub.library import made
from tests.hub.library.browsing import PANEL, looking, opened, shown
from tests.hub.library.world import World, put_in

from densach_core.accounts.model import Role


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
    browser: Browser, live: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, cleaned: bool
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
        it = await put_in(live.library, tmp_path, "evil.epub", body)
        async with looking(browser, live, Role.LIBRARIAN, PANEL) as (page, _):
            await page.goto(f"{live.base}/read/{it.id}")
            await opened(page)
            await page.wait_for_timeout(2500)
            assert "Chữ bình thường" in await shown(page)
            frame = next((f for f in page.frames if f.url.startswith("blob:")), page.main_frame)
            for link in ("#out", "#js", "#send"):
                if await frame.locator(link).count():
                    await frame.evaluate(f"() => document.querySelector('{link}').click()")
            await page.wait_for_timeout(700)
            assert await page.title() == f"{made.TITLE} · Đèn Sách"
            assert page.url.startswith(f"{live.base}/read/{it.id}")
            assert len(page.context.pages) == 1
        assert outside.came == []


async def test_a_book_page_opened_by_itself_can_do_nothing(browser: Browser, live: World, tmp_path: Path) -> None:
    page_ = '<html xmlns="http://www.w3.org/1999/xhtml"><body><p id="p">x</p></body></html>'
    it = await put_in(live.library, tmp_path, "a.epub", made.epub(files={"lure.xhtml": page_.encode(), "evil.js": b"alert(1)"}))
    async with live.http.get(f"{live.base}/read/{it.id}/book/OEBPS/evil.js") as response:
        assert response.status == 404
    async with live.http.get(f"{live.base}/read/{it.id}/book/OEBPS/../../etc/passwd") as response:
        assert response.status == 404
    async with looking(browser, live, Role.LIBRARIAN) as (page, _):
        await page.goto(f"{live.base}/read/{it.id}/book/OEBPS/lure.xhtml")
        assert await page.evaluate("origin") == "null"


async def test_a_simulation_runs_apart_from_the_session(browser: Browser, live: World, tmp_path: Path) -> None:
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
    ).replace("{hub}", live.base)
    body = made.simulation(page_=tries, files={"run.js": run, "data.json": '{"ok": "yes"}'})
    it = await put_in(live.library, tmp_path, "s.zip", body)
    async with looking(browser, live, Role.LIBRARIAN) as (page, _):
        await page.goto(f"{live.base}/read/{it.id}")
        frame = page.frame_locator("iframe.stage")
        await expect(frame.locator("#o")).to_contain_text("own:", timeout=60_000)
        said = await frame.locator("#o").text_content() or ""
        assert "own:yes" in said
        for name in ("cookie", "parent", "storage", "hub"):
            assert f"{name}:no" in said, said
        assert page.url == f"{live.base}/read/{it.id}"
        await page.goto(f"{live.packages}/p/{it.id}/data.json")
        assert await page.evaluate("origin") == "null"
