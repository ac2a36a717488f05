"""What was said of an item over time: each change by a person, an import or a merge leaves the record as it became.

The first version is written together with the first change, so that a catalogue nobody touched costs nothing.
"""

import sqlite3

import msgspec

from densach_hub.library.model import Item, Record
from densach_hub.library.store import record_of

_records = msgspec.json.Decoder(Record)


class Version(msgspec.Struct, frozen=True, kw_only=True):
    """`why`: added, edited, many, restored, import, import-undone, merged, merge-undone. `at` in epoch ms."""

    seq: int
    at: int
    by: str
    why: str
    record: Record


def keep(c: sqlite3.Connection, old: Item, new: Item, *, at: int, by: str, why: str) -> None:
    """Notes a change that was just written; a saving that changed nothing leaves nothing."""
    before, after = record_of(old), record_of(new)
    if before == after:
        return
    if c.execute("SELECT 1 FROM item_version WHERE item_id = ? LIMIT 1", (new.id,)).fetchone() is None:
        _add(c, new.id, old.added_at, old.added_by, "added", before)
    _add(c, new.id, at, by, why, after)


def _add(c: sqlite3.Connection, item_id: str, at: int, by: str, why: str, record: Record) -> None:
    c.execute(
        "INSERT INTO item_version (item_id, at, by, why, record) VALUES (?, ?, ?, ?, ?)",
        (item_id, at, by, why, msgspec.json.encode(record).decode()),
    )


def of(c: sqlite3.Connection, item_id: str, limit: int = 100) -> list[Version]:
    """Newest first; empty when nothing was ever changed."""
    rows = c.execute("SELECT * FROM item_version WHERE item_id = ? ORDER BY seq DESC LIMIT ?", (item_id, limit))
    return [_version(row) for row in rows]


def one(c: sqlite3.Connection, item_id: str, seq: int) -> Version | None:
    row = c.execute("SELECT * FROM item_version WHERE item_id = ? AND seq = ?", (item_id, seq)).fetchone()
    return _version(row) if row else None


def _version(row: sqlite3.Row) -> Version:
    return Version(seq=row["seq"], at=row["at"], by=row["by"], why=row["why"], record=_records.decode(row["record"]))
