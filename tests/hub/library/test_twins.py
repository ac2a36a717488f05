"""Two records of one thing: offered, merged by hand, readers follow, taken apart again."""

import re
from pathlib import Path

import pytest
from tests.hub.library import made
from tests.hub.library.world import World, put_in

from densach_core.accounts.model import Role
from densach_core.errors import NotFound
from densach_hub.library.matching import isbn13, name_key, title_key
from densach_hub.library.model import Creator, Record, State
from densach_hub.library.service import Library


def test_isbn_in_either_length() -> None:
    assert isbn13("0-306-40615-2") == isbn13("urn:isbn:9780306406157") == isbn13("ISBN 978-0-306-40615-7 (bìa mềm)")
    assert isbn13("0-8044-2957-X") == "9780804429573"
    assert isbn13("0-306-40615-3") is isbn13("123") is None


def test_titles_that_are_one_and_titles_that_are_two() -> None:
    assert title_key("Toán 6, tập II") == title_key("TOÁN 6 - Tập 2")
    assert title_key("Dế Mèn phiêu lưu ký") == title_key("Dế Mèn phiêu lưu kí")
    assert title_key("Toán 6 tập 1") != title_key("Toán 6 tập 2")
    assert title_key("Dế mèn phiêu lưu kí (tái bản lần thứ 5)") == title_key("Dế Mèn phiêu lưu kí")
    assert name_key("Du, Nguyễn (1766-1820)") == name_key("nguyen du")


async def test_a_line_is_folded_into_the_item_with_the_file_and_back(library: Library, tmp_path: Path) -> None:
    kept = await put_in(library, tmp_path, "a.epub", made.epub())
    await library.edit(kept.id, Record(title="Truyện Kiều", creators=(Creator("Nguyễn Du"),)), by="Lan")
    line = (await library.add_record(
        Record(title="TRUYỆN KIỀU", creators=(Creator("Du, Nguyễn"),), publisher="NXB Trẻ", copies=3, topics=("thơ",)), by="Lan"
    )).item  # fmt: skip
    await library.readers.put_on_shelf("reader", line)
    (pair,) = await library.twins.pairs()
    assert (pair.first.id, pair.second.id, pair.why) == (kept.id, line, "title")
    number = await library.twins.merge(kept.id, line, by="Lan")
    it = await library.item(line)
    assert (it.id, it.publisher, it.copies, it.topics) == (kept.id, "NXB Trẻ", 3, ("thơ",))
    assert await library.readers.own_shelf("reader") == [kept.id]
    assert await library.twins.pairs() == []
    assert (await library.versions(kept.id))[0].why == "merged"
    await library.twins.part(number, by="Lan")
    assert await library.readers.own_shelf("reader") == [line]
    assert (await library.item(kept.id)).publisher is None
    assert (await library.item(line)).publisher == "NXB Trẻ"


async def test_two_files_of_one_work_stay_two_items(library: Library, tmp_path: Path) -> None:
    first = await put_in(library, tmp_path, "a.epub", made.epub())
    second = await put_in(library, tmp_path, "a.pdf", made.pdf())
    for it in (first, second):
        await library.edit(it.id, Record(title="Toán 6", identifiers=("ISBN 9780306406157",)), by="Lan")
    (pair,) = await library.twins.pairs()
    assert pair.why == "isbn"
    number = await library.twins.merge(first.id, second.id, by="Lan")
    one, other = await library.item(first.id), await library.item(second.id)
    assert one.work_id == other.work_id
    assert {one.state, other.state} == {State.READY}
    assert await library.twins.pairs() == []
    await library.twins.part(number, by="Lan")
    assert (await library.item(second.id)).work_id == second.work_id


async def test_what_only_shares_a_title_is_not_offered(library: Library) -> None:
    for creator, grade, number in (("A", 6, None), ("B", 6, None), ("A", 7, None)):
        await library.add_record(
            Record(title="Tuyển tập", creators=(Creator(creator),), grade_from=grade, series_number=number), by="t"
        )
    assert await library.twins.pairs() == []
    with pytest.raises(NotFound):
        await library.twins.merge("x", "y", by="t")


async def test_the_desk_decides(world: World) -> None:
    items = [(await world.library.add_record(Record(title="Truyện Kiều", publisher=p), by="t")).item for p in ("A", "B", "C")]
    headers = await world.as_(Role.LIBRARIAN)
    page = await world.text("/desk/twins", headers)
    assert page.count('name="what" value="different"') == 3
    form = {"keep": items[0], "other": items[1], "what": "different"}
    async with world.http.post(f"{world.base}/desk/twins", headers=headers, data=form) as response:
        assert response.status == 200
    assert (await world.text("/desk/twins", headers)).count('value="different"') == 2
    async with world.http.post(f"{world.base}/api/v1/twins", headers=headers, json={"keep": items[0], "other": items[2]}) as r:
        assert r.status in {200, 204}
    page = await world.text("/desk/twins", headers)
    (address,) = re.findall(r'action="(/desk/twins/\d+/part)"', page)
    async with world.http.post(world.base + address, headers=headers) as response:
        assert response.status == 200
    assert (await world.library.item(items[2])).id == items[2]
