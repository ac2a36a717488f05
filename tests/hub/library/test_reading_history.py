"""What somebody reads is nobody else's: every address of the library, asked by everybody else, says nothing of it."""

import re
from pathlib import Path

import aiohttp
from tests.hub.library import made
from tests.hub.library.world import World, put_in

from densach_core.accounts.model import Role
from densach_hub.library import web as library_web

NOTE, PLACE = "ghi chú thầm kín", "epubcfi(/6/2!/4/4,/1:683,/1:1544)"


async def test_no_address_tells_anybody_else_what_was_read(world: World, tmp_path: Path) -> None:
    it = await put_in(world.library, tmp_path, "a.epub", made.epub())
    owner = await world.as_(Role.STUDENT)
    base = f"{world.base}/api/v1/items/{it.id}"
    mark = {"id": "mark-0001", "kind": "highlight", "where": PLACE, "at": 1, "note": NOTE, "quote": "bậc hai"}
    said = {"where": PLACE, "fraction": 0.4321, "at": 1, "now": 1, "device": "Android"}
    for path, body in ((f"{base}/marks", {"marks": [mark], "now": 1}), (f"{base}/place", said)):
        async with world.http.post(path, json=body, headers=owner) as answer:
            assert answer.status == 200, await answer.text()
    await world.library.readers.flush()
    assert NOTE in await world.text(f"/items/{it.id}/marks", owner)
    assert NOTE in await world.text(f"/items/{it.id}/marks.txt", owner)
    assert "43" in await world.text(f"/items/{it.id}", owner)
    await world.accounts.add(login="ban", name="Bạn", roles=frozenset({Role.STUDENT}), by="test", secret="135792")
    friend = (await world.accounts.log_in("ban", "135792")).cookie
    others = {"another pupil": {"Cookie": f"{owner['Cookie'].partition('=')[0]}={friend}"}, "stranger": {}}
    for role in (Role.TEACHER, Role.LIBRARIAN, Role.TECHNICIAN, Role.PRINCIPAL, Role.ADMIN):
        others[role.value] = await world.as_(role)
    told = re.compile(f"{re.escape(NOTE)}|1:683|0\\.4321|43 %")
    asked = 0
    for room in library_web.ROUTES:
        for route in room.all:
            if route.method != "GET":
                continue
            path = re.sub(r"\{[^}]+\}", "x", route.path.replace("{id}", it.id))
            for who, headers in others.items():
                async with world.http.get(world.base + path, headers=headers, timeout=aiohttp.ClientTimeout(60)) as answer:
                    seen = await answer.read()
                    asked += answer.status == 200
                assert answer.status < 500, (route.path, who)
                assert told.search(seen.decode("utf-8", "replace")) is None, (route.path, who)
    assert asked > 50


async def test_a_mark_is_removed_by_its_owner_only(world: World, tmp_path: Path) -> None:
    it = await put_in(world.library, tmp_path, "a.epub", made.epub())
    owner, teacher = await world.as_(Role.STUDENT), await world.as_(Role.TEACHER)
    mark = {"id": "mark-0001", "kind": "bookmark", "where": PLACE, "at": 1}
    async with world.http.post(
        f"{world.base}/api/v1/items/{it.id}/marks", json={"marks": [mark], "now": 1}, headers=owner
    ) as answer:
        assert answer.status == 200
    remove = f"{world.base}/items/{it.id}/marks/mark-0001/remove"
    async with world.http.post(remove, headers=teacher, allow_redirects=False) as answer:
        assert answer.status == 404
    async with world.http.post(remove, headers=owner, allow_redirects=False) as answer:
        assert answer.status == 303
    assert "Chưa đánh dấu gì" in await world.text(f"/items/{it.id}/marks", owner)
