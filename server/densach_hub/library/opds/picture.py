"""A small PNG for items without a cover: OPDS wants PNG, JPEG or GIF where ours are SVG. Colour and lamp, no letters."""

import struct
import zlib
from functools import lru_cache

from densach_hub.library.covers import TONES

WIDTH, HEIGHT = 240, 320
SPINE = 10
LAMP_X, LAMP_Y, LAMP_R = 44, 50, 13
LAMP = (0xF2, 0xA7, 0x1B)


@lru_cache(maxsize=len(TONES))
def plain_cover(tone: int) -> bytes:
    """The picture of a tone (0–7), some 700 bytes."""
    ground = bytes.fromhex(TONES[tone][1:])
    palette = ground + bytes(part * 82 // 100 for part in ground) + bytes(LAMP)
    rows = bytearray()
    for y in range(HEIGHT):
        row = bytearray(WIDTH)
        row[:SPINE] = b"\x01" * SPINE
        for x in range(LAMP_X - LAMP_R, LAMP_X + LAMP_R + 1):
            if (x - LAMP_X) ** 2 + (y - LAMP_Y) ** 2 <= LAMP_R**2:
                row[x] = 2
        rows += b"\x00" + row
    header = struct.pack(">IIBBBBB", WIDTH, HEIGHT, 8, 3, 0, 0, 0)
    parts = ((b"IHDR", header), (b"PLTE", palette), (b"IDAT", zlib.compress(bytes(rows), 9)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(name, body) for name, body in parts)


def _chunk(name: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))
