"""The catalogue as a reading app walks it: from the root to the file."""

from pathlib import Path
from urllib.parse import urljoin

from tests.hub.library import made
from tests.hub.library.opds.rules import ACQUIRE, FACET, NS, feed, links
from tests.hub.library.world import World, put_in

from densach_hub.library.model import Creator, Record


async def filled(world: World, folder: Path, count: int, **more: object) -> None:
    for n in range(count):
        path = made.put(folder, f"{n}.txt", f"tài liệu số {n} {more}".encode())
        await world.library.add_file(path, by="t", known=Record(title=f"Tài liệu {n:02}", **more))  # type: ignore[arg-type]
    await world.library.cataloguer.read_waiting()


async def test_from_the_root_to_the_book(world: World, tmp_path: Path) -> None:
    it = await put_in(world.library, tmp_path, "a.epub", made.epub())
    await world.library.edit(it.id, Record(title=made.TITLE, subject="toan", grade_from=10))
    await world.library.add_record(Record(title="Chỉ là mục", subject="toan"), by="t")
    root = await feed(world, "/opds/v1.2/catalog")
    entries = {entry.findtext("a:title", "", NS): next(iter(links(entry).values())) for entry in root.iterfind("a:entry", NS)}
    assert set(entries) == {"Mới", "Theo môn", "Theo khối", "Kệ của tôi"}
    lists = [entries["Mới"]]
    for name, value in (("Theo môn", "Toán"), ("Theo khối", "Khối 10")):
        (line,) = (await feed(world, entries[name])).findall("a:entry", NS)
        assert (line.findtext("a:title", "", NS), line.findtext("a:content", "", NS)) == (value, "1 mục")
        lists.append(links(line)["subsection"])
    for href in lists:
        (book,) = (await feed(world, href)).findall("a:entry", NS)
        assert book.findtext("a:title", "", NS) == made.TITLE
        link = next(link for link in book.iterfind("a:link", NS) if link.get("rel") == ACQUIRE)
        assert link.get("type") == "application/epub+zip"
        async with world.http.get(urljoin(world.base, link.get("href", ""))) as response:
            body = await response.read()
            assert body == made.epub()
            assert len(body) == int(link.get("length", "0"))
            assert response.headers["Content-Disposition"].startswith("attachment")
        for rel in ("http://opds-spec.org/image", "http://opds-spec.org/image/thumbnail"):
            async with world.http.get(urljoin(world.base, links(book)[rel])) as response:
                assert (response.status, response.content_type in {"image/jpeg", "image/png"}) == (200, True)
    alone = await feed(world, f"/opds/v1.2/items/{it.id}")
    assert alone.findtext("a:title", "", NS) == made.TITLE


async def test_what_an_entry_says(world: World, tmp_path: Path) -> None:
    it = await put_in(world.library, tmp_path, "a.pdf", made.pdf())
    people = (Creator("Tô Hoài"), Creator("Ngô Mạnh Lân", "illustrator"))
    record = Record(
        title="Dế Mèn", creators=people, language="vi", publisher="Kim Đồng", published="1941", subject="truyen", grade_from=4,
        grade_to=5, topics=("côn trùng",), identifiers=("urn:isbn:9780306406157",), series="Tủ sách vàng", series_number="7",
        description="Phiêu lưu <của> & một chú dế", rights="© Kim Đồng",
    )  # fmt: skip
    await world.library.edit(it.id, record)
    entry = await feed(world, f"/opds/v1.2/items/{it.id}")
    assert [name.text for name in entry.iterfind("a:author/a:name", NS)] == ["Tô Hoài"]
    assert [name.text for name in entry.iterfind("a:contributor/a:name", NS)] == ["Ngô Mạnh Lân"]
    said = {tag: entry.findtext(f"dc:{tag}", "", NS) for tag in ("language", "publisher", "issued", "identifier", "isPartOf")}
    assert said == {
        "language": "vi", "publisher": "Kim Đồng", "issued": "1941", "identifier": "urn:isbn:9780306406157",
        "isPartOf": "Tủ sách vàng 7",
    }  # fmt: skip
    assert [c.get("label") for c in entry.iterfind("a:category", NS)] == ["Truyện", "Khối 4", "Khối 5", "côn trùng"]
    assert entry.findtext("a:summary", "", NS) == "Phiêu lưu <của> & một chú dế"
    assert links(entry)["http://opds-spec.org/progression"] == f"/opds/items/{it.id}/progression"


async def test_search_as_readers_want_it(world: World, tmp_path: Path) -> None:
    await put_in(world.library, tmp_path, "a.epub", made.epub())
    root = await feed(world, "/opds/v1.2/catalog")
    templates = [link.get("href", "") for link in root.iterfind("a:link", NS) if link.get("rel") == "search"]
    assert templates == ["/opds/v1.2/search.xml", "/opds/v1.2/items?q={searchTerms}"]
    url = (await feed(world, templates[0])).find("o:Url", NS)
    assert url is not None
    assert url.get("template") == f"{world.base}/opds/v1.2/items?q={{searchTerms}}"
    found = await feed(world, templates[1].replace("{searchTerms}", "dai%20so"))
    assert [e.findtext("a:title", "", NS) for e in found.iterfind("a:entry", NS)] == [made.TITLE]
    assert found.findtext("o:totalResults", "", NS) == "1"
    query = found.find("o:Query", NS)
    assert query is not None
    assert (query.get("role"), query.get("searchTerms")) == ("request", "dai so")
    nothing = await feed(world, templates[1].replace("{searchTerms}", "zqxzqx"))
    assert not nothing.findall("a:entry", NS)


async def test_pages_forward_back_and_from_the_end(world: World, tmp_path: Path) -> None:
    await filled(world, tmp_path, 65)
    seen: list[list[str]] = []
    href: str | None = "/opds/v1.2/items"
    pages = []
    while href:
        pages.append(href)
        page = await feed(world, href)
        assert page.findtext("o:totalResults", "", NS) == "65"
        assert page.findtext("o:startIndex", "", NS) == str(len(seen) * 30 + 1)
        seen.append([entry.findtext("a:id", "", NS) for entry in page.iterfind("a:entry", NS)])
        href = links(page).get("next")
    assert [len(some) for some in seen] == [30, 30, 5]
    assert len({one for some in seen for one in some}) == 65
    back = await feed(world, links(page)["previous"])
    assert [entry.findtext("a:id", "", NS) for entry in back.iterfind("a:entry", NS)] == seen[1]
    last = await feed(world, links(back)["last"])
    assert [entry.findtext("a:id", "", NS) for entry in last.iterfind("a:entry", NS)] == (seen[1] + seen[2])[-30:]
    assert "next" not in links(last)
    assert "previous" not in links(await feed(world, links(last)["first"]))


async def test_what_comes_in_meanwhile_moves_no_page(world: World, tmp_path: Path) -> None:
    await filled(world, tmp_path, 35)
    first = await feed(world, "/opds/v1.2/items")
    seen = [entry.findtext("a:id", "", NS) for entry in first.iterfind("a:entry", NS)]
    await put_in(world.library, tmp_path, "new.epub", made.epub())
    second = await feed(world, links(first)["next"])
    rest = [entry.findtext("a:id", "", NS) for entry in second.iterfind("a:entry", NS)]
    assert len(rest) == 5
    assert not set(rest) & set(seen)


async def test_facets_narrow_a_list_down(world: World, tmp_path: Path) -> None:
    await filled(world, tmp_path, 3, subject="toan", grade_from=6)
    await filled(world, tmp_path, 2, subject="vat-ly", grade_from=8, grade_to=9)
    page = await feed(world, "/opds/v1.2/items")
    group, count = f"{{{NS['opds']}}}facetGroup", f"{{{NS['thr']}}}count"
    facets = {(f.get(group), f.get("title")): f for f in page.iterfind("a:link", NS) if f.get("rel") == FACET}
    counts = {key: f.get(count) for key, f in facets.items()}
    assert counts == {
        ("Môn", "Tất cả"): None, ("Môn", "Toán"): "3", ("Môn", "Vật lí"): "2", ("Khối", "Tất cả"): None, ("Khối", "Khối 6"): "3",
        ("Khối", "Khối 8"): "2", ("Khối", "Khối 9"): "2",
    }  # fmt: skip
    narrowed = await feed(world, facets["Môn", "Vật lí"].get("href", ""))
    assert len(narrowed.findall("a:entry", NS)) == 2
    for link in narrowed.iterfind("a:link", NS):
        if (link.get(group), link.get("title")) == ("Môn", "Tất cả"):
            assert len((await feed(world, link.get("href", ""))).findall("a:entry", NS)) == 5


ODD = (
    "page=0", "page=-1", "page=x", "page=99999999", "before=1", "before=-5", "before=9999999999999999999-1", "after=0-0",
    "last=1", "before=0-0&page=7", "grade=99&subject=nix&kind=zzz", "language=%00%01", "after=9-9&before=9-9",
)  # fmt: skip


async def test_odd_addresses(world: World, tmp_path: Path) -> None:
    await put_in(world.library, tmp_path, "a.epub", made.epub())
    for odd in ODD:
        await feed(world, f"/opds/v1.2/items?{odd}")
        await feed(world, f"/opds/v1.2/items?q=dai&{odd}")


async def test_what_is_withdrawn_while_the_feed_is_made_is_left_out(world: World, tmp_path: Path) -> None:
    await filled(world, tmp_path, 2)
    first, second = (await feed(world, "/opds/v1.2/items")).findall("a:entry", NS)
    gone = first.findtext("a:id", "", NS).rpartition(":")[2]
    # Written past the library, as another process does: the list of the index still names the item.
    await world.library._school.write(lambda c: c.execute("UPDATE item SET state = 'withdrawn' WHERE id = ?", (gone,)))
    (left,) = (await feed(world, "/opds/v1.2/items?last=1")).findall("a:entry", NS)
    assert left.findtext("a:id", "", NS) == second.findtext("a:id", "", NS)


async def test_an_empty_library_has_a_catalogue(world: World) -> None:
    for path in ("/opds/v1.2/catalog", "/opds/v1.2/items", "/opds/v1.2/by/subject", "/opds/v1.2/items?last=1"):
        await feed(world, path)
