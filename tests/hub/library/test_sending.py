"""A stored file straight from the hub: ranges, what the browser has already, and a file that is gone."""

from pathlib import Path

import pytest
from tests.hub.library import made
from tests.hub.library.world import World, put_in

BODY = made.pdf(["Trang một"], title="Sách")
SIZE = len(BODY)


@pytest.mark.parametrize(
    ("asked", "status", "body", "told"),
    [
        ("bytes=0-3", 206, BODY[:4], f"bytes 0-3/{SIZE}"),
        ("bytes=5-", 206, BODY[5:], f"bytes 5-{SIZE - 1}/{SIZE}"),
        ("bytes=-4", 206, BODY[-4:], f"bytes {SIZE - 4}-{SIZE - 1}/{SIZE}"),
        ("bytes=0-999999", 206, BODY, f"bytes 0-{SIZE - 1}/{SIZE}"),
        (f"bytes={SIZE}-", 416, b"", f"bytes */{SIZE}"),
        ("bytes=0-1,3-4", 200, BODY, None),
        ("bytes=x-y", 200, BODY, None),
    ],
)
async def test_ranges(world: World, tmp_path: Path, asked: str, status: int, body: bytes, told: str | None) -> None:
    it = await put_in(world.library, tmp_path, "s.pdf", BODY)
    async with world.http.get(f"{world.base}/items/{it.id}/file", headers={"Range": asked}) as answer:
        assert (answer.status, await answer.read(), answer.headers.get("Content-Range")) == (status, body, told)
        assert answer.headers["Content-Length"] == str(len(body))


async def test_what_the_browser_has_is_known_by_its_bytes(world: World, tmp_path: Path) -> None:
    it = await put_in(world.library, tmp_path, "s.pdf", BODY)
    address = f"{world.base}/items/{it.id}/file"
    async with world.http.head(address) as answer:
        assert (answer.status, answer.headers["Content-Length"], await answer.read()) == (200, str(SIZE), b"")
        tag, made_at = answer.headers["ETag"], answer.headers["Last-Modified"]
    assert tag == f'"{it.file}"'
    for headers, status in (
        ({"If-None-Match": tag}, 304),
        ({"If-None-Match": f'"other", W/{tag}'}, 304),
        ({"If-None-Match": '"other"', "If-Modified-Since": made_at}, 200),
        ({"If-Modified-Since": made_at}, 304),
        ({"If-Match": '"other"'}, 412),
        ({"If-Match": tag}, 200),
        ({"Range": "bytes=0-3", "If-Range": tag}, 206),
        ({"Range": "bytes=0-3", "If-Range": made_at}, 206),
        ({"Range": "bytes=0-3", "If-Range": '"other"'}, 200),
    ):
        async with world.http.get(address, headers=headers) as answer:
            assert answer.status == status, headers
            assert len(await answer.read()) == {200: SIZE, 206: 4}.get(status, 0)


async def test_one_connection_serves_many_ranges(world: World, tmp_path: Path) -> None:
    """After each answer the connection is where the next begins."""
    it = await put_in(world.library, tmp_path, "s.pdf", BODY)
    for start in range(0, 60, 3):
        headers = {"Range": f"bytes={start}-{start + 9}"}
        async with world.http.get(f"{world.base}/items/{it.id}/file", headers=headers) as answer:
            assert await answer.read() == BODY[start : start + 10]


async def test_a_file_that_is_gone(world: World, tmp_path: Path) -> None:
    it = await put_in(world.library, tmp_path, "s.pdf", BODY)
    assert it.file is not None
    address = f"{world.base}/items/{it.id}/file"
    async with world.http.get(address) as answer:
        assert answer.status == 200
    world.library.vault.path(it.file).unlink()
    async with world.http.get(address) as answer:
        assert answer.status == 404
