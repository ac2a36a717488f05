"""Files that arrive in pieces (the core of tus 1.0.0, without HTTP): any size, across reloads, kills and power cuts.

An upload is two files in `uploads/`: `ID.json` (what it is) and `ID.part` (what has arrived). The offset told to the
sender is the size of the part *after* an fsync, so that what was acknowledged is on disk. Nothing is in a database until
the whole file has its place; `sha256` in the JSON, written before the move, tells a restarted hub how far things were.
"""

import asyncio
import hashlib
import os
import secrets
import time
from collections.abc import AsyncIterable
from pathlib import Path
from typing import BinaryIO

import msgspec

from densach_core.clock import Clock
from densach_core.errors import BadInput, Conflict, NotFound, TooLarge
from densach_core.text import t
from densach_hub.library.vault import FULL, Vault, digest_of, disk_full, sync_folder

DAY_MS = 86_400_000
EXPIRES_MS = 7 * DAY_MS
LARGEST = 64 * 1024**3
SYNC_EVERY = 16 * 1024**2
BLOCK = 256 * 1024


class Upload(msgspec.Struct, frozen=True, kw_only=True):
    """One file on its way. `sha256`: known once all is there; `item`: what it became (`known`: was before); times in epoch ms."""

    id: str
    name: str
    size: int
    by: str
    by_id: str
    created_at: int
    expires_at: int
    folder: str = ""
    expected: str | None = None
    sha256: str | None = None
    item: str | None = None
    known: bool = False


class Piece(msgspec.Struct, frozen=True):
    """Where an upload stands after a piece: bytes safely on disk, and whether that is all of it."""

    offset: int
    whole: bool


class Uploads:
    """The folder `uploads/`, on the same file system as the vault."""

    def __init__(self, folder: Path, vault: Vault, clock: Clock) -> None:
        self.folder = folder
        self._vault = vault
        self._clock = clock
        self._busy: set[str] = set()
        folder.mkdir(parents=True, exist_ok=True)

    async def create(self, name: str, size: int, *, by: str, by_id: str, folder: str = "", expected: str | None = None) -> Upload:
        """Opens an upload. `expected`: the SHA-256 the sender knows. Raises TooLarge, Unavailable (no room), BadInput."""
        if size <= 0:
            raise BadInput("library.empty", t("The file is empty."), t("Choose a file that is not empty."))
        if size > LARGEST:
            raise TooLarge("library.too-large", t("This is larger than allowed here."))
        now = self._clock.now_ms()
        upload = Upload(
            id=secrets.token_urlsafe(16), name=_tidy(name), size=size, by=by, by_id=by_id, created_at=now,
            expires_at=now + EXPIRES_MS, folder=folder[:300], expected=expected,
        )  # fmt: skip
        await asyncio.to_thread(self._open_new, upload)
        return upload

    async def get(self, upload_id: str, by_id: str) -> Upload:
        """Raises NotFound for what is not there, has expired, or is somebody else's."""
        upload = await asyncio.to_thread(self._load, upload_id)
        if upload is None or upload.by_id != by_id:
            raise NotFound(
                "library.no-upload", t("This upload is no longer known here."), t("Start it again from the beginning.")
            )
        return upload

    async def offset(self, upload: Upload) -> int:
        """How much is safely on disk."""
        return upload.size if upload.sha256 else await asyncio.to_thread(_synced_size, self._part(upload))

    async def append(
        self, upload: Upload, offset: int, body: AsyncIterable[bytes], *, checksum: tuple[str, bytes] | None = None
    ) -> Piece:
        """Adds what arrives at `offset`. What came before a broken line is kept, unless a checksum was promised.

        Raises Conflict (other offset, or two senders), BadInput("library.checksum") (nothing of the piece is kept),
        TooLarge, Unavailable (disk full; what was there before is kept).
        """
        if upload.id in self._busy:
            raise Conflict("library.upload-busy", t("This upload is running somewhere else."), t("Wait a moment and go on."))
        self._busy.add(upload.id)
        try:
            return await self._append(upload, offset, body, checksum)
        finally:
            self._busy.discard(upload.id)

    async def _append(self, upload: Upload, offset: int, body: AsyncIterable[bytes], checksum: tuple[str, bytes] | None) -> Piece:
        here = await self.offset(upload)
        if offset != here:
            raise Conflict(
                "library.other-offset",
                t("The upload stands elsewhere."),
                t("Ask where it stands and go on from there."),
                offset=here,
            )
        if upload.sha256:
            return Piece(upload.size, True)
        part = _Part(self._part(upload), offset, upload.size, checksum)
        try:
            async for block in body:
                if part.full_block(block):
                    await asyncio.to_thread(part.write)
            await asyncio.to_thread(part.finish)
        except OSError as error:
            await asyncio.to_thread(part.keep_what_came)
            if error.errno in FULL:
                raise disk_full() from error
            raise
        except BaseException:
            await asyncio.shield(asyncio.to_thread(part.keep_what_came))
            raise
        return Piece(part.at, part.at == upload.size)

    async def gather(self, path: Path, body: AsyncIterable[bytes]) -> int:
        """Writes what a form brings into `path`, to the disk; returns its size. Raises Unavailable (disk full), TooLarge."""
        part = _Part(path, 0, LARGEST, None)
        try:
            async for block in body:
                if part.full_block(block):
                    await asyncio.to_thread(self._vault.must_have_room, BLOCK)
                    await asyncio.to_thread(part.write)
            await asyncio.to_thread(part.finish)
        except OSError as error:
            await asyncio.to_thread(part.close)
            if error.errno in FULL:
                raise disk_full() from error
            raise
        except BaseException:
            await asyncio.shield(asyncio.to_thread(part.close))
            raise
        return part.at

    async def complete(self, upload: Upload) -> Upload:
        """Checks the whole file and moves it into the vault. Raises BadInput("library.hash") when it is not what was sent."""
        part = self._part(upload)
        if upload.sha256:  # a process that was killed in between had named it and not moved it
            await asyncio.to_thread(self._adopt, upload, part)
            return upload
        digest = await asyncio.to_thread(digest_of, part)
        if upload.expected is not None and digest != upload.expected:
            await asyncio.to_thread(self._drop, upload.id)
            raise BadInput(
                "library.hash", t("The file that arrived is not the one that was sent."), t("Send it again from the beginning.")
            )
        known = msgspec.structs.replace(upload, sha256=digest)
        await asyncio.to_thread(self._move, known, part)
        return known

    async def became(self, upload: Upload, item: str, *, known: bool = False) -> Upload:
        """Notes what the file became, so that a sender who missed the answer can ask again."""
        done = msgspec.structs.replace(upload, item=item, known=known)
        await asyncio.to_thread(self._save, done)
        return done

    async def cancel(self, upload: Upload) -> None:
        await asyncio.to_thread(self._drop, upload.id)

    async def unfinished(self) -> list[Upload]:
        """Uploads whose bytes are all there but which became no item yet: a killed hub goes on with them."""

        def find() -> list[Upload]:
            found = []
            for upload in self._all():
                part = self._part(upload)
                if upload.item is None and (upload.sha256 or (part.exists() and part.stat().st_size == upload.size)):
                    found.append(upload)
            return found

        return await asyncio.to_thread(find)

    async def sweep(self) -> int:
        """Removes what expired, and parts without a description; returns how many."""

        def drop() -> int:
            now = self._clock.now_ms()
            gone = [upload.id for upload in self._all() if upload.expires_at < now and upload.id not in self._busy]
            known = {upload.id for upload in self._all()}
            gone += [path.stem for path in self.folder.glob("*.part") if path.stem not in known]
            for left in self.folder.glob("form-*.tmp"):
                if left.stat().st_mtime * 1000 < time.time() * 1000 - DAY_MS:
                    left.unlink(missing_ok=True)
            for upload_id in gone:
                self._drop(upload_id)
            return len(gone)

        return await asyncio.to_thread(drop)

    def _open_new(self, upload: Upload) -> None:
        self._vault.must_have_room(upload.size)
        try:
            self._part(upload).touch(mode=0o600)
            self._save(upload)
        except OSError as error:
            if error.errno in FULL:
                raise disk_full() from error
            raise

    def _move(self, upload: Upload, part: Path) -> None:
        self._save(upload)
        self._adopt(upload, part)

    def _adopt(self, upload: Upload, part: Path) -> None:
        if upload.sha256 and part.exists():
            self._vault.adopt(part, upload.sha256)

    def _part(self, upload: Upload) -> Path:
        return self.folder / f"{upload.id}.part"

    def _load(self, upload_id: str) -> Upload | None:
        if not upload_id.replace("-", "").replace("_", "").isalnum():
            return None
        try:
            return msgspec.json.decode((self.folder / f"{upload_id}.json").read_bytes(), type=Upload)
        except (OSError, msgspec.DecodeError):
            return None

    def _all(self) -> list[Upload]:
        loaded = (self._load(path.stem) for path in sorted(self.folder.glob("*.json")))
        return [upload for upload in loaded if upload is not None]

    def _save(self, upload: Upload) -> None:
        path = self.folder / f"{upload.id}.json"
        temporary = path.with_suffix(".new")
        with temporary.open("wb") as file:
            file.write(msgspec.json.encode(upload))
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
        sync_folder(self.folder)

    def _drop(self, upload_id: str) -> None:
        for suffix in (".part", ".json", ".new"):
            (self.folder / f"{upload_id}{suffix}").unlink(missing_ok=True)


class _Part:
    """The file being written. Blocks are gathered on the loop, written in a thread."""

    def __init__(self, path: Path, offset: int, size: int, checksum: tuple[str, bytes] | None) -> None:
        self._path = path
        self._start = offset
        self._size = size
        self._checksum = checksum
        self._digest = hashlib.new(checksum[0]) if checksum else None
        self._pending = bytearray()
        self._file: BinaryIO | None = None
        self._unsynced = 0
        self.at = offset

    def full_block(self, block: bytes) -> bool:
        """Gathers; True when there is enough to write. Raises TooLarge beyond the announced size."""
        if self.at + len(self._pending) + len(block) > self._size:
            raise TooLarge("library.more-than-announced", t("More arrived than was announced."), t("Start it again."))
        self._pending += block
        return len(self._pending) >= BLOCK

    def write(self) -> None:
        if self._file is None:
            self._file = self._path.open("r+b", buffering=0)
            self._file.seek(self._start)
        block = bytes(self._pending)
        view = memoryview(block)
        while view:
            written = self._file.write(view)
            self.at += written
            view = view[written:]
            del self._pending[:written]
        if self._digest is not None:
            self._digest.update(block)
        self._unsynced += len(block)
        if self._unsynced >= SYNC_EVERY:
            os.fsync(self._file.fileno())
            self._unsynced = 0

    def finish(self) -> None:
        """All of the piece came: on disk, and what it was meant to be."""
        self.write()
        if self._digest is not None and self._checksum is not None and self._digest.digest() != self._checksum[1]:
            self._cut_back()
            raise BadInput("library.checksum", t("A piece of the file was damaged on the way."), t("Send the piece again."))
        self.close()

    def keep_what_came(self) -> None:
        """The line broke or the disk filled: with a checksum promised the piece cannot be trusted, else it counts."""
        if self._file is None and self._checksum is None and self._pending:
            self._try_write()
        if self._checksum is not None:
            self._cut_back()
        elif self._file is not None:
            self._try_write()
            self.close()

    def _try_write(self) -> None:
        try:
            self.write()
        except OSError:
            return

    def _cut_back(self) -> None:
        with self._path.open("r+b") as file:
            file.truncate(self._start)
            os.fsync(file.fileno())
        self.at = self._start
        self.close()

    def close(self) -> None:
        file, self._file = self._file, None
        if file is not None:
            try:
                os.fsync(file.fileno())
            finally:
                file.close()


def _synced_size(path: Path) -> int:
    try:
        with path.open("r+b") as file:
            os.fsync(file.fileno())
            return os.fstat(file.fileno()).st_size
    except FileNotFoundError:
        return 0


def _tidy(name: str) -> str:
    """A file name without folders and control letters; it is only ever shown, never a path of ours."""
    bare = name.replace("\\", "/").rsplit("/", 1)[-1]
    return "".join(letter for letter in bare if letter.isprintable())[:200] or "?"
