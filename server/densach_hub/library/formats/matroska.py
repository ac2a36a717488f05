"""Matroska and WebM headers (RFC 8794, RFC 9559): length, title, kinds of tracks. Stops where the media begins."""

import struct
from pathlib import Path
from typing import BinaryIO

import msgspec

from densach_hub.library.formats.found import Unreadable

_EBML, _DOC_TYPE, _SEGMENT = 0x1A45DFA3, 0x4282, 0x18538067
_INFO, _SCALE, _DURATION, _TITLE = 0x1549A966, 0x2AD7B1, 0x4489, 0x7BA9
_TRACKS, _TRACK, _TYPE, _CODEC, _CLUSTER = 0x1654AE6B, 0xAE, 0x83, 0x86, 0x1F43B675
_INSIDE = {_EBML, _SEGMENT, _INFO, _TRACKS, _TRACK}
MOST_ELEMENTS = 5_000


class Recording(msgspec.Struct, frozen=True, kw_only=True):
    doc_type: str
    duration_ms: int | None
    title: str | None
    video: bool
    audio: bool
    codecs: tuple[str, ...]
    whole: bool


def is_matroska(head: bytes) -> bool:
    return head.startswith(b"\x1a\x45\xdf\xa3")


def read_recording(path: Path, size: int) -> Recording:
    """Raises Unreadable("library.damaged") when there is no segment."""
    scale, duration, title, doc_type = 1_000_000, None, None, ""
    kinds: set[int] = set()
    codecs: list[str] = []
    whole, seen_segment = True, False
    with path.open("rb") as file:
        for _ in range(MOST_ELEMENTS):
            header = _header(file)
            if header is None:
                break
            name, length = header
            if name == _SEGMENT:
                seen_segment = True
                whole = length is None or file.tell() + length <= size
            if name == _CLUSTER:
                break
            if name in _INSIDE:
                continue
            if length is None:
                break
            if name in {_SCALE, _DURATION, _TITLE, _DOC_TYPE, _TYPE, _CODEC} and length <= 4096:
                body = file.read(length)
                if name == _SCALE:
                    scale = int.from_bytes(body, "big") or scale
                elif name == _DURATION and length in {4, 8}:
                    duration = struct.unpack(">f" if length == 4 else ">d", body)[0]
                elif name == _TITLE:
                    title = body.decode("utf-8", "replace").strip("\0 ") or None
                elif name == _DOC_TYPE:
                    doc_type = body.decode("ascii", "replace").strip("\0")
                elif name == _TYPE:
                    kinds.add(int.from_bytes(body, "big"))
                else:
                    codecs.append(body.decode("ascii", "replace"))
            else:
                file.seek(length, 1)
    if not seen_segment:
        raise Unreadable("library.truncated" if size < 4096 else "library.damaged", "no segment")
    return Recording(
        doc_type=doc_type,
        duration_ms=int(duration * scale / 1_000_000) if duration is not None else None,
        title=title,
        video=1 in kinds,
        audio=2 in kinds,
        codecs=tuple(codecs),
        whole=whole,
    )


def _header(file: BinaryIO) -> tuple[int, int | None] | None:
    """Element id and length; a length of all ones is unknown (None)."""
    name = _number(file, keep_mark=True)
    if name is None:
        return None
    length = _number(file, keep_mark=False)
    if length is None:
        return None
    return name, None if length < 0 else length


def _number(file: BinaryIO, *, keep_mark: bool) -> int | None:
    first = file.read(1)
    if not first or first[0] == 0:
        return None
    extra = 8 - first[0].bit_length()
    rest = file.read(extra)
    if len(rest) < extra:
        return None
    value = int.from_bytes(first + rest, "big")
    if keep_mark:
        return value
    bits = 7 * (extra + 1)
    value &= (1 << bits) - 1
    return -1 if value == (1 << bits) - 1 else value
