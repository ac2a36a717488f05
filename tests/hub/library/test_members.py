"""Entries of a ZIP go out in pieces, in ranges where they are not packed, and never whole through memory."""

import tracemalloc
import zipfile
from io import BytesIO
from pathlib import Path

import pytest
from tests.hub.library import made
from tests.hub.library.world import World, put_in

from densach_hub.library.formats.found import Unreadable
from densach_hub.library.members import look

MIB = 1024 * 1024
SOUND = bytes(range(256)) * 4096
"""1 MiB."""


def packed(files: dict[str, bytes], how: int) -> bytes:
    out = BytesIO(made.simulation())
    with zipfile.ZipFile(out, "a", how) as archive:
        for name, body in files.items():
            archive.writestr(name, body)
    return out.getvalue()


async def simulation(world: World, folder: Path, files: dict[str, bytes], how: int) -> str:
    it = await put_in(world.library, folder, "s.zip", packed(files, how))
    return f"{world.packages}/p/{it.id}"


async def test_ranges_of_what_is_stored(world: World, tmp_path: Path) -> None:
    base = await simulation(world, tmp_path, {"a.mp3": SOUND}, zipfile.ZIP_STORED)
    size = len(SOUND)
    async with world.http.get(f"{base}/a.mp3") as response:
        assert (response.status, response.headers["Accept-Ranges"]) == (200, "bytes")
        assert await response.read() == SOUND
        tag = response.headers["ETag"]
    for asked, status, told, body in (
        ("bytes=0-99", 206, f"bytes 0-99/{size}", SOUND[:100]),
        ("bytes=300000-", 206, f"bytes 300000-{size - 1}/{size}", SOUND[300000:]),
        ("bytes=-7", 206, f"bytes {size - 7}-{size - 1}/{size}", SOUND[-7:]),
        (f"bytes=5-{size * 2}", 206, f"bytes 5-{size - 1}/{size}", SOUND[5:]),
        (f"bytes={size}-", 416, f"bytes */{size}", b""),
        ("bytes=9-3", 200, None, SOUND),
        ("lines=1-2", 200, None, SOUND),
    ):
        async with world.http.get(f"{base}/a.mp3", headers={"Range": asked}) as response:
            assert (response.status, response.headers.get("Content-Range")) == (status, told), asked
            assert await response.read() == body, asked
    async with world.http.get(f"{base}/a.mp3", headers={"Range": "bytes=0-9", "If-Range": tag}) as response:
        assert response.status == 206
    async with world.http.get(f"{base}/a.mp3", headers={"Range": "bytes=0-9", "If-Range": '"older"'}) as response:
        assert (response.status, await response.read()) == (200, SOUND)
    async with world.http.head(f"{base}/a.mp3") as response:
        assert (response.status, response.headers["Content-Length"], await response.read()) == (200, str(size), b"")


async def test_what_is_packed_comes_whole(world: World, tmp_path: Path) -> None:
    base = await simulation(world, tmp_path, {"a.mp3": SOUND, "none.txt": b""}, zipfile.ZIP_DEFLATED)
    async with world.http.get(f"{base}/a.mp3", headers={"Range": "bytes=0-99"}) as response:
        assert (response.status, response.headers["Accept-Ranges"], await response.read()) == (200, "none", SOUND)
    async with world.http.get(f"{base}/none.txt") as response:
        assert (response.status, await response.read()) == (200, b"")


@pytest.mark.parametrize("how", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
async def test_memory_does_not_grow_with_the_member(world: World, tmp_path: Path, how: int) -> None:
    base = await simulation(world, tmp_path, {"film.mp4": bytes(48 * MIB)}, how)
    tracemalloc.start()
    try:
        got = 0
        async with world.http.get(f"{base}/film.mp4") as response:
            async for piece in response.content.iter_chunked(64 * 1024):
                got += len(piece)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert got == 48 * MIB
    assert peak < 8 * MIB


async def test_a_film_in_a_book_is_streamed_in_ranges(world: World, tmp_path: Path) -> None:
    out = BytesIO(made.epub())
    with zipfile.ZipFile(out, "a", zipfile.ZIP_STORED) as archive:
        archive.writestr("OEBPS/film.mp4", SOUND)
        archive.writestr("OEBPS/lure.mp4", b"<html xmlns='http://www.w3.org/1999/xhtml'><script>1</script></html>")
    it = await put_in(world.library, tmp_path, "b.epub", out.getvalue())
    book = f"{world.base}/read/{it.id}/book/OEBPS"
    async with world.http.get(f"{book}/film.mp4", headers={"Range": "bytes=10-19"}) as response:
        assert (response.status, response.content_type, await response.read()) == (206, "video/mp4", SOUND[10:20])
        assert response.headers["Content-Security-Policy"] == "default-src 'none'; sandbox"
        assert response.headers["X-Content-Type-Options"] == "nosniff"
    async with world.http.get(f"{book}/lure.mp4") as response:
        assert b"script" not in await response.read(), "whatever it is called, a page is made harmless"
    async with world.http.get(f"{book}/nothing.mp4") as response:
        assert response.status == 404


async def test_a_member_damaged_in_the_middle_ends_short(world: World, tmp_path: Path) -> None:
    body = packed({"a.mp3": SOUND}, zipfile.ZIP_DEFLATED)
    it = await put_in(world.library, tmp_path, "s.zip", body)
    path = world.library.file_of(it)
    at = body.index(b"a.mp3") + 2000
    path.chmod(0o600)
    path.write_bytes(body[:at] + b"\xff" * 500 + body[at + 500 :])
    async with world.http.get(f"{world.packages}/p/{it.id}/a.mp3") as response:
        with pytest.raises(Exception, match=r"(?i)payload|content|disconnected"):
            assert len(await response.read()) == len(SOUND)


def test_a_place_that_is_no_entry_is_refused(tmp_path: Path) -> None:
    body = bytearray(packed({"a.mp3": b"123"}, zipfile.ZIP_STORED))
    at = body.index(b"a.mp3") - 30
    body[at : at + 4] = b"XXXX"
    path = tmp_path / "x.zip"
    path.write_bytes(body)
    with pytest.raises(Unreadable):
        look(path, "a.mp3", 1000)
