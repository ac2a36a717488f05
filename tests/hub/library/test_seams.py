"""Where the library's pieces meet: every kind is found by the words in it and opens there; what a catalogue says is kept from
import through search and reading apps to export; what is not shown is shown nowhere."""

import csv
import io
import re
from pathlib import Path

import aiohttp
from tests.hub.library import made, made_formats
from tests.hub.library.test_imports import applied, bring
from tests.hub.library.world import World, put_in, read_all

from densach_core.accounts.model import Role
from densach_hub.library.model import Creator, Filters, Kind, Record

IN_EPUB = made.CHAPTERS[min(made.CHAPTERS)].split(".")[0][:40]
INSIDE: dict[str, tuple[bytes, Kind, str, str]] = {
    "a.epub": (made.epub(), Kind.EPUB, IN_EPUB, "at=1"),
    "a.docx": (made_formats.packed(made_formats.docx_files()), Kind.DOCUMENT, "cộng phân số", "at=1"),
    "a.pptx": (made_formats.pptx(), Kind.DOCUMENT, "hấp thụ ánh sáng", "at=0"),
    "a.xlsx": (made_formats.xlsx(), Kind.DOCUMENT, "Nguyễn An 9.5 giỏi", "at=0"),
    "a.odt": (made_formats.odt(), Kind.DOCUMENT, "Nước Việt Nam", "at=0"),
    "a.mp4": (made_formats.mp4_with_text(), Kind.VIDEO, "Tạm biệt", "at="),
    "a.zip": (made_formats.lesson(), Kind.LESSON, "Đồng dao và ca dao", "at="),
}


async def test_every_kind_is_found_by_the_words_in_it_also_after_a_rebuild(world: World, tmp_path: Path) -> None:
    items = {name: await put_in(world.library, tmp_path, name, body) for name, (body, *_) in INSIDE.items()}
    for rebuilt in (False, True):
        if rebuilt:
            await world.library.cataloguer.rebuild()
        for name, (_, kind, words, _) in INSIDE.items():
            it = items[name]
            assert it.kind is kind, name
            answer = await world.library.finder.search(words, Filters(kind=kind))
            assert it.id in {one.card.id for one in answer.inside}, (name, rebuilt)
    for name, (_, _, words, place) in INSIDE.items():
        page = await world.text(f"/search?q={words.replace(' ', '+')}")
        links = re.findall(rf'href="((?:/read|/items)/{items[name].id}\?[^"]*)"', page)
        assert any(place in link for link in links), (name, links)
        for link in links:
            assert await world.text(link.replace("&amp;", "&"))
    page = await world.text("/search")
    assert all(f"kind={kind}" in page for kind in {kind for _, kind, *_ in INSIDE.values()})


FULL = Record(
    title="Dế Mèn phiêu lưu ký", subtitle="Truyện đồng thoại", creators=(Creator("Tô Hoài"), Creator("Lan Anh", "illustrator")),
    description="Chuyện một chú dế", subject="ngu-van", topics=("loài vật",), grade_from=6, grade_to=7, publisher="Kim Đồng",
    published="2019", language="vi", identifiers=("ISBN 9780306406157",), material="story", audience="pupils", level="thcs",
    curriculum="GDPT 2018", ddc="895.922", cutter="T450H", series="Tủ sách Vàng", series_number="3", collections=("Kho mở",),
    place="Hà Nội", statement="Tái bản lần 9", extent="199 tr", licence="CC BY", copies=12,
)  # fmt: skip


async def test_what_a_catalogue_says_is_kept_from_import_to_export(world: World, tmp_path: Path) -> None:
    library, headers = world.library, await world.as_(Role.LIBRARIAN)
    first = (await put_in(library, tmp_path, "a.epub", made.epub())).id
    await library.edit(first, FULL, by="t")
    for format_name, ending in (("csv", "csv"), ("xlsx", "xlsx"), ("marc", "mrc"), ("marcxml", "xml")):
        async with world.http.get(f"{world.base}/api/v1/export?format={format_name}", headers=headers) as response:
            body = await response.read()
        again = await applied(library, await bring(library, tmp_path, body, f"a.{ending}"))
        assert set(again.counts) <= {"same"}, (format_name, again.counts)
    for words in ("895.922", "T450H", "tủ sách vàng", "kho mở", "tái bản lần 9", "Hà Nội", "loài vật", "Kim Đồng", "lan anh"):
        found = await library.finder.search(words, Filters(), as_typed=True)
        assert [card.id for card in found.cards] == [first], words
    async with world.http.get(f"{world.base}/opds/v2/items/{first}") as response:
        told = (await response.json(content_type=None))["metadata"]
    assert (told["title"], told["publisher"], told["belongsTo"]["series"]["name"]) == (FULL.title, "Kim Đồng", "Tủ sách Vàng")
    assert told["belongsTo"]["collection"] == ["Kho mở"]
    assert "Kim Đồng" in await world.text(f"/opds/v1.2/items/{first}")
    async with world.http.get(f"{world.base}/api/v1/export?format=csv", headers=headers) as response:
        (row,) = csv.DictReader(io.StringIO((await response.text()).lstrip("\ufeff")))
    assert {"Dế Mèn phiêu lưu ký", "895.922", "T450H", "Tủ sách Vàng", "CC BY", "12"} <= set(row.values())


async def test_what_a_teacher_brought_is_nowhere_before_the_yes(world: World) -> None:
    form = aiohttp.FormData()
    form.add_field("files", made.epub(), filename="a.epub")
    headers = await world.as_(Role.TEACHER)
    async with world.http.post(f"{world.base}/offers", headers=headers, data=form, allow_redirects=False) as response:
        assert response.status == 303
    (it,) = await read_all(world.library)
    await world.library.cataloguer.rebuild()
    lists = (
        "/", "/search", f"/search?q={made.TITLE}", f"/search?q={IN_EPUB}", f"/search/suggest?q={made.TITLE[:3]}", "/api/v1/items",
        f"/api/v1/search?q={IN_EPUB}", f"/api/v1/suggestions?q={made.TITLE[:3]}", "/opds/v2/items", "/opds/v1.2/items",
        f"/opds/v2/search?q={made.TITLE}", "/opds/v2/catalog", "/opds/v1.2/catalog",
    )  # fmt: skip
    own = (
        "", "/file", "/file/a.epub", "/cover", "/cover?v=1", "/subtitles/1",
    )  # fmt: skip
    for role in (None, Role.STUDENT):
        headers = await world.as_(role) if role else {}
        for path in lists:
            async with world.http.get(world.base + path, headers=headers) as response:
                assert it.id not in await response.text(), (role, path)
        inside = [f"/items/{it.id}{path}" for path in own]
        inside += [f"/read/{it.id}{path}" for path in ("", "/parts", "/pages", "/book/OEBPS/c0.xhtml")]
        inside += [f"/api/v1/items/{it.id}{path}" for path in ("", "/hits?q=a")]
        inside += [f"/opds/v2/items/{it.id}", f"/opds/v1.2/items/{it.id}"]
        for path in inside:
            async with world.http.get(world.base + path, headers=headers) as response:
                assert response.status == 404, (role, path, response.status)


async def test_who_was_merged_twice_still_leads_to_what_stands_for_it(world: World) -> None:
    library = world.library
    a, b, c = [(await library.add_record(Record(title=f"Sách {n}"), by="t")).item for n in "abc"]
    await library.twins.merge(b, a, by="t")
    await library.twins.merge(c, b, by="t")
    assert (await library.item(a)).id == c
    for page in ("/", "/search", "/opds/v2/items", "/api/v1/items"):
        text = await world.text(page)
        assert c in text or page.startswith("/opds")  # a line without a file is nothing for a reading app
        assert a not in text
        assert b not in text


async def test_withdrawn_while_it_was_being_indexed_it_is_found_no_more(world: World, tmp_path: Path) -> None:
    it = await put_in(world.library, tmp_path, "a.epub", made.epub())
    await world.library.withdraw(it.id, by="t", why="")
    await world.library.cataloguer.indexed(it)  # somebody who was slower
    assert (await world.library.finder.search(made.TITLE, Filters())).cards == ()
    assert (await world.library.finder.home()).items == 0
