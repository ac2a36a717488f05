"""The catalogue as a reading app walks it: from the root to the file."""

from pathlib import Path
from urllib.parse import urljoin

import pytest
from lxml import etree
from tests.hub.library import made
from tests.hub.library.world import World, put_in

from densach_hub.library.model import Record

NS = {"a": "http://www.w3.org/2005/Atom", "dc": "http://purl.org/dc/terms/", "o": "http://a9.com/-/spec/opensearch/1.1/"}
ACQUIRE = "http://opds-spec.org/acquisition/open-access"


async def feed(world: World, path: str) -> etree._Element:
    async with world.http.get(urljoin(world.base, path)) as response:
        assert response.status == 200
        assert response.content_type in {"application/atom+xml", "application/opensearchdescription+xml"}
        return etree.fromstring(await response.read())


def links(element: etree._Element) -> dict[str, str]:
    return {link.get("rel", ""): link.get("href", "") for link in element.iterfind("a:link", NS)}


def check_feed(root: etree._Element) -> None:
    """What RFC 4287 and OPDS 1.2 ask of every feed and entry."""
    for element in (root, *root.iterfind("a:entry", NS)):
        for tag in ("id", "title", "updated"):
            assert len(element.findall(f"a:{tag}", NS)) == 1, tag
    assert root.find("a:author/a:name", NS) is not None
    assert {"self", "start", "search"} <= set(links(root))


async def test_from_the_root_to_the_book(world: World, tmp_path: Path) -> None:
    it = await put_in(world.library, tmp_path, "a.epub", made.epub())
    await world.library.edit(it.id, Record(title=made.TITLE, subject="toan", grade_from=10))
    await world.library.add_record(Record(title="Chỉ là mục", subject="toan"), by="t")
    root = await feed(world, "/opds/v1.2/catalog")
    check_feed(root)
    entries = {entry.findtext("a:title", "", NS): links(entry)["subsection"] for entry in root.iterfind("a:entry", NS)}
    assert {"Mới", "Toán", "Khối 10"} == set(entries)
    for href in entries.values():
        shelf = await feed(world, href)
        check_feed(shelf)
        (book,) = shelf.findall("a:entry", NS)
        assert book.findtext("a:title", "", NS) == made.TITLE
        assert book.findtext("dc:language", "", NS) == ""
        link = next(link for link in book.iterfind("a:link", NS) if link.get("rel") == ACQUIRE)
        assert link.get("type") == "application/epub+zip"
        async with world.http.get(urljoin(world.base, link.get("href", ""))) as response:
            assert await response.read() == made.epub()
            assert response.headers["Content-Disposition"].startswith("attachment")
        async with world.http.get(urljoin(world.base, links(book)["http://opds-spec.org/image"])) as response:
            assert response.status == 200


async def test_search_as_readers_want_it(world: World, tmp_path: Path) -> None:
    await put_in(world.library, tmp_path, "a.epub", made.epub())
    root = await feed(world, "/opds/v1.2/catalog")
    templates = [link.get("href", "") for link in root.iterfind("a:link", NS) if link.get("rel") == "search"]
    assert templates == ["/opds/v1.2/search.xml", "/opds/v1.2/items?q={searchTerms}"]
    description = await feed(world, templates[0])
    url = description.find("o:Url", NS)
    assert url is not None
    assert url.get("template") == f"{world.base}/opds/v1.2/items?q={{searchTerms}}"
    found = await feed(world, templates[1].replace("{searchTerms}", "dai%20so"))
    check_feed(found)
    assert [e.findtext("a:title", "", NS) for e in found.iterfind("a:entry", NS)] == [made.TITLE]
    assert not (await feed(world, templates[1].replace("{searchTerms}", "khongco"))).findall("a:entry", NS)


async def test_pages(world: World, tmp_path: Path) -> None:
    for n in range(35):
        path = made.put(tmp_path, f"{n}.txt", f"tài liệu số {n}".encode())
        await world.library.add_file(path, by="t", known=Record(title=f"Tài liệu {n:02}"))
    await world.library.cataloguer.read_waiting()
    seen: list[str] = []
    href: str | None = "/opds/v1.2/items"
    while href:
        page = await feed(world, href)
        check_feed(page)
        seen += [entry.findtext("a:id", "", NS) for entry in page.iterfind("a:entry", NS)]
        href = links(page).get("next")
    assert len(seen) == len(set(seen)) == 35


@pytest.mark.parametrize("page", ["0", "-1", "x", "99999999"])
async def test_odd_pages(world: World, page: str) -> None:
    check_feed(await feed(world, f"/opds/v1.2/items?page={page}"))


async def test_what_is_withdrawn_while_the_feed_is_made_is_left_out(world: World, tmp_path: Path) -> None:
    for n in range(2):
        path = made.put(tmp_path, f"{n}.txt", f"tài liệu số {n}".encode())
        await world.library.add_file(path, by="t", known=Record(title=f"Tài liệu {n}"))
    await world.library.cataloguer.read_waiting()
    first, second = (await feed(world, "/opds/v1.2/items")).findall("a:entry", NS)
    gone = first.findtext("a:id", "", NS).rpartition(":")[2]
    # Written past the library, as another process does: the list that is kept still names the item.
    await world.library._school.write(lambda c: c.execute("UPDATE item SET state = 'withdrawn' WHERE id = ?", (gone,)))
    (left,) = (await feed(world, "/opds/v1.2/items")).findall("a:entry", NS)
    assert left.findtext("a:id", "", NS) == second.findtext("a:id", "", NS)
