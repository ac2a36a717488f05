"""Text inside MP4: subtitles (mov_text/tx3g, 3GPP TS 26.245) and chapters (a text track, or Nero's list)."""

import struct
from collections.abc import Iterator
from typing import BinaryIO

import msgspec

from densach_hub.library.formats.boxes import walk

MOST_SAMPLES = 20_000
SAMPLE_LIMIT = 4_096
_TEXT = {b"tx3g", b"text"}


class TextTrack(msgspec.Struct, frozen=True):
    """(start_ms, end_ms, words) of a track; `chapters`: another track names this one as its list of chapters."""

    language: str | None
    samples: tuple[tuple[int, int, str], ...]
    chapters: bool


def text_tracks(file: BinaryIO, size: int, moov: bytes) -> list[TextTrack]:
    """The tracks of words; whatever of them is odd is left out, never an error."""
    traks = [body for trail, body in walk(moov) if trail == (b"trak",)]
    boxes = [{trail[-1]: body for trail, body in walk(trak)} for trak in traks]
    chapter_ids = {number for box in boxes for number in _numbers(box.get(b"chap", b""))}
    found = []
    for box in boxes:
        if box.get(b"stsd", b"")[12:16] not in _TEXT:
            continue
        try:
            samples = tuple(_samples(file, size, box))
            identity = struct.unpack_from(">I", box[b"tkhd"], 20 if box[b"tkhd"][0] == 1 else 12)[0]
        except (struct.error, KeyError, IndexError, ZeroDivisionError):
            continue
        if samples:
            found.append(TextTrack(_language(box.get(b"mdhd", b"")), samples, identity in chapter_ids))
    return found


def chapters_of(moov: bytes, tracks: list[TextTrack]) -> tuple[tuple[int, str], ...]:
    """(start_ms, title) of each chapter: from the track that lists them, else from Nero's list."""
    for track in tracks:
        if track.chapters:
            return tuple((start, words) for start, _, words in track.samples)
    body = next((body for trail, body in walk(moov) if trail == (b"udta", b"chpl")), b"")
    return tuple(_nero(body))


def _nero(body: bytes) -> Iterator[tuple[int, str]]:
    """version, flags, reserved, count, then: start in units of 100 ns, length, title."""
    if len(body) < 9:
        return
    at, count = (9, body[8]) if body[0] else (5, body[4])
    for _ in range(count):
        if at + 9 > len(body):
            return
        start, length = struct.unpack_from(">QB", body, at)
        yield start // 10_000, body[at + 9 : at + 9 + length].decode("utf-8", "replace")
        at += 9 + length


def _samples(file: BinaryIO, size: int, box: dict[bytes, bytes]) -> Iterator[tuple[int, int, str]]:
    mdhd = box[b"mdhd"]
    scale = struct.unpack_from(">I", mdhd, 20 if mdhd[0] == 1 else 12)[0]
    at = 0
    for (place, length), duration in zip(_places(box), _durations(box[b"stts"]), strict=False):
        start, at = at, at + duration
        if not 2 < length <= SAMPLE_LIMIT or place + length > size:
            continue
        file.seek(place)
        body = file.read(length)
        said = int.from_bytes(body[:2], "big")
        words = body[2 : 2 + said]
        text = words.decode("utf-16" if words[:2] in {b"\xfe\xff", b"\xff\xfe"} else "utf-8", "replace").strip()
        if text:
            yield start * 1000 // scale, at * 1000 // scale, text


def _durations(stts: bytes) -> Iterator[int]:
    left = MOST_SAMPLES
    for number in range(min(struct.unpack_from(">I", stts, 4)[0], MOST_SAMPLES)):
        count, duration = struct.unpack_from(">II", stts, 8 + number * 8)
        for _ in range(min(count, left)):
            yield duration
        left -= min(count, left)


def _places(box: dict[bytes, bytes]) -> Iterator[tuple[int, int]]:
    """Where each sample lies and how long it is, from the tables of chunks and sizes."""
    stsz, stsc = box[b"stsz"], box[b"stsc"]
    same, count = struct.unpack_from(">II", stsz, 4)
    wide = b"co64" in box
    table = box[b"co64"] if wide else box[b"stco"]
    runs = [struct.unpack_from(">II", stsc, 8 + 12 * n) for n in range(min(struct.unpack_from(">I", stsc, 4)[0], MOST_SAMPLES))]
    sample, run = 0, 0
    for chunk in range(min(struct.unpack_from(">I", table, 4)[0], MOST_SAMPLES)):
        place = struct.unpack_from(">Q" if wide else ">I", table, 8 + chunk * (8 if wide else 4))[0]
        while run + 1 < len(runs) and runs[run + 1][0] <= chunk + 1:
            run += 1
        for _ in range(runs[run][1]):
            if sample >= min(count, MOST_SAMPLES):
                return
            length = same or struct.unpack_from(">I", stsz, 12 + 4 * sample)[0]
            yield place, length
            place += length
            sample += 1


def _numbers(body: bytes) -> list[int]:
    return [struct.unpack_from(">I", body, at)[0] for at in range(0, len(body) - 3, 4)]


def _language(mdhd: bytes) -> str | None:
    """Three letters of five bits each (ISO 639-2)."""
    at = 32 if mdhd[:1] == b"\x01" else 20
    if len(mdhd) < at + 2:
        return None
    packed = int.from_bytes(mdhd[at : at + 2], "big")
    code = "".join(chr((packed >> shift & 31) + 0x60) for shift in (10, 5, 0))
    return code if code.isalpha() and code != "und" else None
