"""A hit inside a subtitle, a lesson, a simulation or a document opens there, whatever kind of file it is."""

import re
from html import unescape
from pathlib import Path

from tests.hub.library import made, made_formats
from tests.hub.library.world import World, put_in

from densach_hub.library.model import Item, Kind

WORDS = "đòn bẩy"
PAGE = "<html><head><title>Bài</title></head><body><p>{text}</p></body></html>"


async def opened(world: World, it: Item) -> tuple[str, str]:
    """The address the search's hit leads to, and the page there."""
    page = await world.text(f"/search?q={WORDS}")
    (address,) = set(re.findall(rf'<li><a href="(/read/{it.id}[^"]*)"', page))
    assert "<mark>" in page
    return unescape(address), await world.text(unescape(address))


async def test_a_subtitle_opens_at_its_second(world: World, tmp_path: Path) -> None:
    lines = (*("Xin chào",) * 20, "Đòn bẩy loại một")
    film = await put_in(world.library, tmp_path, "a.mp4", made_formats.mp4_with_text(lines))
    address, page = await opened(world, film)
    (second,) = re.findall(r"at=(\d+)", address)
    assert int(second) >= 30
    assert f'data-at="{second}"' in page


async def test_a_lesson_opens_at_the_part(world: World, tmp_path: Path) -> None:
    files: dict[str, str | bytes] = {"bai/index1.html": PAGE.format(text="Đòn bẩy trong đời sống")}
    it = await put_in(world.library, tmp_path, "b.zip", made_formats.lesson(parts=2, files=files))
    address, page = await opened(world, it)
    assert "at=1" in address
    assert "bai/index1.html" in page


async def test_a_page_beside_a_lessons_own_opens_a_part_there_is(world: World, tmp_path: Path) -> None:
    files: dict[str, str | bytes] = {"bai/sau/trang9.html": PAGE.format(text="Đòn bẩy ở trang sau")}
    it = await put_in(world.library, tmp_path, "c.zip", made_formats.lesson(parts=2, files=files))
    address, page = await opened(world, it)
    assert "at=0" in address
    assert "bai/index0.html" in page


async def test_a_simulation_opens_where_its_words_stand(world: World, tmp_path: Path) -> None:
    it = await put_in(world.library, tmp_path, "d.zip", made_formats.packed({"index.html": PAGE.format(text="Đòn</p><p>bẩy ảo")}))
    assert it.kind is Kind.SIMULATION
    _, page = await opened(world, it)
    assert f"/p/{it.id}/" in page


async def test_a_simulation_of_many_pages_opens_at_the_page(world: World, tmp_path: Path) -> None:
    files: dict[str, str | bytes] = {"index.html": "<title>Máy cơ đơn giản</title>", "__MACOSX/bai/hai.html": "rác"}
    files |= {"bai/một.htm": PAGE.format(text="Ròng rọc"), "bai/hai.html": PAGE.format(text="Đòn bẩy ảo")}
    it = await put_in(world.library, tmp_path, "d.zip", made_formats.packed(files))
    assert (it.kind, it.title) == (Kind.SIMULATION, "Máy cơ đơn giản")
    _, page = await opened(world, it)
    assert f'src="{world.packages}/p/{it.id}/bai/hai.html"' in page
    for at, address in {"2": "bai/m%E1%BB%99t.htm", "0": "", "99": "", "-1": "", "²": ""}.items():
        assert f'/p/{it.id}/{address}"' in await world.text(f"/read/{it.id}?at={at}")


async def test_documents_show_their_text_at_the_part_with_the_words_marked(world: World, tmp_path: Path) -> None:
    files = made_formats.docx_files()
    body = str(files["word/document2.xml"]).replace("Khởi động", "Đòn bẩy &lt;i&gt;")
    office = made_formats.packed({**files, "word/document2.xml": body})
    for name, file in (("e.docx", office), ("f.odt", made.odt("Thí nghiệm đòn bẩy"))):
        it = await put_in(world.library, tmp_path, name, file)
        assert it.kind is Kind.DOCUMENT
        address, page = await opened(world, it)
        assert "<mark>Đòn bẩy</mark>" in page or "<mark>đòn bẩy</mark>" in page
        assert "<i>" not in page
        (at,) = re.findall(r"at=(\d+)", address)
        assert page.index(f'id="part-{at}"') < page.index("<mark>")
        assert f"/read/{it.id}?at={at}" in unescape(await world.text(f"/items/{it.id}?q={WORDS}"))
        await world.library.withdraw(it.id, by="t", why="")


async def test_a_long_document_goes_on_page_after_page(world: World, tmp_path: Path) -> None:
    text = " ".join(f"câu{n} nói dài dòng về thời tiết" for n in range(12_000))
    it = await put_in(world.library, tmp_path, "g.txt", text.encode())
    first = await world.text(f"/read/{it.id}")
    assert "câu0 " in first
    none = await put_in(world.library, tmp_path, "h.rtf", b"{\\rtf1 }")
    async with world.http.get(f"{world.base}/read/{none.id}", allow_redirects=False) as answer:
        assert answer.headers["Location"] == f"/items/{none.id}"
