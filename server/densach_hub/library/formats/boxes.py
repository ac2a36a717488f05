"""The boxes of ISO base media files (ISO/IEC 14496-12), one inside the other."""

import struct
from collections.abc import Iterator

_CONTAINERS = {b"moov", b"trak", b"mdia", b"minf", b"stbl", b"udta", b"ilst", b"tref"}


def walk(body: bytes, trail: tuple[bytes, ...] = (), depth: int = 0) -> Iterator[tuple[tuple[bytes, ...], bytes]]:
    """(names from the outside in, content) of every box; stops quietly where one does not fit into the other."""
    at = 0
    while at + 8 <= len(body):
        length, name = struct.unpack_from(">I4s", body, at)
        start = 8
        if length == 1 and at + 16 <= len(body):
            length, start = struct.unpack_from(">Q", body, at + 8)[0], 16
        elif length == 0:
            length = len(body) - at
        if length < start or at + length > len(body):
            return
        part = body[at + start : at + length]
        inside = (*trail, name)
        yield inside, part
        if depth < 12:
            if name == b"meta":
                part = part[4:] if part[4:8] != b"hdlr" else part
                yield from walk(part, inside, depth + 1)
            elif name in _CONTAINERS or trail[-1:] == (b"ilst",):
                yield from walk(part, inside, depth + 1)
        at += length
