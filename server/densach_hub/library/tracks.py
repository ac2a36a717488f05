"""Subtitles beside a film: those its file brought and those a librarian added, as WebVTT files of ours in the vault."""

import sqlite3
from collections.abc import Sequence
from pathlib import Path

import msgspec

from densach_core.database import Database
from densach_core.errors import NotFound
from densach_core.migrations import Migration
from densach_core.text import t
from densach_hub.library.vault import Vault

MIGRATIONS = [
    Migration(
        "subtitles",
        """
        CREATE TABLE track (
            id INTEGER PRIMARY KEY, item_id TEXT NOT NULL, language TEXT, label TEXT, file TEXT NOT NULL, added INTEGER NOT NULL,
            UNIQUE (item_id, file)
        );
        """,
    ),
]


class Track(msgspec.Struct, frozen=True):
    """Subtitles of an item. `file`: SHA-256 name of the WebVTT; `added`: by a person, not found in the item's own file."""

    id: int
    language: str | None
    label: str | None
    file: str
    added: bool


class Tracks:
    """The subtitles of all items."""

    def __init__(self, school: Database, vault: Vault) -> None:
        self._school = school
        self._vault = vault

    async def of(self, item_id: str) -> list[Track]:
        return await self._school.read(lambda c: _of(c, item_id))

    async def one(self, item_id: str, track_id: int) -> Path:
        """Where its WebVTT lies. Raises NotFound."""
        found = next((track for track in await self.of(item_id) if track.id == track_id), None)
        if found is None or not self._vault.has(found.file):
            raise NotFound("library.no-subtitles", t("There are no such subtitles."))
        return self._vault.path(found.file)

    async def added(self, item_id: str) -> list[Path]:
        """The files of those a person added: their words are the item's text too."""
        paths = [self._vault.path(track.file) for track in await self.of(item_id) if track.added]
        return [path for path in paths if path.is_file()]

    async def found(self, item_id: str, tracks: Sequence[tuple[str, str | None, str | None]]) -> None:
        """What the item's own file brought, in place of what it brought before: (file, language, label)."""

        def put(c: sqlite3.Connection) -> None:
            c.execute("DELETE FROM track WHERE item_id = ? AND added = 0", (item_id,))
            _add(c, item_id, tracks, added=False)

        await self._school.write(put)

    async def add(self, item_id: str, file: str, language: str | None, label: str | None) -> None:
        await self._school.write(lambda c: _add(c, item_id, [(file, language, label)], added=True))

    async def remove(self, item_id: str, track_id: int) -> None:
        """Takes away what a person added; what is in the film itself stays. Raises NotFound."""

        def drop(c: sqlite3.Connection) -> int:
            return c.execute("DELETE FROM track WHERE item_id = ? AND id = ? AND added = 1", (item_id, track_id)).rowcount

        if not await self._school.write(drop):
            raise NotFound("library.no-subtitles", t("There are no such subtitles."))


def _of(c: sqlite3.Connection, item_id: str) -> list[Track]:
    rows = c.execute("SELECT * FROM track WHERE item_id = ? ORDER BY language != 'vi', id", (item_id,))
    return [Track(r["id"], r["language"], r["label"], r["file"], bool(r["added"])) for r in rows]


def _add(c: sqlite3.Connection, item_id: str, tracks: Sequence[tuple[str, str | None, str | None]], *, added: bool) -> None:
    c.executemany(
        "INSERT OR IGNORE INTO track (item_id, file, language, label, added) VALUES (?, ?, ?, ?, ?)",
        [(item_id, file, language, label, added) for file, language, label in tracks],
    )
