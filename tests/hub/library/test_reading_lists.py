"""A teacher's list for a class: its pupils see it, another class does not, and the teacher sees numbers only."""

import re

import pytest
from tests.hub.library.world import World

from densach_core.accounts.model import Account, Role
from densach_core.errors import BadInput, NotAllowed, NotFound
from densach_hub.library.model import Record
from densach_hub.library.service import Library


def person(name: str, role: Role, class_id: str | None = None) -> Account:
    return Account(id=name, login=name, name=name, roles=frozenset({role}), class_id=class_id)


TEACHER, OTHER = person("hoa", Role.TEACHER), person("lan", Role.TEACHER)


async def test_a_class_sees_its_list_and_the_teacher_counts(library: Library) -> None:
    item = (await library.add_record(Record(title="Dế Mèn"), by="t")).item
    one = await library.lists.make("Đọc hè", "6A", by=TEACHER, note="Hai tuần")
    await library.lists.put(one.id, item, by=TEACHER)
    (seen,) = await library.lists.of_class("6A")
    assert [(entry.card.title, entry.opened) for entry in seen.entries] == [("Dế Mèn", None)]
    assert await library.lists.of_class("6B") == []
    for name, class_id in (("an", "6A"), ("an", "6A"), ("bình", "6A"), ("cường", "6B")):
        await library.lists.opened(one.id, item, person(name, Role.STUDENT, class_id))
    await library.lists.opened(one.id, item, TEACHER)
    assert [entry.opened for entry in (await library.lists.own(one.id, TEACHER)).entries] == [2]
    stored = await library._school.read(lambda c: [row["reader"] for row in c.execute("SELECT reader FROM reading_list_opened")])
    assert all(reader != b"an" and len(reader) == 16 for reader in stored)
    await library.lists.close(one.id, by=TEACHER)
    assert await library.lists.of_class("6A") == []


async def test_a_list_is_its_makers(library: Library) -> None:
    one = await library.lists.make("Đọc hè", "6A", by=TEACHER)
    with pytest.raises(NotAllowed):
        await library.lists.own(one.id, OTHER)
    with pytest.raises(NotAllowed):
        await library.lists.close(one.id, by=OTHER)
    with pytest.raises(NotFound):
        await library.lists.put(one.id, "nothing", by=TEACHER)
    with pytest.raises(NotFound):
        await library.lists.own("nothing", TEACHER)
    with pytest.raises(BadInput):
        await library.lists.make(" ", "6A", by=TEACHER)


async def test_what_is_withdrawn_leaves_the_list(library: Library) -> None:
    item = (await library.add_record(Record(title="Dế Mèn"), by="t")).item
    one = await library.lists.make("Đọc hè", "6A", by=TEACHER)
    await library.lists.put(one.id, item, by=TEACHER)
    await library.withdraw(item, by="t", why="")
    assert (await library.lists.own(one.id, TEACHER)).entries == ()


async def test_the_pages(world: World) -> None:
    item = (await world.library.add_record(Record(title="Dế Mèn"), by="t")).item
    teacher, pupil = await world.as_(Role.TEACHER), await world.as_(Role.STUDENT)
    form = {"title": "Đọc hè", "class_id": "6A"}
    async with world.http.post(f"{world.base}/lists", headers=teacher, data=form, allow_redirects=False) as response:
        assert response.status == 303
        address = response.headers["Location"]
    page = await world.text(f"{address}?q=de+men", teacher)
    assert re.search(f'name="item" value="{item}"', page)
    async with world.http.post(f"{world.base}{address}/items", headers=teacher, data={"item": item}) as response:
        assert "Dế Mèn" in await response.text()
    assert "Đọc hè" in await world.text("/lists", teacher)
    assert "chưa có" in await world.text("/class-reading", pupil)
    for path in ("/lists", address):
        async with world.http.get(world.base + path, headers=pupil) as response:
            assert response.status == 403
    opening = f"{world.base}{address}/open/{item}"
    async with world.http.get(opening, headers=pupil, allow_redirects=False) as response:
        assert (response.status, response.headers["Location"]) == (303, f"/items/{item}")
    async with world.http.get(f"{world.base}/api/v1/lists", headers=teacher) as response:
        (one,) = (await response.json())["own"]
        assert [entry["opened"] for entry in one["entries"]] == [0], "a pupil of another class is not counted"
