"""Pieces of pages kept in memory until something changes: bounded by their bytes, gone at once when they are out of date."""

from collections.abc import Hashable


class Kept:
    """HTML by a key, as UTF-8 (Vietnamese text takes two bytes a letter as `str`). Full, it begins anew.

    What was put under an older generation is thrown away with the first question of a newer one, not when there is no room.
    """

    def __init__(self, most_bytes: int) -> None:
        self._most_bytes = most_bytes
        self._bytes = 0
        self._generation = 0
        self._bodies: dict[Hashable, bytes] = {}

    def get(self, generation: int, key: Hashable) -> str | None:
        self._turn(generation)
        body = self._bodies.get(key)
        return None if body is None else body.decode()

    def put(self, generation: int, key: Hashable, html: str) -> None:
        self._turn(generation)
        body = html.encode()
        if self._bytes + len(body) > self._most_bytes:
            self._clear()
        if len(body) <= self._most_bytes:
            self._bytes += len(body) - len(self._bodies.get(key, b""))
            self._bodies[key] = body

    def __len__(self) -> int:
        return len(self._bodies)

    def _turn(self, generation: int) -> None:
        if generation != self._generation:
            self._clear()
            self._generation = generation

    def _clear(self) -> None:
        self._bodies.clear()
        self._bytes = 0
