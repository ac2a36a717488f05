"""Sound: MP3 with ID3, OGG (Vorbis, Opus), WAV, FLAC; length, title, performer, cover where the file has them."""

import struct
from collections.abc import Iterator
from typing import BinaryIO

import msgspec

from densach_hub.library.formats.found import Found, Source, Unreadable
from densach_hub.library.formats.workshop import Workshop
from densach_hub.library.model import Creator, Heading, Kind

TAG_LIMIT = 16 * 1024**2
MOST_CHAPTERS = 500
_BITRATES = {
    (3, 3): (32, 64, 96, 128, 160, 192, 224, 256, 288, 320, 352, 384, 416, 448),
    (3, 2): (32, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384),
    (3, 1): (32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320),
    (2, 3): (32, 48, 56, 64, 80, 96, 112, 128, 144, 160, 176, 192, 224, 256),
    (2, 2): (8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
    (2, 1): (8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
}
"""(MPEG 1 = 3 / MPEG 2 = 2, layer bits) → kbit/s by index from 1."""
_ID3_NAMES = {
    "TIT2": "title",
    "TT2": "title",
    "TPE1": "artist",
    "TP1": "artist",
    "TDRC": "date",
    "TYER": "date",
    "TLAN": "language",
    "TALB": "album",
    "TAL": "album",
}
_RATES = {3: (44100, 48000, 32000), 2: (22050, 24000, 16000), 0: (11025, 12000, 8000)}


class Song(msgspec.Struct, frozen=True):
    """What an MP3 says; `chapters`: (start_ms, title) from its CHAP frames (ID3v2 Chapter Frame Addendum)."""

    tags: dict[str, str]
    cover: bytes | None
    duration_ms: int
    chapters: tuple[tuple[int, str], ...]


def read_mp3(file: BinaryIO, size: int) -> Song:
    """Raises Unreadable when no sound is in it."""
    tags, cover, start, chapters = _id3(file)
    duration_ms = _mp3_length(file, start, size)
    if duration_ms is None:
        raise Unreadable("library.damaged", "no sound frame")
    return Song(tags, cover, duration_ms, tuple(sorted(chapters)[:MOST_CHAPTERS]))


class Mp3:
    def fits(self, source: Source) -> bool:
        head = source.head
        if head.startswith(b"ID3"):
            return True
        if head.startswith(b"\xff\xfe"):
            return False  # the mark of UTF-16, which also reads as a frame of a layer nobody uses
        return len(head) > 4 and head[0] == 0xFF and _frame(head[:4]) is not None

    def read(self, source: Source, workshop: Workshop) -> Found:
        with source.path.open("rb") as file:
            song = read_mp3(file, source.size)
        if song.cover:
            workshop.cover(song.cover)
        found = _sound("audio/mpeg", (".mp3",), song.tags, song.duration_ms)
        headings = tuple(Heading(title[:200] or "…", start // 1000) for start, title in song.chapters)
        return msgspec.structs.replace(found, headings=headings)


class Ogg:
    def fits(self, source: Source) -> bool:
        return source.head.startswith(b"OggS")

    def read(self, source: Source, workshop: Workshop) -> Found:  # noqa: ARG002 - a sound has no text
        with source.path.open("rb") as file:
            start = file.read(min(source.size, 1024**2))
            file.seek(max(0, source.size - 131_072))
            end = file.read()
        video = b"\x80theora" in start[:4096]
        opus = start.find(b"OpusHead", 0, 4096)
        vorbis = start.find(b"\x01vorbis", 0, 4096)
        if opus < 0 and vorbis < 0 and not video:
            raise Unreadable("library.damaged", "no known sound in OGG")
        rate = 48000 if opus >= 0 else struct.unpack_from("<I", start, vorbis + 12)[0] if vorbis >= 0 else 0
        last = end.rfind(b"OggS")
        granule = struct.unpack_from("<q", end, last + 6)[0] if last >= 0 and last + 14 <= len(end) else -1
        duration_ms = granule * 1000 // rate if rate and granule > 0 and not video else None
        found = _sound("audio/ogg", (".ogg", ".oga", ".opus", ".ogv"), _vorbis_comments(start), duration_ms)
        return found if not video else Found(kind=Kind.VIDEO, media_type="video/ogg", suffixes=(".ogv", ".ogg"))


class Wave:
    def fits(self, source: Source) -> bool:
        return source.head[:4] == b"RIFF" and source.head[8:12] == b"WAVE"

    def read(self, source: Source, workshop: Workshop) -> Found:  # noqa: ARG002 - a sound has no text
        rate, length = 0, None
        with source.path.open("rb") as file:
            at = 12
            while at + 8 <= source.size:
                file.seek(at)
                name, size = struct.unpack("<4sI", file.read(8))
                if name == b"fmt ":
                    rate = struct.unpack_from("<I", file.read(12), 8)[0]
                elif name == b"data":
                    length = min(size, source.size - at - 8)
                    break
                at += 8 + size + size % 2
        if not rate or length is None:
            raise Unreadable("library.damaged", "no sound in WAV")
        return _sound("audio/wav", (".wav",), {}, length * 1000 // rate)


class Flac:
    def fits(self, source: Source) -> bool:
        return source.head.startswith(b"fLaC")

    def read(self, source: Source, workshop: Workshop) -> Found:  # noqa: ARG002 - a sound has no text
        head = source.head
        if len(head) < 42:
            raise Unreadable("library.truncated")
        packed = int.from_bytes(head[18:26], "big")
        rate, samples = packed >> 44, packed & ((1 << 36) - 1)
        return _sound("audio/flac", (".flac",), {}, samples * 1000 // rate if rate and samples else None)


def _sound(media_type: str, suffixes: tuple[str, ...], tags: dict[str, str], duration_ms: int | None) -> Found:
    artist = tags.get("artist")
    return Found(
        kind=Kind.AUDIO,
        media_type=media_type,
        suffixes=suffixes,
        title=tags.get("title") or None,
        creators=(Creator(artist),) if artist else (),
        published=(tags.get("date") or "")[:10] or None,
        language=tags.get("language") or None,
        duration_ms=duration_ms,
    )


def _id3(file: BinaryIO) -> tuple[dict[str, str], bytes | None, int, list[tuple[int, str]]]:
    """ID3v2 tags, the picture, where the sound begins, the chapters."""
    head = file.read(10)
    if not head.startswith(b"ID3") or len(head) < 10:
        return {}, None, 0, []
    version = head[3]
    size = _syncsafe(head[6:10])
    body = file.read(min(size, TAG_LIMIT))
    tags: dict[str, str] = {}
    cover = None
    chapters: list[tuple[int, str]] = []
    for name, part in _frames(body, version):
        if name in _ID3_NAMES and part:
            tags[_ID3_NAMES[name]] = _id3_text(part)
        elif name == "APIC" and cover is None:
            cover = _picture(part)
        elif name == "CHAP" and (chapter := _chapter(part, version)) is not None and len(chapters) < MOST_CHAPTERS:
            chapters.append(chapter)
    return tags, cover, 10 + size, chapters


def _frames(body: bytes, version: int) -> Iterator[tuple[str, bytes]]:
    at, id_length = 0, 3 if version == 2 else 4
    header = 6 if version == 2 else 10
    while at + header < len(body) and body[at] != 0:
        raw = body[at + id_length : at + id_length * 2]
        length = _syncsafe(raw) if version == 4 else int.from_bytes(raw, "big")
        yield body[at : at + id_length].decode("latin-1"), body[at + header : at + header + length]
        at += header + max(length, 1)


def _chapter(part: bytes, version: int) -> tuple[int, str] | None:
    """Element id, start and end in ms, two byte offsets, then frames of its own: the title among them."""
    at = part.find(b"\0") + 1
    if at == 0 or len(part) < at + 16:
        return None
    start: int = struct.unpack_from(">I", part, at)[0]
    title = next((_id3_text(inner) for name, inner in _frames(part[at + 16 :], version) if name == "TIT2" and inner), "")
    return start, title


def _syncsafe(raw: bytes) -> int:
    value = 0
    for byte in raw:
        value = value << 7 | byte & 0x7F
    return value


def _id3_text(part: bytes) -> str:
    encoding = ("latin-1", "utf-16", "utf-16-be", "utf-8")[part[0]] if part[0] < 4 else "latin-1"
    return part[1:].decode(encoding, "replace").split("\0")[0].strip()


def _picture(part: bytes) -> bytes | None:
    """encoding, MIME type, kind, description, picture."""
    mime_end = part.find(b"\0", 1)
    if mime_end < 0 or len(part) < mime_end + 3:
        return None
    wide = part[0] in {1, 2}
    at = mime_end + 2
    end = part.find(b"\0\0" if wide else b"\0", at)
    while wide and end >= 0 and (end - at) % 2:
        end = part.find(b"\0\0", end + 1)
    return part[end + (2 if wide else 1) :] if end >= 0 else None


def _frame(head: bytes) -> tuple[int, int, int, int] | None:
    """kbit/s, samples a second, samples a frame, MPEG version; None when it is no frame header."""
    if len(head) < 4 or head[0] != 0xFF or head[1] & 0xE0 != 0xE0:
        return None
    version, layer = head[1] >> 3 & 3, head[1] >> 1 & 3
    rate_index, bit_index = head[2] >> 2 & 3, head[2] >> 4
    if version == 1 or layer == 0 or rate_index == 3 or bit_index in {0, 15}:
        return None
    kbits = _BITRATES[(3 if version == 3 else 2, layer)][bit_index - 1]
    samples = 384 if layer == 3 else 1152 if layer == 2 or version == 3 else 576
    return kbits, _RATES[version][rate_index], samples, version


def _mp3_length(file: BinaryIO, start: int, size: int) -> int | None:
    file.seek(start)
    block = file.read(65_536)
    for at in range(len(block) - 4):
        if block[at] == 0xFF and (frame := _frame(block[at : at + 4])) is not None:
            break
    else:
        return None
    kbits, rate, samples, _ = frame
    for mark in (b"Xing", b"Info"):
        found = block.find(mark, at, at + 200)
        if found >= 0 and len(block) >= found + 12 and block[found + 7] & 1:
            frames = int.from_bytes(block[found + 8 : found + 12], "big")
            return frames * samples * 1000 // rate
    return (size - start - at) * 8 // kbits


def _vorbis_comments(start: bytes) -> dict[str, str]:
    for mark in (b"\x03vorbis", b"OpusTags"):
        at = start.find(mark)
        if at >= 0:
            break
    else:
        return {}
    tags: dict[str, str] = {}
    try:
        at += len(mark)
        at += 4 + struct.unpack_from("<I", start, at)[0]
        count = struct.unpack_from("<I", start, at)[0]
        at += 4
        for _ in range(min(count, 200)):
            length = struct.unpack_from("<I", start, at)[0]
            key, _, value = start[at + 4 : at + 4 + length].decode("utf-8", "replace").partition("=")
            tags.setdefault(key.lower(), value.strip())
            at += 4 + length
    except struct.error:
        pass
    return tags
