"""What a ZIM file says of itself that needs no library to read (openzim.org, ZIM file format): whole or not, and its title.

The articles are packed with zstd, which only libzim reads; the header and the directory are not, and the title often is not.
"""

import lzma
import struct
from pathlib import Path
from typing import BinaryIO

import msgspec

from densach_hub.library.formats.found import Unreadable

MAGIC = b"ZIM\x04"
_HEADER = struct.Struct("<4sHH16sIIQQQQIIQ")
_OFFSET = struct.Struct("<Q")
_DIRENT = struct.Struct("<HBcIII")
NO_COMPRESSION, LZMA = {0, 1}, 4
REDIRECT = 0xFFFF
CHECKSUM_BYTES = 16
MOST_NAME = 2_000
MOST_PACKED = 1024**2


class Header(msgspec.Struct, frozen=True):
    """Counts, and where the tables lie (bytes from the file's beginning)."""

    entries: int
    clusters: int
    paths_at: int
    clusters_at: int
    checksum_at: int


def header_of(file: BinaryIO, size: int) -> Header:
    """Raises Unreadable: truncated (also half-copied), damaged."""
    head = file.read(_HEADER.size)
    if len(head) < _HEADER.size:
        raise Unreadable("library.truncated", "header")
    magic, _, _, _, entries, clusters, paths_at, _, clusters_at, _, _, _, checksum_at = _HEADER.unpack(head)
    if magic != MAGIC:
        raise Unreadable("library.damaged", "no ZIM file")
    if checksum_at + CHECKSUM_BYTES > size:
        raise Unreadable("library.truncated", f"{size} of {checksum_at + CHECKSUM_BYTES} bytes")
    if paths_at + 8 * entries > size or clusters_at + 8 * clusters > size or entries == 0 or clusters == 0:
        raise Unreadable("library.damaged", "tables outside the file")
    return Header(entries, clusters, paths_at, clusters_at, checksum_at)


def title_of(path: Path) -> str | None:
    """The title, where it can be read without libzim; None else. Raises Unreadable as `header_of` does."""
    size = path.stat().st_size
    with path.open("rb") as file:
        header = header_of(file, size)
        try:
            return _metadata(file, header, size, b"Title")
        except (struct.error, lzma.LZMAError, EOFError, ValueError, IndexError):
            return None


def _metadata(file: BinaryIO, header: Header, size: int, name: bytes) -> str | None:
    low, high = 0, header.entries
    while low < high:
        middle = (low + high) // 2
        at = _number(file, header.paths_at + 8 * middle)
        mime, namespace, cluster, blob, called = _dirent(file, at)
        if (namespace, called) == (b"M", name):
            return None if mime == REDIRECT else _blob(file, header, size, cluster, blob)
        if (namespace, called) < (b"M", name):
            low = middle + 1
        else:
            high = middle
    return None


def _dirent(file: BinaryIO, at: int) -> tuple[int, bytes, int, int, bytes]:
    file.seek(at)
    body = file.read(_DIRENT.size + MOST_NAME)
    mime, _, namespace, _, cluster, blob = _DIRENT.unpack_from(body)
    start = _DIRENT.size if mime != REDIRECT else _DIRENT.size - 4
    return mime, namespace, cluster, blob, body[start : body.index(b"\0", start)]


def _blob(file: BinaryIO, header: Header, size: int, cluster: int, blob: int) -> str | None:
    if cluster >= header.clusters:
        return None
    at = _number(file, header.clusters_at + 8 * cluster)
    end = (
        _number(file, header.clusters_at + 8 * (cluster + 1)) if cluster + 1 < header.clusters else min(size, header.checksum_at)
    )
    file.seek(at)
    info = file.read(1)[0]
    packed = file.read(min(MOST_PACKED, max(0, end - at - 1)))
    if info & 15 == LZMA:
        packed = lzma.LZMADecompressor(memlimit=64 * 1024**2).decompress(packed, max_length=MOST_PACKED)
    elif info & 15 not in NO_COMPRESSION:
        return None
    width = struct.Struct("<Q" if info & 16 else "<I")
    first, last = (width.unpack_from(packed, width.size * (blob + n))[0] for n in (0, 1))
    return " ".join(packed[first:last][:MOST_NAME].decode("utf-8", "replace").split()) or None


def _number(file: BinaryIO, at: int) -> int:
    file.seek(at)
    return int(_OFFSET.unpack(file.read(8))[0])
