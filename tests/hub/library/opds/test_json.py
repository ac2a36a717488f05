"""OPDS 2.0 as a reading app walks it."""

from pathlib import Path

from tests.hub.library import made
from tests.hub.library.opds.rules import opds2
from tests.hub.library.opds.test_atom import filled
from tests.hub.library.world import World, put_in

from densach_hub.library.model import Creator, Record


def hrefs(told: dict[str, list[dict[str, str]]]) -> dict[str, str]:
    return {link.get("rel", ""): link["href"] for link in told["links"]}


async def test_the_root(world: World, tmp_path: Path) -> None:
    it = await put_in(world.library, tmp_path, "a.epub", made.epub())
    await world.library.edit(it.id, Record(title=made.TITLE, subject="toan", grade_from=10))
    root = await opds2(world, "/opds/v2/catalog")
    assert root["metadata"]["title"] == "Trường THCS Thử Nghiệm"
    links = {link["rel"]: link for link in root["links"]}
    assert links["search"] == {
        "rel": "search", "href": f"{world.base}/opds/v2/search{{?query}}", "type": "application/opds+json", "templated": True,
    }  # fmt: skip
    assert links["http://opds-spec.org/auth/document"]["type"] == "application/opds-authentication+json"
    new, subjects, grades = root["groups"]
    assert (new["metadata"]["title"], new["metadata"]["numberOfItems"], len(new["publications"])) == ("Mới", 1, 1)
    (line,) = subjects["navigation"]
    assert (line["title"], line["properties"]["numberOfItems"]) == ("Toán", 1)
    assert grades["navigation"][0]["title"] == "Khối 10"
    for href in (line["href"], grades["navigation"][0]["href"], hrefs(new)["self"]):
        assert [one["metadata"]["title"] for one in (await opds2(world, href))["publications"]] == [made.TITLE]
    for link in root["navigation"][:1]:
        await opds2(world, link["href"])
    await opds2(world, hrefs(subjects)["self"])


async def test_a_publication(world: World, tmp_path: Path) -> None:
    it = await put_in(world.library, tmp_path, "a.pdf", made.pdf(["một", "hai"]))
    people = (Creator("Tô Hoài"), Creator("Ngô Mạnh Lân", "illustrator"), Creator("Ai đó", "other"))
    record = Record(
        title="Dế Mèn", subtitle="phiêu lưu ký", creators=people, language="vi", publisher="Kim Đồng", published="1941-12-05",
        subject="truyen", grade_from=4, grade_to=5, topics=("côn trùng",), identifiers=("978-0-306-40615-7", "LV 1"),
        series="Tủ sách vàng", series_number="7", collections=("Thiếu nhi",), copies=12,
    )  # fmt: skip
    it = await world.library.edit(it.id, record)
    told = await opds2(world, f"/opds/v2/items/{it.id}")
    metadata = told["metadata"]
    assert metadata["@type"] == "http://schema.org/Book"
    assert metadata["altIdentifier"] == ["urn:isbn:9780306406157"]
    assert (metadata["author"], metadata["illustrator"]) == ([{"name": "Tô Hoài"}], [{"name": "Ngô Mạnh Lân"}])
    assert metadata["contributor"] == [{"name": "Ai đó"}]
    assert (metadata["published"], metadata["numberOfPages"]) == ("1941-12-05", 2)
    assert metadata["belongsTo"] == {"series": {"name": "Tủ sách vàng", "position": 7.0}, "collection": ["Thiếu nhi"]}
    assert [one["name"] for one in metadata["subject"]] == ["Truyện", "Khối 4", "Khối 5", "côn trùng"]
    links = {link["rel"]: link for link in told["links"]}
    file = links["http://opds-spec.org/acquisition/open-access"]
    assert (file["type"], file["size"], file["properties"]) == (
        "application/pdf", it.size, {"availability": {"state": "available"}},
    )  # fmt: skip
    assert links["http://opds-spec.org/acquisition/borrow"]["properties"] == {"copies": {"total": 12}}
    progression = links["http://opds-spec.org/progression"]
    assert progression["properties"]["authenticate"]["href"] == "/opds/authentication.json"
    assert hrefs(told)["self"] == f"/opds/v2/items/{it.id}"


async def test_no_copy_is_said_to_be_there_when_there_is_none(world: World, tmp_path: Path) -> None:
    it = await put_in(world.library, tmp_path, "a.pdf", made.pdf())
    await world.library.edit(it.id, Record(title="Một", published="1941", copies=0, language="tiếng Việt", series_number="x"))
    told = await opds2(world, f"/opds/v2/items/{it.id}")
    properties = {link["rel"]: link.get("properties") for link in told["links"]}
    assert properties["http://opds-spec.org/acquisition/borrow"] == {
        "copies": {"total": 0}, "availability": {"state": "unavailable"},
    }  # fmt: skip
    assert not {"published", "language", "belongsTo"} & set(told["metadata"])


async def test_search_and_pages(world: World, tmp_path: Path) -> None:
    await filled(world, tmp_path, 62, subject="toan")
    seen = []
    href: str | None = "/opds/v2/search?query=tai+lieu"
    while href:
        page = await opds2(world, href)
        seen += [one["metadata"]["identifier"] for one in page["publications"]]
        assert page["metadata"]["numberOfItems"] == 62
        assert page["metadata"]["currentPage"] == -(-len(seen) // 30)
        href = hrefs(page).get("next")
    assert len(set(seen)) == 62
    walked = []
    href = "/opds/v2/items?subject=toan"
    while href:
        page = await opds2(world, href)
        walked += [one["metadata"]["identifier"] for one in page["publications"]]
        href = hrefs(page).get("next")
    assert set(walked) == set(seen)
    assert page["metadata"] == page["metadata"] | {"numberOfItems": 62, "itemsPerPage": 30, "currentPage": 3}


async def test_facets_carry_counts_and_say_which_holds(world: World, tmp_path: Path) -> None:
    await filled(world, tmp_path, 3, subject="toan")
    await filled(world, tmp_path, 2, subject="vat-ly")
    (facet,) = (await opds2(world, "/opds/v2/items"))["facets"]
    assert facet["metadata"]["title"] == "Môn"
    counts = {link["title"]: link.get("properties", {}).get("numberOfItems") for link in facet["links"]}
    assert counts == {"Tất cả": None, "Toán": 3, "Vật lí": 2}
    narrowed = await opds2(world, facet["links"][1]["href"])
    assert [link["title"] for link in narrowed["facets"][0]["links"] if link.get("rel") == "self"] == ["Toán"]
    found = await opds2(world, "/opds/v2/search?query=tai+lieu&subject=vat-ly")
    assert (found["metadata"]["numberOfItems"], len(found["publications"])) == (2, 2)
    assert found["facets"][0]["links"][1]["href"] == "/opds/v2/items?query=tai+lieu&subject=toan"


async def test_an_empty_library_and_a_search_without_hits(world: World) -> None:
    for path in ("/opds/v2/catalog", "/opds/v2/items", "/opds/v2/by/grade", "/opds/v2/search?query=x", "/opds/v2/search"):
        await opds2(world, path)
