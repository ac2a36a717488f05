"""Who searches too often waits a little, is told so, and takes nothing from anybody else."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from tests.hub.library.world import World, world_in

from densach_core.accounts.model import Role


@pytest.fixture
async def hurried(tmp_path: Path) -> AsyncIterator[World]:
    async with world_in(tmp_path / "data", searches_per_s=0.001) as world:
        yield world


async def status(world: World, path: str, headers: dict[str, str] | None = None) -> int:
    async with world.http.get(world.base + path, headers=headers or {}) as response:
        return response.status


async def test_too_many_searches_are_told_to_wait(hurried: World) -> None:
    pupil = await hurried.as_(Role.STUDENT)
    assert await status(hurried, "/search?q=a", pupil) == 200
    async with hurried.http.get(hurried.base + "/search?q=b", headers=pupil) as response:
        assert response.status == 429
        assert int(response.headers["Retry-After"]) > 1
        page = await response.text()
        assert "search.too-many" in page
        assert "quá nhiều" in page
    async with hurried.http.get(hurried.base + "/api/v1/search?q=b", headers=pupil) as response:
        assert (response.status, response.content_type) == (429, "application/problem+json")
        assert (await response.json())["code"] == "search.too-many"
    for path in ("/search/suggest?q=b", "/api/v1/suggestions?q=b", "/opds/v1.2/items?q=b", "/api/v1/items?q=b"):
        assert await status(hurried, path, pupil) == 429, path
    assert await status(hurried, "/", pupil) == 200
    assert await status(hurried, "/search?q=b", await hurried.as_(Role.LIBRARIAN)) == 200, "another account has its own"
    assert await status(hurried, "/search?q=c") == 200, "and so has the address of those who are not signed in"


async def test_a_question_that_was_answered_a_moment_ago_costs_nothing(hurried: World) -> None:
    pupil = await hurried.as_(Role.STUDENT)
    for _ in range(4):
        assert await status(hurried, "/search?q=a", pupil) == 200


async def test_at_a_schools_pace_nobody_notices(tmp_path: Path) -> None:
    async with world_in(tmp_path / "data", searches_per_s=10) as world:
        for n in range(30):
            assert await status(world, f"/search?q=w{n}") == 200
