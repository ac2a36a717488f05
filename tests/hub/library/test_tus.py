"""Uploads over HTTP, and through a kill -9 of the hub."""

import asyncio
import base64
import hashlib
import io
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
from tests.hub.library import made
from tests.hub.library.world import World, read_all

from densach_core.accounts.model import Role
from densach_hub.library.model import State

PATCH = {"Tus-Resumable": "1.0.0", "Content-Type": "application/offset+octet-stream"}


def coded(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


def opening(body: bytes, name: str = "Sách.epub", **more: str) -> dict[str, str]:
    said = [f"filename {coded(name)}", *(f"{key} {coded(value)}" for key, value in more.items())]
    return {"Tus-Resumable": "1.0.0", "Upload-Length": str(len(body)), "Upload-Metadata": ",".join(said)}


async def begin(http: aiohttp.ClientSession, base: str, me: dict[str, str], body: bytes, **more: str) -> str:
    async with http.post(f"{base}/api/v1/uploads", headers={**me, **opening(body, **more)}) as response:
        assert response.status == 201, await response.text()
        return response.headers["Location"]


async def test_a_book_in_three_pieces(world: World) -> None:
    me, body = await world.as_(Role.LIBRARIAN), made.epub()
    place = world.base + await begin(world.http, world.base, me, body, folder="Lớp 10")
    for start in (0, 700, 1400):
        piece = body[start : start + 700] if start < 1400 else body[start:]
        check = f"sha256 {base64.b64encode(hashlib.sha256(piece).digest()).decode()}"
        headers = {**me, **PATCH, "Upload-Offset": str(start), "Upload-Checksum": check}
        async with world.http.patch(place, headers=headers, data=piece) as response:
            assert response.status == 204
            assert response.headers["Upload-Offset"] == str(start + len(piece))
    item = response.headers["Densach-Item"]
    async with world.http.head(place, headers=me) as response:
        assert (response.headers["Upload-Offset"], response.headers["Densach-Item"]) == (str(len(body)), item)
    (it,) = await read_all(world.library)
    assert (it.id, it.state, it.title, it.grade_from) == (item, State.READY, made.TITLE, 10)
    assert it.added_by == "librarian"


async def test_wrong_offset_wrong_checksum_wrong_type(world: World) -> None:
    me, body = await world.as_(Role.LIBRARIAN), made.epub()
    place = world.base + await begin(world.http, world.base, me, body)
    async with world.http.patch(place, headers={**me, **PATCH, "Upload-Offset": "5"}, data=b"x") as response:
        assert response.status == 409
    bad = {**me, **PATCH, "Upload-Offset": "0", "Upload-Checksum": f"sha256 {base64.b64encode(b'0' * 32).decode()}"}
    async with world.http.patch(place, headers=bad, data=body) as response:
        assert response.status == 460
    async with world.http.patch(
        place, headers={**me, **PATCH, "Upload-Offset": "0", "Content-Type": "text/plain"}, data=b"x"
    ) as response:
        assert response.status == 415
    async with world.http.head(place, headers=me) as response:
        assert response.headers["Upload-Offset"] == "0"
    async with world.http.delete(place, headers=me) as response:
        assert response.status == 204
    async with world.http.head(place, headers=me) as response:
        assert response.status == 404


async def test_only_librarians_upload_and_only_their_own(world: World) -> None:
    pupil, librarian, admin = [await world.as_(role) for role in (Role.STUDENT, Role.LIBRARIAN, Role.ADMIN)]
    body = made.epub()
    for headers, status in (({}, 401), (pupil, 403)):
        async with world.http.post(f"{world.base}/api/v1/uploads", headers={**headers, **opening(body)}) as response:
            assert response.status == status
    place = world.base + await begin(world.http, world.base, librarian, body)
    async with world.http.head(place, headers=admin) as response:
        assert response.status == 404


async def test_what_it_can_do(world: World) -> None:
    async with world.http.options(f"{world.base}/api/v1/uploads") as response:
        assert response.headers["Tus-Version"] == "1.0.0"
        assert "checksum" in response.headers["Tus-Extension"]


async def test_the_plain_form_without_scripts(world: World) -> None:
    me = await world.as_(Role.LIBRARIAN)
    form = aiohttp.FormData()
    form.add_field("files", io.BytesIO(made.epub()), filename="a.epub", content_type="application/epub+zip")
    form.add_field("files", io.BytesIO(made.mp4(filler=3_000_000)), filename="phim.mp4", content_type="video/mp4")
    form.add_field("files", io.BytesIO(), filename="rong.pdf", content_type="application/pdf")
    async with world.http.post(f"{world.base}/desk/upload", headers=me, data=form, allow_redirects=False) as response:
        assert (response.status, response.headers["Location"]) == (303, "/desk")
    assert [(it.title, it.state) for it in await read_all(world.library)] == [
        (made.TITLE, State.READY),
        ("Thí nghiệm", State.READY),
    ]
    assert not list(world.library.uploads.folder.glob("form-*"))


@asynccontextmanager
async def served(data: Path) -> AsyncIterator[tuple[str, asyncio.subprocess.Process]]:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.hub.library.served", str(data), stdout=asyncio.subprocess.PIPE
    )
    assert process.stdout is not None
    try:
        async with asyncio.timeout(30):
            base = (await process.stdout.readline()).decode().strip()
        assert base, "it did not start"
        yield base, process
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


async def test_kill_9_in_the_middle_of_an_upload(tmp_path: Path) -> None:
    """What was acknowledged is there after the kill; the sender goes on from the offset the new process tells."""
    body = made.mp4(title="Phim dài", filler=3_000_000)
    sent = 0

    async def slowly() -> AsyncIterator[bytes]:
        nonlocal sent
        for at in range(0, len(body), 100_000):
            yield body[at : at + 100_000]
            sent = at
            if at >= 1_500_000:
                await asyncio.sleep(60)

    async with aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar()) as http:
        async with served(tmp_path) as (base, process):
            me = {"Cookie": (tmp_path / "cookie").read_text(), "Origin": base}
            place = await begin(http, base, me, body, sha256=hashlib.sha256(body).hexdigest())
            headers = {**me, **PATCH, "Upload-Offset": "0"}
            sending = asyncio.create_task(http.patch(base + place, headers=headers, data=slowly()).__aenter__())
            async with asyncio.timeout(20):
                while sent < 1_500_000:
                    await asyncio.sleep(0.05)
            await asyncio.sleep(0.3)
            process.send_signal(signal.SIGKILL)
            await process.wait()
            (outcome,) = await asyncio.gather(sending, return_exceptions=True)
            assert isinstance(outcome, aiohttp.ClientError)
        async with served(tmp_path) as (base, _):
            me = {**me, "Origin": base}
            async with http.head(base + place, headers=me) as response:
                offset = int(response.headers["Upload-Offset"])
            assert 1_000_000 <= offset <= len(body)
            async with http.patch(
                base + place, headers={**me, **PATCH, "Upload-Offset": str(offset)}, data=io.BytesIO(body[offset:])
            ) as response:
                assert response.status == 204, await response.text()
            item = response.headers["Densach-Item"]
            async with asyncio.timeout(30):
                while True:
                    async with http.get(f"{base}/api/v1/items/{item}") as response:
                        if response.status == 200:
                            assert (await response.json())["title"] == "Phim dài"
                            break
                    await asyncio.sleep(0.2)
            async with http.get(f"{base}/items/{item}/file") as response:
                assert hashlib.sha256(await response.read()).digest() == hashlib.sha256(body).digest()
