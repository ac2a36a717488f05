"""The boxes of MP4 and its kin (ISO/IEC 14496-12): length, tracks, title, cover. Reads headers, never the media."""

import struct
from typing import BinaryIO

import msgspec

from densach_hub.library.formats.boxes import walk
from densach_hub.library.formats.found import Unreadable
from densach_hub.library.formats.mp4_text import TextTrack, chapters_of, text_tracks

MOVIE_LIMIT = 64 * 1024**2


class Movie(msgspec.Struct, frozen=True, kw_only=True):
    """What the movie header says. `codecs`: four-letter sample formats; `whole`: the media is all there."""

    duration_ms: int | None
    video: bool
    audio: bool
    codecs: tuple[str, ...]
    tags: dict[str, str]
    cover: bytes | None
    whole: bool
    chapters: tuple[tuple[int, str], ...] = ()
    texts: tuple[TextTrack, ...] = ()


def is_mp4(head: bytes) -> bool:
    return head[4:8] == b"ftyp" and not head[8:12].startswith((b"heic", b"mif1", b"avif"))


def read_movie(file: BinaryIO, size: int) -> Movie:
    """Raises Unreadable: truncated (no movie header), damaged."""
    moov, whole = _movie_box(file, size)
    spoken = text_tracks(file, size, moov)
    found: dict[str, bytes] = {}
    handlers: list[bytes] = []
    codecs: list[str] = []
    duration_ms = None
    for trail, body in walk(moov, ()):
        name = trail[-1]
        if name == b"mvhd":
            duration_ms = _duration(body)
        elif name == b"hdlr" and trail[-2:-1] == (b"mdia",):
            handlers.append(body[8:12])
        elif name == b"stsd" and len(body) >= 16:
            codecs.append(body[12:16].decode("ascii", "replace"))
        elif name == b"data" and len(trail) > 2 and trail[-3] == b"ilst":
            found.setdefault(trail[-2].decode("latin-1"), body[8:])
    tags = {key: value.decode("utf-8", "replace").strip() for key, value in found.items() if key != "covr"}
    return Movie(
        duration_ms=duration_ms,
        video=b"vide" in handlers,
        audio=b"soun" in handlers,
        codecs=tuple(codecs),
        tags=tags,
        cover=found.get("covr"),
        whole=whole,
        chapters=chapters_of(moov, spoken),
        texts=tuple(track for track in spoken if not track.chapters),
    )


def _movie_box(file: BinaryIO, size: int) -> tuple[bytes, bool]:
    at, moov, whole = 0, None, True
    while at + 8 <= size:
        file.seek(at)
        header = file.read(16)
        length, name = struct.unpack(">I4s", header[:8])
        start = 8
        if length == 1 and len(header) == 16:
            length, start = struct.unpack(">Q", header[8:16])[0], 16
        elif length == 0:
            length = size - at
        if length < start:
            raise Unreadable("library.damaged", f"box {name!r} of {length} bytes")
        if at + length > size:
            whole = False
        if name == b"moov":
            if length > MOVIE_LIMIT:
                raise Unreadable("library.part-too-large", "moov")
            file.seek(at + start)
            moov = file.read(length - start)
        at += length
    if moov is None:
        raise Unreadable("library.truncated" if not whole or at != size else "library.damaged", "no moov")
    return moov, whole and at == size


def _duration(body: bytes) -> int | None:
    try:
        if body[0] == 1:
            scale, units = struct.unpack_from(">IQ", body, 20)
        else:
            scale, units = struct.unpack_from(">II", body, 12)
    except (struct.error, IndexError):
        return None
    return int(units * 1000 / scale) if scale and units not in {0, 0xFFFFFFFF} else None
