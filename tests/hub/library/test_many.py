"""One thing said of many items, and other forms of names that search knows."""

import pytest
from tests.hub.library.world import World

from densach_core.accounts.model import Role
from densach_core.errors import BadInput, Conflict
from densach_hub.library.model import Creator, Filters, Record
from densach_hub.library.names import Name
from densach_hub.library.service import Library


async def test_many_items_change_together_and_keep_their_versions(world: World) -> None:
    items = [(await world.library.add_record(Record(title=f"Sách {n}", collections=("Cũ",)), by="t")).item for n in range(3)]
    headers = await world.as_(Role.LIBRARIAN)
    assert "Sách 2" in await world.text("/desk/many?q=s%C3%A1ch", headers)
    for form in (
        {"field": "subject", "value": "toan", "items": items[:2]},
        {"field": "collections", "value": "Kho mở", "add": "true", "items": items[:2]},
        {"field": "grade_from", "value": "6", "items": items[:1]},
    ):
        pairs = [(name, one) for name, value in form.items() for one in (value if isinstance(value, list) else [value])]
        async with world.http.post(f"{world.base}/desk/many", headers=headers, data=pairs, allow_redirects=False) as response:
            assert response.status == 303, await response.text()
    first, untouched = await world.library.item(items[0]), await world.library.item(items[2])
    assert (first.subject, first.collections, first.grade_from) == ("toan", ("Cũ", "Kho mở"), 6)
    assert (untouched.subject, untouched.collections) == (None, ("Cũ",))
    assert [one.why for one in await world.library.versions(items[0])] == ["many", "many", "many", "added"]
    told = {"items": items, "field": "publisher", "record": {"title": "-", "publisher": "NXB Trẻ"}}
    async with world.http.post(f"{world.base}/api/v1/items/many", headers=headers, json=told) as response:
        assert await response.json() == {"changed": 3}
    for wrong in ({"field": "title", "value": "x", "items": items[0]}, {"field": "subject", "value": "toan"}):
        async with world.http.post(f"{world.base}/desk/many", headers=headers, data=wrong) as response:
            assert response.status == 422


async def test_a_word_is_read_as_its_code_and_a_slip_empties_nothing(world: World) -> None:
    item = (await world.library.add_record(Record(title="Sách", subject="toan", grade_from=7), by="t")).item
    headers = await world.as_(Role.LIBRARIAN)

    async def say(field: str, value: str) -> int:
        form = {"field": field, "value": value, "items": item}
        async with world.http.post(f"{world.base}/desk/many", headers=headers, data=form, allow_redirects=False) as response:
            return response.status

    for field, value in (("subject", "Toánn"), ("grade_from", "bảy"), ("grade_to", "13"), ("material", "xx"), ("language", "1")):
        assert await say(field, value) == 422, field
    untouched = await world.library.item(item)
    assert (untouched.subject, untouched.grade_from) == ("toan", 7)
    for field, value in (
        ("subject", "Vật lí"), ("grade_to", " 9 "), ("material", "Sách giáo khoa"), ("audience", "For teachers"),
        ("level", "thcs"), ("language", "Tiếng Anh"),
    ):  # fmt: skip
        assert await say(field, value) == 303, field
    it = await world.library.item(item)
    assert (it.subject, it.grade_to, it.material, it.audience, it.level, it.language) == (
        "vat-ly", 9, "textbook", "teachers", "thcs", "en",
    )  # fmt: skip
    assert await say("material", "") == 303
    assert (await world.library.item(item)).material is None


async def test_another_form_of_a_name_finds_the_same(library: Library) -> None:
    await library.add_record(Record(title="Truyện Kiều", creators=(Creator("Nguyễn Du"),), topics=("Thơ lục bát",)), by="t")
    assert not (await library.finder.search("Thanh Hiên", Filters())).cards
    await library.names.put(Name("person", "Nguyễn Du", ("Thanh Hiên", " Tố  Như ")))
    await library.names.put(Name("topic", "Thơ lục bát", ("Lục bát ca",)))
    for words in ("thanh hien", "to nhu", "ca luc bat"):
        assert [card.title for card in (await library.finder.search(words, Filters())).cards] == ["Truyện Kiều"], words
    await library.cataloguer.rebuild()
    assert (await library.finder.search("thanh hien", Filters())).cards, "also after the index was made anew"
    assert await library.names.all("person", "như") == [Name("person", "Nguyễn Du", ("Thanh Hiên", "Tố Như"))]
    with pytest.raises(Conflict):
        await library.names.put(Name("person", "Ai khác", ("Tố Như",)))
    with pytest.raises(Conflict):
        await library.names.put(Name("person", "Tố Như", ("X",)))
    for wrong in (Name("person", " "), Name("thing", "A"), Name("person", "A", ("A",))):
        with pytest.raises(BadInput):
            await library.names.put(wrong)


async def test_the_page_of_names(world: World) -> None:
    headers = await world.as_(Role.LIBRARIAN)
    form = {"kind": "person", "preferred": "Nguyễn Du", "variants": "Tố Như\r\nThanh Hiên"}
    async with world.http.post(f"{world.base}/desk/names", headers=headers, data=form) as response:
        assert "Tố Như; Thanh Hiên" in await response.text() or "Thanh Hiên; Tố Như" in await response.text()
    async with world.http.put(
        f"{world.base}/api/v1/names", headers=headers, json={"kind": "person", "preferred": "Nguyễn Du", "variants": []}
    ) as response:
        assert response.status == 200
    assert "Tố Như" not in await world.text("/desk/names", headers)


async def test_series_and_collections_are_found(library: Library) -> None:
    await library.add_record(Record(title="Sách", series="Tủ sách Vàng", collections=("Kho mở",), ddc="895.9223"), by="t")
    for words in ("tu sach vang", "kho mo", "895.9223"):
        assert (await library.finder.search(words, Filters())).cards, words
