"""Resumable uploads: the core against a real disk."""

import hashlib
import os
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from densach_core.clock import FixedClock
from densach_core.errors import BadInput, Conflict, NotFound, TooLarge, Unavailable
from densach_hub.library.uploads import EXPIRES_MS, Upload, Uploads
from densach_hub.library.vault import Vault

BODY = os.urandom(700_000)
MINE = {"by": "Thủ thư", "by_id": "a1"}


@pytest.fixture
def clock() -> FixedClock:
    return FixedClock()


@pytest.fixture
def uploads(tmp_path: Path, clock: FixedClock) -> Uploads:
    return Uploads(tmp_path / "uploads", Vault(tmp_path / "files"), clock)


async def blocks(body: bytes, size: int = 65_536, *, then: Exception | None = None) -> AsyncIterator[bytes]:
    for at in range(0, len(body), size):
        yield body[at : at + size]
    if then is not None:
        raise then


async def open_(uploads: Uploads, size: int = len(BODY), **more: str) -> Upload:
    return await uploads.create("bai giang.pdf", size, **MINE, **more)


async def test_in_two_pieces_then_into_the_vault(uploads: Uploads, tmp_path: Path) -> None:
    upload = await open_(uploads)
    first = await uploads.append(upload, 0, blocks(BODY[:300_000]))
    assert (first.offset, first.whole) == (300_000, False)
    assert await uploads.offset(upload) == 300_000
    second = await uploads.append(upload, 300_000, blocks(BODY[300_000:]))
    assert second.whole
    whole = await uploads.complete(upload)
    assert whole.sha256 == hashlib.sha256(BODY).hexdigest()
    kept = tmp_path / "files" / whole.sha256[:2] / whole.sha256
    assert kept.read_bytes() == BODY
    assert kept.stat().st_mode & 0o777 == 0o640, "nginx, of the same group, may send it"
    assert await uploads.offset(whole) == len(BODY)
    assert (await uploads.complete(whole)).sha256 == whole.sha256


async def test_what_came_before_the_line_broke_is_kept(uploads: Uploads) -> None:
    upload = await open_(uploads)
    with pytest.raises(ConnectionResetError):
        await uploads.append(upload, 0, blocks(BODY[:400_000], then=ConnectionResetError()))
    assert await uploads.offset(upload) == 400_000


async def test_a_small_piece_before_the_line_broke_is_kept(uploads: Uploads) -> None:
    upload = await open_(uploads)
    with pytest.raises(ConnectionResetError):
        await uploads.append(upload, 0, blocks(BODY[:1000], then=ConnectionResetError()))
    assert await uploads.offset(upload) == 1000


async def test_with_a_checksum_a_piece_counts_whole_or_not_at_all(uploads: Uploads) -> None:
    upload = await open_(uploads)
    piece = BODY[:400_000]
    good = ("sha256", hashlib.sha256(piece).digest())
    with pytest.raises(ConnectionResetError):
        await uploads.append(upload, 0, blocks(piece[:390_000], then=ConnectionResetError()), checksum=good)
    assert await uploads.offset(upload) == 0
    with pytest.raises(BadInput) as wrong:
        await uploads.append(upload, 0, blocks(piece[:-1] + b"x"), checksum=good)
    assert wrong.value.code == "library.checksum"
    assert await uploads.offset(upload) == 0
    assert (await uploads.append(upload, 0, blocks(piece), checksum=good)).offset == 400_000


async def test_other_offsets_more_bytes_and_other_people_are_refused(uploads: Uploads) -> None:
    upload = await open_(uploads, 1000)
    with pytest.raises(Conflict) as other:
        await uploads.append(upload, 500, blocks(b"x"))
    assert other.value.facts["offset"] == 0
    with pytest.raises(TooLarge):
        await uploads.append(upload, 0, blocks(BODY[:1001], 100))
    for wrong in ("../../etc/passwd", "nothing", ""):
        with pytest.raises(NotFound):
            await uploads.get(wrong, "a1")
    with pytest.raises(NotFound):
        await uploads.get(upload.id, "somebody else")
    with pytest.raises(BadInput):
        await open_(uploads, 0)


async def test_two_senders_at_once(uploads: Uploads) -> None:
    upload = await open_(uploads)

    async def while_running() -> AsyncIterator[bytes]:
        yield BODY[:100]
        with pytest.raises(Conflict):
            await uploads.append(upload, 0, blocks(BODY))

    await uploads.append(upload, 0, while_running())
    assert await uploads.offset(upload) == 100


async def test_a_file_that_is_not_what_was_announced_is_refused(uploads: Uploads) -> None:
    upload = await open_(uploads, expected="0" * 64)
    await uploads.append(upload, 0, blocks(BODY))
    with pytest.raises(BadInput) as wrong:
        await uploads.complete(upload)
    assert wrong.value.code == "library.hash"
    assert list(uploads.folder.iterdir()) == []


async def test_expired_uploads_go_and_running_ones_stay(uploads: Uploads, clock: FixedClock) -> None:
    old = await open_(uploads)
    clock.advance(EXPIRES_MS - 1000)
    new = await open_(uploads)
    (uploads.folder / "stray.part").write_bytes(b"x")
    clock.advance(2000)
    assert await uploads.sweep() == 2
    with pytest.raises(NotFound):
        await uploads.get(old.id, "a1")
    assert await uploads.get(new.id, "a1") == new


async def test_a_restarted_hub_finds_what_was_whole(uploads: Uploads, tmp_path: Path, clock: FixedClock) -> None:
    arrived = await open_(uploads)
    await uploads.append(arrived, 0, blocks(BODY))
    begun = await open_(uploads)
    await uploads.append(begun, 0, blocks(BODY[:10]))
    moved = await open_(uploads, 5)
    await uploads.append(moved, 0, blocks(b"hello"))
    moved = await uploads.complete(moved)
    again = Uploads(tmp_path / "uploads", Vault(tmp_path / "files"), clock)
    assert {u.id for u in await again.unfinished()} == {arrived.id, moved.id}
    await again.became(moved, "item1")
    assert {u.id for u in await again.unfinished()} == {arrived.id}


@pytest.mark.skipif(sys.platform != "linux", reason="needs /dev/full-like limits")
async def test_a_disk_that_fills_in_the_middle_keeps_what_was_there(uploads: Uploads) -> None:
    """A limit on the size of files stands in for the full disk: the write fails in the middle of a piece."""
    import resource
    import signal

    upload = await open_(uploads)
    assert (await uploads.append(upload, 0, blocks(BODY[:200_000]))).offset == 200_000
    before = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (300_000, hard))
    try:
        with pytest.raises(Unavailable) as full:
            await uploads.append(upload, 200_000, blocks(BODY[200_000:]))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        signal.signal(signal.SIGXFSZ, before)
    assert full.value.code == "library.disk-full"
    offset = await uploads.offset(upload)
    assert 200_000 <= offset <= 300_000
    assert (await uploads.append(upload, offset, blocks(BODY[offset:]))).whole
    assert (await uploads.complete(upload)).sha256 == hashlib.sha256(BODY).hexdigest()
