"""What narrows a list down beyond subject and grade (type, audience, licence), and what may only be read at the school."""

from pathlib import Path

from tests.hub.library import made
from tests.hub.library.opds.rules import FACET, NS, feed, links, opds2
from tests.hub.library.opds.test_atom import filled
from tests.hub.library.world import World, put_in

from densach_hub.library.model import Record

GROUP, COUNT = f"{{{NS['opds']}}}facetGroup", f"{{{NS['thr']}}}count"
EXPECTED = {
    "Loại tài liệu": {"Tất cả": None, "Sách giáo khoa": 3, "Đề thi, đề kiểm tra": 2},
    "Đối tượng": {"Tất cả": None, "Học sinh": 3, "Giáo viên": 2},
    "Giấy phép": {"Tất cả": None, "CC BY-SA": 3, "Giữ mọi bản quyền": 2},
}
LIMITS = {"material": "textbook", "audience": "pupils", "licence": "cc-by-sa"}


async def shelved(world: World, folder: Path) -> None:
    await filled(world, folder, 3, material="textbook", audience="pupils", licence="CC BY-SA 4.0")
    await filled(world, folder, 2, material="exam", audience="teachers", rights="All rights reserved.")


async def test_type_audience_and_licence_in_json(world: World, tmp_path: Path) -> None:
    await shelved(world, tmp_path)
    page = await opds2(world, "/opds/v2/items")
    counts = {
        facet["metadata"]["title"]: {link["title"]: link.get("properties", {}).get("numberOfItems") for link in facet["links"]}
        for facet in page["facets"]
    }
    assert counts == EXPECTED
    for facet in page["facets"]:
        narrowed = await opds2(world, facet["links"][1]["href"])
        assert (len(narrowed["publications"]), narrowed["metadata"]["numberOfItems"]) == (3, 3)
        found = await opds2(world, facet["links"][2]["href"].replace("/items?", "/search?query=tai+lieu&"))
        assert len(found["publications"]) == 2
    for limit in LIMITS:
        named = await opds2(world, f"/opds/v2/by/{limit}")
        assert [link["properties"]["numberOfItems"] for link in named["navigation"]] == [3, 2]


async def test_type_audience_and_licence_in_atom(world: World, tmp_path: Path) -> None:
    await shelved(world, tmp_path)
    page = await feed(world, "/opds/v1.2/items")
    counts: dict[str, dict[str, int | None]] = {}
    for link in page.iterfind("a:link", NS):
        if link.get("rel") == FACET:
            n = link.get(COUNT)
            counts.setdefault(link.get(GROUP, ""), {})[link.get("title", "")] = None if n is None else int(n)
    assert counts == EXPECTED
    for limit, value in LIMITS.items():
        narrowed = await feed(world, f"/opds/v1.2/items?{limit}={value}")
        assert len(narrowed.findall("a:entry", NS)) == 3
        assert len((await feed(world, f"/opds/v1.2/items?{limit}={value}&q=tai+lieu")).findall("a:entry", NS)) == 3
        assert len((await feed(world, f"/opds/v1.2/by/{limit}")).findall("a:entry", NS)) == 2


async def test_what_may_not_be_copied_is_offered_as_a_page(world: World, tmp_path: Path) -> None:
    """Both specifications want one link of acquisition in every entry: it leads to the reader's page, not to a refusal."""
    it = await put_in(world.library, tmp_path, "a.epub", made.epub())
    await world.library.edit(it.id, Record(title="Một", rights="Chỉ đọc tại thư viện"))
    told = await opds2(world, f"/opds/v2/items/{it.id}")
    (offer,) = [link for link in told["links"] if "/acquisition" in link["rel"]]
    assert (offer["rel"], offer["href"], offer["type"]) == (
        "http://opds-spec.org/acquisition", f"/items/{it.id}", "text/html",
    )  # fmt: skip
    assert "size" not in offer
    (entry,) = (await feed(world, "/opds/v1.2/items")).findall("a:entry", NS)
    assert links(entry)["http://opds-spec.org/acquisition"] == f"/items/{it.id}"
    assert "/file" not in str(links(entry))
    await world.library.edit(it.id, Record(title="Một", rights="CC BY 4.0"))
    assert "/file/" in str(await opds2(world, f"/opds/v2/items/{it.id}"))
