"""An item's form at the desk: two people at once, roles in words, what cannot be saved."""

import html
import re
from pathlib import Path

import aiohttp
from tests.hub.library import made
from tests.hub.library.world import World, put_in

from densach_core.accounts.model import Role
from densach_hub.library.editing import merge
from densach_hub.library.model import Creator, Record
from densach_hub.library.views import person, published_of

BEFORE = re.compile(r'name="before" value="([^"]*)"')


async def before_of(world: World, item: str) -> str:
    match = BEFORE.search(await world.text(f"/desk/items/{item}", await world.as_(Role.LIBRARIAN)))
    assert match is not None
    return html.unescape(match[1])


async def send(world: World, item: str, form: dict[str, str]) -> tuple[int, str]:
    address = f"{world.base}/desk/items/{item}"
    headers = await world.as_(Role.LIBRARIAN)
    async with world.http.post(address, headers=headers, data=aiohttp.FormData(form), allow_redirects=False) as response:
        return response.status, await response.text()


async def test_the_second_of_two_sees_what_the_first_changed(world: World) -> None:
    item = (await world.library.add_record(Record(title="Truyện Kiều", publisher="NXB A"), by="t")).item
    before = await before_of(world, item)
    assert (await send(world, item, {"title": "Kiều", "publisher": "NXB B", "subject": "ngu-van", "before": before}))[0] == 303
    status, page = await send(
        world, item, {"title": "Truyện Kiều", "publisher": "NXB C", "description": "Thơ lục bát", "before": before}
    )
    assert status == 409
    assert "Người khác vừa sửa tài liệu này" in page
    assert "<del>Truyện Kiều</del> → <ins>Kiều</ins></li>" in page
    assert "<del>NXB A</del> → <ins>NXB B</ins> <strong>" in page
    assert "<ins>Ngữ văn</ins>" in page
    assert 'value="NXB C"' in page, "what was typed is still there"
    assert 'value="Kiều"' in page, "what was not touched is the other's"
    assert "Thơ lục bát" in page
    assert (await world.library.item(item)).publisher == "NXB B"
    match = BEFORE.search(page)
    assert match is not None
    again = {"title": "Kiều", "publisher": "NXB C", "description": "Thơ lục bát", "before": html.unescape(match[1])}
    assert (await send(world, item, {**again, "subject": "ngu-van"}))[0] == 303
    it = await world.library.item(item)
    assert (it.title, it.publisher, it.subject, it.description) == ("Kiều", "NXB C", "ngu-van", "Thơ lục bát")


async def test_the_same_person_saves_twice(world: World, tmp_path: Path) -> None:
    it = await put_in(world.library, tmp_path, "a.epub", made.epub())
    for title in ("Một", "Hai"):
        form = {"title": title, "language": "vi", "before": await before_of(world, it.id)}
        assert (await send(world, it.id, form))[0] == 303
    assert (await world.library.item(it.id)).title == "Hai"
    assert (await send(world, it.id, {"title": "Không kèm bản cũ"}))[0] == 303


async def test_what_cannot_be_saved_comes_back_as_typed(world: World) -> None:
    item = (await world.library.add_record(Record(title="Sách"), by="t")).item
    form = {"title": "x" * 501, "publisher": "NXB Trẻ", "before": await before_of(world, item)}
    status, page = await send(world, item, form)
    assert status == 422
    assert "Nhan đề có từ 1 đến 500 chữ." in page
    assert 'value="NXB Trẻ"' in page
    assert (await send(world, item, {"title": "Sách", "before": "{"}))[0] == 422


async def test_roles_are_said_and_typed_in_vietnamese(world: World) -> None:
    item = (await world.library.add_record(Record(title="Sách"), by="t")).item
    creators = "Ánh\nBình (người dịch)\nCường (illustrator)\nDũng (con)"
    assert (await send(world, item, {"title": "Sách", "creators": creators}))[0] == 303
    expected = (Creator("Ánh"), Creator("Bình", "translator"), Creator("Cường", "illustrator"), Creator("Dũng (con)"))
    assert (await world.library.item(item)).creators == expected
    page = await world.text(f"/desk/items/{item}", await world.as_(Role.LIBRARIAN))
    assert "Bình (người dịch)\nCường (người vẽ minh họa)" in page
    assert "Bình</a> (người dịch)" in await world.text(f"/items/{item}")


def test_a_merge_keeps_what_both_changed_alike() -> None:
    old, new = Record(title="a", topics=("x",)), Record(title="b", topics=("y",))
    kept, others = merge(old, Record(title="b", topics=("x",)), new, lambda name, value: str(value))
    assert kept == new
    assert [one.typed_too for one in others] == [False, False]


def test_dates_of_publication() -> None:
    said = {text: (label.msgid, shown) for text in DATES for label, shown in [published_of(text)]}
    assert said == DATES
    assert (person("demo"), person("Nguyễn Thị Hoa")) == ("", "Nguyễn Thị Hoa")


DATES = {
    "2024": ("Year of publication", "2024"),
    "2024-01-01": ("Year of publication", "2024"),
    "2026-09-05": ("Date of publication", "05/09/2026"),
    "2026-09": ("Date of publication", "09/2026"),
    "khoảng 1990": ("Published", "khoảng 1990"),
}
