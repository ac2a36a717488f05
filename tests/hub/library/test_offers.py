"""Teachers bring, a librarian says yes; nobody else sees it before."""

from pathlib import Path

import aiohttp
import pytest
from tests.hub.library import made
from tests.hub.library.world import World, read_all

from densach_core.accounts.model import Role
from densach_core.errors import Conflict
from densach_hub.library.model import Filters, State


async def brought(world: World, name: str = "Bài giảng.epub", body: bytes | None = None) -> str:
    form = aiohttp.FormData()
    form.add_field("files", body or made.epub(), filename=name.encode("ascii", "ignore").decode() or "a.epub")
    headers = await world.as_(Role.TEACHER)
    async with world.http.post(f"{world.base}/offers", headers=headers, data=form, allow_redirects=False) as response:
        assert (response.status, response.headers["Location"]) == (303, "/offers")
    (it,) = await read_all(world.library)
    return it.id


async def status(world: World, path: str, role: Role | None) -> int:
    headers = await world.as_(role) if role else {}
    async with world.http.get(world.base + path, headers=headers, allow_redirects=False) as response:
        return response.status


async def test_only_the_librarian_sees_it_before_the_yes(world: World) -> None:
    item = await brought(world)
    assert (await world.library.item(item, hidden=True)).state is State.REVIEW
    for role in (None, Role.STUDENT, Role.TEACHER):
        for path in (f"/items/{item}", f"/items/{item}/file", f"/read/{item}", f"/api/v1/items/{item}", f"/items/{item}/cover"):
            assert await status(world, path, role) in {303, 404}, (role, path)
        assert await status(world, f"/desk/items/{item}/original", role) in {303, 401, 403}
        assert await status(world, "/desk/offers", role) in {303, 401, 403}
    assert await status(world, f"/desk/items/{item}/original", Role.LIBRARIAN) == 200
    assert not (await world.library.finder.search(made.TITLE, Filters())).cards
    assert "Chờ duyệt" in await world.text("/offers", await world.as_(Role.TEACHER))
    assert made.TITLE in await world.text("/desk/offers", await world.as_(Role.LIBRARIAN))
    assert 'Chờ duyệt <span class="tag tag--lamp">1</span>' in await world.text("/desk", await world.as_(Role.LIBRARIAN))
    for role in (None, Role.STUDENT):
        assert await status(world, "/offers", role) in {303, 401, 403}


async def test_a_yes_shows_it_with_its_text(world: World) -> None:
    item = await brought(world)
    headers = await world.as_(Role.LIBRARIAN)
    address = f"{world.base}/desk/items/{item}/review"
    async with world.http.post(address, headers=headers, data={"what": "approve"}, allow_redirects=False) as response:
        assert response.status == 303
    it = await world.library.item(item)
    assert (it.state, it.reviewed_by, it.added_by) == (State.READY, "librarian", "teacher")
    assert (await world.library.finder.search(made.TITLE, Filters())).cards
    assert await status(world, f"/items/{item}", None) == 200
    for role, told in ((None, False), (Role.STUDENT, False), (Role.LIBRARIAN, True)):
        assert ('"librarian"' in await world.text(f"/api/v1/items/{item}", await world.as_(role) if role else {})) is told
    with pytest.raises(Conflict):
        await world.library.offers.review(item, approved=False, by="x")


async def test_a_no_tells_the_teacher_why(world: World) -> None:
    item = await brought(world)
    headers = await world.as_(Role.LIBRARIAN)
    async with world.http.post(
        f"{world.base}/api/v1/items/{item}/review", headers=headers, json={"approved": False, "note": "Thiếu bản quyền"}
    ) as response:
        assert response.status == 200
    assert "Thiếu bản quyền" in await world.text("/offers", await world.as_(Role.TEACHER))
    assert await status(world, f"/items/{item}", Role.STUDENT) == 404
    async with world.http.post(
        f"{world.base}/api/v1/items/{item}/review", headers=await world.as_(Role.TEACHER), json={"approved": True}
    ) as response:
        assert response.status == 403


async def test_a_program_of_a_teacher_brings_a_file(world: World, tmp_path: Path) -> None:
    headers = await world.as_(Role.TEACHER)
    async with world.http.post(f"{world.base}/api/v1/offers?name=a.epub", headers=headers, data=made.epub()) as response:
        assert response.status == 201
    async with world.http.get(f"{world.base}/api/v1/offers", headers=headers) as response:
        told = await response.json()
    assert (len(told["own"]), told["waiting"]) == (1, [])
