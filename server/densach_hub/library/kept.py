"""Pieces of pages kept in memory until something changes: bounded by their bytes, gone at once when they are out of date."""

import zlib
from collections import OrderedDict
from collections.abc import Hashable

OVERHEAD = 400
"""Bytes of a key, an entry and what Python takes for both, beside the body."""

PACK_FROM = 4_000
"""Unpacking a page of 30 KB costs a tenth of a millisecond, drawing it two; packed, six times as many are kept."""
_PACKED, _PLAIN = b"z", b"-"


class Shelved:
    """Bodies by a key. Full, it lets go of what was longest not asked for.

    What was put under an older generation is thrown away with the first question of a newer one, not when there is no room.
    """

    def __init__(self, most_bytes: int) -> None:
        self._most_bytes = most_bytes
        self._bytes = 0
        self._generation = 0
        self._bodies: OrderedDict[Hashable, bytes] = OrderedDict()

    def get(self, generation: int, key: Hashable) -> bytes | None:
        self._turn(generation)
        body = self._bodies.get(key)
        if body is not None:
            self._bodies.move_to_end(key)
        return body

    def put(self, generation: int, key: Hashable, body: bytes) -> None:
        self._turn(generation)
        self._drop(self._bodies.pop(key, None))
        if len(body) + OVERHEAD > self._most_bytes:
            return
        self._bodies[key] = body
        self._bytes += len(body) + OVERHEAD
        while self._bytes > self._most_bytes:
            self._drop(self._bodies.popitem(last=False)[1])

    def __len__(self) -> int:
        return len(self._bodies)

    def _drop(self, body: bytes | None) -> None:
        if body is not None:
            self._bytes -= len(body) + OVERHEAD

    def _turn(self, generation: int) -> None:
        if generation != self._generation:
            self._bodies.clear()
            self._bytes = 0
            self._generation = generation


class Kept:
    """HTML by a key, as UTF-8 (Vietnamese text takes two bytes a letter as `str`), compressed where it is long."""

    def __init__(self, most_bytes: int) -> None:
        self._shelved = Shelved(most_bytes)

    def get(self, generation: int, key: Hashable) -> str | None:
        body = self._shelved.get(generation, key)
        if body is None:
            return None
        return (zlib.decompress(body[1:]) if body[:1] == _PACKED else body[1:]).decode()

    def put(self, generation: int, key: Hashable, html: str) -> None:
        body = html.encode()
        self._shelved.put(generation, key, _PACKED + zlib.compress(body, 1) if len(body) >= PACK_FROM else _PLAIN + body)

    def __len__(self) -> int:
        return len(self._shelved)
