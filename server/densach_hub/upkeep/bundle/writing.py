"""Writes a bundle: hashed, signed, then streamed into a file that has its name only when all of it is on the disk."""

import hashlib
import io
import os
import tarfile
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from typing import BinaryIO

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from densach_core.whole_file import sync_folder
from densach_hub.upkeep.bundle import problems
from densach_hub.upkeep.bundle.gathering import Piece, Wanted, digest
from densach_hub.upkeep.bundle.model import FORMAT, MANIFEST, SIGNATURE, Entry, Manifest, Signature
from densach_hub.upkeep.bundle.room import FAT, FAT_LIMIT, enough_room, file_system
from densach_hub.upkeep.bundle.rules import human

Progress = Callable[[str], None]
SUMS = "SHA256SUMS"
"""The list of files once more, for `sha256sum --check` on a machine without Python."""


def write(file: Path, pieces: list[Piece], wanted: Wanted, key: Ed25519PrivateKey, told: Progress) -> Manifest:
    """Raises Problem: bundle.damaged (the cache), bundle.no-room, bundle.fat32. An interrupted run leaves no `file`."""
    told(f"{len(pieces)} files: SHA-256")
    entries = [_entry(piece) for piece in pieces]
    sums = "".join(f"{entry.sha256}  {entry.path}\n" for entry in entries).encode()
    pieces = [Piece(SUMS, sums), *pieces]
    entries = [_entry(pieces[0]), *entries]
    ours = next((entry.sha256 for entry in entries if entry.path.startswith("wheels/densach-")), "")
    manifest = Manifest(
        FORMAT, wanted.made_at, version("densach"), ours[:12], wanted.suite, wanted.architecture, wanted.python, wanted.sets,
        tuple(entries),
    )  # fmt: skip
    body = msgspec.json.format(msgspec.json.encode(manifest), indent=1)
    signature = Signature(FORMAT, "ed25519", key.public_key().public_bytes_raw().hex(), key.sign(body).hex())
    heads = [Piece(SIGNATURE, msgspec.json.encode(signature)), Piece(MANIFEST, body)]
    size = manifest.size + len(body) + 1024 * (len(entries) + 30)
    file.parent.mkdir(parents=True, exist_ok=True)
    if size > FAT_LIMIT and file_system(file.parent) in FAT:
        raise problems.too_large_for_fat(str(file), human(size))
    enough_room(file.parent, size)
    draft = file.with_name(f".{file.name}.part")
    try:
        with draft.open("wb") as out:
            _stream(out, [*heads, *pieces], {entry.path: entry for entry in entries}, wanted.made_at // 1000, told)
            out.flush()
            os.fsync(out.fileno())
        draft.replace(file)
    except BaseException:
        draft.unlink(missing_ok=True)
        raise
    sync_folder(file.parent)
    return manifest


def _entry(piece: Piece) -> Entry:
    found = digest(piece)
    if piece.sha256 is not None and piece.sha256 != found:
        assert piece.source is not None  # noqa: S101
        piece.source.unlink()
        raise problems.damaged(str(piece.source))
    return Entry(piece.path, found, piece.size, piece.run)


def _stream(out: BinaryIO, pieces: list[Piece], entries: dict[str, Entry], at_s: int, told: Progress) -> None:
    total = sum(piece.size for piece in pieces)
    done, tenth = 0, 0
    with tarfile.open(fileobj=out, mode="w", format=tarfile.GNU_FORMAT) as tar:
        for piece in pieces:
            head = tarfile.TarInfo(piece.path)
            head.size, head.mtime, head.mode = piece.size, at_s, 0o755 if piece.run else 0o644
            if piece.body is not None:
                tar.addfile(head, io.BytesIO(piece.body))
            else:
                assert piece.source is not None  # noqa: S101
                head.size = entries[piece.path].size
                with piece.source.open("rb") as source:
                    hashed = Hashed(source)
                    tar.addfile(head, hashed)
                    if hashed.digest.hexdigest() != entries[piece.path].sha256:
                        raise problems.damaged(str(piece.source))  # it changed while we worked
            done += piece.size
            if done * 10 // max(total, 1) > tenth:
                tenth = done * 10 // total
                told(f"{human(done)}/{human(total)}")


class Hashed(io.RawIOBase):
    """A file whose bytes are hashed as they are read."""

    def __init__(self, source: BinaryIO) -> None:
        self._source = source
        self.digest = hashlib.sha256()

    def read(self, size: int = -1, /) -> bytes:
        body = self._source.read(size)
        self.digest.update(body)
        return body
