"""The pages and files over real HTTP."""

import io
import re
from pathlib import Path

import aiohttp
import msgspec
from tests.hub.library import made, made_formats
from tests.hub.library.world import World, put_in

from densach_core.accounts.model import Role
from densach_hub.library.model import Filters, Record

RANGE = re.compile(r"bytes (\d+)-(\d+)/(\d+)")


async def test_the_first_page_empty_and_full(world: World, tmp_path: Path) -> None:
    empty = await world.text("/")
    assert "Thầy cô sẽ sớm đưa sách vào." in empty
    assert "/desk" not in empty
    assert "sách sẽ tự hiện ở đây" in await world.text("/", await world.as_(Role.LIBRARIAN))
    it = await put_in(world.library, tmp_path, "a.epub", made.epub())
    await world.library.edit(it.id, Record(title=made.TITLE, subject="toan", grade_from=10))
    page = await world.text("/")
    assert f"/items/{it.id}" in page
    assert "/search?subject=toan" in page
    assert "/search?grade=10" in page
    assert await world.text("/") == page


async def test_papers_of_the_staff_come_last(world: World, tmp_path: Path) -> None:
    book = await put_in(world.library, tmp_path, "a.epub", made.epub())
    await world.library.edit(book.id, Record(title=made.TITLE, subject="toan"))
    papers = [Record(title=f"Thông tư số {n}", subject="nghiep-vu") for n in range(3)]
    for paper in papers:
        await world.library.add_record(paper, by="t")
    page = await world.text("/")
    assert page.index(f"/items/{book.id}") < page.index("Thông tư số 0")
    assert page.index("subject=toan") < page.index("subject=nghiep-vu")


async def test_search_page_and_fragments(world: World, tmp_path: Path) -> None:
    it = await put_in(world.library, tmp_path, "a.epub", made.epub())
    page = await world.text("/search?q=dai+so")
    assert "<mark>Đại số</mark> 10" in page
    inside = await world.text("/search?q=strasse")
    assert f"/read/{it.id}?at=1&amp;q=strasse" in inside
    assert "<mark>straße</mark>" in inside
    part = await world.text("/search?q=dai+so", {"HX-Request": "true", "HX-Target": "results"})
    assert part.lstrip().startswith('<div id="results">')
    assert "<mark>Đại s</mark>ố" in await world.text("/search/suggest?q=dai+s")
    assert "Không tìm thấy" in await world.text("/search?q=khongcogica")
    assert "&lt;script&gt;" in await world.text("/search?q=<script>alert(1)</script>")
    for odd in ("/search?page=999", "/search?grade=x&kind=y&subject=z", "/search?q=%00", "/search"):
        await world.text(odd)


async def test_item_page_and_cover(world: World, tmp_path: Path) -> None:
    it = await put_in(world.library, tmp_path, "a.epub", made.epub())
    page = await world.text(f"/items/{it.id}?q=biet+thuc")
    assert made.TITLE in page
    assert "Tìm thấy 1 chỗ." in page
    async with world.http.get(f"{world.base}/items/{it.id}/cover") as response:
        assert response.content_type == "image/jpeg"
    added = await world.library.add_record(Record(title="Sách <không> bìa & co", subject="toan"), by="t")
    async with world.http.get(f"{world.base}/items/{added.item}/cover") as response:
        assert response.content_type == "image/svg+xml"
        assert "&lt;không&gt;" in await response.text()
        assert "sandbox" in response.headers["Content-Security-Policy"]
    async with world.http.get(f"{world.base}/items/nothing") as response:
        assert response.status == 404


async def test_files_with_ranges(world: World, tmp_path: Path) -> None:
    body = made.mp4(filler=2_000_000)
    it = await put_in(world.library, tmp_path, "f.mp4", body)
    address = f"{world.base}/items/{it.id}/file"
    async with world.http.get(address) as response:
        assert response.headers["Content-Type"] == "video/mp4"
        assert response.headers["X-Content-Type-Options"] == "nosniff"
        assert await response.read() == body
    async with world.http.get(address, headers={"Range": "bytes=1000000-1524287"}) as response:
        assert response.status == 206
        match = RANGE.fullmatch(response.headers["Content-Range"])
        assert match is not None
        assert match.groups() == ("1000000", "1524287", str(len(body)))
        assert await response.read() == body[1_000_000:1_524_288]
    async with world.http.get(address, headers={"Range": f"bytes={len(body)}-"}) as response:
        assert response.status == 416
    async with world.http.get(f"{address}?save") as response:
        assert response.headers["Content-Disposition"].startswith("attachment")
        assert "Th%C3%AD%20nghi%E1%BB%87m.mp4" in response.headers["Content-Disposition"]
    async with world.http.head(address) as response:
        assert response.headers["Content-Length"] == str(len(body))


async def test_withdrawn_files_are_served_to_nobody(world: World, tmp_path: Path) -> None:
    it = await put_in(world.library, tmp_path, "a.epub", made.epub())
    address = f"{world.base}/items/{it.id}/file"
    async with world.http.get(address) as response:
        assert response.status == 200
    await world.library.withdraw(it.id, by="x", why="y")
    for path in ("/file", "", "?q=x", "/cover"):
        async with world.http.get(f"{world.base}/items/{it.id}{path}") as response:
            assert response.status == 404
    for path in ("", "/parts", "/book/OEBPS/c0.xhtml"):
        async with world.http.get(f"{world.base}/read/{it.id}{path}") as response:
            assert response.status == 404
    librarian = await world.as_(Role.LIBRARIAN)
    assert "Đã rút" in await world.text(f"/items/{it.id}", librarian)
    async with world.http.get(f"{world.base}/items/{it.id}/cover?v=1", headers=librarian) as response:
        assert response.status == 200


async def test_readers_by_kind(world: World, tmp_path: Path) -> None:
    expected = {
        "a.epub": (made.epub(), "read-epub.js"),
        "a.pdf": (made.pdf(), "read-pdf.js"),
        "a.mp4": (made.mp4(), "<video"),
        "a.mp3": (made.mp3(), "<audio"),
        "a.png": (made.png(), "<figure"),
        "a.zip": (made.simulation(), f'src="{world.packages}/p/'),
    }
    for name, (body, mark) in expected.items():
        it = await put_in(world.library, tmp_path, name, body)
        assert mark in await world.text(f"/read/{it.id}"), name
    listed = (await world.library.add_record(Record(title="x"), by="t")).item
    async with world.http.get(f"{world.base}/read/{listed}", allow_redirects=False) as response:
        assert (response.status, response.headers["Location"]) == (303, f"/items/{listed}")
    reads = await world.library.reads("2000-01-01", "2100-01-01")
    assert reads.total == len(expected)


async def test_the_text_of_a_document_says_its_headings_once(world: World, tmp_path: Path) -> None:
    it = await put_in(world.library, tmp_path, "a.pptx", made_formats.pptx())
    page = await world.text(f"/read/{it.id}")
    assert page.count("Kết luận") == 1
    assert "Cảm ơn các em" in page


async def test_no_reader_offers_what_rights_forbid(world: World, tmp_path: Path) -> None:
    bodies = {
        "a.epub": made.epub(), "a.pdf": made.pdf(), "a.mp3": made.mp3(), "a.cbz": made_formats.comic(),
        "a.pptx": made_formats.pptx(), "a.zip": made.simulation(), "b.zip": made_formats.lesson(),
    }  # fmt: skip
    for name, body in bodies.items():
        it = await put_in(world.library, tmp_path, name, body)
        assert f"/items/{it.id}/file?save" in await world.text(f"/read/{it.id}"), name
        await world.library.edit(it.id, Record(title="x", rights="Không được sao chép"))
        assert "file?save" not in await world.text(f"/read/{it.id}"), name


async def test_places_are_merged_by_their_own_clocks(world: World, tmp_path: Path) -> None:
    it = await put_in(world.library, tmp_path, "a.epub", made.epub())
    pupil = await world.as_(Role.STUDENT)
    address = f"{world.base}/api/v1/items/{it.id}/place"

    async def tell(where: str, fraction: float, at: int, now: int) -> str:
        note = {"where": where, "fraction": fraction, "at": at, "now": now, "device": "Android"}
        async with world.http.post(address, headers=pupil, data=msgspec.json.encode(note)) as response:
            assert response.status == 200, await response.text()
            kept: str = (await response.json())["where"]
            return kept

    assert await tell("cfi-lab", 0.5, 1_000_000, 1_000_000) == "cfi-lab"
    assert await tell("cfi-old-phone", 0.2, 1_700_000_000_000, 1_700_000_600_000) == "cfi-lab"
    assert await tell("cfi-years-ahead", 0.45, 4_000_000_000_000, 4_000_000_000_000) == "cfi-years-ahead"
    assert await tell("cfi-new", 0.4, 5000, 5000) == "cfi-new"
    async with world.http.get(address, headers=pupil) as response:
        assert (await response.json())["where"] == "cfi-new"
    assert "Đọc tiếp" in await world.text("/", pupil)
    assert made.TITLE in await world.text("/shelf", pupil)
    async with world.http.post(address, data=b"{}") as response:
        assert response.status == 401
    for wrong in ({"where": "x" * 2000}, {"fraction": 1.5}, {"fraction": "a"}):
        note = {"where": "x", "fraction": 0.1, "at": 1, "now": 1, **wrong}
        async with world.http.post(address, headers=pupil, data=msgspec.json.encode(note)) as response:
            assert response.status == 422


async def test_own_shelf(world: World) -> None:
    item = (await world.library.add_record(Record(title="Truyện Kiều"), by="t")).item
    pupil, teacher = await world.as_(Role.STUDENT), await world.as_(Role.TEACHER)
    async with world.http.post(f"{world.base}/items/{item}/shelf", headers=pupil, allow_redirects=False) as response:
        assert response.status == 303
    assert "Truyện Kiều" in await world.text("/shelf", pupil)
    assert "Truyện Kiều" not in await world.text("/shelf", teacher)
    async with world.http.post(f"{world.base}/items/{item}/shelf/remove", headers=pupil, allow_redirects=False) as response:
        assert response.status == 303
    assert "Truyện Kiều" not in await world.text("/shelf", pupil)


async def test_the_desk(world: World, tmp_path: Path) -> None:
    librarian = await world.as_(Role.LIBRARIAN)
    bad = await put_in(world.library, tmp_path, "hong.epub", made.zip_bomb())
    good = await put_in(world.library, tmp_path, "a.epub", made.epub())
    page = await world.text("/desk", librarian)
    assert "dung lượng khổng lồ" in page
    assert made.TITLE in page
    assert made.TITLE not in await world.text("/desk?show=broken", librarian)
    assert "library.zip-bomb" in await world.text(f"/desk/items/{bad.id}", librarian)
    form = {"title": "Tên mới", "creators": "Ánh\nBình (translator)", "subject": "toan", "grade_from": "6", "topics": "a, b"}
    async with world.http.post(
        f"{world.base}/desk/items/{good.id}", headers=librarian, data=form, allow_redirects=False
    ) as response:
        assert response.status == 303, await response.text()
    it = await world.library.item(good.id)
    assert (it.title, it.subject, it.grade_to, it.topics) == ("Tên mới", "toan", 6, ("a", "b"))
    assert [(c.name, c.role) for c in it.creators] == [("Ánh", "author"), ("Bình", "translator")]
    async with world.http.post(f"{world.base}/desk/items/{good.id}/withdraw", headers=librarian, data={"why": "cũ"}) as response:
        assert response.status == 200
    assert (await world.library.item(good.id, hidden=True)).withdrawn_why == "cũ"
    async with world.http.post(f"{world.base}/desk/items/{bad.id}/retry", headers=librarian, allow_redirects=False) as response:
        assert response.status == 303
    pupil = await world.as_(Role.STUDENT)
    async with world.http.get(f"{world.base}/desk", headers=pupil) as response:
        assert response.status == 403


async def test_a_file_of_another_kind_than_its_name_says_so(world: World, tmp_path: Path) -> None:
    librarian = await world.as_(Role.LIBRARIAN)
    good = await put_in(world.library, tmp_path, "bai-giang.pdf", made.jpeg())
    bad = await put_in(world.library, tmp_path, "de-thi.pdf", b"\xff\xd8\xff" + b"khong phai anh" * 20)
    said = "Đây không phải tệp PDF mà là ảnh JPEG; tên tệp có đuôi .pdf."
    for it in (good, bad):
        page = await world.text(f"/desk/items/{it.id}", librarian)
        assert said in page
        assert str(tmp_path) not in page
        assert "cannot identify" not in page
    assert said in await world.text("/desk?show=broken", librarian)
    address = f"{world.base}/api/v1/desk/standing?id={good.id}&id=0000&id={bad.id}"
    async with world.http.get(address, headers=librarian) as response:
        standing = await response.json()
    assert [(one["id"], one["state"]) for one in standing] == [(good.id, "ready"), (bad.id, "broken")]
    assert standing[1]["reason"].startswith(said)
    async with world.http.get(address, headers=await world.as_(Role.STUDENT)) as response:
        assert response.status == 403


async def test_the_api(world: World, tmp_path: Path) -> None:
    it = await put_in(world.library, tmp_path, "a.epub", made.epub())
    async with world.http.get(f"{world.base}/api/v1/search?q=dai+so") as response:
        found = await response.json()
    assert [card["id"] for card in found["cards"]] == [it.id]
    async with world.http.get(f"{world.base}/api/v1/items?kind=epub&limit=1") as response:
        assert (await response.json())["total"] == 1
    for wrong in ("kind=x", "subject=x", "grade=13", "limit=1000", "offset=-1"):
        async with world.http.get(f"{world.base}/api/v1/items?{wrong}") as response:
            assert response.status == 422, wrong
    async with world.http.get(f"{world.base}/api/v1/library") as response:
        assert (await response.json())["items"] == 1
    async with world.http.get(f"{world.base}/api/openapi.json") as response:
        assert "/api/v1/search" in (await response.json())["paths"]


async def test_a_catalogue_line_gets_its_file(world: World, tmp_path: Path) -> None:
    librarian = await world.as_(Role.LIBRARIAN)
    other = await put_in(world.library, tmp_path, "b.pdf", made.pdf())
    item = (await world.library.add_record(Record(title="Công văn 4771", key="4771"), by="t")).item
    assert "Thêm tệp này" in await world.text(f"/desk/items/{item}", librarian)

    async def send(body: bytes) -> int:
        form = aiohttp.FormData()
        form.add_field("file", io.BytesIO(body), filename="4771.pdf", content_type="application/pdf")
        address = f"{world.base}/desk/items/{item}/file"
        async with world.http.post(address, headers=librarian, data=form, allow_redirects=False) as response:
            return response.status

    assert await send(made.pdf()) == 409
    assert await send(made.pdf(title="Tên trong tệp")) == 303
    await world.library.cataloguer.read_waiting()
    it = await world.library.item(item)
    assert (it.title, it.readable, it.pages, it.people) == ("Công văn 4771", True, 2, "Trần Thị Bình")
    assert await send(made.pdf(title="Khác")) == 409
    inside = await world.library.finder.search("sach giao khoa", Filters())
    assert {one.card.id for one in inside.inside} == {item, other.id}
