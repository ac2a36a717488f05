"""What only some EPUBs have, in a real Chromium: obfuscated fonts, formulas, other directions of writing, fixed pages."""

import asyncio
import hashlib
import io
import zipfile
from pathlib import Path

import pytest
from playwright.async_api import Browser, Page, expect
from tests.hub.library import made
from tests.hub.library.browsing import PANEL, looking, opened, shown
from tests.hub.library.formats.reading import found_in
from tests.hub.library.world import World, put_in

from densach_core.accounts.model import Role
from densach_hub.library.model import Kind

ROOT = Path(__file__).parents[3]
FONT = next((ROOT / "server" / "densach_core" / "static" / "vendor").rglob("*.woff2"), None)
UUID = "urn:uuid:12345678-1234-1234-1234-123456789abc"
BOOKS = sorted((ROOT.parent / "shared" / "data" / "epub").glob("*.epub"))
MATH = '<math xmlns="http://www.w3.org/1998/Math/MathML"><msup><mi>x</mi><mn>2</mn></msup><mo>=</mo><mn>4</mn></math>'
LOOK = """() => (document.querySelector('foliate-view').renderer.getContents() ?? []).map(({ doc }) => ({
    fonts: [...doc.fonts].map((font) => font.status), direction: doc.defaultView.getComputedStyle(doc.body).direction,
    writing: doc.defaultView.getComputedStyle(doc.body).writingMode,
    math: [...doc.querySelectorAll('math')].map((math) => math.getBoundingClientRect().height) }))"""

PLATE = (
    b'<html xmlns="http://www.w3.org/1999/xhtml"><head><title>x</title></head>'
    b'<body><p><img src="cover.png" alt="" width="60"/></p></body></html>'
)
SIDES = """() => {
  const picture = document.querySelector('foliate-view').renderer.getContents()[0].doc.querySelector('img');
  const frame = picture.ownerDocument.defaultView.frameElement.getBoundingClientRect();
  const box = picture.getBoundingClientRect();
  return [frame.left + box.left, innerWidth - frame.left - box.right];
}"""


async def look(page: Page, world: World, item: str, at: int = 0) -> list[dict[str, object]]:
    await page.goto(f"{world.base}/read/{item}?at={at}")
    await opened(page)
    await page.wait_for_timeout(500)
    seen: list[dict[str, object]] = await page.evaluate(LOOK)
    return seen


@pytest.mark.parametrize("method", ["idpf", "adobe"])
async def test_obfuscated_fonts_are_shown(browser: Browser, live: World, tmp_path: Path, method: str) -> None:
    assert FONT is not None
    it = await put_in(live.library, tmp_path, "a.epub", obfuscated(FONT.read_bytes(), method))
    assert it.kind is Kind.EPUB
    async with looking(browser, live, None, PANEL) as (page, wrong):
        seen = await look(page, live, it.id)
        await page.wait_for_function(f"() => ({LOOK})()[0].fonts[0] === 'loaded'")
        assert seen[0]["fonts"]
        assert wrong == []


async def test_formulas_and_other_directions(browser: Browser, live: World, tmp_path: Path) -> None:
    chapters = {"Toán": "Bình phương", "Hai": "x"}
    style = "<style>body {{ writing-mode: {0}; direction: {1} }}</style>"
    for number, (writing, direction) in enumerate((("horizontal-tb", "rtl"), ("vertical-rl", "ltr"))):
        body = made.epub(f"Sách {number}", chapters, head=style.format(writing, direction), body=MATH)
        it = await put_in(live.library, tmp_path, f"{number}.epub", body)
        async with looking(browser, live, None, PANEL) as (page, wrong):
            seen = await look(page, live, it.id)
            assert (seen[0]["writing"], seen[0]["direction"]) == (writing, direction)
            assert seen[0]["math"][0] > 5  # type: ignore[index]
            assert "Bình phương" in await shown(page)
            assert wrong == []


async def test_a_cover_is_in_the_middle_and_a_chapter_reached_by_turning_is_no_jump(
    browser: Browser, live: World, tmp_path: Path
) -> None:
    book = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(made.epub())) as whole, zipfile.ZipFile(book, "w") as changed:
        for name in whole.namelist():
            plate = PLATE if name.endswith("c0.xhtml") else whole.read(name)
            changed.writestr(zipfile.ZipInfo(name), plate)
    it = await put_in(live.library, tmp_path, "a.epub", book.getvalue())
    async with looking(browser, live, Role.STUDENT, PANEL) as (page, wrong):
        await page.goto(f"{live.base}/read/{it.id}")
        await opened(page)
        await expect(page.locator("#where")).to_have_text("0 % · Chương một")
        left, right = await page.evaluate(SIDES)
        assert abs(left - right) < 0.05 * (left + right), (left, right)
        await page.keyboard.press("ArrowRight")
        await expect(page.locator("#where")).to_have_text("100 % · Chương hai", timeout=30_000)
        await expect(page.locator("#pill")).to_be_hidden()
        account = await live.accounts.session(live.cookies[Role.STUDENT])
        assert account is not None
        async with asyncio.timeout(30):
            while (found := await live.library.readers.place(account.id, it.id)) is None or found.fraction < 1:
                await asyncio.sleep(0.1)
        async with asyncio.timeout(30):
            while await page.locator("#where").inner_text() != "0 % · Chương một":
                await page.keyboard.press("ArrowLeft")  # a key that comes while the book still turns is not heard
                await page.wait_for_timeout(300)
        await expect(page.locator("#pill")).to_be_hidden()
        assert wrong == []


async def test_fixed_pages_open(browser: Browser, live: World, tmp_path: Path) -> None:
    fixed = '<meta property="rendition:layout">pre-paginated</meta>'
    body = made.epub("Sách cố định", head='<meta name="viewport" content="width=600, height=800"/>', metadata=fixed)
    it = await put_in(live.library, tmp_path, "a.epub", body)
    async with looking(browser, live, None, PANEL) as (page, wrong):
        await look(page, live, it.id)
        words = [await frame.locator("body").inner_text() for frame in page.frames if frame.url.startswith("blob:")]
        assert any("Phương trình bậc hai" in one for one in words)
        assert wrong == []


def test_books_from_the_field_are_read(tmp_path: Path) -> None:
    """Those that lie beside the project; where none do, there is nothing to read."""
    for book in BOOKS:
        found, text = found_in(tmp_path, book.name, book.read_bytes())
        assert found.kind is Kind.EPUB
        assert found.title
        assert found.pages
        assert text or "blanche" in book.name


def obfuscated(font: bytes, method: str) -> bytes:
    """A book whose font is hidden as IDPF (SHA-1 of the identifier, 1,040 bytes) or Adobe (the UUID, 1,024 bytes) do."""
    if method == "idpf":
        algorithm, key, length = "http://www.idpf.org/2008/embedding", hashlib.sha1(b"urn:isbn:9786040000000").digest(), 1040
    else:
        algorithm, key, length = "http://ns.adobe.com/pdf/enc#RC", bytes.fromhex(UUID[9:].replace("-", "")), 1024
    hidden = bytes(byte ^ key[at % len(key)] for at, byte in enumerate(font[:length])) + font[length:]
    head = "<style>@font-face { font-family: An; src: url(an.woff2) } body { font-family: An }</style>"
    identity = f"<dc:identifier>{UUID}</dc:identifier>"
    buffer = io.BytesIO(made.epub(head=head, metadata=identity, files={"an.woff2": hidden}))
    listed = (
        '<encryption xmlns="urn:oasis:names:tc:opendocument:xmlns:container" xmlns:enc="http://www.w3.org/2001/04/xmlenc#">'
        f'<enc:EncryptedData><enc:EncryptionMethod Algorithm="{algorithm}"/><enc:CipherData>'
        '<enc:CipherReference URI="OEBPS/an.woff2"/></enc:CipherData></enc:EncryptedData></encryption>'
    )
    with zipfile.ZipFile(buffer, "a") as archive:
        archive.writestr("META-INF/encryption.xml", listed)
    return buffer.getvalue()
